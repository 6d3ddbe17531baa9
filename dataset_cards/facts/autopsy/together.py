"""One small model that never reads an answer: how far all rules get together, measured on prompts it has not seen."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .keys import Hashes
from .shares import Shares, cluster_of

Floats = npt.NDArray[np.float64]

FOLDS = 5
RIDGE = 1.0  # on features of unit size
ROUNDS = 30


def together(names: Sequence[str], gaps: Floats, prompts: Hashes) -> dict[str, Any]:
    """How often a logistic regression over the `gaps` picks the chosen answer, cross-validated by prompt.

    Args:
        names: of the features.
        gaps: (n, features), each by how much the chosen answer has more; counts as the difference of log(1 + count), so
            that twice as long counts the same at every length.
        prompts: (n,); all pairs of one prompt are in one of the FOLDS.

    Returns:
        `pairs`, `folds`, `right`, `wrong`, `share`, `sure`, and `weights` of features of unit size, fitted to all.
    """
    fold = mixed_fold(prompts)
    shares = Shares(1)
    for held in range(FOLDS):
        train, test = fold != held, fold == held
        if train.any() and test.any():
            weights, sizes = fitted(gaps[train])
            # Rounded, so that a score of nought is nought on every machine.
            score = np.round(gaps[test] / sizes @ weights, 9)
            shares.add(0, cluster_of(prompts[test]), score)
    weights, _ = fitted(gaps)
    order = sorted(range(len(names)), key=lambda n: (-abs(weights[n]), n))
    told = {names[n]: round(float(weights[n]), 3) + 0.0 for n in order if round(float(weights[n]), 3)}
    return {"pairs": len(gaps), "folds": FOLDS, **shares.json(0), "weights": told}


def mixed_fold(prompts: Hashes) -> npt.NDArray[np.int64]:
    """The fold of each prompt, by its lowest bits, which say nothing of its cluster."""
    return (prompts % np.uint64(FOLDS)).astype(np.int64)


def fitted(gaps: Floats) -> tuple[Floats, Floats]:
    """Weights of a ridge logistic regression under which the chosen answers win, and the features' sizes; by Newton.

    There is no constant: a rule that prefers the chosen answer whatever it looks like would be no rule.
    """
    sizes = np.sqrt((gaps**2).mean(axis=0)) if len(gaps) else np.ones(gaps.shape[1])
    sizes = np.where(sizes > 0, sizes, 1.0)
    scaled = gaps / sizes
    weights = np.zeros(gaps.shape[1])
    for _ in range(ROUNDS):
        chance = 1 / (1 + np.exp(-np.clip(scaled @ weights, -30, 30)))
        slope = scaled.T @ (1 - chance) - RIDGE * weights
        bend = (scaled * (chance * (1 - chance))[:, None]).T @ scaled + RIDGE * np.eye(len(weights))
        step = np.linalg.solve(bend, slope)
        weights = weights + step
        if np.abs(step).max(initial=0.0) < 1e-10:
            break
    return weights, sizes
