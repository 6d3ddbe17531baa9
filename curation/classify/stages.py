"""Stages that ask a classifier about each document: how toxic, how much like spam, of what quality."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from curation.rule import Rule, above, below
from curation.stage import Docs, Stage, decides

from .model import Model
from .outcome import outcome

UNMEASURED = "the model was given as a file, so how good it is was not measured here"


@dataclass(frozen=True, kw_only=True)
class Toxicity(Stage):
    """Drops documents that are likely toxic, by a model whose label means toxic.

    Signal: `probability` (0 to 1; null for a text without a word, which is kept). Reason: `too-likely`.

    A few toxic sentences are lost in the average over a long text. With a `window`, long texts are cut into windows of
    so many words and the likeliest counts; that finds them, and flags far more clean text (docs/classifiers.md).
    """

    model: Model
    window: int = 0
    max_probability: float = decides(0.5)

    def __post_init__(self) -> None:
        if self.window < 0:
            raise ValueError(f"Toxicity(window={self.window}): write a number of words, or 0 for the whole text")

    def score(self, docs: Docs) -> pl.DataFrame:
        """`probability` of every text."""
        return _scored(self.model, docs, self.window)

    def drop(self) -> Mapping[str, Rule]:
        """`too-likely`: over `max_probability`."""
        return {"too-likely": above("probability", self.max_probability)}

    def gold(self) -> list[dict[str, Any]]:
        """The rows held out in training, at `max_probability`."""
        return [_gold(self.name(), self.model, self.max_probability, inclusive=False)]


@dataclass(frozen=True, kw_only=True)
class Spam(Stage):
    """Drops documents that are likely spam, by a model whose label means spam; as `Toxicity` otherwise."""

    model: Model
    max_probability: float = decides(0.5)

    def score(self, docs: Docs) -> pl.DataFrame:
        """`probability` of every text."""
        return _scored(self.model, docs)

    def drop(self) -> Mapping[str, Rule]:
        """`too-likely`: over `max_probability`."""
        return {"too-likely": above("probability", self.max_probability)}

    def gold(self) -> list[dict[str, Any]]:
        """The rows held out in training, at `max_probability`."""
        return [_gold(self.name(), self.model, self.max_probability, inclusive=False)]


@dataclass(frozen=True, kw_only=True)
class Quality(Stage):
    """Keeps documents that are likely good, by a model whose label means good.

    Signal: `probability` (0 to 1; null for a text without a word, which is kept). Reason: `too-low`.
    """

    model: Model
    min_probability: float = decides(0.5)

    def score(self, docs: Docs) -> pl.DataFrame:
        """`probability` of every text."""
        return _scored(self.model, docs)

    def drop(self) -> Mapping[str, Rule]:
        """`too-low`: under `min_probability`."""
        return {"too-low": below("probability", self.min_probability)}

    def gold(self) -> list[dict[str, Any]]:
        """The rows held out in training, at `min_probability`; what is found is what is good."""
        return [_gold(self.name(), self.model, self.min_probability, inclusive=True)]


def _scored(model: Model, docs: Docs, window: int = 0) -> pl.DataFrame:
    probability = pl.Series("probability", model.probability(docs.text, window), dtype=pl.Float64)
    return probability.fill_nan(None).to_frame()


def _gold(stage: str, model: Model, threshold: float, inclusive: bool) -> dict[str, Any]:
    rows = model.held_out()
    if rows.height:
        return outcome(stage, f"{model.name}, held out when it was trained", rows, threshold, inclusive)
    nothing = {"stage": stage, "set": f"none for {model.name}", "rows": 0, "unit": "document", "results": []}
    return {**nothing, "threshold": threshold, "not_covered": [UNMEASURED]}
