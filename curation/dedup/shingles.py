"""From text to shingles: hashed words, and hashed runs of n words.

Arithmetic is modulo 2^64 on `uint64`. Numba turns a mix with signed integers into floats, hence the typed constants.
"""

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
from numba import njit

from .normalise import ALONE, DIGIT, MAPPED, SAME, SEPARATES, VANISHES, Bytes, Starts

Hashes = npt.NDArray[np.uint64]
Offsets = npt.NDArray[np.int64]

_MIX = np.uint64(0xD6E8FEB86659FD93)
_BYTE = np.uint64(0x9E3779B97F4A7C15)
_WORD = np.uint64(0x9FB21C651E98DF25)
_HALF = np.uint64(32)
_SHIFT = np.uint64(29)
_ZERO = np.uint64(ord("0"))
_EMPTY = np.uint64(0)
_BLANK = np.int64(32)


@njit(cache=True, nogil=True)
def mix(value: np.uint64) -> np.uint64:
    """A bijection of 64 bits in which every bit depends on every other (degski's mixer)."""
    value ^= value >> _HALF
    value *= _MIX
    value ^= value >> _HALF
    value *= _MIX
    return value ^ (value >> _HALF)


@njit(cache=True, nogil=True)
def code_point(data: Bytes, at: int, end: int) -> tuple[np.int64, int]:
    """The code point at `at` and its length in bytes; a broken sequence reads as one blank, and never past `end`."""
    lead = np.int64(data[at])
    if lead < 0x80:
        return lead, 1
    if 0xC0 <= lead < 0xE0 and at + 2 <= end:
        return (lead & 31) << 6 | np.int64(data[at + 1]) & 63, 2
    if 0xE0 <= lead < 0xF0 and at + 3 <= end:
        return (lead & 15) << 12 | (np.int64(data[at + 1]) & 63) << 6 | np.int64(data[at + 2]) & 63, 3
    if 0xF0 <= lead < 0xF8 and at + 4 <= end:
        high = (lead & 7) << 18 | (np.int64(data[at + 1]) & 63) << 12
        code = high | (np.int64(data[at + 2]) & 63) << 6 | np.int64(data[at + 3]) & 63
        return (code, 4) if code < 0x110000 else (_BLANK, 1)
    return _BLANK, 1


@njit(cache=True, nogil=True)
def _number_end(data: Bytes, at: int, end: int, kinds: Bytes) -> int:
    """Where the number that begins at `at` ends: digits, and `.` or `,` between two digits."""
    while at < end:
        code, width = code_point(data, at, end)
        if kinds[code] == DIGIT:
            at += width
            continue
        if (code != 46 and code != 44) or at + 1 >= end:
            return at
        code, width = code_point(data, at + 1, end)
        if kinds[code] != DIGIT:
            return at
        at += 1 + width
    return at


@njit(cache=True, nogil=True)
def room(offsets: Offsets) -> int:
    """The most words that any of these documents can have: a word takes two bytes with its separator."""
    longest = 0
    for document in range(len(offsets) - 1):
        longest = max(longest, offsets[document + 1] - offsets[document])
    return longest // 2 + 1


@njit(cache=True, nogil=True)
def hash_words(data: Bytes, start: int, end: int, kinds: Bytes, starts: Starts, mapped: Bytes, words: Hashes) -> int:
    """Hash every word of the bytes `[start, end)` into `words`, which has `room` for them; returns their number."""
    count = 0
    word = _EMPTY
    at = start
    while at < end:
        # Most bytes of most corpora are ASCII letters: the shortest way through for them.
        lead = data[at]
        if lead < 0x80:
            kind = kinds[lead]
            if kind in (SAME, MAPPED):
                word = (word ^ np.uint64(lead | 0x20)) * _BYTE
                word ^= word >> _SHIFT
                at += 1
                continue
            code, width = np.int64(lead), 1
        else:
            code, width = code_point(data, at, end)
            kind = kinds[code]
        if kind == DIGIT:
            width = _number_end(data, at, end, kinds) - at
            word = (word ^ _ZERO) * _BYTE
            word ^= word >> _SHIFT
        elif kind == SAME:
            for byte in range(at, at + width):
                word = (word ^ np.uint64(data[byte])) * _BYTE
                word ^= word >> _SHIFT
        elif kind != VANISHES:
            if kind != MAPPED and word != _EMPTY:
                words[count] = mix(word)
                count += 1
                word = _EMPTY
            if kind != SEPARATES:
                first = np.int64(starts[code]) + 1
                for byte in range(first, first + np.int64(mapped[first - 1])):
                    word = (word ^ np.uint64(mapped[byte])) * _BYTE
                    word ^= word >> _SHIFT
            if kind == ALONE:
                words[count] = mix(word)
                count += 1
                word = _EMPTY
        at += width
    if word != _EMPTY:
        words[count] = mix(word)
        count += 1
    return count


@njit(cache=True, nogil=True)
def hash_shingles(words: Hashes, count: int, n: int) -> int:
    """Replace the first `count` word hashes by the hashes of every run of `n`, and return how many there are.

    Fewer words than `n` make one shingle of them all; no words make none.
    """
    if count == 0:
        return 0
    span = min(n, count)
    for at in range(count - span + 1):
        value = words[at]
        for word in range(at + 1, at + span):
            value = value * _WORD + words[word]
        words[at] = mix(value)
    return count - span + 1


def buffers(text: pl.Series) -> tuple[Bytes, Offsets]:
    """The UTF-8 bytes of a string column and where each value begins, shape (rows + 1,). Null reads as empty."""
    array = text.fill_null("").rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    array = array.cast(pa.large_string())
    _, offsets, data = array.buffers()
    if len(array) == 0 or data is None:
        return np.zeros(0, np.uint8), np.zeros(len(array) + 1, np.int64)
    bounds = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    return np.frombuffer(data, np.uint8), bounds
