"""What a reward model is worth on held-out pairs: accuracy, calibration, slices, and rules that read nothing.

Every interval is a 95 % bootstrap over questions, since answers to one question are no independent evidence.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from train.measure import RESAMPLES, Measure, Triple, interval, measured
from train.outcome import Sheet

from .blind import Floats, baselines, right
from .pairs import Pairs

Groups = npt.NDArray[np.int64]

BINS = 10  # of calibration, from a coin toss to certainty
ALIKE = 0.1  # lengths that differ by at most this share of the longer one
FEWEST = 20  # pairs that a slice needs to be shown
SHOWN = 12  # slices of one sort, the largest first


@dataclass(frozen=True, kw_only=True)
class Report:
    """The parts of an Outcome that are about held-out pairs."""

    measures: tuple[Measure, ...]
    sheets: tuple[Sheet, ...]
    facts: Mapping[str, Any]
    notes: tuple[str, ...]


def report(chosen: Floats, rejected: Floats, before: Floats, held: Pairs, train: Pairs) -> Report:
    """Everything about one reward model.

    Args:
        chosen, rejected: its rewards of the held-out answers (n,).
        before: by how much the model that went in had the chosen answer ahead (n,).
        held, train: the same held-out pairs, and those that were learned from.
    """
    ahead = chosen - rejected
    correct, rules = right(ahead), baselines(train.sides, held.sides)
    bins, error = calibration(ahead, held.group)
    by_slice = slices(ahead, held)
    against = {
        name: {
            "accuracy": share(found, held.group),
            "difference": share(correct - found, held.group),
        }
        for name, found in rules.items()
    }
    lengths = length(ahead, held)
    return Report(
        # The loss decides: by luck a random head tells most pairs apart, and a sound model would seem to have gained
        # nothing.
        measures=(log_loss(before, ahead, held.group), accuracy(before, ahead, held.group)),
        sheets=(_against_sheet(correct, against, held.group), _slice_sheet(by_slice), _calibration_sheet(bins, error)),
        facts={
            "content_blind": against,
            "slices": by_slice,
            "calibration": {"bins": bins, "expected_error": error},
            "length": lengths,
            "questions": int(held.group.max()) + 1,
        },
        notes=(verdict(correct, against, held.group), *_remarks(correct, error, lengths, held.group)),
    )


def share(values: Floats, group: Groups) -> Triple:
    """The mean over pairs, with its interval over questions."""
    return interval(np.bincount(group, weights=values), _counts(group))


def _counts(group: Groups) -> Floats:
    return np.bincount(group).astype(np.float64)


def accuracy(before: Floats, after: Floats, group: Groups) -> Measure:
    """The share of pairs whose chosen answer has the higher reward; a tie counts one half."""
    how = "chosen above rejected, a tie one half; interval over questions"
    return _measured("pair accuracy", "share", "higher", right(before), right(after), how, group)


def log_loss(before: Floats, after: Floats, group: Groups) -> Measure:
    """The mean of -log sigmoid(chosen - rejected), without any margin; 0.693 is a coin's."""
    how = "-log sigmoid(chosen - rejected); a coin has 0.693; interval over questions"
    losses = np.logaddexp(0, -before), np.logaddexp(0, -after)
    return _measured("log loss", "nats per pair", "lower", *losses, how, group)


def _measured(name: str, unit: str, better: Any, before: Floats, after: Floats, how: str, group: Groups) -> Measure:
    old, new = np.bincount(group, weights=before), np.bincount(group, weights=after)
    return replace(measured(name, unit, better, old, new, how, _counts(group)), rows=len(after))


