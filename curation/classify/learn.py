"""Training a fastText classifier: linear, deterministic, without a compiler.

The model and its training are those of Joulin et al. 2016, "Bag of Tricks", arXiv:1607.01759: the average of word and
word n-gram vectors, a softmax, plain stochastic gradient descent with a rate that falls to zero. Unlike fastText it
shuffles, and n-grams begin at zero rather than at random, so that one never seen says nothing.
"""

import math
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .fasttext_file import END_OF_LINE, SOFTMAX, Network, dump, hash_word
from .forward import END_SIGNED, NGRAM, hash_bytes, is_space, signed


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a classifier is trained; the same settings and texts give the same bytes.

    `least_count`: how often a word must occur in the training rows to have a vector of its own.
    """

    epochs: int = 25
    rate: float = 0.3
    dim: int = 8
    word_ngrams: int = 2
    buckets: int = 1 << 16
    least_count: int = 2
    seed: int = 1

    def __post_init__(self) -> None:
        whole = {name: getattr(self, name) for name in ("epochs", "dim", "word_ngrams", "least_count")}
        if wrong := [name for name, value in whole.items() if value < 1]:
            raise ValueError(f"{', '.join(wrong)} must be 1 or more")
        if self.dim > 512 or self.word_ngrams > 5 or not 0 <= self.buckets <= 1 << 24 or not 0 < self.rate <= 5:
            raise ValueError("a classifier has up to 512 dimensions, 5 words in a row, 2^24 buckets and a rate up to 5")
        if self.word_ngrams > 1 and not self.buckets:
            raise ValueError("word n-grams need buckets")


USUAL = Settings()


def learn(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    targets: NDArray[np.int64],
    labels: tuple[str, ...],
    settings: Settings,
) -> bytes:
    """A fastText .bin trained on prepared texts, text i having the label `labels[targets[i]]`.

    Raises:
        ValueError: a label has no text.
    """
    of_label = np.bincount(targets, minlength=len(labels))
    if not of_label.all():
        raise ValueError(f"no text to learn {', '.join(labels[n] for n in np.flatnonzero(of_label == 0))} from")
    words = vocabulary(data, offsets, settings.least_count)
    hashes = np.array([hash_word(np.frombuffer(word, np.uint8)) for word, _ in words], dtype=np.uint64)
    order = np.argsort(hashes, kind="stable")
    buckets = settings.buckets if settings.word_ngrams > 1 else 0
    runs = settings.word_ngrams if buckets else 1
    end_row = next(row for row, (word, _) in enumerate(words) if word == END_OF_LINE)
    rows, starts = features(data, offsets, hashes[order], order.astype(np.int32), len(words), runs, buckets, end_row)
    vectors = np.zeros((len(words) + buckets, settings.dim), dtype=np.float32)
    _randomise(vectors[: len(words)], np.uint64(settings.seed))
    output = np.zeros((len(labels), settings.dim), dtype=np.float32)
    _descend(rows, starts, targets, vectors, output, settings.epochs, settings.rate, np.uint64(settings.seed))
    network = Network(
        labels=labels,
        vectors=vectors,
        words=hashes[order],
        word_rows=order.astype(np.int32),
        buckets=np.arange(len(words), len(words) + buckets, dtype=np.int32),
        lengths=(0, 0),
        word_ngrams=runs,
        end_row=end_row,
        output=output,
        loss=SOFTMAX,
        children=np.zeros((0, 2), dtype=np.int32),
    )
    return dump(network, words, [int(count) for count in of_label], settings.epochs)


def vocabulary(data: NDArray[np.uint8], offsets: NDArray[np.int64], least: int) -> list[tuple[bytes, int]]:
    """The words that occur `least` times or more with their counts, most frequent first, then by their bytes.

    The end of a line counts once for each text and is always there.
    """
    counts: Counter[bytes] = Counter()
    whole = data.tobytes().replace(b"\0", b" ")  # bytes.split ends words where fastText does, but for NUL
    for begin, end in pairwise(offsets.tolist()):
        counts.update(whole[begin:end].split())
    counts[END_OF_LINE] += offsets.size - 1
    kept = [(word, count) for word, count in counts.items() if count >= least or word == END_OF_LINE]
    return sorted(kept, key=lambda entry: (-entry[1], entry[0]))


@njit(cache=True, nogil=True)
def features(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    words: NDArray[np.uint64],
    word_rows: NDArray[np.int32],
    first_bucket: int,
    runs: int,
    buckets: int,
    end_row: int,
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The rows that are averaged for each text: rows[starts[i]:starts[i + 1]] are those of text i."""
    ends = 0
    for at in range(offsets[0], offsets[-1]):
        ends += is_space(data[at]) and not (at > offsets[0] and is_space(data[at - 1]))
    rows = np.empty((ends + 2 * offsets.size) * runs, dtype=np.int32)
    starts = np.zeros(offsets.size, dtype=np.int64)
    recent = np.zeros(max(runs - 1, 1), dtype=np.uint64)
    to = 0
    for t in range(offsets.size - 1):
        opened, at, stop = 0, offsets[t], offsets[t + 1]
        while at <= stop:
            begin = at
            while at < stop and not is_space(data[at]):
                at += 1
            if at > begin or at == stop:
                row, hashed = end_row, np.uint64(END_SIGNED)
                if at > begin:
                    word = data[begin:at]
                    key = hash_word(word)
                    place = np.searchsorted(words, key)
                    row = int(word_rows[place]) if place < words.size and words[place] == key else -1
                    hashed = signed(hash_bytes(word))
                if row >= 0:
                    rows[to] = row
                    to += 1
                for n in range(opened):
                    recent[n] = recent[n] * np.uint64(NGRAM) + hashed
                    rows[to] = first_bucket + int(recent[n] % np.uint64(buckets))
                    to += 1
                for n in range(recent.size - 1, 0, -1):
                    recent[n] = recent[n - 1]
                recent[0] = hashed
                opened = min(opened + 1, runs - 1)
                if at == begin:
                    break  # that was the end of the line
            if at < stop:
                at += 1
        starts[t + 1] = to
    return rows[:to], starts


