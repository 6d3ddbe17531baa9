"""What a running step is given: its inputs, a place for its rows, and the tools of this run."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import polars as pl
import pyarrow as pa

from .errors import Misuse
from .files import Folder
from .table import Part, Table, write_parquet

T = TypeVar("T")

_FACTS = re.compile(r"task-(\d{5,})\.json")


class NoTool(Misuse, LookupError):
    """A step needs a tool that the run was not given."""


class Waiting(Exception):
    """The step is not finished and nothing is wrong: people or a batch queue are still answering."""


class Refused(Exception):
    """The run was stopped on purpose, for a reason its user has to decide about."""


@dataclass(frozen=True)
class Job:
    """Tools (workers, a model server, an annotation desk) are how a step runs, never what it is.

    A step cuts its work into numbered tasks. A task writes its rows and then its facts; the facts file says that the
    task is whole, so a run that was killed goes on with the tasks that have none.
    """

    inputs: tuple[Table, ...]
    folder: Folder
    tools: tuple[object, ...] = ()
    peers: tuple[Table, ...] = ()  # finished steps with the same inputs and the same measurements
    taints: set[str] = field(default_factory=set)  # why the output may only become a draft

    def tool(self, kind: type[T]) -> T:
        """The one tool of this run that is a `kind`.

        Raises:
            NoTool: the run was given none or several.
        """
        found = [tool for tool in self.tools if isinstance(tool, kind)]
        if len(found) != 1:
            raise NoTool(f"this step needs one {kind.__name__} to run with; the run was given {len(found)}")
        if taint := getattr(found[0], "taint", None):
            self.taints.add(str(taint))
        return found[0]

    def bare(self) -> "Job":
        """This job without its tools, for sending to a worker process."""
        return replace(self, tools=())

    def finished(self) -> set[int]:
        """Tasks whose facts are written."""
        return {int(found[1]) for name in self.folder.names() if (found := _FACTS.fullmatch(name))}

    def unfinished(self, tasks: int) -> list[int]:
        """The tasks 0 .. `tasks` - 1 that are still to be done."""
        done = self.finished()
        return [task for task in range(tasks) if task not in done]

    def write(
        self, task: int, rows: Iterable[pl.DataFrame] | pl.DataFrame, schema: pa.Schema | None = None, **facts: Any
    ) -> int:
        """Write one part and then its facts; returns the rows written. Batches become row groups."""
        batches = [rows] if isinstance(rows, pl.DataFrame) else rows
        name = f"part-{task:05d}.parquet"
        count = write_parquet(self.folder, name, batches, schema)
        self.finish(task, [Part(name, count)], **facts)
        return count

    def finish(self, task: int, parts: Sequence[Part], **facts: Any) -> None:
        """Say that a task is whole: its parts, in order, and what is to be remembered about it."""
        written = [{"name": part.name, "rows": part.rows} for part in parts]
        self.folder.write_json(f"task-{task:05d}.json", {"parts": written, **facts})

    def fact(self, task: int) -> dict[str, Any]:
        """What a finished task remembered."""
        record: dict[str, Any] = self.folder.read_json(f"task-{task:05d}.json")
        return record

    def facts(self) -> list[dict[str, Any]]:
        """The facts of the finished tasks, in order."""
        return [self.fact(task) for task in sorted(self.finished())]
