"""Words: a batch of text split by the rules of its language, as numbers rather than strings.

Text is cut at whitespace into chunks; a dictionary that lives as long as the process says what words each chunk holds,
so a chunk is split only the first time it is met. What every language gets is written down in docs/words.md.
"""

import threading
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
from numba import njit

from .kernels.chunks import LEADING_WHITESPACE, Ints, chunk_number
from .kernels.dictionary import (
    ALPHABETICS,
    FIRST_WORD,
    NON_SYMBOL_CHARS,
    NON_SYMBOLS,
    WORDS,
    Dictionary,
    Features,
)
from .kernels.eight import AHEAD, fetch_ahead
from .kernels.rules import Rules
from .kernels.text import Bytes, Hashes, Offsets, hash_bytes


@dataclass(frozen=True, kw_only=True)
class Words:
    """A batch of documents split into words.

    Document i is `data[offsets[i]:offsets[i + 1]]` (uint8 UTF-8, int64) and consists of the chunks
    `chunks[starts[i]:starts[i + 1]]` (int32 codes, see `kernels/chunks.py`); `features` describes every chunk.
    """

    data: Bytes
    offsets: Offsets
    chunks: Ints
    starts: Offsets
    features: Features

    @cached_property
    def _sums(self) -> tuple[Offsets, Offsets, Offsets, Offsets]:
        return sum_words(self.chunks, self.starts, self.features.chunk)

    @property
    def count(self) -> Offsets:
        """Words of every document, punctuation included."""
        return self._sums[0]

    @property
    def non_symbols(self) -> Offsets:
        """Words of every document that hold a character other than punctuation."""
        return self._sums[1]

    @property
    def non_symbol_characters(self) -> Offsets:
        """Characters in the words of `non_symbols`."""
        return self._sums[2]

    @property
    def alphabetic(self) -> Offsets:
        """Words of every document that hold a letter."""
        return self._sums[3]

    def filter(self, keep: npt.NDArray[np.bool_]) -> "Words":
        """The documents where `keep` is true."""
        data, offsets, chunks, starts = take(self.data, self.offsets, self.chunks, self.starts, keep)
        # read-only like every text, so that the compiled loops see one type
        data.flags.writeable = offsets.flags.writeable = False
        return Words(data=data, offsets=offsets, chunks=chunks, starts=starts, features=self.features)


@njit(cache=True, nogil=True)
def take(
    data: Bytes, offsets: Offsets, chunks: Ints, starts: Offsets, keep: npt.NDArray[np.bool_]
) -> tuple[Bytes, Offsets, Ints, Offsets]:
    """Bytes, offsets, chunks and starts of the documents where `keep` is true, moved together."""
    kept = np.flatnonzero(keep)
    new_offsets, new_starts = np.zeros(len(kept) + 1, np.int64), np.zeros(len(kept) + 1, np.int64)
    for place, document in enumerate(kept):
        new_offsets[place + 1] = new_offsets[place] + offsets[document + 1] - offsets[document]
        new_starts[place + 1] = new_starts[place] + starts[document + 1] - starts[document]
    new_data, new_chunks = np.empty(new_offsets[-1] + 1, np.uint8), np.empty(new_starts[-1], np.int32)
    for place, document in enumerate(kept):
        new_data[new_offsets[place] : new_offsets[place + 1]] = data[offsets[document] : offsets[document + 1]]
        new_chunks[new_starts[place] : new_starts[place + 1]] = chunks[starts[document] : starts[document + 1]]
    return new_data, new_offsets, new_chunks, new_starts


@njit(cache=True, nogil=True)
def sum_words(chunks: Ints, starts: Offsets, chunk_features: Ints) -> tuple[Offsets, Offsets, Offsets, Offsets]:
    """Per document: words, non-symbol words, their characters, words with a letter."""
    out = np.zeros((4, len(starts) - 1), np.int64)
    for document in range(len(starts) - 1):
        for at in range(starts[document], starts[document + 1]):
            if at + AHEAD < len(chunks) and chunks[at + AHEAD] != LEADING_WHITESPACE:
                fetch_ahead(chunk_features, chunk_number(chunks[at + AHEAD]) * chunk_features.shape[1])
            if chunks[at] == LEADING_WHITESPACE:
                continue
            row = chunk_features[chunk_number(chunks[at])]
            out[0, document] += row[WORDS]
            out[1, document] += row[NON_SYMBOLS]
            out[2, document] += row[NON_SYMBOL_CHARS]
            out[3, document] += row[ALPHABETICS]
    return out[0], out[1], out[2], out[3]


