"""Facts on judgements: how many, by whom, on what, and how long they took."""

from typing import Any

import numpy as np
import polars as pl

from ..versions.table import Table
from .batch import Batch
from .every import measured
from .instruments import Instruments
from .repeats import Repeats
from .spread import Spread
from .tally import Tally

ANNOTATORS = 100  # told, by pseudonym


class Judged:
    """`judgements`: how many `records`, and judgements of each; `annotators`, `seconds`, `guidelines`, `ranked`."""

    def __init__(self, rows: int) -> None:
        self.records = Repeats(rows)
        self.annotators, self.guidelines = Tally(), Tally(1000)
        self.milliseconds = Spread()
        self.untimed = self.ranked = 0

    def add(self, batch: Batch) -> None:
        self.records.add(batch.column("record").hash(seed=8).to_numpy())
        self.annotators.add(batch.column("annotator").str.head(200))
        self.guidelines.add(
            batch.column("guidelines").hash(seed=9).cast(pl.String).set(batch.column("guidelines").is_null(), None)
        )
        seconds = batch.column("seconds").cast(pl.Float64, strict=False)
        timed = seconds.filter(seconds.is_finite().fill_null(False)).to_numpy()
        self.untimed += batch.rows - len(timed)
        self.milliseconds.add(np.rint(np.clip(timed, 0, 1e12) * 1000).astype(np.int64))
        ranks = batch.column("ranks")
        if isinstance(ranks.dtype, pl.List):
            self.ranked += int((ranks.list.len().fill_null(0) > 0).sum())

    def json(self) -> dict[str, Any]:
        records = self.records.told()
        guidelines = self.guidelines.json(0)
        return {
            "judgements": {
                "records": {name: records[name] for name in ("different", "groups", "largest", "part")},
                "annotators": self.annotators.json(ANNOTATORS),
                "seconds": {**self.milliseconds.summary(1000), "missing": self.untimed},
                "guidelines": {"different": guidelines["different"], "missing": guidelines["missing"]},
                "ranked": self.ranked,
            }
        }


def judgements(rows: Table, instruments: Instruments) -> dict[str, Any]:
    gauges = [Judged(rows.rows)]
    return measured("judgements", rows, instruments, gauges, others=("guidelines", "seconds", "ranks"))
