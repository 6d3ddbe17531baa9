"""The section of a report on what a reward model could learn from preferences besides what was meant."""

from collections.abc import Mapping
from html import escape
from typing import Any

from . import page
from .agreement import Interval
from .autopsy import sentences, sheets
from .autopsy_rules import autopsy
from .sheet import NOTHING, Sheet, as_html

MOST_SENTENCES = 20


def autopsy_section(version: Mapping[str, Any]) -> str:
    """Ready-made HTML; empty where no autopsy was made."""
    facts = autopsy(version)
    if not facts:
        return ""
    drawn = (
        "<ul>" + "".join(f"<li>{page.line(text, 600)}</li>" for text in sentences(version)[:MOST_SENTENCES]) + "</ul>"
    )
    for sheet in sheets(version):
        drawn += _picture(sheet) if sheet.kind == "autopsy" else as_html([sheet])
    openings = facts.get("openings") or {}
    if openings:
        rows = [(escape(str(name)), page.code(pattern, 2000)) for name, pattern in openings.items()]
        words = page.table("First words of an answer, as regular expressions", ("what", "first words"), rows)
        drawn += page.folded("What counts as agreement, apology, refusal by first words", words)
    return drawn


def _picture(sheet: Sheet) -> str:
    """The table of rules, each with its interval on a line from 0 to 100 % that is marked at a coin's 50 %."""
    header = (sheet.header[0], "", *sheet.header[1:])
    rows = []
    for picks, share, *others in sheet.rows:
        assert isinstance(share, Interval), "a rule with a share"
        cells = [escape(str(share)), *(NOTHING if cell is None else escape(str(cell)) for cell in others)]
        rows.append((escape(str(picks)), _whisker(share), *cells))
    terms = "".join(f"<dt>{escape(term)}</dt><dd>{escape(said)}</dd>" for term, said in sheet.notes)
    return page.table(
        sheet.title, header, rows, right=[place + 1 for place in sheet.right], kind="estimates"
    ) + page.folded("What the columns mean", f'<dl class="terms">{terms}</dl>')


def _whisker(share: Interval) -> str:
    low, high = (100 * (share.value if end is None else end) for end in (share.low, share.high))
    return (
        '<span class="whisker" aria-hidden="true">'
        '<i style="left:50%;width:1px;height:.6rem;bottom:-.3rem;background:var(--quiet)"></i>'
        f'<i style="left:{low:.1f}%;width:{high - low:.1f}%"></i><b style="left:{100 * share.value:.1f}%"></b></span>'
    )
