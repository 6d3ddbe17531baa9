"""Measuring the rows of a version: what its kind is asked, in few passes, whatever its size."""

from collections.abc import Callable, Mapping
from typing import Any

from ..versions.table import Table
from .autopsy.autopsy import autopsy
from .conversations import conversations
from .documents import documents
from .instruments import Instruments
from .judgements import judgements
from .prompts import preferences, prompts
from .rankings import rankings
from .teacher import teacher
from .verifiable import verifiable

Measures = Callable[[Table, Instruments], dict[str, Any]]


def measure(kind: str, rows: Table, instruments: Instruments) -> dict[str, Any]:
    """What version.json says under `facts.content`; of a kind without measures, nothing.

    Args:
        rows: with the columns of `kind`, and perhaps others.
    """
    found: dict[str, Any] = {}
    for measures in MEASURES.get(kind, ()):
        found |= measures(rows, instruments)
    return found


MEASURES: Mapping[str, tuple[Measures, ...]] = {
    "documents": (documents,),
    "conversations": (conversations,),
    "prompts": (prompts,),
    "preferences": (preferences, autopsy),
    "rankings": (rankings,),
    "judgements": (judgements,),
    "verifiable": (verifiable,),
    "teacher": (teacher,),
}
