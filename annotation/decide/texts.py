"""Judgements with the text that a reviewer wrote, which has no column of its own."""

import json

import polars as pl

from dataset_cards.versions.table import Table

from ..judged import judged


def judged_texts(table: Table) -> pl.DataFrame:
    """`judged(table)` with a column `text`: the mended response of an answer `fix`, null elsewhere."""
    notes = table.collect(["metadata"]).get_column("metadata")
    texts = [json.loads(one).get("text") if one else None for one in notes]
    return judged(table).with_columns(pl.Series("text", texts, dtype=pl.String))


def mended(fixes: pl.DataFrame) -> str | None:
    """Of several people's texts the one that most of them wrote, of equals the one that was written first."""
    counted = fixes.drop_nulls("text").group_by("text").agg(pl.len(), pl.col("at").min())
    best = counted.sort("len", "at", "text", descending=[True, False, False], nulls_last=True)
    return None if best.is_empty() else str(best.item(0, "text"))
