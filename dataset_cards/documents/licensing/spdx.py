"""From a licence as people write it to an SPDX expression, or to `unknown`."""

import re
from functools import lru_cache

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from .names import cc_id, named

UNKNOWN = "unknown"
LONGEST = 500  # characters; a longer text is a licence itself, or no licence at all
MOST_CHOICES = 64

_TOKEN = re.compile(r"\(|\)|[^\s()]+")
_GNU = re.compile(r"(A|L)?GPL-\d\.\d|GFDL-\d\.\d(-no-invariants|-invariants)?")

Choices = tuple[frozenset[str], ...]


@lru_cache(4096)
def spdx(stated: str | None) -> str:
    """The SPDX expression of a licence as stated, in canonical form; `unknown` where it is not clear which is meant.

    Understood are SPDX expressions in any case (list 3.27, packaging's), common names ("CC BY-SA 3.0", "Apache 2.0"),
    addresses of Creative Commons, and such names joined by "and" or "or". Of licences that SPDX has no id for, the
    frequent ones are given as `LicenseRef-`; see names.py.
    """
    text = " ".join((stated or "").split())
    if not text.isprintable() or not 0 < len(text) <= LONGEST:
        return UNKNOWN
    if found := _one(text):
        return found
    # "A (B)" where both say the same, as Creative Commons writes it.
    if (twice := re.fullmatch(r"(.+?) \((.+)\)", text)) and (first := _one(twice[1])) and first == _one(twice[2]):
        return first
    joined = re.split(r" (and|or) ", text, flags=re.IGNORECASE)
    if "(" not in text and len(joined) > 1:
        names = [_one(name) for name in joined[::2]]
        if all(names):
            return _expression(" ".join(f"{n} {w}" for n, w in zip(names, [*joined[1::2], ""], strict=True))) or UNKNOWN
    return UNKNOWN


@lru_cache(4096)
def choices(expression: str) -> Choices:
    """What one may choose between: sets of licences, each of which has to be kept whole. In a fixed order.

    `A AND (B OR C)` is `({A, B}, {A, C})`. `A WITH exception` and `A+` are single licences here.

    Raises:
        ValueError: more than `MOST_CHOICES`, or no expression as `spdx` returns it.
    """
    found, rest = _any(_with(_TOKEN.findall(expression)))
    if rest:
        raise ValueError(f"{expression[:LONGEST]!r} is no SPDX expression")
    return tuple(sorted(found, key=sorted))


def _one(name: str) -> str:
    return named(name) or _expression(name) or _expression(re.sub(r"[\s_]+", "-", name))


def _expression(text: str) -> str:
    """In canonical form; empty where it is none, or where it offers too many choices to be meant."""
    try:
        found = " ".join(_modern(token) for token in str(canonicalize_license_expression(text)).split(" "))
        choices(found)
    except (InvalidLicenseExpression, ValueError, MemoryError):
        return ""
    return found


def _modern(token: str) -> str:
    """Ids that SPDX took back, as the ones that replaced them: `GPL-2.0+` is `GPL-2.0-or-later`."""
    opened, bare, closed = re.fullmatch(r"(\(*)(.*?)(\)*)", token).groups()  # type: ignore[union-attr]
    if _GNU.fullmatch(bare.removesuffix("+")):
        bare = f"{bare[:-1]}-or-later" if bare.endswith("+") else f"{bare}-only"
    elif not bare.startswith("LicenseRef-"):
        bare = re.sub(r"-or-later\+$", "-or-later", bare)
    else:
        bare = cc_id(bare.removeprefix("LicenseRef-")) or bare  # ports that SPDX does not list, in one spelling
    return f"{opened}{bare}{closed}"


def _with(tokens: list[str]) -> list[str]:
    """Licence, WITH and exception as one token."""
    joined: list[str] = []
    for token in tokens:
        if joined and (token == "WITH" or joined[-1].endswith(" WITH")):
            joined[-1] += f" {token}"
        else:
            joined.append(token)
    return joined


def _any(tokens: list[str]) -> tuple[set[frozenset[str]], list[str]]:
    found, rest = _all(tokens)
    while rest[:1] == ["OR"]:
        more, rest = _all(rest[1:])
        found = _few(found | more)
    return found, rest


def _all(tokens: list[str]) -> tuple[set[frozenset[str]], list[str]]:
    found, rest = _term(tokens)
    while rest[:1] == ["AND"]:
        more, rest = _term(rest[1:])
        found = _few({one | other for one in found for other in more})
    return found, rest


def _term(tokens: list[str]) -> tuple[set[frozenset[str]], list[str]]:
    if not tokens or tokens[0] in ("AND", "OR", ")"):
        raise ValueError("a licence is missing in an SPDX expression")
    if tokens[0] != "(":
        return {frozenset(tokens[:1])}, tokens[1:]
    found, rest = _any(tokens[1:])
    if rest[:1] != [")"]:
        raise ValueError("a parenthesis is open in an SPDX expression")
    return found, rest[1:]


def _few(found: set[frozenset[str]]) -> set[frozenset[str]]:
    # Checked as it grows: twenty pairs of alternatives would be a million.
    if len(found) > MOST_CHOICES:
        raise ValueError(f"more than {MOST_CHOICES} choices in one SPDX expression")
    return found
