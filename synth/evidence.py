"""What a generator leaves beside its rows: everything that was left out with its reason, and rows to look at."""

from collections.abc import Iterator
from typing import Any

import polars as pl
import pyarrow as pa

from dataset_cards.versions.examples import KEPT, as_text, example, write_examples
from dataset_cards.versions.job import Job
from dataset_cards.versions.side_files import EXAMPLES_KEPT, GONE, QUARANTINE
from dataset_cards.versions.table import write_parquet

# What a task puts aside: `id` of the source row, the full reason, and the answer or the row that it made.
ASIDE = pa.schema([(name, pa.string()) for name in ("id", "reason", "text")])


def aside_name(task: int) -> str:
    return f"aside-{task:05d}.parquet"


def aside(job: Job) -> Iterator[pl.DataFrame]:
    """Everything put aside, task by task."""
    for task in sorted(job.finished()):
        with job.folder.open(aside_name(task)) as file:
            yield pl.read_parquet(file)


def gather(job: Job) -> None:
    """Write `ledger/rows.parquet`, `ledger/quarantine.parquet` (empty: nothing was read from files) and examples."""
    ledger = job.folder / "ledger"
    write_parquet(ledger, "rows.parquet", (_gone(frame) for frame in aside(job)), GONE)
    write_parquet(ledger, "quarantine.parquet", [], QUARANTINE)
    left = (example(reason, name, text) for frame in aside(job) for name, reason, text in frame.iter_rows())
    write_examples(job.folder, (one for found in (_kept(job), left) for one in found))


def _gone(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(
        "id",
        pl.lit(None, pl.String).alias("source"),
        pl.col("reason").str.replace(r"/.*$", "").alias("stage"),
        pl.col("reason").str.replace(r"^[^/]*/", "").alias("reason"),
        pl.lit(None, pl.String).alias("duplicate_of"),
    )


def _kept(job: Job) -> Iterator[dict[str, Any]]:
    """The first rows of the first parts; a generator has no order that would make these unlike the others."""
    left = EXAMPLES_KEPT
    for task in sorted(job.finished()):
        with job.folder.open(f"part-{task:05d}.parquet") as file:
            rows = pl.read_parquet(file).head(left).to_dicts()
        left -= len(rows)
        yield from (example(KEPT, row["id"], as_text(row)) for row in rows)
        if not left:
            return
