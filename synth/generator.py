"""A generator: an op that asks a model about rows, and answers for every row made and every answer of no use."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import polars as pl
import pyarrow as pa

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Job, Refused
from dataset_cards.versions.schemas import problems, schema
from dataset_cards.versions.table import Part, Table, from_arrow, write_parquet

from .drive import NoAnswer, Script, drive
from .evidence import ASIDE, aside, aside_name, gather
from .llm.batch import Batch
from .llm.llm import LLM, Sampling

Row = Mapping[str, Any]

FINAL = ("rejected", "unsendable")  # failures that asking again does not mend
TASK_ROWS = 1000  # source rows per part of the output
UNREADABLE = "unreadable-"  # how the reasons of answers of no use begin
MOST_OPEN = 2000  # rows that are being written at the same time ...
MOST_BATCHED = 50_000  # ... and where each wait for an answer takes hours
HOPELESS = 0.5  # share of answers of no use, at which the rows behind the first tasks are not asked about


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """An answer in which what was asked for could not be found. `reason` is kebab case, `said` the answer itself."""

    reason: str
    said: str


@dataclass(frozen=True, kw_only=True)
class Left:
    """A row that was made and is not kept, on purpose: `reason` in kebab case, `said` what it would have held."""

    reason: str
    said: str


Made = dict[str, Any] | Unreadable | Left
Result = tuple[str, Sequence[Made]]  # id of the source row, and what came of it


class Generator(Protocol):
    """A frozen, keyword-only dataclass; its fields, prompts and sampling among them, are the identity of its step.

    Attributes:
        name: as reasons and row ids begin, e.g. `rephrase`.
        kind: the row type it makes.
        max_unreadable: share of answers that may be of no use before the step fails.
    """

    revision: ClassVar[int]
    name: ClassVar[str]

    @property
    def kind(self) -> str: ...

    @property
    def max_unreadable(self) -> float: ...

    def write(self, row: Row) -> Script[Sequence[Made]]:
        """Everything made from one row. Pure: what it does follows from the row and the replies alone."""
        ...


def generate(job: Job, generator: Generator, rows: Table, /, **said: Any) -> dict[str, Any]:
    """Write what `generator` makes of `rows`, in their order, and everything that was left out.

    The funnel counts results and not source rows: each is a row, left out for a reason, or unreadable.

    Args:
        said: facts for the card, such as license and source.

    Raises:
        Refused: answers are missing (the model failed on them), or too many could not be read.
        Misuse: `max_unreadable` is no share.
    """
    if not 0 <= generator.max_unreadable <= 1:
        raise Misuse(f"max_unreadable={generator.max_unreadable:g}: a share from 0 to 1")
    llm = job.tool(LLM)
    most = MOST_BATCHED if isinstance(llm, Batch) else MOST_OPEN
    _check(job, generator, HOPELESS)
    sizes = _sizes(rows.rows)
    todo = job.unfinished(len(sizes))
    made: dict[int, dict[int, Result]] = {task: {} for task in todo}
    ids: dict[int, str] = {}
    failed: list[NoAnswer] = []
    for number, result in drive(llm, _scripts(generator, rows, set(todo), ids), most):
        name = ids.pop(number)
        if isinstance(result, NoAnswer):
            if result.failed.reason not in FINAL:
                failed.append(result)
                continue
            result = [Unreadable(reason=f"no-answer-{result.failed.reason}", said=result.failed.detail)]
        task = number // TASK_ROWS
        made[task][number] = name, result
        if len(made[task]) == sizes[task]:
            _write(job, generator, task, made.pop(task))
            _check(job, generator, HOPELESS)
    if failed:
        raise Refused(_missing(generator.name, failed))
    for task in made:  # of an empty source there is one task, without rows
        _write(job, generator, task, {})
    _check(job, generator)
    gather(job)
    return {"kind": generator.kind, **said, "generated": _totals(job)}


def _sizes(rows: int) -> list[int]:
    """Source rows of each task."""
    return [min(TASK_ROWS, rows - first) for first in range(0, rows, TASK_ROWS)] or [0]


def _scripts(
    generator: Generator, source: Table, tasks: set[int], ids: dict[int, str]
) -> Iterator[tuple[int, Script[Sequence[Made]]]]:
    """The numbered scripts of the rows of `tasks`; the ids of those begun are noted in `ids`."""
    number = 0
    for frame in source.frames():
        for row in frame.iter_rows(named=True):
            if number // TASK_ROWS in tasks:
                ids[number] = row["id"]
                yield number, generator.write(row)
            number += 1


def _write(job: Job, generator: Generator, task: int, made: Mapping[int, Result]) -> None:
    columns = schema(generator.kind)
    rows: list[dict[str, Any]] = []
    put_aside: list[dict[str, str]] = []
    for _, (name, results) in sorted(made.items()):
        for one in results:
            if isinstance(one, dict) and not (wrong := problems(generator.kind, one)):
                rows.append(one)
                continue
            if isinstance(one, dict):
                one = Unreadable(reason="row", said=f"{wrong[0]}: {json.dumps(one, ensure_ascii=False)}")
            reason = f"{generator.name}/{UNREADABLE if isinstance(one, Unreadable) else ''}{one.reason}"
            put_aside.append({"id": name, "reason": reason, "text": one.said})
    write_parquet(job.folder, aside_name(task), [_frame(put_aside, ASIDE)], ASIDE)
    part = f"part-{task:05d}.parquet"
    kept = write_parquet(job.folder, part, [_frame(rows, columns)], columns)
    dropped = Counter(one["reason"] for one in put_aside)
    funnel = {"stage": generator.name, "read": kept + dropped.total(), "kept": kept, "quarantined": 0}
    job.finish(task, [Part(part, kept)], funnel=[{**funnel, "dropped": dict(sorted(dropped.items()))}])


def _frame(rows: Sequence[Mapping[str, Any]], columns: pa.Schema) -> pl.DataFrame:
    return from_arrow(pa.Table.from_pylist(list(rows), schema=columns))


def _check(job: Job, generator: Generator, least: float = 0.0) -> None:
    """Fail where more than `max_unreadable`, and more than the share `least`, of what is done could not be read."""
    totals = _totals(job)
    read, unreadable = totals["results"], totals["unreadable"]
    if unreadable > max(generator.max_unreadable, least) * read:
        bad = pl.concat(f.filter(pl.col("reason").str.contains(f"/{UNREADABLE}", literal=True)) for f in aside(job))
        lines = (f"  {name!r:.60}: {reason}: {json.dumps(text[:160])}\n" for name, reason, text in bad.head(3).rows())
        shown = "".join(lines)
        raise Refused(
            f"{generator.name}: {unreadable:,} of {read:,} answers ({unreadable / read:.1%}) could not be read, more "
            f"than max_unreadable={generator.max_unreadable:g} allows.\n{shown}All are in {job.folder}/aside-*.parquet."
            " Change the prompt or the model, or accept the loss with a higher max_unreadable; what was answered is in "
            "the cache and will not be paid for again"
        )


def _missing(name: str, failed: Sequence[NoAnswer]) -> str:
    reasons = Counter(one.failed.reason for one in failed)
    why = ", ".join(f"{reason} {many:,}" for reason, many in sorted(reasons.items()))
    return (
        f"{name}: the model did not answer for {len(failed):,} rows ({why}); the last error: "
        f"{failed[-1].failed.detail}. What it did answer is kept: run the same command again and only the rest is asked"
    )


def _totals(job: Job) -> dict[str, int]:
    stages = [task["funnel"][0] for task in job.facts()]
    unreadable = sum(
        many for stage in stages for reason, many in stage["dropped"].items() if f"/{UNREADABLE}" in reason
    )
    rows = sum(stage["kept"] for stage in stages)
    return {"results": sum(stage["read"] for stage in stages), "rows": rows, "unreadable": unreadable}


def row_id(name: str, parents: Sequence[str], number: int, content: str) -> str:
    """The id of a generated row: `sha256:` and 32 hex digits over what it was made from and what it says."""
    text = json.dumps([name, list(parents), number, content], ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def notes(name: str, sampling: Sampling, prompt: str, **more: Any) -> str:
    """The metadata of a generated row: how it came about, and whatever else its generator says.

    Args:
        prompt: the fingerprint of the prompt that it answers.
    """
    drawn = {"temperature": sampling.temperature, "top_p": sampling.top_p, "max_tokens": sampling.max_tokens}
    if sampling.seed is not None:
        drawn["seed"] = sampling.seed
    made = {"generator": name, "model": sampling.model, "prompt": prompt, "sampling": drawn}
    if sampling.revision is not None:
        made["model_revision"] = sampling.revision
    return json.dumps({**made, **more}, ensure_ascii=False, sort_keys=True)
