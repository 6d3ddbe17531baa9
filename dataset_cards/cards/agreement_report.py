"""The section of a report on agreement: measures as dots on a line, answers as bars, pairs of people as a heat map."""

from collections.abc import Mapping
from html import escape
from typing import Any

from .agreement import Interval, agreement, guidelines, measured, questions, remarks
from .agreement_doubts import CONVENTION, has_alpha
from .agreement_sheets import sheets
from .page import code, folded, line, name, passage, table
from .plain import plural, shorten
from .sheet import Cell, Sheet

MOST_ROWS = 200  # of one table; version.json has them all
UNFOLDED = 30  # rows of a table
MOST_PEOPLE = 16  # in the picture of pairs
LONGEST_NAME = 60  # characters; names do not break, so that short ones are not broken on a narrow screen
LONGEST = 20_000  # characters of guidelines
DARKEST = 60  # percent of colour behind text, so that it can still be read


def agreement_section(version: Mapping[str, Any]) -> str:
    """Ready-made HTML; empty where nobody judged."""
    facts = agreement(version)
    drawn = ""
    for sheet in sheets(version):
        shown = _table(sheet) + (folded("What the columns mean", _terms(sheet.notes)) if sheet.notes else "")
        if sheet.kind == "pairs":
            drawn += "".join(_heat(*asked) for asked in questions(facts))
        elif sheet.kind == "measures" and has_alpha(facts):
            shown += f'<p class="quiet">{escape(CONVENTION)}</p>'
        detail = sheet.kind == "pairs" or len(sheet.rows) > UNFOLDED
        if detail or (sheet.kind in ("people", "slices") and sheet.header[0] == "question"):
            shown = folded(sheet.title, shown)
        drawn += shown
    for revision, text in guidelines(version)[:MOST_ROWS]:
        cut = '<p class="quiet">The text goes on; version.json has it whole.</p>' if len(text) > LONGEST else ""
        drawn += folded(f"Guidelines <small>{escape(revision)}</small>", passage(shorten(text, LONGEST)) + cut)
    if said := remarks(version):
        drawn += f"<ul>{''.join(f'<li>{escape(text)}</li>' for text in said)}</ul>"
    return drawn


def _table(sheet: Sheet) -> str:
    rows = [[_cell(cell, place in sheet.names) for place, cell in enumerate(row)] for row in sheet.rows[:MOST_ROWS]]
    header, right, kind = list(sheet.header), list(sheet.right), "estimates"
    if "times" in header:
        at = header.index("times")
        most = max(_number(row[at]) for row in sheet.rows)
        header.insert(at, "")
        right = [place + (place >= at) for place in right]
        rows = [
            [*row[:at], _bar(_number(cells[at]), most), *row[at:]] for row, cells in zip(rows, sheet.rows, strict=False)
        ]
        kind = "estimates counted"
    drawn = table(sheet.title, header, rows, right=right, kind=kind)
    if len(sheet.rows) > MOST_ROWS:
        left = plural(len(sheet.rows) - MOST_ROWS, "more row")
        drawn += f'<p class="quiet">{left} left out here; version.json has them all.</p>'
    return drawn


def _number(cell: Cell) -> int:
    return int(str(cell).replace(",", ""))


def _bar(n: int, most: int) -> str:
    wide = max(0.5, 100 * n / most) if n else 0
    return f'<span class="track" aria-hidden="true"><span class="bar kept" style="width:{wide:.1f}%"></span></span>'


def _cell(cell: Cell, foreign: bool) -> str:
    if cell is None:
        return "\u2013"
    if isinstance(cell, str):
        return code(cell, LONGEST_NAME) if foreign else escape(cell)
    span = f"<small>{escape(cell.span)}</small>" if cell.span else ""
    return f"<b>{escape(cell.shown)}</b>{span}{_whisker(cell)}"


def _whisker(cell: Interval) -> str:
    """The value as a dot and its interval as a bar, on a line from 0 to 1."""
    value, low, high = (
        100 * min(max(end, 0.0), 1.0)
        for end in (cell.value, *(cell.value if end is None else end for end in (cell.low, cell.high)))
    )
    return (
        f'<span class="whisker" aria-hidden="true"><i style="left:{low:.1f}%;width:{high - low:.1f}%"></i>'
        f'<b style="left:{value:.1f}%"></b></span>'
    )


def _terms(notes: tuple[tuple[str, str], ...]) -> str:
    return (
        f'<dl class="terms">{"".join(f"<dt>{escape(term)}</dt><dd>{escape(said)}</dd>" for term, said in notes)}</dl>'
    )


def _heat(question: str | None, facts: Mapping[str, Any]) -> str:
    """Everybody against everybody; the tint is what is beyond chance, Cohen's kappa or Kendall's tau."""
    pairs = facts.get("by_pair") or []
    met = [str(side) for one in pairs for side in (one["a"], one["b"])]
    order = [str(one["annotator"]) for one in facts.get("by_annotator") or [] if str(one["annotator"]) in met]
    people = list(dict.fromkeys([*order, *met]))
    if not 3 <= len(people) <= MOST_PEOPLE:
        return ""
    found = {frozenset((str(one["a"]), str(one["b"]))): one for one in pairs}
    head = "".join(f'<th scope="col">{name(who, 24)}</th>' for who in people)
    body = "".join(
        f'<tr><th scope="row">{name(row, 24)}</th>'
        + "".join(_tile(found.get(frozenset((row, other)))) if row != other else "<td></td>" for other in people)
        + "</tr>"
        for row in people
    )
    of = f", {line(question, 60)}" if question else ""
    beyond = "Cohen\u2019s kappa" if any(one.get("kappa") for one in pairs) else "Kendall\u2019s tau"
    return (
        f'<div class="wide"><table class="heat"><caption>Everybody against everybody{of}: how far two agree, and '
        f"{beyond}, which is also the colour: none at 0, full at 1</caption>"
        f'<thead><tr><th scope="col"></th>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _tile(one: Mapping[str, Any] | None) -> str:
    if one is None:
        return '<td title="no row in common">\u2013</td>'
    agree = measured(one.get("agreement"), True)
    beyond = measured(one.get("kappa"), digits=2) or measured(one.get("tau"), digits=2)
    shown = "".join(f"<{tag}>{escape(of.shown)}</{tag}>" for tag, of in (("b", agree), ("small", beyond)) if of)
    tint = 0.0 if beyond is None else max(-1.0, min(1.0, beyond.value))
    colour = "--gone" if tint < 0 else "--kept"
    said = f"{plural(one.get('records', 0), 'row')} judged by both"
    return (
        f'<td title="{escape(said)}" style="background:color-mix(in srgb,var({colour}) {DARKEST * abs(tint):.0f}%,'
        f'transparent)">{shown or "&ndash;"}</td>'
    )
