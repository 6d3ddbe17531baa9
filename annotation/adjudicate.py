"""The op that shows rows whose answers disagree, or were given by people who failed gold, to named adjudicators."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from dataset_cards.versions.fingerprint import fingerprint
from dataset_cards.versions.job import Job

from .asking import Asked, Call, ask, guidelines, judgements, wait
from .assign import item_id
from .collect import content, rows_of, write_judgements
from .decide.told import remembered
from .decide.votes import votes
from .desk.desk import Desk
from .judged import ADJUDICATION, FIRST, judged
from .settled import Until
from .task import Row, Task, order_of

(BATCH,) = ADJUDICATION


@dataclass(frozen=True, kw_only=True)
class Adjudicate:
    """Inputs are the source rows and the judgements of them; what comes out is those judgements and the new ones.

    Attributes:
        adjudicators: pseudonyms; each row goes to one of them, never to somebody who has judged it.
        show: whether they see what was answered first, without names.
        until: `unanimous` sends every disagreement, `majority` only rows on which no more than half agree; what it
            means to agree about a ranking or a rating, `settled` says.
        min_gold: a row of which somebody got less than this share of their gold items right is sent as well; right is
            what agrees with the known answer as `settled` has it, for a rating within a point.
    """

    revision: ClassVar[int] = 1

    task: Task
    adjudicators: tuple[str, ...]
    show: bool = False
    until: Until = "majority"
    min_gold: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.adjudicators:
            raise ValueError("adjudicators: name at least one")
        if self.min_gold is not None and not 0 <= self.min_gold <= 1:
            raise ValueError(f"min_gold={self.min_gold}: a share of the gold items lies between 0 and 1")

    def run(self, job: Job) -> dict[str, Any]:
        """One part with all judgements.

        Raises:
            Waiting: not everything is answered yet.
        """
        source, first = job.inputs
        found = judged(first)
        call = self._call({str(row["id"]): row for row in rows_of(source)}, found)
        made: list[dict[str, Any]] = []
        if call.asked:
            journal = ask(call, job.tool(Desk), job.folder)
            wait(call, journal)
            made = judgements(call, journal)
        write_judgements(job, [row for frame in first.frames() for row in frame.iter_rows(named=True)] + made)
        before = remembered(first)
        words = {**before.get("guidelines", {}), **guidelines(call)}
        return {**before, "guidelines": words, "adjudicated": len({one.row["id"] for one in call.asked})}

    def _call(self, rows: dict[str, Row], found: pl.DataFrame) -> Call:
        campaign = fingerprint({"task": self.task, "seed": self.seed, "batch": BATCH, "show": self.show})
        voted = ~pl.col("discarded")
        given = _first(found).group_by("record", maintain_order=True).agg("annotator", pl.col("answer").filter(voted))
        said = {record: (people, answers) for record, people, answers in given.iter_rows()}
        needed = set(self.wanted(found))
        wanted = [record for record in rows if record in needed]
        asked = []
        for number, record in enumerate(wanted):
            row = rows[record]
            # Another order than the first judges saw, where chance gives one: their position bias is not repeated.
            order = order_of(record, self.seed + 1, self.task.responses(row))
            people, answers = said.get(record, ([], []))
            asked.append(
                Asked(
                    place=self._who(record, people),
                    item=item_id(campaign, f"{record}/{content(row)}", BATCH, False),
                    row=row,
                    order=order,
                    position=number,
                    batch=BATCH,
                    first=self.task.retell(row, order, answers) if self.show else None,
                )
            )
        return Call(name=f"{self.task.name}-second-{campaign[:8]}", task=self.task, asked=asked)

    def wanted(self, found: pl.DataFrame) -> list[str]:
        """Records that need a second look, of judgements under `judged.SCHEMA`."""
        said = votes(found)
        given = said.group_by("record", maintain_order=True).agg("answer")
        records = {record for record, answers in given.iter_rows() if not self.task.settled(answers, self.until)}
        # Somebody looked and nobody answered: there is nothing to decide by.
        records |= set(_first(found).get_column("record")) - set(said.get_column("record"))
        if self.min_gold is not None:
            gold = found.filter(pl.col("gold").is_not_null() & ~pl.col("discarded"))
            right: dict[str, list[bool]] = {}
            for person, *answers in gold.select("annotator", "answer", "gold").iter_rows():
                right.setdefault(person, []).append(self.task.settled(answers, "unanimous"))
            failed = [person for person, ok in right.items() if sum(ok) < self.min_gold * len(ok)]
            records |= set(said.filter(pl.col("annotator").is_in(failed)).get_column("record"))
        return sorted(records)

    def _who(self, record: str, judges: Sequence[str]) -> str:
        """An adjudicator who has not judged the record; if all have, any."""
        free = [name for name in self.adjudicators if name not in judges] or list(self.adjudicators)
        return free[int(fingerprint({"record": record, "seed": self.seed}), 16) % len(free)]


def _first(found: pl.DataFrame) -> pl.DataFrame:
    return found.filter(pl.col("batch").is_in(FIRST))
