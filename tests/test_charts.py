"""The pictures of a report: limits and their sides are where the numbers say, and numbers are written for people."""

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset_cards.cards.charts import beyond, histogram, place, value_at
from dataset_cards.cards.plain import figure, share, size

BELOW = {"reason": "r", "kind": "below", "limit": 50.0, "field": "min_x"}
ABOVE = {"reason": "r", "kind": "above", "limit": 75.0, "field": "max_x"}
EDGES = [0.0, 25.0, 50.0, 100.0, 1000.0]


def test_the_dropped_side_of_each_limit_is_coloured() -> None:
    kinds = re.findall(r'<rect class="(\w+)"', histogram("x", EDGES, [1, 2, 3, 4], [BELOW]))
    assert kinds == ["gone", "gone", "kept", "kept"]
    kinds = re.findall(r'<rect class="(\w+)"', histogram("x", EDGES, [1, 2, 3, 4], [BELOW, ABOVE]))
    assert kinds == ["gone", "gone", "kept", "gone", "gone"]  # the bin of the upper limit is cut in two


def test_values_beyond_a_limit_are_exact_where_the_limit_is_an_edge() -> None:
    assert beyond(BELOW, EDGES, [1, 2, 3, 4]) == (3, True)
    assert beyond(ABOVE, EDGES, [1, 2, 4, 4]) == (6, False)
    assert beyond({**ABOVE, "limit": 5000.0}, EDGES, [1, 2, 3, 4]) == (0, True)


def test_a_limit_outside_the_picture_is_not_drawn() -> None:
    assert 'class="limit"' not in histogram("x", EDGES, [1, 2, 3, 4], [{**ABOVE, "limit": 5000.0}])


ASCENDING = st.lists(st.integers(-(10**6), 10**6), min_size=2, max_size=70, unique=True).map(sorted)


@given(ASCENDING, st.floats(0, 1))
def test_places_along_the_bins_and_values_are_inverse(edges: list[float], where: float) -> None:
    assert place(edges, value_at(edges, where)) == pytest.approx(where, abs=1e-6)


@settings(deadline=None)
@given(ASCENDING, st.data())
def test_every_bin_is_drawn_inside_the_picture(edges: list[float], data: st.DataObject) -> None:
    counts = data.draw(st.lists(st.integers(0, 10**12), min_size=len(edges) - 1, max_size=len(edges) - 1))
    limit = data.draw(st.floats(-2e6, 2e6))
    rule = {"reason": "r", "kind": "below", "limit": limit, "field": None}
    found = re.findall(
        r'x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"', histogram("x", edges, counts, [rule])
    )
    assert bool(found) == bool(sum(counts))
    for x, y, wide, tall in ((float(a), float(b), float(c), float(d)) for a, b, c, d in found):
        assert 0 <= x <= x + wide <= 341
        assert 0 <= y <= y + tall <= 137
    n, _ = beyond(rule, edges, counts)
    assert 0 <= n <= sum(counts)


def test_a_value_on_the_limit_is_kept() -> None:
    above = math.nextafter(75.0, math.inf)
    assert beyond(BELOW, [0.0, 50.0, 100.0], [3, 4]) == (3, True)
    assert beyond(ABOVE, [0.0, above, 100.0], [3, 4]) == (4, True)
    assert re.findall(r'<rect class="(\w+)"', histogram("x", [0.0, above, 100.0], [3, 4], [ABOVE])) == ["kept", "gone"]


def test_the_edge_above_a_limit_of_nothing_reads_as_nothing() -> None:
    drawn = histogram("x", [0.0, 5e-324, 1.0], [9, 1], [{**ABOVE, "limit": 0}])
    assert "<title>0 to 0: 9</title>" in drawn
    assert "e-324" not in drawn


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (figure(1234567), "1,234,567"),
        (figure(0.123456), "0.1235"),
        (figure(12345.67), "12,345.7"),
        (figure(["en", "de"]), "en, de"),
        (share(1, 3), "33.33 %"),
        (share(1, 10**9), "< 0.01 %"),
        (share(10**9 - 1, 10**9), "> 99.99 %"),
        (share(0, 0), "0 %"),
        (size(999), "999 bytes"),
        (size(45678), "45.7 kB"),
        (size(2_345_678_901), "2.35 GB"),
    ],
)
def test_numbers_are_written_for_people(shown: str, expected: str) -> None:
    assert shown == expected
