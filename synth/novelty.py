"""Is an instruction new? ROUGE-L against everything there is, with an index that leaves few texts to compare."""

import math
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

# Scripts that put no space between words: one character is one word there.
_DENSE = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(f"[{_DENSE}]|[^\\W_{_DENSE}]+")


class Nearest(NamedTuple):
    """The text that comes closest: its number in the order of adding, and ROUGE-L F."""

    number: int
    rouge: float


def words(text: str) -> list[str]:
    """Lower-case words without punctuation, as ROUGE counts them (Lin 2004, "ROUGE", ACL W04-1013)."""
    return _WORD.findall(text.casefold())


def rouge_l(one: Sequence[str], other: Sequence[str]) -> float:
    """F1 of the longest common subsequence of words; 0 where one has none."""
    return 2 * common(one, other) / (len(one) + len(other)) if one and other else 0.0


def common(one: Sequence[str], other: Sequence[str]) -> int:
    """Length of the longest common subsequence, by the bit-parallel recurrence of Hyyrö 2004.

    "Bit-parallel LCS-length computation revisited", AWOCA 2004: a whole number of Python holds a row of the table.
    """
    places: dict[str, int] = {}
    for place, word in enumerate(one):
        places[word] = places.get(word, 0) | 1 << place
    full = (1 << len(one)) - 1
    row = full
    for word in other:
        hit = row & places.get(word, 0)
        row = ((row + hit) | (row - hit)) & full
    return len(one) - row.bit_count()


class Pool:
    """Texts so far. Two are too similar if ROUGE-L F is at least `limit` (0 to 1).

    F >= limit asks for a common subsequence of at least limit * (m + n) / 2 words, and for as many words in common in
    any order. So a text need only be looked for under its rarest words: one that shares none of them shares too few.
    The answers are exact.
    """

    def __init__(self, limit: float) -> None:
        if not 0 < limit <= 1:
            raise ValueError(f"max_rouge={limit:g}: above 0, at most 1")
        self._limit = limit
        self._words: list[list[str]] = []
        self._sizes = array("i")
        self._holders: dict[tuple[str, int], array[int]] = {}  # the k-th occurrence of a word: who has it

    def __len__(self) -> int:
        return len(self._words)

    def add(self, text: str) -> None:
        """One more text to be different from."""
        found = words(text)
        for term in _terms(found):
            self._holders.setdefault(term, array("i")).append(len(self._words))
        self._words.append(found)
        self._sizes.append(len(found))

    def extend(self, texts: Iterable[str]) -> None:
        for text in texts:
            self.add(text)

    def nearest(self, text: str) -> Nearest | None:
        """The earliest of the closest texts, if it is too similar; None where the text is new."""
        found = words(text)
        best: Nearest | None = None
        for number in self._candidates(found):
            other = self._words[number]
            if best is not None and 2 * min(len(found), len(other)) <= best.rouge * (len(found) + len(other)):
                continue
            rouge = rouge_l(found, other)
            if rouge >= self._limit and (best is None or rouge > best.rouge):
                best = Nearest(int(number), rouge)
        return best

    def _candidates(self, found: Sequence[str]) -> npt.NDArray[np.intp]:
        """Everybody with enough words in common, in the order of adding."""
        least = self._limit / 2
        # The shortest text that can be similar has n words with n >= least * (m + n).
        shortest = math.ceil(least * len(found) / (1 - least) - 1e-9)
        needed = max(math.ceil(least * (len(found) + shortest) - 1e-9), 1)
        terms = sorted(_terms(found), key=lambda term: (len(self._holders.get(term, ())), term))
        rare, frequent = terms[: len(terms) - needed + 1], terms[len(terms) - needed + 1 :]
        lists = [np.frombuffer(self._holders[term], dtype=np.int32) for term in rare if term in self._holders]
        if not lists:
            return np.empty(0, dtype=np.intp)
        who, shared = np.unique(np.concatenate(lists), return_counts=True)
        sizes = np.frombuffer(self._sizes, dtype=np.int32)[who]
        wanted = np.ceil(least * (sizes + len(found)) - 1e-9)
        # Of the frequent words each can add one; who cannot reach what is wanted even so is out.
        close = (shared + len(frequent) >= wanted) & (np.minimum(sizes, len(found)) >= wanted)
        who, shared, wanted = who[close], shared[close], wanted[close]
        for left, term in enumerate(frequent, 1 - len(frequent)):
            if not who.size:
                break
            if (holders := self._holders.get(term)) is not None:
                have = np.frombuffer(holders, dtype=np.int32)  # ascending, since texts are added in order
                at = np.minimum(np.searchsorted(have, who), have.size - 1)
                shared = shared + (have[at] == who)
            close = shared - left >= wanted
            who, shared, wanted = who[close], shared[close], wanted[close]
        return np.asarray(who, dtype=np.intp)


def _terms(found: Sequence[str]) -> list[tuple[str, int]]:
    """Words numbered by occurrence, so that what two texts share can be counted as sets."""
    seen: Counter[str] = Counter()
    terms = []
    for word in found:
        terms.append((word, seen[word]))
        seen[word] += 1
    return terms
