"""The op that asks people about every row of a version and ends with all they said as judgements."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import polars as pl
import pyarrow as pa

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.fingerprint import fingerprint
from dataset_cards.versions.job import Job
from dataset_cards.versions.schemas import schema
from dataset_cards.versions.table import GROUP_ROWS, Table, from_arrow

from .asking import Asked, Call, ask, guidelines, judgements, wait
from .assign import Slot, assign, assign_pool, item_id
from .desk.desk import Desk
from .judged import FIRST
from .priorities import priorities
from .task import Row, Task, order_of

MAIN = "main"


@dataclass(frozen=True, kw_only=True)
class Collect:
    """Every row of the first input, judged by `overlap` of `annotators` or by whoever of `pool` is free.

    A second input holds gold: rows whose answers are known, hidden in the queues.

    Attributes:
        annotators: pseudonyms, as `gristmill desk user list` shows them.
        left: those of them who answer no more. What they said counts, the rest of their rows goes to the others.
        joined: people who came later, for rows of those who left.
        calibration: so many rows go to everybody, before all others.
        gold_share: gold items per person, as a share of their rows.
        repeat: share of a person's rows shown again later with the responses in another order.
        first, first_by: a metadata column with scores, and which of them are asked about first.
        most: ask only about so many rows, the first ones by that order.
        enough: go on once every row has so many answers, though others are still to come; discarding is one.
    """

    revision: ClassVar[int] = 1

    task: Task
    annotators: tuple[str, ...] = ()
    pool: str | None = None
    overlap: int = 3
    left: tuple[str, ...] = ()
    joined: tuple[str, ...] = ()
    calibration: int = 0
    gold_share: float = 0.1
    repeat: float = 0.0
    first: str | None = None
    first_by: Literal["highest", "lowest", "closest"] = "highest"
    most: int | None = None
    enough: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if bool(self.annotators) == bool(self.pool):
            raise ValueError("say who answers: either annotators=a1,a2,... or pool=NAME")
        if self.pool and (self.calibration or self.repeat or self.left or self.joined):
            raise ValueError(
                "calibration, repeat, left and joined need to know who gets a row: name annotators, not a pool"
            )
        if twice := [name for name, many in Counter(self.annotators).items() if many > 1]:
            raise ValueError(f"annotators: {', '.join(twice)} twice")
        if unknown := sorted(set(self.left) - set(self.annotators)):
            raise ValueError(f"left: {', '.join(unknown)} not among the annotators; keep those who left in both")
        if self.joined and not self.left:
            raise ValueError(
                f"joined: {', '.join(self.joined)} take over from people who left, and nobody is named in left; "
                "name them as annotators"
            )
        if self.overlap < 1:
            raise ValueError(f"overlap={self.overlap}: each row needs 1 person or more")
        if self.enough is not None and not 1 <= self.enough <= self.overlap:
            raise ValueError(f"enough={self.enough}: answers that will do are from 1 to the overlap, {self.overlap}")
        if self.most is not None and self.most < 1:
            raise ValueError(f"most={self.most}: ask about 1 row or more, or leave it out for all")
        if self.first is None and self.first_by != "highest":
            raise ValueError(f"first_by={self.first_by} needs first=NAME, the scores that rows have")

    def run(self, job: Job) -> dict[str, Any]:
        """One part with all judgements.

        Raises:
            Waiting: not everything is answered yet.
            Misuse: rows that this task cannot show.
        """
        rows, gold = rows_of(job.inputs[0]), rows_of(job.inputs[1]) if len(job.inputs) > 1 else []
        desk = job.tool(Desk)
        call = self._call(rows, gold, {})
        if self.left:
            call = self._call(rows, gold, self._judged(call, desk, job))
        journal = ask(call, desk, job.folder)
        wait(call, journal)
        made = judgements(call, journal)
        write_judgements(job, made)
        last = {(kept.answer.item, kept.answer.person) for kept in journal}
        return {
            "kind": "judgements",
            "task": self.task.name,
            "campaign": call.name,
            "guidelines": guidelines(call),
            "answers": len(made),
            "changed": len(journal) - len(last),
        }

    def _judged(self, call: Call, desk: Desk, job: Job) -> dict[str, set[str]]:
        """What those who left had answered before they did, by person."""
        theirs = replace(call, asked=[one for one in call.asked if one.place in self.left])
        done = {(kept.answer.person, kept.answer.item) for kept in ask(theirs, desk, job.folder)}
        judged: dict[str, set[str]] = {person: set() for person in self.left}
        for one in theirs.asked:
            # A row is judged where it stands as itself; its repeat alone decides nothing.
            if one.batch in FIRST and (one.place, one.item) in done:
                judged[one.place].add(one.row["id"])
        return judged

    def _call(self, rows: Sequence[Row], gold: Sequence[Row], left: Mapping[str, set[str]]) -> Call:
        scores = priorities(rows, self.first, self.first_by) if self.first else None
        if self.most is not None and self.most < len(rows):
            chosen = sorted(sorted(range(len(rows)), key=lambda n: -scores[n] if scores else n)[: self.most])
            rows, scores = [rows[n] for n in chosen], [scores[n] for n in chosen] if scores else None
        known = {str(row["id"]): row for row in rows} | {str(row["id"]): row for row in gold}
        if len(known) < len(rows) + len(gold):
            raise Misuse(
                f"{self.task.name}: rows of one id, or gold among the rows: {_twice([*rows, *gold])}; give each row "
                "its own id, and keep gold out of the rows"
            )
        answers = {str(row["id"]): self._gold_answer(row) for row in gold}
        # Neither people nor other rows name a queue or an item: a row that was answered once is not asked again when
        # people come and go, or when the next version of the source has more rows.
        campaign = fingerprint({"task": self.task, "seed": self.seed})
        slots = self._slots(rows, gold, scores, left)
        return Call(
            name=f"{self.task.name}-{campaign[:8]}",
            task=self.task,
            asked=[self._asked(campaign, slot, known, answers) for slot in slots],
            pool=self.pool,
            overlap=self.overlap,
            left=self.left,
            enough=self.enough,
        )

    def _slots(
        self,
        rows: Sequence[Row],
        gold: Sequence[Row],
        scores: Sequence[float] | None,
        left: Mapping[str, set[str]],
    ) -> list[Slot]:
        records, pairs = [str(row["id"]) for row in rows], [content(row) for row in rows]
        known, known_pairs = [str(row["id"]) for row in gold], [content(row) for row in gold]
        if self.pool:
            return assign_pool(
                records,
                pool=self.pool,
                pairs=pairs,
                seed=self.seed,
                gold=known,
                gold_pairs=known_pairs,
                gold_share=self.gold_share,
                priority=scores,
            )
        return assign(
            records,
            people=self.annotators,
            overlap=self.overlap,
            pairs=pairs,
            seed=self.seed,
            calibration=self.calibration,
            gold=known,
            gold_pairs=known_pairs,
            gold_share=self.gold_share,
            repeat=self.repeat,
            priority=scores,
            left=left,
            joined=self.joined if left else (),
            least=self.enough,
        )

    def _asked(self, campaign: str, slot: Slot, known: Mapping[str, Row], answers: Mapping[str, str]) -> Asked:
        row = known[slot.record]
        order = order_of(slot.record, self.seed, self.task.responses(row))
        # A row keeps its item when it moves between people or into the calibration batch: answers given stay its own.
        batch = MAIN if slot.batch == "calibration" else slot.batch
        return Asked(
            place=slot.place,
            item=item_id(campaign, f"{slot.record}/{content(row)}", batch, slot.swapped),
            row=row,
            order=order[::-1] if slot.swapped else order,
            position=slot.position,
            batch=slot.batch,
            gold=answers.get(slot.record),
        )

    def _gold_answer(self, row: Row) -> str:
        order = tuple(range(self.task.responses(row)))
        truth = self.task.truth(row, order)
        if truth is None:
            raise Misuse(f"gold row {row['id']!r} does not say its answer, or {self.task.name} have no known answers")
        return self.task.read(row, order, truth).answer


def rows_of(table: Table) -> list[Row]:
    """All rows of a table as mappings; what people judge fits in memory."""
    return [row for frame in table.frames() for row in frame.iter_rows(named=True)]


def content(row: Row) -> str:
    """What a row shows, whichever of its responses comes first: rows that differ only in that are one pair."""
    about = {key: row.get(key) for key in ("prompt", "messages")}
    responses = row.get("responses") or [row.get("chosen"), row.get("rejected")]
    texts = sorted(json.dumps(_text(one)) for one in responses)
    return hashlib.sha256(json.dumps([about, texts], sort_keys=True).encode()).hexdigest()[:32]


def _text(response: Any) -> Any:
    """A response alike for rankings and preferences, where it is a message or a list of them."""
    if isinstance(response, list) and len(response) == 1:
        response = response[0]
    return response["content"] if isinstance(response, Mapping) else response


def write_judgements(job: Job, made: Sequence[Mapping[str, Any]]) -> None:
    """The rows as one part."""
    columns = schema("judgements")
    batches = [
        from_arrow(pa.Table.from_pylist(list(made[n : n + GROUP_ROWS]), schema=columns))
        for n in range(0, len(made), GROUP_ROWS)
    ]
    job.write(0, batches or [pl.DataFrame(schema=from_arrow(columns.empty_table()).schema)], schema=columns)


def _twice(rows: Sequence[Row]) -> str:
    ids = [name for name, many in Counter(str(row["id"]) for row in rows).items() if many > 1]
    return ", ".join(f"{name!r:.60}" for name in ids[:3]) + (f" and {len(ids) - 3} more" if len(ids) > 3 else "")
