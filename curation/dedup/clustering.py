"""Judging one batch of connected documents within a fixed budget, in as many passes as its leaders need."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from dataset_cards.versions.job import Job

from .leaders import Ints, Store, empty_store, judge, store_bytes
from .pairs import describe, largest, near_threshold, nearest
from .runs import Spill, read_group
from .shingles import Hashes, Offsets

FOUND = pa.schema([("first", pa.int64()), ("row", pa.int64()), ("jaccard", pa.float64())])


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Task = batch: which of its documents are dropped, for whom, and how similar they are; sent to their parts.

    A batch is read once if the shingles of all its leaders fit the budget. If not, the first leaders that fit judge all
    documents, then the next leaders are taken from those still undecided, and so on: the answer is that of one pass
    with all the memory in the world. Besides the budget, 4 bytes are held for each document of the batch.
    """

    job: Job
    suspects: Job
    written: tuple[int, ...]
    bands: int
    min_jaccard: float
    max_compared: int
    budget_bytes: int

    def __call__(self, task: int) -> None:
        out = Spill(self.job, task, FOUND, len(self.written), self.budget_bytes // 8)
        known: list[Ints] = []
        documents = longest = total = 0
        for _, _, _, bounds, _ in self._read(task):
            known.append(np.zeros(len(bounds) - 1, np.int32))
            documents += len(bounds) - 1
            longest = max(longest, int(np.diff(bounds).max()))
            total += int(bounds[-1] - bounds[0])
        compared = capped = passes = 0
        clusters: list[dict[str, Any]] = []
        arguable: list[dict[str, Any]] = []
        while any((block >= 0).any() for block in known):
            store = self._store(documents, total, longest)
            for block, (part, rows, bands, bounds, shingles) in zip(known, self._read(task), strict=True):
                leaders, jaccard = judge(
                    store, rows, bands, bounds, shingles, block, self.min_jaccard, self.max_compared
                )
                dropped = leaders >= 0
                went = leaders[dropped], rows[dropped], jaccard[dropped]
                out.add(went, np.full(int(dropped.sum()), part))
                arguable = nearest(arguable + near_threshold(*went, self.min_jaccard), self.min_jaccard)
            clusters = largest(clusters + describe(store))
            compared, capped, passes = compared + int(store.counts[3]), capped + int(store.counts[4]), passes + 1
        facts = {"compared": compared, "capped": capped, "passes": passes, "clusters": clusters, "arguable": arguable}
        self.job.finish(task, [], blocks=out.close(), documents=documents, **facts)

    def _read(self, task: int) -> Iterator[tuple[int, Offsets, Hashes, Offsets, Hashes]]:
        for part in range(len(self.written)):
            for batch in read_group(self.suspects, self.written, task, part):
                lists = batch.column("shingles")
                bands = batch.column("bands").flatten().to_numpy().reshape(-1, self.bands)
                yield part, batch.column("row").to_numpy(), bands, lists.offsets.to_numpy(), lists.values.to_numpy()

    def _store(self, documents: int, shingles: int, longest: int) -> Store:
        half = self.budget_bytes // 2
        leaders = min(documents, max(1, half // store_bytes(self.bands)))
        return empty_store(leaders, min(shingles, max(longest, half // 8)), self.bands)
