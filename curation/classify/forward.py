"""What a fastText classifier says of columns of text: the same probabilities as fastText, no call per document.

fastText averages one vector for every word, character n-gram and word n-gram of a text. The sum of a word and its
character n-grams never changes, so here each distinct word of a batch is worked out once.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .fasttext_file import HASH_START, HIERARCHICAL_SOFTMAX, SOFTMAX, Network, hash_end, hash_on

MAX_SLOTS = 1 << 16  # words remembered in one call: 8 MB at 16 dimensions
SLOT_BYTES = 1 << 25  # and fewer where vectors are long
NGRAM = 116049371  # of fastText's hash of word n-grams
END_SIGNED = (3617362777 - (1 << 32)) % (1 << 64)  # `signed(hash_bytes(b"</s>"))`


def means(
    network: Network, data: NDArray[np.uint8], offsets: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The average vector of each text, shape (texts, dim), and how many words it has.

    Text i is `data[offsets[i]:offsets[i + 1]]`; words are separated by what fastText takes for whitespace, a newline
    too. What looks like fastText's own marks (`</s>`, `__label__x`) is a word: no text can hide words behind them.
    """
    return _means(
        data,
        offsets,
        _slots(data.size, network.vectors.shape[1]),
        network.vectors,
        network.words,
        network.word_rows,
        network.buckets,
        network.lengths,
        network.word_ngrams,
        network.end_row,
    )


