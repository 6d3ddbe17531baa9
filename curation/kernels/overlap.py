"""How much of each known item a text holds: runs of n words in common, found by hash and compared word by word.

Words are 64-bit hashes in one array, item after item. A window is a run of n words of an item, or all of an item
that has fewer. Arithmetic is modulo 2^64 on `uint64`.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from curation.dedup.normalise import Bytes, Starts
from curation.dedup.shingles import Hashes, Offsets, hash_words, mix, room

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]

_WORD = np.uint64(0x9FB21C651E98DF25)
_LENGTH = np.uint64(0xD1B54A32D192ED03)
_ZERO, _ONE = np.uint64(0), np.uint64(1)
_SIX, _SIXTY_THREE = np.uint64(6), np.uint64(63)


class Index(NamedTuple):
    """Items to look for. About 30 bytes per distinct window, and 8 per word."""

    words: Hashes  # every word of every item
    starts: Offsets  # (items + 1,) where each item begins in `words`
    own: Offsets  # (items,) words that lie in a window that counts
    lengths: Offsets  # the lengths that windows have, ascending
    keys: Hashes  # (windows,) hashes of the distinct windows that count, ascending
    firsts: Offsets  # (windows + 1,) where the places of each window begin in `places`
    places: Offsets  # where windows begin in `words`
    bits: Hashes  # a bit for each value of the top `64 - shift` bits of a hash: whether any key begins like that
    shift: np.uint64


@njit(cache=True, nogil=True)
def hash_texts(data: Bytes, offsets: Offsets, kinds: Bytes, starts: Starts, mapped: Bytes) -> tuple[Hashes, Offsets]:
    """The words of every text, one after the other, and where each text begins among them, shape (texts + 1,)."""
    words = np.empty(room(offsets), np.uint64)
    out = np.empty(1024, np.uint64)
    bounds = np.zeros(len(offsets), np.int64)
    for text in range(len(offsets) - 1):
        count = hash_words(data, offsets[text], offsets[text + 1], kinds, starts, mapped, words)
        at = bounds[text]
        if at + count > len(out):
            more = np.empty(2 * (at + count), np.uint64)
            more[:at] = out[:at]
            out = more
        out[at : at + count] = words[:count]
        bounds[text + 1] = at + count
    return out[: bounds[-1]].copy(), bounds


@njit(cache=True, nogil=True)
def windows(words: Hashes, starts: Offsets, n: int) -> tuple[Hashes, Offsets, Ints]:
    """The hash, place and item of every window, in the order of places. An item without words has none."""
    total = 0
    for item in range(len(starts) - 1):
        count = starts[item + 1] - starts[item]
        total += max(count - n + 1, min(count, 1))
    hashes, places, items = np.empty(total, np.uint64), np.empty(total, np.int64), np.empty(total, np.int32)
    at = 0
    for item in range(len(starts) - 1):
        length = min(n, starts[item + 1] - starts[item])
        if length == 0:
            continue
        for place in range(starts[item], starts[item + 1] - length + 1):
            value = _ZERO
            for word in range(place, place + length):
                value = value * _WORD + words[word]
            hashes[at], places[at], items[at] = mix(value + np.uint64(length) * _LENGTH), place, item
            at += 1
    return hashes, places, items


@njit(cache=True, nogil=True)
def covered(starts: Offsets, n: int, places: Offsets, items: Ints) -> Offsets:
    """Of each item, the words that lie in any of the windows at `places` (ascending, of `items`); shape (items,)."""
    count = np.zeros(len(starts) - 1, np.int64)
    done = np.int64(0)
    for at in range(len(places)):
        item = items[at]
        end = places[at] + min(n, starts[item + 1] - starts[item])
        count[item] += end - max(done, places[at])
        done = end
    return count


@njit(cache=True, nogil=True)
def _find(keys: Hashes, key: np.uint64) -> int:
    """Where `key` is in `keys`, or -1."""
    low, high = 0, len(keys)
    while low < high:
        middle = (low + high) // 2
        if keys[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low if low < len(keys) and keys[low] == key else -1


@njit(cache=True, nogil=True)
def _hits(index: Index, words: Hashes, seen: Ints, stamp: int, hits: Offsets) -> tuple[int, Offsets]:
    """Places of the item windows that are also in `words`, unsorted; their number, and the array, which may grow."""
    found = 0
    for length in index.lengths:
        power = _ONE
        for _ in range(length):
            power *= _WORD
        salt = np.uint64(length) * _LENGTH
        value = _ZERO
        for at in range(len(words)):
            value = value * _WORD + words[at]
            if at >= length:
                value -= words[at - length] * power
            if at < length - 1:
                continue
            key = mix(value + salt)
            top = key >> index.shift
            if (index.bits[np.int64(top >> _SIX)] >> (top & _SIXTY_THREE)) & _ONE == _ZERO:
                continue
            window = _find(index.keys, key)
            if window < 0 or seen[window] == stamp:
                continue
            seen[window] = stamp  # once per text, so that a text which repeats itself costs no more
            first = at - length + 1
            for place in index.places[index.firsts[window] : index.firsts[window + 1]]:
                if (index.words[place : place + length] == words[first : at + 1]).all():
                    if found == len(hits):
                        more = np.empty(2 * found, np.int64)
                        more[:found] = hits
                        hits = more
                    hits[found] = place
                    found += 1
    return found, hits


@njit(cache=True, nogil=True)
def overlaps(
    data: Bytes,
    offsets: Offsets,
    kinds: Bytes,
    starts: Starts,
    mapped: Bytes,
    index: Index,
    n: int,
    min_words: int,
    max_overlap: float,
    found: Bytes,
) -> tuple[Ints, Floats]:
    """The item that each text holds the largest share of (-1: none), and the share of its own words that was found.

    An item of which fewer than `min_words` words were found does not count, unless it has no more. Of equal shares
    the first item is named. Sets `found`, shape (items,), for every item whose share is above `max_overlap` in a text.
    """
    texts = len(offsets) - 1
    best, shares = np.full(texts, -1, np.int32), np.zeros(texts, np.float64)
    words, seen, hits = np.empty(room(offsets), np.uint64), np.zeros(len(index.keys), np.int32), np.empty(64, np.int64)
    for text in range(texts):
        count = hash_words(data, offsets[text], offsets[text + 1], kinds, starts, mapped, words)
        number, hits = _hits(index, words[:count], seen, text + 1, hits)
        places = np.sort(hits[:number])
        at = 0
        while at < number:
            item = np.searchsorted(index.starts, places[at], side="right") - 1
            end = index.starts[item + 1]
            length = min(n, end - index.starts[item])
            common = done = np.int64(0)
            while at < number and places[at] < end:
                common += places[at] + length - max(done, places[at])
                done = places[at] + length
                at += 1
            if common >= min(min_words, index.own[item]):
                share = common / index.own[item]
                if share > shares[text]:
                    best[text], shares[text] = item, share
                if share > max_overlap:
                    found[item] = 1
    return best, shares
