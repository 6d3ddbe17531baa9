"""Facts on rankings: how many responses, how they are tied, and what a rule that cannot read would find in them."""

from typing import Any

import numpy as np
import polars as pl

from ..versions.table import Table
from .batch import Batch, Ints
from .every import measured
from .instruments import Instruments
from .prompts import asked
from .shares import wilson

MOST = 16  # responses to a row, or places, that are told apart


class Ranked:
    """`rankings`.

    `responses`: rows by how many they have. `tied`: rows with any tie; `all_tied`: rows where nothing is preferred.
    `same`: rows with two responses of the same text. `best_at`: rows with one best response, by its place.
    `longest_best`: how often the longest response is the one best, where one of each can be told. `unreadable`: rows
    whose ranks do not fit their responses; they count as responses and in nothing else.
    """

    def __init__(self) -> None:
        self.many, self.best_at = (np.zeros(MOST + 2, dtype=np.int64) for _ in range(2))
        self.tied = self.all_tied = self.same = self.unreadable = self.longest_best = self.told_apart = 0

    def add(self, batch: Batch) -> None:
        turns = batch.turns("responses")
        self.many += np.bincount(np.minimum(turns.many, MOST + 1), minlength=len(self.many))
        texts = pl.DataFrame({"row": turns.row, "text": turns.content.hash(seed=6)})
        self.same += texts.filter(texts.is_duplicated())["row"].n_unique()
        ranks = batch.column("ranks")
        if not isinstance(ranks.dtype, pl.List):
            self.unreadable += batch.rows
            return
        fits = (ranks.list.len().fill_null(0).to_numpy() == turns.many) & (turns.many > 0)
        fits &= ~ranks.list.contains(None).fill_null(True).to_numpy()
        self.unreadable += int((~fits).sum())
        self._ranked(
            np.flatnonzero(fits),
            pl.DataFrame(
                {
                    "row": turns.row,
                    "place": np.arange(len(turns.row)) - np.repeat(turns.ends[:-1], turns.many),
                    "length": turns.content.str.len_chars(),
                }
            ).filter(pl.Series(np.repeat(fits, turns.many))),
            ranks.filter(pl.Series(fits)).explode(),
        )

    def _ranked(self, rows: Ints, responses: pl.DataFrame, ranks: pl.Series) -> None:
        if not len(rows):
            return
        best, longest = pl.col("rank") == pl.col("rank").min(), pl.col("length") == pl.col("length").max()
        told = (
            responses.with_columns(rank=ranks)
            .group_by("row")
            .agg(
                different=pl.col("rank").n_unique(),
                responses=pl.len(),
                best=best.sum(),
                best_at=pl.col("place").filter(best).first(),
                longest=longest.sum(),
                longest_at=pl.col("place").filter(longest).first(),
            )
        )
        self.tied += told.filter(pl.col("different") < pl.col("responses")).height
        self.all_tied += told.filter((pl.col("different") == 1) & (pl.col("responses") > 1)).height
        one = told.filter((pl.col("best") == 1) & (pl.col("responses") > 1))
        places = np.minimum(one["best_at"].to_numpy(), MOST + 1)
        self.best_at += np.bincount(places, minlength=len(self.best_at))
        apart = one.filter(pl.col("longest") == 1)
        self.told_apart += apart.height
        self.longest_best += apart.filter(pl.col("best_at") == pl.col("longest_at")).height

    def json(self) -> dict[str, Any]:
        return {
            "rankings": {
                "responses": _counts(self.many, 0),
                "tied": self.tied,
                "all_tied": self.all_tied,
                "same": self.same,
                "unreadable": self.unreadable,
                "best_at": _counts(self.best_at, 1),
                "longest_best": {"rows": self.told_apart, "share": wilson(self.longest_best, self.told_apart)},
            }
        }


def _counts(bins: Ints, first: int) -> dict[str, int]:
    """Counts by number, from `first`; the last stands for all beyond."""
    names = [*(str(n + first) for n in range(len(bins) - 1)), "more"]
    return {name: int(n) for name, n in zip(names, bins, strict=True) if n}


def rankings(rows: Table, instruments: Instruments) -> dict[str, Any]:
    return measured("rankings", rows, instruments, [asked(rows), Ranked()], others=("ranks",))
