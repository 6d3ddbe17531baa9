"""Finding rows in Parquet tables of any size: a row group at a time, and of it only the columns that are asked.

What Parquet keeps of the smallest and the largest value rules out row groups where ids are in order. Ids that are
hashes lie anywhere, and there the whole column is read; memory is that of one row group.
"""

import json
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..versions.errors import Damaged, Misuse
from ..versions.schemas import CONTENT
from ..versions.table import Part, Table, from_arrow

MADE_FROM = ("parents", "metadata", "record")  # columns that may name the rows that a row was made from
MOST = 20
AROUND = 60  # characters shown before and after a text that was found


class Place(NamedTuple):
    """Where a row lies: part, row group, row of the group."""

    part: int
    group: int
    at: int


def beside(version: Any, path: str) -> Table | None:
    """A file of the ledger as a table; None where the version has none."""
    rows = [int(one["rows"]) for one in version.json["files"] if one["path"] == path]
    return Table(version.folder, (Part(path, rows[0]),)) if rows else None


def columns(table: Table) -> list[str]:
    return list(table.schema().names)


def locate(table: Table, ids: Collection[str], column: str = "id") -> dict[str, list[Place]]:
    """The places of the rows whose `column` is one of `ids`, by that; those that are nowhere are left out."""
    found: dict[str, list[Place]] = {}
    wanted = sorted(one.encode("utf-8", "surrogatepass") for one in ids)
    for part, group, rows in _groups(table, [column], lambda group: _may_hold(group, column, wanted)):
        for at, value in _hits(rows.column(column), ids):
            found.setdefault(value, []).append(Place(part, group, at))
    return found


def matching(table: Table, ids: Collection[str], *by: str, most: int = MOST) -> tuple[int, list[dict[str, Any]]]:
    """How many rows have one of `ids` in one of the columns `by`, and the first `most` of them.

    Only the row groups that hold any are read as a whole.
    """
    count = 0
    rows: list[dict[str, Any]] = []
    wanted = sorted(one.encode("utf-8", "surrogatepass") for one in ids)

    def may(group: pq.RowGroupMetaData) -> bool:
        return any(_may_hold(group, name, wanted) for name in by)

    for part, group, some in _groups(table, list(by), may):
        hits = sorted({at for name in by for at, _ in _hits(some.column(name), ids)})
        count += len(hits)
        if hits and len(rows) < most:
            whole = table.batch(part, group)
            rows += whole[hits[: most - len(rows)]].to_dicts()
    return count, rows


def row_at(table: Table, place: Place) -> dict[str, Any]:
    """One row with all its columns."""
    return table.batch(place.part, place.group).row(place.at, named=True)


def links(row: Mapping[str, Any]) -> list[str]:
    """The ids of the rows that a row says it was made from: `parents`, what its generator noted, and `record`."""
    found = [*(row.get("parents") or ()), *_noted(row.get("metadata"))]
    if row.get("record"):
        found.append(row["record"])
    return [one for one in dict.fromkeys(found) if isinstance(one, str) and one != row.get("id")]


def _noted(metadata: Any) -> list[Any]:
    """What a generator wrote of parents into the metadata of rows that have no column for it."""
    if not isinstance(metadata, str) or '"generator"' not in metadata:
        return []
    try:
        told = json.loads(metadata)
    except (ValueError, RecursionError):
        return []
    parents = told.get("parents") if isinstance(told, dict) else None
    return [*(parents if isinstance(parents, list) else ()), told.get("root")] if isinstance(told, dict) else []


def made_from(table: Table, ids: Collection[str]) -> Iterator[tuple[Place, str, list[str]]]:
    """Every row that was made from one of `ids`: its place, its id, and which of them it names."""
    names = [name for name in MADE_FROM if name in columns(table)]
    wanted = set(ids)
    if not names or not wanted:
        return
    # JSON may spell what is not ASCII in two ways.
    spelled = sorted({json.dumps(one, ensure_ascii=ascii)[1:-1] for one in wanted for ascii in (True, False)})
    for part, group, rows in _groups(table, ["id", *names], lambda group: True):
        frame = from_arrow(rows).with_row_index("at")
        tests = []
        if "parents" in names:
            tests.append(pl.col("parents").list.eval(pl.element().is_in(sorted(wanted))).list.any())
        if "record" in names:
            tests.append(pl.col("record").is_in(sorted(wanted)))
        if "metadata" in names:
            tests.append(
                pl.col("metadata").str.contains('"generator"', literal=True)
                & pl.col("metadata").str.contains_any(spelled)
            )
        for row in frame.filter(pl.any_horizontal(test.fill_null(False) for test in tests)).iter_rows(named=True):
            if own := [one for one in links(row) if one in wanted]:
                yield Place(part, group, row["at"]), row["id"], own


