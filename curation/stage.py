"""A curation stage: measure documents, then say which to drop and why. It never deletes a row.

`score` is the expensive half and depends only on the text and on the fields that change what is measured.
`drop` is the cheap half: thresholds over the measured signals. A field made with `decides` is read by `drop` alone,
so changing it never measures anything again.
"""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from .rule import Rule
from .words import Words, split

DECIDES = "decides"
# What a stage that looks inside texts gives as its column `spans`: kinds and places, never what stands there. `start`
# and `end` are code points of the text as the stage saw it.
SPAN = {"type": pl.String, "start": pl.Int64, "end": pl.Int64, "score": pl.Float64, "action": pl.String}
SPANS = pl.List(pl.Struct(SPAN))


def decides(default: Any) -> Any:
    """A dataclass field that only `drop` reads: a threshold or a keep list."""
    return dataclasses.field(default=default, metadata={DECIDES: True})


class Docs:
    """A batch of documents as stages see it: a frame, and what was already worked out about its text."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame
        self._words: dict[str, Words] = {}

    @property
    def text(self) -> pl.Series:
        return self.frame.get_column("text")

    def filter(self, keep: pl.Series) -> "Docs":
        """The documents where `keep` is true, with their words if they were split already."""
        if keep.all():
            return self
        docs = Docs(self.frame.filter(keep))
        docs._words = {language: words.filter(keep.to_numpy()) for language, words in self._words.items()}
        return docs

    def words(self, language: str) -> Words:
        """The text split into words by the rules of `language`; split once, whoever asks."""
        if language not in self._words:
            self._words[language] = split(self.text, language)
        return self._words[language]


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Base of every row-wise stage; subclasses are frozen, keyword-only dataclasses.

    Bump `revision` when the same fields would now give other scores or decisions.
    """

    revision: ClassVar[int] = 1

    @classmethod
    def name(cls) -> str:
        """The class name in kebab case, e.g. `gopher-quality`; it prefixes signals and reasons."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()

    def score(self, docs: Docs) -> pl.DataFrame:
        """The columns this stage adds, one row per document in the same order.

        Numbers, strings and booleans become signals. A column called `text` replaces the text (null: unchanged) and
        a column called `language` the language of the document.
        """
        raise NotImplementedError

    def drop(self) -> Mapping[str, Rule]:
        """Reasons to drop, e.g. `{"too-short": below("words", self.min_words)}`; the first that holds counts.

        A rule names a signal of this stage; the reason is recorded as `<stage>/<reason>`.
        """
        return {}

    def gold(self) -> list[dict[str, Any]]:
        """How well this stage does on labelled rows it brings along, one entry per set, for card and report.

        An entry has `stage`, `set`, `rows`, `unit` (`document` or `span`), `results` (a list of `label`, `support`,
        and `precision`, `recall`, `f1` as [value, low, high] or None), and may have `auc`, `threshold` and
        `not_covered`, sentences on what the stage cannot see.
        """
        return []

    def measuring(self) -> dict[str, Any]:
        """The fields that change what is measured: everything not made with `decides`."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if not f.metadata.get(DECIDES)}

    def rules(self) -> list[dict[str, Any]]:
        """The rules as JSON for cards: stage, signal, reason, kind, limit, and the field that holds the limit."""
        entries = []
        for reason, rule in self.drop().items():
            limit = list(rule.limit) if isinstance(rule.limit, tuple) else rule.limit
            entry = {"stage": self.name(), "signal": rule.signal, "reason": reason, "kind": rule.kind, "limit": limit}
            entries.append({**entry, "field": self._field_behind(reason, rule)})
        return entries

    def _field_behind(self, reason: str, rule: Rule) -> str | None:
        """The deciding field that moves the limit of a rule, found by moving each; None for a fixed rule."""
        for f in dataclasses.fields(self):
            value = getattr(self, f.name)
            if f.metadata.get(DECIDES) and value is not None:
                moved = (*value, "\0") if isinstance(value, tuple) else value + 1
                if dataclasses.replace(self, **{f.name: moved}).drop().get(reason) != rule:
                    return f.name
        return None
