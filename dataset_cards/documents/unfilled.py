"""Telling a text from a place for one, and a day from what only looks like a number."""

import re
from datetime import date

# What stands where nobody has written anything yet: the Hub's own template, and what people put there. In capitals
# where the small word means something, as in Spanish.
_ANYWHERE = re.compile(r"(?i:\[?more information needed\]?|lorem ipsum)|\b(?:TODO|TBD|TBA|FIXME)\b")
_WHOLE = re.compile(
    r"\W*|<[^<>]*>|\[[^\]]*\]|\{[^{}]*\}"
    r"|(?:todo|tbd|fixme|xxx+|n\s?/?\s?a|none|null|nil|unknown|tba|not (?:yet )?(?:known|specified|provided)"
    r"|to be (?:done|added|determined|written|decided|filled in)|fill (?:this )?in|your text here|placeholder)\W*",
    re.IGNORECASE,
)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def filled(text: str) -> str:
    """The text itself.

    Raises:
        ValueError: it says nothing.
    """
    if _ANYWHERE.search(text) or _WHOLE.fullmatch(text):
        raise ValueError("says nothing; write a sentence, also where the answer is that there is none and why")
    return text


def iso_day(value: object) -> date:
    """The day itself, or the one written as 2026-01-31.

    Raises:
        ValueError: it is no day, or one written otherwise.
    """
    if type(value) is date:
        return value
    if not isinstance(value, str) or not _DAY.fullmatch(value.strip()):
        raise ValueError("is no day written as 2026-01-31")
    try:
        return date.fromisoformat(value.strip())
    except ValueError as error:
        raise ValueError("is no day of the calendar") from error
