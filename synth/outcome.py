"""What a finished generator knows of its own results: the metadata of rows it made, and of some it left out."""

import json
from collections.abc import Iterator
from typing import Any

import polars as pl

from dataset_cards.versions.job import Job

from .evidence import aside


def outcomes(job: Job, *left: str) -> Iterator[dict[str, Any]]:
    """The metadata of every row made, then of every row left out for one of the reasons `left` (`generator/reason`).

    Rows that are left out for these reasons must say what they would have held as the JSON of the row.
    """
    for task in sorted(job.finished()):
        with job.folder.open(f"part-{task:05d}.parquet") as file:
            yield from map(json.loads, pl.read_parquet(file, columns=["metadata"]).get_column("metadata"))
    for frame in aside(job):
        for text in frame.filter(pl.col("reason").is_in(list(left))).get_column("text"):
            yield json.loads(json.loads(text)["metadata"])
