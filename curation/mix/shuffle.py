"""One random order over all sources, out of core: rows go into buckets by their key, and each bucket is sorted."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from curation.evidence import add_facts, shard_facts
from curation.rows import text_of
from dataset_cards.versions.job import Job
from dataset_cards.versions.schemas import SCHEMAS
from dataset_cards.versions.table import GROUP_BYTES, GROUP_ROWS, Part, Table, write_parquet

from .shares import Sizes, keys

SAMPLE, ORDER = "sample", "order"  # what a key is for; keys of different use have nothing to do with each other
RUN_BYTES = 128 << 20  # rows that a scattering task holds before it writes them, bucket by bucket
SIZE = "size"
# Where a copy of a row goes and what keeps equal keys apart.
_KEY, _SOURCE, _ROW, _COPY = "mix.key", "mix.source", "mix.row", "mix.copy"
_PLACE = (_KEY, _SOURCE, _ROW, _COPY)
_PLACES = tuple(pa.field(name, pa.uint64() if name == _KEY else pa.int64()) for name in _PLACE)


@dataclass(frozen=True, kw_only=True)
class Taken:
    """How often the rows of a source are taken: all `copies` times, and those with a key up to `last` once more."""

    name: str
    copies: int
    last: int

    def times(self, seed: int, rows: np.ndarray[Any, np.dtype[np.int64]]) -> Sizes:
        if self.last < 0:
            return np.full(len(rows), self.copies, np.int64)
        return self.copies + (keys(seed, self.name, SAMPLE, rows) <= np.uint64(self.last)).astype(np.int64)


@dataclass(frozen=True, kw_only=True)
class Scatter:
    """Task n: the copies of the rows of one part, in runs that are cut by bucket, and the rows that were not taken."""

    kind: str
    seed: int
    taken: tuple[Taken, ...]
    places: tuple[tuple[int, int], ...]  # source and part of each task
    buckets: int
    sizes: Job
    job: Job

    def __call__(self, task: int) -> None:
        source, part = self.places[task]
        taken, table = self.taken[source], self.job.inputs[source]
        first = table.first_rows()[part]
        size = part_sizes(self.sizes, task)
        times = taken.times(self.seed, np.arange(first, first + len(size), dtype=np.int64))
        groups: list[int] = []  # the bucket of each row group written
        name = f"part-{task:05d}.parquet"
        rows = write_parquet(self.job.folder, name, self._runs(source, part, first, times, groups), self._schema())
        named = self._with(source, ("id", "source"))
        texts = pa.schema([(column, pa.string()) for column in named])
        left = write_parquet(self.job.folder, _left_name(task), self._left(source, part, times, named), texts)
        got = int((times * size).sum())
        self.job.finish(task, [Part(name, rows)], groups=groups, rows=rows, got=got, left=left)

    def _left(self, source: int, part: int, times: Sizes, named: list[str]) -> Iterator[pl.DataFrame]:
        at = 0
        for frame in self.job.inputs[source].batches(part, named):
            yield frame.filter(pl.Series(times[at : at + frame.height] == 0))
            at += frame.height

    def _with(self, source: int, columns: tuple[str, ...]) -> list[str]:
        return [name for name in columns if name in self.job.inputs[source].schema().names]

    def _runs(self, source: int, part: int, first: int, times: Sizes, groups: list[int]) -> Iterator[pl.DataFrame]:
        held: list[pl.DataFrame] = []
        weight = at = 0
        for frame in self.job.inputs[source].batches(part, SCHEMAS[self.kind].names):
            for copies in self._copies(frame, source, first + at, times[at : at + frame.height]):
                held.append(copies)
                weight += int(copies.estimated_size())
                if weight >= RUN_BYTES:
                    yield from self._cut(held, groups)
                    held, weight = [], 0
            at += frame.height
        yield from self._cut(held, groups)

    def _copies(self, frame: pl.DataFrame, source: int, first: int, times: Sizes) -> Iterator[pl.DataFrame]:
        """The rows that are taken at all, then those taken twice, and so on: never more than the frame at once."""
        for number in range(int(times.max(initial=0))):
            place = np.flatnonzero(times > number)
            key = keys(self.seed, f"{self.taken[source].name}\0{number}", ORDER, first + place)
            columns = {_KEY: key, _SOURCE: source, _ROW: first + place, _COPY: number}
            lines = pl.DataFrame(columns, schema=_place_schema())
            yield pl.concat([frame[place], lines], how="horizontal")

    def _schema(self) -> pa.Schema:
        """Rows and where they go; said outright, since a part may have no rows to tell it from."""
        return pa.schema([*SCHEMAS[self.kind], *_PLACES])

    def _cut(self, held: list[pl.DataFrame], groups: list[int]) -> Iterator[pl.DataFrame]:
        """The held rows, one row group per bucket."""
        if not held:
            return
        rows = pl.concat(held)
        bucket = pl.Series(bucket_of(rows.get_column(_KEY).to_numpy(), self.buckets))
        for number in sorted(bucket.unique().to_list()):
            groups.append(number)
            yield rows.filter(bucket == number)


def _place_schema() -> dict[str, Any]:
    return {name: pl.UInt64 if name == _KEY else pl.Int64 for name in _PLACE}


def bucket_of(key: np.ndarray[Any, np.dtype[np.uint64]], buckets: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The bucket of each key; ascending with the key, all of about the same size."""
    return ((key >> np.uint64(32)) * np.uint64(buckets) >> np.uint64(32)).astype(np.int64)


