"""What no rewording may lose: numbers, web addresses, code, names; checked without a model."""

import re
from collections.abc import Iterator

_URL = re.compile(r"https?://[^\s<>\"')\]]+")
_FENCED = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_NUMBER = re.compile(r"\d+(?:[.,\u00a0\u202f]\d+)*")
_GROUPED = re.compile(r"\d{1,3}(?:([,\u00a0\u202f])\d{3})(?:\1\d{3})*(?:\.\d+)?")
_ENUMERATION = re.compile(r"^[ \t]*\d+[.)][ \t]", re.MULTILINE)
# Share of words inside sentences. Where more of them have a capital, as in German, it is not names alone that have one.
CAPITALS = 0.25


def lost(original: str, rewritten: str, min_names: float) -> str | None:
    """The first kind of thing that a rewording lost or made up, as a reason; None where there is nothing.

    `lost-address`, `lost-code` (spans and blocks, compared without white space), `lost-number`, `new-number`, and
    `lost-name` where fewer than the share `min_names` of names are still there.
    """
    if any(address not in rewritten for address in addresses(original)):
        return "lost-address"
    tight = _tight(rewritten)
    if any(_tight(code) not in tight for code in codes(original)):
        return "lost-code"
    before, after = numbers(original), numbers(rewritten)
    if before - after:
        return "lost-number"
    if after - before:
        return "new-number"
    wanted = names(original)
    held = sum(name in rewritten for name in wanted)
    return "lost-name" if wanted and held < min_names * len(wanted) else None


def addresses(text: str) -> set[str]:
    """Web addresses, without punctuation behind them."""
    return {found.rstrip(".,;:!?") for found in _URL.findall(text)}


def codes(text: str) -> Iterator[str]:
    """What stands in code fences and in backquotes."""
    yield from (block for block in _FENCED.findall(text) if block.strip())
    yield from (span for span in _SPAN.findall(_FENCED.sub("", text)) if span.strip())


def numbers(text: str) -> set[str]:
    """Numbers in digits, without thousands separators. The numbers of a numbered list say nothing and are left out."""
    plain = _ENUMERATION.sub("", text)
    return {re.sub("[,\u00a0\u202f]", "", one) if _GROUPED.fullmatch(one) else one for one in _NUMBER.findall(plain)}


def names(text: str) -> set[str]:
    """Capitalised words inside sentences; none where so many words are capitalised that it says nothing."""
    inside = [found[1] for found in re.finditer(r"(?<=[^\W\d_,;] )([^\W\d_][\w'’-]*)", _FENCED.sub("", text))]
    found = {word for word in inside if word[0].isupper() and len(word) > 1}
    capitals = sum(word[0].isupper() for word in inside)
    return found if inside and capitals <= CAPITALS * len(inside) else set()


def _tight(text: str) -> str:
    return "".join(text.split())
