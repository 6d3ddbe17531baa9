"""Pictures of what was measured: histograms with the limits drawn in, bars, the curve of near-duplicates."""

import bisect
import itertools
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from .account import top
from .page import code, table
from .plain import count, figure, plural, share

WIDTH, HEIGHT, TOP, LEFT = 340, 118, 18, 6
MOST_BINS = 60
MOST_BARS = 20


def histogram(
    title: str, edges: Sequence[float], counts: Sequence[int], rules: Sequence[Mapping[str, Any]] = ()
) -> str:
    """An SVG of equally wide bins, one per count, the dropped side of every limit in the colour of what is gone.

    Args:
        edges: ascending, one more than counts; where the bins are not equally wide the axis follows the bins.
        rules: `kind` and `limit` of each rule over the signal.
    """
    edges, counts = _coarser(edges, counts)
    wide = WIDTH - 2 * LEFT
    tallest = max(counts, default=0) or 1
    limits = [float(rule["limit"]) for rule in rules if _numeric(rule)]
    shapes = []
    for low, high, n in zip(edges, edges[1:], counts, strict=False):
        if not n:
            continue
        tall = max(1.5, HEIGHT * n / tallest)
        cuts = [low, *sorted(limit for limit in limits if low < limit < high), high]
        for start, end in itertools.pairwise(cuts):
            x, right = (LEFT + wide * place(edges, value) for value in (start, end))
            kind = "gone" if any(condemns(rule, (start + end) / 2) for rule in rules) else "kept"
            gap = 0.6 if end == high else 0
            said = f"{figure(low)} to {figure(high)}: {count(n)}"
            shapes.append(_bar(kind, x, max(right - x - gap, 0.4), tall, said))
    for limit in sorted(set(limits)):
        if edges[0] <= limit <= edges[-1]:
            shapes.append(_limit_line(LEFT + wide * place(edges, limit), figure(limit)))
    said = f"{plural(sum(counts), 'value')} from {figure(edges[0])} to {figure(edges[-1])}"
    said += "".join(f"; limit {figure(limit)}" for limit in limits)
    return _svg(title, said, "".join(shapes) + _axis(edges), TOP + HEIGHT + 20)


def _bar(kind: str, x: float, wide: float, tall: float, said: str) -> str:
    y = TOP + HEIGHT - tall
    return (
        f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{tall:.1f}">'
        f"<title>{escape(said)}</title></rect>"
    )


def _limit_line(x: float, label: str) -> str:
    anchor = "start" if x < WIDTH / 2 else "end"
    beside = x + 4 if anchor == "start" else x - 4
    return (
        f'<line class="limit" x1="{x:.1f}" y1="4" x2="{x:.1f}" y2="{TOP + HEIGHT}"/>'
        f'<text class="limit" x="{beside:.1f}" y="12" text-anchor="{anchor}">{escape(label)}</text>'
    )


def _axis(edges: Sequence[float]) -> str:
    base = TOP + HEIGHT
    marks = [f'<line class="axis" x1="{LEFT}" y1="{base}" x2="{WIDTH - LEFT}" y2="{base}"/>']
    for quarter in range(5):
        x = LEFT + (WIDTH - 2 * LEFT) * quarter / 4
        anchor = "start" if quarter == 0 else "end" if quarter == 4 else "middle"
        said = escape(figure(float(f"{value_at(edges, quarter / 4):.3g}")))
        marks.append(f'<text x="{x:.1f}" y="{base + 14}" text-anchor="{anchor}">{said}</text>')
    return "".join(marks)


def _svg(title: str, said: str, inside: str, tall: int) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {tall}" role="img"><title>{escape(title)}</title>'
        f"<desc>{escape(said)}</desc>{inside}</svg>"
    )


def place(edges: Sequence[float], value: float) -> float:
    """Where a value stands along the bins, from 0 to 1."""
    last = len(edges) - 2
    index = min(max(bisect.bisect_right(edges, value) - 1, 0), last)
    span = edges[index + 1] - edges[index]
    inside = (value - edges[index]) / span if span else 0.0
    return (index + min(max(inside, 0.0), 1.0)) / (last + 1)


