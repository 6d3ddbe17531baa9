"""The C4 rules: remove lines that are not prose, and documents with little left.

Raffel et al. 2020, "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer" (JMLR 21/140),
section 2.2. Same text, decisions and reasons as datatrove's C4QualityFilter with `split_paragraph=True`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from .gopher import active
from .kernels import c4
from .kernels.text import Bytes, Offsets
from .rule import Rule, flagged
from .stage import Docs, Stage, decides
from .words import split


@dataclass(frozen=True, kw_only=True)
class C4Quality(Stage):
    """Rewrite documents line by line, and drop those with placeholder text, code or too few sentences left.

    A line is kept when none of its words has more than `longest_word` characters, it ends in `.`, `?`, `!` or a quote
    but not in `...` (`end_punctuation`), it has at least `words_per_line` words, and it holds neither "javascript"
    (`javascript`) nor a phrase about cookies or terms of use (`policy`). Wikipedia's citation marks are taken out of
    lines (`citations`), after their words were counted. None switches a number off, False a rule. `lorem_ipsum` and
    `curly_bracket` make the document a drop when a line that got that far holds them; whichever comes first is the
    reason.

    Signals: `lorem-ipsum`, `curly-bracket`, and `sentences` in the lines kept (null where one of the two is set).
    `text` is the lines kept, joined by line feeds and stripped; null where nothing changed or a signal is set.
    """

    language: str = "en"
    citations: bool = True
    end_punctuation: bool = True
    words_per_line: int | None = 3
    longest_word: int | None = 1000
    lorem_ipsum: bool = True
    javascript: bool = True
    curly_bracket: bool = True
    policy: bool = True
    min_sentences: int | None = decides(5)

    def score(self, docs: Docs) -> pl.DataFrame:
        words = docs.words(self.language)
        data, offsets, sentences, verdicts, (cited, bounds, documents) = c4.edit(
            words.data, words.offsets, words.chunks, words.starts, words.features.chunk, words.features.lines,
            self._switches(),
            0 if self.words_per_line is None else self.words_per_line,
            -1 if self.longest_word is None else self.longest_word,
        )  # fmt: skip
        if len(documents):
            lines = split(strings(cited, bounds), self.language)
            np.add.at(sentences, documents, c4.sentence_breaks(lines.chunks, lines.starts, lines.features.chunk))
        return pl.DataFrame(
            {
                "old": docs.text,
                "new": strings(*c4.strip_all(data, offsets)),
                "spared": verdicts == 0,
                "lorem-ipsum": verdicts == c4.HAS_LOREM_IPSUM,
                "curly-bracket": verdicts == c4.HAS_CURLY_BRACKET,
                "counts": sentences,
            }
        ).select(
            "lorem-ipsum",
            "curly-bracket",
            pl.when("spared").then("counts").alias("sentences"),
            pl.when(pl.col("spared") & (pl.col("new") != pl.col("old"))).then("new").alias("text"),
        )

    def drop(self) -> Mapping[str, Rule]:
        few = active({"too-few-sentences": ("below", "sentences", self.min_sentences)})
        return {"lorem-ipsum": flagged("lorem-ipsum"), "curly-bracket": flagged("curly-bracket"), **few}

    def _switches(self) -> int:
        chosen = {
            c4.CITATIONS: self.citations,
            c4.TERMINAL_PUNCTUATION: self.end_punctuation,
            c4.LOREM_IPSUM: self.lorem_ipsum,
            c4.JAVASCRIPT: self.javascript,
            c4.CURLY_BRACKET: self.curly_bracket,
            c4.POLICY: self.policy,
        }
        return sum(switch for switch, on in chosen.items() if on)


def strings(data: Bytes, offsets: Offsets) -> pl.Series:
    """A column of strings from UTF-8 bytes and where each string begins."""
    array = pa.LargeStringArray.from_buffers(
        len(offsets) - 1, pa.py_buffer(np.ascontiguousarray(offsets)), pa.py_buffer(data)
    )
    column = pl.from_arrow(array)
    assert isinstance(column, pl.Series)
    return column
