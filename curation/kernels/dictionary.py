"""What is known about the chunks of one language: their words, and numbers about those words.

A pure memo. It only grows while it is in use, so arrays taken from it stay true, and it is replaced by an empty one
when it has become large.
"""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from .chunks import Ints, cut, move_keys
from .text import HASH_MIX, Bytes, Hashes, Offsets

Tokenize = Callable[[list[str]], list[Sequence[str]]]
Array = npt.NDArray[Any]

# About 100 bytes a chunk, so at most some 400 MB a process and language; English web text reaches this after
# hundreds of megabytes.
MOST_CHUNKS = 4_000_000
MOST_BYTES = 1 << 28

# word flags
ENDS_SENTENCE, PUNCTUATION, ALPHABETIC, NOT_SYMBOL = 1, 2, 4, 8
# columns of `Features.chunk`
FIRST_WORD, WORDS, NON_SYMBOLS, NON_SYMBOL_CHARS, ALPHABETICS, BREAKS, EDGES = range(7)
COLUMNS = 7
# sentence classes of a word: other punctuation counts as neither
STOP, OTHER = 1, 2

POLYNOMIAL = np.uint64(0x5851F42D4C957F2D)


@dataclass(frozen=True, kw_only=True)
class Features:
    """Numbers about chunks and their words; words of one chunk are adjacent, in order.

    `chunk` is int32 of shape (chunks, 7): index of the first word, number of words, words that are not all symbols,
    their characters, words with a letter, sentence breaks inside, and the sentence classes of its edges
    (first + 4 * last). For each word: `hashes` (uint64), `polynomials` (uint64, of its bytes, so that the hash of
    joined words can be worked out), `characters` and `bytes` (int32). `ends` (int64) holds the chunks' byte lengths:
    chunk n has `ends[n + 1] - ends[n]` bytes.
    """

    chunk: Ints
    hashes: Hashes
    polynomials: Hashes
    characters: Ints
    bytes: Ints
    ends: Offsets


class Growing:
    """An array with room at its end; what was handed out is never written again."""

    def __init__(self, empty: Array) -> None:
        self._room = empty
        self._used = len(empty)

    def extend(self, values: Array) -> None:
        needed = self._used + len(values)
        if needed > len(self._room):
            room = np.empty((max(needed, 2 * len(self._room), 1024), *self._room.shape[1:]), self._room.dtype)
            room[: self._used] = self._room[: self._used]
            self._room = room
        self._room[self._used : needed] = values
        self._used = needed

    @property
    def array(self) -> Array:
        return self._room[: self._used]


@njit(cache=True, nogil=True)
def hash_words(data: Bytes, starts: Offsets, hashes: Hashes, polynomials: Hashes, characters: Ints) -> None:
    """Hashes and lengths in characters of the words `data[starts[i]:starts[i + 1]]`."""
    for word in range(len(starts) - 1):
        value = np.uint64(0)
        count = 0
        for at in range(starts[word], starts[word + 1]):
            # an offset, so that leading zero bytes count
            value = value * POLYNOMIAL + np.uint64(data[at]) + np.uint64(0x9E37)
            count += (data[at] & 0xC0) != 0x80
        polynomials[word] = value
        mixed = (value ^ (value >> np.uint64(32))) * HASH_MIX
        hashes[word] = (mixed ^ (mixed >> np.uint64(29))) | np.uint64(1)
        characters[word] = count


@njit(cache=True, nogil=True)
def describe_chunks(counts: Ints, flags: Bytes, characters: Ints, first_word: int, out: Ints) -> None:
    """Fill the rows of `Features.chunk` from the flags and lengths of the words of new chunks."""
    word = 0
    for chunk in range(len(counts)):
        out[chunk, :] = 0
        out[chunk, FIRST_WORD] = first_word + word
        out[chunk, WORDS] = counts[chunk]
        first = 0
        last = 0
        for _ in range(counts[chunk]):
            flag = flags[word]
            if flag & NOT_SYMBOL:
                out[chunk, NON_SYMBOLS] += 1
                out[chunk, NON_SYMBOL_CHARS] += characters[word]
            if flag & ALPHABETIC:
                out[chunk, ALPHABETICS] += 1
            kind = STOP if flag & ENDS_SENTENCE else 0 if flag & PUNCTUATION else OTHER
            if kind:
                if first == 0:
                    first = kind
                if last == STOP and kind == OTHER:
                    out[chunk, BREAKS] += 1
                last = kind
            word += 1
        out[chunk, EDGES] = first + 4 * last


