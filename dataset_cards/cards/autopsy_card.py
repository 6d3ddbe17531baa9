"""The section of a card on what a reward model could learn from preferences besides what was meant."""

from collections.abc import Iterator, Mapping
from typing import Any

from .autopsy import sentences, sheets
from .markdown import prose
from .sheet import as_markdown

MOST_SENTENCES = 20


def autopsy_paragraphs(version: Mapping[str, Any]) -> Iterator[str]:
    """Markdown; none where no autopsy was made."""
    if said := sentences(version)[:MOST_SENTENCES]:
        yield "\n".join(f"- {prose(text)}" for text in said)
    yield from as_markdown(sheets(version))
