"""What Ray and Slurm have in common, run in this process: ranks, errors, what is refused, and Slurm's batch script.

Ray itself is in test_ray.py, Slurm itself in benchmarks/slurm.py.
"""

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import dill
import pytest

from curation.engine import engine_for
from curation.engine.cluster import Share, fail, failures, follow, ranks_for
from curation.engine.slurm_ranks import SlurmRanks
from curation.engine.work import Bundle, environment
from dataset_cards.versions.errors import BadRecipe, Misuse
from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Job
from tests.test_engine import fail_at_one, write


class Here:
    """A cluster of one: ranks are done in this process as they are sent."""

    def __init__(self, run: Folder, ranks: int) -> None:
        self.cancelled, self.ranks = False, ranks
        for rank in range(ranks):
            try:
                Share(run)(None, rank, ranks)
            except ValueError:
                continue

    def state(self) -> str | None:
        return None

    def cancel(self) -> None:
        self.cancelled = True

    def loss(self) -> str:
        return "nobody knows why"


def test_ranks_share_the_tasks_and_leave_nothing_but_their_parts(tmp_path: Path) -> None:
    job = Job((), Folder.at(str(tmp_path)))
    write(job, 4)
    follow("gather sets", job, partial(write, job), [0, 1, 2, 3, 5, 6], 2, Here, None)
    assert job.finished() == {0, 1, 2, 3, 4, 5, 6}
    assert (job.folder / "runs").names() == []


def test_the_first_error_is_raised_the_others_stop_and_what_is_done_stays(tmp_path: Path) -> None:
    job = Job((), Folder.at(str(tmp_path)))
    sent: list[Here] = []

    def send(run: Folder, ranks: int) -> Here:
        sent.append(Here(run, ranks))
        return sent[0]

    with pytest.raises(ValueError, match="task 1 cannot be done"):
        follow("fail", job, partial(fail_at_one, job), [0, 1, 2, 3], 2, send, None)
    assert job.finished() == {0, 2}, "the rank with task 1 ended there"
    assert sent[0].cancelled
    follow("fail", job, partial(write, job), job.unfinished(4), 2, Here, None)
    assert job.finished() == {0, 1, 2, 3}


def test_after_an_error_no_rank_begins_another_task(tmp_path: Path) -> None:
    job, run = Job((), Folder.at(str(tmp_path / "job"))), Folder.at(str(tmp_path / "run"))
    run.write_bytes("work.pickle", dill.dumps(Bundle.of(partial(write, job), [0, 1, 2], job.folder)))
    fail(run, 5, ValueError("elsewhere"))
    Share(run)(None, 0, 1)
    assert job.finished() == set()
    assert failures(run) == ["error-00005"]


@pytest.mark.parametrize(("tasks", "workers"), [(1, 1), (1, 8), (7, 2), (100, 2), (10_000, 64), (100_000, None)])
def test_every_task_is_in_one_rank_and_no_worker_is_idle(tasks: int, workers: int | None) -> None:
    ranks = ranks_for(tasks, workers)
    shares = [range(tasks)[rank::ranks] for rank in range(ranks)]
    assert sorted(task for share in shares for task in share) == list(range(tasks))
    assert all(shares)
    assert ranks <= 1000
    assert ranks >= min(tasks, workers or 1000)


def test_a_machine_without_the_recipe_file_says_so(tmp_path: Path) -> None:
    gone = str(tmp_path / "mine.py")
    bundle = Bundle(packed=b"", recipes=(gone,), tasks=(), folder=Folder.at(str(tmp_path)))
    with pytest.raises(BadRecipe, match=r"has no file .*mine\.py: .* keep them on a filesystem that all of them share"):
        _ = bundle.work


@pytest.mark.parametrize(
    ("on", "words", "says"),
    [
        ("ray", [], "--on ray: no other machine can see a store at memory:///x"),
        ("slurm", [], "--on slurm: no other machine can see a store at memory:///x"),
        ("local", ["time=1:00"], "only --on slurm takes it"),
    ],
)
def test_what_cannot_be_scaled_out_is_refused(on: str, words: list[str], says: str) -> None:
    with pytest.raises(Misuse, match=says):
        engine_for(on, 2, Folder.at("memory:///x"), slurm=words)


def test_a_missing_sbatch_is_a_sentence(tmp_path: Path) -> None:
    with environment({"PATH": str(tmp_path)}), pytest.raises(Misuse, match="there is no sbatch here"):
        engine_for("slurm", None, Folder.at(str(tmp_path)))


@pytest.fixture
def slurm_there(tmp_path: Path) -> Iterator[Folder]:
    """A PATH on which Slurm's commands are found; they are not run."""
    for name in ("sbatch", "squeue", "scancel"):
        (tmp_path / name).touch(mode=0o755)
    with environment({"PATH": str(tmp_path)}):
        yield Folder.at(str(tmp_path))


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("partition", "write it as key=value"),
        ("array=0-3", "gristmill sets --array itself"),
        ("time=1:00\n#SBATCH --uid=0", "write a long option of sbatch"),
        ("p q=1", "write a long option of sbatch"),
    ],
)
def test_an_option_of_slurm_that_cannot_be_meant_is_refused(slurm_there: Folder, word: str, says: str) -> None:
    with pytest.raises(Misuse, match=says):
        engine_for("slurm", None, slurm_there, slurm=[word])


def test_the_batch_script_asks_for_what_was_given_and_survives_odd_paths(tmp_path: Path) -> None:
    ranks = SlurmRanks(
        [],
        tasks=3,
        time="",
        partition="",
        workers=2,
        qos="",
        job_name="gristmill-screen-1",
        sbatch_args={"time": "1:00:00", "comment": "two words"},
        logging_dir=str(tmp_path / "50% of it"),
        slurm_logs_folder=str(tmp_path / "50% of it" / "slurm"),
    )
    script = ranks.get_launch_file_contents(ranks.get_sbatch_args(3), "unused")
    given = {line.removeprefix("#SBATCH --") for line in script.splitlines() if line.startswith("#SBATCH")}
    log = f"'{tmp_path}/50%% of it/slurm/%A_%a.out'"
    assert given == {
        "job-name=gristmill-screen-1",
        "nodes=1",
        "ntasks=1",
        "requeue",
        f"output={log}",
        f"error={log}",
        "array=0-2%2",
        "time=1:00:00",
        "comment='two words'",
    }
    assert f"{sys.executable} -m datatrove.tools.launch_pickled_pipeline '{tmp_path}/50% of it/executor.pik'" in script
