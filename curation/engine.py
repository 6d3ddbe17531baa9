"""Running numbered tasks on all cores through datatrove's executors; the only file that knows them."""

import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

import dill
from loguru import logger

from dataset_cards.versions.job import Job
from dataset_cards.versions.recipe import load_file, loaded_files

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
            task = _Task(*_packed(work), tuple(tasks), os.getpid())
            _execute(task, len(tasks), workers)
        finally:
            finished.set()
            watcher.join()

    def _watch(self, label: str, job: Job, tasks: int, finished: threading.Event) -> None:
        """Report the tasks that became whole since the start, by looking at the facts they leave."""
        if self.progress is None:
            return
        seen, started = job.finished(), time.monotonic()
        done = rows = 0
        last = False
        while not last:
            last = finished.wait(0.5)
            new = job.finished() - seen
            seen |= new
            done += len(new)
            rows += sum(part["rows"] for task in new for part in job.fact(task)["parts"])
            self.progress.show(label, done, tasks, rows, time.monotonic() - started, last)


@dataclass(frozen=True)
class _Task:
    """A datatrove pipeline step that ignores documents and does one numbered task."""

    work: bytes  # pickled here and not by the pool, which hangs when a worker cannot unpickle
    recipes: tuple[str, ...]  # files that define what the work is made of
    tasks: tuple[int, ...]
    run: int  # process id of the run that wants the work

    def __call__(self, data: object, rank: int, world_size: int) -> Iterable[object]:
        if self.run != os.getpid():
            _leave_with(self.run)
        for path in self.recipes:
            load_file(Path(path))
        work: Work = dill.loads(self.work)
        work(self.tasks[rank])
        return ()


def _packed(work: Work) -> tuple[bytes, tuple[str, ...]]:
    """`work` as bytes, and the recipe files that must be loaded before it can be read."""
    packed = dill.dumps(work)
    return packed, tuple(path for name, path in loaded_files().items() if name.encode() in packed)


def _execute(task: _Task, tasks: int, workers: int) -> None:
    # Imported here because importing datatrove's executor costs half a second that `list` and `show` need not pay.
    from datatrove.executor import LocalPipelineExecutor
    from multiprocess import forkserver, resource_tracker

    saved = {name: os.environ.get(name) for name in _ONE_THREAD}
    if workers > 1:
        os.environ.update(_ONE_THREAD)
        forkserver.set_forkserver_preload(_PRELOAD)
        resource_tracker.ensure_running()  # it unblocks interrupts when it starts, so it has to be there before
        _start_without_interrupts(forkserver.ensure_running)
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


def _start_without_interrupts(start: Callable[[], None]) -> None:
    """Start the process that workers are forked from with Ctrl-C blocked, which they inherit: the run ends them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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
    born = _birth(run)

    def look() -> None:
        while born and _birth(run) == born:
            time.sleep(1.0)
        os._exit(1)

    if not any(thread.name == "leave-with" for thread in threading.enumerate()):
        threading.Thread(target=look, name="leave-with", daemon=True).start()


def _birth(process: int) -> str:
    """When a living process was started, in the kernel's words; empty for one that is gone.

    A killed process stays as a zombie until its parent asks for it, and its number may be given to another.
    """
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    state, start = fields[0], fields[19]
    return "" if state in "ZX" else start