def descended(table: Table, ids: Collection[str]) -> dict[str, list[str]]:
    """The rows of a table that were made from `ids`, from those again, and so on: what each was made from, by id."""
    found: dict[str, list[str]] = {}
    new = set(ids)
    while new:
        fresh = {name: own for _, name, own in made_from(table, new) if name not in found and name not in ids}
        found |= fresh
        new = set(fresh)
    return found


def like(table: Table, text: str, most: int = 5) -> list[str]:
    """Ids that hold `text`, whatever the case of its letters."""
    found: list[str] = []
    needle = text.strip().lower()
    for _, _, rows in _groups(table, ["id"], lambda group: True) if needle else ():
        ids = from_arrow(rows).get_column("id")
        near = ids.filter(ids.str.to_lowercase().str.contains(needle, literal=True).fill_null(False))
        found += [one for one in near.head(most) if one not in found]
        if len(found) >= most:
            break
    return found[:most]


def holding(table: Table, kind: str, text: str) -> Iterator[tuple[Place, str, str]]:
    """Every row of a kind that says exactly `text` in one of its content fields: place, id, and the words around it."""
    names = [name for name in CONTENT.get(kind, ()) if name in columns(table)]
    kinds = {name: table.schema().field(name).type for name in names}
    names = [name for name in names if _says(kinds[name])]
    for part, group, rows in _groups(table, ["id", *names], lambda group: True):
        frame = from_arrow(rows).with_row_index("at")
        tests = [_contains(name, kinds[name], text).fill_null(False) for name in names]
        for row in frame.filter(pl.any_horizontal(tests)).iter_rows(named=True) if tests else ():
            yield Place(part, group, row["at"]), row["id"], _around(row, names, text)


def _says(kind: pa.DataType) -> bool:
    spoken = pa.types.is_list(kind) and pa.types.is_struct(kind.value_type)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or spoken)


def _contains(name: str, kind: pa.DataType, text: str) -> pl.Expr:
    if not pa.types.is_list(kind):
        return pl.col(name).str.contains(text, literal=True)
    said = pl.element().struct.field("content")
    return pl.col(name).list.eval(said.str.contains(text, literal=True)).list.any()


def _around(row: Mapping[str, Any], names: Sequence[str], text: str) -> str:
    for name in names:
        value = row[name]
        for said in [value] if isinstance(value, str) else [one["content"] for one in value or ()]:
            if said and (at := said.find(text)) >= 0:
                start, end = max(0, at - AROUND), at + len(text) + AROUND
                return f"{'…' if start else ''}{said[start:end]}{'…' if end < len(said) else ''}"
    return ""


def _may_hold(group: pq.RowGroupMetaData, column: str, wanted: Sequence[bytes]) -> bool:
    """Whether a row group can have one of the sorted `wanted` values, by what Parquet keeps of the column."""
    for number in range(group.num_columns):
        chunk = group.column(number)
        if chunk.path_in_schema == column:
            told = chunk.statistics
            if told is None or not told.has_min_max or not isinstance(told.min, str):
                return True
            low, high = str(told.min).encode("utf-8", "surrogatepass"), str(told.max).encode("utf-8", "surrogatepass")
            at = bisect_left(wanted, low)
            return at < len(wanted) and bool(wanted[at] <= high)
    return True


def _hits(column: pa.ChunkedArray, ids: Collection[str]) -> Iterator[tuple[int, str]]:
    wanted = pa.array(sorted(ids), type=pa.string()).cast(column.type)
    for at in pc.indices_nonzero(pc.is_in(column, value_set=wanted)).to_pylist():
        yield at, column[at].as_py()


def _groups(
    table: Table, names: Sequence[str], may: Callable[[pq.RowGroupMetaData], bool]
) -> Iterator[tuple[int, int, pa.Table]]:
    """Part, number and the columns `names` of every row group that `may` hold what is looked for.

    Raises:
        Damaged: a file is missing or no Parquet file, or has no such column.
    """
    for part, one in enumerate(table.parts):
        try:
            with table.folder.open(one.name) as file:
                reader = pq.ParquetFile(file)
                for group in range(reader.num_row_groups):
                    if may(reader.metadata.row_group(group)):
                        rows = reader.read_row_group(group, columns=list(names), use_threads=False)
                        if missing := [name for name in names if name not in rows.column_names]:
                            raise Damaged(f"{table.folder}/{one.name} has no column {', '.join(missing)}")
                        yield part, group, rows
        except (OSError, pa.ArrowInvalid) as error:
            raise Damaged(f"{table.folder}/{one.name} cannot be read ({error}); see `gristmill verify`") from error


def utf8(text: str, what: str) -> str:
    """The text, if rows can hold it.

    Raises:
        Misuse: it was typed in another encoding, and no row can hold its bytes.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Misuse(f"{what} is no valid UTF-8 at character {error.start}, so no row can have it") from error
    return text