def calibration(ahead: Floats, group: Groups) -> tuple[list[dict[str, float]], Triple]:
    """How often the model is right where it is how sure, and the expected calibration error.

    A pair's confidence is sigmoid(|difference|), from 0.5 to 1. The error is the mean over pairs of |accuracy -
    confidence| of the pair's bin (Guo et al. 2017, On Calibration of Modern Neural Networks, arXiv 1706.04599,
    equation 3); bins of equal width. It is never below 0, so chance alone lifts it.

    Returns:
        for each bin that has pairs: low, high, pairs, confidence and accuracy; and the error.
    """
    sure = 1 / (1 + np.exp(-np.abs(ahead)))
    place = np.clip(((sure - 0.5) * 2 * BINS).astype(np.int64), 0, BINS - 1)
    cell = group * BINS + place
    size = (int(group.max()) + 1) * BINS
    # Of each question, by bin: pairs, how many are right, and their confidence.
    sums = np.stack([np.bincount(cell, weights, size) for weights in (np.ones(len(sure)), right(ahead), sure)])
    sums = sums.reshape(3, -1, BINS).transpose(1, 0, 2).reshape(-1, 3 * BINS)
    total = sums.sum(axis=0)
    random, drawn = np.random.default_rng(0), []
    step = max(1, 4_000_000 // len(sums))
    for done in range(0, RESAMPLES, step):
        times = random.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=min(step, RESAMPLES - done))
        drawn.append(_expected_error(times.astype(np.float64) @ sums))
    low, high = np.percentile(np.concatenate(drawn), [2.5, 97.5])
    error = float(_expected_error(total[None])[0])
    pairs, hits, confidence = total.reshape(3, BINS)
    bins = [
        {
            "low": 0.5 + number / BINS / 2,
            "high": 0.5 + (number + 1) / BINS / 2,
            "pairs": float(pairs[number]),
            "confidence": float(confidence[number] / pairs[number]),
            "accuracy": float(hits[number] / pairs[number]),
        }
        for number in range(BINS)
        if pairs[number]
    ]
    return bins, (error, min(float(low), error), max(float(high), error))


def _expected_error(sums: Floats) -> Floats:
    """(draws,) of sums (draws, 3 * BINS)."""
    pairs, hits, confidence = sums.reshape(-1, 3, BINS).transpose(1, 0, 2)
    found: Floats = np.abs(hits - confidence).sum(axis=1) / pairs.sum(axis=1)
    return found


def slices(ahead: Floats, held: Pairs) -> list[dict[str, Any]]:
    """Accuracy by parts of the held-out pairs; `name`, `pairs`, `accuracy`. Parts with few pairs are not shown.

    Of a person, it is how often the model agrees with that person's own vote.
    """
    correct = right(ahead)
    longer, size = held.sides.gap("characters"), np.maximum(held.sides.chosen[:, 0], held.sides.rejected[:, 0])
    alike = np.abs(longer) <= ALIKE * size
    refusing = held.sides.chosen[:, 5], held.sides.rejected[:, 5]
    parts = {
        f"length: within {ALIKE:.0%}": alike,
        "length: the longer one is chosen": ~alike & (longer > 0),
        "length: the longer one is rejected": ~alike & (longer < 0),
        "first words: chosen refuses, rejected does not": refusing[0] > refusing[1],
        "first words: rejected refuses, chosen does not": refusing[0] < refusing[1],
        "first words: both refuse": (refusing[0] + refusing[1]) == 2,
        "first words: neither refuses": (refusing[0] + refusing[1]) == 0,
        "conversation: one question": held.turns <= 1,
        "conversation: several turns": held.turns > 1,
    }
    for sort, labels in (("source", held.source), ("origin", held.origin)):
        names = np.array([label or "" for label in labels])
        found = sorted({name for name in names if name}, key=lambda name: (-int((names == name).sum()), name))
        parts |= {f"{sort}: {name}": names == name for name in found[:SHOWN]}
    made = [
        {"name": name, "pairs": int(part.sum()), "accuracy": share(correct[part], _renumbered(held.group[part]))}
        for name, part in parts.items()
        if part.sum() >= FEWEST
    ]
    return made + _annotators(correct, held)


def _annotators(correct: Floats, held: Pairs) -> list[dict[str, Any]]:
    by_person: dict[str, list[tuple[int, float]]] = {}
    for name, place, for_chosen in held.votes:
        by_person.setdefault(name, []).append((place, correct[place] if for_chosen else 1 - correct[place]))
    made = []
    for name in sorted(by_person, key=lambda name: (-len(by_person[name]), name))[:SHOWN]:
        if len(by_person[name]) >= FEWEST:
            places, agreed = zip(*by_person[name], strict=True)
            group = _renumbered(held.group[list(places)])
            made.append(
                {"name": f"annotator: {name}", "pairs": len(places), "accuracy": share(np.array(agreed), group)}
            )
    return made


def _renumbered(group: Groups) -> Groups:
    return np.unique(group, return_inverse=True)[1].astype(np.int64)