def value_at(edges: Sequence[float], where: float) -> float:
    """The value at a place along the bins; the inverse of `place`."""
    last = len(edges) - 2
    index = min(int(where * (last + 1)), last)
    return edges[index] + (where * (last + 1) - index) * (edges[index + 1] - edges[index])


def condemns(rule: Mapping[str, Any], value: float) -> bool:
    """Whether a number is on the dropped side of a rule."""
    if not _numeric(rule):
        return False
    limit = float(rule["limit"])
    return value < limit if rule["kind"] == "below" else value > limit


def _numeric(rule: Mapping[str, Any]) -> bool:
    return rule.get("kind") in ("below", "above") and isinstance(rule.get("limit"), int | float)


def beyond(rule: Mapping[str, Any], edges: Sequence[float], counts: Sequence[int]) -> tuple[int, bool]:
    """How many values are beyond a limit, and whether that is exact; inside a bin they are taken as evenly spread."""
    if "beyond" in rule:
        return int(rule["beyond"]), True
    total = 0.0
    for low, high, n in zip(edges, edges[1:], counts, strict=False):
        parts = [low, *((float(rule["limit"]),) if low < rule["limit"] < high else ()), high]
        for start, end in itertools.pairwise(parts):
            if condemns(rule, (start + end) / 2):
                total += n * (end - start) / (high - low)
    # Values equal to an upper limit are kept but share a bin with those above it.
    exact = rule["limit"] in edges and rule["kind"] == "below"
    return round(total), exact


def _coarser(edges: Sequence[float], counts: Sequence[int]) -> tuple[list[float], list[int]]:
    """At most MOST_BINS bins, by joining neighbours."""
    step = -(-len(counts) // MOST_BINS) or 1
    joined = [sum(counts[start : start + step]) for start in range(0, len(counts), step)]
    return [*(edges[start] for start in range(0, len(counts), step)), edges[-1]], joined


def bars(caption: str, counts: Mapping[str, int], gone: frozenset[str] = frozenset(), heading: str = "value") -> str:
    """Categories as a table with bars; the values in `gone` are dropped."""
    whole = sum(counts.values())
    largest = max(counts.values(), default=0) or 1
    rows = []
    for value, n in top(counts, MOST_BARS):
        kind = "gone" if value in gone else "kept"
        label = f"{code(value)}{' <small>dropped</small>' if value in gone else ''}"
        bar = f'<span class="bar {kind}" style="width:{max(0.5, 100 * n / largest):.1f}%"></span>'
        rows.append((label, f'<span class="track" aria-hidden="true">{bar}</span>', count(n), share(n, whole)))
    drawn = table(caption, (heading, "", "rows", "share"), rows, right=(2, 3), kind="bars")
    if len(counts) > MOST_BARS:
        rest = whole - sum(n for _, n in top(counts, MOST_BARS))
        drawn += f'<p class="quiet">{count(len(counts) - MOST_BARS)} more with {plural(rest, "row")} together.</p>'
    return drawn


def curve(points: Sequence[Sequence[float]], limit: float | None) -> str:
    """How likely a pair is to be compared, by its similarity."""
    wide = WIDTH - 2 * LEFT
    path = " ".join(f"{LEFT + wide * x:.1f},{TOP + HEIGHT * (1 - y):.1f}" for x, y in points)
    inside = f'<polyline class="curve" points="{path}"/>'
    if limit is not None:
        inside += _limit_line(LEFT + wide * limit, figure(limit))
    said = "; ".join(f"similarity {figure(x)}: {figure(round(y, 4))}" for x, y in points[:: max(1, len(points) // 10)])
    return _svg(
        "Chance that a pair is found, by its similarity",
        said,
        inside + _axis([0, 0.25, 0.5, 0.75, 1]),
        TOP + HEIGHT + 20,
    )
