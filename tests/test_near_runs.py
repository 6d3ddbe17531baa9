"""How a near-duplicate search runs never shows: cuts, memory, kills, lost work and workers leave the same bytes."""

import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from curation.dedup.near import NearDuplicates
from curation.engine import LocalEngine
from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Job
from tests.test_near import EAGER, families, search, stated


@pytest.mark.parametrize("cuts", [(1000, 1000), (1000, 7), (50, 50), (33, 4), (1, 1)])
@pytest.mark.parametrize("budget", [256 << 20, 30_000])
def test_neither_cuts_nor_memory_change_a_mark_or_a_fact(
    cuts: tuple[int, int], budget: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = families(5, 150)
    whole, facts, _ = search(EAGER, texts)
    assert len(whole) > 50
    monkeypatch.setattr(NearDuplicates, "budget_bytes", budget)
    assert search(EAGER, texts, cuts)[:2] == (whole, facts)


def test_a_batch_too_large_for_memory_takes_more_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = families(5, 150)
    op = NearDuplicates(ngram=1, bands=40, rows=1, min_jaccard=0.9, max_compared=20)
    whole, facts, _ = search(op, texts)
    assert facts["capped"] > 0
    monkeypatch.setattr(NearDuplicates, "budget_bytes", 100_000)
    drops, again, job = search(op, texts, (40, 9))
    passes = [batch["passes"] for batch in Job((), job.folder / "found").facts()]
    assert max(passes) > 5
    assert (drops, again) == (whole, facts)
    assert whole == stated(op, texts)


class Killed(Exception):
    """Stands for kill -9 between two tasks."""


class Mortal:
    """An engine that dies after so many tasks."""

    def __init__(self, tasks: int) -> None:
        self.left = tasks

    def run(self, label: str, job: Job, work: Callable[[int], None], tasks: Sequence[int]) -> None:
        for task in tasks:
            if self.left == 0:
                raise Killed
            self.left -= 1
            work(task)


def files(folder: Folder) -> dict[str, bytes]:
    return {name: folder.read_bytes(name) for name in folder.names() if name.endswith((".parquet", ".json"))}


def test_a_run_killed_after_any_task_goes_on_to_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NearDuplicates, "budget_bytes", 60_000)
    texts = families(2, 60)
    _, facts, job = search(EAGER, texts, (20, 10))
    expected = files(job.folder)
    died = 0
    for tasks in range(100):
        folder = Folder.at(f"memory://{uuid.uuid4().hex}")
        try:
            search(EAGER, texts, (20, 10), where=folder, engine=Mortal(tasks))
            break
        except Killed:
            died += 1
        _, again, job = search(EAGER, texts, (20, 10), where=folder)
        assert (again, files(job.folder)) == (facts, expected)
    assert died > 10


@pytest.mark.parametrize("phase", ["", "found", "links"])
def test_lost_facts_are_made_again_with_the_same_bytes(phase: str, tmp_path: Path) -> None:
    texts = families(2, 60)
    where = Folder.at(str(tmp_path))
    _, facts, job = search(EAGER, texts, (20, 10), where=where)
    expected = files(job.folder)
    (tmp_path / "near" / phase / "task-00000.json").unlink()
    _, again, job = search(EAGER, texts, (20, 10), where=where)
    assert (again, files(job.folder)) == (facts, expected)


@pytest.mark.slow
def test_workers_write_the_same_bytes_as_one_process(tmp_path: Path) -> None:
    texts = families(4, 200)
    _, facts, job = search(EAGER, texts, (50, 20))
    _, again, parallel = search(EAGER, texts, (50, 20), where=Folder.at(str(tmp_path)), engine=LocalEngine(workers=2))
    assert (again, files(parallel.folder)) == (facts, files(job.folder))
