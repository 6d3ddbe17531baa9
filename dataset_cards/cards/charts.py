"""Pictures of what was measured: histograms with the limits drawn in, bars, the curve of near-duplicates."""

import bisect
import itertools
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from .page import code, table
from .plain import count, figure, plural, share, top

WIDTH, HEIGHT, TOP, LEFT = 340, 118, 18, 6
MOST_BINS = 60
MOST_BARS = 20
TINY = sys.float_info.min


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
    ruled = [rule for rule in rules if _numeric(rule)]
    limits = [float(rule["limit"]) for rule in ruled]
    shapes = []
    for low, high, n in zip(edges, edges[1:], counts, strict=False):
        if not n:
            continue
        tall = max(1.5, HEIGHT * n / tallest)
        for start, end in _pieces(low, high, ruled):
            x, right = (LEFT + wide * place(edges, value) for value in (start, end))
            kind = "gone" if any(_beyond(rule, start, end) for rule in ruled) else "kept"
            gap = 0.6 if end == high else 0
            said = f"{_edge(low)} to {_edge(high)}: {count(n)}"
            shapes.append(_bar(kind, x, max(right - x - gap, 0.4), tall, said))
    for limit, at in sorted({(float(rule["limit"]), cut(rule)) for rule in ruled}):
        if edges[0] <= limit <= edges[-1]:
            shapes.append(_limit_line(LEFT + wide * place(edges, at), figure(limit)))
    said = f"{plural(sum(counts), 'value')} from {_edge(edges[0])} to {_edge(edges[-1])}"
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
        said = escape(_edge(float(f"{value_at(edges, quarter / 4):.3g}")))
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


def cut(rule: Mapping[str, Any]) -> float:
    """The smallest number above the side of a limit that lies below it; the limit itself is kept."""
    limit = float(rule["limit"])
    return math.nextafter(limit, math.inf) if rule["kind"] == "above" else limit


def _pieces(low: float, high: float, rules: Sequence[Mapping[str, Any]]) -> Iterator[tuple[float, float]]:
    """A bin, parted where limits lie inside it."""
    return itertools.pairwise([low, *sorted({at for rule in rules if low < (at := cut(rule)) < high}), high])


def _beyond(rule: Mapping[str, Any], start: float, end: float) -> bool:
    """Whether a piece of a bin is on the dropped side of a rule; no piece is on both."""
    return end <= cut(rule) if rule["kind"] == "below" else start >= cut(rule)


def _edge(value: float) -> str:
    return figure(0.0 if abs(value) < TINY else value)  # the edge above a limit of 0


def _numeric(rule: Mapping[str, Any]) -> bool:
    return rule.get("kind") in ("below", "above") and isinstance(rule.get("limit"), int | float)


def beyond(rule: Mapping[str, Any], edges: Sequence[float], counts: Sequence[int]) -> tuple[int, bool]:
    """How many values are beyond a limit, and whether that is exact; inside a bin they are taken as evenly spread."""
    if "beyond" in rule:
        return int(rule["beyond"]), True
    total = 0.0
    for low, high, n in zip(edges, edges[1:], counts, strict=False):
        pieces = list(_pieces(low, high, [rule]))
        gone = [(start, end) for start, end in pieces if _beyond(rule, start, end)]
        if len(gone) == len(pieces):
            total += n
        elif gone:
            total += n * (gone[0][1] - gone[0][0]) / (high - low)
    at = cut(rule)
    return round(total), at in edges[:-1] or at <= edges[0] or at > edges[-1]


def _coarser(edges: Sequence[float], counts: Sequence[int]) -> tuple[list[float], list[int]]:
    """At most MOST_BINS bins, by joining neighbours."""
    step = -(-len(counts) // MOST_BINS) or 1
    joined = [sum(counts[start : start + step]) for start in range(0, len(counts), step)]
    return [*(edges[start] for start in range(0, len(counts), step)), edges[-1]], joined


def bars(
    caption: str, counts: Mapping[str, int], gone: frozenset[str] = frozenset(), heading: str = "value", rows: int = 0
) -> str:
    """Categories as a table with bars; the values in `gone` are dropped. Shares are of all `rows`, where given."""
    counted = sum(counts.values())
    whole = max(rows, counted)
    largest = max(counts.values(), default=0) or 1
    cells = []
    for value, n in top(counts, MOST_BARS):
        kind = "gone" if value in gone else "kept"
        label = f"{code(value)}{' <small>dropped</small>' if value in gone else ''}"
        bar = f'<span class="bar {kind}" style="width:{max(0.5, 100 * n / largest):.1f}%"></span>'
        cells.append((label, f'<span class="track" aria-hidden="true">{bar}</span>', count(n), share(n, whole)))
    drawn = table(caption, (heading, "", "rows", "share"), cells, right=(2, 3), kind="bars")
    if len(counts) > MOST_BARS:
        rest = counted - sum(n for _, n in top(counts, MOST_BARS))
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
