"""New instructions from a few that people wrote: rounds of drafting, each shown what is there and kept where it is new.

A round is one step: `Draft` reads the seeds and every round before it, so a run that stopped goes on where it was, and
more rounds cost only the new ones. `Gather` puts the rounds together and answers for everything that was drafted.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl
import pyarrow as pa

from dataset_cards.versions.job import Job
from dataset_cards.versions.schemas import schema
from dataset_cards.versions.table import Part, Table, from_arrow, write_parquet

from .drive import Script
from .evidence import ASIDE, aside, aside_name, gather
from .generator import UNREADABLE, Left, Made, Row, Unreadable, generate, notes, row_id
from .instruction import Limits
from .listed import listed
from .llm.llm import Request, Sampling
from .material import asks, check_columns, mark, opening
from .novelty import Pool
from .prompt import Prompt, shown

NAME = "self-instruct"
SIMILAR = "too-similar"
MOST_SHOWN = 2000  # characters; longer tasks are no examples, and count where newness is asked for

# A round's rows: kept ones are prompts and `reason` is null; of others `id` is the request, `said` what was answered.
_DRAFTED = pa.schema([*schema("prompts"), ("reason", pa.string()), ("said", pa.string())])
_REQUESTS = pa.schema(
    [("id", pa.string()), ("shown", pa.list_(pa.struct([("id", pa.string()), ("text", pa.string())])))]
)


@dataclass(frozen=True, kw_only=True)
class Draft:
    """One round of Self-Instruct: Wang et al. 2022, "Self-Instruct: Aligning Language Models with Self-Generated
    Instructions", arXiv 2212.10560, section 2.2 and appendix A.

    Inputs are the seeds (prompts or conversations), then the rounds before, oldest first. What is shown is drawn by
    hash of seed, round and request. A draft is kept if ROUGE-L F with every seed and everything kept before is below
    `max_rouge`, in the order of requests and then of the answer.

    Attributes:
        round: 1 for the first.
        requests: questions asked in this round.
        new: tasks that each asks for.
        human, generated: tasks that each shows; in the first round, and while there are too few, seeds stand in.
        limits: what a task must look like, whatever else there is.
    """

    revision: ClassVar[int] = 1

    sampling: Sampling
    prompt: Prompt
    limits: Limits
    round: int
    requests: int = 100
    new: int = 8
    human: int = 6
    generated: int = 2
    max_rouge: float = 0.7
    seed: int = 0
    max_unreadable: float = 0.05

    def __post_init__(self) -> None:
        if min(self.round, self.requests, self.new, self.human) < 1 or self.generated < 0:
            raise ValueError("rounds, requests, new and human are at least 1, and generated at least 0")
        if not 0 < self.max_rouge <= 1:
            raise ValueError(f"max_rouge={self.max_rouge:g}: above 0, at most 1")

    def run(self, job: Job) -> dict[str, Any]:
        """No facts of its own: `Gather` tells them of all rounds."""
        seeds, *earlier = job.inputs
        check_columns(seeds, NAME, "prompts and conversations", "prompt", "messages")
        written = list(_tasks(seeds))
        kept = [one for table in earlier for one in _tasks(table)]
        asked = [{"id": f"round-{self.round}/request-{n}", "shown": self._drawn(n, written, kept)} for n in self._range]
        folder = job.folder / "requests"
        rows = write_parquet(folder, "rows.parquet", [_frame(asked, _REQUESTS)], _REQUESTS)
        requests = Table(folder, (Part("rows.parquet", rows),))
        drafts = Job((requests,), job.folder / "drafts", job.tools, taints=job.taints)
        generate(drafts, _Drafter(draft=self), requests)
        if job.unfinished(1):
            pool = Pool(self.max_rouge)
            pool.extend(text for _, text in (*written, *kept))
            job.write(0, _frame(list(_sifted(drafts, pool)), _DRAFTED), schema=_DRAFTED)
        return {"kind": "prompts"}

    @property
    def _range(self) -> range:
        return range(self.requests)

    def _drawn(
        self, number: int, written: Sequence[tuple[str, str]], kept: Sequence[tuple[str, str]]
    ) -> list[dict[str, str]]:
        """The tasks that a request shows, those of people first."""
        where = f"{self.seed} {self.round} {number}"
        own = _draw(f"{where} generated", [one for one in kept if len(one[1]) <= MOST_SHOWN], self.generated)
        wanted = self.human + self.generated - len(own)
        human = _draw(f"{where} human", [one for one in written if len(one[1]) <= MOST_SHOWN], wanted)
        return [{"id": name, "text": text} for name, text in (*human, *own)]


@dataclass(frozen=True, kw_only=True)
class _Drafter:
    """The half of a round that asks."""

    revision: ClassVar[int] = Draft.revision
    name: ClassVar[str] = NAME
    kind: ClassVar[str] = "prompts"

    draft: Draft

    @property
    def max_unreadable(self) -> float:
        return self.draft.max_unreadable

    def write(self, row: Row) -> Script[Sequence[Made]]:
        """One result for each task in the answer, or one for an answer that cannot be read."""
        draft, examples = self.draft, row["shown"]
        if not examples:
            return [Left(reason="no-seeds", said="")]
        sign = mark(*(one["text"] for one in examples))
        listing = "\n".join(f"[{sign} task {n}]\n{one['text']}" for n, one in enumerate(examples, 1))
        gaps = {"mark": sign, "examples": listing, "shown": str(len(examples)), "count": str(draft.new)}
        (reply,) = yield [Request(messages=draft.prompt.fill(gaps), sampling=draft.sampling)]
        found = listed(reply, "task")
        if isinstance(found, Unreadable):
            return [found]
        return [self._made(row, number, text) for number, text in enumerate(found)]

    def _made(self, row: Row, number: int, text: str) -> Made:
        if reason := self.draft.limits.against(text):
            return Unreadable(reason="empty-tag", said="") if reason == "empty" else Left(reason=reason, said=text)
        parents = [one["id"] for one in row["shown"]]
        told = notes(
            NAME,
            self.draft.sampling,
            self.draft.prompt.fingerprint,
            origin=self.draft.sampling.model,
            parents=parents,
            request=row["id"],
            round=self.draft.round,
        )
        name = row_id(NAME, [row["id"], *parents], number, text)
        return {"id": name, "prompt": [{"role": "user", "content": text}], "source": None, "metadata": told}


@dataclass(frozen=True, kw_only=True)
class Gather:
    """All that was drafted, round after round; inputs are the rounds, oldest first."""

    revision: ClassVar[int] = 1

    prompt: Prompt  # as the rounds asked it, for the card
    license: str = "unknown"
    source: str | None = None

    def run(self, job: Job) -> dict[str, Any]:
        """Facts for the card; `self_instruct` says of every round what became of its drafts."""
        for task in job.unfinished(len(job.inputs)):
            _gathered(job, task)
        gather(job)
        rounds = [_told(number, fact["funnel"][0]) for number, fact in enumerate(job.facts(), 1)]
        totals = {key: sum(one[key] for one in rounds) for key in ("results", "rows", "unreadable")}
        return {
            **{"kind": "prompts", "license": self.license, "source": self.source},
            **{"generated": totals, "prompts": shown({"draft": self.prompt}), "self_instruct": {"rounds": rounds}},
        }


def _gathered(job: Job, task: int) -> None:
    """The rows of one round, and what it left out."""
    frame = job.inputs[task].collect()
    kept = frame.filter(pl.col("reason").is_null()).select(schema("prompts").names)
    left = frame.filter(pl.col("reason").is_not_null()).select("id", "reason", pl.col("said").alias("text"))
    write_parquet(job.folder, aside_name(task), [left], ASIDE)
    dropped = dict(sorted(Counter(left.get_column("reason").to_list()).items()))
    funnel = {"stage": NAME, "read": frame.height, "kept": kept.height, "quarantined": 0, "dropped": dropped}
    job.write(task, kept, schema=schema("prompts"), funnel=[funnel])


def _told(number: int, funnel: Mapping[str, Any]) -> dict[str, Any]:
    dropped: Mapping[str, int] = funnel["dropped"]
    unreadable = sum(many for reason, many in dropped.items() if f"/{UNREADABLE}" in reason)
    similar = dropped.get(f"{NAME}/{SIMILAR}", 0)
    counts = {"results": funnel["read"], "rows": funnel["kept"], "unreadable": unreadable, "similar": similar}
    return {"round": number, **counts}


def _tasks(table: Table) -> Iterator[tuple[str, str]]:
    """Id and text of every task: the last that a user says before the answer."""
    for frame in table.frames():
        if "reason" in frame.columns:
            frame = frame.filter(pl.col("reason").is_null())
        for row in frame.iter_rows(named=True):
            turns, _ = opening(row)
            if asks(turns):
                yield row["id"], next((one["content"] for one in reversed(turns) if one["role"] == "user"), "")


def _sifted(drafts: Job, pool: Pool) -> Iterator[dict[str, Any]]:
    """Every draft in its order, with the reason why it is left out."""
    empty = dict.fromkeys(_DRAFTED.names)
    left: dict[str, list[tuple[str, str]]] = {}
    for frame in aside(drafts):
        for name, reason, text in frame.iter_rows():
            left.setdefault(name, []).append((reason, text))
    parts = tuple(Part(**part) for fact in drafts.facts() for part in fact["parts"])
    for frame in Table(drafts.folder, parts).frames():
        for row in frame.iter_rows(named=True):
            text = row["prompt"][0]["content"]
            if pool.nearest(text) is None:
                pool.add(text)
                yield {**empty, **row}
            else:
                request = json.loads(row["metadata"])["request"]
                yield {**empty, "id": request, "reason": f"{NAME}/{SIMILAR}", "said": text}
    for name, found in left.items():
        yield from ({**empty, "id": name, "reason": reason, "said": text} for reason, text in found)


def _draw(where: str, tasks: Sequence[tuple[str, str]], count: int) -> list[tuple[str, str]]:
    """`count` different tasks, or all there are, by hash of `where`."""
    picked: dict[int, tuple[str, str]] = {}
    draw = 0
    while len(picked) < min(count, len(tasks)):
        place = int.from_bytes(hashlib.sha256(f"{where} {draw}".encode()).digest()[:8]) % len(tasks)
        picked.setdefault(place, tasks[place])
        draw += 1
    return list(picked.values())


def _frame(rows: Sequence[Mapping[str, Any]], columns: pa.Schema) -> pl.DataFrame:
    return from_arrow(pa.Table.from_pylist(list(rows), schema=columns))
