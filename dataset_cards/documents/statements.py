"""Statements of a document for the law: each with a mark that says who answers for it."""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Literal

from ..cards.markdown import prose, table
from .questions import QUESTIONS

Mark = Literal["measured", "said", "read", "open"]
LONGEST = 20_000  # characters of one text in about.yaml

LEGEND = (
    "Every statement ends with a mark. *(measured)*: from version.json, where it was counted or recorded when the "
    "version was frozen. *(said)*: what a person wrote in about.yaml. *(read)*: what follows from which fields there "
    "were filled or left out, and nobody wrote down. *(open)*: neither of them tells."
)


def statement(mark: Mark, text: str, depth: int = 0) -> str:
    """One line of a list; `text` is Markdown, with what is foreign in it already escaped."""
    return f"{'  ' * depth}- {text} *({mark})*"


def measured(text: str, depth: int = 0) -> str:
    return statement("measured", text, depth)


def said(label: str, text: str, depth: int = 0) -> str:
    """What a person wrote, after a label of ours."""
    return statement("said", f"{label}: {words(text)}", depth)


def read(text: str, depth: int = 0) -> str:
    """What follows from about.yaml without standing there."""
    return statement("read", text, depth)


def unanswered(text: str, depth: int = 0) -> str:
    return statement("open", text, depth)


def words(text: object) -> str:
    """Foreign text as plain words; line ends count as spaces, since about.yaml is wrapped anywhere."""
    return prose(" ".join(str(text).split()), LONGEST)


def listed(lines: Iterable[str]) -> str:
    """Statements as one list."""
    return "\n".join(lines)


def shown_table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """A table that follows a statement; its cells are Markdown."""
    return table(header, rows, right=right)


def period(begin: date | None, end: date | None) -> str:
    """`2026-01-12 to 2026-03-30`; empty where neither is known."""
    match begin, end:
        case None, None:
            return ""
        case None, last:
            return f"until {last}"
        case first, None:
            return f"from {first}"
        case first, last:
            return f"{first} to {last}"


def month(day: date) -> str:
    """`03/2026`, as the EU's template writes dates of collection."""
    return f"{day:%m/%Y}"


def not_told(place: str) -> str:
    """A line for the last section: a place in about.yaml, as `collection.sources[0].crawler`, and what it asks."""
    asked = QUESTIONS[re.sub(r"\[\d+\]", "", place)].removesuffix(".").removesuffix("; may stay empty")
    return f"- Not told in about.yaml: `{place}`. {asked}."
