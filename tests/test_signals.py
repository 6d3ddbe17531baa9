"""Histograms of signals hold every measured value once, however odd the values are: infinite, NaN, huge, all alike."""

import itertools
import math
import re
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.layers import Layers
from curation.rule import above, below
from curation.signals import histograms
from dataset_cards.cards.charts import beyond
from dataset_cards.cards.charts import histogram as picture
from dataset_cards.versions.files import Folder
from dataset_cards.versions.table import Part, Table, write_parquet

VALUES = st.lists(st.none() | st.floats() | st.floats(0, 1) | st.integers(-5, 5).map(float), max_size=30)
LIMIT = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-5, 5).map(float)


def histogram(root: Folder, values: list[float | None], kind: str, limit: float) -> list[dict[str, Any]]:
    frame = pl.DataFrame(
        {"drop": pl.Series([None] * len(values), dtype=pl.String), "own.x": pl.Series(values, dtype=pl.Float64)}
    )
    rows = write_parquet(root, "part.parquet", [frame])
    rule = {"stage": "own", "signal": "x", "reason": "odd", "kind": kind, "limit": limit, "field": None}
    return histograms(Layers((Table(root, (Part("part.parquet", rows),)),)), [rule])


@given(values=VALUES, kind=st.sampled_from(["below", "above"]), limit=LIMIT)
@settings(max_examples=150)
def test_every_measured_value_is_in_one_bin_between_finite_edges(
    values: list[float | None], kind: str, limit: float
) -> None:
    found = histogram(Folder.at("memory://signals"), values, kind, limit)
    measured = [value for value in values if value is not None and not math.isnan(value)]
    if not measured:
        assert found == []
        return
    (one,) = found
    edges, counts = one["edges"], one["counts"]
    assert all(map(math.isfinite, edges))
    assert all(left < right for left, right in itertools.pairwise(edges))
    assert len(counts) == len(edges) - 1
    assert sum(counts) == one["documents"] == len(measured)
    finite = [value for value in measured if math.isfinite(value)]
    assert not finite or (edges[0] <= min(finite) and max(finite) <= edges[-1])


@given(values=VALUES, limit=st.integers(-5, 5).map(float))
@settings(max_examples=100)
def test_the_bins_below_a_lower_limit_hold_exactly_what_it_drops(values: list[float | None], limit: float) -> None:
    for one in histogram(Folder.at("memory://signals"), values, "below", limit):
        if limit in one["edges"][:-1]:  # the last bin includes its upper edge
            under = one["counts"][: one["edges"].index(limit)]
            assert sum(under) == sum(value < limit for value in values if value is not None)


@given(values=VALUES, kind=st.sampled_from(["below", "above"]), limit=LIMIT.filter(lambda limit: abs(limit) < 1e300))
@settings(max_examples=150)
def test_a_report_counts_exactly_what_a_limit_drops(values: list[float | None], kind: str, limit: float) -> None:
    for one in histogram(Folder.at("memory://signals"), values, kind, limit):
        (rule,) = one["rules"]
        n, exact = beyond(rule, one["edges"], one["counts"])
        gone = [value < limit if kind == "below" else value > limit for value in values if value is not None]
        assert n == sum(gone)
        assert exact


def test_rows_without_what_is_looked_for_are_not_shown_as_dropped() -> None:
    values: list[float | None] = [*[0.0] * 98, 1.0, 2.0]
    (one,) = histogram(Folder.at("memory://signals"), values, "above", 0.0)
    assert beyond(one["rules"][0], one["edges"], one["counts"]) == (2, True)
    drawn = picture("x", one["edges"], one["counts"], one["rules"])
    assert re.findall(r'<rect class="(\w+)"', drawn) == ["kept", "gone", "gone"]


def test_infinite_values_count_into_the_outer_bins() -> None:
    values = [-math.inf, 1.0, 2.0, math.inf, math.inf, math.nan]
    (one,) = histogram(Folder.at("memory://signals"), values, "above", 1.5)
    assert (one["counts"][0], one["counts"][-1], one["documents"]) == (1, 2, 5)


@pytest.mark.parametrize("rule", [below("x", 1.0), above("x", 1.0)])
def test_what_was_not_measured_is_not_dropped(rule: Any) -> None:
    measured = pl.DataFrame({"x": [math.nan, None]}, schema={"x": pl.Float64})
    assert measured.select(rule.expr).to_series().to_list() == [False, False]
