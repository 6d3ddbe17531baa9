"""Which rows no verifier can check: found before a model is asked a single question."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from .verdict import Verifier
from .verifiers import VERIFIERS


@dataclass(frozen=True, kw_only=True)
class Audit:
    """`counts` by verifier (`verifier, rows, uncheckable`); `uncheckable`, the rows with their `problem`, in order."""

    rows: int
    counts: pl.DataFrame
    uncheckable: pl.DataFrame


def audit(rows: pl.DataFrame, verifiers: Mapping[str, Verifier] = VERIFIERS) -> Audit:
    """Ask each row's verifier whether an answer could be checked by the row's reference.

    `rows` are of the kind verifiable: `id`, `answer`, `verifier`. The same reference is looked at once. References of
    `python-tests` are run, against an empty program.
    """
    references = rows.select("verifier", "answer").unique(maintain_order=True)
    found = [_problem(name, answer, verifiers) for name, answer in references.iter_rows()]
    judged = references.with_columns(problem=pl.Series(found, dtype=pl.String))
    # A null joins a null here: a row without a verifier must not get lost.
    marked = rows.select("id", "verifier", "answer").join(
        judged, on=["verifier", "answer"], how="left", nulls_equal=True, maintain_order="left"
    )
    bad = pl.col("problem") != ""
    counts = marked.group_by("verifier").agg(rows=pl.len(), uncheckable=bad.sum()).sort("verifier")
    return Audit(rows=rows.height, counts=counts, uncheckable=marked.filter(bad))


def _problem(name: str | None, answer: str | None, verifiers: Mapping[str, Verifier]) -> str:
    if name is None:
        return "no verifier is named"
    if name not in verifiers:
        return f"{name!r} is no verifier; there are {', '.join(verifiers)}"
    if answer is None:
        return "the reference is missing"
    return verifiers[name].problem(answer)
