"""The per-part phases of a near-duplicate search: band hashes of every document, shingle sets of the suspects."""

from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from curation.layers import DROP, TEXT, Layers
from dataset_cards.versions.job import Job

from .buckets import SHORT_KEYS, slice_of
from .normalise import characters
from .runs import Spill, read_batch
from .sets import shingle_sets
from .shingles import Hashes, Offsets, buffers
from .sketches import permutations, sign, sign_sets

BATCHES = "batches.arrow"


@dataclass(frozen=True, kw_only=True)
class MinHash:
    """Word n-grams, and how their sets are condensed into band hashes."""

    ngram: int
    bands: int
    rows: int
    seed: int

    def sign(self, texts: pl.Series) -> tuple[Hashes, Offsets]:
        """Band hashes, shape (documents, bands), and shingle counts; a count of 0 means no words and no hashes."""
        table = characters()
        data, offsets = buffers(texts)
        multipliers, addends = permutations(self.bands * self.rows, self.seed)
        tables = table.kinds, table.starts, table.mapped
        return sign(data, offsets, *tables, self.ngram, multipliers, addends, self.bands)

    def sets(self, texts: pl.Series) -> tuple[Offsets, Hashes]:
        """Distinct shingles of each document: offsets, shape (documents + 1,), and hashes."""
        table = characters()
        data, offsets = buffers(texts)
        return shingle_sets(data, offsets, table.kinds, table.starts, table.mapped, self.ngram)

    def sign_sets(self, bounds: Offsets, values: Hashes) -> Hashes:
        """The band hashes of documents whose sets are known: the same as from their texts, for a third of the time."""
        multipliers, addends = permutations(self.bands * self.rows, self.seed)
        return sign_sets(bounds, values, multipliers, addends, self.bands)

    def suspects(self) -> pa.Schema:
        """How a document goes to the task that decides about it."""
        bands = pa.list_(pa.uint64(), self.bands)
        return pa.schema([("row", pa.int64()), ("bands", bands), ("shingles", pa.large_list(pa.uint64()))])


@dataclass(frozen=True, kw_only=True)
class Sign:
    """Task = part: the band hashes of its rows alive, sent to their slices."""

    minhash: MinHash
    job: Job
    slices: int
    buffer_bytes: int

    def __call__(self, task: int) -> None:
        layers = Layers(self.job.inputs)
        out = Spill(self.job, task, SHORT_KEYS, self.slices, self.buffer_bytes)
        row = layers.first_rows()[task]
        documents = shingles = 0
        for frame in layers.batches(task):
            alive = frame.get_column(DROP).is_null()
            hashes, counts = self.minhash.sign(frame.get_column(TEXT).filter(alive))
            rows = (np.flatnonzero(alive.to_numpy()) + row)[counts > 0]
            keys = hashes[counts > 0].ravel()
            out.add([keys, np.repeat(rows, self.minhash.bands)], slice_of(keys, self.slices))
            row += frame.height
            documents += len(rows)
            shingles += int(counts.sum())
        self.job.finish(task, [], blocks=out.close(), documents=documents, shingles=shingles)


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """Task = part: band hashes and shingle sets of the documents that share a band, sent to their batches."""

    minhash: MinHash
    job: Job
    links: Job
    batches: int
    buffer_bytes: int

    def __call__(self, task: int) -> None:
        layers = Layers(self.job.inputs)
        batch_of = read_batch(self.links.folder, BATCHES, task).column("batch").to_numpy()
        out = Spill(self.job, task, self.minhash.suspects(), self.batches, self.buffer_bytes)
        first = layers.first_rows()[task]
        at = 0
        for frame in layers.batches(task) if (batch_of >= 0).any() else ():
            batches = batch_of[at : at + frame.height]
            suspect = batches >= 0
            texts = frame.get_column(TEXT).filter(pl.Series(suspect))
            bounds, values = self.minhash.sets(texts)
            hashes = self.minhash.sign_sets(bounds, values)
            rows = np.flatnonzero(suspect) + at + first
            bands = pa.FixedSizeListArray.from_arrays(pa.array(hashes.ravel()), self.minhash.bands)
            shingles = pa.LargeListArray.from_arrays(pa.array(bounds), pa.array(values))
            out.add([rows, bands, shingles], batches[suspect])
            at += frame.height
        self.job.finish(task, [], blocks=out.close())
