"""Keys, passwords and the like that are in rows as they are frozen; what is told is their kinds, and never they."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import polars as pl

from .batch import Batch
from .instruments import Reads


class Secrets:
    """`secrets`: `rows` that hold one, of all `looked_at`; of each of the `kinds`, how many `finds` in how many `rows`.

    Nothing is told without an instrument.
    """

    def __init__(self, columns: Iterable[str], reads: Reads | None) -> None:
        self.columns, self.reads = tuple(columns), reads
        self.rows = self.looked_at = 0
        self.kinds: dict[str, dict[str, int]] = {}

    def add(self, batch: Batch) -> None:
        if self.reads is None:
            return
        self.looked_at += batch.rows
        found = []
        for name in self.columns:
            texts, row = batch.texts(name)
            kinds = self.reads(texts)
            held = kinds.list.len().fill_null(0) > 0
            if held.any():
                at = np.repeat(row[held.to_numpy()], kinds.filter(held).list.len().to_numpy())
                found.append(pl.DataFrame({"row": at, "kind": kinds.filter(held).explode()}))
        if not found:
            return
        finds = pl.concat(found)
        self.rows += finds["row"].n_unique()
        by_kind = finds.group_by("kind").agg(finds=pl.len(), rows=pl.col("row").n_unique()).sort("kind")
        for kind, many, rows in by_kind.iter_rows():
            own = self.kinds.setdefault(kind, {"finds": 0, "rows": 0})
            own["finds"] += many
            own["rows"] += rows

    def json(self) -> dict[str, Any]:
        if self.reads is None:
            return {}
        kinds = {kind: self.kinds[kind] for kind in sorted(self.kinds)}
        return {"secrets": {"rows": self.rows, "looked_at": self.looked_at, "kinds": kinds}}
