"""Signs that somebody does not look: far faster than the others, one answer again and again, always the same place.

A flag is a reason to talk to a person, not a verdict. Limits are set so that honest people are rarely flagged although
many are looked at; docs/agreement.md gives how rarely, and what is found.
"""

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from itertools import groupby
from statistics import NormalDist, median

from .interval import Measured, proportion

ENOUGH = 20  # answers of a person; below that nothing is said
FASTER = 3.0  # how many times as fast as the others
CHANCE = 0.01  # of flagging anybody for a run or for one answer, among all people, if answers come by chance
RARER = 3.0  # how many times as rarely as the others somebody gives another answer than the usual one
AWAY = 0.05  # how far from its expected value a share of places must surely be


def fast(seconds: Mapping[str, Sequence[float]]) -> set[str]:
    """Who takes less than a third of the median time of the others, by at least 20 answers of each.

    The others' time is the median of their medians, so that the busiest of them does not set it.

    Args:
        seconds: of every answer whose time is known, by person.
    """
    medians = {who: median(times) for who, times in seconds.items() if len(times) >= ENOUGH}
    flagged = set()
    for who, own in medians.items():
        others = [time for other, time in medians.items() if other != who]
        if others and own * FASTER < median(others):
            flagged.add(who)
    return flagged


def runs(answers: Mapping[str, Sequence[Hashable]]) -> set[str]:
    """Who gives one answer in a run that the shares of their own answers do not explain.

    With share p of a label among n answers in random order, a run of L begins somewhere with a probability of
    at most p^L (1 + (n - L)(1 - p)) (the expected number of beginnings). Flagged where that, times labels and people,
    is below 0.01. Rows must come in an order that says nothing about their answers.

    Args:
        answers: of each person in the order of time, as they looked on the screen.
    """
    flagged = set()
    for who, given in answers.items():
        shares = Counter(given)
        if len(given) < ENOUGH or len(shares) < 2:
            continue
        longest: dict[Hashable, int] = {}
        for label, run in groupby(given):
            longest[label] = max(longest.get(label, 0), sum(1 for _ in run))
        least = min(_run_chance(run, len(given), shares[label] / len(given)) for label, run in longest.items())
        if least * len(shares) * len(answers) < CHANCE:
            flagged.add(who)
    return flagged


def monotonous(answers: Mapping[str, Sequence[Hashable]]) -> set[str]:
    """Who gives other answers than their usual one surely less than a third as often as the others do.

    "Surely": the upper Wilson limit, at a level that flags nobody with 99 % for all people together, is below a third
    of the others' share (each of them weighing the same) of answers other than that one.
    """
    counts = {who: Counter(given) for who, given in answers.items() if len(given) >= ENOUGH}
    flagged = set()
    for who, own in counts.items():
        usual, often = min(own.items(), key=lambda item: (-item[1], str(item[0])))
        rest = [1 - other[usual] / other.total() for name, other in counts.items() if name != who]
        high = proportion(own.total() - often, own.total(), _z(CHANCE, len(counts))).high
        if rest and high is not None and high * RARER < sum(rest) / len(rest):
            flagged.add(who)
    return flagged


def flat(answers: Mapping[str, Sequence[bool]]) -> set[str]:
    """Who rates everything alike within a row, hardly ever otherwise, while the others do otherwise.

    Args:
        answers: of each person, whether all ratings of a row were equal.
    """
    return {who for who in monotonous(answers) if 2 * sum(answers[who]) > len(answers[who])}


def first_place(chosen: Sequence[int], places: Sequence[int]) -> tuple[Measured, float]:
    """The share of choices that fell on the first place, and the share to be expected if places do not matter.

    Args:
        chosen: the place (from 0) of what was chosen, of each answer that chose one.
        places: how many there were.
    """
    expected = sum(1 / count for count in places) / len(places) if places else 0.5
    return proportion(sum(place == 0 for place in chosen), len(chosen)), expected


def position(choices: Mapping[str, tuple[Sequence[int], Sequence[int]]]) -> set[str]:
    """Whose share of first places is surely more than 0.05 away from what is to be expected.

    "Surely": beyond the Wilson interval that misses for 5 % of campaigns and not of people (Bonferroni).

    Args:
        choices: `chosen` and `places` of `first_place`, by person.
    """
    flagged = set()
    for who, (chosen, places) in choices.items():
        share, expected = first_place(chosen, places)
        if share.records < ENOUGH:
            continue
        sure = proportion(sum(place == 0 for place in chosen), len(chosen), _z(0.05, len(choices)))
        assert sure.low is not None, "there are choices"
        assert sure.high is not None, "there are choices"
        if sure.low > expected + AWAY or sure.high < expected - AWAY:
            flagged.add(who)
    return flagged


def _run_chance(run: int, of: int, share: float) -> float:
    """At most the probability of a run so long, among `of` answers in random order with this share of the label."""
    return math.exp(run * math.log(share)) * (1 + (of - run) * (1 - share))


def _z(chance: float, people: int) -> float:
    """Two-sided limit in standard errors that chance crosses for anybody among so many people."""
    return NormalDist().inv_cdf(1 - chance / (2 * max(people, 1)))
