"""Rows of Parquet files and of Arrow files and streams, a bounded batch at a time."""

import io
from collections.abc import Iterator
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from .limits import Limits
from .parts import Part
from .quarantine import Quarantined, excerpt
from .stream import Damaged

BATCH = 512  # rows turned into Python at once
Row = dict[str, Any]
BROKEN = (pa.ArrowException, OSError, ValueError, MemoryError)


class _Clamped(io.RawIOBase):
    """A file that never asks for more than it has: a damaged length must not become an allocation."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = file.seek(0, io.SEEK_END)
        file.seek(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        left = max(0, self._size - self._file.tell())
        return self._file.read(left if size < 0 else min(size, left))


def parquet_rows(part: Part, limits: Limits) -> Iterator[tuple[str, Row] | Quarantined]:
    """Rows of every row group that can be read; one entry for each row group that cannot, saying which rows it held."""
    try:
        with part.seekable() as file:
            try:
                reader = pq.ParquetFile(_Clamped(file))
            except BROKEN as error:
                yield Quarantined(part.name, "file", "damaged-parquet", excerpt(str(error)))
                return
            first = 1
            for group in range(reader.num_row_groups):
                rows = reader.metadata.row_group(group).num_rows
                yield from _group(part, reader, group, first, rows)
                first += rows
    except Damaged as damage:
        yield Quarantined(part.name, "file", damage.reason, excerpt(damage.detail))


def _group(
    part: Part, reader: pq.ParquetFile, group: int, first: int, rows: int
) -> Iterator[tuple[str, Row] | Quarantined]:
    number = first
    try:
        for batch in reader.iter_batches(batch_size=BATCH, row_groups=[group]):
            yield from _rows(part, batch, number)
            number += batch.num_rows
        if number < first + rows:
            raise ValueError("the row group ends early")
    except BROKEN as error:
        detail = f"rows {number} to {first + rows - 1} of row group {group + 1} are lost: {error}"
        yield Quarantined(part.name, f"row {number}", "damaged-parquet", excerpt(detail))


def arrow_rows(part: Part, limits: Limits) -> Iterator[tuple[str, Row] | Quarantined]:
    """Rows of an Arrow file or stream, up to the first record batch that cannot be read."""
    number = 1
    try:
        with part.seekable() as file:
            for batch in _batches(_Clamped(file)):
                for at in range(0, batch.num_rows, BATCH):
                    yield from _rows(part, batch.slice(at, BATCH), number + at)
                number += batch.num_rows
    except BROKEN as error:
        yield Quarantined(part.name, f"row {number}", "damaged-arrow", excerpt(str(error)))
    except Damaged as damage:
        yield Quarantined(part.name, f"row {number}", damage.reason, excerpt(damage.detail))


def _batches(file: Any) -> Iterator[pa.RecordBatch]:
    magic = file.read(6)
    file.seek(0)
    if magic == b"ARROW1":
        with pa.ipc.open_file(file) as reader:
            for n in range(reader.num_record_batches):
                yield reader.get_batch(n)
    else:
        with pa.ipc.open_stream(file) as stream:
            yield from stream


def _rows(part: Part, batch: pa.RecordBatch, first: int) -> Iterator[tuple[str, Row] | Quarantined]:
    try:
        # Offsets that point outside a damaged buffer would be read as memory that is not ours.
        batch.validate(full=True)
        rows = batch.to_pylist()
    except (pa.ArrowException, ValueError, OverflowError):
        yield from _one_by_one(part, batch, first)
        return
    for number, row in enumerate(rows, first):
        yield f"row {number}", row


def _one_by_one(part: Part, batch: pa.RecordBatch, first: int) -> Iterator[tuple[str, Row] | Quarantined]:
    for at in range(batch.num_rows):
        one = batch.slice(at, 1)
        try:
            one.validate(full=True)
            row = one.to_pylist()[0]
        except (pa.ArrowException, ValueError, OverflowError) as error:
            reason = "invalid-utf-8" if "UTF8" in str(error) else "damaged-row"
            yield Quarantined(part.name, f"row {first + at}", reason, excerpt(str(error)))
        else:
            yield f"row {first + at}", row
