"""MinHash sketches: what two documents share with a probability that follows the similarity of their shingle sets."""

import numpy as np
from numba import njit

from .normalise import Bytes, Starts
from .shingles import Hashes, Offsets, hash_shingles, hash_words, mix, room

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FOLD = np.uint64(0x9FB21C651E98DF25)
_LARGEST = np.uint64(0xFFFFFFFFFFFFFFFF)


@njit(cache=True, nogil=True)
def _sketch(shingles: Hashes, multipliers: Hashes, addends: Hashes, out: Hashes) -> None:
    """The band hashes of one set, into `out`, shape (bands,). Repeated shingles change nothing.

    Permutation j of a shingle x is `multipliers[j] * x + addends[j]`; a band hash covers the minima of its permutations
    and its own number.
    """
    rows = len(multipliers) // len(out)
    for band in range(len(out)):
        value = np.uint64(band + 1) * _GOLDEN
        for row in range(band * rows, band * rows + rows):
            multiplier, addend, smallest = multipliers[row], addends[row], _LARGEST
            for at in range(len(shingles)):
                smallest = min(smallest, multiplier * shingles[at] + addend)
            value = mix(value ^ smallest) * _FOLD
        out[band] = value


@njit(cache=True, nogil=True)
def sign(
    data: Bytes,
    offsets: Offsets,
    kinds: Bytes,
    starts: Starts,
    mapped: Bytes,
    n: int,
    multipliers: Hashes,
    addends: Hashes,
    bands: int,
) -> tuple[Hashes, Offsets]:
    """MinHash band hashes of every document, shape (documents, bands), and their shingle counts, repeats included.

    A document without words has the count 0 and no meaningful hashes.
    """
    documents = len(offsets) - 1
    hashes = np.zeros((documents, bands), np.uint64)
    counts = np.zeros(documents, np.int64)
    words = np.empty(room(offsets), np.uint64)
    for document in range(documents):
        count = hash_words(data, offsets[document], offsets[document + 1], kinds, starts, mapped, words)
        count = hash_shingles(words, count, n)
        counts[document] = count
        if count:
            _sketch(words[:count], multipliers, addends, hashes[document])
    return hashes, counts


@njit(cache=True, nogil=True)
def sign_sets(bounds: Offsets, values: Hashes, multipliers: Hashes, addends: Hashes, bands: int) -> Hashes:
    """The band hashes that `sign` gives the documents with these sets, shape (documents, bands)."""
    hashes = np.zeros((len(bounds) - 1, bands), np.uint64)
    for document in range(len(hashes)):
        if bounds[document + 1] > bounds[document]:
            _sketch(values[bounds[document] : bounds[document + 1]], multipliers, addends, hashes[document])
    return hashes


def permutations(count: int, seed: int) -> tuple[Hashes, Hashes]:
    """Odd multipliers and addends of `count` permutations, by splitmix64 from `seed`; the same on every NumPy."""
    state = np.arange(1, 2 * count + 1, dtype=np.uint64) * _GOLDEN + np.uint64(seed % 2**64)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    state ^= state >> np.uint64(31)
    return state[:count] | np.uint64(1), state[count:]


def collision_probability(jaccard: float, bands: int, rows: int) -> float:
    """Chance that two sets share a band (Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, section 3.4.2)."""
    return 1 - (1 - jaccard**rows) ** bands
