"""Values with 95 % intervals: Wilson's for shares, and the bootstrap over records for every measure of agreement.

Records are drawn again with replacement, never single judgements: the judgements of one record belong together. A
measure is `1 - seen / chance` of sums over records, so a resample is a row of multinomial counts times the sums of the
distinct records: of 20,000 records with three labels each there are some twenty kinds.

The limits are BCa (Efron 1987, JASA 82, 171-185) and not percentiles: agreement is skewed towards 1, and in simulation
the percentile limits missed more often, mostly above the truth (docs/agreement.md has the table).
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
# From sums over records, (resamples, columns), to disagreement seen and disagreement expected by chance, (resamples,).
Ratio = Callable[[Floats], tuple[Floats, Floats]]

Z = NormalDist().inv_cdf(0.975)
RESAMPLES = 2000
NONE = 1e-12  # less disagreement by chance than this is none, apart from rounding
FEW = 5  # records; fewer of one kind than that and a resample without any is likely


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A value with its 95 % interval, or the reason why there is none.

    Attributes:
        value, low, high: None where undefined.
        records: how many took part.
        why: why it is undefined; empty where it is not.
    """

    value: float | None
    low: float | None
    high: float | None
    records: int
    why: str = ""

    def triple(self) -> list[float] | None:
        """[value, low, high] to six decimals, or None."""
        if self.value is None or self.low is None or self.high is None:
            return None
        return [round(number, 6) + 0.0 for number in (self.value, self.low, self.high)]


def undefined(records: int, why: str) -> Measured:
    return Measured(value=None, low=None, high=None, records=records, why=why)


def proportion(hits: int, of: int, z: float = Z) -> Measured:
    """`hits / of` with Wilson's score interval (Wilson 1927, JASA 22).

    Raises:
        ValueError: more hits than there can be.
    """
    if not 0 <= hits <= of:
        raise ValueError(f"{hits} hits among {of} is no proportion")
    if of == 0:
        return undefined(0, "there is nothing to count")
    share, spread = hits / of, z * z / of
    centre = (share + spread / 2) / (1 + spread)
    half = z * float(np.sqrt(share * (1 - share) / of + spread / (4 * of))) / (1 + spread)
    low, high = max(centre - half, 0.0), min(centre + half, 1.0)
    return Measured(value=share, low=min(low, share), high=max(high, share), records=of)


def distinct(rows: npt.NDArray[np.generic]) -> tuple[npt.NDArray[np.generic], Ints]:
    """The different rows of a matrix (n, columns), and how often each is there; the order of `rows` has no effect."""
    rows = np.ascontiguousarray(rows)
    if not len(rows):
        return rows, np.zeros(0, dtype=np.int64)
    whole = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).ravel()
    _, first, copies = np.unique(whole, return_index=True, return_counts=True)
    return rows[first], copies.astype(np.int64)


def mean_share(shares: npt.ArrayLike, *, seed: int = 0, resamples: int = RESAMPLES, lowest: float = 0.0) -> Measured:
    """The mean of one number per record, each between `lowest` and 1 (n,), with its bootstrap interval."""
    rows, copies = distinct(np.asarray(shares, dtype=np.float64).reshape(-1, 1) + 0.0)
    apart = 1 - rows[:, 0].astype(np.float64)

    def ratio(sums: Floats) -> tuple[Floats, Floats]:
        return sums[:, 0] / sums[:, 1], np.ones(len(sums))

    columns = np.column_stack([apart, np.ones(len(apart))])
    return bootstrapped(columns, copies, apart, ratio, worst=1 - lowest, seed=seed, resamples=resamples, lowest=lowest)


