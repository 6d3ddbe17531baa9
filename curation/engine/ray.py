"""Tasks on Ray, through datatrove's RayPipelineExecutor."""

import importlib.util
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from curation.progress import Progress
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Job

from .cluster import follow, refuse_private
from .orphans import kill_session
from .ray_driver import drive
from .work import Lost, Work


@dataclass
class RayEngine:
    """Tasks on a Ray cluster whose machines see the store, the input and this Python's packages under the same paths.

    Ray lives in a process of its own, which is started with the first task and ends with this one: Ctrl-C and errors
    are not left to Ray's threads, and nothing of Ray is loaded here.

    Raises:
        Misuse: Ray is not installed.
    """

    workers: int | None = None  # None for as many as the cluster has cores
    address: str | None = None  # None to start Ray on this machine
    progress: Progress | None = None
    _driver: "_Driver | None" = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        if importlib.util.find_spec("ray") is None:
            raise Misuse("--on ray: Ray is not installed; install it with: pip install 'gristmill[ray]'")

    def run(self, label: str, job: Job, work: Work, tasks: Sequence[int]) -> None:
        if not tasks:
            return
        refuse_private(job.folder, "ray")
        if self._driver is None or self._driver.over:
            self._driver = _Driver(self.address, self.workers)
        follow(label, job, work, tasks, self._driver.workers, self._driver.send, self.progress)


class _Driver:
    """The process that talks to Ray."""

    def __init__(self, address: str | None, workers: int | None) -> None:
        from multiprocess import get_context

        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        # A daemon in the sense of multiprocess: should this process end without a word to it, it is ended, too.
        self._process = context.Process(target=drive, args=(theirs, address, workers), daemon=True)
        self._process.start()
        theirs.close()
        self._end = weakref.finalize(self, _leave, self._process, self._pipe)
        try:
            found = self._pipe.recv()
        except EOFError:
            raise self._lost() from None
        if isinstance(found, str):
            self.cancel()
            raise Misuse(found)
        self.workers: int = found

    @property
    def over(self) -> bool:
        return not self._end.alive

    def send(self, run: Folder, ranks: int) -> "_Driver":
        self._pipe.send((run, ranks))
        return self

    def state(self) -> str | None:
        try:
            if not self._pipe.poll():
                return ""
            self._pipe.recv()
        except (EOFError, ConnectionResetError):
            raise self._lost() from None
        return None

    def cancel(self) -> None:
        kill_session(self._process.pid)  # with what it started; a cluster elsewhere forgets what was running for it
        self._end()

    def loss(self) -> str:
        return (
            "Ray gave them up after four tries, as it does when a machine or its memory is lost. Its logs are on the "
            "machine at work, in /tmp/ray/session_latest/logs"
        )

    def _lost(self) -> Lost:
        self._process.join(5)
        code = self._process.exitcode
        self.cancel()
        return Lost(
            f"the process that talks to Ray ended with code {code}; run again to go on, what was done stays done"
        )


def _leave(process: Any, pipe: Any) -> None:
    """Let the process that talks to Ray end what it started, and itself."""
    pipe.close()
    process.join(10)
    process.kill()
    process.join()
