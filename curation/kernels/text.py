"""Characters, whitespace and hashes of UTF-8 bytes, as Python's `str` methods see them.

Every function takes `data` (uint8, UTF-8) and a half-open byte range `[start, end)` that begins and ends on character
boundaries.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

Bytes = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

HASH_START = np.uint64(0xCBF29CE484222325)
HASH_PRIME = np.uint64(0x100000001B3)
HASH_MIX = np.uint64(0x9E3779B97F4A7C15)
SHIFT = np.uint64(29)
NEWLINE = 10


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
def hash_bytes(data: Bytes, start: int, end: int) -> np.uint64:
    """A 64-bit hash, never 0."""
    value = HASH_START
    for at in range(start, end):
        value = (value ^ np.uint64(data[at])) * HASH_PRIME
    return ((value ^ (value >> SHIFT)) * HASH_MIX) | np.uint64(1)


@njit(cache=True, nogil=True)
def line_break(data: Bytes, at: int, end: int) -> tuple[int, int]:
    """Position and width in bytes of the next line break by `str.splitlines`; `(end, 0)` when there is none."""
    while at < end:
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


@njit(cache=True, nogil=True)
def table_size(entries: int) -> int:
    """Slots of an open-addressing table that stays at most half full: a power of two."""
    size = 64
    while size < entries * 2:
        size *= 2
    return size


@njit(cache=True, nogil=True)
def seen_before(
    keys: Hashes, stamps: npt.NDArray[np.uint32], stamp: int, mask: int, key: np.uint64
) -> tuple[np.int64, bool]:
    """Slot of `key` in the set of this `stamp`, and whether it was there already; puts it there.

    Stamps make a table reusable without clearing it: a slot counts only when it carries the current stamp.
    """
    slot = np.int64((key * HASH_MIX) >> np.uint64(20)) & mask
    while stamps[slot] == stamp:
        if keys[slot] == key:
            return slot, True
        slot = (slot + 1) & mask
    stamps[slot] = stamp
    keys[slot] = key
    return slot, False
