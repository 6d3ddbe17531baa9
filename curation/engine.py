"""Running numbered tasks on all cores through datatrove's executors; the only file that knows them."""

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from loguru import logger

from dataset_cards.versions.job import Job

from .progress import Progress

# datatrove writes a dozen lines per task to stderr; progress is shown here and errors are raised.
logger.disable("datatrove")

Work = Callable[[int], None]

# Loaded once in the process that workers are forked from, so that a worker starts in milliseconds.
_PRELOAD = ["curation.recipes"]


@runtime_checkable
class Engine(Protocol):
    """Where the tasks of a step run."""

    def run(self, label: str, job: Job, work: Work, tasks: Sequence[int]) -> None:
        """Do `work(task)` for every task, in any order and process.

        `work` must survive pickling, write its own output, and end with `job.finish`. The first error of a task is
        raised here after the others have stopped.
        """
        ...


@dataclass(frozen=True)
class LocalEngine:
    """Worker processes on this machine, through datatrove's LocalPipelineExecutor."""

    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    progress: Progress | None = None

    def run(self, label: str, job: Job, work: Work, tasks: Sequence[int]) -> None:
        if not tasks:
            return
        # A filesystem that lives in this process cannot be written from another.
        workers = min(self.workers, len(tasks)) if job.folder.shared else 1
        finished = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(label, job, len(tasks), finished), daemon=True)
        watcher.start()
        try:
            _execute(_Task(work, tuple(tasks), os.getpid()), len(tasks), workers)
        finally:
            finished.set()
            watcher.join()

    def _watch(self, label: str, job: Job, tasks: int, finished: threading.Event) -> None:
        """Report the tasks that became whole since the start, by looking at the facts they leave."""
        if self.progress is None:
            return
        before, started = job.finished(), time.monotonic()
        last = False
        while not last:
            last = finished.wait(0.5)
            done = job.finished() - before
            rows = sum(part["rows"] for task in done for part in job.fact(task)["parts"])
            self.progress.show(label, len(done), tasks, rows, time.monotonic() - started, last)


@dataclass(frozen=True)
class _Task:
    """A datatrove pipeline step that ignores documents and does one numbered task."""

    work: Work
    tasks: tuple[int, ...]
    run: int  # process id of the run that wants the work

    def __call__(self, data: object, rank: int, world_size: int) -> Iterable[object]:
        if self.run != os.getpid():
            _leave_with(self.run)
        self.work(self.tasks[rank])
        return ()


def _execute(task: _Task, tasks: int, workers: int) -> None:
    # Imported here because importing datatrove's executor costs half a second that `list` and `show` need not pay.
    from datatrove.executor import LocalPipelineExecutor
    from multiprocess import forkserver

    saved = {name: os.environ.get(name) for name in _ONE_THREAD}
    if workers > 1:
        os.environ.update(_ONE_THREAD)
        forkserver.set_forkserver_preload(_PRELOAD)
    _executing.set()
    try:
        with tempfile.TemporaryDirectory(prefix="gristmill-") as logs:
            LocalPipelineExecutor([task], tasks=tasks, workers=workers, logging_dir=logs, skip_completed=False).run()
    finally:
        _executing.clear()
        for name, value in saved.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


# Workers share the cores among themselves; threads inside each would only get in each other's way.
_ONE_THREAD = {
    "POLARS_MAX_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "DATATROVE_COLORIZE_LOGS": "0",
}


# Set while datatrove's executor runs: it forks a helper process that would outlive a kill -9 of this one.
_executing = threading.Event()
os.register_at_fork(after_in_child=lambda: _leave_with(os.getppid()) if _executing.is_set() else None)


def _leave_with(run: int) -> None:
    """End this process when process `run`, which wants its work, is gone, killed or not."""

    def look() -> None:
        while _exists(run):
            time.sleep(1.0)
        os._exit(1)

    if not any(thread.name == "leave-with" for thread in threading.enumerate()):
        threading.Thread(target=look, name="leave-with", daemon=True).start()


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
