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
_WORD = np.uint64(0x9FB21C651E98DF25)
_HALF = np.uint64(32)
_NONE = np.uint64(0)
_ONE = np.uint64(1)
_BITS = np.uint64(8)
_FULL = np.uint64(64)
_ZERO = np.uint64(ord("0"))
_BLANK = np.int64(32)

# Eight bytes in one number, each byte a lane: its top bit, its other bits, and what carries into the top bit from a
# letter (or digit) on.
_EACH = np.uint64(0x0101010101010101)
_TOPS = np.uint64(0x8080808080808080)
_LOWS = np.uint64(0x7F7F7F7F7F7F7F7F)
_CASE = np.uint64(0x2020202020202020)
_FROM_A = np.uint64((0x80 - ord("a")) * 0x0101010101010101)
_PAST_Z = np.uint64((0x7F - ord("z")) * 0x0101010101010101)
_FROM_0 = np.uint64((0x80 - ord("0")) * 0x0101010101010101)
_PAST_9 = np.uint64((0x7F - ord("9")) * 0x0101010101010101)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_SEVEN = np.uint64(7)
_TOP_BYTE = np.uint64(56)


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
def _eight(data: Bytes, at: int) -> np.uint64:
    """Eight bytes as one number, the first the lowest; compiles to one load."""
    first = np.uint64(at)
    value = np.uint64(data[first])
    for byte in range(1, 8):
        value |= np.uint64(data[first + np.uint64(byte)]) << np.uint64(8 * byte)
    return value


@njit(cache=True, nogil=True)
def _below(stop: np.uint64) -> np.uint64:
    """All bits of the bytes below the first one whose top bit is set in `stop`; of all eight if there is none."""
    return ((stop & (~stop + _ONE)) >> _SEVEN) - _ONE


@njit(cache=True, nogil=True)
def _first_word(eight: np.uint64) -> tuple[np.uint64, np.uint64]:
    """Of eight bytes, masks of the ASCII letters that they begin with, and of these and the ASCII separators after."""
    folded, plain = (eight | _CASE) & _LOWS, eight & _LOWS
    letters = (folded + _FROM_A) & ~(folded + _PAST_Z) & ~eight & _TOPS
    others = ((plain + _FROM_0) & ~(plain + _PAST_9) | eight) & _TOPS  # digits, and bytes that are not ASCII
    word = _below(letters ^ _TOPS)
    return word, _below((letters | others) & ~word)


@njit(cache=True, nogil=True)
def _bytes_in(mask: np.uint64) -> int:
    """How many bytes a mask of whole bytes, from the lowest on, covers."""
    return int(np.int64(((mask & _EACH) * _EACH) >> _TOP_BYTE))


@njit(cache=True, nogil=True)
def _append(
    word: np.uint64, held: np.uint64, filled: np.uint64, source: Bytes, first: int | np.int64, last: int | np.int64
) -> tuple[np.uint64, np.uint64, np.uint64]:
    """Add the bytes `[first, last)` of `source` to a word: its full eights, the bytes held, how many bits they fill."""
    for byte in range(first, last):
        held |= np.uint64(source[byte]) << filled
        filled += _BITS
        if filled == _FULL:
            word = mix(word ^ held)
            held = filled = _NONE
    return word, held, filled


@njit(cache=True, nogil=True)
def hash_words(data: Bytes, start: int, end: int, kinds: Bytes, starts: Starts, mapped: Bytes, words: Hashes) -> int:
    """Hash every word of the bytes `[start, end)` into `words`, which has `room` for them; returns their number.

    The hash of a word goes over its bytes as they are compared, eight at a time (little-endian): h = mix(h ^ eight)
    from h = 0, at last with the 0 to 7 bytes that are left.
    """
    count = 0
    word = held = filled = _NONE
    at = start
    while at < end:
        # Most bytes of most corpora are ASCII letters: a word and the separators after it in one step.
        if filled == _NONE and at + 8 <= end:
            eight = _eight(data, at)
            letters, beyond = _first_word(eight)
            held = (eight | _CASE) & letters
            if beyond != letters:
                words[count] = mix(word ^ held)  # overwritten by the next where there was none
                count += (word | held) != _NONE
                word = held = _NONE
                at += _bytes_in(beyond)
                continue
            if letters == _ALL:
                word, held = mix(word ^ held), _NONE
                at += 8
                continue
            width = _bytes_in(letters)
            filled = np.uint64(8 * width)
            at += width
        code, width = code_point(data, at, end)
        kind = kinds[code]
        if kind == DIGIT:
            width = _number_end(data, at, end, kinds) - at
            held |= _ZERO << filled
            filled += _BITS
            if filled == _FULL:
                word = mix(word ^ held)
                held = filled = _NONE
        elif kind == SAME:
            word, held, filled = _append(word, held, filled, data, at, at + width)
        elif kind != VANISHES:
            if kind != MAPPED and (word | held) != _NONE:
                words[count] = mix(word ^ held)
                count += 1
                word = held = filled = _NONE
            if kind != SEPARATES:
                first = np.int64(starts[code]) + 1
                word, held, filled = _append(word, held, filled, mapped, first, first + np.int64(mapped[first - 1]))
            if kind == ALONE:
                words[count] = mix(word ^ held)
                count += 1
                word = held = filled = _NONE
        at += width
    if (word | held) != _NONE:
        words[count] = mix(word ^ held)
        count += 1
    return count


@njit(cache=True, nogil=True)
def hash_shingles(words: Hashes, count: int, n: int) -> int:
    """Replace the first `count` word hashes by the hashes of every run of `n`, and return how many there are.

    Fewer words than `n` make one shingle of them all; no words make none. A run is a polynomial of its words, rolled on
    from the run before.
    """
    if count == 0:
        return 0
    span = min(n, count)
    run, highest = _NONE, _ONE
    for at in range(span - 1):
        run = run * _WORD + words[at]
        highest *= _WORD
    for at in range(count - span + 1):
        run = run * _WORD + words[at + span - 1]
        first = words[at] * highest
        words[at] = mix(run)
        run -= first
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
