"""What a step that goes on with the rows of another takes over: its facts, its ledger, its examples."""

from collections.abc import Iterator
from typing import Any

import polars as pl

from dataset_cards.versions.examples import KEPT, write_examples
from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Job
from dataset_cards.versions.side_files import EXAMPLES, GONE, QUARANTINE
from dataset_cards.versions.store import DONE
from dataset_cards.versions.table import Table, write_parquet

_MERGED = ("rows.parquet", "quarantine.parquet", "examples.parquet")


def before(source: Table) -> dict[str, Any]:
    """The facts of the step that made `source`; of a version, none: what it says of itself stays with it."""
    if not source.folder.exists(DONE):
        return {}
    facts: dict[str, Any] = source.folder.read_json(DONE)["facts"]
    return {key: value for key, value in facts.items() if key != "files"}


def carry(job: Job, source: Table) -> None:
    """Put what the step before `source` left out in front of what this one did, once its own ledger is written.

    Freezing takes the ledger of the last step alone. Of a version nothing is carried.
    """
    if not source.folder.exists(DONE):
        return
    theirs, own = source.folder / "ledger", job.folder / "ledger"
    for name, columns in (("rows.parquet", GONE), ("quarantine.parquet", QUARANTINE)):
        tables = [_read(folder, name) for folder in (theirs, own)]
        write_parquet(own, name, [one for one in tables if one is not None], columns)
    for name in theirs.names():  # what only an earlier step writes, such as the judgements behind rows
        if name.endswith(".parquet") and name not in _MERGED and not own.exists(name):
            own.write_bytes(name, theirs.read_bytes(name))
    found = [_read(folder, "examples.parquet") for folder in (own, theirs)]
    write_examples(job.folder, _examples([one for one in found if one is not None]))


def _read(folder: Folder, name: str) -> pl.DataFrame | None:
    if not folder.exists(name):
        return None
    with folder.open(name) as file:
        return pl.read_parquet(file)


def _examples(found: list[pl.DataFrame]) -> Iterator[dict[str, Any]]:
    """Kept rows as they are now, then what was dropped, by the later step first."""
    for place, frame in enumerate(found):
        rows = frame.select(EXAMPLES.names)
        if place:
            rows = rows.filter(pl.col("role") != KEPT)
        yield from rows.iter_rows(named=True)
