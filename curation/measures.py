"""How good a detector is on labelled rows, with 95 % intervals: precision, recall, F1 and the area under the ROC curve.

Every interval is a score interval: it never leaves [0, 1], and it keeps a width where all answers were right.
"""

import math

import numpy as np
import numpy.typing as npt

Triple = list[float]  # value, lower and upper limit

Z = 1.959963984540054  # of a 95 % interval


def proportion(hits: int, of: int) -> Triple | None:
    """`hits / of` with Wilson's score interval (Wilson 1927, JASA 22); None where nothing was counted."""
    if not 0 <= hits <= of:
        raise ValueError(f"{hits} hits among {of} is no proportion")
    if of == 0:
        return None
    p, spread = hits / of, Z * Z / of
    centre = (p + spread / 2) / (1 + spread)
    half = Z * math.sqrt(p * (1 - p) / of + spread / (4 * of)) / (1 + spread)
    return [p, min(max(centre - half, 0.0), p), max(min(centre + half, 1.0), p)]


def precision_recall_f1(true_positives: int, false_positives: int, false_negatives: int) -> dict[str, Triple | None]:
    """`precision`, `recall` and `f1`, each [value, low, high], or None where there is nothing to divide by.

    F1 = 2F/(1 + F) for F = TP / (TP + FP + FN), which is a proportion (Hand, Christen & Kirielle 2021, "F*"). Its
    Wilson limits, put through the same formula, are the limits of F1.
    """
    overlap = proportion(true_positives, true_positives + false_positives + false_negatives)
    return {
        "precision": proportion(true_positives, true_positives + false_positives),
        "recall": proportion(true_positives, true_positives + false_negatives),
        "f1": None if overlap is None else [2 * f / (1 + f) for f in overlap],
    }


def roc_auc(scores: npt.ArrayLike, labels: npt.ArrayLike) -> Triple | None:
    """The chance that a positive row scores above a negative one, ties counting half; None without both classes.

    The interval is Newcombe's method 5 (2006, Statistics in Medicine 25, 559-573): limits where the distance to the
    value is 1.96 times the standard error of Hanley & McNeil (1982) at the limit itself.
    Raises ValueError on NaN and on unequal lengths.
    """
    values, positive = np.asarray(scores, dtype=np.float64), np.asarray(labels).astype(bool)
    if values.ndim != 1 or values.shape != positive.shape:
        raise ValueError(f"scores {values.shape} and labels {positive.shape} must be two lists of one length")
    if np.isnan(values).any():
        raise ValueError("a score is NaN, which has no rank; leave out rows that were not measured")
    positives = int(positive.sum())
    negatives = len(values) - positives
    if not positives or not negatives:
        return None
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]  # equal scores share the middle of their ranks
    above = float(ranks[positive].sum()) - positives * (positives + 1) / 2
    area = above / (positives * negatives)
    return [area, _auc_limit(area, 0.0, positives, negatives), _auc_limit(area, 1.0, positives, negatives)]


def _auc_limit(area: float, end: float, positives: int, negatives: int) -> float:
    """The area between `area` and `end` that lies 1.96 of its own standard errors from `area`, by bisection."""
    rows = (positives + negatives) / 2  # Newcombe's common size, so that both classes may trade places
    near, far = area, end
    for _ in range(60):
        middle = (near + far) / 2
        spread = 1 + (rows - 1) * ((1 - middle) / (2 - middle) + middle / (1 + middle))
        if (middle - area) ** 2 < Z * Z * middle * (1 - middle) * spread / (positives * negatives):
            near = middle
        else:
            far = middle
    return (near + far) / 2
