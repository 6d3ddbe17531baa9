"""What a terminal shows of a finished training run."""

from collections.abc import Mapping
from typing import Any


def said(training: Mapping[str, Any]) -> str:
    """One line per measure, then the notes.

    Args:
        training: what training.json holds.
    """
    lines = []
    for one in training["measures"]:
        before = f"{_number(one['before'])} -> " if one["before"] else ""
        gain = f", better by {_number(one['gain'])}" if one["gain"] else ""
        lines.append(f"{one['name']}: {before}{_number(one['after'])} {one['unit']}{gain}; {one['rows']:,} rows")
    return "\n".join([*lines, *(f"note: {note}" for note in training["notes"])])


def _number(triple: tuple[float, float, float]) -> str:
    value, low, high = triple
    return f"{value:.4g} ({low:.4g} to {high:.4g})"
