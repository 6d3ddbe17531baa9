"""Rows on disk: Parquet parts in a fixed order, read a row group at a time so that memory stays bounded."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from .errors import Damaged
from .files import Folder

# Text bytes per row group. Large enough for vectorised work, small enough that a worker holds a few at once.
GROUP_BYTES = 16 << 20
GROUP_ROWS = 8192


@dataclass(frozen=True)
class Part:
    """One Parquet file of a table."""

    name: str
    rows: int


@dataclass(frozen=True)
class Table:
    """Parts in order; the order of rows is the order of parts, then the order inside each."""

    folder: Folder
    parts: tuple[Part, ...]

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.parts)

    def first_rows(self) -> list[int]:
        """The number of rows before each part."""
        totals = [0]
        for part in self.parts:
            totals.append(totals[-1] + part.rows)
        return totals[:-1]

    def schema(self) -> pa.Schema:
        """The columns of the first part; of a table without parts, none."""
        if not self.parts:
            return pa.schema([])
        with self._opened(0) as reader:
            return reader.schema_arrow

    def groups(self) -> list[list[int]]:
        """The rows of each row group of each part. Tables that are read side by side agree in it."""
        counts = []
        for part in range(len(self.parts)):
            with self._opened(part) as reader:
                counts.append([reader.metadata.row_group(n).num_rows for n in range(reader.num_row_groups)])
        return counts

    @contextmanager
    def _opened(self, part: int) -> Iterator[pq.ParquetFile]:
        """A part, open for reading.

        Raises:
            Damaged: it is missing or no Parquet file.
        """
        name = self.parts[part].name
        mend = f"if this is a step's cache, delete the folder {self.folder} and run again; of a version, see `verify`"
        try:
            with self.folder.open(name) as file:
                yield pq.ParquetFile(file)
        except FileNotFoundError as error:
            raise Damaged(f"{self.folder}/{name} is missing; {mend}") from error
        except pa.ArrowInvalid as error:
            raise Damaged(f"{self.folder}/{name} is damaged ({error}); {mend}") from error

    def batches(self, part: int, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
        """The row groups of one part in order, restricted to `columns`."""
        with self._opened(part) as reader:
            for group in range(reader.num_row_groups):
                yield from_arrow(
                    reader.read_row_group(group, list(columns) if columns is not None else None, use_threads=False)
                )

    def batch(self, part: int, group: int, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """One row group of one part."""
        with self._opened(part) as reader:
            return from_arrow(
                reader.read_row_group(group, list(columns) if columns is not None else None, use_threads=False)
            )

    def frames(self, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
        """Every batch of every part in order."""
        for part in range(len(self.parts)):
            yield from self.batches(part, columns)

    def collect(self, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """All rows in memory; for small tables and tests."""
        frames = list(self.frames(columns))
        if frames:
            return pl.concat(frames, how="vertical")
        empty = from_arrow(self.schema().empty_table())
        return empty if columns is None else empty.select(columns)


def from_arrow(table: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame


def write_parquet(folder: Folder, name: str, batches: Iterable[pl.DataFrame], schema: pa.Schema | None = None) -> int:
    """Write each batch as one row group and return the number of rows; the file appears whole or not at all."""
    rows = 0
    with folder.create(name) as file:
        writer: pq.ParquetWriter | None = None
        try:
            for batch in batches:
                table = batch.to_arrow(compat_level=pl.CompatLevel.oldest())
                writer = writer or pq.ParquetWriter(file, schema or table.schema, compression="zstd")
                # An explicit size keeps one batch one row group: tables that run side by side rely on it.
                if batch.height:
                    writer.write_table(table.cast(writer.schema), row_group_size=batch.height)
                rows += batch.height
            if writer is None and schema is not None:
                writer = pq.ParquetWriter(file, schema, compression="zstd")
        finally:
            if writer is not None:
                writer.close()
    return rows
