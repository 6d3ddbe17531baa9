"""The one look at the rows that preflight and training share: each is encoded once, with the trainer's own rules.

What comes out lies on disk as two Arrow files that the training loop maps into memory, `train.arrow` and
`held_out.arrow`, so that no corpus has to fit into memory and what was checked is exactly what is learned from. In
memory are one batch of rows, and 16 bytes (about 100 as Python holds them) for each row that was seen.
"""

import hashlib
import marshal
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from dataset_cards.versions.files import Folder
from dataset_cards.versions.side_files import GONE
from dataset_cards.versions.table import from_arrow, write_parquet

from .inputs import Inputs
from .preflight import CHECKS, EXAMPLES, Finding, Preflight

Row = Mapping[str, Any]

TRAIN, HELD_OUT = "train.arrow", "held_out.arrow"
LEFT_OUT = "gone.parquet"
BATCH = 1000


@dataclass(frozen=True, slots=True)
class Encoded:
    """A row as the model reads it.

    Attributes:
        columns: under the schema that was given to `encode`.
        tokens: that the model reads; `learned` of them carry loss, `lost` were cut off at max_length.
    """

    columns: Mapping[str, Any]
    tokens: int
    learned: int
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row cannot be learned from: a name in preflight.CHECKS, and more in words."""

    check: str
    detail: str = ""

    def __post_init__(self) -> None:
        if self.check not in CHECKS:
            raise ValueError(f"{self.check!r} is no check of preflight; there are {', '.join(CHECKS)}")


@dataclass
class _Tally:
    """What was seen so far."""

    rows: Counter[str] = field(default_factory=Counter)  # by check
    left_out: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)

    def note(self, fault: Fault, name: str) -> None:
        self.rows[fault.check] += 1
        if fault.detail:
            self.details.setdefault(fault.check, fault.detail)
        shown = self.examples.setdefault(fault.check, [])
        if len(shown) < EXAMPLES:
            shown.append(name)


def encode(
    inputs: Inputs,
    columns: pa.Schema,
    row: Callable[[Row], Encoded | Fault],
    key: Callable[[Row], str],
    out: Path,
    *,
    held_out: float,
    repair: bool,
    rows: Iterable[Row] | None = None,
) -> Preflight:
    """Encode the rows of the role `data` into `out`, apart into those to learn from and those to measure by.

    The rows of the role `held_out` are what is measured by, where there is one; else a share of `data`, chosen by a
    hash of `key`, so that no prompt stands on both sides. Rows whose key also stands in `held_out` or in `against`
    are faults.

    Args:
        columns: of an encoded row; `id` is put before them.
        row: encodes one row, or says what is wrong with it.
        key: what makes two rows the same question, such as chat.question.
        held_out: the share of `data` to measure by.
        repair: leave out rows with a fault that would stop the run, and those that are there twice.
        rows: in place of those of `data`, for trainers that make several rows of one.

    Returns:
        The report, without steps and memory; `gone.parquet` in `out` names every row that was left out.

    Raises:
        ValueError: `row` returned columns that the schema has not.
    """
    out.mkdir(parents=True, exist_ok=True)
    schema = pa.schema([("id", pa.string()), *columns])
    known = {digest(key(one)) for role in ("held_out", "against") if role in inputs for one in inputs.rows(role)}
    given = "held_out" in inputs
    tally, sizes = _Tally(), Counter[str]()
    with ExitStack() as files:
        train, measured = (files.enter_context(_Sink(out / name, schema)) for name in (TRAIN, HELD_OUT))
        gone = files.enter_context(_Sink(out / "gone.arrow", GONE))
        for one, aside, asked in _parted(inputs, rows, key, 0.0 if given else held_out):
            sizes["read"] += 1
            sides = (measured, train) if aside else (train, measured)
            placed = Fault("in-evaluation") if asked in known else _placed(row(one), one, *sides, tally, repair)
            if isinstance(placed, Fault):
                gone.put(_gone(one, placed, tally))
                continue
            sizes["longest"] = max(sizes["longest"], placed.tokens)
            if not aside:
                sizes.update(tokens=placed.tokens, learned=placed.learned, lost=placed.lost)
        for one in inputs.rows("held_out") if given else ():
            sizes["read"] += 1
            placed = _placed(row(one), one, measured, train, tally, repair)
            if isinstance(placed, Fault):
                gone.put(_gone(one, placed, tally))
            else:
                sizes["longest"] = max(sizes["longest"], placed.tokens)
    write_parquet(Folder.at(str(out)), LEFT_OUT, map(from_arrow, _tables(out / "gone.arrow")), GONE)
    (out / "gone.arrow").unlink()
    return Preflight(
        read=sizes["read"],
        train=train.rows,
        held_out=measured.rows,
        dropped=dict(sorted(tally.left_out.items())),
        tokens=sizes["tokens"],
        learned=sizes["learned"],
        lost=sizes["lost"],
        longest=sizes["longest"],
        findings=_findings(tally, repair),
    )


def _parted(
    inputs: Inputs, rows: Iterable[Row] | None, key: Callable[[Row], str], share: float
) -> Iterator[tuple[Row, bool, bytes]]:
    """Each row of `data`, whether it is to be measured by, and the digest of its question, which alone decides that."""
    for one in inputs.rows("data") if rows is None else rows:
        asked = digest(key(one))
        yield one, int.from_bytes(asked[:8], "big") < share * 2**64, asked


def _placed(
    encoded: Encoded | Fault, one: Row, target: "_Sink", other: "_Sink", tally: _Tally, repair: bool
) -> Encoded | Fault:
    """Put a row where it belongs, and remark what is odd about it; or why it has no place there."""
    if isinstance(encoded, Fault):
        return encoded
    same, name = target.digest(encoded.columns), str(one["id"])
    if same in other.seen:
        return Fault("in-evaluation", "as the model reads them, these are rows to learn from and to measure by")
    if same in target.seen:
        if repair:
            return Fault("duplicate-row")
        tally.note(Fault("duplicate-row"), name)
    if encoded.lost:
        tally.note(Fault("truncated"), name)
    target.seen.add(same)
    target.put({"id": name, **encoded.columns})
    return encoded


def _gone(one: Row, fault: Fault, tally: _Tally) -> dict[str, Any]:
    """A row that is left out, as the ledger has it."""
    name, source = str(one["id"]), one.get("source")
    tally.note(fault, name)
    tally.left_out[fault.check] += 1
    return {
        **dict.fromkeys(GONE.names),
        "id": name,
        "source": None if source is None else str(source),
        "stage": "preflight",
        "reason": fault.check,
    }


def _findings(tally: _Tally, repair: bool) -> tuple[Finding, ...]:
    found = [
        Finding(
            check=check,
            rows=tally.rows[check],
            left_out=tally.left_out[check] > 0 and (repair or not blocks),
            blocks=blocks and not repair,
            examples=tuple(tally.examples[check]),
            detail=tally.details.get(check, ""),
        )
        for check, (_, _, blocks) in CHECKS.items()
        if tally.rows[check]
    ]
    return tuple(sorted(found, key=lambda one: not one.blocks))


def digest(text: str) -> bytes:
    """16 bytes that stand for a text; the first 8 decide on which side of a split it falls."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


