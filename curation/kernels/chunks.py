"""Cut text at whitespace, and look every chunk up in a dictionary that grows.

A chunk is a run of characters without whitespace. Batches name chunks by number, so that what is true of a chunk
(how many words, which letters) is worked out once however often it occurs.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

from .eight import ONES, TOPS, eight_bytes, fetch_ahead, trailing_zeros
from .text import (
    WHITESPACE,
    Bytes,
    Hashes,
    Offsets,
    few_bytes,
    hash_bytes,
    skip_whitespace,
    slot_of,
    whitespace_bytes,
)

Ints = npt.NDArray[np.int32]

# In a batch's list of chunks: -1 is whitespace before the first chunk of a document, and `-2 - n` is chunk n followed
# by whitespace that is not a single blank (which sentence splitting must know; see `chunk_number`).
LEADING_WHITESPACE = -1
# Four of five chunks of English are this short: they are their own key, so nothing else must be compared.
SHORT = 7
# Chunks looked up together, so that the table's lines for all of them are on their way at once: a third of the time.
BLOCK = 128
LONG_KEY = np.uint64(1 << 63)
LENGTH_PLACE = np.uint64(56)
AFTER_BLANK = np.uint64(0x21) * ONES


@njit(cache=True, nogil=True)
def chunk_number(code: int) -> int:
    """Number of the chunk that `code` stands for; not for LEADING_WHITESPACE."""
    return code if code >= 0 else -2 - code


@njit(cache=True, nogil=True)
def end_of_chunk(data: Bytes, at: int, end: int) -> tuple[int, int]:
    """Where the chunk at `at` ends, and the width of the whitespace there (0 at the end of the text)."""
    while at < end:
        if at + 8 <= len(data):
            word = eight_bytes(data, at)
            # the lowest byte marked is up to a blank or beyond ASCII; those before it are neither
            hits = (((word - AFTER_BLANK) & ~word) | word) & TOPS
            at += 8 if hits == 0 else trailing_zeros(hits) >> 3
            if hits == 0 or at >= end:
                continue
        if WHITESPACE[data[at]] != 0:
            width = whitespace_bytes(data, at, end)
            if width != 0:
                return at, width
        at += 1
    return end, 0


@njit(cache=True, nogil=True)
def chunk_key(data: Bytes, start: int, end: int) -> np.uint64:
    """Bytes and length of a short chunk, which no other has; a hash of a long one. Never 0."""
    if end - start <= SHORT:
        return few_bytes(data, start, end) | (np.uint64(end - start) << LENGTH_PLACE)
    return hash_bytes(data, start, end) | LONG_KEY


@njit(cache=True, nogil=True)
def same_bytes(data: Bytes, start: int, end: int, other: Bytes, at: int) -> bool:
    """True when `[start, end)` of `data` is what `other` has from `at` on."""
    while start < end:
        stop = min(start + 8, end)
        if few_bytes(data, start, stop) != few_bytes(other, at, at + stop - start):
            return False
        start += 8
        at += 8
    return True


@njit(cache=True, nogil=True)
def find_chunk(
    data: Bytes, start: int, end: int, key: np.uint64, table: Hashes, known: Bytes, ends: Offsets
) -> tuple[np.int64, int]:
    """Slot and number of the chunk `[start, end)`; number -1 when it is new. Bytes decide, not the hash alone."""
    mask = len(table) // 2 - 1
    slot = slot_of(key, mask)
    while table[2 * slot] != 0:
        if table[2 * slot] == key:
            number = int(table[2 * slot + 1])
            if key < LONG_KEY:
                return slot, number
            at = ends[number]
            if ends[number + 1] - at == end - start and same_bytes(data, start, end, known, at):
                return slot, number
        slot = (slot + 1) & mask
    return slot, -1


@njit(cache=True, nogil=True)
def cut(
    data: Bytes,
    offsets: Offsets,
    document: int,
    count: int,
    table: Hashes,
    known: Bytes,
    ends: Offsets,
    chunks: Ints,
    starts: Offsets,
) -> tuple[int, int]:
    """Fill `chunks` and `starts` from `document` on; returns the document reached and the chunks known by then.

    The dictionary is `table` (open addressing; key and number of a chunk in turn) and the bytes of chunk n at
    `known[ends[n]:ends[n + 1]]`. When it is full, the caller makes room and calls again from the document returned.
    """
    mask = len(table) // 2 - 1
    keys, plain, bounds = np.empty(BLOCK, np.uint64), np.empty(BLOCK, np.bool_), np.empty((BLOCK, 2), np.int64)
    for doc in range(document, len(offsets) - 1):
        out = starts[doc]
        end = offsets[doc + 1]
        at = skip_whitespace(data, offsets[doc], end)
        if at > offsets[doc]:
            chunks[out] = LEADING_WHITESPACE
            out += 1
        while at < end:
            some = 0
            while at < end and some < BLOCK:
                bounds[some, 0] = at
                at, width = end_of_chunk(data, at, end)
                bounds[some, 1] = at
                keys[some] = chunk_key(data, bounds[some, 0], at)
                fetch_ahead(table, 2 * slot_of(keys[some], mask))
                after = at + width
                if after < end and WHITESPACE[data[after]] != 0:
                    after = skip_whitespace(data, after, end)
                plain[some] = after == at or (after == at + 1 and data[at] == 32)
                some += 1
                at = after
            for place in range(some):
                start, stop = bounds[place]
                slot, number = find_chunk(data, start, stop, keys[place], table, known, ends)
                if number < 0:
                    if 4 * (count + 1) > len(table) or count + 2 > len(ends) or ends[count] + stop - start > len(known):
                        return doc, count
                    number = count
                    count += 1
                    table[2 * slot] = keys[place]
                    table[2 * slot + 1] = np.uint64(number)
                    known[ends[number] : ends[number] + stop - start] = data[start:stop]
                    ends[count] = ends[number] + stop - start
                chunks[out] = number if plain[place] else -2 - number
                out += 1
        starts[doc + 1] = out
    return len(offsets) - 1, count


@njit(cache=True, nogil=True)
def move_keys(table: Hashes, larger: Hashes) -> None:
    """Enter every key of one table into a larger, empty one."""
    mask = len(larger) // 2 - 1
    for old in range(0, len(table), 2):
        key = table[old]
        if key != 0:
            slot = slot_of(key, mask)
            while larger[2 * slot] != 0:
                slot = (slot + 1) & mask
            larger[2 * slot] = key
            larger[2 * slot + 1] = table[old + 1]
