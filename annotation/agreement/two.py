"""Agreement of two people: Cohen's kappa, with or without weights."""

from typing import Literal

import numpy as np
import numpy.typing as npt

from .interval import RESAMPLES, Floats, Measured, bootstrapped

Weights = Literal["none", "linear", "quadratic"]


def cohen_kappa(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    labels: int,
    weights: Weights | npt.ArrayLike = "none",
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Measured:
    """Cohen's kappa (1960, Educational and Psychological Measurement 20, 37-46; weighted 1968, Psych. Bulletin 70).

    Args:
        first, second: what both said of the same records, as numbers from 0 to labels - 1, (records,).
        labels: how many there are, in ascending order where they are weighted.
        weights: how bad it is to say column where the other said row: 1 for any difference, the distance, its
            square, or a matrix (labels, labels) with 0 on the diagonal.
    """
    one, other = np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64)
    if one.ndim != 1 or one.shape != other.shape:
        raise ValueError(f"answers of shape {one.shape} and {other.shape} are not about the same records")
    if one.size and not (min(one.min(), other.min()) >= 0 and max(one.max(), other.max()) < labels):
        raise ValueError(f"labels must be numbers from 0 to {labels - 1}")
    distance = _distance(weights, labels)
    copies = np.bincount(one * labels + other, minlength=labels * labels)
    cells = np.eye(labels * labels)[copies > 0]

    def ratio(sums: Floats) -> tuple[Floats, Floats]:
        table = sums.reshape(-1, labels, labels) / sums.sum(axis=1)[:, None, None]
        chance = np.einsum("bi,ij,bj->b", table.sum(axis=2), distance, table.sum(axis=1))
        return (table * distance).sum(axis=(1, 2)), chance

    return bootstrapped(
        cells, copies[copies > 0], distance.ravel()[copies > 0], ratio, worst=float(distance.max(initial=0.0)),
        seed=seed, resamples=resamples,
    )  # fmt: skip


def _distance(weights: Weights | npt.ArrayLike, labels: int) -> Floats:
    apart = np.abs(np.subtract.outer(np.arange(labels), np.arange(labels))).astype(np.float64)
    if isinstance(weights, str):
        return {"none": (apart > 0).astype(np.float64), "linear": apart, "quadratic": apart**2}[weights]
    given = np.asarray(weights, dtype=np.float64)
    if given.shape != (labels, labels) or given.diagonal().any() or (given < 0).any():
        raise ValueError(f"weights must be ({labels}, {labels}), not negative, and 0 on the diagonal")
    return given
