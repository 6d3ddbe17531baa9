"""Passages of documents: windows at paragraph ends, where a quotation stands, and whether an answer says more."""

import re
from typing import NamedTuple

_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")
_LINE = re.compile(r"\n")
_SENTENCE = re.compile(r"[.!?。！？]['\")\]”’»]*\s+|[。！？]")
_SPACE = re.compile(r"\s+")
_NUMBER = re.compile(r"\d+(?:[.,'\u2019\u00a0\u202f]\d+)*")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_NEAR = 16  # characters in front of a word that are looked at
_BEGINS = re.compile(r"(?:\A|[.!?:。！？\n])[\s\"'“”‘’«»(\[*•–-]*\Z")


class Span(NamedTuple):
    """Characters `start` to `end` of a text, as Python counts them."""

    start: int
    end: int


def windows(text: str, budget: int) -> list[Span]:
    """The text in pieces of at most `budget` characters, one behind the other, with nothing between them.

    A piece ends where a paragraph does, if one does in its second half; else at a line, a sentence, a space, and where
    there is none of these, at the budget.
    """
    if budget < 2:
        raise ValueError(f"{budget} characters are no window")
    found, start = [], 0
    while len(text) - start > budget:
        end = start + budget
        for kind in (_PARAGRAPH, _LINE, _SENTENCE, _SPACE):
            ends = [hit.end() for hit in kind.finditer(text, start + budget // 2, end)]
            if ends:
                end = ends[-1]
                break
        found.append(Span(start, end))
        start = end
    return [*found, Span(start, len(text))] if start < len(text) else found


def quoted(text: str, quote: str) -> Span | None:
    """Where the words of `quote` first stand in the text: exact, but that any whitespace is as good as any other."""
    parts = quote.split()
    if not parts:
        return None
    found = re.search(r"\s+".join(map(re.escape, parts)), text)
    return Span(*found.span()) if found else None


def unknown_number(answer: str, known: str) -> str | None:
    """The first number of the answer that is not in the known text; 1,000 is 1000 there."""
    there = set(map(_plain, _NUMBER.findall(known)))
    return next((one for one in _NUMBER.findall(answer) if _plain(one) not in there), None)


def unknown_name(answer: str, known: str) -> str | None:
    """The first word with a capital, inside a sentence, that is not in the known text, in capitals or not."""
    there = {word.casefold() for word in _WORD.findall(known)}
    for hit in _WORD.finditer(answer):
        word = hit[0]
        if len(word) < 2 or not word[0].isupper() or _BEGINS.search(answer, max(hit.start() - _NEAR, 0), hit.start()):
            continue
        plain = word.casefold()
        if plain not in there and re.sub(r"['’]s?$", "", plain) not in there:
            return word
    return None


def _plain(number: str) -> str:
    """A number without marks between thousands; a last group of other than three digits is a fraction."""
    *front, last = re.split(r"[.,'\u2019\u00a0\u202f]", number)
    if not front:
        return last
    return "".join(front) + (last if len(last) == 3 else "." + last)
