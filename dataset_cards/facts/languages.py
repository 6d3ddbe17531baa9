"""Which languages rows are in: as their source states it, or else as an instrument recognises it."""

from typing import Any

import polars as pl

from .batch import Batch
from .instruments import Reads
from .tally import Tally

LOOKED_AT = 1000  # characters of a text: what follows costs time and tells little more
SHORTEST = 20  # characters; a language is believed to be in nearly anything shorter
_CODE = r"^\s*([a-z]{2,3})(?:[-_].*)?\s*$"
_NONE = ("und", "zxx", "mis", "mul")  # codes of ISO 639 for no one language


class Languages:
    """`languages`: rows by ISO 639 code; `how` many were `stated` and how many `recognised`, the rest is missing.

    Of messages, the first one of the user is looked at.

    Args:
        column: the text or the messages to look at.
        stated: the column where sources state it, if there is one.
        reads: the instrument; without it only what is stated counts.
    """

    def __init__(self, column: str, reads: Reads | None, stated: str | None = None) -> None:
        self.column, self.reads, self.stated = column, reads, stated
        self.tally = Tally()
        self.how = {"stated": 0, "recognised": 0}

    def add(self, batch: Batch) -> None:
        found = pl.repeat(None, batch.rows, dtype=pl.String, eager=True)
        if self.stated is not None:
            found = batch.column(self.stated).str.to_lowercase().str.extract(_CODE)
            found = found.set(found.is_in(_NONE).fill_null(False), None)
            self.how["stated"] += batch.rows - found.null_count()
        if self.reads is not None and found.null_count():
            where, texts = self._texts(batch, found.is_null())
            told = self.reads(texts.str.head(LOOKED_AT))
            told = told.set(texts.str.len_chars() < SHORTEST, None)
            found = found.scatter(where, told)
            self.how["recognised"] += len(told) - told.null_count()
        self.tally.add(found)

    def _texts(self, batch: Batch, unknown: pl.Series) -> tuple[pl.Series, pl.Series]:
        """The rows to look at, and the text of each."""
        rows = unknown.arg_true()
        if batch.is_plain(self.column):
            return rows, batch.column(self.column).gather(rows).fill_null("")
        turns = batch.turns(self.column)
        having, places = turns.first((turns.role == "user").to_numpy())
        return pl.Series(having, dtype=pl.UInt32), turns.content.gather(places)

    def json(self) -> dict[str, Any]:
        if self.reads is None and self.stated is None:
            return {}
        return {"languages": {**self.tally.json(), "how": self.how}}
