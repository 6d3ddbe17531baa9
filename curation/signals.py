"""Histograms of what the stages measured, with the limits of their rules among the bin edges."""

import math
import sys
from collections.abc import Iterator
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from dataset_cards.versions.table import Table

from .layers import OVERLAYS, Layers

BINS = 40
MOST_CATEGORIES = 30
LARGEST = sys.float_info.max


def histograms(layers: Layers, rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One entry per numeric signal with a rule: the documents that reached the stage, counted by value.

    Values on an edge belong to the bin above it. The edge at a `min_` limit is the limit, the one at a `max_` limit the
    next number above it, so the bins beyond a limit hold exactly what it drops. The last bin includes its upper edge.
    Edges are finite: an infinite value counts into the first or last bin, NaN into none.
    """
    found = []
    for (stage, signal), own in _by_signal(rules, ("below", "above")).items():
        column = f"{stage}.{signal}"
        table = next((table for table in layers.tables if column in table.schema().names), None)
        low, high = _range(table, column) if table else (math.inf, -math.inf)
        if table is None or low > high:
            continue
        limits = [_cut(rule) for rule in own]
        if math.isinf(low) or math.isinf(high):
            low, high = _finite_range(table, column, limits)
        edges = _edges(low, high, limits)
        counts = [0] * (len(edges) - 1)
        for frame in table.frames([column]):
            values = frame.get_column(column).cast(pl.Float64).drop_nulls().drop_nans()
            place = pl.Series(edges).search_sorted(values, side="right").clip(1, len(edges) - 1) - 1
            for bin_, rows in place.value_counts().iter_rows():
                counts[bin_] += rows
        entry = {"stage": stage, "signal": signal, "rules": own, "edges": edges, "counts": counts}
        found.append({**entry, "documents": sum(counts)})
    return found


def categories(layers: Layers, rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One entry per named or yes-or-no signal with a rule: how many documents have each value, most frequent first."""
    found = []
    for (stage, signal), own in _by_signal(rules, ("outside", "flagged")).items():
        column = f"{stage}.{signal}"
        counts: dict[str, int] = {}
        for table in layers.tables:
            if column in table.schema().names:
                for frame in table.frames([column]):
                    values = frame.get_column(column).drop_nulls().cast(pl.String)  # true and false in words
                    for value, rows in values.value_counts().iter_rows():
                        counts[value] = counts.get(value, 0) + rows
        most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        shown = dict(most[:MOST_CATEGORIES])
        if rest := sum(rows for _, rows in most[MOST_CATEGORIES:]):
            shown["others"] = rest
        found.append({"stage": stage, "signal": signal, "rules": own, "counts": shown})
    return found


def edits(table: Table) -> dict[str, int]:
    """Rows whose text or language each stage of a sidecar replaced, from the counts that Parquet keeps."""
    found: dict[str, int] = {}
    overlays = [name for name in table.schema().names if name.endswith(tuple(f".{kind}" for kind in OVERLAYS))]
    for chunk, rows in _chunks(table):
        if chunk.path_in_schema in overlays:
            stage = chunk.path_in_schema.rpartition(".")[0]
            empty = chunk.statistics.null_count if chunk.statistics is not None else 0
            found[stage] = found.get(stage, 0) + rows - empty
    return {**{name.rpartition(".")[0]: 0 for name in overlays}, **found}


def _cut(rule: dict[str, Any]) -> float:
    """The smallest number on the upper side of a limit; the limit itself is kept."""
    limit = float(rule["limit"])
    return math.nextafter(limit, math.inf) if rule["kind"] == "above" and abs(limit) < LARGEST else limit


def _by_signal(rules: list[dict[str, Any]], kinds: tuple[str, ...]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    grouped: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for rule in rules:
        if rule["kind"] in kinds:
            own = {key: rule[key] for key in ("reason", "kind", "limit", "field")}
            grouped.setdefault((rule["stage"], rule["signal"]), []).append(own)
    return grouped


def _range(table: Table, column: str) -> tuple[float, float]:
    """Smallest and largest value, from the statistics that Parquet keeps per row group."""
    low, high = math.inf, -math.inf
    for chunk, _ in _chunks(table):
        if chunk.path_in_schema == column and chunk.statistics is not None and chunk.statistics.has_min_max:
            low, high = min(low, float(chunk.statistics.min)), max(high, float(chunk.statistics.max))
    return low, high


def _chunks(table: Table) -> Iterator[tuple[pq.ColumnChunkMetaData, int]]:
    """What Parquet says of every column of every row group, and the rows of the group; reads no rows."""
    for part in table.parts:
        with table.folder.open(part.name) as file:
            metadata = pq.read_metadata(file)
        for group in range(metadata.num_row_groups):
            row_group = metadata.row_group(group)
            for number in range(metadata.num_columns):
                yield row_group.column(number), row_group.num_rows


def _finite_range(table: Table, column: str, limits: list[float]) -> tuple[float, float]:
    """The range without the infinities in it, wide enough that these fall on the right side of every limit."""
    low = max(min(limits) - 1.0 - math.ldexp(abs(min(limits)), -20), -LARGEST)  # 1 alone is lost beside a huge limit
    high = min(max(limits) + 1.0 + math.ldexp(abs(max(limits)), -20), LARGEST)
    for frame in table.frames([column]):
        values = frame.get_column(column).cast(pl.Float64)
        finite = values.filter(values.is_finite())
        if finite.len():
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))  # type: ignore[arg-type]
    return low, high


def _edges(low: float, high: float, limits: list[float]) -> list[float]:
    """Bin edges from `low` to `high` with every limit that lies between among them; geometric for long tails."""
    if low == high:
        wider = math.ldexp(abs(low), -20) + 1.0
        low, high = (low - wider, high) if low > 1.0e300 else (low, high + wider)
    if high in limits and high < LARGEST:  # it is not below itself, and the last bin includes its upper edge
        high = math.nextafter(high, math.inf)
    if low >= 0 and high > 1000 * max(low, 1.0):
        start = max(low, 1.0)
        edges = [start * (high / start) ** (n / BINS) for n in range(BINS + 1)]
        low, edges = (0.0, [0.0, *edges]) if low < 1.0 else (low, edges)
    else:
        # Not low + (high - low) * ...: the difference of two floats may be no float.
        edges = [low * (1 - n / BINS) + high * (n / BINS) for n in range(BINS + 1)]
    inside = [limit for limit in limits if low < limit < high]
    width = (high / BINS - low / BINS) / 1000
    # An edge that all but coincides with a limit would make an empty sliver beside it.
    between = [float(f"{edge:.6g}") for edge in edges if all(abs(edge - limit) > width for limit in inside)]
    return sorted({low, high, *(edge for edge in between if low < edge < high), *inside})
