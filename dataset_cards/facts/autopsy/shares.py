"""Shares with 95 % intervals where rows come in clusters: answers to one prompt are not so many pieces of evidence."""

import math
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from .keys import Hashes

Ints = npt.NDArray[np.int64]

CLUSTERS = 4096  # prompts fall into so many by their hash; all rows of one prompt are in the same
Z = NormalDist().inv_cdf(0.975)


def cluster_of(prompts: Hashes) -> Ints:
    """The cluster of each prompt, by its highest bits (n,)."""
    return (prompts >> np.uint64(64 - 12)).astype(np.int64)


class Shares:
    """For each of several groups, how often something was right and how often wrong, by cluster."""

    def __init__(self, groups: int, clusters: int = CLUSTERS) -> None:
        self.clusters = clusters
        self.counts = np.zeros((2, groups * clusters), np.int64)  # wrong, right

    def add(self, group: npt.ArrayLike, cluster: Ints, sign: npt.ArrayLike) -> None:
        """Count one batch: `sign` (n,) is positive where it was right, negative where wrong, 0 where it says nothing.

        Args:
            group: of each, or of all.
        """
        places = np.broadcast_to(np.asarray(group, dtype=np.int64) * self.clusters, cluster.shape)
        places = places + cluster * self.clusters // CLUSTERS
        for side, said in enumerate((np.asarray(sign) < 0, np.asarray(sign) > 0)):
            found, times = np.unique(places[said], return_counts=True)
            self.counts[side, found] += times

    def of(self, group: int) -> tuple[Ints, Ints]:
        """Right and wrong of one group by cluster, each (clusters,)."""
        here = slice(group * self.clusters, (group + 1) * self.clusters)
        return self.counts[1, here], self.counts[0, here]

    def json(self, group: int, looks: int = 1) -> dict[str, Any]:
        """`right`, `wrong`, `share` with its interval, and `sure`: no chance, among `looks` looks."""
        right, wrong = self.of(group)
        low, high = limits(right, wrong, NormalDist().inv_cdf(1 - 0.025 / looks))
        return {
            "right": int(right.sum()),
            "wrong": int(wrong.sum()),
            "share": share(right, wrong),
            "sure": not low <= 0.5 <= high,
        }


def share(right: Ints, wrong: Ints) -> list[float] | None:
    """[value, low, high] to six decimals; None where nothing was counted."""
    of = int(right.sum() + wrong.sum())
    if not of:
        return None
    return [round(number, 6) + 0.0 for number in (int(right.sum()) / of, *limits(right, wrong, Z))]


def limits(right: Ints, wrong: Ints, z: float) -> tuple[float, float]:
    """The ends of Wilson's interval for the share of `right`, with the number of independent pairs in place of all.

    Korn and Graubard 1998 ("Confidence intervals for proportions with small expected number of positive counts
    estimated from survey data", Survey Methodology 24, 193-201): the number is p (1 - p) over the variance of a share
    over clusters, made smaller by the square of z over Student's t, and never larger than the number counted. With no
    cluster of two it is the number counted, and the interval Wilson's own.
    """
    both = right + wrong
    of, clusters = int(both.sum()), int((both > 0).sum())
    if not of:
        return 0.0, 1.0
    p = int(right.sum()) / of
    alone = both.max() == 1
    independent = float(of)
    if not alone and clusters == 1:
        independent = 1.0
    elif not alone:
        spread = clusters / (clusters - 1) * float(((right - p * both) ** 2).sum()) / of**2
        independent = min(p * (1 - p) / spread, of) if spread > 0 else float(clusters)
        independent = max(independent * (z / _student(z, clusters - 1)) ** 2, 1.0)
    wide = z * z / independent
    centre = (p + wide / 2) / (1 + wide)
    half = z * math.sqrt(p * (1 - p) / independent + wide / (4 * independent)) / (1 + wide)
    return min(max(centre - half, 0.0), p), max(min(centre + half, 1.0), p)


def _student(z: float, freedom: int) -> float:
    """The quantile of Student's t where the normal one is z, by its expansion in 1 / freedom (Fisher and Cornish)."""
    terms: tuple[float, ...] = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + math.fsum(term / float(freedom) ** power for power, term in enumerate(terms, 1))
