"""What the facts say of a mixture and of token shards: what was asked of each source, and what it gave."""

from collections.abc import Mapping
from typing import Any

from .account import facts
from .plain import count, one_line, plural, share

HEADER = ("source", "weight", "it holds", "asked", "got", "got of asked", "rows", "times over")


def about(version: Mapping[str, Any]) -> list[str]:
    """The mixture and the token shards in sentences; none for another version."""
    said = []
    if mixture := facts(version).get("mixture"):
        unit = one_line(mixture.get("unit", "rows"), 40)
        budget = mixture.get("budget")
        of = f"of {count(budget)} {unit}" if budget is not None else "as large as weights and repeats allow"
        said.append(f"A mixture {of}, counted in {unit}, sampled and shuffled with seed {mixture.get('seed')}.")
        short = [one for one in mixture.get("sources") or [] if one["got"] < one["asked"]]
        if short:
            names = ", ".join(one_line(one["source"], 80) for one in short)
            said.append(
                f"Less than was asked came from {names}: {plural(len(short), 'source')} may not be used more often."
            )
    if shards := facts(version).get("token_shards"):
        length = shards.get("length")
        form = f"in blocks of {count(length)}" if length else "row by row"
        said.append(
            f"{plural(shards['tokens'], 'token')} of {plural(shards['texts'], 'text')}, {form}, "
            f"each text ended by {one_line(shards.get('end_of_text', ''), 40)}."
        )
    for what in ("mixture", "token_shards"):
        if tokenizer := (facts(version).get(what) or {}).get("tokenizer"):
            said.append(f"Tokenizer: {one_line(tokenizer['file'], 200)}, sha256 {one_line(tokenizer['sha256'], 64)}.")
    return said


def sources(version: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Asked and got, source by source; cells under `HEADER`, the name raw."""
    return [
        (
            str(one["source"]),
            share(round(1e6 * one["weight"]), 1_000_000),
            count(one["size"]),
            count(one["asked"]),
            count(one["got"]),
            _of_asked(one["got"], one["asked"]),
            count(one["got_rows"]),
            f"{one['got'] / one['size']:.2f}" if one["size"] else "\u2013",
        )
        for one in (facts(version).get("mixture") or {}).get("sources") or []
    ]


def _of_asked(got: int, asked: int) -> str:
    """In percent; more than 100 where the row that crossed the line was large."""
    if not asked:
        return "\u2013"
    return share(got, asked) if got <= asked else f"{max(100 * got / asked, 100.01):,.2f} %"
