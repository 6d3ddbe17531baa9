"""Writing what a duplicate search found as a sidecar: who is dropped, in favour of whom."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from curation.layers import DROP, Layers
from dataset_cards.versions.job import Job

from .runs import read_group

DUPLICATE_OF = "duplicate_of"


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Task = part: its sidecar, from the rows that an earlier phase sent to the part."""

    job: Job
    found: Job
    written: tuple[int, ...]
    reason: str  # "<stage>/<reason>"
    measures: tuple[str, ...] = ()  # further Float64 columns of what was found

    def __call__(self, task: int) -> None:
        layers = Layers(self.job.inputs)
        first, rows = layers.first_rows()[task], layers.documents.parts[task].rows
        kept = np.full(rows, -1, np.int64)
        measured = {name: np.full(rows, np.nan) for name in self.measures}
        for batch in read_group(self.found, self.written, task):
            at = batch.column("row").to_numpy() - first
            kept[at] = batch.column("first").to_numpy()
            for name, values in measured.items():
                values[at] = batch.column(name).to_numpy()
        dropped = int((kept >= 0).sum())
        columns = {DUPLICATE_OF: pl.Series(kept), **{name: pl.Series(values) for name, values in measured.items()}}
        # The rows alive are counted while the sidecar is written, and the entry goes out with the facts after it.
        stage = self.reason.split("/")[0]
        entry: dict[str, Any] = {"stage": stage, "quarantined": 0, "dropped": {self.reason: dropped}}
        schema = pa.schema(
            [(DROP, pa.large_string()), (DUPLICATE_OF, pa.int64()), *((name, pa.float64()) for name in self.measures)]
        )
        self.job.write(task, self._batches(layers, task, pl.DataFrame(columns), entry), schema=schema, funnel=[entry])

    def _batches(self, layers: Layers, part: int, found: pl.DataFrame, entry: dict[str, Any]) -> Iterator[pl.DataFrame]:
        at = alive = 0
        duplicate = pl.col(DUPLICATE_OF) >= 0
        for frame in layers.batches(part, ()):
            alive += frame.get_column(DROP).null_count()
            yield found.slice(at, frame.height).select(
                pl.when(duplicate).then(pl.lit(self.reason)).alias(DROP),
                *(pl.when(duplicate).then(pl.col(name)).alias(name) for name in found.columns),
            )
            at += frame.height
        entry["read"] = alive
        entry["kept"] = alive - sum(entry["dropped"].values())
