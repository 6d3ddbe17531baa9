"""Counting values of a column over a table of any size, in memory that does not grow with it."""

from collections import Counter
from typing import Any

import polars as pl

MOST_HELD = 200_000  # different values in memory
MOST_TOLD = 100  # of them in version.json
BLOCK = 1 << 16  # rows after which values are let go: always the same ones, however rows come in batches


class Tally:
    """How often each value occurs, exact up to `MOST_HELD` different ones.

    Beyond, the rarest are let go (Misra and Gries 1982, in batches): a count may then be too low by `slack` at most,
    and never too high.
    """

    def __init__(self, most: int = MOST_HELD) -> None:
        self.most = most
        self.counts: Counter[str] = Counter()
        self.rows = self.missing = self.slack = 0

    def add(self, values: pl.Series) -> None:
        """Count one batch; nulls are counted as missing."""
        while values.len():
            own = values.head(BLOCK - self.rows % BLOCK)
            values = values.slice(own.len())
            self.rows += own.len()
            self.missing += own.null_count()
            self.counts.update(dict(own.drop_nulls().value_counts().iter_rows()))
            if self.rows % BLOCK == 0:
                self._let_go()

    def _let_go(self) -> None:
        if len(self.counts) > self.most:
            kept = self.counts.most_common(self.most // 2 + 1)
            cut = kept[-1][1]
            self.slack += cut
            self.counts = Counter({value: n - cut for value, n in kept if n > cut})

    def json(self, most: int = MOST_TOLD) -> dict[str, Any]:
        """`counts` of the most frequent values, `different` ones in all, `others` that are not shown, `missing`.

        `slack` is there where counts may be too low by so much; `different` is then a lower bound.
        """
        shown = sorted(self.counts.items(), key=lambda one: (-one[1], one[0]))[:most]
        told = {
            "counts": dict(shown),
            "different": len(self.counts),
            "others": self.rows - self.missing - sum(n for _, n in shown),
            "missing": self.missing,
        }
        return {**told, "slack": self.slack} if self.slack else told
