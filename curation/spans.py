"""Where detectors found something in a text: every span of every stage in one ledger, and how many of each type.

A span says where and what kind, never what: `start` and `end` are code points of the text as the stage saw it.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import polars as pl

from dataset_cards.versions.files import Folder
from dataset_cards.versions.table import GROUP_ROWS, write_parquet

from .excerpts import SPANS
from .layers import Layers
from .stage import SPAN

_COLUMNS = pl.Schema({"id": pl.String, "stage": pl.String, **SPAN})


def copy_spans(layers: Layers, ledger: Folder) -> dict[str, Any]:
    """Write `spans.parquet`, of kept and dropped rows alike; returns the counts by stage and type.

    Returns:
        {stage: {type: {"spans": n, "rows": rows with any, "actions": {action: spans}}}}; where no stage looks for
        spans there is no file, and nothing is returned.
    """
    stages = [
        name.removesuffix(SPANS) for table in layers.tables for name in table.schema().names if name.endswith(SPANS)
    ]
    if not stages:
        return {}
    counts: dict[str, Any] = {stage: {} for stage in stages}
    write_parquet(ledger, "spans.parquet", even(_spans(layers, stages, counts), GROUP_ROWS))
    return {stage: dict(sorted(types.items())) for stage, types in counts.items()}


def _spans(layers: Layers, stages: list[str], counts: dict[str, Any]) -> Iterator[pl.DataFrame]:
    """The spans of one row group at a time, by row and then by stage, counted as they go by."""
    yield pl.DataFrame(schema=_COLUMNS)
    for part in range(layers.parts):
        for frame in layers.batches(part, ("id", *(f"{stage}{SPANS}" for stage in stages))):
            found = [_of_stage(frame, stage) for stage in stages]
            for stage, spans in zip(stages, found, strict=True):
                _count(counts[stage], spans)
            yield pl.concat(found).sort("row", maintain_order=True).select(_COLUMNS.names())


def _of_stage(frame: pl.DataFrame, stage: str) -> pl.DataFrame:
    rows = frame.select("id", pl.col(f"{stage}{SPANS}").alias("span")).with_row_index("row")
    found = rows.filter(pl.col("span").list.len() > 0).explode("span")
    fields = [pl.col("span").struct.field(name).cast(kind) for name, kind in SPAN.items()]
    return found.select("row", "id", pl.lit(stage).alias("stage"), *fields)


def _count(types: dict[str, Any], found: pl.DataFrame) -> None:
    for name, rows in found.group_by("type").agg(pl.col("row").n_unique()).iter_rows():
        types.setdefault(name, {"spans": 0, "rows": 0, "actions": {}})["rows"] += rows
    for name, action, spans in found.group_by("type", "action").agg(pl.len()).sort("type", "action").iter_rows():
        types[name]["spans"] += spans
        actions = types[name]["actions"]
        types[name]["actions"] = dict(sorted({**actions, action: actions.get(action, 0) + spans}.items()))


def even(frames: Iterable[pl.DataFrame], rows: int) -> Iterator[pl.DataFrame]:
    """The same rows in frames of `rows`, but the last: their cut depends on nothing but their number."""
    pending: list[pl.DataFrame] = []
    there = 0
    for frame in frames:
        pending.append(frame)
        there += frame.height
        if there >= rows:
            whole = pl.concat(pending)
            yield from (whole.slice(start, rows) for start in range(0, there - there % rows, rows))
            pending, there = [whole.slice(there - there % rows)], there % rows
    if pending:
        yield pl.concat(pending)
