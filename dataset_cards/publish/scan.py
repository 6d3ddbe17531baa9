"""The last look for secrets: every text of every file that goes, a row group or a block of lines at a time."""

import codecs
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from ..facts.instruments import Reads
from ..versions.table import from_arrow
from .package import Package

BLOCK = 1 << 22  # bytes of a text file that are looked at together
MOST_SHOWN = 100


@dataclass(frozen=True, kw_only=True)
class Found:
    """A text that holds a secret, never the secret itself.

    Attributes:
        row: in a table, the number of the row, from 0; in a text, of the line, from 1.
        id: what the row is called, where it says so.
        column: the path to the text inside the row; empty in a text file.
    """

    kind: str
    file: str
    row: int
    id: str | None = None
    column: str = ""

    def __str__(self) -> str:
        named = f"row {self.row}" + (f" (id {self.id})" if self.id is not None else "")
        return (
            f"{self.file}, {named}, {self.column}: {self.kind}"
            if self.column
            else f"{self.file}, line {self.row}: {self.kind}"
        )


@dataclass(frozen=True, kw_only=True)
class Scanned:
    """What a scan saw: the first `MOST_SHOWN` finds, how many there are of each kind, and what it could not look into.

    Attributes:
        binary: files without text, such as the weights of a model.
        broken: files that could not be read, with why.
    """

    found: tuple[Found, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    binary: tuple[str, ...] = ()
    broken: dict[str, str] = field(default_factory=dict)


def scan(package: Package, secrets: Reads) -> Scanned:
    """Look through everything that goes; memory holds one row group or one block at a time."""
    shown: list[Found] = []
    counts: Counter[str] = Counter()
    binary, broken = [], {}
    for item in package.items:
        try:
            with package.open(item) as file:
                if not item.path.endswith(".parquet") and b"\0" in file.read(8192):
                    binary.append(item.path)
                    continue
                file.seek(0)
                finds = (
                    _table(file, item.path, secrets)
                    if item.path.endswith(".parquet")
                    else _text(file, item.path, secrets)
                )
                for one in finds:
                    counts[one.kind] += 1
                    if len(shown) < MOST_SHOWN:
                        shown.append(one)
        except (OSError, pa.ArrowException) as error:
            broken[item.path] = str(error)
    return Scanned(found=tuple(shown), counts=dict(sorted(counts.items())), binary=tuple(binary), broken=broken)


def _table(file: BinaryIO, path: str, secrets: Reads) -> Iterator[Found]:
    reader, before = pq.ParquetFile(file), 0
    for group in range(reader.num_row_groups):
        frame = from_arrow(reader.read_row_group(group, use_threads=False))
        names = frame["id"].cast(pl.String) if "id" in frame.columns and frame.schema["id"] == pl.String else None
        telling: set[int] = set()  # rows whose id is what is looked for, and so is never shown
        for column in sorted(frame.columns, key=lambda one: one != "id"):
            held = pl.DataFrame({"row": pl.arange(0, frame.height, eager=True), "value": frame[column]})
            for place, texts in _texts(held, column):
                for row, kinds in _kinds(texts["row"], texts["value"], secrets):
                    if place == "id":
                        telling.add(row)
                    name = None if names is None or row in telling else names[row]
                    yield from (Found(kind=kind, file=path, row=before + row, id=name, column=place) for kind in kinds)
        before += frame.height


def _texts(held: pl.DataFrame, place: str) -> Iterator[tuple[str, pl.DataFrame]]:
    """Every text inside a column of any type as `row, value`, with the path to it."""
    kind: Any = held.schema["value"]
    if kind == pl.String:
        yield place, held.drop_nulls("value")
    elif isinstance(kind, pl.Categorical | pl.Enum):
        yield place, held.with_columns(pl.col("value").cast(pl.String)).drop_nulls("value")
    elif kind == pl.Binary:
        yield (
            place,
            held.with_columns(pl.col("value").map_elements(_decoded, return_dtype=pl.String)).drop_nulls("value"),
        )
    elif isinstance(kind, pl.List | pl.Array):
        items = held.with_columns(pl.col("value").arr.to_list() if isinstance(kind, pl.Array) else pl.col("value"))
        yield from _texts(items.filter(pl.col("value").list.len() > 0).explode("value"), f"{place}[]")
    elif isinstance(kind, pl.Struct):
        for inner in kind.fields:
            part = held.select("row", pl.col("value").struct.field(inner.name).alias("value"))
            yield from _texts(part, f"{place}.{inner.name}")


def _decoded(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _text(file: BinaryIO, path: str, secrets: Reads) -> Iterator[Found]:
    decode, line, rest = codecs.getincrementaldecoder("utf-8")("replace").decode, 1, ""
    while block := file.read(BLOCK):
        whole, newline, rest = (rest + decode(block)).rpartition("\n")
        if newline:
            yield from _lines(whole, path, line, secrets)
            line += whole.count("\n") + 1
    yield from _lines(rest + decode(b"", True), path, line, secrets)


def _lines(text: str, path: str, first: int, secrets: Reads) -> Iterator[Found]:
    """Secrets in a few lines: looked for in all of them together, since a key goes over several, and then in each."""
    whole = secrets(pl.Series([text], dtype=pl.String))[0]
    if not len(whole):
        return
    lines = pl.Series(text.split("\n"), dtype=pl.String)
    left = Counter(whole)
    for row, kinds in _kinds(pl.arange(0, lines.len(), eager=True), lines, secrets):
        left.subtract(kinds)
        yield from (Found(kind=kind, file=path, row=first + row) for kind in kinds)
    yield from (Found(kind=kind, file=path, row=first) for kind, number in left.items() for _ in range(number))


def _kinds(rows: pl.Series, texts: pl.Series, secrets: Reads) -> Iterator[tuple[int, list[str]]]:
    """The rows whose text holds something, with the kinds of it."""
    found = pl.DataFrame({"row": rows, "kinds": secrets(texts)}).filter(pl.col("kinds").list.len() > 0)
    yield from ((int(row), list(kinds)) for row, kinds in found.iter_rows())
