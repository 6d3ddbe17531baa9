"""fastText's language identifier over columns of text: the same model and answers, no call per document.

fastText sums one vector for every word and character n-gram of a text. The sum of a word never changes, so here each
distinct word of a batch is worked out once. Joulin et al. 2016, "Bag of Tricks", arXiv:1607.01759.
"""

import math

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray

from .lid_model import hash_word, packaged
from .words import buffers

MAX_SLOTS = 1 << 16  # words remembered in one call: 8 MB


def identify(text: pl.Series) -> tuple[pl.Series, pl.Series]:
    """The likeliest language of each text and its probability (0 to 1); null and 0 where the text has no word."""
    model = packaged()
    data, offsets = buffers(text)
    best, probability = _identify(
        data,
        offsets,
        _slots(data.size),
        model.vectors,
        model.words,
        model.word_rows,
        model.buckets,
        model.lengths,
        model.end_row,
        model.nodes,
        model.children,
    )
    found = pl.Series("row", best).replace(-1, None)
    return pl.Series("language", list(model.languages)).gather(found), pl.Series("score", probability)


def _slots(size: int) -> int:
    """Room for the distinct words of `size` bytes: a power of two."""
    return min(MAX_SLOTS, max(64, 1 << int(size // 8).bit_length()))


@njit(cache=True, nogil=True, inline="always")
def _is_space(byte: int) -> bool:
    return byte == 32 or (9 <= byte <= 13) or byte == 0


@njit(cache=True, nogil=True)
def _add_word(
    word: NDArray[np.uint8],
    row: int,
    total: NDArray[np.float64],
    vectors: NDArray[np.float32],
    buckets: NDArray[np.int32],
    lengths: tuple[int, int],
) -> int:
    """Add the vectors of a word and of its character n-grams to `total`; how many were added."""
    added = 0
    if row >= 0:
        for d in range(total.size):
            total[d] += vectors[row, d]
        added = 1
    size = word.size + 2  # the word between "<" and ">"
    for begin in range(size):
        first = _marked(word, begin)
        if first & 0xC0 == 0x80:
            continue
        h = np.uint32(2166136261)
        end, length = begin, 1
        while end < size and length <= lengths[1]:
            while True:
                byte = _marked(word, end)
                # fastText's hash takes bytes as signed.
                spread = np.uint32(byte) if byte < 128 else np.uint32(byte) | np.uint32(0xFFFFFF00)
                h = np.uint32((h ^ spread) * np.uint32(16777619))
                end += 1
                if end >= size or _marked(word, end) & 0xC0 != 0x80:
                    break
            if length >= lengths[0] and not (length == 1 and (begin == 0 or end == size)):
                gram = buckets[h % np.uint32(buckets.size)]
                if gram >= 0:
                    for d in range(total.size):
                        total[d] += vectors[gram, d]
                    added += 1
            length += 1
    return added


@njit(cache=True, nogil=True, inline="always")
def _marked(word: NDArray[np.uint8], at: int) -> int:
    """Byte `at` of the word between "<" and ">"."""
    if at == 0:
        return 60
    return 62 if at > word.size else int(word[at - 1])


@njit(cache=True, nogil=True)
def _best_label(
    mean: NDArray[np.float64], nodes: NDArray[np.float32], children: NDArray[np.int32]
) -> tuple[int, float]:
    """The likeliest leaf of the softmax tree and its log-probability."""
    labels = nodes.shape[0] + 1
    stack = np.empty(2 * labels, dtype=np.int64)
    sums = np.empty(2 * labels, dtype=np.float64)
    stack[0], sums[0], height = 2 * labels - 2, 0.0, 1
    best, highest = -1, -np.inf
    while height > 0:
        height -= 1
        node, so_far = stack[height], sums[height]
        if so_far <= highest:
            continue
        if node < labels:
            best, highest = node, so_far
            continue
        dot = 0.0
        for d in range(mean.size):
            dot += mean[d] * nodes[node - labels, d]
        right = 1.0 / (1.0 + math.exp(-dot))
        stack[height], sums[height] = children[node - labels, 1], so_far + math.log(right + 1e-5)
        stack[height + 1], sums[height + 1] = children[node - labels, 0], so_far + math.log(1.0 - right + 1e-5)
        height += 2
    return best, highest


@njit(cache=True, nogil=True)
def _identify(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    slots: int,
    vectors: NDArray[np.float32],
    words: NDArray[np.uint64],
    word_rows: NDArray[np.int32],
    buckets: NDArray[np.int32],
    lengths: tuple[int, int],
    end_row: int,
    nodes: NDArray[np.float32],
    children: NDArray[np.int32],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Label and probability of each text; -1 and 0 where it has no word."""
    texts, dim = offsets.size - 1, vectors.shape[1]
    best, probability = np.full(texts, -1, dtype=np.int64), np.zeros(texts, dtype=np.float64)
    seen = np.zeros(slots, dtype=np.uint64)
    sums = np.zeros((slots, dim), dtype=np.float64)
    counts = np.zeros(slots, dtype=np.int64)
    total = np.empty(dim, dtype=np.float64)
    for t in range(texts):
        total[:] = vectors[end_row]
        added, found = 1, 0
        at, stop = offsets[t], offsets[t + 1]
        while at < stop:
            if _is_space(data[at]):
                at += 1
                continue
            begin = at
            while at < stop and not _is_space(data[at]):
                at += 1
            word = data[begin:at]
            key = hash_word(word)
            slot = int(key & np.uint64(slots - 1))
            if seen[slot] != key:
                # A newcomer takes the slot: frequent words come back, and the sums do not depend on who was here.
                row = np.searchsorted(words, key)
                own = int(word_rows[row]) if row < words.size and words[row] == key else -1
                sums[slot] = 0.0
                counts[slot] = 0 if own == end_row else _add_word(word, own, sums[slot], vectors, buckets, lengths)
                seen[slot] = key
            for d in range(dim):
                total[d] += sums[slot, d]
            added += counts[slot]
            found += 1
        if found > 0:
            best[t], highest = _best_label(total / added, nodes, children)
            probability[t] = math.exp(highest)
    return best, probability
