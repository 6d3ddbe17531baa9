"""What is known about the chunks of one language: their words, and numbers about those words.

A pure memo. It only grows while it is in use, so arrays taken from it stay true, and it is replaced by an empty one
when it has become large.
"""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from .chunks import Ints, cut, move_keys
from .marks import mark_chunks
from .text import Bytes, Hashes, Offsets, characters, hash_bytes

# Words of the chunks `data[ends[i]:ends[i + 1]]`: how many each has, and how many bytes every word has, in order.
Tokenize = Callable[[Bytes, Offsets], tuple[Ints, Ints]]
Array = npt.NDArray[Any]

# About 210 bytes a chunk, so at most some 420 MB a process and language; English web text reaches this after
# hundreds of megabytes, and learning anew is cheap.
MOST_CHUNKS = 2_000_000
MOST_BYTES = 1 << 28

# word flags
ENDS_SENTENCE, PUNCTUATION, ALPHABETIC, NOT_SYMBOL = 1, 2, 4, 8
# columns of `Features.chunk`
FIRST_WORD, WORDS, NON_SYMBOLS, NON_SYMBOL_CHARS, ALPHABETICS, BREAKS, EDGES = range(7)
COLUMNS = 7
# sentence classes of a word: other punctuation counts as neither
STOP, OTHER = 1, 2


@dataclass(frozen=True, kw_only=True)
class Features:
    """Numbers about chunks and their words; words of one chunk are adjacent, in order.

    `chunk` is int32 of shape (chunks, 7): index of the first word, number of words, words that are not all symbols,
    their characters, words with a letter, sentence breaks inside, and the sentence classes of its edges
    (first + 4 * last). `lines` is int32 of shape (chunks, 2): bytes, and what the line rules ask (`marks.py`). For
    each word: `hashes` (uint64), `characters` and `bytes` (int32).
    """

    chunk: Ints
    lines: Ints
    hashes: Hashes
    characters: Ints
    bytes: Ints


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
def describe_words(
    data: Bytes, lengths: Ints, ascii_flags: Bytes
) -> tuple[Hashes, Ints, Bytes, npt.NDArray[np.int64], Offsets]:
    """Of the words that `data` consists of, `lengths` bytes each: hashes, characters, flags, which of them are not
    ASCII (their flags are left 0), and where those begin.

    `ascii_flags` holds what a single character makes of a word that consists of it.
    """
    words = len(lengths)
    hashes, counts, flags = np.empty(words, np.uint64), np.empty(words, np.int32), np.zeros(words, np.uint8)
    foreign, starts = np.empty(words, np.int64), np.empty(words, np.int64)
    found = 0
    start = 0
    for word in range(words):
        end = start + lengths[word]
        hashes[word] = hash_bytes(data, start, end)
        counts[word] = characters(data, start, end)
        if counts[word] < end - start:
            foreign[found] = word
            starts[found] = start
            found += 1
        else:
            some, every = np.uint8(0), np.uint8(255)
            for at in range(start, end):
                some |= ascii_flags[data[at]]
                every &= ascii_flags[data[at]]
            flags[word] = (some & (ALPHABETIC | NOT_SYMBOL)) | (every & PUNCTUATION)
            # only single characters end a sentence
            if end - start == 1:
                flags[word] |= some & ENDS_SENTENCE
        start = end
    return hashes, counts, flags, foreign[:found].copy(), starts[:found].copy()


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
        self._ascii_flags = np.array([self._describe(chr(code)) for code in range(128)], np.uint8)
        self._flags: dict[bytes, int] = {}
        self._count = 0
        self._table = np.zeros(1 << 17, np.uint64)
        self._known = np.empty(1 << 19, np.uint8)
        self._ends = np.zeros((1 << 15) + 1, np.int64)
        self._chunk = Growing(np.empty((0, COLUMNS), np.int32))
        self._lines = Growing(np.empty((0, 2), np.int32))
        self._hashes = Growing(np.empty(0, np.uint64))
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
            state = (self._table, self._known, self._ends, chunks, starts)
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
            lines=self._lines.array,
            hashes=self._hashes.array,
            characters=self._characters.array,
            bytes=self._bytes.array,
        )

    def _make_room(self) -> None:
        if 4 * (self._count + 2) > len(self._table):
            table = np.zeros(2 * len(self._table), np.uint64)
            move_keys(self._table, table)
            self._table = table
            self._ends = np.concatenate([self._ends, np.zeros(len(self._ends) - 1, np.int64)])
        else:
            self._known = np.concatenate([self._known, np.empty(len(self._known), np.uint8)])

    def _learn(self) -> None:
        """Work out the features of chunks that have none yet."""
        first = len(self._chunk.array)
        if first == self._count:
            return
        start = self._ends[first]
        data, ends = self._known[start : self._ends[self._count]], self._ends[first : self._count + 1] - start
        counts, lengths = self._tokenize(data, ends)
        hashes, characters, flags, foreign, starts = describe_words(data, lengths, self._ascii_flags)
        stops = starts + lengths[foreign]
        memory = data.tobytes() if len(foreign) else b""
        flags[foreign] = [self._flag(memory[a:b]) for a, b in zip(starts.tolist(), stops.tolist(), strict=True)]
        chunk = np.empty((len(counts), COLUMNS), np.int32)
        describe_chunks(counts, flags, characters, len(self._hashes.array), chunk)
        self._hashes.extend(hashes)
        self._characters.extend(characters)
        self._bytes.extend(lengths)
        self._lines.extend(mark_chunks(data, ends))
        self._chunk.extend(chunk)

    def _flag(self, word: bytes) -> int:
        flag = self._flags.get(word)
        if flag is None:
            if len(self._flags) > 500_000:
                self._flags.clear()
            flag = self._flags[word] = self._describe(word.decode())
        return flag

    def _describe(self, word: str) -> int:
        punctuation = all(unicodedata.category(c)[0] == "P" for c in word)
        return (
            ENDS_SENTENCE * (word in self._stops)
            + PUNCTUATION * punctuation
            + ALPHABETIC * any(map(str.isalpha, word))
            + NOT_SYMBOL * (not self._symbols.issuperset(word))
        )
