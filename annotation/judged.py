"""Judgements as the rest of annotation computes with them: one row per answer, its notes in columns of their own."""

import json
from collections.abc import Mapping
from typing import Any

import polars as pl

from dataset_cards.versions.table import Table

# Where an answer comes from. `main` and `calibration` answers are about rows of the source and say what they are;
# `gold` items have known answers; a `repeat` shows the same person the same row again in another order;
# `adjudication` is the second look at a row whose first answers disagreed.
BATCHES = ("main", "calibration", "gold", "repeat", "adjudication")
FIRST = ("main", "calibration")  # independent first looks at rows of the source
ADJUDICATION = ("adjudication",)

SCHEMA: Mapping[str, Any] = {
    "record": pl.String,  # id of the row that was judged
    "annotator": pl.String,  # pseudonym
    "answer": pl.String,  # in terms of the row: "1" is its first response, wherever it stood
    "ranks": pl.List(pl.Int64),
    "seconds": pl.Float64,  # since the same person's answer before, null where that is long ago or unknown
    "guidelines": pl.String,
    "batch": pl.String,  # one of BATCHES
    "order": pl.List(pl.Int64),  # order[p] = number from 0 of the response at place p; null where unknown
    "discarded": pl.Boolean,  # the person looked and would not answer; `answer` is then empty
    "gold": pl.String,  # the known answer of a gold item, else null
    "strength": pl.Int64,  # how much better, 1 to 3, where that was asked
    "reason": pl.String,
    "at": pl.String,  # when, ISO 8601 in UTC
}


def judged(table: Table) -> pl.DataFrame:
    """All rows of a table of judgements under SCHEMA, in order; judgements from elsewhere count as `main`."""
    columns = ["record", "annotator", "answer", "ranks", "seconds", "guidelines", "metadata"]
    frame = table.collect(columns)
    notes = [json.loads(text) if text else {} for text in frame.get_column("metadata")]
    more = {name: [one.get(name) for one in notes] for name in ("order", "gold", "strength", "reason", "at")}
    more["batch"] = [one.get("batch") or "main" for one in notes]
    more["discarded"] = [bool(one.get("discarded")) for one in notes]
    extra = pl.DataFrame({name: pl.Series(name, values, dtype=SCHEMA[name]) for name, values in more.items()})
    whole: pl.DataFrame = pl.concat([frame.drop("metadata"), extra], how="horizontal").select(
        pl.col(name).cast(dtype) for name, dtype in SCHEMA.items()
    )
    return whole