def length(ahead: Floats, held: Pairs) -> dict[str, Any]:
    """How much rewards follow length: the correlation of both differences within pairs, and who prefers the longer one.

    The correlation is of reward difference and difference of log characters about 0, so that it does not matter which
    answer of a pair comes first.
    """
    longer = np.log1p(held.sides.chosen[:, 0]) - np.log1p(held.sides.rejected[:, 0])
    scale = math.sqrt(float((ahead**2).sum() * (longer**2).sum()))
    told = longer != 0
    found: dict[str, Any] = {"correlation": float((ahead * longer).sum()) / scale if scale else 0.0}
    if told.any():
        group = _renumbered(held.group[told])
        found["model_prefers_longer"] = share(right((ahead * np.sign(longer))[told]), group)
        found["people_prefer_longer"] = share(right(longer[told]), group)
    return found


def verdict(correct: Floats, against: Mapping[str, Mapping[str, Triple]], group: Groups) -> str:
    """Whether the model beats every content-blind rule, beyond chance in each comparison."""
    own = percent(share(correct, group))
    if not against:
        return f"There is no content-blind rule to compare with: pair accuracy is {own}"
    level = {name: one for name, one in against.items() if not one["difference"][1] > 0}
    if not level:
        name, closest = min(against.items(), key=lambda item: (item[1]["difference"][1], item[0]))
        return f"Beats every content-blind baseline: {own}; the closest is '{name}', by {points(closest['difference'])}"
    name, closest = min(level.items(), key=lambda item: (item[1]["difference"][0], item[0]))
    difference = points(closest["difference"])
    word = "is worse than" if closest["difference"][2] < 0 else "does not beat"
    theirs = percent(closest["accuracy"])
    return f"This reward model {word} the content-blind rule '{name}': {own} against {theirs}, by {difference}"


def _remarks(correct: Floats, error: Triple, lengths: Mapping[str, Any], group: Groups) -> list[str]:
    found = []
    if share(correct, group)[1] <= 0.5:
        found.append("A coin is as good on these held-out pairs, as far as their number can tell")
    if error[1] > 0.1:
        found.append(f"Its differences are no odds: the expected calibration error is {percent(error)}")
    model, people = lengths.get("model_prefers_longer"), lengths.get("people_prefer_longer")
    if model and people and (model[1] > people[2] or model[2] < people[1]):
        found.append(
            f"It prefers the longer answer in {percent(model)} of the pairs; the labels do in {percent(people)}"
        )
    return found


def percent(value: Triple) -> str:
    return f"{value[0]:.1%} ({value[1]:.1%} to {value[2]:.1%})"


def points(value: Triple) -> str:
    return f"{100 * value[0]:+.1f} points ({100 * value[1]:+.1f} to {100 * value[2]:+.1f})"


def _against_sheet(correct: Floats, against: Mapping[str, Mapping[str, Triple]], group: Groups) -> Sheet:
    best_first = sorted(against.items(), key=lambda item: (-item[1]["accuracy"][0], item[0]))
    rows = [(name, percent(one["accuracy"]), points(one["difference"])) for name, one in best_first]
    return Sheet(
        title="Against rules that never read an answer",
        header=("rule", "right on held-out pairs", "this model is better by"),
        rows=(("this reward model", percent(share(correct, group)), ""), *rows),
        note="Directions, rates and weights of the rules come from the pairs that were learned from. Differences are "
        "paired. 'Refusing' and 'agreeable' go by the first words only.",
    )


def _slice_sheet(by_slice: list[dict[str, Any]]) -> Sheet:
    return Sheet(
        title="Pair accuracy by slice",
        header=("pairs in which", "pairs", "right"),
        rows=tuple((one["name"], f"{one['pairs']:,}", percent(one["accuracy"])) for one in by_slice),
        note=f"Slices of fewer than {FEWEST} pairs are not shown; of sources, origins and annotators, the {SHOWN} "
        "largest. Of an annotator, it is the agreement with that person's own votes.",
    )


def _calibration_sheet(bins: list[dict[str, float]], error: Triple) -> Sheet:
    rows = tuple(
        (
            f"{one['low']:.2f} to {one['high']:.2f}",
            f"{one['pairs']:,.0f}",
            f"{one['confidence']:.3f}",
            f"{one['accuracy']:.3f}",
        )
        for one in bins
    )
    return Sheet(
        title="Calibration",
        header=("sigmoid of the difference", "pairs", "mean", "right"),
        rows=rows,
        note=f"Expected calibration error {percent(error)}; chance alone lifts it above 0.",
    )
