"""A rule: which measured signal condemns a document, and where the line is drawn.

Rules are data rather than bare expressions, so that a report can draw the line into a histogram and find the
documents that only just stayed. `min_x` compares with `<` and `max_x` with `>`: a value on the line is kept.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import polars as pl


@dataclass(frozen=True)
class Rule:
    """Drop a document when `signal` is below, above, outside or set, compared with `limit`."""

    signal: str
    kind: Literal["below", "above", "outside", "flagged"]
    limit: float | tuple[str, ...] | None = None

    @property
    def expr(self) -> pl.Expr:
        """True where the document is to be dropped; a missing measurement never drops."""
        value = pl.col(self.signal)
        if self.kind in ("below", "above"):
            value = value.cast(pl.Float64).fill_nan(None)  # NaN is no measurement; polars would call it the largest
        limit = pl.lit(self.limit) if not isinstance(self.limit, tuple) else pl.lit(pl.Series(self.limit)).implode()
        match self.kind:
            case "below":
                verdict = value < limit
            case "above":
                verdict = value > limit
            case "outside":
                verdict = ~value.is_in(limit)
            case "flagged":
                verdict = value
        return verdict.fill_null(False)


def below(signal: str, limit: float) -> Rule:
    """Drop when `signal` < `limit`."""
    return Rule(signal, "below", limit)


def above(signal: str, limit: float) -> Rule:
    """Drop when `signal` > `limit`."""
    return Rule(signal, "above", limit)


def outside(signal: str, allowed: Iterable[str]) -> Rule:
    """Drop when the string `signal` is not one of `allowed`."""
    return Rule(signal, "outside", tuple(sorted(allowed)))


def flagged(signal: str) -> Rule:
    """Drop when the boolean `signal` is true."""
    return Rule(signal, "flagged")
