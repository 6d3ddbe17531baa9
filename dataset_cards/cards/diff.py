"""What changed between two versions: rows added, removed and changed, with the rule that did it.

Rows are paired by `id`; several rows with one id are paired in their order. Memory: 28 bytes per row of either side
(two hashes of the id, one of the row, its number) and as much for every row that is missing on the other side. What
joins need beside that is bounded: hashes are joined a share at a time. Texts are never held.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import polars as pl
import pyarrow.parquet as pq

from ..versions.errors import Misuse
from ..versions.files import Folder
from ..versions.table import Part, Table, from_arrow
from .account import qualified
from .changes import Change, fact_changes, recipe_changes

EXAMPLES = 10
NOT_READ = "not read"
TOGETHER = 1 << 21  # rows of both sides that are joined at a time
_KEY = ["one", "two", "nth"]
_ROWS = "ledger/rows.parquet"


class VersionData(Protocol):
    """A version as far as it is compared."""

    @property
    def ref(self) -> str: ...

    @property
    def folder(self) -> Folder: ...

    @property
    def json(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, kw_only=True)
class Group:
    """Rows that share a fate: the rule behind it, how many, and the first few ids in row order."""

    rule: str
    rows: int
    ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Diff:
    """`added` rows are only in b, `removed` ones only in a, `changed` ones have the same id and other content."""

    a: str
    b: str
    rows_a: int
    rows_b: int
    unchanged: int
    added: tuple[Group, ...]
    removed: tuple[Group, ...]
    changed: tuple[Group, ...]
    columns: tuple[Change, ...]
    recipe: tuple[Change, ...]
    facts: tuple[Change, ...]

    def json(self) -> dict[str, Any]:
        return asdict(self)


def diff(a: VersionData, b: VersionData) -> Diff:
    """Compare the rows, the recipes and the facts of two versions.

    A removed row takes its reason from the ledger of b, an added one from that of a; a row the other version never
    read is `not read`. Only columns that both have with the same type are compared; the others are in `columns`.

    Raises:
        Misuse: when a version has no `id` column to pair rows by.
    """
    left, right = _table(a), _table(b)
    for version, table in ((a, left), (b, right)):
        if table.parts and "id" not in table.schema().names:
            raise Misuse(f"{version.ref} has no column `id`, so its rows cannot be paired with others")
    shared, columns = _columns(left, right)
    shares = max(1, -(-(left.rows + right.rows) // TOGETHER))
    pairs = _Pairs.of(_hashes(left, shared), _hashes(right, shared), shares)
    changes = pairs.changed.with_columns(rule=pl.lit("other content"))
    return Diff(
        a=a.ref,
        b=b.ref,
        rows_a=left.rows,
        rows_b=right.rows,
        unchanged=pairs.unchanged,
        added=_groups(_with_rules(pairs.added, a.folder, shares), right),
        removed=_groups(_with_rules(pairs.removed, b.folder, shares), left),
        changed=_groups([changes], left),
        columns=tuple(columns),
        recipe=tuple(recipe_changes(a.json, b.json)),
        facts=tuple(fact_changes(a.json, b.json)),
    )


def _table(version: VersionData) -> Table:
    data = [file for file in version.json["files"] if file["path"].startswith("data/")]
    return Table(version.folder, tuple(Part(file["path"], file["rows"]) for file in data))


def _columns(left: Table, right: Table) -> tuple[list[str], list[Change]]:
    """The columns to compare, sorted, and those that only one side has or that have two types."""
    types = [{field.name: str(field.type) for field in table.schema()} for table in (left, right)]
    names = sorted({*types[0], *types[1]})
    shared = [name for name in names if types[0].get(name) == types[1].get(name)]
    return shared, [Change(name, types[0].get(name), types[1].get(name)) for name in names if name not in shared]


@dataclass(frozen=True)
class _Pairs:
    """Rows by fate: `one` and `two` hash the id, `at` is the row number in a (in b for `added`)."""

    unchanged: int
    changed: pl.DataFrame
    removed: pl.DataFrame
    added: pl.DataFrame

    @classmethod
    def of(cls, left: pl.DataFrame, right: pl.DataFrame, shares: int) -> "_Pairs":
        unchanged = 0
        found: tuple[list[pl.DataFrame], ...] = ([], [], [])
        for share in range(shares):
            some, other = (rows.filter(_in(share, shares)).with_columns(nth=_nth()) for rows in (left, right))
            rows = some.join(other, on=_KEY, how="full", coalesce=True, suffix="_b")
            both = rows.filter(pl.col("at").is_not_null() & pl.col("at_b").is_not_null())
            changed = both.filter(pl.col("row") != pl.col("row_b")).select("one", "two", "at")
            unchanged += both.height - changed.height
            removed = rows.filter(pl.col("at_b").is_null()).select("one", "two", "at")
            added = rows.filter(pl.col("at").is_null()).select("one", "two", at="at_b")
            for frames, frame in zip(found, (changed, removed, added), strict=True):
                frames.append(frame.sort("at"))
        return cls(unchanged, *(pl.concat(frames) for frames in found))


def _hashes(table: Table, columns: Sequence[str]) -> pl.DataFrame:
    """`one`, `two`: the id; `row`: the content; `at`: the row number."""
    frames = [
        frame.select(*_id_hashes(), row=frame.select(columns).hash_rows(seed=3) if columns else pl.lit(0, pl.UInt64))
        for frame in table.frames(sorted({"id", *columns}))
    ]
    empty = pl.DataFrame(schema={"one": pl.UInt64, "two": pl.UInt64, "row": pl.UInt64})
    return pl.concat([empty, *frames], rechunk=True).with_row_index("at")


def _id_hashes() -> list[pl.Expr]:
    """128 bits together, so that two different ids never meet in practice."""
    text = pl.col("id").cast(pl.String)
    return [text.hash(seed=1).alias("one"), text.hash(seed=2).alias("two")]


def _in(share: int, shares: int) -> pl.Expr:
    return pl.col("one") % shares == share


def _nth() -> pl.Expr:
    """Which of the rows with this id it is, counted from 0 in row order."""
    return pl.int_range(pl.len(), dtype=pl.UInt32).over("one", "two")


def _with_rules(rows: pl.DataFrame, other: Folder, shares: int) -> Iterator[pl.DataFrame]:
    """The rows, a share at a time, with `rule`: why the version in `other`, which does not have them, dropped each."""
    reasons = _reasons(other, rows.get_column("one").sort())
    for share in range(shares):
        # The first row that is missing takes the first entry of the ledger, the second the second.
        some, why = (frame.filter(_in(share, shares)).with_columns(nth=_nth()) for frame in (rows, reasons))
        yield some.join(why, on=_KEY, how="left").select("at", pl.col("rule").fill_null(NOT_READ))


def _reasons(folder: Folder, wanted: pl.Series) -> pl.DataFrame:
    """The entries of a version's ledger whose id hashes to one of `wanted`, which is sorted: `one`, `two`, `rule`."""
    found = [pl.DataFrame(schema={"one": pl.UInt64, "two": pl.UInt64, "rule": pl.String})]
    if wanted.len() and folder.exists(_ROWS):
        with folder.open(_ROWS) as file:
            reader = pq.ParquetFile(file)
            for group in range(reader.num_row_groups):
                batch = from_arrow(reader.read_row_group(group, columns=["id", "stage", "reason"]))
                keyed = batch.select(*_id_hashes(), pl.col("stage", "reason").cast(pl.String).fill_null(""))
                # A search in the sorted hashes; a join would hash all of them again for every row group.
                place = wanted.search_sorted(keyed.get_column("one")).clip(0, wanted.len() - 1)
                found.append(_named(keyed.filter(wanted.gather(place) == keyed.get_column("one"))))
    return pl.concat(found)