class Dictionary:
    """Chunks seen so far in one language. Not for use by two threads at once."""

    def __init__(self, tokenize: Tokenize) -> None:
        from datatrove.utils.text import PUNCTUATION_SET
        from spacy.pipeline.sentencizer import Sentencizer

        self._tokenize = tokenize
        self._symbols = frozenset(PUNCTUATION_SET)
        self._stops = frozenset(Sentencizer.default_punct_chars)
        self._flags: dict[str, int] = {}
        self._count = 0
        self._keys = np.zeros(1 << 16, np.uint64)
        self._numbers = np.zeros(1 << 16, np.int32)
        self._known = np.empty(1 << 19, np.uint8)
        self._ends = np.zeros((1 << 15) + 1, np.int64)
        self._chunk = Growing(np.empty((0, COLUMNS), np.int32))
        self._hashes = Growing(np.empty(0, np.uint64))
        self._polynomials = Growing(np.empty(0, np.uint64))
        self._characters = Growing(np.empty(0, np.int32))
        self._bytes = Growing(np.empty(0, np.int32))

    @property
    def full(self) -> bool:
        """True when the next batch should start with an empty dictionary, to keep memory flat."""
        return self._count > MOST_CHUNKS or int(self._ends[self._count]) > MOST_BYTES

    def look_up(self, data: Bytes, offsets: Offsets) -> tuple[Ints, Offsets]:
        """Chunk codes of all documents (see `chunks.py`) and where each document's begin; learns new chunks."""
        size = int(offsets[-1] - offsets[0])
        chunks = np.empty(size // 2 + 2 * len(offsets), np.int32)
        starts = np.zeros(len(offsets), np.int64)
        document = 0
        while True:
            state = (self._keys, self._numbers, self._known, self._ends, chunks, starts)
            document, self._count = cut(data, offsets, document, self._count, *state)
            if document == len(offsets) - 1:
                break
            self._make_room()
        self._learn()
        return chunks[: starts[-1]].copy(), starts

    def features(self) -> Features:
        """Numbers about every chunk known now."""
        return Features(
            chunk=self._chunk.array,
            hashes=self._hashes.array,
            polynomials=self._polynomials.array,
            characters=self._characters.array,
            bytes=self._bytes.array,
            ends=self._ends[: self._count + 1],
        )

    def _make_room(self) -> None:
        if 2 * (self._count + 2) > len(self._keys):
            keys, numbers = np.zeros(2 * len(self._keys), np.uint64), np.zeros(2 * len(self._keys), np.int32)
            move_keys(self._keys, self._numbers, keys, numbers)
            self._keys, self._numbers = keys, numbers
            self._ends = np.concatenate([self._ends, np.zeros(len(self._ends) - 1, np.int64)])
        else:
            self._known = np.concatenate([self._known, np.empty(len(self._known), np.uint8)])

    def _learn(self) -> None:
        """Work out the features of chunks that have none yet."""
        first = len(self._chunk.array)
        if first == self._count:
            return
        start = int(self._ends[first])
        known = self._known[start : self._ends[self._count]].tobytes()
        ends = (self._ends[first : self._count + 1] - start).tolist()
        words = self._tokenize([known[a:b].decode() for a, b in pairwise(ends)])
        counts = np.fromiter(map(len, words), np.int32, len(words))
        flat = [word for chunk in words for word in chunk]
        flags = np.fromiter(map(self._flag, flat), np.uint8, len(flat))
        encoded = [word.encode() for word in flat]
        lengths = np.fromiter(map(len, encoded), np.int32, len(encoded))
        starts = np.zeros(len(flat) + 1, np.int64)
        np.cumsum(lengths, out=starts[1:])
        hashes, polynomials = np.empty(len(flat), np.uint64), np.empty(len(flat), np.uint64)
        characters = np.empty(len(flat), np.int32)
        joined = np.frombuffer(b"".join(encoded) or b"\0", np.uint8)
        hash_words(joined, starts, hashes, polynomials, characters)
        chunk = np.empty((len(words), COLUMNS), np.int32)
        describe_chunks(counts, flags, characters, len(self._hashes.array), chunk)
        self._hashes.extend(hashes)
        self._polynomials.extend(polynomials)
        self._characters.extend(characters)
        self._bytes.extend(lengths)
        self._chunk.extend(chunk)

    def _flag(self, word: str) -> int:
        flag = self._flags.get(word)
        if flag is None:
            if len(self._flags) > 500_000:
                self._flags.clear()
            flag = self._flags[word] = self._describe(word)
        return flag

    def _describe(self, word: str) -> int:
        punctuation = all(unicodedata.category(c)[0] == "P" for c in word)
        return (
            ENDS_SENTENCE * (word in self._stops)
            + PUNCTUATION * punctuation
            + ALPHABETIC * any(map(str.isalpha, word))
            + NOT_SYMBOL * (not self._symbols.issuperset(word))
        )
