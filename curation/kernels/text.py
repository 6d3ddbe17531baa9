"""Characters, whitespace, line ends and hashes of UTF-8 bytes, as Python's `str` methods see them.

Every function takes `data` (uint8, UTF-8) and a half-open byte range `[start, end)` that begins and ends on character
boundaries. Bytes are looked at eight at a time where possible, which is several times faster than one by one.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

from .eight import ALL, ONES, TOPS, eight_bytes, trailing_zeros

Bytes = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

HASH_START = np.uint64(0xCBF29CE484222325)
HASH_PRIME = np.uint64(0x100000001B3)
HASH_MIX = np.uint64(0x9E3779B97F4A7C15)
HALF = np.uint64(32)
SHIFT = np.uint64(29)
NEWLINE = 10
# a byte in all eight places
NEWLINES = np.uint64(NEWLINE) * ONES
BLANKS = np.uint64(0x20) * ONES


def _whitespace_classes() -> Bytes:
    classes = np.zeros(256, np.uint8)
    for code in range(128):
        classes[code] = chr(code).isspace()
    classes[[0xC2, 0xE1, 0xE2, 0xE3]] = 2
    return classes


# 0: never whitespace, 1: one byte of whitespace, 2: may lead a longer whitespace character
WHITESPACE = _whitespace_classes()


@njit(cache=True, nogil=True)
def whitespace_bytes(data: Bytes, at: int, end: int) -> int:
    """Length in bytes of the whitespace character at `at`, by `str.isspace`; 0 when it is none."""
    kind = WHITESPACE[data[at]]
    if kind < 2:
        return int(kind)
    lead = data[at]
    if lead == 0xC2:
        return 2 if at + 1 < end and (data[at + 1] == 0x85 or data[at + 1] == 0xA0) else 0
    if at + 2 >= end:
        return 0
    second, third = data[at + 1], data[at + 2]
    if lead == 0xE1:
        return 3 if second == 0x9A and third == 0x80 else 0
    if lead == 0xE2 and second == 0x80:
        return 3 if 0x80 <= third <= 0x8A or third == 0xA8 or third == 0xA9 or third == 0xAF else 0
    if lead == 0xE2:
        return 3 if second == 0x81 and third == 0x9F else 0
    return 3 if second == 0x80 and third == 0x80 else 0


@njit(cache=True, nogil=True)
def skip_whitespace(data: Bytes, at: int, end: int) -> int:
    """The first position from `at` that is not whitespace, or `end`."""
    while at < end:
        width = whitespace_bytes(data, at, end)
        if width == 0:
            break
        at += width
    return at


@njit(cache=True, nogil=True)
def strip_right(data: Bytes, start: int, end: int) -> int:
    """Where `[start, end)` ends once whitespace is stripped from its right."""
    while end > start:
        at = end - 1
        while at > start and (data[at] & 0xC0) == 0x80:
            at -= 1
        if whitespace_bytes(data, at, end) != end - at:
            break
        end = at
    return end


@njit(cache=True, nogil=True)
def characters(data: Bytes, start: int, end: int) -> int:
    """Number of code points."""
    count = 0
    for at in range(start, end):
        count += (data[at] & 0xC0) != 0x80
    return count


@njit(cache=True, nogil=True)
def few_bytes(data: Bytes, start: int, end: int) -> np.uint64:
    """The 0 to 8 bytes of `[start, end)` as one number, the first one lowest."""
    count = end - start
    if count <= 0:
        return np.uint64(0)
    if start + 8 <= len(data):
        return np.uint64(eight_bytes(data, start) & (ALL >> np.uint64(64 - 8 * count)))
    value = np.uint64(0)
    for at in range(end - 1, start - 1, -1):
        value = (value << np.uint64(8)) | np.uint64(data[at])
    return value


@njit(cache=True, nogil=True)
def hash_bytes(data: Bytes, start: int, end: int) -> np.uint64:
    """A 64-bit hash, never 0."""
    # the length counts, so that zero bytes at the end do
    value = HASH_START ^ np.uint64(end - start)
    at = start
    while at + 8 < end:
        value = (value ^ eight_bytes(data, at)) * HASH_MIX
        value ^= value >> HALF
        at += 8
    value = (value ^ few_bytes(data, at, end)) * HASH_MIX
    return ((value ^ (value >> SHIFT)) * HASH_MIX) | np.uint64(1)


@njit(cache=True, nogil=True)
def next_newline(data: Bytes, at: int, end: int) -> int:
    """Position of the next line feed, or `end`."""
    while at + 8 <= end:
        other = eight_bytes(data, at) ^ NEWLINES
        hits = (other - ONES) & ~other & TOPS
        if hits:
            return int(at + (trailing_zeros(hits) >> 3))
        at += 8
    while at < end and data[at] != NEWLINE:
        at += 1
    return at


@njit(cache=True, nogil=True)
def count_newlines(data: Bytes, start: int, end: int) -> int:
    """Number of line feeds."""
    count = 0
    for at in range(start, end):
        count += data[at] == NEWLINE
    return count


@njit(cache=True, nogil=True)
def line_break(data: Bytes, at: int, end: int) -> tuple[int, int]:
    """Position and width in bytes of the next line break by `str.splitlines`; `(end, 0)` when there is none."""
    while at < end:
        if at + 8 <= end:
            word = eight_bytes(data, at)
            # the lowest byte marked is below a blank or beyond ASCII; those before it are neither
            hits = (((word - BLANKS) & ~word) | word) & TOPS
            if hits == 0:
                at += 8
                continue
            at += trailing_zeros(hits) >> 3
        byte = data[at]
        if byte < 0x20:
            if byte == 13:
                return at, 2 if at + 1 < end and data[at + 1] == NEWLINE else 1
            if 10 <= byte <= 12 or 0x1C <= byte <= 0x1E:
                return at, 1
        elif byte == 0xC2 and data[at + 1] == 0x85:
            return at, 2
        elif byte == 0xE2 and data[at + 1] == 0x80 and (data[at + 2] == 0xA8 or data[at + 2] == 0xA9):
            return at, 3
        at += 1
    return end, 0


# slots that a set begins with
FEWEST = 256


@njit(cache=True, nogil=True)
def table_size(entries: int) -> int:
    """Slots of an open-addressing table that stays at most half full: a power of two."""
    size = FEWEST
    while size < entries * 2:
        size *= 2
    return size


@njit(cache=True, nogil=True)
def slot_of(key: np.uint64, mask: int) -> np.int64:
    """Where to begin to look for `key` in a table of `mask + 1` slots."""
    return np.int64(((key ^ (key >> HALF)) * HASH_MIX) >> HALF) & mask


@njit(cache=True, nogil=True)
def seen_before(keys: Hashes, mask: int, key: np.uint64) -> bool:
    """Whether `key` (never 0) is in the set that the first `mask + 1` slots hold, 0 for empty; puts it there."""
    slot = slot_of(key, mask)
    while keys[slot] != 0:
        if keys[slot] == key:
            return True
        slot = (slot + 1) & mask
    keys[slot] = key
    return False


@njit(cache=True, nogil=True)
def room_for_more(keys: Hashes, mask: int, used: int) -> tuple[Hashes, int]:
    """The set and its mask, twice as large once half of the slots are used; so it grows with what is in it."""
    if 2 * used <= mask:
        return keys, mask
    larger = np.zeros(2 * (mask + 1), np.uint64)
    for old in range(mask + 1):
        if keys[old] != 0:
            seen_before(larger, len(larger) - 1, keys[old])
    return larger, len(larger) - 1