@njit(cache=True, nogil=True)
def _mixed(x: np.uint64) -> np.uint64:
    """SplitMix64: the numbers of a seed, the same in every release of every library."""
    x = (x + np.uint64(0x9E3779B97F4A7C15)) & np.uint64(0xFFFFFFFFFFFFFFFF)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@njit(cache=True, nogil=True)
def exponential(x: float) -> float:
    """e to the power of `x`, at most 0, the same to the last bit on every machine; libraries differ there.

    Cody and Waite's reduction to half of ln 2, then the series to its 13th term; within 2 units in the last place.
    """
    if x < -700.0:
        return 0.0
    n = math.floor(x * 1.4426950408889634 + 0.5)
    r = x - n * 0.693145751953125 - n * 1.4286068203094173e-06
    total = 1.0
    for term in range(13, 0, -1):
        total = 1.0 + total * r / term
    return math.ldexp(total, int(n))


@njit(cache=True, nogil=True)
def _randomise(vectors: NDArray[np.float32], seed: np.uint64) -> None:
    """Fill with numbers between -1/dim and 1/dim."""
    state = _mixed(seed)
    for row in range(vectors.shape[0]):
        for d in range(vectors.shape[1]):
            state = _mixed(state)
            unit = float(state >> np.uint64(11)) / 9007199254740992.0
            vectors[row, d] = (2.0 * unit - 1.0) / vectors.shape[1]


@njit(cache=True, nogil=True)
def _descend(
    rows: NDArray[np.int32],
    starts: NDArray[np.int64],
    targets: NDArray[np.int64],
    vectors: NDArray[np.float32],
    output: NDArray[np.float32],
    epochs: int,
    rate: float,
    seed: np.uint64,
) -> None:
    """Gradient steps over all texts, `epochs` times, each time in another order; changes `vectors` and `output`."""
    texts, dim, labels = targets.size, vectors.shape[1], output.shape[0]
    order = np.arange(texts)
    mean, back, chance = np.empty(dim), np.empty(dim), np.empty(labels)
    state = _mixed(seed ^ np.uint64(texts))
    for epoch in range(epochs):
        for n in range(texts - 1, 0, -1):
            state = _mixed(state)
            other = int(state % np.uint64(n + 1))
            order[n], order[other] = order[other], order[n]
        for n in range(texts):
            t = order[n]
            begin, end = starts[t], starts[t + 1]
            step = rate * (1.0 - (epoch * texts + n) / (epochs * texts))
            mean[:] = 0.0
            for at in range(begin, end):
                for d in range(dim):
                    mean[d] += vectors[rows[at], d]
            mean /= end - begin
            for label in range(labels):
                chance[label] = 0.0
                for d in range(dim):
                    chance[label] += mean[d] * output[label, d]
            highest, total = chance.max(), 0.0
            for label in range(labels):
                chance[label] = exponential(chance[label] - highest)
                total += chance[label]
            back[:] = 0.0
            for label in range(labels):
                alpha = step * ((1.0 if label == targets[t] else 0.0) - chance[label] / total)
                for d in range(dim):
                    back[d] += alpha * output[label, d]
                    output[label, d] += alpha * mean[d]
            back /= end - begin
            for at in range(begin, end):
                for d in range(dim):
                    vectors[rows[at], d] += back[d]
