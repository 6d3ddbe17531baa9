"""Long texts in windows of words, so that a few sentences are not lost in an average over thousands of words."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .forward import is_space


def highest(scores: NDArray[np.float64], firsts: NDArray[np.int64]) -> NDArray[np.float64]:
    """The highest score among the windows firsts[i] to firsts[i + 1] of each text; every text has one or more."""
    return np.maximum.reduceat(scores, firsts[:-1]) if firsts.size > 1 else np.zeros(0)


@njit(cache=True, nogil=True)
def windows(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], words: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where windows begin (one more than there are, adjacent) and the first window of each text (one more than texts).

    A text of fewer than twice `words` words is one window; a longer one is cut into as many windows of nearly equal
    length as have `words` words or more.
    """
    texts = offsets.size - 1
    firsts = np.zeros(texts + 1, dtype=np.int64)
    counts = np.zeros(texts, dtype=np.int64)
    for t in range(texts):
        for at in range(offsets[t], offsets[t + 1]):
            if not is_space(data[at]) and (at == offsets[t] or is_space(data[at - 1])):
                counts[t] += 1
        firsts[t + 1] = firsts[t] + max(1, counts[t] // words)
    begins = np.empty(firsts[texts] + 1, dtype=np.int64)
    begins[-1] = offsets[texts]
    for t in range(texts):
        parts = firsts[t + 1] - firsts[t]
        part, word = 1, 0
        begins[firsts[t]] = offsets[t]
        for at in range(offsets[t], offsets[t + 1]):
            if not is_space(data[at]) and (at == offsets[t] or is_space(data[at - 1])):
                if part < parts and word == part * counts[t] // parts:
                    begins[firsts[t] + part] = at
                    part += 1
                word += 1
    return begins, firsts
