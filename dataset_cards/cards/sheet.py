"""A table that card, report and documents all show, and its two forms: Markdown and HTML."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from . import markdown, page
from .agreement import Interval
from .plain import plural

Cell = str | Interval | None
Row = tuple[Cell, ...]

NOTHING = "\u2013"


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """One table, for card, report and documents alike.

    Attributes:
        kind: what it is about, by which a page may treat it apart.
        names: columns of foreign names.
        right: columns of numbers.
        notes: what columns and flags mean.
    """

    kind: str
    title: str
    header: tuple[str, ...]
    rows: list[Row]
    names: tuple[int, ...]
    right: tuple[int, ...]
    notes: tuple[tuple[str, str], ...] = ()


def as_markdown(sheets: Iterable[Sheet], most: int = 50) -> list[str]:
    """Paragraphs: each table under its title, at most `most` rows of it, then what its columns mean."""
    written = []
    for sheet in sheets:
        written.append(f"### {markdown.prose(sheet.title)}")
        rows = [[_plain(cell, n in sheet.names) for n, cell in enumerate(row)] for row in sheet.rows[:most]]
        written.append(markdown.table(sheet.header, rows, right=sheet.right))
        if left := len(sheet.rows) - len(rows):
            written.append(f"{plural(left, 'more row')} left out here; version.json has them all.")
        if sheet.notes:
            notes = (f"- {markdown.prose(term)}: {markdown.prose(said)}" for term, said in sheet.notes)
            written.append("\n".join(notes))
    return written


def as_html(sheets: Iterable[Sheet], most: int = 200) -> str:
    """The same for a page, as ready-made HTML."""
    drawn = ""
    for sheet in sheets:
        rows = [[_html(cell, n in sheet.names) for n, cell in enumerate(row)] for row in sheet.rows[:most]]
        drawn += page.table(sheet.title, sheet.header, rows, right=sheet.right, kind="estimates")
        if left := len(sheet.rows) - len(rows):
            drawn += f'<p class="quiet">{plural(left, "more row")} left out here; version.json has them all.</p>'
        if sheet.notes:
            terms = "".join(f"<dt>{escape(term)}</dt><dd>{escape(said)}</dd>" for term, said in sheet.notes)
            drawn += page.folded("What the columns mean", f'<dl class="terms">{terms}</dl>')
    return drawn


def _plain(cell: Cell, foreign: bool) -> str:
    if cell is None:
        return NOTHING
    return markdown.code(cell) if foreign else markdown.prose(str(cell))


def _html(cell: Cell, foreign: bool) -> str:
    if cell is None:
        return NOTHING
    return page.code(cell, 60) if foreign else escape(str(cell))
