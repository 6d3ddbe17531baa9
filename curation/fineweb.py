"""The FineWeb rules: drop lists, menus and pages whose lines do not end like sentences.

Penedo et al. 2024, "The FineWeb Datasets" (arXiv:2406.17557), section 3.6. Same decisions and reasons as datatrove's
FineWebQualityFilter. A threshold of None switches its rule off.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl
from datatrove.utils.text import TERMINAL_PUNCTUATION

from .gopher import active, ratio
from .kernels.lines import line_endings, pack_endings
from .rule import Rule, flagged
from .stage import Docs, Stage, decides


@dataclass(frozen=True, kw_only=True)
class FineWebQuality(Stage):
    """Drop documents by how their non-blank lines look.

    Signals: `empty` (no line has anything but whitespace); `punctuated-lines`, the fraction of lines that end with one
    of `endings`; `short-lines`, of at most `short_line` characters; `duplicate-line-characters`, characters in lines
    that came before, of all characters but line feeds; `line-feeds-per-word`.
    With `spare_unpunctuated`, a document without any punctuated line has no such fraction and is not dropped for it.
    Raises ValueError for an empty ending, which every line would have.
    """

    language: str = "en"
    endings: tuple[str, ...] = tuple(sorted(TERMINAL_PUNCTUATION))
    short_line: int = 30
    spare_unpunctuated: bool = False
    min_punctuated_lines: float | None = decides(0.12)
    max_short_lines: float | None = decides(0.67)
    max_duplicate_line_characters: float | None = decides(0.01)
    max_line_feeds_per_word: float | None = decides(0.3)

    def __post_init__(self) -> None:
        if not self.endings or "" in self.endings:
            raise ValueError("FineWebQuality(endings=...) needs at least one ending, and none of them empty")

    def score(self, docs: Docs) -> pl.DataFrame:
        words = docs.words(self.language)
        lines, punctuated, short, repeated, feeds, characters = line_endings(
            words.data, words.offsets, self.short_line, *pack_endings(self.endings)
        )
        punctuated_lines = ratio(punctuated, lines)
        if self.spare_unpunctuated:
            punctuated_lines = punctuated_lines.set(punctuated_lines == 0, None)
        return pl.DataFrame(
            {
                "empty": pl.Series(lines == 0),
                "punctuated-lines": punctuated_lines,
                "short-lines": ratio(short, lines),
                "duplicate-line-characters": ratio(repeated, characters),
                "line-feeds-per-word": ratio(feeds, words.count),
            }
        )

    def drop(self) -> Mapping[str, Rule]:
        rules = active(
            {
                "too-few-punctuated-lines": ("below", "punctuated-lines", self.min_punctuated_lines),
                "too-many-short-lines": ("above", "short-lines", self.max_short_lines),
                "duplicate-line-characters": (
                    "above",
                    "duplicate-line-characters",
                    self.max_duplicate_line_characters,
                ),
                "too-many-line-feeds": ("above", "line-feeds-per-word", self.max_line_feeds_per_word),
            }
        )
        return {"empty": flagged("empty"), **rules}
