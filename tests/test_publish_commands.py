"""The documents in the folder of a version, and the commands of those who publish.

What stands against publishing is in test_publish.py, what happens on the way in test_publish_hub.py.
"""

import errno
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.local import LocalFileSystem
from huggingface_hub import constants
from typer.testing import CliRunner, Result

from curation.instruments import secrets
from dataset_cards.facts.instruments import Instruments
from dataset_cards.publish.address import destination, publish
from dataset_cards.publish.commands import card
from dataset_cards.publish.package import collect, documents_of
from dataset_cards.publish.refusals import readiness
from dataset_cards.publish.write import write_beside, write_inside
from dataset_cards.verify import verify
from dataset_cards.versions.files import Folder
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion
from tests.hub_server import TOKEN, HubServer
from tests.publishing import about, corpus, packed
from tests.training import store_at

EYES = Instruments(secrets=secrets)
Typed = Callable[..., Result]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return store_at(tmp_path / "store")


@pytest.fixture
def version(store: Store, tmp_path: Path) -> DatasetVersion:
    return corpus(store, "pages@1.0.0", tmp_path)


def test_rendering_leaves_rows_and_record_as_they_are_and_verify_content(store: Store, version: DatasetVersion) -> None:
    before = {path: version.folder.read_bytes(path) for path in version.folder.files()}
    written = write_inside(store, packed(version))
    after = {path: version.folder.read_bytes(path) for path in version.folder.files()}
    assert verify(store.version("pages@1.0.0")) == []
    assert "about.yaml" in written
    for path in before.keys() - set(written):
        assert after[path] == before[path]
    assert {"version.json", "data/train-00000-of-00001.parquet"} <= before.keys() - set(written)
    assert write_inside(store, packed(version)) == written
    assert {path: version.folder.read_bytes(path) for path in version.folder.files()} == after


def test_a_document_that_is_no_longer_wanted_goes_away(store: Store, version: DatasetVersion) -> None:
    write_inside(store, packed(version))
    assert version.folder.exists("DATASHEET.md")
    write_inside(store, packed(version, documents=["citation"]))
    assert not version.folder.exists("DATASHEET.md")
    assert verify(store.version("pages@1.0.0")) == []


@pytest.mark.parametrize("stop", range(4))
def test_a_rendering_that_is_killed_is_mended_by_the_next(
    store: Store, version: DatasetVersion, stop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = documents_of(version, about())
    write_inside(store, collect(version, {**documents, "DATASHEET.md": b"old"}))
    write = Folder.write_bytes
    done: list[str] = []

    def killed(folder: Folder, name: str, data: bytes) -> None:
        if len(done) == stop:
            raise KeyboardInterrupt
        done.append(name)
        write(folder, name, data)

    monkeypatch.setattr(Folder, "write_bytes", killed)
    package = packed(version, title="Another title")
    with pytest.raises(KeyboardInterrupt):
        write_inside(store, package)
    monkeypatch.undo()
    write_inside(store, package)
    assert verify(store.version("pages@1.0.0")) == []


class ReadOnly(LocalFileSystem):  # type: ignore[misc]
    """The disk, mounted so that nothing on it can be changed; root cannot write there either."""

    protocol = "readonly"

    def _refused(self, *words: object, **more: object) -> Any:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(words[0]) if words else None)

    makedirs = mkdir = makedir = rm = rm_file = _rm = mv = cp_file = touch = put_file = pipe_file = _refused

    def open(self, path: str, mode: str = "rb", **more: Any) -> Any:
        return super().open(path, mode, **more) if mode == "rb" else self._refused(path)


