"""The local engine: real worker processes, errors that arrive, progress that is printed, nothing left behind."""

import io
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from curation.engine import LocalEngine, Lost
from curation.engine.work import packed_error, unpacked_error
from curation.progress import Progress
from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Job


def write(job: Job, task: int) -> None:
    job.write(task, pl.DataFrame({"pid": [os.getpid()], "task": [task]}))


def fail_at_one(job: Job, task: int) -> None:
    if task == 1:
        raise ValueError("task 1 cannot be done")
    write(job, task)


def pids(job: Job) -> set[int]:
    return {pl.read_parquet(f"{job.folder}/part-{task:05d}.parquet").item(0, "pid") for task in job.finished()}


def test_tasks_run_in_other_processes_and_all_of_them_run(tmp_path: Path) -> None:
    job = Job((), Folder.at(str(tmp_path)))
    LocalEngine(workers=2).run("write", job, partial(write, job), [0, 2, 5])
    assert job.finished() == {0, 2, 5}
    assert os.getpid() not in pids(job)


def test_a_private_filesystem_is_written_by_this_process() -> None:
    job = Job((), Folder.at("memory://engine"))
    LocalEngine(workers=2).run("write", job, partial(write, job), [0, 1])
    assert job.finished() == {0, 1}
    job.folder.remove()


@pytest.mark.parametrize("workers", [1, 2])
def test_the_error_of_a_task_is_raised_here(tmp_path: Path, workers: int) -> None:
    job = Job((), Folder.at(str(tmp_path)))
    with pytest.raises(ValueError, match="task 1 cannot be done"):
        LocalEngine(workers=workers).run("fail", job, partial(fail_at_one, job), [0, 1, 2])
    assert 1 not in job.finished()


def die(job: Job, task: int) -> None:
    if task == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    write(job, task)


def test_a_worker_that_is_killed_is_told_and_not_waited_for(tmp_path: Path) -> None:
    job = Job((), Folder.at(str(tmp_path)))
    with pytest.raises(Lost, match=r"^die, task 1: its process was killed \(SIGKILL\).* fewer --workers"):
        LocalEngine(workers=2).run("die", job, partial(die, job), [0, 1, 2, 3])
    assert 1 not in job.finished()


def leave(job: Job, task: int) -> None:
    sys.exit(3)


def test_a_task_that_asks_its_process_to_exit_is_an_error_and_no_hang(tmp_path: Path) -> None:
    job = Job((), Folder.at(str(tmp_path)))
    with pytest.raises(RuntimeError, match="SystemExit: 3"):
        LocalEngine(workers=2).run("leave", job, partial(leave, job), [0, 1])


class Picky(Exception):
    """One that can be written and not read back: it wants two arguments and remembers one."""

    def __init__(self, what: str, where: str) -> None:
        super().__init__(f"{what} at {where}")


def test_an_error_that_cannot_be_sent_is_told_in_words() -> None:
    error = unpacked_error(packed_error(Picky("stone", "the mill")))
    assert (type(error), str(error)) == (RuntimeError, "Picky: stone at the mill")


def test_an_error_brings_its_traceback_as_text() -> None:
    try:
        raise OSError(28, "No space left on device", "part-00000.parquet")
    except OSError as raised:
        error = unpacked_error(packed_error(raised))
    assert isinstance(error, OSError)
    assert (error.errno, error.filename) == (28, "part-00000.parquet")
    assert f'File "{__file__}", line' in str(error.__cause__)


def test_progress_away_from_a_terminal_is_plain_lines(tmp_path: Path) -> None:
    out = io.StringIO()
    progress = Progress(out=out, every=0.0)
    progress.show("read", 1, 4, 1000, 2.0, False)
    progress.show("read", 0, 4, 0, 3.0, False)
    progress.show("read", 4, 4, 4000, 8.0, True)
    lines = out.getvalue().splitlines()
    assert [" ".join(line.split()) for line in lines] == [
        "read 1/4 parts 1,000 rows 500 rows/s 0:06 left",
        "read 0/4 parts 0:03 so far",
    ]


SLOW = """
import sys, time
from functools import partial
from curation.engine import LocalEngine
from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Job
from tests.test_engine import sleep
job = Job((), Folder.at(sys.argv[1]))
LocalEngine(workers=2).run("sleep", job, partial(sleep, job), [0, 1])
"""


def sleep(job: Job, task: int) -> None:
    job.folder.write_json(f"pid-{task}.json", os.getpid())
    time.sleep(120)


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


def wait(condition: object, seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.1)
    return False


@pytest.mark.slow
def test_workers_leave_when_the_run_is_killed(tmp_path: Path) -> None:
    run = subprocess.Popen([sys.executable, "-c", SLOW, str(tmp_path)], start_new_session=True)
    assert wait(lambda: len(list(tmp_path.glob("pid-*.json"))) == 2)
    session = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    ours = [pid for pid in session if _session(pid) == run.pid]
    assert len(ours) > 2
    run.send_signal(signal.SIGKILL)  # and nobody asks for its exit code: it stays as a zombie
    assert wait(lambda: not any(alive(pid) for pid in ours)), "a process outlived the run that wanted its work"
    run.wait()


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return -1
