"""A question of the datasheet and its answer: what was measured and what was said, kept apart."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .about import About
from .words import paragraphs


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Paragraphs of Markdown; at least one of the three is not empty.

    Attributes:
        measured: what version.json tells.
        said: what people wrote.
        noted: what follows from their choices in about.yaml, or that a field was left empty.
    """

    measured: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    noted: str = ""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked, in our words, and how it is answered from version.json and about.yaml."""

    asks: str
    answer: Callable[[Mapping[str, Any], About], Answer]


def both(measured: Iterable[str | None], *said: str | None, noted: str = "") -> Answer:
    """What was measured, as Markdown, foreign texts that people gave, as they wrote them, and a sentence of ours."""
    told = [paragraph for text in said if text for paragraph in paragraphs(text)]
    return Answer(measured=tuple(text for text in measured if text), said=tuple(told), noted=noted)


def said(*texts: str | None, noted: str = "") -> Answer:
    return both((), *texts, noted=noted)


def if_any(text: str | None, otherwise: str, measured: Iterable[str | None] = ()) -> Answer:
    """What people wrote; where they left the field empty, `otherwise`, a sentence of ours."""
    return both(measured, text, noted="" if text else otherwise)


def measured(*texts: str | None) -> Answer:
    return both(texts)


def lowered(paragraphs: Iterable[str]) -> list[str]:
    """Paragraphs of a section, its headings as headings inside an answer."""
    return [f"#{text}" if text.startswith("### ") else text for text in paragraphs]
