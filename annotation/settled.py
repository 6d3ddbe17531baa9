"""When the first answers about a row settle it, and when they leave it in doubt."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from statistics import median
from typing import Literal

Until = Literal["unanimous", "majority"]
NEAR = 1  # points of a scale that people of one mind may differ by


def by_label(answers: Sequence[str], until: Until) -> bool:
    """Whether all, or more than half, gave the same answer. Without answers nothing is settled."""
    most = max(Counter(answers).values(), default=0)
    return most == len(answers) > 0 if until == "unanimous" else most * 2 > len(answers)


def by_order(rankings: Sequence[Sequence[int]], until: Until) -> bool:
    """Whether all, or more than half, agree about every pair of responses: which of them is better, or that none is."""
    if not rankings:
        return False
    for a, b in combinations(range(len(rankings[0])), 2):
        signs = [str((ranks[a] > ranks[b]) - (ranks[a] < ranks[b])) for ranks in rankings]
        if not by_label(signs, until):
            return False
    return True


def by_scale(ratings: Sequence[Mapping[str, int]], until: Until) -> bool:
    """Whether on every scale all, or more than half, lie within NEAR points of the median."""
    if not ratings:
        return False
    for scale in ratings[0]:
        given = [one[scale] for one in ratings]
        near = sum(abs(value - median(given)) <= NEAR for value in given)
        if not (near == len(given) if until == "unanimous" else near * 2 > len(given)):
            return False
    return True
