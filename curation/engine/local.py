"""Worker processes on this machine."""

import os
import signal
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from curation.progress import Progress, watched
from dataset_cards.versions.job import Job

from .orphans import leave_with
from .work import ONE_THREAD, Bundle, Lost, Work, environment, packed_error, unpacked_error

# Loaded once in the process that workers are forked from, so that a worker starts in milliseconds.
_PRELOAD = ["curation.recipes"]


@dataclass(frozen=True)
class LocalEngine:
    """Worker processes on this machine: datatrove's local executor, with a pool that notices when a worker dies."""

    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    progress: Progress | None = None

    def run(self, label: str, job: Job, work: Work, tasks: Sequence[int]) -> None:
        if not tasks:
            return
        # A filesystem that lives in this process cannot be written from another.
        workers = min(self.workers, len(tasks)) if job.folder.shared else 1
        step = _Task(Bundle.of(work, tasks, job.folder))
        with watched(self.progress, label, job, len(tasks)), tempfile.TemporaryDirectory(prefix="gristmill-") as logs:
            executor = _executor(step, len(tasks), workers, logs)
            if workers > 1:
                _pool(executor, label, tasks, workers)
            else:
                for rank in range(len(tasks)):
                    executor._run_for_rank(rank)


@dataclass(frozen=True)
class _Task:
    """A datatrove pipeline step that ignores documents and does one numbered task."""

    bundle: Bundle

    def __call__(self, data: object, rank: int, world_size: int) -> Iterable[object]:
        self.bundle.work(self.bundle.tasks[rank])
        return ()


def _executor(step: _Task, tasks: int, workers: int, logs: str) -> Any:
    # Imported here because importing datatrove's executor costs half a second that `list` and `show` need not pay.
    from datatrove.executor import LocalPipelineExecutor

    return LocalPipelineExecutor([step], tasks=tasks, workers=workers, logging_dir=logs, skip_completed=False)


def _pool(executor: Any, label: str, tasks: Sequence[int], workers: int) -> None:
    """Do every rank of `executor` in `workers` processes, the next one in whichever is free.

    datatrove's own loop hands ranks to a `multiprocess.Pool`, which waits forever for a rank whose process was killed.
    Here every worker has a pipe of its own, which ends when the worker does.
    """
    from multiprocess import connection, forkserver, get_context, resource_tracker

    with environment({**ONE_THREAD, "DATATROVE_COLORIZE_LOGS": "0"}):
        forkserver.set_forkserver_preload(_PRELOAD)
        resource_tracker.ensure_running()  # it unblocks interrupts when it starts, so it has to be there before
        _start_without_interrupts(forkserver.ensure_running)
    context = get_context("forkserver")
    at_work: dict[Any, tuple[Any, int]] = {}  # the process behind a pipe, and the rank that it is doing
    ranks = iter(range(len(tasks)))
    try:
        for _ in range(workers):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(executor, theirs, os.getpid()), daemon=True)
            process.start()
            theirs.close()
            at_work[ours] = (process, next(ranks))
            ours.send(at_work[ours][1])
        while at_work:
            for ready in connection.wait(list(at_work)):
                process, rank = at_work[ready]
                _answer(ready, process, f"{label}, task {tasks[rank]}")
                if (following := next(ranks, None)) is None:
                    ready.close()  # the worker leaves
                    del at_work[ready]
                    process.join()
                else:
                    at_work[ready] = (process, following)
                    ready.send(following)
    finally:
        for ours, (process, _) in at_work.items():
            process.kill()
            process.join()
            ours.close()


def _answer(ready: Any, process: Any, what: str) -> None:
    """Take what a worker says at the end of a rank.

    Raises:
        Lost: it died instead.
    """
    try:
        error = ready.recv()
    except (EOFError, ConnectionResetError):
        process.join()
        raise Lost(died(what, process.exitcode)) from None
    if error is not None:
        raise unpacked_error(error)


def died(what: str, code: int) -> str:
    """A sentence for the process behind `what`, which ended with `code` as Python tells it: below 0 for a signal."""
    if code == -signal.SIGKILL:
        return (
            f"{what}: its process was killed (SIGKILL). A system does that when memory runs out: run again with fewer "
            "--workers or a smaller --part-mb; what was done stays done"
        )
    if code < 0:
        how = f"was ended by {signal.Signals(-code).name}"
    else:
        how = f"ended by itself with code {code}"
    return f"{what}: its process {how}; run again to go on, what was done stays done"


def _serve(executor: Any, asked: Any, run: int) -> None:
    """Do ranks as they are asked for, until nobody asks any more."""
    leave_with(run)
    while True:
        try:
            rank = asked.recv()
        except EOFError:
            return
        error = None
        try:
            executor._run_for_rank(rank)
        except BaseException as raised:  # also sys.exit() in a stage of a user's, which would leave without a word
            error = packed_error(raised)
        asked.send(error)


def _start_without_interrupts(start: Callable[[], None]) -> None:
    """Start the process that workers are forked from with Ctrl-C blocked, which they inherit: the run ends them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
