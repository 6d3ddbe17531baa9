"""What a stage is measured by, before and after, with 95 % intervals.

They come from a percentile bootstrap over rows (Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapter
13). Shares of rows that are right or wrong have Wilson's interval instead (Wilson 1927; Brown, Cai and DasGupta 2001,
Interval Estimation for a Binomial Proportion): forty of forty right are no proof of a model that never errs, and
resampling them can only give forty of forty.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from dataset_cards.versions.job import Refused

Triple = tuple[float, float, float]  # value, lower and upper end of its 95 % interval
Floats = npt.NDArray[np.float64]

RESAMPLES = 2000


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One number about held-out rows, of the model that went in and of the one that came out.

    Attributes:
        name, unit: such as "response loss", "nats per token".
        better: which way is better.
        before: of the model that training began with; None where there was none to ask, as before a reward head.
        after: of the trained one.
        gain: by how much `after` is better, paired by row and so with its own interval; None without `before`.
        rows: held-out rows.
        how: what was computed, in a few words.
    """

    name: str
    unit: str
    better: Literal["lower", "higher"]
    before: Triple | None
    after: Triple
    gain: Triple | None
    rows: int
    how: str

    @property
    def learned(self) -> bool:
        """Whether the whole interval of the gain is above 0."""
        return self.gain is not None and self.gain[1] > 0

    def json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "Measure":
        """Back from `json()`."""
        triples = {key: tuple(record[key]) if record[key] is not None else None for key in ("before", "after", "gain")}
        return cls(**{**record, **triples})


def measured(
    name: str,
    unit: str,
    better: Literal["lower", "higher"],
    before: npt.ArrayLike | None,
    after: npt.ArrayLike,
    how: str,
    weights: npt.ArrayLike | None = None,
    seed: int = 0,
) -> Measure:
    """A measure from one number per row.

    Args:
        before, after: sums per row (n,), such as nats over a row's tokens.
        weights: what the sums are over (n,), such as the row's tokens; the measure is the sum of sums over the sum of
            weights. 1 for each row if not given.

    Raises:
        Refused: a number is infinite or none at all, as of a model that came apart.
        ValueError: there is nothing to measure, or the arrays are not of one length.
    """
    new = _numbers(name, "after", after)
    over = np.ones_like(new) if weights is None else _numbers(name, "weights", weights)
    old = None if before is None else _numbers(name, "before", before)
    if len({len(one) for one in (new, over, old) if one is not None}) != 1:
        raise ValueError(f"{name}: before, after and weights are not of one length")
    sign = 1.0 if better == "higher" else -1.0
    sums = [new] if old is None else [new, old, sign * (new - old)]
    triples = _intervals(np.stack(sums, axis=1), over, seed)
    triples[:2] = [
        _share(triple, one, over) for triple, one in zip(triples, (new, old), strict=False) if one is not None
    ]
    return Measure(
        name=name,
        unit=unit,
        better=better,
        before=None if old is None else triples[1],
        after=triples[0],
        gain=None if old is None else triples[2],
        rows=len(new),
        how=how,
    )


def interval(sums: npt.ArrayLike, weights: npt.ArrayLike | None = None, seed: int = 0) -> Triple:
    """sum(sums) / sum(weights) over rows, with its 95 % interval.

    Raises:
        ValueError: there are no rows, or their weights are 0 together.
    """
    values = np.asarray(sums, dtype=np.float64)
    over = np.ones_like(values) if weights is None else np.asarray(weights, dtype=np.float64)
    return _share(_intervals(values[:, None], over, seed)[0], values, over)


def _numbers(name: str, which: str, values: npt.ArrayLike) -> Floats:
    found = np.asarray(values, dtype=np.float64)
    if odd := int((~np.isfinite(found)).sum()):
        raise Refused(
            f"{name}, {which}: {odd:,} of {found.size:,} rows gave no finite number; a model that came apart does "
            "that: lower the learning rate, and look at the curves"
        )
    return found


def _intervals(sums: Floats, weights: Floats, seed: int) -> list[Triple]:
    """For each column of `sums` (n, k) its ratio to the weights (n,); one set of resamples serves them all."""
    rows = len(sums)
    if not rows or not weights.sum() > 0:
        raise ValueError("there is nothing to measure: no row carries any weight")
    both = np.concatenate([sums, weights[:, None]], axis=1)
    random = np.random.default_rng(seed)
    step = max(1, 4_000_000 // rows)
    drawn = [
        random.multinomial(rows, np.full(rows, 1 / rows), size=min(step, RESAMPLES - done)) @ both
        for done in range(0, RESAMPLES, step)
    ]
    totals = np.concatenate(drawn)
    ratios = totals[:, :-1] / np.where(totals[:, -1:] > 0, totals[:, -1:], np.nan)
    lows, highs = np.nanpercentile(ratios, [2.5, 97.5], axis=0)
    found = []
    for place in range(sums.shape[1]):
        value = float(sums[:, place].sum() / weights.sum())
        low, high = float(lows[place]), float(highs[place])
        found.append((value, min(low, value), max(high, value)))
    return found


def _share(triple: Triple, values: Floats, weights: Floats) -> Triple:
    """The same with Wilson's interval, where the rows are right or wrong and count alike.

    A gain is no share, even where no row became worse: whether single rows went from wrong to right is not settled by
    how many there are.
    """
    if not (np.isin(values, (0.0, 1.0)).all() and (weights == 1).all()):
        return triple
    low, high = wilson(triple[0], len(values))
    return triple[0], min(low, triple[0]), max(high, triple[0])


def wilson(share: float, rows: int) -> tuple[float, float]:
    """Wilson's 95 % score interval of a share of `rows`."""
    z2 = 1.959964**2
    middle = (share + z2 / (2 * rows)) / (1 + z2 / rows)
    half = math.sqrt(z2 * share * (1 - share) / rows + z2 * z2 / (4 * rows * rows)) / (1 + z2 / rows)
    return max(0.0, middle - half), min(1.0, middle + half)
