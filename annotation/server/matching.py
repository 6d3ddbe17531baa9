"""Which texts a search matches: words, "phrases", `or`, `not`, prefixes, as far as annotators type them."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

MOST_WORDS = 64  # in one search; each becomes a condition of the SQL statement, whose depth has a limit
_PARTS = re.compile(r'(?P<without>-)?(?:"(?P<phrase>[^"]*)"|(?P<word>[^\s|"]+))|(?P<either>\|)')


@dataclass(frozen=True, kw_only=True)
class Term:
    """A word, a prefix or a phrase, ignoring case; `first` is its first word."""

    first: str
    pattern: re.Pattern[str]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a text must hold: one of each group in `groups`, and none of `without`."""

    groups: tuple[tuple[Term, ...], ...]
    without: tuple[Term, ...]


@lru_cache(maxsize=256)
def wanted(search: str) -> Wanted:
    """Read the subset of Elasticsearch's simple query string that the web page explains.

    `quick brown` wants both, `quick | slow` either, `-fox` none of it, `"quick brown"` the phrase, `qui*` the prefix.
    Everything else is words and what separates them.

    Raises:
        ValueError: there are more than MOST_WORDS words.
    """
    groups: list[tuple[Term, ...]] = []
    without: list[Term] = []
    either = False
    for part in _PARTS.finditer(search):
        if part["either"]:
            either = True
            continue
        phrase = part["phrase"]
        term = _term(phrase if phrase is not None else part["word"], prefix=phrase is None)
        if term is None:
            continue
        if part["without"]:
            without.append(term)
        elif either and groups:
            groups[-1] = (*groups[-1], term)
        else:
            groups.append((term,))
        either = False
    if sum(map(len, groups)) + len(without) > MOST_WORDS:
        raise ValueError(f"the search has more than {MOST_WORDS} words; search for fewer")
    return Wanted(groups=tuple(groups), without=tuple(without))


def _term(raw: str, *, prefix: bool) -> Term | None:
    """The term of what was typed between spaces or quotes; punctuation alone is none."""
    words = re.findall(r"\w+", raw)
    if not words:
        return None
    if len(words) > MOST_WORDS:
        raise ValueError(f"a phrase of the search has more than {MOST_WORDS} words; search for fewer")
    end = "" if prefix and raw.endswith("*") else r"(?!\w)"
    pattern = re.compile(r"(?<!\w)" + r"\W+".join(map(re.escape, words)) + end, re.IGNORECASE)
    return Term(first=words[0], pattern=pattern)


def hits(fields: str | None, names: str, search: str) -> int:
    """0 where the record does not match, else 1 and the number of places where it does.

    Called by SQLite for every candidate. `fields` is the record's JSON, `names` the JSON list of fields to look in.
    """
    want = wanted(search)
    if not want.groups and not want.without:
        return 0
    content = json.loads(fields or "{}")
    text = "\n".join(part for name in _names(names) for part in _strings(content.get(name)))
    if any(term.pattern.search(text) for term in want.without):
        return 0
    found = 1
    for group in want.groups:
        here = sum(len(term.pattern.findall(text)) for term in group)
        if not here:
            return 0
        found += here
    return found


@lru_cache(maxsize=64)
def _names(names: str) -> Sequence[str]:
    listed: list[str] = json.loads(names)
    return listed


def _strings(value: Any) -> Iterator[str]:
    """Every text in a field: a string, or what is inside a chat or a custom field."""
    match value:
        case None:
            return
        case str():
            yield value
        case dict():
            for one in value.values():
                yield from _strings(one)
        case list():
            for one in value:
                yield from _strings(one)
        case _:
            yield str(value)
