"""Which rows are looked at where all would take too long: drawn by number, so that no cut into parts matters."""

import numpy as np

from .batch import Batch, Flags, mixed


def drawn(batch: Batch, rows: int, most: int) -> Flags:
    """Whether each row of a batch is among about `most` of all `rows`; all are, where there are no more.

    Every row has the same chance, by its number alone.
    """
    if rows <= most:
        return np.ones(batch.rows, dtype=bool)
    number = np.arange(batch.first, batch.first + batch.rows, dtype=np.uint64)
    limit = np.uint64(int((1 << 64) * most / rows))
    return np.asarray(mixed(number * np.uint64(0x9E3779B97F4A7C15) + np.uint64(1)) < limit)