def distinct_words(words: Words, wanted: tuple[str, ...]) -> npt.NDArray[np.int64]:
    """How many of the `wanted` words, compared as written, every document holds."""
    known = words.features
    encoded = [np.frombuffer(word.encode(), np.uint8) for word in dict.fromkeys(wanted)]
    hashes = np.array([hash_bytes(word, 0, len(word)) for word in encoded], np.uint64)
    return count_distinct(words.chunks, words.starts, known.chunk, known.hashes, hashes)


@njit(cache=True, nogil=True)
def count_distinct(
    chunks: Ints, starts: Offsets, chunk_features: Ints, word_hashes: Hashes, wanted: Hashes
) -> npt.NDArray[np.int64]:
    """How many of the `wanted` word hashes occur in every document."""
    # a sparse table indexed by the hash, so that most words are turned away by one look
    size = 64
    while size < 16 * len(wanted):
        size *= 2
    table = np.full(size, -1, np.int64)
    for place in range(len(wanted)):
        slot = np.int64(wanted[place] >> np.uint64(33)) & (size - 1)
        while table[slot] >= 0:
            slot = (slot + 1) & (size - 1)
        table[slot] = place
    seen = np.full(len(wanted), -1, np.int64)
    out = np.zeros(len(starts) - 1, np.int64)
    for document in range(len(starts) - 1):
        for at in range(starts[document], starts[document + 1]):
            # more than all of them there cannot be
            if out[document] == len(wanted):
                break
            if chunks[at] == LEADING_WHITESPACE:
                continue
            row = chunk_features[chunk_number(chunks[at])]
            for word in range(row[FIRST_WORD], row[FIRST_WORD] + row[WORDS]):
                slot = np.int64(word_hashes[word] >> np.uint64(33)) & (size - 1)
                while table[slot] >= 0:
                    place = table[slot]
                    if wanted[place] == word_hashes[word]:
                        out[document] += seen[place] != document
                        seen[place] = document
                        break
                    slot = (slot + 1) & (size - 1)
    return out


def buffers(text: pl.Series) -> tuple[Bytes, Offsets]:
    """The UTF-8 bytes of a column of strings (uint8) and where each begins (int64, one more than rows); read-only.

    Raises ValueError when a text is null.
    """
    if text.null_count():
        raise ValueError(f"the text column has {text.null_count()} nulls; every document needs a text, if an empty one")
    array = text.rechunk().to_arrow().cast(pa.large_string())
    _, offsets, data = array.buffers()
    if len(array) == 0 or data is None or data.size == 0:
        data = pa.py_buffer(b"\0")
    first = np.frombuffer(offsets, np.int64) if offsets is not None and offsets.size else np.zeros(1, np.int64)
    first = first[array.offset : array.offset + len(array) + 1]
    first.flags.writeable = False
    return np.frombuffer(data, np.uint8), first


def split(text: pl.Series, language: str) -> Words:
    """Split every document by the rules of `language` (a code such as `en`, `deu` or `srp_Cyrl`; see docs/words.md).

    Raises ValueError for a null text and for a language nobody has rules for.
    """
    data, offsets = buffers(text)
    return _splitter(language)(data, offsets)


class Splitter:
    """Splits batches of one language and remembers the chunks it met; a memo, safe to use from several threads."""

    def __init__(self, language: str) -> None:
        self._rules = Rules(language)
        self._dictionary = Dictionary(self._rules.lengths)
        self._lock = threading.Lock()

    def __call__(self, data: Bytes, offsets: Offsets) -> Words:
        with self._lock:
            if self._dictionary.full:
                self._dictionary = Dictionary(self._rules.lengths)
            chunks, starts = self._dictionary.look_up(data, offsets)
            features = self._dictionary.features()
        return Words(data=data, offsets=offsets, chunks=chunks, starts=starts, features=features)


@cache
def _splitter(language: str) -> Splitter:
    return Splitter(language)
