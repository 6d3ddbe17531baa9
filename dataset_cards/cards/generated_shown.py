"""The sections of card and report on rows that a model made."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from . import markdown, page
from .agreement_sheets import Cell
from .generated import pairs, prompts, sentences, sheets
from .plain import plural, shorten

MOST_ROWS = 50  # of one table; version.json has them all
LONGEST = 20_000  # characters of a prompt
NOTHING = "\u2013"


def generated_paragraphs(version: Mapping[str, Any]) -> Iterator[str]:
    """For the card; none where no model made anything and nothing was measured."""
    if said := " ".join(sentences(version)):
        yield markdown.prose(said)
    for sheet in sheets(version):
        yield f"### {markdown.prose(sheet.title)}"
        rows = [[_plain(cell, n in sheet.names) for n, cell in enumerate(row)] for row in sheet.rows[:MOST_ROWS]]
        yield markdown.table(sheet.header, rows, right=sheet.right)
        if left := len(sheet.rows) - len(rows):
            yield f"{plural(left, 'more row')} left out here; version.json has them all."
        if sheet.notes:
            yield "\n".join(f"- {markdown.prose(term)}: {markdown.prose(said)}" for term, said in sheet.notes)
    if found := prompts(version)[:MOST_ROWS]:
        yield "### Prompts"
        yield markdown.table(("prompt", "fingerprint"), [tuple(map(markdown.code, one[:2])) for one in found])
        yield "Their text is in `version.json` and, to read, in `report.html`."


def generated_section(version: Mapping[str, Any]) -> str:
    """For the report, as ready-made HTML."""
    drawn = "".join(f"<p>{page.line(text, 600)}</p>" for text in sentences(version))
    for sheet in sheets(version):
        rows = [[_html(cell, n in sheet.names) for n, cell in enumerate(row)] for row in sheet.rows[:MOST_ROWS]]
        drawn += page.table(sheet.title, sheet.header, rows, right=sheet.right, kind="estimates")
        if left := len(sheet.rows) - len(rows):
            drawn += f'<p class="quiet">{plural(left, "more row")} left out here; version.json has them all.</p>'
        if sheet.notes:
            terms = "".join(f"<dt>{escape(term)}</dt><dd>{escape(said)}</dd>" for term, said in sheet.notes)
            drawn += page.folded("What the columns mean", f'<dl class="terms">{terms}</dl>')
    for part, one, two in pairs(version)[:MOST_ROWS]:
        drawn += page.folded(f"Near-duplicates among the {page.line(part, 40)}", page.passage(one) + page.passage(two))
    for name, fingerprint, text in prompts(version)[:MOST_ROWS]:
        title = f"Prompt {page.code(name, 80)} <small>{page.line(fingerprint, 40)}</small>"
        drawn += page.folded(title, page.passage(shorten(text, LONGEST)))
    return drawn


def _plain(cell: Cell, foreign: bool) -> str:
    if cell is None:
        return NOTHING
    return markdown.code(cell) if foreign else markdown.prose(str(cell))


def _html(cell: Cell, foreign: bool) -> str:
    if cell is None:
        return NOTHING
    return page.code(cell, 60) if foreign else escape(str(cell))
