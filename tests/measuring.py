"""What tests of facts share: rows as a table cut in any way, and instruments that are quick."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import pyarrow as pa

from dataset_cards.facts.instruments import Instruments
from dataset_cards.facts.measure import measure
from dataset_cards.versions.files import Folder
from dataset_cards.versions.schemas import schema
from dataset_cards.versions.table import Part, Table, from_arrow, write_parquet

Rows = Sequence[Mapping[str, Any]]


def table(kind: str, rows: Rows, cuts: Sequence[Sequence[int]] = ()) -> Table:
    """Rows of a kind in memory; `cuts` are the rows of each row group of each part, the last part has all others."""
    folder = Folder.at(f"memory://facts/{uuid.uuid4().hex}")
    fields = schema(kind)
    whole = from_arrow(pa.Table.from_pylist([{name: row.get(name) for name in fields.names} for row in rows], fields))
    parts, at = [], 0
    for number, groups in enumerate([*cuts, [len(rows)]]):
        frames = []
        for size in groups:
            frames.append(whole.slice(at, size))
            at = min(at + size, len(rows))
        name = f"part-{number:05d}.parquet"
        parts.append(Part(name, write_parquet(folder, name, frames, fields)))
    return Table(folder, tuple(parts))


def counted(kind: str, rows: Rows, cuts: Sequence[Sequence[int]] = (), instruments: Instruments | None = None) -> Any:
    """What is measured of them."""
    return measure(kind, table(kind, rows, cuts), instruments or QUICK)


def _refused(texts: pl.Series) -> pl.Series:
    return texts.str.contains("sorry")


def _language(texts: pl.Series) -> pl.Series:
    """Says nothing of a text without an e."""
    return pl.select(pl.when(texts.str.contains("e")).then(pl.lit("en"))).to_series()


def _secrets(texts: pl.Series) -> pl.Series:
    return texts.str.extract_all("key-a|key-b")


def _unchecked(rows: pl.DataFrame) -> pl.Series:
    """Null of code, a problem where the answer has a question mark."""
    wrong = pl.when(pl.col("answer").str.contains("?", literal=True)).then(pl.lit("a question")).otherwise(pl.lit(""))
    return rows.select(pl.when(pl.col("verifier").ne_missing("python-tests")).then(wrong)).to_series()


QUICK = Instruments(refused=_refused, language=_language, secrets=_secrets, unchecked=_unchecked)


def says(*contents: str, last: str = "assistant") -> list[dict[str, str]]:
    """A user and the assistant in turns, so that the last message is of `last`."""
    roles = ["user", "assistant"] if (len(contents) % 2 == 0) == (last == "assistant") else ["assistant", "user"]
    return [{"role": roles[n % 2], "content": text} for n, text in enumerate(contents)]
