"""Documents and what later steps said about them, read side by side.

The first table holds the documents; each further table is a sidecar with the same parts and row groups, holding only
what it adds: a drop reason, what was measured, and texts where they were edited. No step copies the corpus to mark it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from dataset_cards.versions.table import Table

DROP = "drop"
TEXT = "text"
LANGUAGE = "language"
# A sidecar column `<stage>.text` or `<stage>.language` stands over the documents' own.
OVERLAYS = (TEXT, LANGUAGE)


@dataclass(frozen=True)
class Layers:
    """A documents table followed by its sidecars, oldest first."""

    tables: tuple[Table, ...]

    def __post_init__(self) -> None:
        shapes = {tuple(part.rows for part in table.parts) for table in self.tables}
        if len(shapes) != 1:
            raise ValueError(f"the sidecars do not fit their documents: they have parts of {sorted(shapes)} rows")

    @property
    def documents(self) -> Table:
        return self.tables[0]

    @property
    def parts(self) -> int:
        return len(self.documents.parts)

    @property
    def rows(self) -> int:
        return self.documents.rows

    def first_rows(self) -> list[int]:
        """The row number, over the whole corpus, of the first row of each part."""
        return self.documents.first_rows()

    @cached_property
    def _columns(self) -> list[list[str]]:
        return [table.schema().names for table in self.tables]

    def batches(self, part: int, columns: Sequence[str] = (TEXT,)) -> Iterator[pl.DataFrame]:
        """Every row of a part, dropped ones too, one frame per row group.

        Columns: `columns`, from the documents (`text` and `language` as last edited) or from whichever sidecar
        measured them, and `drop`: the first reason, null for a row that is alive.
        """
        wanted = [self._wanted(table, columns) for table in range(len(self.tables))]
        readers = [table.batches(part, columns=want) for table, want in zip(self.tables, wanted, strict=True)]
        for frames in zip(*readers, strict=True):
            yield _flatten(frames, columns)

    def batch(self, part: int, group: int, columns: Sequence[str]) -> pl.DataFrame:
        """One row group, as `batches` would give it."""
        frames = [table.batch(part, group, self._wanted(number, columns)) for number, table in enumerate(self.tables)]
        return _flatten(frames, columns)

    def _wanted(self, table: int, columns: Sequence[str]) -> list[str]:
        has = self._columns[table]
        over = tuple(f".{name}" for name in OVERLAYS if name in columns)
        return [name for name in has if name in columns or name == DROP or (over and name.endswith(over))]


def _flatten(frames: Sequence[pl.DataFrame], columns: Sequence[str]) -> pl.DataFrame:
    """One frame over the layers: the first reason, the last edit, each column from the layer that has it."""
    if len({frame.height for frame in frames}) != 1:
        raise ValueError(f"row groups side by side have {[frame.height for frame in frames]} rows")
    found = {}
    for name in columns:
        said = [frame.get_column(name) for frame in frames if name in frame.columns]
        if said:
            found[name] = pl.select(pl.coalesce(said)).to_series()
    for name in OVERLAYS:
        edits = [frame.get_column(c) for frame in frames for c in frame.columns if c.endswith(f".{name}")]
        if name in found and edits:
            found[name] = pl.select(pl.coalesce(*reversed(edits), found[name])).to_series()
    drops = [frame.get_column(DROP) for frame in frames if DROP in frame.columns]
    alive = pl.Series(DROP, [None] * frames[0].height, dtype=pl.String)  # adopted documents have no verdicts
    found[DROP] = pl.select(pl.coalesce([*drops, alive])).to_series()
    return pl.DataFrame([found[name].alias(name) for name in (*dict.fromkeys(columns), DROP) if name in found])
