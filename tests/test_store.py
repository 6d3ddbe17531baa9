"""The store: steps run once, crashes lose only parts in flight, lost rows stop a run. On disk and on memory://."""

import multiprocessing
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest

from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Job
from dataset_cards.versions.ledger import Unbalanced
from dataset_cards.versions.lock import locked
from dataset_cards.versions.step import Step, chain, in_order
from dataset_cards.versions.store import Store
from tests.ops import Rows, Upper

SOURCE = Step("rows", Rows(parts=(("a", "b"), ("c",), ("d", "e"))))


@pytest.fixture(autouse=True)
def _fresh() -> None:
    Upper.did.clear()
    Upper.fail_at = None


def test_a_second_run_does_nothing_and_a_change_reruns_only_what_follows(store: Store) -> None:
    first = chain("up", SOURCE, Upper())
    store.run(first)
    store.run(first)
    assert Upper.did == [0, 1, 2]
    changed = chain("up", SOURCE, Upper(suffix="!"))
    assert [done for _, done in store.plan(changed)] == [True, False]
    assert store.run(changed).collect().get_column("text").to_list() == ["A!", "B!", "C!", "D!", "E!"]


def test_plan_runs_nothing_and_writes_nothing(store: Store) -> None:
    assert [done for _, done in store.plan(chain("up", SOURCE, Upper()))] == [False, False]
    assert not store.root.exists()


def test_a_crash_keeps_whole_parts(store: Store) -> None:
    step = chain("up", SOURCE, Upper())
    Upper.fail_at = 2
    with pytest.raises(RuntimeError, match="task 2"):
        store.run(step)
    assert not store.is_done(step)
    Upper.fail_at = None
    store.run(step)
    assert Upper.did == [0, 1, 2], "tasks 0 and 1 were not done again"


def test_a_finished_step_does_not_need_the_cache_behind_it(store: Store) -> None:
    step = chain("up", SOURCE, Upper())
    store.run(step)
    store.folder(SOURCE).remove()
    assert store.run(step).rows == 5
    assert Upper.did == [0, 1, 2]


@dataclass(frozen=True, kw_only=True)
class Loses:
    revision: ClassVar[int] = 1
    claims: int

    def run(self, job: Job) -> dict[str, Any]:
        funnel = {"stage": "loses", "read": 3, "kept": self.claims, "quarantined": 0, "dropped": {"loses/some": 1}}
        job.write(0, pl.DataFrame({"id": ["1"]}), funnel=[funnel])
        return {}


def test_a_step_that_loses_rows_is_never_marked_as_done(store: Store) -> None:
    step = Step("loses", Loses(claims=1))
    with pytest.raises(Unbalanced, match="3 rows read, but 1 kept \\+ 1 dropped"):
        store.run(step)
    assert not store.is_done(step)
    assert store.run(Step("loses", Loses(claims=2))).rows == 1


def test_two_steps_with_the_same_input_share_it(store: Store) -> None:
    left, right = chain("l", SOURCE, Upper()), chain("r", SOURCE, Upper(suffix="?"))
    both = Step("both", Rows(parts=(("x",),)), (left, right))
    assert [step.name for step in in_order(both)] == ["rows", "l/upper", "r/upper", "both"]


def test_parts_appear_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = Folder.at(str(tmp_path))

    def write_half() -> None:
        with folder.create("a/file") as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert folder.files() == []


def _hold(path: str, ready: Any) -> None:
    with locked(Folder.at(path), "it", lambda: None):
        ready.set()
        time.sleep(60)


def test_a_lock_is_free_again_when_its_holder_is_killed(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    holder = context.Process(target=_hold, args=(str(tmp_path), ready))
    holder.start()
    assert ready.wait(30)
    waited: list[bool] = []
    assert holder.pid is not None
    killer = context.Process(target=_kill_soon, args=(holder.pid,))
    killer.start()
    with locked(Folder.at(str(tmp_path)), "it", lambda: waited.append(True)):
        pass
    holder.join()
    killer.join()
    assert waited == [True]


def _kill_soon(pid: int) -> None:
    time.sleep(0.5)
    os.kill(pid, signal.SIGKILL)
