"""Agreement on labels: percent agreement, Fleiss' kappa and Krippendorff's alpha from how often each label was given.

All three take `counts` (records, labels): how many people gave this record that label. Records judged once carry no
agreement and change nothing. Who judged which record, and how many did, may differ from record to record.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

from .interval import RESAMPLES, Floats, Ints, Measured, bootstrapped, distinct, mean_share

Level = Literal["nominal", "ordinal", "interval"]


def percent_agreement(counts: npt.ArrayLike, *, seed: int = 0, resamples: int = RESAMPLES) -> Measured:
    """The share of pairs of people that agree about a record, averaged over records: every record weighs the same.

    With the same number of people everywhere this is the observed agreement of Fleiss (1971, equation 2).
    """
    return mean_share(_agreeing(_shared(counts)), seed=seed, resamples=resamples)


def fleiss_kappa(counts: npt.ArrayLike, *, seed: int = 0, resamples: int = RESAMPLES) -> Measured:
    """Fleiss' kappa (1971, Psychological Bulletin 76, 378-382).

    Where the number of people varies: observed agreement and label shares are both means over records, so that a record
    with many judgements weighs no more than one with two. That is how Gwet (Handbook of Inter-Rater Reliability,
    2014) generalises it, apart from records judged once, which he counts among the label shares and we leave out.
    """
    patterns, copies = distinct(_shared(counts))
    rows = patterns.astype(np.int64)
    apart = 1 - _agreeing(rows)

    def ratio(sums: Floats) -> tuple[Floats, Floats]:
        mean = sums / sums[:, -1:]
        return mean[:, 0], 1 - (mean[:, 1:-1] ** 2).sum(axis=1)

    columns = np.column_stack([apart, rows / rows.sum(axis=1, keepdims=True), np.ones(len(rows))])
    return bootstrapped(columns, copies, apart, ratio, worst=1.0, seed=seed, resamples=resamples)


def krippendorff_alpha(
    counts: npt.ArrayLike,
    level: Level,
    values: npt.ArrayLike | None = None,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Measured:
    """Krippendorff's alpha (2011, Computing Krippendorff's Alpha-Reliability).

    Distances between labels: nominal 1; ordinal the squared number of judgements that lie between them; interval the
    squared difference of their `values`.

    Args:
        counts: (records, labels); for `ordinal` and `interval` the labels are in ascending order.
        values: (labels,), for `interval`; the labels' numbers from 0 where nothing is given.
    """
    patterns, copies = distinct(_shared(counts))
    rows = patterns.astype(np.float64)
    labels = rows.shape[1]
    scale = np.arange(labels) if values is None else np.asarray(values)
    if scale.shape != (labels,):
        raise ValueError(f"{labels} labels and values of shape {scale.shape}: there must be one value for each label")
    people = rows.sum(axis=1)
    pairs = people * (people - 1)
    if level == "ordinal":
        above, below = np.triu_indices(labels, 1)
        both = 2 * rows[:, above] * rows[:, below]
        distances = _ordinal(np.asarray(copies @ rows).reshape(1, -1))[0]

        def ratio(sums: Floats) -> tuple[Floats, Floats]:
            given, totals = sums[:, :labels], sums[:, :labels].sum(axis=1)
            far = _ordinal(given)
            chance = (2 * given[:, above] * given[:, below] * far).sum(axis=1)
            return (sums[:, labels:] * far).sum(axis=1) / totals, chance / (totals * (totals - 1))

        columns = np.column_stack([rows, both / (people - 1)[:, None]])
        return bootstrapped(
            columns, copies, both @ distances / pairs, ratio, worst=float(distances.max(initial=0.0)), seed=seed,
            resamples=resamples,
        )  # fmt: skip
    if level == "nominal":
        within, worst = pairs - (rows * (rows - 1)).sum(axis=1), 1.0

        def chance_of(given: Floats) -> Floats:
            totals = given.sum(axis=1)
            apart: Floats = totals**2 - (given**2).sum(axis=1)
            return apart
    else:
        middle = float(scale.mean())  # differences do not change, and squares keep their digits
        points = scale.astype(np.float64) - middle
        within, worst = 2 * (people * (rows @ points**2) - (rows @ points) ** 2), float(np.ptp(points)) ** 2

        def chance_of(given: Floats) -> Floats:
            apart: Floats = 2 * (given.sum(axis=1) * (given @ points**2) - (given @ points) ** 2)
            return apart

    def plain_ratio(sums: Floats) -> tuple[Floats, Floats]:
        given = sums[:, :-1]
        totals = given.sum(axis=1)
        return sums[:, -1] / totals, chance_of(given) / (totals * (totals - 1))

    columns = np.column_stack([rows, within / (people - 1)])
    return bootstrapped(columns, copies, within / pairs, plain_ratio, worst=worst, seed=seed, resamples=resamples)


def _ordinal(given: Floats) -> Floats:
    """Ordinal distances (n, pairs of labels c < k) for judgements by label (n, labels)."""
    above, below = np.triu_indices(given.shape[1], 1)
    upto: Floats = np.cumsum(given, axis=1) - given / 2
    far: Floats = (upto[:, below] - upto[:, above]) ** 2
    return far


def _shared(counts: npt.ArrayLike) -> Ints:
    """The records judged by two people or more."""
    rows = np.asarray(counts)
    if rows.ndim != 2 or rows.shape[1] == 0 or rows.dtype.kind not in "iu" or (rows < 0).any():
        raise ValueError(f"counts must be whole numbers (records, labels), not {rows.dtype} of shape {rows.shape}")
    shared: Ints = rows[rows.sum(axis=1) >= 2].astype(np.int64)
    return shared


def _agreeing(rows: Ints) -> Floats:
    """The share of pairs of people that agree, by record (n,)."""
    people = rows.sum(axis=1)
    share: Floats = (rows * (rows - 1)).sum(axis=1) / (people * (people - 1))
    return share
