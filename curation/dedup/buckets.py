"""Documents that share a key, joined in bounded memory: the key space is cut into slices that fit.

Keys are hashes, so slices are even. A key that very many documents share costs one entry, however many they are:
memory follows the number of different keys in a slice, which the number of slices bounds.
"""

import math
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numba import njit

from dataset_cards.versions.job import Job

from .runs import Spill, read_group
from .shingles import Hashes, Offsets

SHORT_KEYS = pa.schema([("high", pa.uint64()), ("row", pa.int64())])
LONG_KEYS = pa.schema([("high", pa.uint64()), ("low", pa.uint64()), ("row", pa.int64())])
LINKS = pa.schema([("first", pa.int64()), ("row", pa.int64())])

# A table at most half full, twice while it grows: (8 + 8 + 8) bytes x 2 x 2.
_BYTES_PER_KEY = 96


def slices_for(keys: int, budget_bytes: int) -> int:
    """How many slices keep the table of one slice within `budget_bytes`."""
    return max(1, math.ceil(keys * _BYTES_PER_KEY / budget_bytes))


def slice_of(high: Hashes, slices: int) -> Offsets:
    """The slice of each key: equal shares of the range of its upper 32 bits."""
    upper = (high >> np.uint64(32)) * np.uint64(slices)
    return (upper >> np.uint64(32)).astype(np.int64)


@njit(cache=True, nogil=True)
def _first_rows(
    high: Hashes, low: Hashes, rows: Offsets, keys: Hashes, firsts: Offsets, filled: int, out: Offsets
) -> int:
    """For each key the row that brought it first, into `out`; new keys enter the table. Returns the keys in it."""
    mask = len(firsts) - 1
    for at in range(len(rows)):
        slot = np.int64(low[at] ^ (low[at] >> np.uint64(29))) & mask
        while firsts[slot] >= 0 and (keys[slot, 0] != high[at] or keys[slot, 1] != low[at]):
            slot = (slot + 1) & mask
        if firsts[slot] < 0:
            keys[slot, 0], keys[slot, 1], firsts[slot] = high[at], low[at], rows[at]
            filled += 1
        out[at] = firsts[slot]
    return filled


class FirstRows:
    """The first row of every key seen so far."""

    def __init__(self) -> None:
        self._keys = np.empty((1024, 2), np.uint64)
        self._firsts = np.full(1024, -1, np.int64)
        self._filled = 0

    def __len__(self) -> int:
        return self._filled

    def look_up(self, high: Hashes, low: Hashes, rows: Offsets) -> Offsets:
        """The first row with the same key, shape (rows,): the row itself where its key is new."""
        out = np.empty(len(rows), np.int64)
        step = 1 << 16
        for at in range(0, len(rows), step):
            part = slice(at, at + step)
            self._make_room(min(step, len(rows) - at))
            added = high[part], low[part], rows[part]
            self._filled = _first_rows(*added, self._keys, self._firsts, self._filled, out[part])
        return out

    def _make_room(self, more: int) -> None:
        slots = len(self._firsts)
        while slots < 2 * (self._filled + more):
            slots *= 2
        if slots == len(self._firsts):
            return
        used = self._firsts >= 0
        keys, firsts = self._keys[used], self._firsts[used]
        self._keys, self._firsts = np.empty((slots, 2), np.uint64), np.full(slots, -1, np.int64)
        high, low = np.ascontiguousarray(keys[:, 0]), np.ascontiguousarray(keys[:, 1])
        _first_rows(high, low, firsts, self._keys, self._firsts, 0, np.empty(len(firsts), np.int64))


@dataclass(frozen=True, kw_only=True)
class Join:
    """Task = slice: find the rows whose key another row had before, and send (first row, row) on."""

    job: Job
    keys: Job
    written: tuple[int, ...]
    starts: tuple[int, ...]  # the first row of each part; with `by_part`, rows are sent to their own part
    by_part: bool
    buffer_bytes: int

    def __call__(self, task: int) -> None:
        seen = FirstRows()
        out = Spill(self.job, task, LINKS, len(self.starts) if self.by_part else 1, self.buffer_bytes)
        found = 0
        for batch in read_group(self.keys, self.written, task):
            high, rows = batch.column("high").to_numpy(), batch.column("row").to_numpy()
            low = batch.column("low").to_numpy() if "low" in batch.schema.names else high
            firsts = seen.look_up(high, low, rows)
            again = firsts != rows
            firsts, rows = firsts[again], rows[again]
            to = np.searchsorted(self.starts, rows, side="right") - 1 if self.by_part else np.zeros(len(rows), np.int64)
            out.add([firsts, rows], to)
            found += len(rows)
        self.job.finish(task, [], blocks=out.close(), rows=found)
