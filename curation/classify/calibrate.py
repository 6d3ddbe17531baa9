"""What a score is worth: from the score of a classifier to a probability that holds on rows it has not seen."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CLOSEST = 1e-12  # how near to 0 and 1 a score is taken to come
BINS = 10


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Platt's sigmoid over the log-odds of the score; with slope 1 and offset 0 it changes nothing."""

    slope: float = 1.0
    offset: float = 0.0

    def apply(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """The probabilities (0 to 1) for scores (0 to 1); the order of rows stays, NaN stays NaN."""
        if self == UNCHANGED:
            return scores
        return _sigmoid(self.slope * _log_odds(scores) + self.offset)


UNCHANGED = Calibration()


def calibrate(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> Calibration:
    """The sigmoid that fits labelled rows best (Platt 1999, "Probabilistic outputs", with its softened targets).

    Two numbers can be learned from a hundred rows, where a curve by steps (isotonic regression) would follow chance.
    A score that says nothing, or the opposite, becomes one constant probability: the share of positive rows.

    Raises:
        ValueError: there are not both positive and negative rows.
    """
    count = int(positive.sum())
    if not 0 < count < len(positive):
        raise ValueError(f"calibration needs positive and negative rows; of {len(positive)} rows {count} are positive")
    x = _log_odds(scores)
    wanted = np.where(positive, (count + 1) / (count + 2), 1 / (len(positive) - count + 2))
    slope, offset = 0.0, float(np.log((count + 1) / (len(positive) - count + 1)))
    loss = _loss(slope * x + offset, wanted)
    for _ in range(100):
        p = _sigmoid(slope * x + offset)
        gradient = np.array([((p - wanted) * x).sum(), (p - wanted).sum()])
        weight = p * (1 - p)
        curve = np.array([[(weight * x * x).sum(), (weight * x).sum()], [(weight * x).sum(), weight.sum()]])
        step = np.linalg.solve(curve + 1e-9 * np.eye(2), gradient)
        size = 1.0
        while size > 1e-9:
            tried = _loss((slope - size * step[0]) * x + offset - size * step[1], wanted)
            if tried <= loss:
                break
            size /= 2
        if size <= 1e-9 or loss - tried < 1e-10 * len(x):
            break
        slope, offset, loss = slope - size * float(step[0]), offset - size * float(step[1]), tried
    if slope <= 0:
        return Calibration(slope=0.0, offset=round(float(np.log(count / (len(positive) - count))), 9))
    return Calibration(slope=round(slope, 9), offset=round(offset, 9))


def calibration_error(probability: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """How far probabilities are from shares: the mean distance over ten bins of equally many rows, by rising score.

    This is the expected calibration error (Naeini et al. 2015, AAAI) with bins of equal size; 0 is perfect.
    """
    order = np.argsort(probability, kind="stable")
    parts = np.array_split(order, min(BINS, len(order)))
    return float(sum(abs(probability[part].mean() - positive[part].mean()) * len(part) for part in parts) / len(order))


def _log_odds(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    inside = np.clip(scores, CLOSEST, 1 - CLOSEST)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def _sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    small = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1.0, small) / (1.0 + small))


def _loss(x: NDArray[np.float64], wanted: NDArray[np.float64]) -> float:
    """Cross entropy of the sigmoid of `x`."""
    return float((np.logaddexp(0.0, x) - wanted * x).sum())
