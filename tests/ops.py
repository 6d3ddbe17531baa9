"""Small real ops and an engine for tests of the store and of whole-corpus steps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from dataset_cards.versions.job import Job


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Given rows, one part per tuple, every row kept."""

    revision: ClassVar[int] = 1
    parts: tuple[tuple[str, ...], ...]

    def run(self, job: Job) -> dict[str, Any]:
        for task in job.unfinished(len(self.parts)):
            texts = list(self.parts[task])
            rows = pl.DataFrame({"id": [f"{task}-{n}" for n in range(len(texts))], "text": texts})
            funnel = {"stage": "rows", "read": len(texts), "kept": len(texts), "quarantined": 0, "dropped": {}}
            job.write(task, rows, funnel=[funnel])
        return {"kind": "documents"}


@dataclass(frozen=True, kw_only=True)
class Upper:
    """The rows of its input in capitals; remembers in which order it did its tasks."""

    revision: ClassVar[int] = 1
    suffix: str = ""
    fail_at: ClassVar[int | None] = None
    did: ClassVar[list[int]] = []

    def run(self, job: Job) -> dict[str, Any]:
        (table,) = job.inputs
        for task in job.unfinished(len(table.parts)):
            if task == Upper.fail_at:
                raise RuntimeError(f"task {task} was told to fail")
            Upper.did.append(task)
            rows = pl.concat(table.batches(task)).with_columns(pl.col("text").str.to_uppercase() + self.suffix)
            funnel = {"stage": "upper", "read": rows.height, "kept": rows.height, "quarantined": 0, "dropped": {}}
            job.write(task, rows, funnel=[funnel])
        return {"kind": "documents"}


@dataclass(frozen=True)
class Inline:
    """An engine that does every task here and now, in order."""

    def run(self, label: str, job: Job, work: Callable[[int], None], tasks: Sequence[int]) -> None:
        for task in tasks:
            work(task)
