"""What single annotators do: how often their vote falls on the longer answer, and how often on the outcome."""

import math
from statistics import NormalDist, median
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from .shares import Ints, Shares, limits, share

MOST_PEOPLE = 5000  # who are told apart, the first ones that come
MOST_TOLD = 100  # in version.json, those with most votes; flagged ones always
FEWEST = 20  # votes, below which nobody is flagged
APART = 0.05  # from the others, below which nobody is flagged
CLUSTERS = 64
MEASURES = ("longer", "outcome")


class People:
    """Votes as rows come by."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.votes = np.zeros(0, np.int64)
        self.ties = np.zeros(0, np.int64)
        self.unnamed = 0
        self.shares = {name: Shares(0, CLUSTERS) for name in MEASURES}

    def add(self, votes: pl.Series, longer: npt.ArrayLike, judged: npt.ArrayLike, cluster: Ints) -> None:
        """One batch.

        Args:
            votes: of each row, a list of `{annotator, choice}`.
            longer: 1 where the chosen answer is the longer one, -1 where the rejected one is, else 0.
            judged: whether the row prefers anything.
        """
        frame = pl.DataFrame({"vote": votes, "longer": np.asarray(longer), "judged": judged, "cluster": cluster})
        cast = frame.explode("vote").filter(pl.col("vote").is_not_null()).unnest("vote")
        named = cast.filter(pl.col("annotator").is_not_null())
        self.unnamed += cast.height - named.height
        for name in named.get_column("annotator").unique(maintain_order=True):
            if name not in self.numbers and len(self.numbers) < MOST_PEOPLE:
                self.numbers[name] = len(self.numbers)
        self._grow()
        number = named.get_column("annotator").replace_strict(self.numbers, default=-1, return_dtype=pl.Int64)
        known = named.with_columns(number.alias("number")).filter(pl.col("number") >= 0)
        self.unnamed += named.height - known.height
        choice, who = known.get_column("choice"), known.get_column("number").to_numpy()
        side = choice.replace_strict({"chosen": 1, "rejected": -1}, default=0, return_dtype=pl.Int64).to_numpy()
        self.votes += np.bincount(who, minlength=len(self.votes))
        self.ties += np.bincount(who[side == 0], minlength=len(self.ties))
        where = known.get_column("cluster").to_numpy()
        self.shares["longer"].add(who, where, side * known.get_column("longer").to_numpy())
        self.shares["outcome"].add(who, where, side * known.get_column("judged").cast(pl.Int64).to_numpy())

    def _grow(self) -> None:
        more = len(self.numbers) - len(self.votes)
        self.votes, self.ties = (np.pad(one, (0, more)) for one in (self.votes, self.ties))
        for shares in self.shares.values():
            shares.counts = np.pad(shares.counts, ((0, 0), (0, more * CLUSTERS)))

    def json(self) -> dict[str, Any] | None:
        """None where nobody voted."""
        if not len(self.votes) and not self.unnamed:
            return None
        flags = {name: self._flagged(name) for name in MEASURES}
        told = []
        for name, number in self.numbers.items():
            one: dict[str, Any] = {"annotator": name, "votes": int(self.votes[number]), "ties": int(self.ties[number])}
            one |= {measure: share(*self.shares[measure].of(number)) for measure in MEASURES}
            one["flags"] = [measure for measure in MEASURES if number in flags[measure]]
            told.append(one)
        told.sort(key=lambda one: (not one["flags"], -one["votes"], one["annotator"]))
        all_of = {name: share(*(side.sum(axis=0) for side in self._sides(name))) for name in MEASURES}
        return {
            "people": len(self.numbers),
            "votes": int(self.votes.sum()),
            "unnamed": self.unnamed,
            "all": all_of,
            "flagged": sum(bool(one["flags"]) for one in told),
            "by_annotator": told[:MOST_TOLD],
        }

    def _sides(self, name: str) -> tuple[Ints, Ints]:
        """Right and wrong, each (people, clusters)."""
        wrong, right = self.shares[name].counts.reshape(2, -1, CLUSTERS)
        return right, wrong

    def _flagged(self, name: str) -> set[int]:
        """Who differs from the median of the others by more than APART, surely so.

        The median, so that one person of many votes does not make all others differ. A person's interval misses for
        5 % of data sets and not of people (Bonferroni); the median is as sure as all votes of the others together.
        """
        right, wrong = self._sides(name)
        votes = (right + wrong).sum(axis=1)
        looked = np.flatnonzero(votes >= FEWEST).tolist()
        value = {number: float(right[number].sum() / votes[number]) for number in looked}
        found = set()
        for number in looked if len(looked) > 1 else ():
            others = [other for other in looked if other != number]
            middle = median(value[other] for other in others)
            spread = _z(0.05) * math.sqrt(middle * (1 - middle) / int(votes[others].sum()))
            low, high = limits(right[number], wrong[number], _z(0.05 / len(looked)))
            if abs(value[number] - middle) > APART and (low > middle + spread or high < middle - spread):
                found.add(number)
        return found


def _z(level: float) -> float:
    return NormalDist().inv_cdf(1 - level / 2)
