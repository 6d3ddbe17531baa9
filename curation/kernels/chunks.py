"""Cut text at whitespace, and look every chunk up in a dictionary that grows.

A chunk is a run of characters without whitespace. Batches name chunks by number, so that what is true of a chunk
(how many words, which letters) is worked out once however often it occurs.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

from .text import (
    HASH_MIX,
    HASH_PRIME,
    HASH_START,
    SHIFT,
    WHITESPACE,
    Bytes,
    Hashes,
    Offsets,
    skip_whitespace,
    whitespace_bytes,
)

Ints = npt.NDArray[np.int32]

# In a batch's list of chunks: -1 is whitespace before the first chunk of a document, and `-2 - n` is chunk n followed
# by whitespace that is not a single blank (which sentence splitting must know; see `chunk_number`).
LEADING_WHITESPACE = -1


@njit(cache=True, nogil=True)
def chunk_number(code: int) -> int:
    """Number of the chunk that `code` stands for; not for LEADING_WHITESPACE."""
    return code if code >= 0 else -2 - code


@njit(cache=True, nogil=True)
def find_chunk(
    data: Bytes, start: int, end: int, key: np.uint64, keys: Hashes, numbers: Ints, known: Bytes, ends: Offsets
) -> tuple[np.int64, int]:
    """Slot and number of the chunk `[start, end)`; number -1 when it is new. Bytes decide, not the hash alone."""
    mask = len(keys) - 1
    slot = np.int64(key >> np.uint64(7)) & mask
    while keys[slot] != 0:
        if keys[slot] == key:
            number = int(numbers[slot])
            at = ends[number]
            if ends[number + 1] - at == end - start:
                same = start
                while same < end and known[at] == data[same]:
                    at += 1
                    same += 1
                if same == end:
                    return slot, number
        slot = (slot + 1) & mask
    return slot, -1


@njit(cache=True, nogil=True)
def cut(
    data: Bytes,
    offsets: Offsets,
    document: int,
    count: int,
    keys: Hashes,
    numbers: Ints,
    known: Bytes,
    ends: Offsets,
    chunks: Ints,
    starts: Offsets,
) -> tuple[int, int]:
    """Fill `chunks` and `starts` from `document` on; returns the document reached and the chunks known by then.

    The dictionary is `keys`/`numbers` (open addressing) and the bytes of chunk n at `known[ends[n]:ends[n + 1]]`.
    When it is full, the caller makes room and calls again from the document that was returned.
    """
    for doc in range(document, len(offsets) - 1):
        out = starts[doc]
        end = offsets[doc + 1]
        at = skip_whitespace(data, offsets[doc], end)
        if at > offsets[doc]:
            chunks[out] = LEADING_WHITESPACE
            out += 1
        while at < end:
            start = at
            value = HASH_START
            width = 0
            while at < end:
                byte = data[at]
                if WHITESPACE[byte] != 0:
                    width = whitespace_bytes(data, at, end)
                    if width != 0:
                        break
                value = (value ^ np.uint64(byte)) * HASH_PRIME
                at += 1
            key = ((value ^ (value >> SHIFT)) * HASH_MIX) | np.uint64(1)
            slot, number = find_chunk(data, start, at, key, keys, numbers, known, ends)
            if number < 0:
                if 2 * (count + 1) > len(keys) or count + 2 > len(ends) or ends[count] + at - start > len(known):
                    return doc, count
                number = count
                count += 1
                keys[slot] = key
                numbers[slot] = number
                known[ends[number] : ends[number] + at - start] = data[start:at]
                ends[count] = ends[number] + at - start
            after = skip_whitespace(data, at + width, end) if at < end else at
            plain = after == at or (after == at + 1 and data[at] == 32)
            chunks[out] = number if plain else -2 - number
            out += 1
            at = after
        starts[doc + 1] = out
    return len(offsets) - 1, count


@njit(cache=True, nogil=True)
def move_keys(keys: Hashes, numbers: Ints, new_keys: Hashes, new_numbers: Ints) -> None:
    """Enter every key of one table into a larger, empty one."""
    mask = len(new_keys) - 1
    for old in range(len(keys)):
        if keys[old] != 0:
            slot = np.int64(keys[old] >> np.uint64(7)) & mask
            while new_keys[slot] != 0:
                slot = (slot + 1) & mask
            new_keys[slot] = keys[old]
            new_numbers[slot] = numbers[old]
