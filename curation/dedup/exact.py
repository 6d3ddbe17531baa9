"""Dropping documents whose text, or whose URL, an earlier document already had."""

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl

from curation.engine import Engine
from curation.layers import DROP, Layers
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Job

from .buckets import LONG_KEYS, Join, slice_of, slices_for
from .runs import Spill, blocks
from .shingles import Hashes, buffers
from .urls import normal
from .verdicts import Mark


@dataclass(frozen=True, kw_only=True)
class ExactDuplicates:
    """Of the documents with the same key, the first in corpus order stays; the others are dropped.

    Keys are compared by 128-bit BLAKE2b: equal for different documents with a chance below 1e-20 in a corpus of a
    billion, and not even on purpose, which matters because the authors of a crawled text may be hostile. URLs are
    compared as `urls.normal` writes them. An absent or empty URL matches nothing; an empty text matches another.

    Drops as `exact-duplicates/same-text` or `exact-duplicates/same-url`; the sidecar has `duplicate_of` (Int64, the row
    number in the corpus of the document that stays).
    """

    revision: ClassVar[int] = 2
    budget_bytes: ClassVar[int] = 256 << 20  # how it runs, not what it does: any value gives the same rows

    by: Literal["text", "url"] = "text"
    fold: bool = False  # compare texts without case, and with every run of whitespace as one blank

    def __post_init__(self) -> None:
        if self.by not in ("text", "url"):
            raise ValueError(f"ExactDuplicates(by={self.by!r}): documents are compared by 'text' or by 'url'")
        if self.fold and self.by == "url":
            raise ValueError("ExactDuplicates(by='url', fold=True): a URL means what its case says; leave fold out")

    def run(self, job: Job) -> dict[str, Any]:
        """Hash every key, join the hashes, mark; each phase goes on where it was stopped."""
        layers = Layers(job.inputs)
        engine, bare = job.tool(Engine), job.bare()
        slices = slices_for(layers.rows, self.budget_bytes)
        # The cut is part of the name: work half done under another budget is left alone, not misread.
        hashes, found = (Job(job.inputs, job.folder / f"{name}-{slices}") for name in ("hashes", "found"))
        buffer = self.budget_bytes // 4
        if found.unfinished(slices):
            work = _Hash(op=self, job=hashes, slices=slices, buffer_bytes=buffer)
            engine.run("hash", hashes, work, hashes.unfinished(layers.parts))
            join = Join(
                job=found,
                keys=hashes,
                written=blocks(hashes),
                starts=tuple(layers.first_rows()),
                by_part=True,
                buffer_bytes=buffer,
            )
            engine.run("join", found, join, found.unfinished(slices))
        mark = Mark(job=bare, found=found, written=blocks(found), reason=f"exact-duplicates/same-{self.by}")
        engine.run("mark", job, mark, job.unfinished(layers.parts))
        hashes.folder.remove()
        return {}

    def keys(self, values: pl.Series) -> pl.Series:
        """What is compared, null where a document takes no part."""
        if self.by == "url":
            return normal(values)
        if self.fold:
            return values.str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()
        return values


@dataclass(frozen=True, kw_only=True)
class _Hash:
    """Task = part: the hashes of the keys of its rows alive, sent to their slices."""

    op: ExactDuplicates
    job: Job
    slices: int
    buffer_bytes: int

    def __call__(self, task: int) -> None:
        layers = Layers(self.job.inputs)
        out = Spill(self.job, task, LONG_KEYS, self.slices, self.buffer_bytes)
        row = layers.first_rows()[task]
        for frame in layers.batches(task, (self.op.by,)):
            if self.op.by not in frame.columns:
                raise Misuse(f"documents without the column {self.op.by!r} to compare by: {layers.documents.folder}")
            keys = self.op.keys(frame.get_column(self.op.by))
            takes_part = frame.get_column(DROP).is_null() & keys.is_not_null()
            hashes = hash_128(keys.filter(takes_part))
            rows = np.flatnonzero(takes_part.to_numpy()) + row
            high, low = np.ascontiguousarray(hashes[:, 0]), np.ascontiguousarray(hashes[:, 1])
            out.add([high, low, rows], slice_of(high, self.slices))
            row += frame.height
        self.job.finish(task, [], blocks=out.close())


def hash_128(values: pl.Series) -> Hashes:
    """BLAKE2b of every string, shape (rows, 2). One call each: 1.3 CPU-s/GB, nearly all of it inside BLAKE2b."""
    data, offsets = buffers(values)
    view = data.data

    def digests() -> Iterator[bytes]:
        bounds = offsets.tolist()
        for start, end in itertools.pairwise(bounds):
            yield hashlib.blake2b(view[start:end], digest_size=16).digest()

    return np.frombuffer(b"".join(digests()), "<u8").reshape(-1, 2)