@pytest.fixture
def read_only(store: Store, version: DatasetVersion, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The same store; `Folder` writes to a local disk by itself, so here it is not one."""
    monkeypatch.setattr(Folder, "local", property(lambda folder: type(folder.fs) is LocalFileSystem))
    return Store(Folder(ReadOnly(), store.root.path))


def test_a_store_that_cannot_be_written_is_rendered_elsewhere(read_only: Store, tmp_path: Path) -> None:
    version = read_only.version("pages@1.0.0")
    before = {path: version.folder.read_bytes(path) for path in version.folder.files()}
    with pytest.raises(PermissionError, match=r"cannot be written to .*: Read-only file system; give --to FOLDER"):
        write_inside(read_only, packed(version))
    written = write_beside(packed(version), str(tmp_path / "documents"))
    assert sorted(path.name for path in (tmp_path / "documents").iterdir()) == written
    assert {path: version.folder.read_bytes(path) for path in version.folder.files()} == before


def test_a_store_that_cannot_be_written_is_published_all_the_same(read_only: Store, tmp_path: Path) -> None:
    version = read_only.version("pages@1.0.0")
    found = readiness(version, about(), EYES)
    assert found.refusals == ()
    package = found.package
    assert package is not None
    publish(destination(str(tmp_path / "out"), package), package)
    folder = destination(str(tmp_path / "out"), package)
    assert verify(DatasetVersion(name="pages", version="1.0.0", folder=folder, json=version.json)) == []


@pytest.fixture
def typed(store: Store, version: DatasetVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Typed:
    """`gristmill card ...` in a folder with about.yaml, on a store with pages@1.0.0."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRISTMILL_STORE", str(tmp_path / "store"))
    (tmp_path / "about.yaml").write_bytes(about())
    return lambda *words: CliRunner().invoke(card, list(words), obj=lambda: EYES)


def test_new_prints_questions_that_check_then_lists_one_by_one(typed: Typed, tmp_path: Path) -> None:
    new = typed("new", "pages@1.0.0")
    assert new.exit_code == 0
    (tmp_path / "new.yaml").write_text(new.stdout)
    found = typed("check", "pages@1.0.0", "--about", "new.yaml", "--json")
    assert found.exit_code == 1
    gaps = json.loads(found.stdout)
    assert {"place", "what", "mend"} == set(gaps[0])
    assert len(gaps) > 20
    assert all(gap["place"].startswith("new.yaml:") for gap in gaps)


def test_check_is_content_with_an_about_that_says_everything(typed: Typed) -> None:
    found = typed("check", "pages@1.0.0", "--about", "about.yaml")
    assert (found.exit_code, found.stdout) == (
        0,
        "about.yaml says everything that the documents of pages@1.0.0 need\n",
    )


def test_after_render_the_about_lies_in_the_version_and_need_not_be_given_again(typed: Typed) -> None:
    assert typed("check", "pages@1.0.0").exit_code == 1
    assert typed("render", "pages@1.0.0", "--about", "about.yaml").exit_code == 0
    assert typed("check", "pages@1.0.0").exit_code == 0
    assert typed("publish", "pages@1.0.0", "--to", "out").exit_code == 0


def test_render_to_a_folder_leaves_the_store_alone(typed: Typed, version: DatasetVersion, tmp_path: Path) -> None:
    before = version.folder.files()
    found = typed("render", "pages@1.0.0", "--about", "about.yaml", "--to", "documents", "--json")
    written = json.loads(found.stdout)["written"]
    assert sorted(path.name for path in (tmp_path / "documents").iterdir()) == written
    assert version.folder.files() == before


def test_publish_brings_a_version_to_a_folder_and_says_where(typed: Typed, tmp_path: Path) -> None:
    found = typed("publish", "pages@1.0.0", "--to", "out", "--about", "about.yaml")
    assert found.exit_code == 0, found.output
    assert f"pages@1.0.0 is at {tmp_path}/out/pages/1.0.0, read back: " in found.stdout
    assert (tmp_path / "out" / "pages" / "1.0.0" / "SHA256SUMS").exists()


def test_publish_lists_every_reason_and_brings_nothing(typed: Typed, tmp_path: Path) -> None:
    (tmp_path / "poor.yaml").write_bytes(about(funding="", title="TODO"))
    found = typed("publish", "pages@1.0.0", "--to", "out", "--about", "poor.yaml")
    assert found.exit_code == 1
    assert "pages@1.0.0 was not published, for 2 reasons:\n  poor.yaml:" in str(found.exception)
    assert not (tmp_path / "out").exists()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    with HubServer() as found:
        monkeypatch.setenv("HF_ENDPOINT", found.url)
        monkeypatch.setenv("HF_TOKEN", found.token)
        yield found


