"""Which texts have a near-duplicate among the others: MinHash to find pairs, the sets of n-grams to be sure."""

import numpy as np
import numpy.typing as npt

from .grams import Codes, Places, Words

BANDS, WIDTH = 32, 3  # a pair of Jaccard index 0.5 is compared with chance 0.986, one of 0.6 with 0.9996
LAGS = 3  # neighbours in a bucket that a text is compared with
CHUNK = 1 << 20  # n-grams at a time

Pairs = npt.NDArray[np.int64]  # of shape (pairs, 2)


def alike(sets: Words, threshold: float) -> tuple[npt.NDArray[np.bool_], Pairs]:
    """Whether each text has another of Jaccard index `threshold` or more, and one pair for each text that has.

    Texts without n-grams have none. Broder 1997, "On the resemblance and containment of documents"; pairs are verified
    on the sets, so nothing is found that is not there, and a few pairs near the threshold are missed.
    """
    sizes = np.diff(sets.offsets)
    found = np.zeros(sizes.size, dtype=bool)
    pairs: list[Pairs] = []
    keys = _signatures(sets, sizes)
    filled = np.flatnonzero(sizes)
    for band in range(keys.shape[1]):
        order = filled[np.lexsort((filled, keys[filled, band]))]
        for lag in range(1, LAGS + 1):
            one, other = order[:-lag], order[lag:]
            same = (keys[one, band] == keys[other, band]) & ~(found[one] & found[other])
            least, most = np.minimum(sizes[one], sizes[other]), np.maximum(sizes[one], sizes[other])
            same &= least >= threshold * most
            one, other = one[same], other[same]
            for first in range(0, one.size, 4096):
                some = slice(first, first + 4096)
                sure = _jaccard(sets, one[some], other[some]) >= threshold
                new = np.stack([one[some][sure], other[some][sure]], axis=1)
                pairs.append(new[~(found[new[:, 0]] & found[new[:, 1]])])
                found[new.ravel()] = True
    return found, np.concatenate(pairs) if pairs else np.empty((0, 2), dtype=np.int64)


def _signatures(sets: Words, sizes: Places) -> Codes:
    """One key per text and band, of shape (texts, BANDS); texts without n-grams have 0."""
    keys = np.zeros((sizes.size, BANDS), dtype=np.uint64)
    generator = np.random.RandomState(20260101)  # its stream is frozen for ever, unlike Generator's
    seeds = generator.randint(0, 1 << 32, size=(2, BANDS * WIDTH), dtype=np.uint64)
    odd = (seeds[0] << np.uint64(32) | seeds[1]) | np.uint64(1)
    filled = np.flatnonzero(sizes)
    first = 0
    while first < filled.size:
        start = sets.offsets[filled[first]]
        last = max(int(np.searchsorted(sets.offsets[filled + 1], start + CHUNK, side="right")), first + 1)
        some = filled[first:last]
        codes = sets.codes[start : sets.offsets[some[-1] + 1]]
        places = sets.offsets[some] - start
        for hashed in range(BANDS * WIDTH):
            mixed = (codes ^ seeds[1][hashed]) * odd[hashed]
            mixed ^= mixed >> np.uint64(31)
            least = np.minimum.reduceat(mixed, places)
            keys[some, hashed // WIDTH] = keys[some, hashed // WIDTH] * odd[0] + least
        first = last
    return keys


def _jaccard(sets: Words, one: Places, other: Places) -> npt.NDArray[np.float64]:
    """The Jaccard index of each pair of texts."""
    if not one.size:
        return np.empty(0)
    sizes = np.diff(sets.offsets)
    codes, owners = [], []
    for side in (one, other):
        many = sizes[side]
        place = np.repeat(sets.offsets[side] - np.concatenate([[0], np.cumsum(many)[:-1]]), many)
        codes.append(sets.codes[place + np.arange(place.size)])
        owners.append(np.repeat(np.arange(side.size), many))
    both, pair = np.concatenate(codes), np.concatenate(owners)
    order = np.lexsort((both, pair))
    both, pair = both[order], pair[order]
    twice = (both[1:] == both[:-1]) & (pair[1:] == pair[:-1])
    shared = np.bincount(pair[1:][twice], minlength=one.size)
    return np.asarray(shared / (sizes[one] + sizes[other] - shared))
