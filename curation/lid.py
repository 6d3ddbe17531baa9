"""fastText's language identifier over columns of text: the same model and answers, no call per document.

Joulin et al. 2016, "Bag of Tricks", arXiv:1607.01759.
"""

import math

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray

from .classify.forward import means
from .lid_model import packaged
from .words import buffers


def identify(text: pl.Series) -> tuple[pl.Series, pl.Series]:
    """The likeliest language of each text and its probability (0 to 1); null and 0 where the text has no word."""
    model = packaged()
    mean, words = means(model, *buffers(text))
    best, probability = _identify(mean, words, model.output, model.children)
    found = pl.Series("row", best).replace(-1, None)
    return pl.Series("language", list(model.labels)).gather(found), pl.Series("score", probability)


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
    means: NDArray[np.float64], words: NDArray[np.int64], nodes: NDArray[np.float32], children: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Label and probability of each text; -1 and 0 where it has no word."""
    best, probability = np.full(words.size, -1, dtype=np.int64), np.zeros(words.size, dtype=np.float64)
    for t in range(words.size):
        if words[t] > 0:
            best[t], highest = _best_label(means[t], nodes, children)
            probability[t] = math.exp(highest)
    return best, probability
