"""Sets of shingles: open addressing in one table that is never cleared, because every entry is stamped with its set."""

import numpy as np
from numba import njit

from .normalise import Bytes, Starts
from .shingles import Hashes, Offsets, hash_shingles, hash_words, room


@njit(cache=True, nogil=True)
def insert(table: Hashes, stamps: Offsets, stamp: int, mask: int, value: np.uint64) -> bool:
    """Put `value` into the set that `stamp` names; False when it was there. Other stamps are other sets' leftovers."""
    slot = np.int64(value) & mask
    while stamps[slot] == stamp:
        if table[slot] == value:
            return False
        slot = (slot + 1) & mask
    table[slot] = value
    stamps[slot] = stamp
    return True


@njit(cache=True, nogil=True)
def has(table: Hashes, stamps: Offsets, stamp: int, mask: int, value: np.uint64) -> bool:
    """Whether `value` is in the set that `stamp` names."""
    slot = np.int64(value) & mask
    while stamps[slot] == stamp:
        if table[slot] == value:
            return True
        slot = (slot + 1) & mask
    return False


@njit(cache=True, nogil=True)
def mask_for(count: int) -> int:
    """Slots minus one, all bits set, of a table at most half full with `count` values."""
    slots = 2
    while slots < 2 * count:
        slots *= 2
    return slots - 1


@njit(cache=True, nogil=True)
def shingle_sets(
    data: Bytes, offsets: Offsets, kinds: Bytes, starts: Starts, mapped: Bytes, n: int
) -> tuple[Offsets, Hashes]:
    """The distinct shingles of every document as they first appear: offsets, shape (documents + 1,), and hashes."""
    documents = len(offsets) - 1
    words = np.empty(room(offsets), np.uint64)
    table = np.empty(1024, np.uint64)
    stamps = np.full(1024, -1, np.int64)
    bounds = np.zeros(documents + 1, np.int64)
    values = np.empty((offsets[documents] - offsets[0]) // 2 + documents, np.uint64)
    total = 0
    for document in range(documents):
        count = hash_words(data, offsets[document], offsets[document + 1], kinds, starts, mapped, words)
        count = hash_shingles(words, count, n)
        mask = mask_for(count)
        if mask >= len(table):
            table = np.empty(mask + 1, np.uint64)
            stamps = np.full(mask + 1, -1, np.int64)
        for at in range(count):
            if insert(table, stamps, document, mask, words[at]):
                values[total] = words[at]
                total += 1
        bounds[document + 1] = total
    return bounds, values[:total]  # a copy would cost more than the room after it, which is never touched
