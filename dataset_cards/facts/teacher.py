"""Facts on outputs of a teacher: how many positions, how much of each distribution is stored, how sure it was."""

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ..versions.table import Table
from .batch import Batch, Ints
from .every import measured
from .instruments import Instruments
from .prompts import asked
from .refusals import Answers, Refusals
from .spread import Spread
from .tally import Tally
from .templates import Traces

MOST_K = 64  # stored tokens of a position that are told apart
_FINE = 1_000_000  # shares and nats are counted in millionths, so that sums are the same in any order


class Distributions:
    """`teacher`.

    `positions`: tokens of completions, and how many a row has. `k`: positions by how many tokens are stored.
    `left_out`: the probability that is not stored. `first`: that of the likeliest token. `entropy`: in nats, with what
    is left out taken as one token more, so that the true one is at least as large. Positions without a token count in
    `positions` and `k` alone.
    """

    def __init__(self, rows: int, instruments: Instruments) -> None:
        self.k = np.zeros(MOST_K + 2, dtype=np.int64)
        self.positions, self.left_out, self.first, self.entropy = (Spread() for _ in range(4))
        self.tokenizers, self.traces = Tally(), Traces()
        self.answers = Answers("completion")
        self.refusals = Refusals("completion", rows, instruments.refused)

    def add(self, batch: Batch) -> None:
        self.tokenizers.add(batch.column("tokenizer"))
        self.traces.add(*batch.texts("completion"))
        self.answers.add(batch)
        self.refusals.add(batch)
        stored = batch.column("topk_logprobs")
        if not isinstance(stored.dtype, pl.List) or not isinstance(stored.dtype.inner, pl.List):
            return
        self.positions.add(stored.list.len().fill_null(0).cast(pl.Int64).to_numpy())
        by_position = stored.explode(empty_as_null=False, keep_nulls=False)
        many = by_position.list.len().fill_null(0).cast(pl.Int64).to_numpy()
        self.k += np.bincount(np.minimum(many, MOST_K + 1), minlength=len(self.k))
        flat = by_position.explode(empty_as_null=False, keep_nulls=False).cast(pl.Float64).fill_null(-np.inf)
        self._distributions(np.exp(np.minimum(np.nan_to_num(flat.to_numpy(), nan=-np.inf), 0.0)), many)

    def _distributions(self, chances: npt.NDArray[np.float64], many: Ints) -> None:
        if not len(chances):
            return
        filled = many[many > 0]
        begins = np.cumsum(filled) - filled
        rest = np.clip(1 - np.add.reduceat(chances, begins), 0, 1)
        self.left_out.add(_millionths(rest))
        self.first.add(_millionths(np.maximum.reduceat(chances, begins)))
        self.entropy.add(_millionths(np.add.reduceat(_surprise(chances), begins) + _surprise(rest)))

    def json(self) -> dict[str, Any]:
        counts = [*(str(n) for n in range(MOST_K + 1)), "more"]
        told = {
            "positions": {"sum": self.positions.sum, **self.positions.summary()},
            "k": {name: int(n) for name, n in zip(counts, self.k, strict=True) if n},
            **{name: getattr(self, name).summary(_FINE) for name in ("left_out", "first", "entropy")},
            "tokenizers": self.tokenizers.json(20),
            "templates": self.traces.told(),
            "answers": self.answers.told(),
        }
        refusals = self.refusals.told()
        return {"teacher": told if refusals is None else {**told, "refusals": refusals}}


def _surprise(chances: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """What each adds to an entropy, in nats."""
    return np.asarray(-chances * np.log(np.where(chances > 0, chances, 1.0)))


def _millionths(numbers: npt.NDArray[np.float64]) -> Ints:
    return np.rint(numbers * _FINE).astype(np.int64)


def teacher(rows: Table, instruments: Instruments) -> dict[str, Any]:
    gauges = (asked(rows), Distributions(rows.rows, instruments))
    return measured("teacher", rows, instruments, gauges, others=("topk_logprobs", "tokenizer"))
