"""Agreement on rankings: Kendall's tau-b and W with ties, and how many pairs of responses stand in the same order.

`rankings` is one array per record, (rankers, responses): what rank each person gave each response, ties equal. Only
the order of the numbers counts, so 1, 1, 2 and 1, 1, 3 are the same. Records may differ in shape.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from .interval import RESAMPLES, Floats, Measured, mean_share

Signs = npt.NDArray[np.int8]


def order_agreement(rankings: Sequence[npt.ArrayLike], *, seed: int = 0, resamples: int = RESAMPLES) -> Measured:
    """The share of pairs of responses that two people put in the same order, a tie being one of three orders.

    It is averaged over pairs of responses and pairs of people in a record, and then over records.
    """
    shares = np.full(len(rankings), np.nan)
    for where, ranks in _shapes(rankings):
        order = signs(ranks)
        both = [same_order(order[:, a], order[:, b]) for a, b in _people(ranks)]
        shares[where] = np.mean(both, axis=0)
    return mean_share(shares[~np.isnan(shares)], seed=seed, resamples=resamples)


def kendall_tau(rankings: Sequence[npt.ArrayLike], *, seed: int = 0, resamples: int = RESAMPLES) -> Measured:
    """Kendall's tau-b (Kendall 1945, Biometrika 33), averaged over the pairs of people in a record, then over records.

    A pair with a ranking that puts everything in one place has no tau and is left out, as is a record without others.
    """
    taus = np.full(len(rankings), np.nan)
    for where, ranks in _shapes(rankings):
        order = signs(ranks)
        taus[where] = mean_of_known([tau_b(order[:, a], order[:, b]) for a, b in _people(ranks)])
    return mean_share(taus[~np.isnan(taus)], seed=seed, resamples=resamples, lowest=-1.0)


def kendall_w(rankings: Sequence[npt.ArrayLike], *, seed: int = 0, resamples: int = RESAMPLES) -> Measured:
    """Kendall's W corrected for ties (Kendall & Babington Smith 1939; Legendre 2005, JABES 10, equation 4), averaged.

    W says little about two people: it is then half of Spearman's rho plus one. A record in which everybody puts
    everything in one place has no W and is left out.
    """
    found = np.full(len(rankings), np.nan)
    for where, ranks in _shapes(rankings):
        order = signs(ranks)
        people, items = ranks.shape[1:]
        # The middle rank of a response is the middle of all, moved by who stands behind it less who stands before.
        above, below = np.triu_indices(items, 1)
        edges = np.equal.outer(below, np.arange(items)).astype(np.float64) - np.equal.outer(above, np.arange(items))
        moved = order @ edges / 2
        tied = (moved**2).sum(axis=(1, 2))  # n^3 - n less the ties of all rankings, by twelve
        np.divide(
            (moved.sum(axis=1) ** 2).sum(axis=1), people * tied, out=(w := np.full(len(ranks), np.nan)), where=tied > 0
        )
        found[where] = w
    return mean_share(found[~np.isnan(found)], seed=seed, resamples=resamples)


def signs(ranks: npt.NDArray[np.float64]) -> Signs:
    """Which of two responses stands first, (..., responses) to (..., pairs of responses): 1, 0 (a tie) or -1."""
    above, below = np.triu_indices(ranks.shape[-1], 1)
    return np.sign(ranks[..., below] - ranks[..., above]).astype(np.int8)


def same_order(one: Signs, other: Signs) -> Floats:
    """The share of pairs of responses in the same order, by record: (records, pairs) twice to (records,)."""
    share: Floats = (one == other).mean(axis=1)
    return share


def tau_b(one: Signs, other: Signs) -> Floats:
    """Kendall's tau-b by record: (records, pairs) twice to (records,); NaN where a ranking is one tie."""
    both = (one * other).sum(axis=1, dtype=np.int64)
    untied = np.count_nonzero(one, axis=1) * np.count_nonzero(other, axis=1)
    found = np.full(len(one), np.nan)
    np.divide(both, np.sqrt(untied), out=found, where=untied > 0)
    return found


def mean_of_known(columns: Sequence[Floats]) -> Floats:
    """The mean of several columns (n,) by row, without what is NaN; NaN where everything is."""
    stacked = np.asarray(columns)
    known = ~np.isnan(stacked)
    found = np.full(stacked.shape[1], np.nan)
    np.divide(np.where(known, stacked, 0).sum(axis=0), known.sum(axis=0), out=found, where=known.any(axis=0))
    return found


def _people(ranks: npt.NDArray[np.float64]) -> Iterable[tuple[int, int]]:
    first, second = np.triu_indices(ranks.shape[1], 1)
    return zip(first.tolist(), second.tolist(), strict=True)


def _shapes(rankings: Sequence[npt.ArrayLike]) -> Iterator[tuple[list[int], npt.NDArray[np.float64]]]:
    """Records of one shape together, as (records, rankers, responses), with their places; only what can be compared."""
    arrays = [np.asarray(ranks, dtype=np.float64) for ranks in rankings]
    places: dict[tuple[int, ...], list[int]] = {}
    for place, ranks in enumerate(arrays):
        if ranks.ndim != 2 or not np.isfinite(ranks).all():
            raise ValueError(f"ranking {place} must be numbers (rankers, responses), not of shape {ranks.shape}")
        if ranks.shape[0] >= 2 and ranks.shape[1] >= 2:
            places.setdefault(ranks.shape, []).append(place)
    for where in places.values():
        yield where, np.stack([arrays[place] for place in where])
