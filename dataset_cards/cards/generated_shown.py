"""The sections of card and report on rows that a model made."""

from collections.abc import Iterator, Mapping
from typing import Any

from . import markdown, page
from .generated import pairs, prompts, sentences, sheets
from .plain import shorten
from .sheet import as_html, as_markdown

MOST_ROWS = 50  # of one table; version.json has them all
LONGEST = 20_000  # characters of a prompt


def generated_paragraphs(version: Mapping[str, Any]) -> Iterator[str]:
    """For the card; none where no model made anything and nothing was measured."""
    if said := " ".join(sentences(version)):
        yield markdown.prose(said)
    yield from as_markdown(sheets(version), MOST_ROWS)
    if found := prompts(version)[:MOST_ROWS]:
        yield "### Prompts"
        yield markdown.table(("prompt", "fingerprint"), [tuple(map(markdown.code, one[:2])) for one in found])
        yield "Their text is in `version.json` and, to read, in `report.html`."


def generated_section(version: Mapping[str, Any]) -> str:
    """For the report, as ready-made HTML."""
    drawn = "".join(f"<p>{page.line(text, 600)}</p>" for text in sentences(version))
    drawn += as_html(sheets(version), MOST_ROWS)
    for part, one, two in pairs(version)[:MOST_ROWS]:
        drawn += page.folded(f"Near-duplicates among the {page.line(part, 40)}", page.passage(one) + page.passage(two))
    for name, fingerprint, text in prompts(version)[:MOST_ROWS]:
        title = f"Prompt {page.code(name, 80)} <small>{page.line(fingerprint, 40)}</small>"
        drawn += page.folded(title, page.passage(shorten(text, LONGEST)))
    return drawn
