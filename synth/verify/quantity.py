"""A number with its unit, read exactly: `$1,234.50`, `3/4`, `1 1/2`, `-5 km/h`, `50%`, `2 million`, `\\frac{1}{2}`."""

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction

LONGEST = 200  # characters of a statement; no honest number needs more

_NUMBER = r"(?:[1-9]\d{0,2}(?:,\d{3})++|\d++)(?:\.\d*+)?|\.\d++"
_FILLER = r"(?:(?:a|an|the|total|sum|of|equal|equals|to|exactly|just|only|is|be|it|option|answer)\b\s*|:\s*)*+"
_READ = re.compile(
    rf"{_FILLER}(?P<sign>[-+]?)(?:(?P<mixed>\d++)\s+(?=\d+/))?(?P<number>{_NUMBER})"
    rf"(?:/(?P<below>{_NUMBER})|(?:[eE]|\s*(?:\\times|×|x|\*)\s*10\s*\^\s*)(?P<power>\{{?[-+]?\d{{1,3}}\}}?))?"
    r"(?P<tail>\s*(?:[^\W\d_].*|[%°¢].*)?)",
    re.IGNORECASE | re.DOTALL,
)
_TOKENS = re.compile(r"(?:\s*+(?:[^\W\d_]++(?:[-'’/][^\W\d_]++)*+|[%°¢])\.?)*+\s*+")
_TOKEN = re.compile(r"[^\W\d_]++(?:[-'’/][^\W\d_]++)*+|[%°¢]")
_SCALES = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
# What comes after a number and makes it another number, or several.
_NOT_UNITS = """
    or and but to through not no plus minus times divided over squared cubed factorial half halves third thirds
    quarter quarters fourth fourths fifth fifths sixth sixths seventh sevenths eighth eighths ninth ninths tenth tenths
    eleventh elevenths twelfth twelfths hundredth hundredths thousandth thousandths millionth millionths billionth
    billionths more less other wrong incorrect false never x y z n i e pi π
"""
_NO_UNIT = frozenset(_NOT_UNITS.split())
_LATEX = (
    (re.compile(r"(?<=\d)\s*(?=\\[dtc]?frac)"), " "),  # 1\frac{1}{2} is 1 1/2
    (re.compile(r"\\[dtc]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}"), r"\1/\2"),
    (re.compile(r"\\[dt]?frac\s*(\d)\s*(\d)"), r"\1/\2"),
    (re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|mbox|boxed|operatorname)\s*\{([^{}]*)\}"), r" \1"),
    (re.compile(r"\^\s*\{?\s*\\circ\s*\}?|\\(?:degree|circ)\b"), "°"),
    (re.compile(r"\{,\}|,\\!"), ","),
    (re.compile(r"(?<=\d)(?:\\[,;: ]|\\!|[\u00a0\u202f\u2009])(?=\d{3}(?!\d))"), ","),
    (re.compile(r"\\(?:[,;:! ]|left|right|displaystyle|\(|\)|\[|\])"), " "),
    (re.compile(r"\\%"), "%"),
    (re.compile(r"\\?[$€£¥₹]"), ""),
    (re.compile(r"(?<=[^\W\d_])\s*\^\s*\{?[23]\}?|[²³]"), ""),
)
_MINUS = str.maketrans(dict.fromkeys("\u2212\u2013\ufe63\uff0d", "-"))
_COMPARED = re.compile(r"[<>≤≥≠≈~]|!=|\\(?:neq?|leq?|geq?|approx|sim|pm)\b|±")


class NotOneNumber(ValueError):
    """What was read is no number, or more than one."""


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """`value` as it is written; `also`, what it may mean besides (50 % may be 0.5); `unit`, without currency."""

    value: Fraction
    also: Fraction
    unit: str


def quantity(statement: str) -> Quantity:
    """The one number a statement holds.

    Of `a = b = c` the last is read. Digits that belong to no number, a second number, a comparison, and words that
    make it another number ("18 or 20", "5 and a half") are refused.

    Raises:
        NotOneNumber: saying why.
    """
    if len(statement) > LONGEST:
        raise NotOneNumber(f"is longer than {LONGEST} characters")
    text = _plain(statement)
    if _COMPARED.search(text):
        raise NotOneNumber("compares instead of naming a number")
    text = text.rpartition("=")[2].strip()
    if not (read := _READ.fullmatch(text)):
        raise NotOneNumber("is not one number")
    value = _exact(read["sign"], read["mixed"], read["number"], read["below"], read["power"])
    also, words = value, _units(read["tail"])
    if words and words[0] in ("%", "percent", "percentage"):
        words[0] = "%"
        also = value / 100
    elif words and words[0] == "dozen":
        also = value * 12
    elif words and words[0] in _SCALES:
        value = value * _SCALES[words.pop(0)]
    return Quantity(value=value, also=also, unit=" ".join(words))


def _plain(statement: str) -> str:
    if not statement.isascii():
        statement = "".join(map(_character, statement)).translate(_MINUS)
    if not statement.isascii() or any(mark in statement for mark in "\\$^{"):
        for pattern, plain in _LATEX:
            statement = pattern.sub(plain, statement)
    return statement.strip().rstrip(".,;:").strip()  # 5! is 120


def _character(character: str) -> str:
    """ASCII digits for those of any script, and `\\frac{1}{2}` for `½`."""
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    if unicodedata.category(character) == "No" and "\u2044" in (whole := unicodedata.normalize("NFKC", character)):
        above, below = whole.split("\u2044")
        return f"\\frac{{{above}}}{{{below}}}" if below else character
    return character


def _exact(sign: str, mixed: str | None, number: str, below: str | None, power: str | None) -> Fraction:
    value = Fraction(number.replace(",", "").rstrip(".") or "0")
    if below is not None:
        under = Fraction(below.replace(",", "").rstrip(".") or "0")
        if not under:
            raise NotOneNumber("divides by zero")
        value /= under
    if mixed is not None:
        value += int(mixed)
    if power is not None:
        value *= Fraction(10) ** int(power.strip("{}"))
    return -value if sign == "-" else value


def _units(tail: str) -> list[str]:
    # One letter that touches the number is as often a variable as a unit: 5x, 3n, 5m.
    if re.match(r"[^\W\d_](?![^\W\d_])", tail) or not _TOKENS.fullmatch(tail):
        raise NotOneNumber(f"has more than a unit after its number: {tail.strip()[:40]!r}")
    words = [word.casefold() for word in _TOKEN.findall(tail)]
    if changed := [word for word in words if word in _NO_UNIT]:
        raise NotOneNumber(f"goes on after its number with {changed[0]!r}")
    return [word[:-1] if len(word) > 3 and word.endswith("s") else word for word in words]
