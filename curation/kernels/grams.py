"""Repeated word n-grams of one document, exactly, by looking only at places where something repeats.

Most n-grams of most documents occur once, and those decide nothing: a bitmap that every n-gram sets one bit of tells
the few that may have come twice, and only these are compared. A longer n-gram can come twice only where its beginning
does, so each size looks only where a shorter one left a candidate. A bit set by two different n-grams costs a look,
never an answer.
"""

import numpy as np
from numba import njit

from .chunks import Ints
from .eight import eight_bytes
from .text import (
    HALF,
    HASH_MIX,
    Bytes,
    Hashes,
    Offsets,
    few_bytes,
    hash_bytes,
    room_for_more,
    seen_before,
    slot_of,
    table_size,
)

# Bits for each n-gram in the bitmap: one in eight places that need no look gets one.
BITS = 8
SIX, REST = np.uint64(6), np.uint64(63)
ONE = np.uint64(1)
# N-grams of five words and more are compared as joined text, so equal ones agree in as many times eight bytes as they
# have (or in the first five bytes: five words have as many). Looked at up to this many times eight.
DEEPEST = 5
# bytes after the last word that may be read
BEYOND = 8 * DEEPEST


@njit(cache=True, nogil=True)
def see(key: np.uint64, once: Hashes, twice: Hashes, mask: np.uint64) -> None:
    """Mark `key` in the bitmaps: what is marked in `once` already goes into `twice`."""
    place = (key ^ (key >> HALF)) * HASH_MIX >> HALF & mask
    bit = ONE << (place & REST)
    word = place >> SIX
    twice[word] |= once[word] & bit
    once[word] |= bit


@njit(cache=True, nogil=True)
def came_twice(key: np.uint64, twice: Hashes, mask: np.uint64) -> bool:
    """False only when `key` was seen once."""
    place = (key ^ (key >> HALF)) * HASH_MIX >> HALF & mask
    return bool(twice[place >> SIX] >> (place & REST) & ONE)


@njit(cache=True, nogil=True)
def longer_key(key: np.uint64, stream: Bytes, at: int) -> np.uint64:
    """The key of some bytes and of the eight at `at` that follow them."""
    return np.uint64((key ^ (key >> HALF)) * HASH_MIX + eight_bytes(stream, at))


@njit(cache=True, nogil=True)
def bitmap_size(entries: int) -> int:
    """Words of 64 bits that a bitmap for so many entries needs."""
    return table_size(entries) // 2 * BITS // 64


@njit(cache=True, nogil=True)
def clear_bitmaps(entries: int, once: Hashes, twice: Hashes) -> np.uint64:
    """Empty as much of the bitmaps as so many entries need; returns the mask of a place in it."""
    words = bitmap_size(entries)
    once[:words] = 0
    twice[:words] = 0
    return np.uint64(words * 64 - 1)


@njit(cache=True, nogil=True)
def count_grams(grams: Hashes, places: Ints, found: int, slots: Ints, counts: Ints, firsts: Ints) -> tuple[int, int]:
    """Most occurrences of an n-gram among `places[:found]`, and the first place of that one; the first of equals.

    `firsts[i]` becomes the first place of the n-gram at `places[i]`, and `counts[first]` how often it comes.
    """
    mask = table_size(found) - 1
    slots[: mask + 1] = -1
    best = 1
    best_at = 0
    for index in range(found):
        at = places[index]
        slot = slot_of(grams[at], mask)
        while slots[slot] >= 0 and grams[slots[slot]] != grams[at]:
            slot = (slot + 1) & mask
        if slots[slot] < 0:
            slots[slot] = at
            counts[at] = 0
        first = slots[slot]
        firsts[index] = first
        counts[first] += 1
        if counts[first] > best or (counts[first] == best and first < best_at):
            best = counts[first]
            best_at = first
    return best, best_at


