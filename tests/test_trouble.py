"""Bad weather for the store: deleted caches, other cuts, damaged files, junk on the shelf, drafts in disguise."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from curation.ingest import Cut, Ingest
from curation.keep import Keep
from curation.normalize import Normalize
from curation.screen import Screen
from dataset_cards.freeze import freeze
from dataset_cards.intake.source import Input
from dataset_cards.verify import verify
from dataset_cards.versions.errors import Damaged
from dataset_cards.versions.fingerprint import fingerprint
from dataset_cards.versions.job import Refused
from dataset_cards.versions.ledger import overall
from dataset_cards.versions.step import Step, chain
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion
from tests.ops import Inline, Rows, Upper
from tests.test_screen import Length

CALL = {"name": "test", "function": "tests:test", "parameters": {}}
ROWS = 40


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.at(str(tmp_path / "store"))


@pytest.fixture
def texts(tmp_path: Path) -> str:
    for name in ("a", "b"):
        rows = [{"id": f"{name}{n}", "text": "x" * n} for n in range(ROWS)]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + "{broken\n")
    return str(tmp_path / "*.jsonl")


def corpus(path: str, min_characters: int = 3) -> Step:
    read = Step("c/read", Ingest(input=Input.find(path), stages=(Normalize(),)))
    screen = Step("c/screen", Screen(stages=(Length(min_characters=min_characters),)), (read,))
    return Step("c/keep", Keep(), (read, screen))


def steps_of(step: Step) -> tuple[Step, Step]:
    read, screen = step.inputs
    assert isinstance(read, Step)
    assert isinstance(screen, Step)
    return read, screen


WIDE, NARROW = (Inline(), Cut()), (Inline(), Cut(slice_bytes=1, part_bytes=1))


def test_a_deleted_cache_does_not_shorten_the_ledger(store: Store, texts: str) -> None:
    step = corpus(texts)
    store.run(step, WIDE)
    before = store.funnel(step)
    store.folder(steps_of(step)[0]).remove()
    version = freeze(store, step, "x@1", CALL)
    assert version.json["funnel"] == before
    assert version.json["ledger"]["read"] == 2 * ROWS + 2
    assert version.json["ledger"]["quarantined"] == 2
    assert [done for _, done in store.plan(step)] == [True, True, True]


def test_documents_that_are_read_again_in_other_parts_do_not_meet_old_sidecars(store: Store, texts: str) -> None:
    step = corpus(texts)
    read, screen = steps_of(step)
    store.run(step, WIDE)
    kept = store.table(step).collect()
    for gone in (read, step):
        store.folder(gone).remove()
    assert store.is_done(screen)
    store.run(step, NARROW)
    assert len(store.table(read).parts) == 2
    assert len(store.table(screen).parts) == 2, "the sidecar was made again to fit"
    assert store.table(step).collect().equals(kept)


def test_measurements_over_other_parts_are_not_taken_over(store: Store, texts: str) -> None:
    first = corpus(texts)
    store.run(first, WIDE)
    store.folder(steps_of(first)[0]).remove()
    other = corpus(texts, min_characters=5)
    assert store.run(other, NARROW).rows == 2 * (ROWS - 5)


def test_a_half_done_step_over_other_parts_begins_anew(store: Store, texts: str) -> None:
    step = corpus(texts)
    read, screen = steps_of(step)
    store.run(screen, WIDE)
    (Path(str(store.folder(screen))) / "done.json").unlink()
    store.folder(read).remove()
    assert store.run(step, NARROW).rows == 2 * (ROWS - 3)


def test_a_lost_part_is_made_again(store: Store, texts: str) -> None:
    step = corpus(texts)
    store.run(step, WIDE)
    (Path(str(store.folder(step))) / "part-00000.parquet").unlink()
    assert not store.is_done(step)
    assert store.run(step, WIDE).collect().height == 2 * (ROWS - 3)


def test_a_damaged_part_is_named_with_what_to_do(store: Store, texts: str) -> None:
    step = corpus(texts)
    store.run(step, WIDE)
    _, screen = steps_of(step)
    part = next(Path(str(store.folder(screen))).glob("part-*.parquet"))
    part.write_bytes(b"PAR1 not at all")
    store.folder(step).remove()
    with pytest.raises(Damaged, match=rf"{part.name} is damaged.*delete the folder {part.parent}"):
        store.run(step, WIDE)


def test_halves_left_by_a_kill_are_swept_and_never_frozen(store: Store) -> None:
    step = Step("rows", Rows(parts=(("a",),)))
    folder = Path(str(store.folder(step)))
    (folder / "ledger").mkdir(parents=True)
    (folder / "ledger" / ".rows.parquet.12345678.partial").write_bytes(b"half")
    store.run(step)
    (folder / "ledger" / ".DS_Store").write_bytes(b"junk")
    version = freeze(store, step, "rows@1", CALL)
    assert not [path for path in version.folder.files() if path.startswith("ledger")]
    assert not (folder / "ledger" / ".rows.parquet.12345678.partial").exists()


def frozen(store: Store, ref: str, *parts: tuple[str, ...]) -> DatasetVersion:
    step = Step("rows", Rows(parts=parts or (("a", "b"), ("c",))))
    store.run(step)
    return freeze(store, step, ref, CALL)


def test_a_draft_taints_even_where_its_rows_were_cached_for_a_version(store: Store) -> None:
    real, draft = frozen(store, "t@1.0.0"), frozen(store, "t@draft")
    assert real.fingerprint == draft.fingerprint
    from_real, from_draft = chain("up", real, Upper()), chain("up", draft, Upper())
    store.run(from_draft)
    assert freeze(store, from_real, "real@1", CALL).json["tainted"] == []
    with pytest.raises(Refused, match="made from t@draft"):
        freeze(store, from_draft, "fake@1", CALL)


@dataclass(frozen=True, kw_only=True)
class Licensed:
    revision: ClassVar[int] = 1
    license: str

    def run(self, job: Any) -> dict[str, Any]:
        return {**Rows(parts=(("a",),)).run(job), "license": self.license}


def test_the_same_rows_under_another_licence_are_not_the_same_version(store: Store) -> None:
    for license_ in ("MIT", "CC0-1.0"):
        step = Step("rows", Licensed(license=license_))
        store.run(step)
        assert freeze(store, step, "r@draft", CALL).json["license"] == license_, "a draft is replaced"
        if license_ == "MIT":
            freeze(store, step, "r@1", CALL)
            continue
        with pytest.raises(FileExistsError, match=r"its license is 'MIT', not 'CC0-1\.0'"):
            freeze(store, step, "r@1", CALL)


def test_two_steps_with_the_same_work_and_other_names_are_both_done(store: Store) -> None:
    left, right = Step("left", Rows(parts=(("a",),))), Step("right", Rows(parts=(("a",),)))
    both = Step("both", Rows(parts=(("b",),)), (left, right))
    store.run(both)
    assert store.is_done(left)
    assert store.is_done(right)


@pytest.mark.parametrize("name", ["../outside", "/absolute", "a//b", "a/../b", "", "Über", "a b", "-a"])
def test_a_step_cannot_leave_the_store(name: str) -> None:
    with pytest.raises(ValueError, match="is no name for a step"):
        Step(name, Rows(parts=()))


def test_a_class_of_an_edited_recipe_file_is_another_class() -> None:
    source = "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass Op:\n    revision = 1\n    x: int = 1\n"
    import sys
    import types

    seen = []
    for content in ("one", "two", "one"):
        module = types.ModuleType("mine")
        sys.modules["mine"] = module
        exec(compile(source, "mine.py", "exec"), module.__dict__)
        module.__dict__["__gristmill_source__"] = content
        seen.append(fingerprint(module.__dict__["Op"]()))
    del sys.modules["mine"]
    assert seen[0] == seen[2] != seen[1]


def test_junk_on_the_shelf_hides_no_version(store: Store) -> None:
    good = frozen(store, "t@1.0.0")
    shelf = Path(str(store.root)) / "versions"
    shutil.copytree(good.folder.path, shelf / "t" / "1.0.0 (copy)")
    (shelf / "t" / "2.0.0").mkdir()
    (shelf / "t" / "2.0.0" / "version.json").write_text("{}")
    (shelf / "t" / "3.0.0").mkdir()
    (shelf / "t" / "3.0.0" / "version.json").write_text('{"name": ')
    (shelf / "notes.txt").write_text("mine")
    assert [version.ref for version in store.versions()] == ["t@1.0.0"]
    assert len(store.unreadable()) == 3


@pytest.mark.parametrize(
    ("damage", "path", "what"),
    [
        (lambda folder: (folder / "SHA256SUMS").unlink(), "SHA256SUMS", "is missing"),
        (lambda folder: (folder / "SHA256SUMS").write_text(""), "SHA256SUMS", "does not list README.md"),
        (
            lambda folder: shutil.copy(folder / "README.md", folder / "data" / "more.parquet"),
            "data/more.parquet",
            "not part",
        ),
        (lambda folder: (folder / "data" / "train-00001-of-00002.parquet").unlink(), "data/train-00001", "is missing"),
    ],
)
def test_verify_finds_what_does_not_belong(store: Store, damage: Any, path: str, what: str) -> None:
    version = frozen(store, "t@1.0.0")
    assert verify(version) == []
    damage(Path(version.folder.path))
    assert any(problem.path.startswith(path) and what in problem.what for problem in verify(version))


def test_a_version_under_another_name_is_found_out(store: Store) -> None:
    version = frozen(store, "t@1.0.0")
    shutil.copytree(version.folder.path, Path(version.folder.path).parent / "9.9")
    assert [p.what for p in verify(store.version("t@9.9"))] == ["is that of t@1.0.0, not of this folder"]


def test_the_version_adds_up_over_everything(store: Store, texts: str) -> None:
    step = corpus(texts)
    store.run(step, WIDE)
    version = freeze(store, step, "x@1", CALL)
    assert overall(version.json["funnel"]).check("x").json() == version.json["ledger"]
