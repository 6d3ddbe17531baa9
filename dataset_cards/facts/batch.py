"""The rows of a version some at a time, as measures want them: text typed as text, messages laid out one by one."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from ..versions.schemas import SCHEMAS
from ..versions.table import Table

Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]

# Columns that hold text: strings, lists of messages, lists of responses.
TEXTS: dict[str, tuple[str, ...]] = {
    "documents": ("text",),
    "conversations": ("messages",),
    "prompts": ("prompt",),
    "preferences": ("prompt", "chosen", "rejected"),
    "rankings": ("prompt", "responses"),
    "judgements": ("answer",),
    "verifiable": ("prompt", "answer"),
    "teacher": ("prompt", "completion"),
}
_PLAIN = {field.name for schema in SCHEMAS.values() for field in schema if str(field.type) == "string"}

# Tiny row groups are joined and huge ones are cut: neither may cost more than the rows are worth.
FEW_ROWS, FEW_BYTES = 2048, 4 << 20
MANY_ROWS = 8192


@dataclass(frozen=True, kw_only=True)
class Turns:
    """What stands in a list column of some rows, one message (or response) after the other.

    Attributes:
        role: String, no nulls; empty where a message has none.
        content: String, no nulls.
        ends: the places where rows begin and end; one more than rows.
    """

    role: pl.Series
    content: pl.Series
    ends: Ints

    @property
    def many(self) -> Ints:
        """How many messages each row has."""
        return np.diff(self.ends)

    @property
    def row(self) -> Ints:
        """The row of each message."""
        return np.repeat(np.arange(len(self.ends) - 1), self.many)

    def sums(self, numbers: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The sum of one number per message in each row; of no message, 0. Unsigned numbers wrap around."""
        running = np.zeros(len(numbers) + 1, dtype=numbers.dtype)
        np.cumsum(numbers, out=running[1:])
        return np.asarray(running[self.ends[1:]] - running[self.ends[:-1]])

    def first(self, which: Flags) -> tuple[Ints, Ints]:
        """The first message of each row for which `which` is true: rows that have one, and its place."""
        places = np.flatnonzero(which)
        rows, at = np.unique(self.row[places], return_index=True)
        return rows, places[at]

    def last(self, which: Flags) -> tuple[Ints, Ints]:
        """The same for the last one."""
        places = np.flatnonzero(which)[::-1]
        rows, at = np.unique(self.row[places], return_index=True)
        return rows, places[at]

    def hashes(self) -> Hashes:
        """A hash of each row's messages, in order and with their roles."""
        own = self.content.hash(seed=1).to_numpy() * np.uint64(0x9E3779B97F4A7C15) ^ self.role.hash(seed=2).to_numpy()
        place = (np.arange(len(own)) - np.repeat(self.ends[:-1], self.many)).astype(np.uint64)
        found: Hashes = self.sums(mixed(own + mixed(place)))
        return found


class Batch:
    """Some rows, and their number in the whole.

    Attributes:
        first: how many rows come before.
    """

    def __init__(self, frame: pl.DataFrame, first: int) -> None:
        self.frame, self.first = frame, first
        self._turns: dict[str, Turns] = {}

    @property
    def rows(self) -> int:
        return self.frame.height

    def column(self, name: str) -> pl.Series:
        return self.frame.get_column(name)

    def is_plain(self, name: str) -> bool:
        """Whether a column holds one text per row."""
        return self.column(name).dtype == pl.String

    def turns(self, name: str) -> Turns:
        if name not in self._turns:
            self._turns[name] = _laid_out(self.column(name))
        return self._turns[name]

    def texts(self, name: str) -> tuple[pl.Series, Ints]:
        """Every text in a column, and the row of each; a missing one is empty."""
        if self.is_plain(name):
            return self.column(name).fill_null(""), np.arange(self.rows)
        turns = self.turns(name)
        return turns.content, turns.row

    def hashes(self, names: Sequence[str]) -> Hashes:
        """A hash of each row over some of its columns."""
        whole: Hashes = np.zeros(self.rows, dtype=np.uint64)
        for name in names:
            own = self.column(name).hash(seed=3).to_numpy() if self.is_plain(name) else self.turns(name).hashes()
            whole = mixed(whole + own)
        return whole


def mixed(numbers: Hashes) -> Hashes:
    """Every bit of the result depends on every bit of a number (splitmix64, Steele et al. 2014)."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))


def _laid_out(column: pl.Series) -> Turns:
    if not isinstance(column.dtype, pl.List) or not isinstance(column.dtype.inner, pl.Struct):
        empty = pl.Series(dtype=pl.String)
        return Turns(role=empty, content=empty, ends=np.zeros(len(column) + 1, dtype=np.int64))
    ends = np.zeros(len(column) + 1, dtype=np.int64)
    np.cumsum(column.list.len().fill_null(0).to_numpy(), out=ends[1:])
    flat = column.explode(empty_as_null=False, keep_nulls=False)
    names = [field.name for field in column.dtype.inner.fields]
    role, content = (
        flat.struct.field(name).cast(pl.String).fill_null("")
        if name in names
        else pl.repeat("", len(flat), dtype=pl.String, eager=True)
        for name in ("role", "content")
    )
    return Turns(role=role, content=content, ends=ends)


class Gauge(Protocol):
    """Something that is counted over all rows."""

    def add(self, batch: Batch) -> None: ...

    def json(self) -> dict[str, Any]: ...


def gauged(rows: Table, columns: Iterable[str], gauges: Sequence[Gauge]) -> dict[str, Any]:
    """What all gauges say after one pass over the columns; their keys must differ."""
    for batch in batches(rows, columns):
        for gauge in gauges:
            gauge.add(batch)
    return {key: value for gauge in gauges for key, value in gauge.json().items()}


def batches(rows: Table, columns: Iterable[str]) -> Iterator[Batch]:
    """All rows in order; a column that is not there is missing in every row."""
    columns = list(dict.fromkeys(columns))
    there = set(rows.schema().names)
    first = 0
    for frame in _evened(rows.frames([name for name in columns if name in there])):
        absent = [pl.lit(None, pl.String).alias(name) for name in columns if name not in there]
        plain = [pl.col(name).cast(pl.String) for name in columns if name in there & _PLAIN]
        yield Batch(frame.with_columns(*absent, *plain), first)
        first += frame.height


def _evened(frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The same rows in frames that are neither tiny nor huge."""
    pending: list[pl.DataFrame] = []
    held = size = 0
    for frame in frames:
        for piece in frame.iter_slices(MANY_ROWS):
            pending.append(piece)
            held, size = held + piece.height, size + int(piece.estimated_size())
            if held >= FEW_ROWS or size >= FEW_BYTES:
                yield pl.concat(pending, rechunk=True) if len(pending) > 1 else piece
                pending, held, size = [], 0, 0
    if pending:
        yield pl.concat(pending, rechunk=True)
