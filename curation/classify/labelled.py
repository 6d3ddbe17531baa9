"""Labelled documents: reading the label of each, and cutting them into training, calibration and test rows."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from curation.dedup.exact import hash_128
from dataset_cards.cards.plain import one_line
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.schemas import SCHEMAS
from dataset_cards.versions.table import Table

TRAINING, CALIBRATION, TEST = "training", "calibration", "test"


@dataclass(frozen=True, kw_only=True)
class Labels:
    """Which rows are positive, by a field of their `metadata`.

    `fields`: the names the label may have; the first that a row has counts. `positive` and `negative`: values, compared
    as text (`true` and `1` for JSON's true and 1). Without `negative`, every other label is negative.
    """

    fields: tuple[str, ...]
    positive: tuple[str, ...]
    negative: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.fields or not self.positive:
            raise ValueError("say which field holds the label, and which of its values are positive")
        if both := set(self.positive) & set(self.negative):
            raise ValueError(f"{', '.join(sorted(both))}: positive and negative at once")

    def of(self, metadata: str | None) -> str | None:
        """The label of a row; None where it has none, or one that is no text, number, true or false."""
        try:
            fields = json.loads(metadata or "{}")
        except ValueError:
            return None
        for name in self.fields if isinstance(fields, dict) else ():
            if isinstance(value := fields.get(name), str | int | float | bool):
                return value if isinstance(value, str) else json.dumps(value)
        return None


def read(tables: Sequence[Table], names: Sequence[str], labels: Labels, group: str) -> pl.DataFrame:
    """All rows of the labelled versions in their order, in memory, each with what becomes of it.

    Columns: those of documents; `from` (the version), `label`, `positive`, `key` (which rows must stay together: the
    text without case, marks and spacing, or the value of the metadata field `group` where a row has it), `reason`
    (why a row takes no part, null where it does) and `duplicate_of` (the id of the row that stays in its place).

    Raises:
        Misuse: no row is positive, or none is negative; the message lists the labels that were seen.
    """
    columns = SCHEMAS["documents"].names
    pairs = zip(tables, names, strict=True)
    rows = pl.concat([table.collect(columns).with_columns(pl.lit(name).alias("from")) for table, name in pairs])
    text = rows["text"].str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}]+", " ").str.strip_chars()
    label = pl.Series("label", [labels.of(metadata) for metadata in rows["metadata"]], dtype=pl.String)
    rows = rows.with_columns(
        label.is_in(labels.positive).alias("positive"),
        label,
        pl.Series("same", hash_128(text)[:, 0]),
        pl.Series("key", hash_128(_keys(rows["metadata"], text, group))[:, 0]),
        pl.Series("reason", _unusable(label, text, labels)),
    ).with_row_index("row")
    used = rows.filter(pl.col("reason").is_null())
    if used["positive"].n_unique() < 2:
        raise Misuse(_one_sided(rows, labels))
    twins = used.select(
        "row",
        first=pl.col("id").first().over("same"),
        repeated=pl.col("row") > pl.col("row").min().over("same"),
        disputed=pl.col("positive").n_unique().over("same") > 1,
    )
    disputed, repeated = pl.col("disputed").fill_null(False), pl.col("repeated").fill_null(False)
    return (
        rows.join(twins, on="row", how="left", maintain_order="left")
        .with_columns(
            reason=pl.when(disputed)
            .then(pl.lit("conflicting-labels"))
            .when(repeated)
            .then(pl.lit("duplicate"))
            .otherwise("reason"),
            duplicate_of=pl.when(repeated & ~disputed).then("first"),
        )
        .drop("row", "same", "first", "repeated", "disputed")
    )


def _unusable(label: pl.Series, text: pl.Series, labels: Labels) -> pl.Series:
    """Why a row cannot be learned from, null where it can."""
    known = [*labels.positive, *labels.negative]
    return pl.select(
        pl.when(label.is_null())
        .then(pl.lit("no-label"))
        .when(pl.lit(bool(labels.negative)) & ~label.is_in(known))
        .then(pl.lit("other-label"))
        .when(text == "")
        .then(pl.lit("no-words"))
    ).to_series()


def _keys(metadata: pl.Series, text: pl.Series, group: str) -> pl.Series:
    if not group:
        return text
    found = (json.loads(one or "{}").get(group) for one in metadata)
    groups = [None if value is None else f"{group}: {json.dumps(value)}" for value in found]
    return pl.Series(groups, dtype=pl.String).fill_null(text)


def _one_sided(rows: pl.DataFrame, labels: Labels) -> str:
    seen = Counter(rows["label"].drop_nulls().to_list()).most_common(20)
    shown = ", ".join(f"{one_line(label)} ({count:,} rows)" for label, count in seen) or "none"
    fields = sorted({name for metadata in rows["metadata"].head(1000) for name in json.loads(metadata or "{}")})
    return (
        f"a classifier learns from positive and negative rows; in metadata, {' or '.join(labels.fields)} holds these "
        f"labels: {shown}; positive are {', '.join(labels.positive)}. The metadata fields are {', '.join(fields)}"
    )


def parts(rows: pl.DataFrame, test_share: float, calibration_share: float) -> pl.Series:
    """`training`, `calibration` or `test` for each row, by its key alone, so that no two rows of one key are parted."""
    place = rows["key"].to_numpy() / 2.0**64
    names = np.where(place < test_share, TEST, np.where(place < test_share + calibration_share, CALIBRATION, TRAINING))
    return pl.Series("part", names.tolist(), dtype=pl.String)
