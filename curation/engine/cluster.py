"""What Ray and Slurm have in common: work written where every machine can read it, followed by what it leaves there.

<step>/runs/<label>-<id>/   work.pickle, an error-* file per rank that failed, datatrove's logs; removed at a good end
"""

import re
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import dill
from loguru import logger

from curation.progress import Progress, Watch
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Job

from .work import Bundle, Lost, Work, packed_error, unpacked_error

# Ranks of one step; also what one array job of a Slurm as installed may have.
MOST_RANKS = 1000
_RUNS, _WORK, _ERROR = "runs", "work.pickle", "error-"


class Sent(Protocol):
    """Ranks that were handed to a cluster."""

    def state(self) -> str | None:
        """How it goes, in a few words; None when no rank is waiting or running any more, or one has failed."""
        ...

    def cancel(self) -> None:
        """End what is still running, and return when it has ended."""
        ...

    def loss(self) -> str:
        """Why ranks ended without having done their tasks or said why not, and where to read on."""
        ...


@dataclass(frozen=True)
class Share:
    """A datatrove pipeline step that ignores documents and does every `world_size`-th of the tasks of a run."""

    run: Folder

    def __call__(self, data: object, rank: int, world_size: int) -> Iterable[object]:
        try:
            bundle: Bundle = dill.loads(self.run.read_bytes(_WORK))
            done = Job((), bundle.folder).finished()  # by an earlier try of this rank
            for task in bundle.tasks[rank::world_size]:
                if task not in done and not failures(self.run):
                    bundle.work(task)
        except BaseException as error:
            fail(self.run, rank, error)
            raise
        return ()


def fail(run: Folder, rank: int, error: BaseException) -> None:
    """Note the error of a rank for the process that wants its work."""
    run.write_bytes(f"{_ERROR}{rank:05d}", packed_error(error))


def failures(run: Folder) -> list[str]:
    """The names of the errors that ranks of a run left."""
    return [name for name in run.names() if name.startswith(_ERROR)]


def speak() -> None:
    """Let datatrove write its log: on a cluster it is all that is left of a machine that went down."""
    logger.enable("datatrove")


def place(folder: Folder) -> Any:
    """A folder as datatrove takes it."""
    return folder.path if folder.local else (folder.path, folder.fs)


def refuse_private(folder: Folder, on: str) -> None:
    """Refuse a store that only this process can see.

    Raises:
        Misuse: it is `memory://`.
    """
    if not folder.shared:
        raise Misuse(
            f"--on {on}: no other machine can see a store at {folder}; give --store a folder on a filesystem that all "
            "of them share, or an object store such as s3://bucket/store"
        )


def ranks_for(tasks: int, workers: int | None) -> int:
    """How many ranks share the tasks.

    A rank costs seconds to start, so none is made for less than four tasks as long as every worker has one; four per
    worker are enough to even out what takes longer.
    """
    if workers is None:
        return min(tasks, MOST_RANKS)
    return min(tasks, MOST_RANKS, max(workers, min(4 * workers, tasks // 4)))


def left_behind(job: Job) -> list[str]:
    """The runs of earlier commands that failed or were killed.

    On an object store nobody can tell: there is no lock there, and another command may be at work on the same step.
    """
    return (job.folder / _RUNS).names() if job.folder.local else []


def follow(
    label: str,
    job: Job,
    work: Work,
    tasks: Sequence[int],
    workers: int | None,
    send: Callable[[Folder, int], Sent],
    progress: Progress | None,
) -> None:
    """Write the work down, send it, and wait until every task is whole.

    Raises:
        Lost: tasks are not whole and no rank says why.
    """
    name = re.sub(r"[^a-z0-9]+", "-", label.lower())
    for old in left_behind(job):
        (job.folder / _RUNS / old).remove()
    run = job.folder / _RUNS / f"{name}-{uuid.uuid4().hex[:12]}"
    run.write_bytes(_WORK, dill.dumps(Bundle.of(work, tasks, job.folder)))
    watch = Watch(progress, label, job, len(tasks))
    sent = send(run, ranks_for(len(tasks), workers))
    try:
        pause = 0.2
        while (state := sent.state()) is not None and not failures(run):
            watch.look(last=False, note=state)
            time.sleep(pause)
            pause = min(1.2 * pause, 10.0)
        watch.look(last=True)
        _judge(label, job, set(tasks), run, sent)
    except BaseException:
        sent.cancel()
        raise
    run.remove()


def _judge(label: str, job: Job, tasks: set[int], run: Folder, sent: Sent, patience: float = 10.0) -> None:
    """Look at what was left; other machines may have written what this one does not see for some seconds.

    Raises:
        Exception: the first error of a rank.
        Lost: there is none, and yet tasks are not whole.
    """
    end = time.monotonic() + patience
    while True:
        if errors := failures(run):
            raise unpacked_error(run.read_bytes(errors[0]))
        missing = tasks - job.finished()
        if not missing:
            return
        if time.monotonic() > end:
            raise Lost(
                f"{label}: {len(missing):,} of {len(tasks):,} tasks were not done; run again to go on, what was done "
                f"stays done. {sent.loss()}"
            )
        time.sleep(0.5)
