"""How numbers and hostile text are written for people: the same in the card, the report and the terminal."""

import math
import re
from collections.abc import Mapping
from typing import Any

# Invisible or direction-changing characters can make a reader see another text than the model does. Joiners
# (U+200C, U+200D) stay: Persian, Indic scripts and emoji are spelled with them.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    "\ufffe\uffff\U000e0000-\U000e007f\ud800-\udfff]"
)
_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


def visible(text: object) -> str:
    """The text with control, zero-width and direction-changing characters spelled out; tabs and newlines stay."""
    return _HIDDEN.sub(_spelled, str(text))


def _spelled(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else f"\u27e8U+{code:04X}\u27e9"


def one_line(text: object, most: int = 200) -> str:
    """The visible text on one line, at most `most` characters of it."""
    return shorten(visible(text).replace("\n", "\u240a").replace("\t", "\u2409"), most)


def shorten(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "\u2026"


def count(number: int) -> str:
    """`1234567` as `1,234,567`."""
    return f"{number:,}"


def plural(number: int, noun: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def figure(value: Any) -> str:
    """A measured value or a limit: whole numbers with separators, fractions with four digits, lists with commas."""
    if isinstance(value, list | tuple):
        return ", ".join(figure(item) for item in value)
    if value is None or isinstance(value, bool | str):
        return one_line("none" if value is None else str(value).lower() if isinstance(value, bool) else value)
    number = float(value)
    if not math.isfinite(number):
        return "no number" if math.isnan(number) else "infinite" if number > 0 else "minus infinite"
    if number == int(number) and abs(number) < 1e15:
        return f"{int(number):,}"
    return f"{number:,.1f}" if abs(number) >= 1000 else f"{number:.4g}"


def share(part: int, whole: int) -> str:
    """`part` of `whole` in percent; a share that is not quite 0 or 100 is never written as 0 or 100."""
    if not whole:
        return "0 %"
    percent = 100 * part / whole
    if part and percent < 0.01:
        return "< 0.01 %"
    if part != whole and percent > 99.99:
        return "> 99.99 %"
    return f"{percent:.3g} %" if percent < 10 else f"{percent:.4g} %"


def size(number: int) -> str:
    """Bytes in decimal units, e.g. `45.7 kB`."""
    value = float(number)
    for unit in _UNITS[:-1]:
        if value < 1000:
            return f"{number:,} {unit}" if unit == "bytes" else f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:,.0f} {_UNITS[-1]}"


def top(counts: Mapping[str, int], most: int) -> list[tuple[str, int]]:
    """The largest counts, ties by name."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most]
