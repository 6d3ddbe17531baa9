"""The section of a card on agreement: the same tables as in the report, as Markdown."""

from collections.abc import Iterator, Mapping
from typing import Any

from .agreement import agreement, guidelines, remarks
from .agreement_doubts import CONVENTION, has_alpha
from .agreement_sheets import sheets
from .markdown import block, code, prose, table
from .plain import plural, shorten
from .sheet import Cell, Sheet

MOST_ROWS = 30  # of one table; version.json has them all
LONGEST = 4000  # characters of guidelines


def agreement_paragraphs(version: Mapping[str, Any]) -> Iterator[str]:
    """None where nobody judged."""
    facts = agreement(version)
    for sheet in sheets(version):
        yield f"### {prose(sheet.title)}"
        yield _table(sheet)
        if len(sheet.rows) > MOST_ROWS:
            yield f"{plural(len(sheet.rows) - MOST_ROWS, 'more row')} left out here; version.json has them all."
        if sheet.kind == "measures" and has_alpha(facts):
            yield prose(CONVENTION)
        if sheet.notes:
            yield "\n".join(f"- {prose(term)}: {prose(said)}" for term, said in sheet.notes)
    for revision, text in guidelines(version)[:MOST_ROWS]:
        yield "### Guidelines"
        yield f"{prose(revision)}{'; its beginning, version.json has it whole' if len(text) > LONGEST else ''}:"
        yield block(shorten(text, LONGEST))
    if said := remarks(version):
        yield "### Remarks"
        yield "\n".join(f"- {prose(text)}" for text in said)


def _table(sheet: Sheet) -> str:
    rows = [[_cell(cell, place in sheet.names) for place, cell in enumerate(row)] for row in sheet.rows[:MOST_ROWS]]
    return table(sheet.header, rows, right=sheet.right)


def _cell(cell: Cell, foreign: bool) -> str:
    if cell is None:
        return "\u2013"
    return code(cell) if foreign else prose(cell)
