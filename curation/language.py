"""Say which language each document is written in, and keep the languages that were asked for."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from .lid import identify
from .rule import Rule, below, outside
from .stage import Docs, Stage, decides

UNDETERMINED = "und"


@dataclass(frozen=True, kw_only=True)
class Language(Stage):
    """The language of a text by fastText's lid.176 (Joulin et al. 2016), and whether it is one of `keep`.

    Same labels and scores as datatrove's LanguageFilter with this model file, whose threshold 0.65 is the default here.
    It drops a score of exactly the threshold, this keeps it; and with several languages it asks for one of them to
    pass the threshold, which from 0.5 up is the same.

    Signals: `language` (ISO 639-1, else 639-3, code; `und` where the text has no word), `score` (the model's
    probability of it, from 0 to 1; fastText's rounding may put it up to 0.0001 over).
    """

    keep: tuple[str, ...] = decides(("en",))
    min_score: float = decides(0.65)

    def score(self, docs: Docs) -> pl.DataFrame:
        """`language` and `score` of every text."""
        language, score = identify(docs.text)
        return pl.DataFrame({"language": language.fill_null(UNDETERMINED), "score": score})

    def drop(self) -> Mapping[str, Rule]:
        """`other-language`: not one of `keep`; `unsure`: the score is under `min_score`."""
        return {"other-language": outside("language", self.keep), "unsure": below("score", self.min_score)}
