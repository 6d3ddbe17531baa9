"""Publishing to a folder, to memory and to S3 (moto's server, over HTTP): the same laws hold at every address.

The Hub is in test_publish_hub.py, what is refused before anything is sent in test_publish.py.
"""

import errno
import io
import logging
import os
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from moto.server import ThreadedMotoServer

from dataset_cards.publish import address
from dataset_cards.publish.address import CLAIM, Brought, destination
from dataset_cards.publish.package import Package
from dataset_cards.verify import verify
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.files import Folder
from dataset_cards.versions.version import DatasetVersion
from tests.publishing import corpus, packed
from tests.training import store_at


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("brought")


@pytest.fixture(scope="module")
def package(place: Path) -> Package:
    return packed(corpus(store_at(place / "store"), "pages@1.0.0", place))


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """The endpoint of an S3 with the bucket `shelf`."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    endpoint = f"http://127.0.0.1:{server.get_host_and_port()[1]}"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            patch.setenv(name, value)
        fsspec.filesystem("s3").mkdir("shelf")
        yield endpoint
        fsspec.filesystem("s3").clear_instance_cache()
    server.stop()


@pytest.fixture(params=["folder", "memory", "s3"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An address that holds nothing."""
    name = uuid.uuid4().hex
    if request.param == "s3":
        request.getfixturevalue("bucket")
    addresses = {"folder": str(tmp_path / "out"), "memory": f"memory://{name}", "s3": f"s3://shelf/{name}"}
    yield addresses[request.param]
    if request.param == "memory":
        Folder.at(f"memory://{name}").remove()


def publish(package: Package, where: str) -> Brought:
    return address.publish(destination(where, package), package)


def lies(package: Package, where: str) -> dict[str, bytes]:
    folder = destination(where, package)
    return {path: folder.read_bytes(path) for path in folder.files()}


def contents(package: Package) -> dict[str, bytes]:
    return {item.path: package.read(item) for item in package.items}


def test_what_is_brought_is_a_version_that_verifies_and_reads(package: Package, where: str) -> None:
    done = publish(package, where)
    assert lies(package, where) == contents(package)
    assert [item.path for item in done.sent] == [item.path for item in package.items]
    assert done.address.endswith("/pages/1.0.0")
    folder = destination(where, package)
    got = DatasetVersion(name="pages", version="1.0.0", folder=folder, json=folder.read_json("version.json"))
    assert verify(got) == []
    assert got.table.collect().equals(package.version.table.collect())


def test_bringing_it_again_sends_nothing(package: Package, where: str) -> None:
    publish(package, where)
    again = publish(package, where)
    assert (again.sent, again.there) == ((), package.items)
    assert address.plan(destination(where, package), package) == ((), package.items)


