"""What a step asks of the engine that it is given."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from dataset_cards.versions.job import Job

from .work import Work


@runtime_checkable
class Engine(Protocol):
    """Where the tasks of a step run."""

    def run(self, label: str, job: Job, work: Work, tasks: Sequence[int]) -> None:
        """Do `work(task)` for every task, in any order and process.

        `work` must survive pickling, write its own output, and end with `job.finish`. The first error of a task is
        raised here after the others have stopped.

        Raises:
            Lost: a process that was at work is gone without a word.
        """
        ...
