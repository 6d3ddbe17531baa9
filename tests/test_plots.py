"""Curves as pictures: valid SVG whatever is drawn, every point inside the frame, round ticks, no spike lost."""

import itertools
import math
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset_cards.cards.curves import FILE, MOST_POINTS, PAGE, picture, said, ticks
from dataset_cards.cards.curves import draw as draw_mapping
from tests.sample_version import HOSTILE
from train.outcome import Plot
from train.plots import draw

SVG = "{http://www.w3.org/2000/svg}"
NUMBERS = st.floats(allow_nan=True, allow_infinity=True) | st.integers(-(10**12), 10**12).map(float)
CURVES = st.lists(st.dictionaries(st.sampled_from(["step", "loss", "kl"]), NUMBERS), max_size=30)


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def points(root: ElementTree.Element) -> list[list[tuple[float, float]]]:
    found = []
    for line in root.iter(f"{SVG}polyline"):
        pairs = [pair.split(",") for pair in line.attrib["points"].split()]
        found.append([(float(x), float(y)) for x, y in pairs])
    found += [[(float(dot.attrib["cx"]), float(dot.attrib["cy"]))] for dot in root.iter(f"{SVG}circle")]
    return found


@settings(max_examples=100)
@given(CURVES, st.sampled_from(["step", "kl"]))
def test_any_numbers_give_a_picture_with_all_its_points_inside(curves: list[dict[str, float]], over: str) -> None:
    plot = Plot(name="x", title="Loss", lines=("loss", "kl"), over=over)
    root = parsed(draw(plot, curves))
    wide, tall = (float(number) for number in root.attrib["viewBox"].split()[2:])
    for x, y in (point for line in points(root) for point in line):
        assert 0 <= x <= wide
        assert 0 <= y <= tall
    assert "nan" not in "".join(root.itertext()).split()


@settings(max_examples=200)
@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=10))
def test_ticks_rise_evenly_and_hold_every_value(values: list[float]) -> None:
    marks = ticks(values)
    assert 2 <= len(marks) <= 13
    slack = 1e-6 * (marks[-1] - marks[0])
    assert marks[0] - slack <= min(values)
    assert max(values) <= marks[-1] + slack
    steps = [after - before for before, after in itertools.pairwise(marks)]
    assert min(steps) > 0
    assert max(steps) == pytest.approx(min(steps), rel=1e-3)


def test_points_stand_where_their_values_say() -> None:
    plot = Plot(name="x", title="", lines=("a",))
    (line,) = points(parsed(draw(plot, [{"step": 0, "a": 0}, {"step": 5, "a": 10}, {"step": 10, "a": 5}])))
    assert line[1][0] == pytest.approx((line[0][0] + line[2][0]) / 2, abs=0.1)
    assert line[2][1] == pytest.approx((line[0][1] + line[1][1]) / 2, abs=0.1)
    assert line[1][1] < line[0][1]  # more is further up


def test_a_spike_in_a_long_curve_is_still_there() -> None:
    curves = [{"step": float(n), "loss": 1.0} for n in range(20_000)]
    curves[12_345]["loss"] = 50.0
    svg = draw(Plot(name="x", title="", lines=("loss",)), curves)
    (line,) = points(parsed(svg))
    assert len(line) <= MOST_POINTS + 4
    highest, usual = min(y for _, y in line), max(y for _, y in line)
    assert usual - highest > 150
    assert len(svg) < 30_000


def test_one_value_over_another_keeps_the_order_in_which_it_was_logged() -> None:
    curves = [{"kl": x, "reward": y} for x, y in ((0.0, 0.0), (2.0, 1.0), (1.0, 2.0))]
    (line,) = points(parsed(draw(Plot(name="x", title="", lines=("reward",), over="kl"), curves)))
    assert line[0][0] < line[2][0] < line[1][0]


def test_lines_differ_in_dashes_and_not_in_colour_alone() -> None:
    names = tuple("abcdef")
    svg = draw(Plot(name="x", title="", lines=names), [{"step": float(n), **dict.fromkeys(names, n)} for n in range(3)])
    dashes = [line.attrib["stroke-dasharray"] for line in parsed(svg).iter(f"{SVG}polyline")]
    assert len(set(dashes)) == 6


@pytest.mark.parametrize("curves", [[], [{"step": 1.0}], [{"step": 1.0, "loss": math.nan}]])
def test_where_nothing_was_logged_the_picture_says_so(curves: list[dict[str, float]]) -> None:
    plot = {"name": "x", "title": "Loss", "lines": ["loss"], "over": "step"}
    for svg in (draw_mapping(plot, curves), picture(plot, curves)):
        assert "nothing was logged" in svg
    assert said(plot, curves) == "nothing was logged"


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_stay_names(text: str) -> None:
    plot = Plot(name="x", title=text, lines=(text, "loss"), over="step")
    root = parsed(draw(plot, [{"step": 1.0, text: 1.0, "loss": 2.0}, {"step": 2.0, text: 1.0}]))
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        *("svg", "title", "desc", "style", "rect", "line", "text", "polyline", "circle")
    }


def test_colours_are_told_from_their_background_by_readers_who_see_little() -> None:
    from dataset_cards.cards.curves import COLOURS, DARK

    for colours, paper in ((COLOURS, "#ffffff"), (COLOURS, "#fffefb"), (DARK, "#1f1d19")):
        for colour in colours:
            assert _contrast(colour, paper) >= 4.5, (colour, paper)


def _contrast(one: str, other: str) -> float:
    """WCAG 2.2, success criterion 1.4.3: the ratio of relative luminances."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_a_file_has_its_own_size_and_a_picture_takes_that_of_its_page(tmp_path: Path) -> None:
    plot = {"name": "x", "title": "Loss", "lines": ["loss"], "over": "step"}
    curves = [{"step": 1.0, "loss": 2.0}, {"step": 2.0, "loss": 1.0}]
    file, inside = draw_mapping(plot, curves), picture(plot, curves)
    assert f'width="{FILE[0]}"' in file
    assert f'viewBox="0 0 {PAGE[0]} ' in inside
    assert not re.search(r'<svg[^>]* width="', inside)
    assert "<style" not in inside  # a style inside a page would hold for all of it