@pytest.mark.parametrize("cut", [0, 5])
def test_what_was_cut_is_gone_on_with_and_the_sums_are_always_last(
    package: Package, where: str, cut: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring = address._bring
    brought: list[object] = []

    def failing(target: Folder, package: Package, item: object) -> None:
        if len(brought) == cut:
            raise OSError("the line was cut")
        brought.append(item)
        bring(target, package, item)  # type: ignore[arg-type]

    monkeypatch.setattr(address, "_bring", failing)
    with pytest.raises(OSError, match="the line was cut"):
        publish(package, where)
    monkeypatch.undo()
    there = set(destination(where, package).files()) - {CLAIM}
    assert there == {item.path for item in package.items[:cut]}
    assert "SHA256SUMS" not in there
    assert address.plan(destination(where, package), package) == (package.items[cut:], package.items[:cut])
    done = publish(package, where)
    assert done.sent == package.items[cut:]
    assert lies(package, where) == contents(package)


def test_half_a_file_is_sent_anew(package: Package, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = destination(where, package)
    monkeypatch.setattr(address, "_release", lambda target: None)
    publish(package, where)
    monkeypatch.undo()
    folder.write_bytes("README.md", b"# half")
    assert [item.path for item in publish(package, where).sent] == ["README.md"]
    assert lies(package, where) == contents(package)


def test_other_content_under_the_same_version_stays_as_it_is(package: Package, where: str) -> None:
    publish(package, where)
    other = packed(package.version, title="Another title")
    with pytest.raises(FileExistsError, match=r"has other content: .*about\.yaml"):
        publish(other, where)
    with pytest.raises(FileExistsError, match="has other content"):
        address.plan(destination(where, other), other)
    assert lies(package, where) == contents(package)


def test_files_that_are_not_ours_are_left_alone(package: Package, where: str) -> None:
    folder = destination(where, package)
    folder.write_bytes("thesis.txt", b"mine")
    with pytest.raises(FileExistsError, match=r"has thesis\.txt, which is not of pages@1\.0\.0"):
        publish(package, where)
    assert lies(package, where) == {"thesis.txt": b"mine"}


def test_another_content_on_its_way_is_waited_for_and_never_mixed_with(
    package: Package, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = packed(package.version, title="Another title")
    said: list[str] = []
    bring = address._bring

    def meanwhile(target: Folder, mine: Package, item: object) -> None:
        if not said and mine is package:
            try:
                address._claim(target, other)
            except FileExistsError as error:
                said.append(str(error))
        bring(target, mine, item)  # type: ignore[arg-type]

    monkeypatch.setattr(address, "_bring", meanwhile)
    publish(package, where)
    assert "another content of pages@1.0.0 is on its way there or was cut; wait until it is done" in said[0]
    assert lies(package, where) == contents(package)


def test_publishers_in_threads_end_with_one_whole_version(package: Package, where: str) -> None:
    failures: list[BaseException] = []

    def run() -> None:
        try:
            publish(package, where)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert lies(package, where) == contents(package)


def test_of_two_contents_at_once_one_comes_and_the_other_is_refused(package: Package, where: str) -> None:
    other = packed(package.version, title="Another title")
    ends: dict[str, BaseException | None] = {}

    def run(name: str, mine: Package) -> None:
        try:
            publish(mine, where)
            ends[name] = None
        except BaseException as error:
            ends[name] = error

    threads = [threading.Thread(target=run, args=pair) for pair in (("one", package), ("other", other))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(error).__name__ for error in ends.values()) == ["FileExistsError", "NoneType"]
    assert lies(package, where) == contents(package if ends["one"] is None else other)


def test_bytes_that_do_not_arrive_are_said_to_be_so(
    package: Package, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = address._is_there
    monkeypatch.setattr(address, "_is_there", lambda target, item: item.path != "README.md" and there(target, item))
    with pytest.raises(ConnectionError, match=r"README\.md was read back 2 times otherwise than it was sent"):
        publish(package, where)
    assert "SHA256SUMS" not in destination(where, package).files()


def test_a_full_disk_is_named_and_how_to_go_on(
    package: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Folder, "create", lambda folder, name: Full())
    with pytest.raises(
        OSError, match=r"out/pages/1\.0\.0 cannot be written: No space left on device; mend that and run"
    ):
        publish(package, str(tmp_path / "out"))


def test_two_versions_lie_beside_each_other(package: Package, place: Path, where: str) -> None:
    publish(package, where)
    later = packed(corpus(store_at(place / "store"), "pages@1.1.0", place))
    publish(later, where)
    assert lies(package, where) == contents(package)
    assert lies(later, where) == contents(later)


def test_what_a_killed_publisher_left_half_written_is_swept_away(package: Package, tmp_path: Path) -> None:
    folder = destination(str(tmp_path), package)
    left = Path(folder.path) / "data" / ".train-00000-of-00001.parquet.0a1b2c3d.partial"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    publish(package, str(tmp_path))
    assert lies(package, str(tmp_path)) == contents(package)


@pytest.mark.parametrize("where", ["", "  ", "nosuch://bucket/x"])
def test_an_address_that_cannot_be_is_refused(package: Package, where: str) -> None:
    with pytest.raises(Misuse, match="--to "):
        destination(where, package)


def test_a_bucket_that_is_not_there_is_said_to_be_so(package: Package, bucket: str) -> None:
    with pytest.raises(FileNotFoundError, match="there is no bucket nobodys-shelf that you may see; make it first"):
        publish(package, "s3://nobodys-shelf/x")
    assert not fsspec.filesystem("s3").exists("nobodys-shelf")


@pytest.mark.parametrize("where", ["memory", "s3"], indirect=True)
def test_of_two_claims_in_the_same_moment_only_the_first_counts(
    package: Package, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, folder = packed(package.version, title="Another title"), destination(where, package)
    begun = address._begun
    calls: list[bool] = []

    def late(target: Folder, mine: Package) -> bool:
        found = begun(target, mine)
        calls.append(found)
        if len(calls) == 1:
            target.write_json(CLAIM, address._mark(other))
        return found

    monkeypatch.setattr(address, "_begun", late)
    with pytest.raises(FileExistsError, match="another content of"):
        address._claim(folder, package)
    assert folder.read_json(CLAIM) == address._mark(other)
