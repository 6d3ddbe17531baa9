"""The Gopher rules: drop repetitive documents and documents that do not read like prose.

Rae et al. 2021, "Scaling Language Models: Methods, Analysis & Insights from Training Gopher" (arXiv:2112.11446),
appendix A1.1. Same decisions and reasons as datatrove's GopherRepetitionFilter and GopherQualityFilter. A threshold
of None switches its rule off; a ratio of nothing (no words, no lines) is null and drops nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from .kernels import repetition as counted
from .kernels.lines import symbols_and_bullets
from .rule import Rule, above, below, flagged
from .stage import Docs, Stage, decides
from .words import distinct_words

GRAM_SIZES = range(2, 11)
STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")


def ratio(part: npt.NDArray[np.int64], whole: npt.NDArray[np.int64]) -> pl.Series:
    """`part / whole` in double precision, null where `whole` is 0."""
    quotient = np.divide(part, whole, out=np.zeros(len(part)), where=whole != 0)
    return pl.select(pl.when(pl.lit(pl.Series(whole)) != 0).then(pl.lit(pl.Series(quotient)))).to_series()


def active(rules: Mapping[str, tuple[str, str, float | None]]) -> dict[str, Rule]:
    """The rules whose limit is not None, in order; each is given as (below or above, signal, limit)."""
    kinds = {"below": below, "above": above}
    return {reason: kinds[kind](signal, limit) for reason, (kind, signal, limit) in rules.items() if limit is not None}


@dataclass(frozen=True, kw_only=True)
class GopherRepetition(Stage):
    """Drop documents that repeat themselves (Rae et al. 2021, table A1).

    Signals are fractions: of paragraphs (between blank lines) and lines that came before in the document, of the
    characters in those, of the characters that the most frequent word 2-, 3- or 4-gram takes, and of the characters
    in word 5- to 10-grams that came before. Fractions of characters are of all characters of the document.
    """

    language: str = "en"
    max_duplicate_paragraphs: float | None = decides(0.3)
    max_duplicate_paragraph_characters: float | None = decides(0.2)
    max_duplicate_lines: float | None = decides(0.3)
    max_duplicate_line_characters: float | None = decides(0.2)
    max_top_2_gram: float | None = decides(0.2)
    max_top_3_gram: float | None = decides(0.18)
    max_top_4_gram: float | None = decides(0.16)
    max_duplicate_5_grams: float | None = decides(0.15)
    max_duplicate_6_grams: float | None = decides(0.14)
    max_duplicate_7_grams: float | None = decides(0.13)
    max_duplicate_8_grams: float | None = decides(0.12)
    max_duplicate_9_grams: float | None = decides(0.11)
    max_duplicate_10_grams: float | None = decides(0.10)

    def score(self, docs: Docs) -> pl.DataFrame:
        words = docs.words(self.language)
        known = words.features
        counts = counted.repetition(
            words.data, words.offsets, words.chunks, words.starts, known.chunk, known.lines,
            known.hashes, known.characters, known.bytes,
        ).T  # fmt: skip
        characters = counts[counted.CHARACTERS]
        paragraphs, lines = counts[counted.PARAGRAPHS], counts[counted.LINES]
        signals = {
            "empty": pl.Series(characters == 0),
            "duplicate-paragraphs": ratio(counts[counted.DUPLICATE_PARAGRAPHS], paragraphs),
            "duplicate-paragraph-characters": ratio(counts[counted.DUPLICATE_PARAGRAPH_CHARS], characters),
            "duplicate-lines": ratio(counts[counted.DUPLICATE_LINES], lines),
            "duplicate-line-characters": ratio(counts[counted.DUPLICATE_LINE_CHARS], characters),
        }
        for size in GRAM_SIZES:
            signals[gram_signal(size)] = ratio(counts[counted.GRAMS + size], characters)
        return pl.DataFrame(signals)

    def drop(self) -> Mapping[str, Rule]:
        limits = {
            "duplicate-paragraphs": self.max_duplicate_paragraphs,
            "duplicate-paragraph-characters": self.max_duplicate_paragraph_characters,
            "duplicate-lines": self.max_duplicate_lines,
            "duplicate-line-characters": self.max_duplicate_line_characters,
            "top-2-gram": self.max_top_2_gram,
            "top-3-gram": self.max_top_3_gram,
            "top-4-gram": self.max_top_4_gram,
            "duplicate-5-grams": self.max_duplicate_5_grams,
            "duplicate-6-grams": self.max_duplicate_6_grams,
            "duplicate-7-grams": self.max_duplicate_7_grams,
            "duplicate-8-grams": self.max_duplicate_8_grams,
            "duplicate-9-grams": self.max_duplicate_9_grams,
            "duplicate-10-grams": self.max_duplicate_10_grams,
        }
        rules = {reason: ("above", reason, limit) for reason, limit in limits.items()}
        return {"empty": flagged("empty"), **active(rules)}


def gram_signal(size: int) -> str:
    """Name of the signal of word n-grams of `size`."""
    return f"top-{size}-gram" if size < 5 else f"duplicate-{size}-grams"


@dataclass(frozen=True, kw_only=True)
class GopherQuality(Stage):
    """Drop documents that do not read like prose (Rae et al. 2021, appendix A1.1, "quality filtering").

    A symbol is a word of punctuation alone; `min_words`, `max_words` and the mean word length pass over symbols, and
    all ratios to words count every word. `stop_words` are compared as written.
    """

    language: str = "en"
    stop_words: tuple[str, ...] = STOP_WORDS
    min_words: int | None = decides(50)
    max_words: int | None = decides(100_000)
    min_word_length: float | None = decides(3)
    max_word_length: float | None = decides(10)
    max_hash_ratio: float | None = decides(0.1)
    max_ellipsis_ratio: float | None = decides(0.1)
    max_bullet_lines: float | None = decides(0.9)
    max_ellipsis_lines: float | None = decides(0.3)
    min_alphabetic_words: float | None = decides(0.8)
    min_stop_words: int | None = decides(2)

    def score(self, docs: Docs) -> pl.DataFrame:
        words = docs.words(self.language)
        hashes, ellipses, lines, bullets, trailing = symbols_and_bullets(
            words.data, words.offsets, words.chunks, words.starts, words.features.lines
        )
        return pl.DataFrame(
            {
                "words": pl.Series(words.non_symbols),
                "word-length": ratio(words.non_symbol_characters, words.non_symbols),
                "hash-ratio": ratio(hashes, words.count),
                "ellipsis-ratio": ratio(ellipses, words.count),
                "bullet-lines": ratio(bullets, lines),
                "ellipsis-lines": ratio(trailing, lines),
                "alphabetic-words": ratio(words.alphabetic, words.count),
                "stop-words": pl.Series(distinct_words(words, self.stop_words)),
            }
        )

    def drop(self) -> Mapping[str, Rule]:
        return active(
            {
                "too-few-words": ("below", "words", self.min_words),
                "too-many-words": ("above", "words", self.max_words),
                "words-too-short": ("below", "word-length", self.min_word_length),
                "words-too-long": ("above", "word-length", self.max_word_length),
                "too-many-hashes": ("above", "hash-ratio", self.max_hash_ratio),
                "too-many-ellipses": ("above", "ellipsis-ratio", self.max_ellipsis_ratio),
                "too-many-bullets": ("above", "bullet-lines", self.max_bullet_lines),
                "too-many-ellipsis-lines": ("above", "ellipsis-lines", self.max_ellipsis_lines),
                "too-few-alphabetic-words": ("below", "alphabetic-words", self.min_alphabetic_words),
                "too-few-stop-words": ("below", "stop-words", self.min_stop_words),
            }
        )
