"""Telling a text from a place for one."""

import re

# What stands where nobody has written anything yet: the Hub's own template, and what people put there.
_UNFILLED = re.compile(
    r"\[?more information needed\]?|\b(?:TODO|TBD|FIXME|XXX)\b|^\W*$|^<[^<>]*>$|lorem ipsum|^\[[^\]]*\]$"
    r"|^(?:n/?a|none|null|unknown|tba|to be (?:done|added|determined|written)|fill (?:this )?in)\W*$",
    re.IGNORECASE,
)


def filled(text: str) -> str:
    """The text itself.

    Raises:
        ValueError: it says nothing.
    """
    if _UNFILLED.search(text):
        raise ValueError("says nothing; write a sentence, also where the answer is that there is none and why")
    return text
