"""Which documents must be judged together: those connected by shared bands, gathered into batches.

This is the one place that holds something for every document of the corpus: 8 bytes each, 12 above two billion.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from dataset_cards.versions.job import Job

from .runs import read_group, write_batches
from .shingles import Offsets, mix
from .signatures import BATCHES

Parents = npt.NDArray[np.signedinteger]
Batches = npt.NDArray[np.int32]


@njit(cache=True, nogil=True)
def _root(parents: Parents, row: int) -> int:
    while parents[row] != row:
        parents[row] = parents[parents[row]]
        row = parents[row]
    return row


@njit(cache=True, nogil=True)
def connect(parents: Parents, firsts: Offsets, rows: Offsets) -> None:
    """Union-find: join the component of each of `rows` with that of its first; a root is its component's least row."""
    for at in range(len(rows)):
        one, other = _root(parents, firsts[at]), _root(parents, rows[at])
        if one < other:
            parents[other] = one
        elif other < one:
            parents[one] = other


@njit(cache=True, nogil=True)
def count_connected(parents: Parents) -> int:
    """How many rows have company; flattens every path to its root on the way."""
    connected = 0
    for row in range(len(parents)):
        parents[row] = parents[parents[row]]  # roots come first, so one step is enough
        connected += parents[row] != row
    return connected


@njit(cache=True, nogil=True)
def assign(parents: Parents, batches: int) -> Batches:
    """The batch of every row, by a hash of its root; -1 for rows without company. Expects flat paths."""
    out = np.full(len(parents), -1, np.int32)
    for row in range(len(parents)):
        root = parents[row]
        if root != row:
            batch = np.int32(mix(np.uint64(root) + np.uint64(1)) % np.uint64(batches))
            out[row] = batch
            out[root] = batch
    return out


@dataclass(frozen=True, kw_only=True)
class Link:
    """One task: connected components of the documents, and a batch for each component."""

    job: Job
    edges: Job
    written: tuple[int, ...]
    part_rows: tuple[int, ...]
    document_bytes: float  # what a document of the usual length takes up while its batch is judged
    budget_bytes: int

    def __call__(self, task: int) -> None:
        rows = sum(self.part_rows)
        parents: Parents = np.arange(rows, dtype=np.int32 if rows < 2**31 else np.int64)
        for edges in read_group(self.edges, self.written, 0):
            connect(parents, edges.column("first").to_numpy(), edges.column("row").to_numpy())
        later = count_connected(parents)
        # Half a budget each on average, so that most batches fit although components differ in size.
        batches = max(1, math.ceil(2 * later * 2 * self.document_bytes / self.budget_bytes))
        batch_of = assign(parents, batches)
        suspects = int((batch_of >= 0).sum())
        schema = pa.schema([("batch", pa.int32())])

        def by_part() -> Iterator[pa.RecordBatch]:
            first = 0
            for count in self.part_rows:
                yield pa.record_batch([pa.array(batch_of[first : first + count])], schema=schema)
                first += count

        write_batches(self.job.folder, BATCHES, schema, by_part())
        self.job.finish(task, [], batches=batches, suspects=suspects)
