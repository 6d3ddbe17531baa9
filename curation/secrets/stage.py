"""The stage that takes secrets out of documents: each is masked by its kind, or the document goes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from curation.rule import Rule, flagged
from curation.stage import SPANS, Docs, Stage

from .find import Secret, anchored, mask, secrets
from .gold import measured
from .rules import RULES

KINDS = tuple(dict.fromkeys(rule.kind for rule in RULES))
NOT_COVERED = (
    "Passwords that are words, and secrets of a form of their own that are assigned to no telling name, are not found.",
    "Whether a key is still valid is not asked.",
)


@dataclass(frozen=True, kw_only=True)
class Secrets(Stage):
    """Keys, tokens and passwords, masked as `[GITHUB_TOKEN]`, or the document dropped.

    The kinds and their forms are in `rules`. A kind with a form of its own scores 1.0; one that is known by the name it
    is assigned to, and has to look random, 0.6.

    Signals: `secrets`, how many were found; `unwanted`, whether one of a kind in `drop_kinds` was; `spans`, their kinds
    and places, in code points of the text as this stage saw it, without content.
    """

    revision: ClassVar[int] = 2
    drop_kinds: tuple[str, ...] = ()
    ignore_kinds: tuple[str, ...] = ()
    min_score: float = 0.6

    def __post_init__(self) -> None:
        if unknown := sorted({*self.drop_kinds, *self.ignore_kinds} - {*KINDS}):
            raise ValueError(f"Secrets: there is no kind {', '.join(unknown)}; there are {', '.join(KINDS)}")
        if not 0 <= self.min_score <= 1:
            raise ValueError(f"Secrets(min_score={self.min_score}): must be from 0 to 1")

    def score(self, docs: Docs) -> pl.DataFrame:
        offsets = anchored(docs.text)
        rows = offsets.is_not_null().arg_true().to_list()
        texts = docs.text.gather(rows).to_list()
        found = [self._of(text, offsets[row].to_list()) for row, text in zip(rows, texts, strict=True)]
        hits = [(row, text, spans) for row, text, spans in zip(rows, texts, found, strict=True) if spans]
        sparse = pl.DataFrame(
            {
                "row": [row for row, _, _ in hits],
                "text": [masked(text, spans) for _, text, spans in hits],
                "secrets": [len(spans) for _, _, spans in hits],
                "unwanted": [any(span.kind in self.drop_kinds for span in spans) for _, _, spans in hits],
                "spans": [[self._logged(span) for span in spans] for _, _, spans in hits],
            },
            schema={"row": pl.Int64, "text": pl.String, "secrets": pl.Int64, "unwanted": pl.Boolean, "spans": SPANS},
        )
        every = pl.DataFrame({"row": pl.int_range(docs.frame.height, eager=True)})
        wide = every.join(sparse, on="row", how="left", maintain_order="left")
        return wide.select("text", pl.col("secrets").fill_null(0), pl.col("unwanted").fill_null(False), "spans")

    def drop(self) -> Mapping[str, Rule]:
        """`unwanted`: the document holds a secret of a kind in `drop_kinds`."""
        return {"unwanted": flagged("unwanted")} if self.drop_kinds else {}

    def gold(self) -> list[dict[str, Any]]:
        return [{**measured(self._of), "not_covered": list(NOT_COVERED)}]

    def _of(self, text: str, offsets: list[int]) -> list[Secret]:
        found = secrets(text, offsets)
        return [one for one in found if one.score >= self.min_score and one.kind not in self.ignore_kinds]

    def _logged(self, one: Secret) -> dict[str, Any]:
        action = "drop" if one.kind in self.drop_kinds else "mask"
        return {"type": one.kind, "start": one.start, "end": one.end, "score": one.score, "action": action}


def masked(text: str, spans: list[Secret]) -> str:
    """`text` with each span replaced by its kind, e.g. `[AWS_ACCESS_KEY_ID]`."""
    pieces, at = [], 0
    for span in spans:
        pieces += [text[at : span.start], mask(span.kind)]
        at = span.end
    return "".join([*pieces, text[at:]])
