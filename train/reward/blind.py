"""How far rules get that never read an answer: a reward model that is no better has learned a shortcut.

Long answers were preferred so often, and by models so much, that win rates followed length (Dubois et al. 2024,
Length-Controlled AlpacaEval, arXiv 2404.04475; Singhal et al. 2023, A Long Way to Go, arXiv 2310.03716, where length
alone gave most of the reward's gain).
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SURFACE = ("characters", "words", "lines", "markdown", "questions", "refusing", "agreeable")
MARKDOWN = re.compile(r"^[ \t]{0,3}(?:#{1,6} |[-*+] |\d+[.)] |```|\|)|\*\*[^*\n]+\*\*|`[^`\n]+`", re.M)
# How an answer opens, and no more: that is cheap to see, and both are known shortcuts of preference data.
REFUSING = re.compile(
    r"\W*(?:i'?m (?:\w+ )?sorry|sorry\b|i apologi[sz]e|unfortunately\b|as an ai\b"
    r"|i (?:can'?t|cannot|can not|won'?t|will not|am unable|am not able)"
    r"|i'm (?:unable|not able|not comfortable)|i (?:don't|do not) feel comfortable"
    r"|i(?:'d| would) (?:rather|prefer) not)",
    re.I,
)
AGREEABLE = re.compile(
    r"\W*(?:yes\b|yeah\b|sure\b|of course|absolutely|certainly|definitely|great\b|good (?:question|idea)|ok(?:ay)?\b"
    r"|you'?re (?:\w+ )?(?:right|welcome)|that'?s (?:a |an )?(?:great|good|excellent|right)|i'?d be (?:happy|glad))",
    re.I,
)
RIDGE = 1.0  # of the logistic regression, on features of unit size; pairs are far more than features
ROUNDS = 30


@dataclass(frozen=True, kw_only=True)
class Sides:
    """What can be told of pairs without reading them.

    Attributes:
        chosen, rejected: (n, len(SURFACE)), counts and 0 or 1.
        shown_first: (n,), 1 for the chosen answer, -1 for the rejected one, 0 where it is not known.
        chosen_origin, rejected_origin: who wrote it, where that is known.
    """

    chosen: Floats
    rejected: Floats
    shown_first: Floats
    chosen_origin: list[str | None]
    rejected_origin: list[str | None]

    def gap(self, name: str) -> Floats:
        """By how much the chosen answer has more of one thing (n,)."""
        column = SURFACE.index(name)
        return self.chosen[:, column] - self.rejected[:, column]


def surface(text: str) -> list[float]:
    """What SURFACE names, of one answer."""
    plain = text.replace("\u2019", "'")
    return [
        float(len(text)),
        float(len(text.split())),
        float(sum(bool(line.strip()) for line in text.splitlines())),
        float(len(MARKDOWN.findall(text))),
        float(text.count("?")),
        float(bool(REFUSING.match(plain))),
        float(bool(AGREEABLE.match(plain))),
    ]


def right(differences: npt.ArrayLike) -> Floats:
    """1 where the chosen answer is ahead, 0 where it is behind, and 0.5 for a tie (n,)."""
    return (np.sign(np.asarray(differences, dtype=np.float64)) + 1) / 2


def baselines(train: Sides, held: Sides) -> dict[str, Floats]:
    """For each content-blind rule how right it is on each pair of `held` (n,): 1, 0, or 0.5 where it cannot say.

    Longer and shorter stand for themselves. All other rules take the direction, the rates and the weights that fit
    `train` best, and see nothing of `held`. A rule that cannot say anything about any pair is left out.
    """
    length = held.gap("characters")
    made = {"longer wins": right(length), "shorter wins": right(-length)}
    rules: Mapping[str, Callable[[Sides], Floats]] = {
        "lines": lambda sides: sides.gap("lines"),
        "markdown": lambda sides: sides.gap("markdown"),
        "question marks": lambda sides: sides.gap("questions"),
        "refusing first words": lambda sides: sides.gap("refusing"),
        "agreeable first words": lambda sides: sides.gap("agreeable"),
    }
    for name, gap in rules.items():
        more = right(gap(train)).mean() >= 0.5 if len(train.chosen) else True
        made[f"{'more' if more else 'fewer'} {name} wins"] = right(gap(held) if more else -gap(held))
    first = right(train.shown_first).mean() >= 0.5 if len(train.chosen) else True
    made[f"{'first' if first else 'last'} shown wins"] = right(held.shown_first if first else -held.shown_first)
    rates = _rates(train)
    made["origin that wins most"] = right(_origin_gap(held, rates))
    weights, sizes = _fitted(_features(train, rates))
    made["all of these together"] = right(np.round(_features(held, rates) / sizes @ weights, 12))
    return {name: found for name, found in made.items() if (found != 0.5).any()}


def _rates(train: Sides) -> dict[str, float]:
    """How often the answers of an origin win, drawn towards one half where there are few."""
    won = Counter(name for name in train.chosen_origin if name is not None)
    lost = Counter(name for name in train.rejected_origin if name is not None)
    return {name: (won[name] + 1) / (won[name] + lost[name] + 2) for name in {*won, *lost}}


def _origin_gap(sides: Sides, rates: Mapping[str, float]) -> Floats:
    def rate(name: str | None) -> float:
        return rates.get(name, 0.5) if name is not None else 0.5

    pairs = zip(sides.chosen_origin, sides.rejected_origin, strict=True)
    return np.array([rate(chosen) - rate(rejected) for chosen, rejected in pairs], dtype=np.float64)


def _features(sides: Sides, rates: Mapping[str, float]) -> Floats:
    """(n, features), of which each changes its sign when the two answers change places."""
    counts = np.log1p(sides.chosen) - np.log1p(sides.rejected)  # twice as long counts the same at every length
    linear = (sides.chosen - sides.rejected)[:, :1]
    return np.column_stack([counts, linear, sides.shown_first, _origin_gap(sides, rates)])


def _fitted(features: Floats) -> tuple[Floats, Floats]:
    """Weights of the logistic regression by which the chosen answers win, and the features' sizes; Newton's method.

    There is no constant: a rule that prefers the chosen answer whatever it looks like would be no rule.
    """
    sizes = np.sqrt((features**2).mean(axis=0)) if len(features) else np.ones(features.shape[1])
    sizes = np.where(sizes > 0, sizes, 1.0)
    scaled = features / sizes
    weights = np.zeros(features.shape[1])
    for _ in range(ROUNDS):
        chance = 1 / (1 + np.exp(-np.clip(scaled @ weights, -30, 30)))
        slope = scaled.T @ (1 - chance) - RIDGE * weights
        bend = (scaled * (chance * (1 - chance))[:, None]).T @ scaled + RIDGE * np.eye(len(weights))
        step = np.linalg.solve(bend, slope)
        weights = weights + step
        if np.abs(step).max() < 1e-10:
            break
    return weights, sizes
