"""Keeping: the documents still alive, written once more in shards that do not depend on how the run was cut."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import polars as pl

from dataset_cards.versions.job import Job
from dataset_cards.versions.schemas import SCHEMAS
from dataset_cards.versions.table import GROUP_BYTES, GROUP_ROWS, Part, write_parquet

from .engine import Engine
from .evidence import add_facts, gather, shard_facts
from .ingest import SIZE
from .layers import DROP, TEXT, Layers
from .stage import Stage

SHARD_BYTES = 256 << 20


@dataclass(frozen=True, kw_only=True)
class Keep:
    """The last step of a corpus: alive documents in corpus order, and the evidence of what became of the others.

    Give it the stages that mask text as `veil`: what card, report and ledger show of dropped rows passes through them.
    """

    revision: ClassVar[int] = 3
    license: str = "unknown"
    source: str | None = None
    veil: tuple[Stage, ...] = ()

    def run(self, job: Job) -> dict[str, Any]:
        layers = Layers(job.inputs)
        shards = shards_of(layers, SHARD_BYTES)
        work = partial(_write_shard, shards, job.bare())
        job.tool(Engine).run("keep", job, work, job.unfinished(len(shards)))
        return {"kind": "documents", "license": self.license, "source": self.source, **gather(job, self.veil)}


@dataclass(frozen=True)
class Shard:
    """Alive documents number `first` to `last` (exclusive), to be found in parts `parts`; shape of one output file."""

    first: int
    last: int
    parts: range
    before: int  # alive documents in the parts before the first of `parts`


def shards_of(layers: Layers, shard_bytes: int) -> list[Shard]:
    """Cut the alive documents where their running size passes a multiple of `shard_bytes`.

    Sizes are those of the documents, not of the parts, so the cut is the same for every run.
    """
    cuts = [0]
    spans: list[tuple[int, int]] = []  # alive documents before and after each part
    size = alive = 0
    for part in range(layers.parts):
        before = alive
        for frame in layers.batches(part, (SIZE,)):
            sizes = frame.filter(pl.col(DROP).is_null()).get_column(SIZE).cast(pl.Int64).cum_sum() + size
            shard = (sizes - 1) // shard_bytes if sizes.len() else sizes
            for number in range(len(cuts), int(shard[-1]) + 1 if sizes.len() else 0):
                cuts.append(alive + int((shard < number).sum()))
            size = int(sizes[-1]) if sizes.len() else size
            alive += sizes.len()
        spans.append((before, alive))
    shards = []
    for first, last in zip(cuts, [*cuts[1:], alive], strict=True):
        if last > first or len(cuts) == 1:
            parts = _overlap(spans, first, last)
            shards.append(Shard(first, last, parts, spans[parts.start][0] if spans else 0))
    return shards


def _overlap(spans: Sequence[tuple[int, int]], first: int, last: int) -> range:
    """The parts that hold any of the documents `first` to `last`."""
    inside = [part for part, (start, end) in enumerate(spans) if start < last and end > first]
    return range(inside[0], inside[-1] + 1) if inside else range(0)


def _write_shard(shards: list[Shard], job: Job, number: int) -> None:
    shard, layers, schema = shards[number], Layers(job.inputs), SCHEMAS["documents"]
    facts: list[dict[str, Any]] = []

    def frames() -> Iterator[pl.DataFrame]:
        for frame in regroup(alive(layers, shard, schema.names)):
            facts.append(shard_facts(frame))
            yield frame

    name = f"part-{number:05d}.parquet"
    rows = write_parquet(job.folder, name, frames(), schema)
    funnel = {"stage": "keep", "read": shard.last - shard.first, "kept": rows, "quarantined": 0, "dropped": {}}
    job.finish(number, [Part(name, rows)], funnel=[funnel], **add_facts(facts))


def alive(layers: Layers, shard: Shard, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    """The documents of a shard, in order."""
    position = shard.before
    for part in shard.parts:
        for frame in layers.batches(part, columns):
            alive = frame.filter(pl.col(DROP).is_null()).drop(DROP)
            start, end = max(shard.first - position, 0), min(shard.last - position, alive.height)
            position += alive.height
            if end > start:
                yield alive.slice(start, end - start)


def regroup(frames: Iterator[pl.DataFrame], rows: int = GROUP_ROWS, size: int = GROUP_BYTES) -> Iterator[pl.DataFrame]:
    """The same rows in row groups that depend on the rows alone: at most `rows`, closed once they hold `size` bytes."""
    pending: list[pl.DataFrame] = []
    room_rows, room_bytes = rows, size
    for frame in frames:
        while frame.height:
            running = frame.get_column(TEXT).str.len_bytes().cast(pl.Int64).cum_sum()
            taken = min(int((running < room_bytes).sum()) + 1, room_rows, frame.height)
            pending.append(frame.head(taken))
            room_rows, room_bytes = room_rows - taken, room_bytes - int(running[taken - 1])
            frame = frame.slice(taken)
            if room_rows <= 0 or room_bytes <= 0:
                yield pl.concat(pending, rechunk=True)
                pending, room_rows, room_bytes = [], rows, size
    if pending:
        yield pl.concat(pending, rechunk=True)
