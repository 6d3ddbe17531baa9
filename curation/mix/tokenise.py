"""Token shards: a version as token ids, row by row or packed into blocks of one length, for trainers to stream."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from curation.engine import Engine
from curation.rows import kind_of, text_of
from dataset_cards.versions.job import Job
from dataset_cards.versions.table import Part, Table, write_parquet

from .tokens import Tokenizer, encoded

KIND = "tokens"
IDS = "input_ids"  # as transformers and TRL call it
SCHEMA = pa.schema([("id", pa.string()), (IDS, pa.list_(pa.int32()))])
SHARD_TOKENS = 64 << 20
GROUP_TOKENS = 4 << 20

Ids = npt.NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class Tokenise:
    """Every row as token ids, each followed by the token that ends a text.

    With `length`, texts follow one another in their order and are cut into blocks of exactly that many tokens, across
    the ends of texts; only the last block is shorter. No token is lost or added. Without it, a row keeps its id.
    """

    revision: ClassVar[int] = 1
    tokenizer: Tokenizer
    end_of_text: str
    end_id: int
    length: int | None = None
    license: str = "unknown"
    source: str | None = None

    def __post_init__(self) -> None:
        if self.length is not None and self.length < 2:
            raise ValueError(f"Tokenise: length is {self.length}; a block has 2 tokens or more")

    def run(self, job: Job) -> dict[str, Any]:
        engine = job.tool(Engine)
        (table,) = job.inputs
        texts = job if self.length is None else Job(job.inputs, job.folder / "texts")
        encode = partial(_encode, self, kind_of(table.schema().names), texts.bare())
        engine.run("encode", texts, encode, texts.unfinished(len(table.parts)))
        facts = texts.facts()
        tokens = sum(fact["tokens"] for fact in facts)
        if self.length is not None:
            parts = tuple(Part(one["name"], one["rows"]) for fact in facts for one in fact["parts"])
            whole = Table(texts.folder, parts)
            pack = Pack(length=self.length, texts=whole, sizes=tuple(fact["tokens"] for fact in facts), job=job.bare())
            engine.run("pack", job, pack, job.unfinished(pack.shards))
            texts.folder.remove()
        said = {"texts": table.rows, "tokens": tokens, "length": self.length, "end_of_text": self.end_of_text}
        said["tokenizer"] = self.tokenizer.json_field()
        return {"kind": KIND, "license": self.license, "source": self.source, "token_shards": said}


def _encode(op: Tokenise, kind: str, job: Job, part: int) -> None:
    (table,) = job.inputs
    loaded = op.tokenizer.load()
    tokens = 0

    def rows() -> Iterator[pl.DataFrame]:
        nonlocal tokens
        for frame in table.batches(part):
            ids = [np.append(one, np.int32(op.end_id)) for one in encoded(loaded, text_of(frame, kind))]
            tokens += sum(map(len, ids))
            yield pl.DataFrame({"id": frame.get_column("id"), IDS: pl.Series(ids, dtype=pl.List(pl.Int32))})

    name = f"part-{part:05d}.parquet"
    written = write_parquet(job.folder, name, rows(), SCHEMA)
    job.finish(part, [Part(name, written)], tokens=tokens, funnel=[_funnel(written)])


@dataclass(frozen=True, kw_only=True)
class Pack:
    """Task n: the blocks of shard n, which depend on the tokens alone and not on how the texts lie in parts."""

    length: int
    texts: Table
    sizes: tuple[int, ...]  # tokens of each part of the texts
    job: Job

    @property
    def shards(self) -> int:
        return max(1, -(-sum(self.sizes) // self._step))

    @property
    def _step(self) -> int:
        """Tokens of a whole shard: a whole number of blocks."""
        return max(1, SHARD_TOKENS // self.length) * self.length

    def __call__(self, shard: int) -> None:
        name = f"part-{shard:05d}.parquet"
        rows = write_parquet(self.job.folder, name, self._blocks(shard), SCHEMA)
        self.job.finish(shard, [Part(name, rows)], funnel=[_funnel(rows)])

    def _blocks(self, shard: int) -> Iterator[pl.DataFrame]:
        block = shard * self._step // self.length
        group = max(1, GROUP_TOKENS // self.length) * self.length
        held: list[Ids] = []
        size = 0
        for ids in self._between(shard * self._step, (shard + 1) * self._step):
            held.append(ids)
            size += len(ids)
            if size >= group:
                ids = np.concatenate(held)
                whole = len(ids) // group * group
                yield from (
                    self._frame(ids[at : at + group], block + at // self.length) for at in range(0, whole, group)
                )
                block += whole // self.length
                held, size = [ids[whole:]], len(ids) - whole
        if size:
            yield self._frame(np.concatenate(held), block)

    def _frame(self, ids: Ids, first: int) -> pl.DataFrame:
        cuts = np.append(np.arange(0, len(ids), self.length), len(ids)).astype(np.int64)
        blocks = pl.Series(pa.LargeListArray.from_arrays(cuts, ids))
        numbers = pl.int_range(first, first + blocks.len(), eager=True).cast(pl.String).str.zfill(12)
        return pl.DataFrame({"id": numbers, IDS: blocks})

    def _between(self, start: int, end: int) -> Iterator[Ids]:
        """The tokens number `start` to `end` (exclusive) of all texts, in pieces."""
        at = 0
        for part, size in enumerate(self.sizes):
            if at < end and at + size > start:
                place = at
                for frame in self.texts.batches(part, [IDS]):
                    ids = frame.get_column(IDS).explode().to_numpy()
                    piece = ids[max(0, start - place) : max(0, end - place)]
                    place += len(ids)
                    if len(piece):
                        yield piece
            at += size


def _funnel(rows: int) -> dict[str, Any]:
    return {"stage": "tokenise", "read": rows, "kept": rows, "quarantined": 0, "dropped": {}}
