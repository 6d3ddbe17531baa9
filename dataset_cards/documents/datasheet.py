"""DATASHEET.md: the questions of "Datasheets for Datasets", each answered by what was measured or what people said."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..cards.account import warnings
from ..cards.markdown import prose
from . import datasheet_composition, datasheet_motivation, datasheet_processing, datasheet_uses
from .about import About
from .answers import Answer, Question
from .words import creators, line

Record = Mapping[str, Any]
Section = tuple[str, tuple[Question, ...]]

# Gebru et al. 2021, Communications of the ACM 64 (12), arXiv 1803.09010, section 3: its seven parts and every question
# in them, in the order of the paper and in our own words.
SECTIONS: tuple[Section, ...] = (
    ("Motivation", datasheet_motivation.MOTIVATION),
    ("Composition", datasheet_composition.COMPOSITION),
    ("Collection", datasheet_motivation.COLLECTION),
    ("Preprocessing, cleaning and labelling", datasheet_processing.PROCESSING),
    ("Uses", datasheet_uses.USES),
    ("Distribution", datasheet_uses.DISTRIBUTION),
    ("Maintenance", datasheet_uses.MAINTENANCE),
)


# A table, list, heading or fence begins on a line of its own.
_BLOCKS = ("|", "- ", "#", "```")


def datasheet(record: Record, about: About) -> str:
    """DATASHEET.md.

    Args:
        record: what version.json says.
    """
    who = line(creators(about))
    parts = [f"# Datasheet: {line(about.title)}"]
    parts += [f"> **Note.** {prose(text)}" for text in warnings(record)]
    parts.append(
        f"Of {prose(record['name'])}@{prose(record['version'])}. The questions are those of Gebru et al., "
        '"Datasheets for Datasets" (Communications of the ACM 64 (12), 2021; arXiv 1803.09010), in other words. '
        "*Measured* answers were counted or recorded by gristmill when the version was frozen, and are in "
        f"version.json. Others were *said by {who}*, in about.yaml, and nobody checked them; *read from about.yaml* is "
        "what follows from their choices there, or that they left a field empty."
    )
    for number, (heading, questions) in enumerate(SECTIONS, start=1):
        parts.append(f"## {number}. {heading}")
        for place, question in enumerate(questions, start=1):
            parts.append(f"### {number}.{place} {question.asks}")
            parts += _answered(question.answer(record, about), who)
    return "\n\n".join(parts) + "\n"


def _answered(answer: Answer, who: str) -> Iterator[str]:
    """What was measured before what was said, each under its mark."""
    noted = (answer.noted,) if answer.noted else ()
    marked = (("Measured", answer.measured), (f"Said by {who}", answer.said), ("Read from about.yaml", noted))
    for mark, told in marked:
        if told:
            first, *more = told
            yield from (f"*{mark}:*", first) if first.startswith(_BLOCKS) else (f"*{mark}:* {first}",)
            yield from more