def probabilities(network: Network, data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> NDArray[np.float64]:
    """The probability of each label for each text, shape (texts, labels); NaN for a text without a word.

    fastText adds 0.00001 to each probability to keep its logarithm finite; here it is left out.
    """
    mean, words = means(network, data, offsets)
    if network.loss == HIERARCHICAL_SOFTMAX:
        found = _leaves(mean, network.output, network.children)
    else:
        dots = _dots(mean, network.output)
        found = _softmax(dots) if network.loss == SOFTMAX else _sigmoid(dots)
    found[words == 0] = np.nan
    return found


def _slots(size: int, dim: int) -> int:
    """Room for the distinct words of `size` bytes: a power of two."""
    most = min(MAX_SLOTS, max(64, 1 << int(SLOT_BYTES // (8 * dim)).bit_length() - 1))
    return min(most, max(64, 1 << int(size // 8).bit_length()))


@njit(cache=True, nogil=True, inline="always")
def is_space(byte: int) -> bool:
    return byte <= 32 and (byte == 32 or (9 <= byte <= 13) or byte == 0)


@njit(cache=True, nogil=True)
def hash_bytes(word: NDArray[np.uint8]) -> np.uint32:
    """fastText's hash of a word: FNV-1a of 32 bits that takes bytes as signed."""
    h = np.uint32(2166136261)
    for byte in word:
        spread = np.uint32(byte) if byte < 128 else np.uint32(byte) | np.uint32(0xFFFFFF00)
        h = np.uint32((h ^ spread) * np.uint32(16777619))
    return h


@njit(cache=True, nogil=True, inline="always")
def signed(h: np.uint32) -> np.uint64:
    """fastText keeps hashes of words as signed 32-bit numbers and widens them with their sign."""
    return np.uint64(np.int64(np.int32(h)))


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
    if lengths[1] == 0 or buckets.size == 0:
        return added
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
def _means(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    slots: int,
    vectors: NDArray[np.float32],
    words: NDArray[np.uint64],
    word_rows: NDArray[np.int32],
    buckets: NDArray[np.int32],
    lengths: tuple[int, int],
    word_ngrams: int,
    end_row: int,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    texts, dim = offsets.size - 1, vectors.shape[1]
    mean, found = np.zeros((texts, dim), dtype=np.float64), np.zeros(texts, dtype=np.int64)
    seen = np.zeros(slots, dtype=np.uint64)
    hashes = np.zeros(slots, dtype=np.uint64)
    sums = np.zeros((slots, dim), dtype=np.float64)
    counts = np.zeros(slots, dtype=np.int64)
    runs = np.zeros(max(word_ngrams - 1, 1), dtype=np.uint64)  # hashes of the word n-grams that the next word extends
    n_buckets = np.uint64(max(buckets.size, 1))
    long_runs = word_ngrams > 1 and buckets.size > 0
    total = np.empty(dim, dtype=np.float64)
    for t in range(texts):
        total[:] = 0.0
        added = 0
        if end_row >= 0:
            total[:] = vectors[end_row]
            added = 1
        open_runs = 0
        at, stop = offsets[t], offsets[t + 1]
        while at < stop:
            if is_space(data[at]):
                at += 1
                continue
            begin = at
            key = HASH_START
            while at < stop and not is_space(data[at]):
                key = hash_on(key, data[at])
                at += 1
            key = hash_end(key)
            slot = int(key & np.uint64(slots - 1))
            if seen[slot] != key:
                # A newcomer takes the slot: frequent words come back, and the sums do not depend on who was here.
                word = data[begin:at]
                row = np.searchsorted(words, key)
                own = int(word_rows[row]) if row < words.size and words[row] == key else -1
                sums[slot] = 0.0
                is_end = own >= 0 and own == end_row
                counts[slot] = 0 if is_end else _add_word(word, own, sums[slot], vectors, buckets, lengths)
                hashes[slot] = signed(hash_bytes(word))
                seen[slot] = key
            for d in range(dim):
                total[d] += sums[slot, d]
            added += counts[slot]
            found[t] += 1
            if long_runs:
                added += _extend(runs, open_runs, hashes[slot], n_buckets, buckets, vectors, total)
                open_runs = min(open_runs + 1, runs.size)
        if long_runs and found[t] > 0:
            # The end of the line is the last word of a text.
            added += _extend(runs, open_runs, np.uint64(END_SIGNED), n_buckets, buckets, vectors, total)
        if added > 0:
            mean[t] = total / added
        else:
            found[t] = 0
    return mean, found


@njit(cache=True, nogil=True)
def _extend(
    runs: NDArray[np.uint64],
    open_runs: int,
    word: np.uint64,
    n_buckets: np.uint64,
    buckets: NDArray[np.int32],
    vectors: NDArray[np.float32],
    total: NDArray[np.float64],
) -> int:
    """Add the vectors of the n-grams that `word` ends to `total`, and let it begin one; `runs` has the latest first."""
    added = 0
    for n in range(open_runs):
        runs[n] = runs[n] * np.uint64(NGRAM) + word
        even = n_buckets & (n_buckets - np.uint64(1)) == 0  # a division is what costs here
        row = buckets[int(runs[n] & (n_buckets - np.uint64(1)) if even else runs[n] % n_buckets)]
        if row >= 0:
            for d in range(total.size):
                total[d] += vectors[row, d]
            added += 1
    for n in range(runs.size - 1, 0, -1):
        runs[n] = runs[n - 1]
    runs[0] = word
    return added


@njit(cache=True, nogil=True)
def _dots(mean: NDArray[np.float64], output: NDArray[np.float32]) -> NDArray[np.float64]:
    """Products of every text with every label, summed in one fixed order: a matrix product would go by its shape."""
    dots = np.zeros((mean.shape[0], output.shape[0]), dtype=np.float64)
    for t in range(mean.shape[0]):
        for label in range(output.shape[0]):
            for d in range(mean.shape[1]):
                dots[t, label] += mean[t, d] * output[label, d]
    return dots


@njit(cache=True, nogil=True)
def _softmax(dots: NDArray[np.float64]) -> NDArray[np.float64]:
    found = np.empty_like(dots)
    for t in range(dots.shape[0]):
        highest, total = dots[t].max(), 0.0
        for label in range(dots.shape[1]):
            found[t, label] = math.exp(dots[t, label] - highest)
            total += found[t, label]
        for label in range(dots.shape[1]):
            found[t, label] /= total
    return found


@njit(cache=True, nogil=True)
def _sigmoid(dots: NDArray[np.float64]) -> NDArray[np.float64]:
    """One probability for each label alone. fastText looks them up in a table of 32 steps a unit, from -8 to 8."""
    found = np.empty_like(dots)
    for t in range(dots.shape[0]):
        for label in range(dots.shape[1]):
            x = dots[t, label]
            if x < -8.0:
                found[t, label] = 0.0
            elif x > 8.0:
                found[t, label] = 1.0
            else:
                found[t, label] = 1.0 / (1.0 + math.exp(8.0 - math.floor((x + 8.0) * 32.0) / 32.0))
    return found


@njit(cache=True, nogil=True)
def _leaves(mean: NDArray[np.float64], nodes: NDArray[np.float32], children: NDArray[np.int32]) -> NDArray[np.float64]:
    """The probability of each leaf of the softmax tree, for each text."""
    labels = nodes.shape[0] + 1
    found = np.zeros((mean.shape[0], labels), dtype=np.float64)
    reached = np.zeros(2 * labels - 1, dtype=np.float64)
    for t in range(mean.shape[0]):
        reached[2 * labels - 2] = 1.0
        for node in range(labels - 2, -1, -1):  # parents come after their children
            dot = 0.0
            for d in range(mean.shape[1]):
                dot += mean[t, d] * nodes[node, d]
            right = 1.0 / (1.0 + math.exp(-dot))
            reached[children[node, 0]] = reached[labels + node] * (1.0 - right)
            reached[children[node, 1]] = reached[labels + node] * right
        found[t] = reached[:labels]
    return found
