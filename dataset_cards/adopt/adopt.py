"""The step that takes outside data in: rows of any known shape become rows of one kind, and none goes missing."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from dataset_cards.intake.formats import TABULAR
from dataset_cards.intake.limits import DEFAULTS, MIB, Limits
from dataset_cards.intake.parts import Part, open_parts
from dataset_cards.intake.quarantine import Quarantined, excerpt
from dataset_cards.intake.rows import part_rows
from dataset_cards.intake.source import Input, InputFile
from dataset_cards.intake.stream import Damaged
from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Job
from dataset_cards.versions.schemas import schema
from dataset_cards.versions.side_files import QUARANTINE
from dataset_cards.versions.table import GROUP_BYTES, GROUP_ROWS, from_arrow, write_parquet
from dataset_cards.versions.table import Part as TablePart

from .fields import Unmappable
from .recognise import SAMPLE, NoShape, checked, recognise
from .shapes import Shape

SLICE_BYTES = 256 << 20  # input per task: what a killed run may have to do again

COUNTED = ("languages", "sources", "quarantine")

Item = tuple[str, str, dict[str, Any]] | Quarantined  # file, position, row


@dataclass(frozen=True, kw_only=True)
class Adopt:
    """Rows at `input` as rows of `kind`.

    `mapping` goes from target to source field and overrides what would be recognised; `license` is an SPDX name or
    "unknown", and `source` says in words where the data comes from.

    Raises:
        ValueError: no such kind, or a mapping to a field that its rows do not have.
    """

    revision: ClassVar[int] = 1

    input: Input
    kind: str
    mapping: Mapping[str, str] | tuple[tuple[str, str], ...] = ()
    license: str
    source: str

    def __post_init__(self) -> None:
        schema(self.kind)
        # One form, so that the same mapping has the same fingerprint however it was written down.
        object.__setattr__(self, "mapping", tuple(checked(self.kind, dict(self.mapping)).items()))

    def run(self, job: Job) -> dict[str, Any]:
        """One part per slice of the input, and what could not be adopted in `ledger/quarantine.parquet`.

        Raises:
            NoShape: the shape of the rows cannot be told; the message says how to name it.
        """
        slices = self.input.slices(SLICE_BYTES)
        shape = self._shape()
        for task in job.unfinished(len(slices)):
            self._adopt(job, task, shape, slices[task])
        tasks = job.facts()
        _gather_quarantine(job.folder, [task["aside"] for task in tasks])
        facts = {"kind": self.kind, "license": self.license, "source": self.source, "shape": shape.name}
        return facts | {name: _sum(task[name] for task in tasks) for name in COUNTED}

    def _shape(self) -> Shape:
        """The shape of the first rows that can be read."""
        failed = ""
        rows: list[dict[str, Any]] = []
        items = (item for file in self.input.files for item in read_items(file, self.kind))
        while len(rows) < SAMPLE and (item := next(items, None)) is not None:
            if not isinstance(item, Quarantined):
                rows.append(item[2])
            elif not failed:
                failed = f" ({item.file}, {item.position}: {item.reason})"
        if not rows:
            known = "JSON Lines, JSON, CSV, TSV, Parquet and Arrow"
            raise NoShape(f"no row could be read from {self.input.address}{failed}; formats of rows are {known}")
        try:
            return recognise(rows, self.kind, dict(self.mapping))
        except NoShape as error:
            raise NoShape(f"{self.input.address}: {error}") from None

    def _adopt(self, job: Job, task: int, shape: Shape, files: Iterable[InputFile]) -> None:
        part, aside = f"part-{task:05d}.parquet", f"quarantine-{task:05d}.parquet"
        with job.folder.create(aside) as file, pq.ParquetWriter(file, QUARANTINE, compression="zstd") as writer:
            tally = Tally(writer)
            rows = _mapped(files, shape, dict(self.mapping), tally)
            kept = write_parquet(job.folder, part, _batches(rows, schema(self.kind)), schema(self.kind))
            tally.flush()
        quarantined = tally.quarantine.total()
        funnel = {"stage": "adopt", "read": tally.read, "kept": kept, "quarantined": quarantined, "dropped": {}}
        facts = {name: getattr(tally, name) for name in COUNTED}
        job.finish(task, [TablePart(part, kept)], funnel=[funnel], aside=aside, **facts)


class Tally:
    """What one task counts, and its quarantine file, filled as it goes so that memory stays bounded."""

    def __init__(self, writer: pq.ParquetWriter) -> None:
        self.read = 0
        self.languages: Counter[str] = Counter()
        self.sources: Counter[str] = Counter()
        self.quarantine: Counter[str] = Counter()
        self._writer = writer
        self._held: list[dict[str, Any]] = []

    def put_aside(self, entry: Quarantined) -> None:
        self.quarantine[entry.reason] += 1
        self._held.append(asdict(entry))
        if len(self._held) >= GROUP_ROWS:
            self.flush()

    def flush(self) -> None:
        """Write what is held; to be called once more at the end."""
        if self._held:
            self._writer.write_table(pa.Table.from_pylist(self._held, schema=QUARANTINE))
            self._held = []


def _mapped(
    files: Iterable[InputFile], shape: Shape, mapping: Mapping[str, str], tally: Tally
) -> Iterator[dict[str, Any]]:
    """The rows of `files` as rows of the shape's kind; everything read is either given out or put aside."""
    for file in files:
        for item in read_items(file, shape.kind):
            tally.read += 1
            if isinstance(item, Quarantined):
                tally.put_aside(item)
                continue
            name, position, outside = item
            try:
                row = shape.map(outside, mapping)
            except Unmappable as error:
                shown = f"{error} in {_glimpse(outside)}"
                tally.put_aside(Quarantined(name, position, error.reason, excerpt(shown)))
                continue
            except RecursionError:
                tally.put_aside(Quarantined(name, position, "nested-too-deep", ""))
                continue
            if "source" in row and row["source"] is None:
                row["source"] = name
            tally.sources[file.name] += 1
            if row.get("language"):
                tally.languages[row["language"]] += 1
            yield row


