"""The curves of a training run as pictures: SVG that any browser and the Hub show, written without a drawing library.

A picture is asked for by a plain mapping: `name`, `title`, `lines` (names of the values to draw) and `over` (the value
along the bottom). The curves are one mapping of numbers for each point that was logged.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from .page import line as shown

# Width, height and names in a row of the key: of a file, and of a picture in a page, which a telephone shows too.
FILE, PAGE = (640, 320, 3), (420, 250, 2)
LEFT, RIGHT, BOTTOM = 64, 16, 44
TITLE, KEY = 22, 22  # heights of the title and of one row of the key
TICKS = 5
MOST_POINTS = 600  # about one for each dot of the width
LARGEST = 1e300  # beyond, differences of two numbers are no numbers any more

# Told apart by colour and by dashes: 4.5:1 or more on white, and again on the dark page.
COLOURS = ("#0b6e99", "#c2410c", "#4d7c0f", "#7e22ce", "#a16207", "#475569")
DARK = ("#5cb8dd", "#f0925f", "#9ccc5a", "#c79bf2", "#e0b04a", "#a9b6c6")
_DASHES = ("none", "7 4", "2 3", "9 3 2 3", "12 5", "4 2")

Curves = Sequence[Mapping[str, float]]
Line = list[tuple[float, float]]

# For pictures inside a page; a file of its own says the light half itself.
CURVE_STYLE = (
    ".curves text{font:13px system-ui,sans-serif;fill:var(--quiet)}"
    ".curves .grid{stroke:var(--rule)}.curves .line{fill:none;stroke-width:2}"
    + "".join(f".curves .c{number}{{stroke:{colour}}}" for number, colour in enumerate(COLOURS))
    + "@media(prefers-color-scheme:dark){"
    + "".join(f".curves .c{number}{{stroke:{colour}}}" for number, colour in enumerate(DARK))
    + "}"
)
_OWN_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#334155}.title{font-weight:600;font-size:15px}"
    ".grid{stroke:#e2e8f0}.line{fill:none;stroke-width:2}"
    + "".join(f".c{number}{{stroke:{colour}}}" for number, colour in enumerate(COLOURS))
)


def draw(plot: Mapping[str, Any], curves: Curves) -> str:
    """A file: an SVG with its own colours on white. Where nothing was logged, it says so."""
    head = f'<text x="{LEFT}" y="18" class="title">{shown(plot["title"])}</text>'
    tall, inside = _inside(lines(plot, curves), str(plot["over"]), TITLE + 8, FILE)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {FILE[0]} {tall}" width="{FILE[0]}" height="{tall}" '
        f'role="img">{_words(plot, curves)}<style>{_OWN_STYLE}</style>'
        f'<rect width="{FILE[0]}" height="{tall}" fill="#ffffff"/>{head}{inside}</svg>\n'
    )


def picture(plot: Mapping[str, Any], curves: Curves) -> str:
    """The same for inside a page that has CURVE_STYLE, without the title, which the page writes itself."""
    tall, inside = _inside(lines(plot, curves), str(plot["over"]), 4, PAGE)
    return f'<svg class="curves" viewBox="0 0 {PAGE[0]} {tall}" role="img">{_words(plot, curves)}{inside}</svg>'


def lines(plot: Mapping[str, Any], curves: Curves) -> dict[str, Line]:
    """The points of each line in the order they were logged; lines without any are left out."""
    over = plot["over"]
    found: dict[str, Line] = {
        str(name): [
            (float(row[over]), float(row[name]))
            for row in curves
            if over in row and name in row and math.isfinite(row[over]) and math.isfinite(row[name])
        ]
        for name in plot["lines"]
    }
    return {name: line for name, line in found.items() if line}


def said(plot: Mapping[str, Any], curves: Curves) -> str:
    """What the picture shows, for those who do not see it."""
    found = lines(plot, curves)
    along = f" over {plot['over']}" if plot["over"] != "step" else ""
    return (
        "; ".join(f"{name} from {line[0][1]:.4g} to {line[-1][1]:.4g}" for name, line in found.items()) + along
        if found
        else "nothing was logged"
    )


def _words(plot: Mapping[str, Any], curves: Curves) -> str:
    return f"<title>{shown(plot['title'])}</title><desc>{shown(said(plot, curves), 1000)}</desc>"


def _inside(found: Mapping[str, Line], over: str, top: int, room: tuple[int, int, int]) -> tuple[int, str]:
    """The height of the whole picture, and its shapes from `top` on."""
    wide, tall, keys = room
    if not found:
        return top + 60, f'<text x="{LEFT}" y="{top + 34}">nothing was logged</text>'
    first = top + -(-len(found) // keys) * KEY + 8
    across = ticks(x for line in found.values() for x, _ in line)
    up = ticks(y for line in found.values() for _, y in line)
    frame = _Frame(across, up, (LEFT, wide - RIGHT), (first, first + tall - BOTTOM))
    parts = frame.axes(over)
    for number, (name, line) in enumerate(found.items()):
        style = f'class="line c{number % len(COLOURS)}" stroke-dasharray="{_DASHES[number % len(_DASHES)]}"'
        x, y = LEFT + (wide - LEFT) / keys * (number % keys), top + KEY * (number // keys) + 10
        parts.append(frame.line(line, style))
        parts.append(f'<line {style} x1="{x:.0f}" x2="{x + 26:.0f}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text x="{x + 32:.0f}" y="{y + 4}">{shown(name, 22)}</text>')
    return first + tall, "".join(parts)


class _Frame:
    """Where values stand in the picture."""

    def __init__(
        self, across: Sequence[float], up: Sequence[float], sides: tuple[int, int], ends: tuple[int, int]
    ) -> None:
        self.across, self.up = across, up
        self.left, self.right = sides
        self.top, self.floor = ends

    def place(self, x: float, y: float) -> tuple[float, float]:
        along = (_held(x) - self.across[0]) / (self.across[-1] - self.across[0])
        above = (_held(y) - self.up[0]) / (self.up[-1] - self.up[0])
        return self.left + (self.right - self.left) * along, self.floor - (self.floor - self.top) * above

    def axes(self, over: str) -> list[str]:
        parts = []
        for value in self.up:
            _, y = self.place(self.across[0], value)
            parts.append(f'<line class="grid" x1="{self.left}" x2="{self.right}" y1="{y:.1f}" y2="{y:.1f}"/>')
            parts.append(f'<text x="{self.left - 8}" y="{y + 4:.1f}" text-anchor="end">{_label(value, self.up)}</text>')
        for value in self.across:
            x, _ = self.place(value, self.up[0])
            said = _label(value, self.across)
            parts.append(f'<text x="{x:.1f}" y="{self.floor + 18}" text-anchor="middle">{said}</text>')
        parts.append(f'<text x="{self.right}" y="{self.floor + 36}" text-anchor="end">{shown(over, 40)}</text>')
        return parts

    def line(self, line: Line, style: str) -> str:
        places = [self.place(x, y) for x, y in _thinned(line)]
        if len(places) == 1:
            x, y = places[0]
            return f'<circle {style} cx="{x:.1f}" cy="{y:.1f}" r="3"/>'
        return f'<polyline {style} points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in places)}"/>'


def ticks(values: Iterable[float]) -> list[float]:
    """Round numbers from at most the smallest value to at least the largest, in equal steps; at least two."""
    held = [_held(value) for value in values]
    low, high = min(held), max(held)
    if high - low <= 1e-9 * max(abs(low), abs(high), 1e-12):
        half = abs(low) / 2 if abs(low) > 1e-12 else 0.5
        low, high = low - half, high + half
    rough = (high - low) / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next((step for step in (power, 2 * power, 5 * power) if step >= rough), 10 * power)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [number * step for number in range(first, max(last, first + 1) + 1)]


def _held(value: float) -> float:
    return max(-LARGEST, min(LARGEST, value))


def _label(value: float, among: Sequence[float]) -> str:
    """A tick with as many digits as tell it from its neighbours."""
    step = among[1] - among[0]
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    if max(abs(among[0]), abs(among[-1])) >= 1e6 or digits > 5:
        return f"{value:.3g}"
    return escape(f"{value + 0.0:,.{digits}f}")  # + 0.0: no tick is called -0


def _thinned(line: Line) -> Line:
    """At most about MOST_POINTS points: of each stretch the lowest and the highest, so that no spike is lost."""
    if len(line) <= MOST_POINTS:
        return line
    wide = -(-2 * len(line) // MOST_POINTS)
    kept = {0, len(line) - 1}
    for start in range(0, len(line), wide):
        stretch = range(start, min(start + wide, len(line)))
        kept |= {min(stretch, key=lambda n: line[n][1]), max(stretch, key=lambda n: line[n][1])}
    return [line[place] for place in sorted(kept)]