class _Sink:
    """Rows to an Arrow stream file, a batch at a time."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._file = pa.OSFile(str(path), "wb")
        self._writer = pa.ipc.new_stream(self._file, schema)
        self._schema = schema
        self._names = frozenset(schema.names)
        self._waiting: list[Mapping[str, Any]] = []
        self.seen = set[bytes]()
        self.rows = 0

    def digest(self, columns: Mapping[str, Any]) -> bytes:
        """The same for rows that the model cannot tell apart; version 2 of marshal writes equal values equally."""
        values = [columns.get(name) for name in self._schema.names]
        return hashlib.blake2b(marshal.dumps(values, 2), digest_size=16).digest()

    def put(self, row: Mapping[str, Any]) -> None:
        if not self._names.issuperset(row):
            raise ValueError(f"an encoded row has the columns {sorted(row)}, but its schema is {sorted(self._names)}")
        self._waiting.append(row)
        self.rows += 1
        if len(self._waiting) >= BATCH:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            self._writer.write_batch(pa.RecordBatch.from_pylist(self._waiting, schema=self._schema))
            self._waiting = []

    def __enter__(self) -> "_Sink":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._flush()
        self._writer.close()
        self._file.close()


def encoded(path: Path) -> Any:
    """An encoded file as a `datasets.Dataset`, mapped into memory."""
    from datasets import Dataset

    return Dataset.from_file(str(path))


def encoded_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of an encoded file, a batch at a time in memory."""
    for table in _tables(path):
        yield from table.to_pylist()


def _tables(path: Path) -> Iterator[pa.Table]:
    with pa.memory_map(str(path)) as file:
        for batch in pa.ipc.open_stream(file):
            yield pa.Table.from_batches([batch])
