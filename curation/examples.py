"""Real documents for the report: some that each rule dropped, some it only just kept, some that were kept."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from numba import njit

from dataset_cards.versions import side_files
from dataset_cards.versions.table import from_arrow

from .excerpts import excerpts
from .kernels.text import Bytes, Offsets
from .layers import DROP, Layers
from .stage import Stage
from .words import buffers

EXAMPLES = from_arrow(side_files.EXAMPLES.empty_table()).schema
# Where a chosen row is, and by what it was chosen.
_PLACE = pl.Schema(
    {"role": pl.String, "reason": pl.String, "order": pl.Float64, "row": pl.Int64}
    | {"part": pl.Int32, "group": pl.Int32, "index": pl.UInt32}
)


@njit(cache=True, nogil=True)
def shuffled(data: Bytes, offsets: Offsets) -> npt.NDArray[np.float64]:
    """A number from 0 to 1 for each string, by FNV-1a: random to look at, and the same in every release."""
    out = np.empty(len(offsets) - 1, np.float64)
    for row in range(len(out)):
        value = np.uint64(0xCBF29CE484222325)
        for at in range(offsets[row], offsets[row + 1]):
            value = (value ^ np.uint64(data[at])) * np.uint64(0x100000001B3)
        value = (value ^ (value >> np.uint64(29))) * np.uint64(0x9E3779B97F4A7C15)
        out[row] = np.float64(value >> np.uint64(11)) / 9007199254740992.0
    return out


def choose(layers: Layers, rules: list[dict[str, Any]], veil: Sequence[Stage] = ()) -> pl.DataFrame:
    """Examples as `ledger/examples.parquet` holds them; the same whatever the parts and workers were.

    Args:
        veil: stages that mask what must not be shown, for rows that were dropped before they were masked.
    """
    numeric = [rule for rule in rules if rule["kind"] in ("below", "above")]
    places = _places(layers, numeric)
    if not places.height:
        return pl.DataFrame(schema=EXAMPLES)
    by_reason = {f"{rule['stage']}/{rule['reason']}": rule for rule in rules}
    rows = [_read(layers, group, by_reason, veil) for group in places.partition_by("part", "group")]
    found = pl.concat(rows).sort("role", "reason_order", "order", "row")
    return found.select(EXAMPLES.names())


def _places(layers: Layers, rules: list[dict[str, Any]]) -> pl.DataFrame:
    """Where the chosen rows are; a few hundred rows however large the corpus."""
    signals = tuple(dict.fromkeys(f"{rule['stage']}.{rule['signal']}" for rule in rules))
    best = pl.DataFrame(schema=_PLACE)
    for part, first in enumerate(layers.first_rows()):
        for group, frame in enumerate(layers.batches(part, ("id", *signals))):
            located = frame.with_columns(
                pl.int_range(first, first + frame.height, dtype=pl.Int64).alias("row"),
                pl.lit(part, dtype=pl.Int32).alias("part"),
                pl.lit(group, dtype=pl.Int32).alias("group"),
                pl.int_range(frame.height, dtype=pl.UInt32).alias("index"),
                pl.Series("order", shuffled(*buffers(frame.get_column("id")))),
            )
            best = _best(pl.concat([best, *_candidates(located, rules)]))
            first += frame.height
    return best


def _candidates(frame: pl.DataFrame, rules: list[dict[str, Any]]) -> list[pl.DataFrame]:
    place = ["order", "row", "part", "group", "index"]
    alive = frame.filter(pl.col(DROP).is_null())
    gone = frame.filter(pl.col(DROP).is_not_null())
    found = [
        gone.select(pl.lit("dropped").alias("role"), pl.col(DROP).alias("reason"), *place),
        alive.select(pl.lit("kept").alias("role"), pl.lit("").alias("reason"), *place),
    ]
    for rule in rules:
        column = f"{rule['stage']}.{rule['signal']}"
        if column in alive.columns:
            margin = (pl.col(column).cast(pl.Float64) - float(rule["limit"])).abs()
            near = alive.filter(pl.col(column).is_not_null()).with_columns(order=margin)
            reason = f"{rule['stage']}/{rule['reason']}"
            found.append(near.select(pl.lit("just-kept").alias("role"), pl.lit(reason).alias("reason"), *place))
    return [_best(one) for one in found]


def _best(places: pl.DataFrame) -> pl.DataFrame:
    """The first few of every role and reason, by order and then by corpus order."""
    places = places.select(_PLACE.names()).cast(_PLACE)
    rank = pl.int_range(pl.len()).over("role", "reason")
    most = pl.when(pl.col("role") == "kept").then(side_files.EXAMPLES_KEPT).otherwise(side_files.EXAMPLES_PER_REASON)
    return places.sort("role", "reason", "order", "row").filter(rank < most)


def _read(
    layers: Layers, places: pl.DataFrame, rules: dict[str, dict[str, Any]], veil: Sequence[Stage]
) -> pl.DataFrame:
    """The rows at `places`, all in one row group, with text and the value that decided."""
    signals = tuple(dict.fromkeys(f"{rule['stage']}.{rule['signal']}" for rule in rules.values()))
    index = places.get_column("index")
    frame = excerpts(layers, places.item(0, "part"), places.item(0, "group"), index, veil, signals)
    values, limits, names, orders = [], [], [], []
    known = list(rules)
    for reason, row in zip(places.get_column("reason"), frame.iter_rows(named=True), strict=True):
        rule = rules.get(reason)
        value = row.get(f"{rule['stage']}.{rule['signal']}") if rule else None
        numeric = rule is not None and rule["kind"] in ("below", "above")
        values.append(float(value) if numeric and value is not None else None)
        limits.append(float(rule["limit"]) if rule and numeric else None)
        names.append(rule["signal"] if rule else None)
        orders.append(known.index(reason) if reason in rules else len(known))
    return frame.select("id", "source", "url", "text", "cut").with_columns(
        places.get_column("role"),
        places.get_column("reason").str.replace(r"/.*$", "").alias("stage"),
        places.get_column("reason").str.replace(r"^[^/]*/", ""),
        pl.Series("signal", names, dtype=pl.String),
        pl.Series("value", values, dtype=pl.Float64),
        pl.Series("limit", limits, dtype=pl.Float64),
        pl.Series("reason_order", orders, dtype=pl.Int64),
        places.get_column("order"),
        places.get_column("row"),
    )