@njit(cache=True, nogil=True)
def top_grams(
    words: int, hashes: Hashes, grams: Hashes, once: Hashes, twice: Hashes,
    places: Ints, slots: Ints, counts: Ints, firsts: Ints,
) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:  # fmt: skip
    """Occurrences and first place of the most frequent 2-, 3- and 4-gram; of n-grams that all come once, place 0.

    `hashes[:words]` are the words; all other arrays are room to work in, with at least `words` entries (`slots`:
    `table_size(words)`).
    """
    mask = clear_bitmaps(words, once, twice)
    for at in range(words - 1):
        grams[at] = (hashes[at] ^ (hashes[at] >> HALF)) * HASH_MIX + hashes[at + 1]
        see(grams[at], once, twice, mask)
    found = 0
    for at in range(words - 1):
        places[found] = at
        found += came_twice(grams[at], twice, mask)
    best = [(1, 0), (1, 0), (1, 0)]
    for size in range(2, 5):
        best[size - 2] = count_grams(grams, places, found, slots, counts, firsts)
        # the next size can only repeat where this one does, here and one word on
        left = 0
        for index in range(found - 1):
            at = places[index]
            both = counts[firsts[index]] > 1 and counts[firsts[index + 1]] > 1
            if both and places[index + 1] == at + 1 and at + size < words:
                grams[at] = (grams[at] ^ (grams[at] >> HALF)) * HASH_MIX + hashes[at + size]
                places[left] = at
                left += 1
        found = left
    return best[0], best[1], best[2]


@njit(cache=True, nogil=True)
def repeating_places(
    words: int, stream: Bytes, bounds: Offsets, once: Hashes, twice: Hashes, keys: Hashes, places: Ints, levels: Ints
) -> int:
    """Fill `places` with where an n-gram of five to ten words may come twice; returns how many.

    `levels[i]` says how many times eight bytes from `places[i]` on may come twice. Word i is
    `stream[bounds[i]:bounds[i + 1]]`; BEYOND bytes after the last one can be read. `keys` is room for `words` keys.
    """
    mask = clear_bitmaps(2 * words, once, twice)
    for at in range(words - 4):
        start = bounds[at]
        length = bounds[at + 5] - start
        head = eight_bytes(stream, start)
        see(longer_key(head, stream, start + 8), once, twice, mask)
        if length < 16:
            see(head, once, twice, mask)
            if length < 8:
                see(few_bytes(stream, start, start + 5), once, twice, mask)
    found = 0
    for at in range(words - 4):
        start = bounds[at]
        length = bounds[at + 5] - start
        head = eight_bytes(stream, start)
        key = longer_key(head, stream, start + 8)
        level = 2 if came_twice(key, twice, mask) else -1
        if level < 0 and length < 16:
            if came_twice(head, twice, mask):
                level = 1
            elif length < 8 and came_twice(few_bytes(stream, start, start + 5), twice, mask):
                level = 0
        places[found] = at
        levels[found] = level
        keys[found] = key
        found += level >= 0
    for level in range(3, DEEPEST + 1):
        mask = clear_bitmaps(found, once, twice)
        for index in range(found):
            if levels[index] == level - 1:
                keys[index] = longer_key(keys[index], stream, bounds[places[index]] + 8 * (level - 1))
                see(keys[index], once, twice, mask)
        for index in range(found):
            levels[index] += levels[index] == level - 1 and came_twice(keys[index], twice, mask)
    return found


@njit(cache=True, nogil=True)
def repeated_words(
    size: int, words: int, stream: Bytes, bounds: Offsets, places: Ints, levels: Ints, found: int,
    keys: Hashes, repeats: Ints,
) -> tuple[int, Hashes]:  # fmt: skip
    """Places of n-grams that came before, read from left to right, stepping over each one found: how many there are
    (they go into `repeats`), and `keys`, a set that may have grown.

    N-grams are compared as joined text, so `ab c` equals `a bc`.
    """
    # as many slots as there are already: what grew for one document serves the next
    mask = min(table_size(found), len(keys)) - 1
    keys[: mask + 1] = 0
    used = 0
    count = 0
    free = 0
    for index in range(found):
        at = places[index]
        if at < free or at + size > words:
            continue
        if levels[index] < DEEPEST and (bounds[at + size] - bounds[at]) >> 3 > levels[index]:
            continue
        if seen_before(keys, mask, hash_bytes(stream, bounds[at], bounds[at + size])):
            repeats[count] = at
            count += 1
            free = at + size
        else:
            used += 1
            keys, mask = room_for_more(keys, mask, used)
    return count, keys
