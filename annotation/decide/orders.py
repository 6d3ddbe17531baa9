"""One ranking for each record out of several people's. All of it is pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import polars as pl

from dataset_cards.versions.errors import Misuse

from ..judged import ADJUDICATION
from ..reliability.bradley_terry import Compared, Strengths, bradley_terry, eta_intervals
from ..reliability.coded import Ints
from .votes import votes

ByRank = Literal["mean", "bradley-terry"]
SAME = 1e-6  # scores nearer than this tie


@dataclass(frozen=True, kw_only=True)
class Order:
    """How the responses of one record stand.

    Attributes:
        ranks: by response, 1 is best; of those that tie, each has one more than there are better ones.
        scores: by response, smaller is better: the mean rank, or the negative log-strength.
        how: `unanimous`, `mean`, `weighted`, `adjudicated`, or `tie` where all are level and not everybody said so.
        given: ranks by annotator, of the answers that decided.
    """

    ranks: list[int]
    scores: list[float]
    how: str
    given: tuple[tuple[str, list[int]], ...]

    def means(self) -> list[float]:
        """Mean midrank of each response, over the answers that decided."""
        return [round(float(mean), 6) for mean in np.mean([midranks(ranks) for _, ranks in self.given], axis=0)]


@dataclass(frozen=True, kw_only=True)
class Weighed:
    """How far each person is trusted in ranking: chance not to say the opposite, with an interval; log-odds of it."""

    reliability: Mapping[str, list[float]]
    weight: Mapping[str, float]
    scores: Mapping[str, list[float]]  # by record, negative log-strengths; of first answers


def midranks(ranks: Sequence[int]) -> list[float]:
    """Ranks of which those that tie share the mean of their places: [1, 1, 5] gives [1.5, 1.5, 3.0]."""
    return [sum(other < one for other in ranks) + (sum(other == one for other in ranks) + 1) / 2 for one in ranks]


def places(scores: Sequence[float]) -> list[int]:
    """One more than there are better (smaller) scores; scores within SAME tie with the best one of their group."""
    order = sorted(range(len(scores)), key=lambda n: scores[n])
    found, place, best = [0] * len(scores), 1, 0.0
    for position, n in enumerate(order):
        if position == 0 or scores[n] - best > SAME:
            place, best = position + 1, scores[n]
        found[n] = place
    return found


def orders(judgements: pl.DataFrame, *, by: ByRank = "mean", weighed: Weighed | None = None) -> dict[str, Order]:
    """By record with votes. Adjudications stand over first answers.

    `mean` orders by the mean of midranks (Borda's count), everybody counting the same. `bradley-terry` orders by the
    strengths of `weigh`, where people who contradict the others count for less.

    Raises:
        Misuse: a ranking without ranks, or two of one record with different numbers of responses.
    """
    if by == "bradley-terry" and weighed is None:
        weighed = weigh(judgements, draws=0)
    found: dict[str, Order] = {}
    for second, batches in ((False, votes(judgements)), (True, votes(judgements, ADJUDICATION))):
        for record, given in _by_record(batches):
            shared = [midranks(ranks) for _, ranks in given]
            scores = [round(float(score), 9) for score in np.mean(shared, axis=0)]
            if by == "bradley-terry" and not second and weighed is not None:
                scores = list(weighed.scores[record])
            ranks = places(scores)
            if second:
                how = "adjudicated"
            elif all(one == shared[0] for one in shared):
                how, ranks = "unanimous", places(shared[0])
            elif len(set(ranks)) == 1:
                how = "tie"
            else:
                how = "mean" if by == "mean" else "weighted"
            found[record] = Order(ranks=ranks, scores=scores, how=how, given=tuple(given))
    return found


def weigh(judgements: pl.DataFrame, *, draws: int = 100, seed: int = 0) -> Weighed:
    """Bradley and Terry's model over all pairs of all rankings, with a weight for each person."""
    by_record = list(_by_record(votes(judgements)))
    people = sorted({name for _, given in by_record for name, _ in given})
    compared, groups, first = _compared(by_record, people)
    fitted = bradley_terry(compared, tolerance=1e-8)
    ends = eta_intervals(compared, groups, fitted, draws=draws) if draws and groups.size else None
    eta = [round(float(value), 4) for value in fitted.eta]
    reliability = {}
    for n, name in enumerate(people):
        low, high = (eta[n], eta[n]) if ends is None else (round(float(ends[n, 0]), 4), round(float(ends[n, 1]), 4))
        reliability[name] = [eta[n], min(low, eta[n]), max(high, eta[n])]
    odds = np.log(fitted.eta / (1 - fitted.eta))
    return Weighed(
        reliability=reliability,
        weight={name: round(max(float(odds[n]), 0.0), 4) for n, name in enumerate(people)},
        scores=_scores(by_record, first, fitted),
    )


def _by_record(given: pl.DataFrame) -> Iterator[tuple[str, list[tuple[str, list[int]]]]]:
    if missing := given.filter(pl.col("ranks").is_null()).get_column("record").head(1).to_list():
        raise Misuse(
            f"record {missing[0]!r}: a judgement without ranks; rankings are decided by the ranks of judgements"
        )
    grouped = given.group_by("record", maintain_order=True).agg("annotator", "ranks")
    for record, people, ranks in grouped.iter_rows():
        if len({len(one) for one in ranks}) > 1:
            sizes = ", ".join(str(size) for size in sorted({len(one) for one in ranks}))
            raise Misuse(f"record {record!r}: its judgements rank different numbers of responses ({sizes})")
        yield record, list(zip(people, ranks, strict=True))


def _compared(
    by_record: Sequence[tuple[str, list[tuple[str, list[int]]]]], people: Sequence[str]
) -> tuple[Compared, Ints, dict[str, int]]:
    """Every pair of every ranking; the number of the record of each; the number of each record's first response."""
    number = {name: n for n, name in enumerate(people)}
    found: list[tuple[int, int, int, bool, int]] = []
    first: dict[str, int] = {}
    items = 0
    for group, (record, given) in enumerate(by_record):
        first[record], size = items, len(given[0][1])
        for name, ranks in given:
            for a, b in combinations(range(size), 2):
                better, worse = (a, b) if ranks[a] <= ranks[b] else (b, a)
                found.append((items + better, items + worse, number[name], ranks[a] == ranks[b], group))
        items += size
    table = np.array(found, dtype=np.int64).reshape(-1, 5)
    compared = Compared(
        items=items,
        annotators=len(people),
        first=table[:, 0],
        second=table[:, 1],
        annotator=table[:, 2],
        tie=table[:, 3].astype(bool),
    )
    return compared, table[:, 4], first


def _scores(
    by_record: Sequence[tuple[str, list[tuple[str, list[int]]]]], first: Mapping[str, int], fitted: Strengths
) -> dict[str, list[float]]:
    return {
        record: [round(-float(value), 6) for value in fitted.strength[first[record] : first[record] + len(given[0][1])]]
        for record, given in by_record
    }
