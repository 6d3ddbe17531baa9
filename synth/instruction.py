"""What an instruction must look like by itself: long enough, in words, about text, in the language asked for."""

import re
import string
from dataclasses import dataclass
from typing import Literal

from .novelty import words

# What a model that reads and writes text cannot see or do, as whole words (Wang et al. 2022, the released code).
_MEDIA = re.compile(
    r"\b(images?|graphs?|pictures?|photos?|files?|maps?|draw|plot|videos?|audio|go to)\b", re.IGNORECASE
)
# Frequent words of English that few other languages share; any text of some length has one.
_FREQUENT = (
    "the of and to is that for with as are this be by from or have an not but which you your what how if can will "
    "my we it its at all do does did who why when where there their they has had was were i me give write make list "
    "find explain tell name describe create use using into about each following between"
)
_ENGLISH = frozenset(_FREQUENT.split())
_ENOUGH = 8  # words; a shorter text may have none of the frequent ones
_OTHER_SCRIPT = 0.1  # share of letters beyond A to Z; é and ü are rare enough in English


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Heuristics of Self-Instruct (arXiv 2212.10560, appendix A, and the released code).

    Its rule against tasks that begin with "Write a program" is left out: the models of today can.

    Attributes:
        min_words, max_words: a shorter or longer task is left out.
        language: `en` leaves out what does not look English; `any` looks at nothing.
        media: whether tasks may speak of pictures, graphs, files and the like.
    """

    min_words: int = 4
    max_words: int = 150
    language: Literal["any", "en"] = "any"
    media: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.min_words <= self.max_words:
            raise ValueError(f"min_words={self.min_words}, max_words={self.max_words}: above 0, and in this order")

    def against(self, text: str) -> str | None:
        """The first reason to leave a task out; None for one that may stay."""
        if not text.strip():
            return "empty"
        found = words(text)
        if text.lstrip()[0] in string.punctuation + "¡¿«»„“”‘’…—–":
            return "starts-with-punctuation"
        if len(found) < self.min_words:
            return "too-short"
        if len(found) > self.max_words:
            return "too-long"
        if not self.media and _MEDIA.search(text):
            return "other-media"
        return "other-language" if self.language == "en" and not _english(text, found) else None


def _english(text: str, found: list[str]) -> bool:
    letters = [one for one in text if one.isalpha()]
    if sum(not one.isascii() for one in letters) > _OTHER_SCRIPT * len(letters):
        return False
    return len(found) < _ENOUGH or not _ENGLISH.isdisjoint(found)
