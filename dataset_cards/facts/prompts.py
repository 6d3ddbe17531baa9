"""Facts on prompts, alone or as the first part of another kind of row."""

from typing import Any

from ..versions.table import Table
from .every import measured
from .instruments import Instruments
from .talk import Talk


def prompts(rows: Table, instruments: Instruments) -> dict[str, Any]:
    return measured("prompts", rows, instruments, [asked(rows)])


def preferences(rows: Table, instruments: Instruments) -> dict[str, Any]:
    """What preferences have in common with other kinds; how they were decided is a chapter of its own."""
    return measured("preferences", rows, instruments, [asked(rows)])


def asked(rows: Table) -> Talk:
    """`prompts`: what the messages in the column `prompt` are like."""
    return Talk("prompts", "prompt", rows.rows)
