"""The rules that never read an answer, and how often each picks the chosen one."""

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from .answers import COUNTED, OPENINGS
from .shares import Ints, Shares

Signs = npt.NDArray[np.int64]

REFUSAL, POSITION = "refusal", "position"
# Each says that the answer which has more of it wins. What refuses is told by an instrument; the others by answers.py.
RULES = (*COUNTED, "markdown", *OPENINGS, "echo", REFUSAL, POSITION)
SLICED = ("characters", "markdown", "agreement", "refusal-opening", REFUSAL, POSITION)
ALIKE = 0.1  # answers are of like length if the shorter one lacks at most this part of the longer one's words


def gaps(chosen: pl.DataFrame, rejected: pl.DataFrame) -> dict[str, Signs]:
    """By how much the chosen answer has more of each thing (n,)."""
    return {name: (chosen.get_column(name) - rejected.get_column(name)).to_numpy() for name in chosen.columns}


def of_like_length(chosen: Ints, rejected: Ints) -> npt.NDArray[np.bool_]:
    """Whether two answers have about as many words."""
    alike: npt.NDArray[np.bool_] = np.abs(chosen - rejected) <= ALIKE * np.maximum(chosen, rejected)
    return alike


class Rules:
    """How often each rule is right, wrong, or says nothing: of all pairs, of those of like length, and by slice."""

    def __init__(self, slices: tuple[str, ...] = ()) -> None:
        self.slices = slices
        self.all, self.alike = Shares(len(RULES)), Shares(len(RULES))
        self.sliced = Shares(len(SLICED) * len(slices))
        self.slice_pairs = np.zeros(len(slices), np.int64)
        self.pairs = dict.fromkeys(RULES, 0)

    def add(self, signs: dict[str, Signs], alike: npt.NDArray[np.bool_], cluster: Ints, part: Ints) -> None:
        """One batch of pairs that prefer something.

        Args:
            signs: of the rules that were asked about these pairs (n,).
            part: the number of each pair's slice, -1 for none.
        """
        for number, rule in enumerate(RULES):
            if rule not in signs:
                continue
            sign = signs[rule]
            self.pairs[rule] += len(sign)
            self.all.add(number, cluster, sign)
            self.alike.add(number, cluster[alike], sign[alike])
            if rule in SLICED and self.slices:
                here = part >= 0
                self.sliced.add(part[here] * len(SLICED) + SLICED.index(rule), cluster[here], sign[here])

    def count(self, part: Ints) -> None:
        """The pairs of each slice, ties left out."""
        self.slice_pairs += np.bincount(part[part >= 0], minlength=len(self.slices))

    def json(self) -> list[dict[str, Any]]:
        """One entry for each rule that was asked about any pair."""
        told = []
        for number, rule in enumerate(RULES):
            if not self.pairs[rule]:
                continue
            found = self.all.json(number, len(RULES))
            even = self.pairs[rule] - found["right"] - found["wrong"]
            alike = self.alike.json(number, len(RULES))
            told.append({"rule": rule, **found, "even": even, "of_like_length": alike})
        return told

    def sliced_json(self) -> list[dict[str, Any]]:
        """One entry for each slice, with its pairs and, by rule, `right`, `wrong`, `share` and `sure`."""
        looks = max(len(SLICED) * len(self.slices), 1)
        return [
            {
                "slice": name,
                "pairs": int(self.slice_pairs[part]),
                "rules": {
                    rule: found
                    for n, rule in enumerate(SLICED)
                    if (found := self.sliced.json(part * len(SLICED) + n, looks))["share"]
                },
            }
            for part, name in enumerate(self.slices)
        ]