def _glimpse(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}: {value!r:.60}" for name, value in row.items())


def read_items(file: InputFile, kind: str, limits: Limits = DEFAULTS) -> Iterator[Item]:
    """The rows of one file with their file and position, and an entry for each piece that gave none.

    For documents a file of plain text is one row, called by its name.
    """
    for part in open_parts(file, limits):
        if isinstance(part, Quarantined):
            yield part
        elif part.format in TABULAR:
            for item in part_rows(part, limits):
                yield item if isinstance(item, Quarantined) else (part.name, *item)
        elif kind == "documents" and part.format == "text":
            yield _text_file(part, limits)
        else:
            yield Quarantined(part.name, "file", "not-tabular", excerpt(f"this file holds {part.format}, not rows"))


def _text_file(part: Part, limits: Limits) -> Item:
    data = bytearray()
    try:
        while block := part.stream.read(MIB):
            data += block
            if len(data) > limits.max_document_bytes:
                return Quarantined(part.name, "file", "document-too-long", excerpt(bytes(data[:1000])))
        return part.name, "file", {"id": part.name, "text": data.decode("utf-8-sig")}
    except Damaged as damage:
        return Quarantined(part.name, "file", damage.reason, excerpt(damage.detail))
    except UnicodeDecodeError as error:
        return Quarantined(
            part.name, f"byte {error.start}", "invalid-utf-8", excerpt(bytes(data[error.start :][:1000]))
        )


def _batches(rows: Iterable[dict[str, Any]], columns: pa.Schema) -> Iterator[pl.DataFrame]:
    held: list[dict[str, Any]] = []
    size = 0
    for row in rows:
        held.append(row)
        size += _size(row)
        if len(held) >= GROUP_ROWS or size >= GROUP_BYTES:
            yield from_arrow(pa.Table.from_pylist(held, schema=columns))
            held, size = [], 0
    if held:
        yield from_arrow(pa.Table.from_pylist(held, schema=columns))


def _size(value: Any) -> int:
    """About how many bytes a value takes; text in characters."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(map(_size, value.values()))
    return sum(map(_size, value)) if isinstance(value, list) else 8


def _gather_quarantine(folder: Folder, names: Iterable[str]) -> None:
    """`ledger/quarantine.parquet` from the files of all tasks, in order, a row group at a time."""

    def groups() -> Iterator[pl.DataFrame]:
        for name in names:
            with folder.open(name) as file:
                reader = pq.ParquetFile(file)
                for group in range(reader.num_row_groups):
                    yield from_arrow(reader.read_row_group(group))

    write_parquet(folder / "ledger", "quarantine.parquet", groups(), QUARANTINE)


def _sum(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return dict(sorted(total.items()))