def bootstrapped(
    sums: Floats,
    copies: Ints,
    apart: Floats,
    ratio: Ratio,
    *,
    worst: float,
    seed: int,
    resamples: int = RESAMPLES,
    lowest: float = -1.0,
) -> Measured:
    """`1 - seen / chance` over all records, with its BCa interval.

    A resample in which the measure is undefined (say, all drawn records have one label) could have been anything: it
    counts as `lowest` for the lower limit and as 1 for the upper. Where five records or fewer disagree (or agree), most
    resamples know nothing of them, and a bootstrap alone would call 20 agreements out of 20 a certainty. The limit is
    then at least as far as Wilson's limit for the share of such records puts it.

    Args:
        sums: what each distinct record adds to the totals (distinct, columns).
        copies: how many records are like that (distinct,).
        apart: how far its judgements lie apart on average (distinct,), from 0 to `worst`, in the unit of `seen`.
        ratio: totals to `seen` and `chance`.
        worst: the largest disagreement of a record.
        lowest: the least value the measure can take.
    """
    records = int(copies.sum())
    if records < 2:
        what = "no record was" if records == 0 else "only one record was"
        return undefined(records, f"{what} judged by two people or more; an interval takes two records")
    totals = copies @ sums
    seen, chance = ratio(totals[None, :])
    if not chance[0] > NONE:
        return undefined(records, "only one answer was ever given, so chance alone would agree as much")
    value = float(1 - seen[0] / chance[0])
    random = np.random.default_rng(seed)
    step = max(1, 2_000_000 // len(copies))
    drawn = [
        _values(random.multinomial(records, copies / records, size=min(step, resamples - done)) @ sums, ratio)
        for done in range(0, resamples, step)
    ]
    without = _values(totals - sums, ratio)
    low, high = _bca(value, np.concatenate(drawn), np.where(np.isnan(without), value, without), copies, lowest)
    differing, alike = int(copies[apart > NONE].sum()), int(copies[apart < worst - NONE].sum())
    if differing <= FEW:
        each = float(seen[0]) * records / differing if differing else worst
        low = min(low, 1 - _upper(differing, records) * each / float(chance[0]))
    if alike <= FEW:
        high = max(high, 1 - (1 - _upper(alike, records)) * worst / float(chance[0]))
    low, high = max(min(low, value), min(lowest, value)), min(max(high, value), 1.0)
    return Measured(value=value, low=low, high=high, records=records)


def _values(sums: Floats, ratio: Ratio) -> Floats:
    """`1 - seen / chance` of each row; NaN where that is undefined, which leaves this module in no result."""
    seen, chance = ratio(sums)
    found = np.full(len(sums), np.nan)
    np.divide(seen, chance, out=found, where=chance > NONE)
    return 1 - found


def _bca(value: float, drawn: Floats, without: Floats, copies: Ints, lowest: float) -> tuple[float, float]:
    """Limits at 2.5 % and 97.5 % of the resamples, moved for bias and skew (Efron 1987, equations 2.3 and 6.6)."""
    known = drawn[~np.isnan(drawn)]
    smaller, larger = np.count_nonzero(known < value - NONE), np.count_nonzero(known > value + NONE)
    below = 0.5 + (smaller - larger) / (2 * max(len(known), 1))
    normal = NormalDist()
    # The skew is at most 1/6, so within three standard errors the denominator below stays positive.
    bias = normal.inv_cdf(min(max(below, normal.cdf(-3)), normal.cdf(3)))
    away = float(copies @ without) / float(copies.sum()) - without
    spread = float(copies @ np.square(away))
    skew = float(copies @ np.power(away, 3)) / (6 * spread**1.5) if spread > NONE**2 else 0.0

    def moved(z: float) -> float:
        return normal.cdf(bias + (bias + z) / (1 - skew * (bias + z)))

    low = np.quantile(np.where(np.isnan(drawn), lowest, drawn), moved(-Z))
    high = np.quantile(np.where(np.isnan(drawn), 1.0, drawn), moved(Z))
    return float(low), float(high)


def _upper(hits: int, of: int) -> float:
    high = proportion(hits, of).high
    assert high is not None, "there are records"
    return high
