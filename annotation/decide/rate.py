"""The op that writes what people rated into the rows they rated."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import polars as pl

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Job
from dataset_cards.versions.schemas import SCHEMAS

from ..judged import ADJUDICATION, judged
from .rows import Dropped, Kept, Made, Row, decided_facts, inputs, keep_judgements, kind_of, noted, write_rows
from .told import agreement_facts
from .votes import votes

STAGE = "rate"


@dataclass(frozen=True, kw_only=True)
class Rate:
    """Inputs: rows of any type, and ratings of them; the same rows come out, with `ratings` in their metadata.

    `ratings` is by question `{"mean": 4.33, "n": 3, "given": [4, 4, 5]}`. Adjudications stand over first answers.

    Attributes:
        min_mean: by question; rows with a lower mean are dropped as `low-QUESTION`.
        min_judges: rows that fewer people rated are dropped.
        slices, license, source: as in `Prefer`.
    """

    revision: ClassVar[int] = 1

    min_mean: Mapping[str, float] = field(default_factory=dict)
    min_judges: int = 1
    slices: tuple[str, ...] = ("source",)
    license: str = "unknown"
    source: str | None = None
    seed: int = 0

    def run(self, job: Job) -> dict[str, Any]:
        """Facts for the card.

        Raises:
            Misuse: an answer holds no numbers by question, or `min_mean` names a question that nobody answered.
        """
        source, table = inputs(job, "Rate")
        kind = kind_of(source, tuple(SCHEMAS), "Rate")
        judgements = judged(table)
        rated = ratings(judgements)
        asked = sorted({name for one in rated.values() for given in one.given for name in given})
        if rated and (unknown := sorted(set(self.min_mean) - set(asked))):
            raise Misuse(f"min_mean: nobody was asked about {', '.join(unknown)}; questions are {', '.join(asked)}")
        shown = set(judgements.get_column("record"))

        def make(row: Row) -> Iterator[Made]:
            yield self._made(row, rated.get(row["id"]), row["id"] in shown)

        write_rows(job, source, kind=kind, stage=STAGE, make=make, units=lambda row: 1)
        keep_judgements(job, table)
        facts = agreement_facts(
            table,
            judgements,
            task="ratings",
            level="ordinal",
            source=source,
            slices=self.slices,
            decided=decided_facts(job),
            seed=self.seed,
        )
        return {"kind": kind, "license": self.license, "source": self.source, "agreement": facts}

    def _made(self, row: Row, rated: "Rated | None", shown: bool) -> Made:
        if rated is None:
            return Dropped(id=row["id"], reason="all-discarded" if shown else "no-votes")
        if len(rated.given) < self.min_judges:
            return Dropped(id=row["id"], reason="few-judges", how=rated.how)
        summary = rated.summary()
        for name, least in self.min_mean.items():
            if name not in summary:
                return Dropped(id=row["id"], reason=f"unrated-{name}", how=rated.how)
            if summary[name]["mean"] < least:
                return Dropped(id=row["id"], reason=f"low-{name}", how=rated.how)
        notes = {"ratings": summary, "decided": rated.how}
        return Kept(row={**row, "metadata": noted(row["metadata"], notes)}, how=rated.how)


@dataclass(frozen=True)
class Rated:
    """What people said of one row: by answer, a number by question; and how that was decided."""

    how: str
    given: Sequence[Mapping[str, float]]

    def summary(self) -> dict[str, dict[str, Any]]:
        """By question, the mean to 4 digits, how many answered it, and their numbers from small to large."""
        found = {}
        for name in sorted({name for one in self.given for name in one}):
            numbers = sorted(one[name] for one in self.given if name in one)
            found[name] = {"mean": round(sum(numbers) / len(numbers), 4), "n": len(numbers), "given": numbers}
        return found


def ratings(judgements: pl.DataFrame) -> dict[str, Rated]:
    """By record with votes.

    Raises:
        Misuse: an answer is no JSON object of numbers.
    """
    found: dict[str, Rated] = {}
    for batch in (votes(judgements), votes(judgements, ADJUDICATION)):
        for record, answers in (
            batch.group_by("record", maintain_order=True).agg("answer").select("record", "answer").iter_rows()
        ):
            given = [_numbers(record, answer) for answer in answers]
            alike = all(one == given[0] for one in given)
            how = "adjudicated" if record in found else "unanimous" if alike else "mean"
            found[record] = Rated(how, given)
    return found


def _numbers(record: str, answer: str) -> dict[str, float]:
    try:
        value = json.loads(answer)
    except ValueError:
        value = None
    sound = isinstance(value, dict) and all(
        isinstance(number, int | float) and not isinstance(number, bool) for number in value.values()
    )
    if not sound or not value:
        raise Misuse(
            f"record {record!r}: the answer {answer!r:.60} is no rating; ratings are numbers by question, "
            'such as {"helpful": 4}'
        )
    return dict(value)
