"""The common half of the ops that decide: rows of the source in, decided rows and the ledger of the others out."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.examples import KEPT, as_text, example, first_of_each, write_examples
from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Job
from dataset_cards.versions.schemas import SCHEMAS, problems, schema
from dataset_cards.versions.side_files import EXAMPLES, GONE
from dataset_cards.versions.table import GROUP_BYTES, GROUP_ROWS, Part, Table, from_arrow, write_parquet

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A row that comes out, and how it was decided."""

    row: dict[str, Any]
    how: str | None = None


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """A unit that does not come out; it may have been decided all the same."""

    id: str
    reason: str
    how: str | None = None


Made = Kept | Dropped

MOST_SHOWN = 20  # examples of a kind that one task keeps


def kind_of(table: Table, wanted: tuple[str, ...], who: str) -> str:
    """The row type of a table, by its columns.

    Raises:
        Misuse: it is none of `wanted`.
    """
    names = set(table.schema().names)
    for kind in wanted:
        if names == set(SCHEMAS[kind].names):
            return kind
    held = next((kind for kind, fields in SCHEMAS.items() if names == set(fields.names)), ", ".join(sorted(names)))
    raise Misuse(f"{who} reads {' or '.join(wanted)}; the source holds {held}")


def inputs(job: Job, who: str) -> tuple[Table, Table]:
    """The source and the judgements about it.

    Raises:
        Misuse: there are not two inputs, or the second holds no judgements.
    """
    if len(job.inputs) != 2:
        raise Misuse(f"{who} needs two inputs, the source and the judgements; it was given {len(job.inputs)}")
    kind_of(job.inputs[1], ("judgements",), f"the second input of {who}")
    return job.inputs[0], job.inputs[1]


def write_rows(
    job: Job,
    source: Table,
    *,
    kind: str,
    stage: str,
    make: Callable[[Row], Iterable[Made]],
    units: Callable[[Row], int],
) -> None:
    """One part of rows of `kind` per part of the source, each with its funnel; then `ledger/rows.parquet`.

    Args:
        make: everything that one row of the source gives, each unit either kept or dropped. A row that breaks a rule
            of its type is dropped as `invalid-FIELD`.
        units: how many units a row of the source has, counted apart from `make`: the store compares the two.
    """
    for task in job.unfinished(len(source.parts)):
        tally = _Tally()
        made = _judged(source, task, kind, stage, make, units, tally)
        name, aside, shown = (f"{what}-{task:05d}.parquet" for what in ("part", "dropped", "shown"))
        kept = write_parquet(job.folder, name, _batches(made, schema(kind)), schema(kind))
        gone = ({**one, "stage": stage} for one in tally.gone)
        write_parquet(job.folder, aside, _batches(gone, GONE), GONE)
        write_parquet(job.folder, shown, _batches(first_of_each(tally.shown), EXAMPLES), EXAMPLES)
        reasons = Counter(f"{stage}/{one['reason']}" for one in tally.gone)
        funnel = {
            "stage": stage,
            "read": tally.read,
            "kept": kept,
            "quarantined": 0,
            "dropped": dict(sorted(reasons.items())),
        }
        told = {"aside": aside, "shown": shown, "even": tally.even, "decided": dict(sorted(tally.hows.items()))}
        job.finish(task, [Part(name, kept)], funnel=[funnel], **told)
    tasks = job.facts()
    copies = (task["aside"] for task in tasks)
    write_parquet(job.folder / "ledger", "rows.parquet", _groups(job.folder, copies), GONE)
    examples = _groups(job.folder, (task["shown"] for task in tasks))
    write_examples(job.folder, (one for frame in examples for one in frame.to_dicts()))


def decided_facts(job: Job) -> dict[str, int]:
    """How many units were decided in which way, over all tasks."""
    total: Counter[str] = Counter()
    for task in job.facts():
        total.update(task["decided"])
    return dict(sorted(total.items()))


def even_rows(job: Job) -> int:
    """How many rows came out with margin 0: pairs of which neither response won."""
    return sum(task["even"] for task in job.facts())


def keep_judgements(job: Job, judgements: Table) -> None:
    """All judgements behind the rows, as `ledger/judgements.parquet`."""
    write_parquet(job.folder / "ledger", "judgements.parquet", judgements.frames(), schema("judgements"))


def noted(metadata: str | None, notes: Mapping[str, Any]) -> str:
    """The metadata of a row with `notes` added; where a name is taken, what was there is called `metadata.NAME`."""
    own = json.loads(metadata) if metadata else {}
    result = {name: value for name, value in notes.items() if value is not None}
    for name, value in own.items():
        while name in result:
            name = f"metadata.{name}"
        result[name] = value
    return json.dumps(result, sort_keys=True, ensure_ascii=False, allow_nan=False)


def source_of(row: Row) -> str | None:
    """Where a row comes from: its column, or what its metadata says."""
    if row.get("source") is not None:
        return str(row["source"])
    said = json.loads(row.get("metadata") or "{}").get("source")
    return said if isinstance(said, str) else None


class _Tally:
    """What one task counts, filled as its rows are written. Dropped rows are small: an id and a reason."""

    def __init__(self) -> None:
        self.read = 0
        self.gone: list[dict[str, Any]] = []
        self.hows: Counter[str] = Counter()
        self.shown: list[dict[str, Any]] = []
        self.kinds: Counter[str] = Counter()
        self.even = 0

    def show(self, reason: str, name: str, row: Row, source: str | None) -> None:
        """Keep a row as an example while there are few of its kind."""
        self.kinds[reason] += 1
        if self.kinds[reason] <= MOST_SHOWN:
            self.shown.append(example(reason, name, as_text(row), source))


def _judged(
    source: Table,
    part: int,
    kind: str,
    stage: str,
    make: Callable[[Row], Iterable[Made]],
    units: Callable[[Row], int],
    tally: _Tally,
) -> Iterator[dict[str, Any]]:
    for frame in source.batches(part):
        for row in frame.iter_rows(named=True):
            tally.read += units(row)
            for made in make(row):
                if made.how is not None:
                    tally.hows[made.how] += 1
                if isinstance(made, Kept):
                    found = problems(kind, made.row)
                    if not found:
                        tally.even += made.row.get("margin") == 0
                        tally.show(KEPT, made.row["id"], made.row, source_of(row))
                        yield made.row
                        continue
                    field = found[0].split(":")[0].split(".")[0].split("[")[0]
                    made = Dropped(id=made.row["id"], reason=f"invalid-{field}")
                tally.show(f"{stage}/{made.reason}", made.id, row, source_of(row))
                tally.gone.append(
                    {"id": made.id, "source": source_of(row), "reason": made.reason, "duplicate_of": None}
                )


def _batches(rows: Iterable[Row], columns: pa.Schema) -> Iterator[pl.DataFrame]:
    held: list[Row] = []
    size = 0
    for row in rows:
        held.append(row)
        size += len(str(row))
        if len(held) >= GROUP_ROWS or size >= GROUP_BYTES:
            yield from_arrow(pa.Table.from_pylist(held, schema=columns))
            held, size = [], 0
    if held:
        yield from_arrow(pa.Table.from_pylist(held, schema=columns))


def _groups(folder: Folder, names: Iterable[str]) -> Iterator[pl.DataFrame]:
    for name in names:
        with folder.open(name) as file:
            reader = pq.ParquetFile(file)
            for group in range(reader.num_row_groups):
                yield from_arrow(reader.read_row_group(group))
