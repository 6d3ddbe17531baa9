"""The op that turns comparisons into preferences."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import polars as pl

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Job

from ..judged import ADJUDICATION, FIRST, judged
from .decide import By, decide
from .rows import (
    Dropped,
    Kept,
    Made,
    Row,
    decided_facts,
    even_rows,
    inputs,
    keep_judgements,
    kind_of,
    noted,
    source_of,
    write_rows,
)
from .told import agreement_facts
from .trust import Trust, trust
from .votes import votes

FIRST_BETTER, SECOND_BETTER, TIE, BOTH_BAD = "1", "2", "tie", "both-bad"
LABELS = (FIRST_BETTER, SECOND_BETTER, TIE, BOTH_BAD)
STAGE = "prefer"

Message = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Prefer:
    """Inputs: preferences or rankings of two responses, and judgements that compare them; out come preferences.

    What the source itself calls chosen, and its ranks, only say which response is the first: labels come from people.

    Attributes:
        by: see `decide`.
        ties: rows on which nothing won, or `tie` did. Kept, they have margin 0 and the first response as chosen.
        both_bad: rows of which neither response should be given. Kept, they look like ties.
        min_margin: decided rows below this margin are dropped; kept ties are not asked.
        margin: `votes` is the share of votes for chosen less that for rejected, among all that decided (by weight, or
            of `dawid-skene` by probability), above 0 and at most 1. `strength` is that times the mean strength (1 to 3,
            1 where nobody said) of the answers for chosen.
        slices: columns or metadata of the source by whose values agreement is reported.
        license, source: for the card.
    """

    revision: ClassVar[int] = 1

    by: By = "majority"
    ties: Literal["keep", "drop"] = "keep"
    both_bad: Literal["keep", "drop"] = "drop"
    min_margin: float = 0.0
    margin: Literal["votes", "strength"] = "votes"
    slices: tuple[str, ...] = ("source",)
    license: str = "unknown"
    source: str | None = None
    seed: int = 0

    def run(self, job: Job) -> dict[str, Any]:
        """Facts for the card.

        Raises:
            Misuse: the source or an answer is none that can be preferred by.
        """
        source, table = inputs(job, "Prefer")
        kind_of(source, ("preferences", "rankings"), "Prefer")
        judgements = judged(table)
        cases = self._cases(judgements, trusted := self._trust(judgements))

        def make(row: Row) -> Iterator[Made]:
            yield self._made(row, cases.get(row["id"]))

        write_rows(job, source, kind="preferences", stage=STAGE, make=make, units=lambda row: 1)
        keep_judgements(job, table)
        facts = agreement_facts(
            table,
            judgements,
            task="comparisons",
            level="nominal",
            source=source,
            slices=self.slices,
            decided=decided_facts(job),
            reliability=trusted.reliability,
            weight=trusted.weight if self.by == "weighted" else None,
            seed=self.seed,
        )
        return {
            "kind": "preferences",
            "license": self.license,
            "source": self.source,
            "ties": even_rows(job),
            "agreement": facts,
        }

    def _trust(self, judgements: pl.DataFrame) -> Trust:
        return trust(judgements, model="confusion" if self.by == "dawid-skene" else "one-coin", seed=self.seed)

    def _cases(self, judgements: pl.DataFrame, trusted: Trust) -> dict[str, "_Case"]:
        given = votes(judgements, (*FIRST, *ADJUDICATION))
        strange = given.filter(~pl.col("answer").is_in(list(LABELS))).head(1).to_dicts()
        if strange:
            raise Misuse(
                f"record {strange[0]['record']!r}: {strange[0]['annotator']} answered {strange[0]['answer']!r:.60}; "
                f"comparisons are decided by {', '.join(LABELS)}, with 1 for the first response of the row"
            )
        said: dict[str, list[Mapping[str, Any]]] = {}
        for batches in (FIRST, ADJUDICATION):
            for one in votes(judgements, batches).iter_rows(named=True):
                said.setdefault(one["record"], []).append(one)
        decided = decide(judgements, by=self.by, trusted=trusted)
        return {row["record"]: _Case(row, tuple(said.get(row["record"], ()))) for row in decided.iter_rows(named=True)}

    def _made(self, row: Row, case: "_Case | None") -> Made:
        if case is None:
            return Dropped(id=row["id"], reason="no-votes")
        if case.decided["how"] is None:
            return Dropped(id=row["id"], reason=case.decided["reason"])
        how, outcome = case.decided["how"], case.decided["label"] or TIE
        responses = two_responses(row)
        if responses is None:
            return Dropped(id=row["id"], reason="not-two-responses", how=how)
        if responses[0] == responses[1]:
            return Dropped(id=row["id"], reason="same-responses", how=how)
        level = outcome in (TIE, BOTH_BAD)
        if level and (self.ties if outcome == TIE else self.both_bad) == "drop":
            return Dropped(id=row["id"], reason=outcome, how=how)
        margin = 0.0 if level else case.decided["margin"]
        if self.margin == "strength" and not level:
            margin = round(margin * case.strength(outcome), 6)
        if not level and margin < self.min_margin:
            return Dropped(id=row["id"], reason="small-margin", how=how)
        chosen, rejected = responses[::-1] if outcome == SECOND_BETTER else responses
        notes = {"outcome": outcome, "decided": how, **named_responses(row, outcome == SECOND_BETTER)}
        return Kept(
            row={
                "id": row["id"],
                "prompt": row["prompt"],
                "chosen": chosen,
                "rejected": rejected,
                "margin": margin,
                "votes": case.choices(outcome == SECOND_BETTER),
                "source": source_of(row),
                "origin": origin_of(row),
                "parents": [row["id"]],
                "metadata": noted(row["metadata"], notes),
            },
            how=how,
        )


@dataclass(frozen=True)
class _Case:
    """What was decided about a record, and the answers behind it: first ones, then adjudications."""

    decided: Mapping[str, Any]
    said: tuple[Mapping[str, Any], ...]

    def strength(self, label: str) -> float:
        """Mean strength of the answers that gave the label and decided."""
        second = self.decided["how"] == "adjudicated"
        own = [one for one in self.said if one["answer"] == label and (one["batch"] in ADJUDICATION) == second]
        strengths = [one["strength"] or 1 for one in own]
        return sum(strengths) / len(strengths) if strengths else 1.0  # dawid-skene may choose what nobody said

    def choices(self, swapped: bool) -> list[dict[str, str]]:
        """Every answer in terms of chosen and rejected; `both-bad` is a tie."""
        words = {FIRST_BETTER: "rejected" if swapped else "chosen", SECOND_BETTER: "chosen" if swapped else "rejected"}
        return [{"annotator": one["annotator"], "choice": words.get(one["answer"], "tie")} for one in self.said]


def two_responses(row: Row) -> tuple[list[Message], list[Message]] | None:
    """The first and the second response as messages; None where a ranking has not two."""
    if row.get("responses") is None:
        return row["chosen"], row["rejected"]
    if len(row["responses"]) != 2:
        return None
    first, second = ([{"role": "assistant", "content": one["content"]}] for one in row["responses"])
    return first, second


def named_responses(row: Row, swapped: bool) -> dict[str, Any]:
    """Of a ranking, who chosen and rejected are: ids, and origins where they are known."""
    if row.get("responses") is None:
        return {}
    both = row["responses"][::-1] if swapped else row["responses"]
    origins = [one["origin"] for one in both]
    return {"responses": [one["id"] for one in both], "origins": origins if any(origins) else None}


def origin_of(row: Row) -> str | None:
    """The origin that a preference has, or that both responses of a ranking have."""
    if row.get("responses") is None:
        return None if row.get("origin") is None else str(row["origin"])
    origins = {one["origin"] for one in row["responses"]}
    return origins.pop() if len(origins) == 1 else None
