"""Versions: frozen for ever, opened by `datasets`, verified byte by byte, and never made from what may not last."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import datasets
import polars as pl
import pytest

from dataset_cards.endings import end
from dataset_cards.facts.instruments import Instruments
from dataset_cards.freeze import freeze
from dataset_cards.verify import verify
from dataset_cards.versions.job import Job, Refused
from dataset_cards.versions.step import Step, chain
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import NoSuchVersion, parse_ref
from tests.ops import Rows, Upper

SOURCE = Step("rows", Rows(parts=(("a", "b"), ("c",))))
CALL = {"name": "test", "function": "tests:test", "parameters": {}}


def test_the_same_rows_again_are_a_no_op_and_others_an_error(store: Store) -> None:
    store.run(SOURCE)
    version = freeze(store, SOURCE, "letters@1.0.0", CALL)
    assert freeze(store, SOURCE, "letters@1.0.0", CALL).json == version.json == store.version("letters@1.0.0").json
    other = chain("up", SOURCE, Upper())
    store.run(other)
    with pytest.raises(FileExistsError, match="frozen with other rows"):
        freeze(store, other, "letters@1.0.0", CALL)
    assert version.table.collect().get_column("text").to_list() == ["a", "b", "c"]


def test_a_draft_is_replaced_and_taints_what_is_made_from_it(store: Store) -> None:
    store.run(SOURCE)
    freeze(store, SOURCE, "letters@draft", CALL)
    made = chain("up", SOURCE, Upper())
    store.run(made)
    draft = freeze(store, made, "letters@draft", CALL)
    assert draft.table.collect().get_column("text").to_list() == ["A", "B", "C"]
    child = chain("again", draft, Upper(suffix="!"))
    store.run(child)
    with pytest.raises(Refused, match="made from letters@draft"):
        freeze(store, child, "children@1.0.0", CALL)
    assert freeze(store, child, "children@draft", CALL).json["tainted"] == ["made from letters@draft"]


class Fake:
    taint = "answered by a fake model"


@dataclass(frozen=True, kw_only=True)
class Asks:
    revision: ClassVar[int] = 1

    def run(self, job: Job) -> dict[str, Any]:
        job.tool(Fake)
        job.write(0, pl.DataFrame({"id": ["1"], "text": ["x"]}), funnel=[])
        return {"kind": "documents"}


def test_a_tainted_tool_taints_every_step_after_it(store: Store) -> None:
    asked = chain("later", Step("asks", Asks()), Upper())
    store.run(asked, [Fake()])
    with pytest.raises(Refused, match=r"fake model; such rows can only become a@draft"):
        freeze(store, asked, "a@1.0.0", CALL)


def test_a_step_without_its_tool_says_which_it_needs(store: Store) -> None:
    with pytest.raises(LookupError, match="needs one Fake"):
        store.run(Step("asks", Asks()))


def test_parents_are_recorded_by_digest_and_caches_follow_content(store: Store) -> None:
    store.run(SOURCE)
    one, two = (freeze(store, SOURCE, f"letters@{label}", CALL) for label in ("1.0.0", "2.0.0"))
    assert chain("up", one, Upper()).fingerprint == chain("up", two, Upper()).fingerprint
    child = chain("up", one, Upper())
    store.run(child)
    frozen = freeze(store, child, "capitals@1.0.0", CALL)
    assert frozen.json["parents"] == [{"name": "letters", "version": "1.0.0", "digest": one.json["digest"]}]


def test_datasets_opens_a_version_and_nothing_beside_its_rows(tmp_path: Path) -> None:
    store = Store.at(str(tmp_path / "store"))
    store.run(SOURCE)
    version = freeze(store, SOURCE, "letters@1.0.0", CALL)
    rows = datasets.load_dataset(version.folder.path, split="train", cache_dir=str(tmp_path / "cache"))
    assert rows["text"][:] == ["a", "b", "c"]


@pytest.mark.parametrize(
    "path", ["data/train-00000-of-00002.parquet", "README.md", "croissant.json", "report.html", "version.json"]
)
def test_a_flipped_byte_is_found_and_named(tmp_path: Path, path: str) -> None:
    store = Store.at(str(tmp_path / "store"))
    store.run(SOURCE)
    version = freeze(store, SOURCE, "letters@1.0.0", CALL)
    assert verify(version) == []
    file = Path(version.folder.path) / path
    data = bytearray(file.read_bytes())
    place = data.index(b"letters") if path == "version.json" else len(data) // 2
    data[place] ^= 1
    file.write_bytes(data)
    assert {problem.path for problem in verify(store.version("letters@1.0.0"))} == {path}


def test_a_missing_file_is_found_and_named(tmp_path: Path) -> None:
    store = Store.at(str(tmp_path / "store"))
    store.run(SOURCE)
    version = freeze(store, SOURCE, "letters@1.0.0", CALL)
    (Path(version.folder.path) / "data" / "train-00001-of-00002.parquet").unlink()
    assert [(p.path, p.what) for p in verify(version)] == [("data/train-00001-of-00002.parquet", "is missing")]


def test_an_unknown_version_lists_what_there_is(store: Store) -> None:
    store.run(SOURCE)
    freeze(store, SOURCE, "letters@1.0.0", CALL)
    with pytest.raises(NoSuchVersion, match=r"there is no letters@9: letters has 1\.0\.0"):
        store.version("letters@9")
    assert [version.ref for version in store.versions()] == ["letters@1.0.0"]


@pytest.mark.parametrize("bad", ["letters", "Letters@1", "letters@", "a b@1", "../x@1", "x@../1", "x@1/2"])
def test_data_is_named_by_name_and_version_only(bad: str) -> None:
    with pytest.raises(ValueError, match=r"version|name"):
        parse_ref(bad)


def test_rows_that_cannot_be_measured_stay_in_the_cache_and_leave_the_draft_before_as_it_was(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    store.run(SOURCE)
    draft = freeze(store, SOURCE, "letters@draft", CALL)
    before = {name: draft.folder.read_bytes(name) for name in draft.folder.files()}
    other = chain("up", SOURCE, Upper())
    store.run(other)

    def broken(texts: pl.Series) -> pl.Series:
        raise ZeroDivisionError("of no text")

    with pytest.raises(ZeroDivisionError) as caught:
        freeze(store, other, "letters@draft", CALL, Instruments(secrets=broken))
    assert {name: draft.folder.read_bytes(name) for name in draft.folder.files()} == before
    with pytest.raises(SystemExit):
        end(caught.value)
    said = capsys.readouterr().err
    assert (
        f"letters@draft was not frozen: its rows could not be measured; they are whole in {store.folder(other)}" in said
    )
    assert store.is_done(other)


def test_languages_are_the_measured_ones_where_some_rows_state_none(tmp_path: Path) -> None:
    step = Step("some", Languages())
    store = Store.at(str(tmp_path))
    store.run(step)
    assert freeze(store, step, "x@1", CALL).json["languages"] == {"de": 1, "und": 1}, "nobody looked"
    read = Instruments(language=lambda texts: pl.repeat("fr", len(texts), dtype=pl.String, eager=True))
    assert freeze(store, step, "x@2", CALL, read).json["languages"] == {"de": 1, "fr": 1}


@dataclass(frozen=True, kw_only=True)
class Languages:
    revision: ClassVar[int] = 1

    def run(self, job: Job) -> dict[str, Any]:
        rows = {"id": ["1", "2"], "text": [20 * "ab ", 20 * "cd "], "language": ["de", None]}
        kept = {"stage": "s", "read": 2, "kept": 2, "quarantined": 0, "dropped": {}}
        job.write(0, pl.DataFrame(rows), funnel=[kept])
        return {"kind": "documents", "languages": {"de": 1, "und": 1}}