def _named(entries: pl.DataFrame) -> pl.DataFrame:
    """Ledger entries with `rule`, the full name of their reason."""
    pairs = entries.select("stage", "reason").unique()
    names = pairs.with_columns(rule=pl.Series([qualified(*pair) for pair in pairs.rows()], dtype=pl.String))
    return entries.join(names, on=["stage", "reason"], how="left", maintain_order="left").select("one", "two", "rule")


def _groups(frames: Iterable[pl.DataFrame], table: Table) -> tuple[Group, ...]:
    """Rows with `rule` and `at`, the row number in `table`, by rule; the largest group first."""
    firsts = pl.col("at").sort().head(EXAMPLES)
    parts = [frame.group_by("rule").agg(pl.len().cast(pl.UInt64).alias("rows"), firsts) for frame in frames]
    merged = pl.col("at").explode().sort().head(EXAMPLES)
    grouped = pl.concat(parts).group_by("rule").agg(pl.col("rows").sum(), merged)
    grouped = grouped.sort(["rows", "rule"], descending=[True, False])
    ids = _ids(table, {at for some in grouped.get_column("at").to_list() for at in some})
    return tuple(Group(rule=rule, rows=n, ids=tuple(ids[at] for at in some)) for rule, n, some in grouped.rows())


def _ids(table: Table, wanted: Iterable[int]) -> dict[int, str]:
    """The ids of some rows, reading only the row groups they are in."""
    left = sorted(wanted)
    found: dict[int, str] = {}
    for part, first in enumerate(table.first_rows()):
        if not any(first <= at < first + table.parts[part].rows for at in left):
            continue
        with table.folder.open(table.parts[part].name) as file:
            reader = pq.ParquetFile(file)
            for group in range(reader.num_row_groups):
                rows = reader.metadata.row_group(group).num_rows
                if here := [at for at in left if first <= at < first + rows]:
                    column = reader.read_row_group(group, columns=["id"]).column("id")
                    found |= {at: str(column[at - first].as_py()) for at in here}
                first += rows
    return found
