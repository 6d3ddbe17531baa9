"""MinHash sketches: what two documents share with a probability that follows the similarity of their shingle sets."""

import numpy as np
import numpy.typing as npt
from numba import njit

from .normalise import Bytes, Starts
from .shingles import Hashes, Offsets, hash_shingles, hash_words, mix, room

Lanes = npt.NDArray[np.uint32]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FOLD = np.uint64(0x9FB21C651E98DF25)
_HALF = np.uint64(32)
_LARGEST = np.uint32(0xFFFFFFFF)


@njit(cache=True, nogil=True)
def _lane(shingle: np.uint64) -> np.uint32:
    return np.uint32(shingle >> _HALF)


@njit(cache=True, nogil=True)
def _sketch(shingles: Hashes, multipliers: Lanes, addends: Lanes, least: Lanes, out: Hashes) -> None:
    """The band hashes of one set, into `out`, shape (bands,). Repeated shingles change nothing.

    Permutation j of the upper 32 bits of a shingle x is `multipliers[j] * x + addends[j]`; a band hash covers the
    minima of its permutations and its own number. Two shingles of a set of a million agree in 32 bits at about 100
    places, which is far below the error of the sketch.
    """
    least[:] = _LARGEST
    last = len(shingles) - 1
    # Eight shingles against all permutations at a time: no sum across lanes at the end, and few loads and stores.
    for at in range(0, len(shingles), 8):
        a, b = _lane(shingles[at]), _lane(shingles[min(at + 1, last)])
        c, d = _lane(shingles[min(at + 2, last)]), _lane(shingles[min(at + 3, last)])
        e, f = _lane(shingles[min(at + 4, last)]), _lane(shingles[min(at + 5, last)])
        g, h = _lane(shingles[min(at + 6, last)]), _lane(shingles[min(at + 7, last)])
        for j in range(len(least)):
            times, plus = multipliers[j], addends[j]
            one = min(np.uint32(times * a + plus), np.uint32(times * b + plus))
            two = min(np.uint32(times * c + plus), np.uint32(times * d + plus))
            three = min(np.uint32(times * e + plus), np.uint32(times * f + plus))
            four = min(np.uint32(times * g + plus), np.uint32(times * h + plus))
            least[j] = min(least[j], min(min(one, two), min(three, four)))
    rows = len(least) // len(out)
    for band in range(len(out)):
        value = np.uint64(band + 1) * _GOLDEN
        for row in range(band * rows, band * rows + rows):
            value = mix(value ^ np.uint64(least[row])) * _FOLD
        out[band] = value


@njit(cache=True, nogil=True)
def sign(
    data: Bytes,
    offsets: Offsets,
    kinds: Bytes,
    starts: Starts,
    mapped: Bytes,
    n: int,
    multipliers: Lanes,
    addends: Lanes,
    bands: int,
) -> tuple[Hashes, Offsets]:
    """MinHash band hashes of every document, shape (documents, bands), and their shingle counts, repeats included.

    A document without words has the count 0 and no meaningful hashes.
    """
    documents = len(offsets) - 1
    hashes = np.zeros((documents, bands), np.uint64)
    counts = np.zeros(documents, np.int64)
    words = np.empty(room(offsets), np.uint64)
    least = np.empty(len(multipliers), np.uint32)
    for document in range(documents):
        count = hash_words(data, offsets[document], offsets[document + 1], kinds, starts, mapped, words)
        count = hash_shingles(words, count, n)
        counts[document] = count
        if count:
            _sketch(words[:count], multipliers, addends, least, hashes[document])
    return hashes, counts


@njit(cache=True, nogil=True)
def sign_sets(bounds: Offsets, values: Hashes, multipliers: Lanes, addends: Lanes, bands: int) -> Hashes:
    """The band hashes that `sign` gives the documents with these sets, shape (documents, bands)."""
    hashes = np.zeros((len(bounds) - 1, bands), np.uint64)
    least = np.empty(len(multipliers), np.uint32)
    for document in range(len(hashes)):
        if bounds[document + 1] > bounds[document]:
            shingles = values[bounds[document] : bounds[document + 1]]
            _sketch(shingles, multipliers, addends, least, hashes[document])
    return hashes


def permutations(count: int, seed: int) -> tuple[Lanes, Lanes]:
    """Odd multipliers and addends of `count` permutations, by splitmix64 from `seed`; the same on every NumPy."""
    state = np.arange(1, 2 * count + 1, dtype=np.uint64) * _GOLDEN + np.uint64(seed % 2**64)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    state ^= state >> np.uint64(31)
    lanes = (state >> _HALF).astype(np.uint32)
    return lanes[:count] | np.uint32(1), lanes[count:]


def collision_probability(jaccard: float, bands: int, rows: int) -> float:
    """Chance that two sets share a band (Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, section 3.4.2)."""
    return 1 - (1 - jaccard**rows) ** bands
