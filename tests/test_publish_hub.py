"""Publishing to the Hub with its real client against a stand-in of its endpoints, in good weather.

What is refused before anything is sent is in test_publish.py; folders and object stores are in test_publish_address.py.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants, snapshot_download

from dataset_cards.adopt.model import AdoptModel
from dataset_cards.freeze import freeze
from dataset_cards.publish import hub
from dataset_cards.publish.hub_plan import repository
from dataset_cards.publish.package import Package
from dataset_cards.verify import verify
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.files import Folder
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion
from tests.hub_publishing import contents, holds, publish
from tests.hub_server import HubServer
from tests.publishing import about, corpus, light_model, packed, unhurried
from tests.training import store_at


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("published")


@pytest.fixture(scope="module")
def first(place: Path) -> Package:
    return packed(corpus(store_at(place / "store"), "pages@1.0.0", place, mark=" of spring"))


@pytest.fixture(scope="module")
def second(place: Path) -> Package:
    return packed(corpus(store_at(place / "store"), "pages@1.1.0", place, mark=" of autumn"))


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    with unhurried(monkeypatch) as found:
        yield found


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    with HubServer(part=2000) as found:
        monkeypatch.setenv("HF_ENDPOINT", found.url)
        monkeypatch.setenv("HF_TOKEN", found.token)
        yield found


def test_what_is_published_is_there_at_its_tag_and_passes_verify_where_it_is_downloaded(
    server: HubServer, first: Package, waits: list[float], tmp_path: Path
) -> None:
    done = publish(first, waits)
    assert holds(server, first)
    assert done.url == f"{server.url}/datasets/org/pages/tree/1.0.0"
    assert done.commit == server.repos["dataset", "org/pages"].tags["1.0.0"]
    assert [item.path for item in done.sent] == [item.path for item in first.items]
    folder = snapshot_download(
        "org/pages",
        repo_type="dataset",
        revision="1.0.0",
        endpoint=server.url,
        cache_dir=tmp_path,
        ignore_patterns=[".gitattributes"],
    )
    got = DatasetVersion(name="pages", version="1.0.0", folder=Folder.at(folder), json=first.version.json)
    assert verify(got) == []
    assert got.table.collect().equals(first.version.table.collect())


def test_publishing_again_sends_nothing_and_changes_nothing(
    server: HubServer, first: Package, waits: list[float]
) -> None:
    commit = publish(first, waits).commit
    before, count = server.state(), len(server.log)
    again = publish(first, waits)
    assert (again.commit, again.sent) == (commit, ())
    assert server.state() == before
    assert {method for method, _, _ in server.log[count:]} <= {"GET", "HEAD"}


def test_a_tag_with_other_files_behind_it_stays_and_is_named(
    server: HubServer, first: Package, waits: list[float]
) -> None:
    publish(first, waits)
    before = server.state()
    other = packed(first.version, title="Another title")
    with pytest.raises(FileExistsError, match=r"has a tag 1\.0\.0 already .* other files behind it: .*about\.yaml"):
        publish(other, waits)
    assert server.state() == before


def test_a_new_version_takes_the_place_of_the_old_one_which_stays_behind_its_tag(
    server: HubServer, first: Package, second: Package, waits: list[float]
) -> None:
    publish(first, waits)
    server.put("org/pages", {"notes/mine.md": b"by hand", "data/train-00001-of-00002.parquet": b"old"})
    sums = server.files("org/pages")["SHA256SUMS"] + b"0" * 64 + b"  data/train-00001-of-00002.parquet\n"
    server.put("org/pages", {"SHA256SUMS": sums})  # as if the old version had had two parts
    done = publish(second, waits)
    assert done.plan.before == "pages@1.0.0"
    assert done.plan.remove == ("data/train-00001-of-00002.parquet",)
    assert done.plan.foreign == (".gitattributes", "notes/mine.md")
    main = server.files("org/pages")
    assert main.keys() == {*second.paths, ".gitattributes", "notes/mine.md"}
    assert holds(server, first, "1.0.0")


def test_rows_that_are_not_ours_would_be_read_as_ours_and_are_refused(
    server: HubServer, first: Package, waits: list[float]
) -> None:
    server.put("org/pages", {"data/train-00007-of-00009.parquet": b"somebody's"})
    before = server.state()
    with pytest.raises(FileExistsError, match=r"data/train-00007-of-00009\.parquet, which is not of pages@1\.0\.0"):
        publish(first, waits)
    assert server.state() == before


def test_a_repository_of_another_dataset_is_refused(
    server: HubServer, first: Package, place: Path, waits: list[float]
) -> None:
    publish(first, waits)
    other = packed(corpus(store_at(place / "store"), "talks@1.0.0", place))
    with pytest.raises(FileExistsError, match=r"holds pages@1\.0\.0; one repository is for the versions of one name"):
        publish(other, waits)


def test_private_makes_a_private_repository_and_never_uses_a_public_one(
    server: HubServer, first: Package, waits: list[float]
) -> None:
    publish(first, waits, private=True)
    assert server.repos["dataset", "org/pages"].private
    server.repos["dataset", "org/pages"].private = False
    server.repos["dataset", "org/pages"].tags.clear()
    with pytest.raises(Misuse, match="exists and is public, but --private was given"):
        publish(first, waits, private=True)


def test_a_store_elsewhere_is_published_over_this_disk_without_a_difference(
    server: HubServer, first: Package, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "SMALL", 1000)
    monkeypatch.setattr(hub, "SPOOL", 1500)
    source = first.version.folder
    folder = Folder.at("memory://elsewhere/versions/pages/1.0.0")
    for path in source.files():
        folder.write_bytes(path, source.read_bytes(path))
    try:
        away = DatasetVersion(name="pages", version="1.0.0", folder=folder, json=first.version.json)
        publish(Package(version=away, items=first.items), waits)
    finally:
        folder.remove()
    assert holds(server, first)


def test_a_model_goes_to_a_model_repository(server: HubServer, place: Path, waits: list[float]) -> None:
    store: Store = store_at(place / "models")
    step = Step("adopt", AdoptModel.of(str(light_model(place / "light")), license="CC0-1.0", source="made for a test"))
    store.run(step)
    version = freeze(store, step, "small@1.0.0", {"name": "adopt", "function": "adopt", "parameters": {}})
    package = packed(version)
    done = publish(package, waits, repository("hf://org/small", "model"))
    assert done.url == f"{server.url}/org/small/tree/1.0.0"
    assert server.files("org/small", "1.0.0", "model")["model.safetensors"] == version.folder.read_bytes(
        "model.safetensors"
    )


@pytest.mark.parametrize(
    "address", ["hf://pages", "hf://org/pages/more", "hf://org/pages@main", "hf://", "hf://models/a/b"]
)
def test_an_address_that_is_no_repository_for_rows_is_refused(address: str) -> None:
    with pytest.raises(Misuse, match="--to "):
        repository(address, "documents")


def test_what_is_published_does_not_depend_on_the_clock(first: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 0.0)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    assert contents(packed(first.version)) == contents(first)
    assert about() == first.read(next(item for item in first.items if item.path == "about.yaml"))
