"""Answers that decline what was asked, and answers that hardly say anything."""

from typing import Any

import numpy as np
import polars as pl

from .batch import Batch
from .instruments import Reads
from .sample import drawn
from .shares import wilson

LOOKED_AT = 10_000  # answers; the interval of a share of so many is at most 1 percentage point to either side
SHORT = 16  # characters


class Refusals:
    """`refusals` among the last answers of rows: how many `refusing` of those `looked_at`, and the `share`.

    Of more than `LOOKED_AT` rows as many are drawn. Nothing is told without an instrument.
    """

    def __init__(self, column: str, rows: int, reads: Reads | None) -> None:
        self.column, self.rows, self.reads = column, rows, reads
        self.looked_at = self.refusing = 0

    def add(self, batch: Batch) -> None:
        if self.reads is None:
            return
        turns = batch.turns(self.column)
        having, places = turns.last((turns.role == "assistant").to_numpy())
        places = places[drawn(batch, self.rows, LOOKED_AT)[having]]
        self.looked_at += len(places)
        if len(places):
            self.refusing += int(self.reads(turns.content.gather(places)).sum())

    def told(self) -> dict[str, Any] | None:
        if self.reads is None:
            return None
        share = wilson(self.refusing, self.looked_at)
        return {"looked_at": self.looked_at, "refusing": self.refusing, "share": share, "of": self.rows}


class Answers:
    """`answers` of the assistant: how many, how many of them `empty`, how many `short` of `short_under` characters.

    White space around them does not count; empty ones are not short.
    """

    def __init__(self, column: str) -> None:
        self.column = column
        self.answers = self.empty = self.short = 0

    def add(self, batch: Batch) -> None:
        turns = batch.turns(self.column)
        said = turns.content.filter(turns.role == "assistant").str.strip_chars()
        characters = said.str.len_chars().cast(pl.Int64).to_numpy()
        self.answers += len(characters)
        self.empty += int(np.count_nonzero(characters == 0))
        self.short += int(np.count_nonzero((characters > 0) & (characters < SHORT)))

    def told(self) -> dict[str, Any]:
        return {"answers": self.answers, "empty": self.empty, "short": self.short, "short_under": SHORT}