@dataclass(frozen=True, kw_only=True)
class Gather:
    """Task n: the rows of bucket n by ascending key, as one shard."""

    kind: str
    runs: Job
    job: Job
    dropped: dict[str, int]

    def __call__(self, bucket: int) -> None:
        found = [frame for task, fact in enumerate(self.runs.facts()) for frame in self._mine(task, fact, bucket)]
        schema = SCHEMAS[self.kind]
        rows = pl.concat(found).sort(_PLACE).drop(_PLACE) if found else None
        name = f"part-{bucket:05d}.parquet"
        facts: list[dict[str, Any]] = []
        written = write_parquet(self.job.folder, name, self._groups(rows, facts), schema)
        # The rows that were left out belong to no shard; they are counted with the first.
        dropped = {reason: n for reason, n in self.dropped.items() if n} if bucket == 0 else {}
        read = written + sum(dropped.values())
        funnel = {"stage": "mix", "read": read, "kept": written, "quarantined": 0, "dropped": dropped}
        self.job.finish(bucket, [Part(name, written)], funnel=[funnel], **add_facts(facts))

    def _mine(self, task: int, fact: dict[str, Any], bucket: int) -> Iterator[pl.DataFrame]:
        wanted = [group for group, number in enumerate(fact["groups"]) if number == bucket]
        if wanted:
            table = Table(self.runs.folder, (Part(fact["parts"][0]["name"], fact["rows"]),))
            yield from (table.batch(0, group) for group in wanted)

    def _groups(self, rows: pl.DataFrame | None, facts: list[dict[str, Any]]) -> Iterator[pl.DataFrame]:
        """Row groups that depend on the rows alone."""
        if rows is None:
            return
        text = text_of(rows, self.kind)
        before = text.str.len_bytes().cast(pl.Int64).cum_sum().shift(1, fill_value=0)
        row = pl.int_range(rows.height, eager=True)
        group = (before // GROUP_BYTES) * (rows.height + 1) + row // GROUP_ROWS
        for frame in rows.with_columns(group.rle_id().alias(_KEY)).partition_by(_KEY, include_key=False):
            facts.append(_facts(frame, self.kind))
            yield frame


def _facts(rows: pl.DataFrame, kind: str) -> dict[str, Any]:
    """The facts that a corpus has of its documents, of rows of any type."""
    absent = [name for name in ("language", "license", "source") if name not in rows.columns]
    nothing = [pl.lit(None, dtype=pl.String).alias(name) for name in absent]
    return shard_facts(rows.with_columns(text_of(rows, kind), *nothing))


def part_sizes(sizes: Job, task: int) -> Sizes:
    """The size of each row of the part that a measuring task read."""
    with sizes.folder.open(f"part-{task:05d}.parquet") as file:
        found: Sizes = pl.read_parquet(file, columns=[SIZE]).get_column(SIZE).to_numpy()
    return found


def left_rows(runs: Job, task: int, reason: str) -> Iterator[pl.DataFrame]:
    """The rows of one part that were not taken, as the ledger lists them."""
    stage, _, why = reason.partition("/")
    with runs.folder.open(_left_name(task)) as file:
        rows = pl.read_parquet(file)
    source = pl.col("source") if "source" in rows.columns else pl.lit(None, dtype=pl.String)
    none = pl.lit(None, dtype=pl.String)
    yield rows.select(
        "id",
        source.alias("source"),
        pl.lit(stage).alias("stage"),
        pl.lit(why).alias("reason"),
        none.alias("duplicate_of"),
    )


def _left_name(task: int) -> str:
    return f"left-{task:05d}.parquet"
