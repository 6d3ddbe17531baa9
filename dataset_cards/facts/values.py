"""Which values a column has, and how often: sources, licences, who wrote the rows."""

from collections.abc import Callable
from typing import Any

import polars as pl

from .batch import Batch
from .tally import MOST_TOLD, Tally

LONGEST = 300  # characters of a value that are told apart


class Values:
    """`name`: how often each value of a column occurs, as `Tally.json` tells it.

    Args:
        of: from a batch to its values (String); nulls are missing ones.
    """

    def __init__(self, name: str, of: Callable[[Batch], pl.Series], told: int = MOST_TOLD) -> None:
        self.name, self.of, self.told, self.tally = name, of, told, Tally()

    def add(self, batch: Batch) -> None:
        self.tally.add(self.of(batch).str.head(LONGEST))

    def json(self) -> dict[str, Any]:
        return {self.name: self.tally.json(self.told)}


def column(name: str) -> Callable[[Batch], pl.Series]:
    return lambda batch: batch.column(name)


def origins_of(responses: str) -> Callable[[Batch], pl.Series]:
    """Who wrote each response; null where nobody knows."""

    def of(batch: Batch) -> pl.Series:
        inner = getattr(batch.column(responses).dtype, "inner", None)
        if not isinstance(inner, pl.Struct) or "origin" not in [field.name for field in inner.fields]:
            return pl.repeat(None, len(batch.turns(responses).content), dtype=pl.String, eager=True)
        flat = batch.column(responses).explode(empty_as_null=False, keep_nulls=False)
        return flat.struct.field("origin").cast(pl.String)

    return of


def modality(batch: Batch) -> pl.Series:
    """Rows hold nothing but text."""
    return pl.repeat("text", batch.rows, dtype=pl.String, eager=True)
