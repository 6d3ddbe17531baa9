"""The rows of a version that are most like a text, by the words they share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from dataset_cards.versions.examples import as_text
from dataset_cards.versions.version import DatasetVersion

K1, B = 1.2, 0.75  # the usual ones: Robertson and Zaragoza 2009, "The Probabilistic Relevance Framework", section 3.5
WORD = r"[\p{L}\p{N}]+"


@dataclass(frozen=True, kw_only=True)
class Near:
    """A row and how near it is.

    Attributes:
        score: BM25; only its order says something.
        shared: share of the different words of the text that stand in the row.
        text: the row as a person would read it.
    """

    id: str
    score: float
    shared: float
    text: str


def nearest(version: DatasetVersion, text: str, most: int) -> list[Near]:
    """At most `most` rows by BM25 (Robertson and Zaragoza 2009, equation 3.15), the nearest first; ties by their id.

    Rows are read one group at a time, and of each only its counts of the text's words are kept.
    """
    words = pl.DataFrame({"word": [text]}).select(pl.col("word").str.to_lowercase().str.extract_all(WORD))
    asked = words.explode("word").drop_nulls().unique().with_columns(pl.col("word"))
    if asked.is_empty():
        return []
    counted, length, rows = [], 0, 0
    for number, frame in enumerate(version.table.frames()):
        spoken = _text(frame)
        found = (
            frame.select("id")
            .with_columns(spoken.str.to_lowercase().str.extract_all(WORD).alias("word"))
            .with_columns(pl.col("word").list.len().alias("length"))
        )
        length += int(found["length"].sum())
        rows += found.height
        hits = found.explode("word").join(asked, on="word").group_by("id", "length", "word").len("times")
        counted.append(hits.with_columns(pl.lit(number).alias("group")))
    if not counted:
        return []
    hits = pl.concat(counted)
    if hits.is_empty():
        return []
    among = hits.group_by("word").agg(pl.col("id").n_unique().alias("among"))
    rarity = ((rows - pl.col("among") + 0.5) / (pl.col("among") + 0.5) + 1).log()
    often = pl.col("times") * (K1 + 1) / (pl.col("times") + K1 * (1 - B + B * pl.col("length") / (length / rows)))
    best = (
        hits.join(among, on="word")
        .group_by("group", "id")
        .agg((rarity * often).sum().alias("score"), pl.len().alias("words"))
        .sort(["score", "id"], descending=[True, False])
        .head(most)
    )
    texts = _rows(version, best)
    return [
        Near(id=name, score=round(score, 4), shared=n / asked.height, text=as_text(texts[name]))
        for name, score, n in best.select("id", "score", "words").iter_rows()
    ]


def _text(frame: pl.DataFrame) -> pl.Series:
    """Everything that is said in each row."""
    parts = []
    for name, kind in frame.schema.items():
        if name in ("text", "answer") and kind == pl.String:
            parts.append(pl.col(name).fill_null(""))
        elif name in ("messages", "prompt", "chosen", "rejected", "completion", "responses"):
            said = pl.col(name).list.eval(pl.element().struct.field("content")).list.join(" ")
            parts.append(said.fill_null(""))
    return frame.select(pl.concat_str(parts, separator=" ").alias("said"))["said"]


def _rows(version: DatasetVersion, best: pl.DataFrame) -> Mapping[str, Mapping[str, Any]]:
    """The rows that were found, read again from their groups."""
    wanted = {group: set(ids) for group, ids in best.group_by("group").agg("id").iter_rows()}
    found = {}
    for number, frame in enumerate(version.table.frames()):
        if number in wanted:
            for row in frame.filter(pl.col("id").is_in(list(wanted[number]))).iter_rows(named=True):
                found[str(row["id"])] = row
    return found
