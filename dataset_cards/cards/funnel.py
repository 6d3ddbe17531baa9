"""The funnel as a river: as wide as the rows still in it, with a stream leaving for every reason."""

from collections.abc import Mapping, Sequence
from typing import Any

from .account import bare
from .page import line
from .plain import count, plural, share

MOST_STREAMS = 6  # of one stage; the smaller ones are joined and the table of reasons has them all
LINE, WIDE = 23, 640  # about, in pixels: a line of labels and the river at full width
THINNEST = 0.6  # percent of the width, so that a handful of rows is still seen


def river(funnel: Sequence[Mapping[str, Any]]) -> str:
    """One reach per stage, top to bottom; the pictures stretch, the labels wrap, so it reads at any width."""
    read = funnel[0]["read"] if funnel else 0
    if not read:
        return "<p>No rows were read.</p>"
    kept = funnel[-1]["kept"]
    reaches = "".join(_reach(stage, read) for stage in funnel)
    return (
        f'<div class="river"><p class="mouth"><strong>{count(read)}</strong> read</p>{reaches}'
        f'<p class="mouth"><strong>{count(kept)}</strong> kept, {share(kept, read)} of what was read</p></div>'
    )


def _reach(stage: Mapping[str, Any], read: int) -> str:
    streams = _streams(stage)
    title = f"{stage['stage']}: {plural(stage['read'], 'row')} in, {count(stage['kept'])} out"
    said = "; ".join(f"{label}: {count(n)}" for label, n, _ in streams) or "nothing left here"
    labels = "".join(
        f'<li><span class="dot {kind}" aria-hidden="true"></span><span class="reason">{line(label)}</span> '
        f"<b>{count(n)}</b> <small>{share(n, stage['read'])}</small></li>"
        for label, n, kind in streams
    )
    return (
        f'<div class="reach"><div class="water"><svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img">'
        f"<title>{line(title)}</title><desc>{line(said, 1000)}</desc>{_water(stage, streams, read)}</svg></div>"
        f'<div class="banks"><h3>{line(stage["stage"])}</h3>'
        f'<p class="quiet">{count(stage["read"])} in, {count(stage["kept"])} out</p>'
        f"{f'<ul>{labels}</ul>' if labels else ''}</div></div>"
    )


def _streams(stage: Mapping[str, Any]) -> list[tuple[str, int, str]]:
    """What leaves: label, rows, and whether it is dropped or quarantined; largest first."""
    gone = sorted(((bare(stage["stage"], why), n) for why, n in stage["dropped"].items() if n), key=lambda one: -one[1])
    streams = [(why, n, "gone") for why, n in gone[:MOST_STREAMS]]
    if rest := gone[MOST_STREAMS:]:
        streams.append((plural(len(rest), "other reason"), sum(n for _, n in rest), "gone"))
    if stage["quarantined"]:
        streams.append(("quarantined", stage["quarantined"], "odd"))
    return streams


def _water(stage: Mapping[str, Any], streams: Sequence[tuple[str, int, str]], read: int) -> str:
    """Shapes in a square of 100 by 100 that is stretched to its place."""
    right = max(100 * stage["read"] / read, THINNEST)
    shapes = []
    # Two lines of heading stand above the labels that the streams run to.
    line_height = 100 / (len(streams) + 2.2)
    pixel = line_height / LINE
    for place, (_, n, kind) in enumerate(streams):
        left = max(right - max(100 * n / read, THINNEST), 0)
        middle = line_height * (place + 2.6)
        half = min(max(0.5 * WIDE * n / read, 0.75), 0.42 * LINE) * pixel
        shapes.append(
            f'<path class="{kind}" d="M{left:.2f},0 C{left:.2f},{middle:.1f} {left:.2f},{middle + half:.1f} '
            f"100,{middle + half:.1f} L100,{middle - half:.1f} C{right:.2f},{middle - half:.1f} "
            f'{right:.2f},{middle * 0.6:.1f} {right:.2f},0 Z"/>'
        )
        right = left
    out = max(100 * stage["kept"] / read, THINNEST) if stage["kept"] else 0
    shapes.append(f'<path class="kept" d="M0,0 H{out:.2f} V100 H0 Z"/>')
    return "".join(shapes)


def funnel_rows(funnel: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str, str, str]]:
    """The same numbers for a table: stage, read, dropped, quarantined, kept."""
    return [
        (
            line(stage["stage"]),
            count(stage["read"]),
            count(sum(stage["dropped"].values())),
            count(stage["quarantined"]),
            count(stage["kept"]),
        )
        for stage in funnel
    ]
