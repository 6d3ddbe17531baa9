"""The step that reads input: how it is cut into tasks, what each task is sent, files that change, what was left out."""

import json
import os
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from curation.engine import LocalEngine
from curation.ingest import Cut, Ingest
from dataset_cards.intake.source import Changed, Input
from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Job
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from tests.ops import Inline

SMALL = Cut(slice_bytes=70)  # two files


@dataclass(frozen=True)
class Interrupted:
    """An engine that does the first tasks and is killed."""

    tasks: int

    def run(self, label: str, job: Job, work: Callable[[int], None], tasks: Sequence[int]) -> None:
        Inline().run(label, job, work, tasks[: self.tasks])
        raise KeyboardInterrupt


@dataclass(frozen=True)
class Weighing:
    """An engine that notes how many bytes the work has that goes along with each task."""

    weights: list[int] = field(default_factory=list)

    def run(self, label: str, job: Job, work: Callable[[int], None], tasks: Sequence[int]) -> None:
        self.weights.append(len(pickle.dumps(work)))
        Inline().run(label, job, work, tasks)


@dataclass(frozen=True)
class Meddling:
    """An engine during whose run somebody writes into a file of the input."""

    path: Path

    def run(self, label: str, job: Job, work: Callable[[int], None], tasks: Sequence[int]) -> None:
        with self.path.open("a") as file:
            file.write('{"text": "late"}\n')
        Inline().run(label, job, work, tasks)


def write(folder: Path, files: int) -> Path:
    folder.mkdir(parents=True)
    for number in range(files):
        (folder / f"{number:03}.jsonl").write_text("".join(f'{{"text": "{number} {n}"}}\n' for n in range(2)))
    return folder


def step(folder: Path | str) -> Step:
    return Step("c/read", Ingest(input=Input.find(str(folder))))


def texts(store: Store, folder: Path | str, *tools: object) -> list[str]:
    return store.run(step(folder), tools).collect()["text"].to_list()


def expected(files: int) -> list[str]:
    return [f"{number} {n}" for number in range(files) for n in range(2)]


def test_every_cut_and_every_engine_gives_the_same_rows(tmp_path: Path) -> None:
    folder = write(tmp_path / "in", 7)
    for number, tools in enumerate([(Inline(), Cut()), (Inline(), SMALL), (LocalEngine(workers=2), SMALL)]):
        assert texts(Store.at(str(tmp_path / str(number))), folder, *tools) == expected(7)


def test_the_work_of_a_task_does_not_grow_with_the_number_of_files(tmp_path: Path) -> None:
    weighing = Weighing()
    for files in (2, 200):
        folder = write(tmp_path / f"{files:03}", files)
        texts(Store.at(str(tmp_path / "store")), folder, weighing, SMALL)
    two, many = weighing.weights
    assert abs(many - two) < 100


def test_a_task_finds_its_files_beside_its_output(store: Store, tmp_path: Path) -> None:
    folder = write(tmp_path / "in", 5)
    assert texts(store, folder, Inline(), SMALL) == expected(5)
    names = [name for name in store.folder(step(folder)).names() if name.startswith("slice-")]
    assert names == ["slice-00000.json", "slice-00001.json", "slice-00002.json"]
    slices = [store.folder(step(folder)).read_json(name, list) for name in names]
    assert [[file["name"] for file in one] for one in slices] == [
        ["000.jsonl", "001.jsonl"],
        ["002.jsonl", "003.jsonl"],
        ["004.jsonl"],
    ]


def test_an_interrupted_run_goes_on_with_the_cut_it_began_with(store: Store, tmp_path: Path) -> None:
    folder = write(tmp_path / "in", 5)
    with pytest.raises(KeyboardInterrupt):
        texts(store, folder, Interrupted(1), SMALL)
    first = store.folder(step(folder)).read_bytes("part-00000-000.parquet")
    assert texts(store, folder, Inline(), Cut()) == expected(5)
    assert store.folder(step(folder)).read_bytes("part-00000-000.parquet") == first


def test_a_run_that_was_killed_while_it_cut_its_input_cuts_the_rest(store: Store, tmp_path: Path) -> None:
    folder = write(tmp_path / "in", 5)
    with pytest.raises(KeyboardInterrupt):
        texts(store, folder, Interrupted(0), SMALL)
    place = store.folder(step(folder))
    for task in (1, 2):
        place.fs.rm(f"{place.path}/slice-{task:05d}.json")
    assert texts(store, folder, Inline(), Cut()) == expected(5)


def test_input_that_moved_after_an_interrupted_run_is_read_where_it_is(store: Store, tmp_path: Path) -> None:
    folder = write(tmp_path / "in", 5)
    with pytest.raises(KeyboardInterrupt):
        texts(store, folder, Interrupted(1), SMALL)
    moved = folder.rename(tmp_path / "elsewhere")
    assert step(moved).id == step(tmp_path / "elsewhere").id
    assert texts(store, moved, Inline(), SMALL) == expected(5)


def test_a_remote_file_is_read_by_the_task(tmp_path: Path) -> None:
    shelf = Folder.at(f"memory://{tmp_path.name}")
    shelf.write_bytes("a::b.jsonl", b'{"text": "one"}\n')
    assert texts(Store.at(str(tmp_path / "store")), f"memory://{tmp_path.name}", Inline(), Cut()) == ["one"]


def test_a_name_that_is_no_text_is_read_by_the_task(store: Store, tmp_path: Path) -> None:
    folder = write(tmp_path / "in", 0)
    Path(os.fsdecode(bytes(folder) + b"/\xff.jsonl")).write_text('{"text": "one"}\n')
    assert texts(store, folder, Inline(), Cut()) == ["one"]


@pytest.mark.parametrize("name", ["000.jsonl", "004.jsonl"])
def test_a_file_that_changes_during_a_run_fails_it_and_the_next_run_reads_it_anew(
    store: Store, tmp_path: Path, name: str
) -> None:
    folder = write(tmp_path / "in", 5)
    before = step(folder)
    with pytest.raises(Changed, match=f"{name} changed while it was read"):
        store.run(before, (Meddling(folder / name), SMALL))
    assert not store.is_done(before)
    assert step(folder).fingerprint != before.fingerprint
    assert "late" in texts(store, folder, Inline(), SMALL)


def test_the_error_of_a_changed_file_arrives_from_a_worker(tmp_path: Path) -> None:
    folder = write(tmp_path / "in", 5)
    changed = step(folder)
    (folder / "001.jsonl").write_text("{}\n")
    with pytest.raises(Changed, match=r"001\.jsonl changed while it was read"):
        Store.at(str(tmp_path / "store")).run(changed, (LocalEngine(workers=2), SMALL))


def facts(store: Store, folder: Path) -> dict[str, Any]:
    store.run(step(folder), (Inline(), Cut()))
    return dict(store.done(step(folder))["facts"])


def test_what_was_left_out_is_told_by_its_first_names_and_their_number(store: Store, tmp_path: Path) -> None:
    folder = write(tmp_path / "in", 1)
    assert "skipped" not in facts(store, folder)
    for number in range(25):
        (folder / f"{number:02}.png").touch()
    (folder / "new.jsonl").write_text(json.dumps({"text": "other rows, another step"}))
    skipped = facts(store, folder)["skipped"]
    assert skipped == {"names": [f"{number:02}.png (no known format)" for number in range(20)], "total": 25}