def test_a_dry_run_says_what_would_go_and_changes_nothing_on_the_server(typed: Typed, server: HubServer) -> None:
    words = ("publish", "pages@1.0.0", "--to", "hf://org/pages", "--about", "about.yaml")
    dry = typed(*words, "--dry-run", "--json")
    assert dry.exit_code == 0
    told = json.loads(dry.stdout)
    assert (told["repository"], told["type"], told["tag"], told["refusals"]) == ("org/pages", "dataset", "1.0.0", [])
    assert server.repos == {}
    done = typed(*words, "--private")
    assert done.exit_code == 0, done.output
    there = server.files("org/pages", "1.0.0")
    assert {one["path"]: one["bytes"] for one in told["files"]} == {
        path: len(data) for path, data in there.items() if path != ".gitattributes"
    }
    before, count = server.state(), len(server.log)
    again = typed(*words, "--dry-run")
    assert "org/pages, a dataset repository (is there, private), tag 1.0.0 is there, with these files" in again.stdout
    assert "send " not in again.stdout
    assert server.state() == before
    assert {method for method, _, _ in server.log[count:]} == {"GET", "HEAD"}
    assert TOKEN not in dry.output + done.output + again.output


def test_a_dry_run_says_which_version_it_takes_the_place_of(
    typed: Typed, server: HubServer, store: Store, tmp_path: Path
) -> None:
    corpus(store, "pages@0.9.0", tmp_path)
    words = ("--to", "hf://org/pages", "--about", "about.yaml")
    assert "takes the place" not in typed("publish", "pages@1.0.0", *words).stdout
    said = "on the main branch it takes the place of pages@1.0.0, which stays behind its tag"
    assert said in typed("publish", "pages@0.9.0", *words, "--dry-run").stdout
    assert said in typed("publish", "pages@0.9.0", *words).stdout
    assert "takes the place" not in typed("publish", "pages@1.0.0", *words, "--dry-run").stdout


def test_a_dry_run_names_what_others_wrote_under_the_names_of_ours(typed: Typed, server: HubServer) -> None:
    server.put("org/pages", {"README.md": b"by hand", "notes.txt": b"mine"})
    found = typed("publish", "pages@1.0.0", "--to", "hf://org/pages", "--about", "about.yaml", "--dry-run")
    assert "ours in place of what somebody else wrote: README.md\n" in found.stdout
    assert "left as they are, since they are not of this version: .gitattributes, notes.txt\n" in found.stdout


def test_a_dry_run_lists_what_is_refused_here_and_there(typed: Typed, server: HubServer, tmp_path: Path) -> None:
    server.put("org/pages", {"data/train-00007-of-00009.parquet": b"somebody's"})
    (tmp_path / "poor.yaml").write_bytes(about(funding=""))
    found = typed("publish", "pages@1.0.0", "--to", "hf://org/pages", "--about", "poor.yaml", "--dry-run")
    assert found.exit_code == 1
    assert "would be refused, for 2 reasons:" in found.stdout
    assert "funding" in found.stdout
    assert "train-00007-of-00009.parquet, which is not of pages@1.0.0" in found.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--to", "out", "--private"), "--private is for repositories of the Hub"),
        (("--to", ""), "--to is empty"),
        (("--to", "hf://pages"), "write a repository of the Hub as hf://org/name"),
        (("--to", "hf://org/-pages"), "the Hub takes no such name"),
        (("--to", "hf:org/pages"), "is no address, since // is missing, and for a folder write ./hf:org/pages"),
        (("--to", "https://huggingface.co/datasets/org/pages"), "nothing can be kept there; give hf://org/name"),
        (("--to", "memory://pages"), "nothing can be kept there"),
        (("--to", "nosuch://pages"), "cannot be opened"),
        (
            ("--to", "out", "--about", "nowhere.yaml"),
            "--about nowhere.yaml cannot be read: No such file or directory; ",
        ),
        (("--to", "out", "--accept-secrets", " "), "--accept-secrets is empty"),
    ],
)
def test_what_cannot_be_meant_is_said_before_anything_is_looked_through(
    typed: Typed, words: tuple[str, ...], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dataset_cards.publish.refusals.scan", lambda *given: pytest.fail("hours went by"))
    found = typed("publish", "pages@1.0.0", "--about", "about.yaml", *words)
    assert found.exit_code == 1
    assert says in str(found.exception)
