"""Publishing to the Hub in bad weather: errors, cut lines, lost answers, and others who publish at the same time.

Each trouble is made by the stand-in of the Hub; the client is the real one. Good weather is in test_publish_hub.py.
"""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from dataset_cards.publish import hub
from dataset_cards.publish.hub import Published
from dataset_cards.publish.hub_plan import repository
from dataset_cards.publish.package import Package
from tests.hub_answers import SIGNATURE
from tests.hub_publishing import holds, publish
from tests.hub_server import TOKEN, HubServer
from tests.publishing import corpus, packed, unhurried
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


@pytest.mark.parametrize("what", ["500", "503", "429:7", "cut", "lost"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", r"^/api/datasets/org/pages$"),
        ("POST", "/api/repos/create"),
        ("GET", "/refs"),
        ("GET", "/tree/"),
        ("POST", "/preupload/"),
        ("POST", "/objects/batch"),
        ("PUT", "/lfs/"),
        ("POST", "/commit/"),
        ("POST", "/tag/"),
        ("HEAD", "/resolve/"),
        ("GET", "/resolve/"),
    ],
)
def test_a_hub_that_stumbles_anywhere_is_asked_again_and_ends_with_one_commit_and_one_tag(
    server: HubServer, first: Package, waits: list[float], method: str, path: str, what: str
) -> None:
    server.trouble(method, path, what)
    publish(first, waits)
    assert holds(server, first)
    repo = server.repos["dataset", "org/pages"]
    assert repo.titles == ["initial commit", "pages@1.0.0"]
    assert repo.tags == {"1.0.0": repo.head}
    if what == "429:7" and path != "/resolve/":  # for a file the client has its own patience
        assert waits[0] in (7.0, 8.0)  # the client adds a second where it waits itself


@pytest.mark.parametrize("what", ["500", "429:1", "cut"])
def test_an_upload_that_is_cut_for_good_leaves_no_half_version_and_is_gone_on_with(
    server: HubServer, first: Package, waits: list[float], what: str
) -> None:
    rows, quarantine = first.items[:2]
    server.trouble("PUT", f"/lfs/{rows.sha256}", what, times=10_000)
    with pytest.raises(ConnectionError) as failed:
        publish(first, waits)
    said = str(failed.value)
    assert said.startswith("publishing pages@1.0.0 to hf://org/pages: Error while uploading ")
    assert said.endswith("run the same command again: what has arrived is not sent twice")
    assert TOKEN not in said
    assert SIGNATURE not in said
    assert list(server.files("org/pages")) == [".gitattributes"]
    assert set(server.objects) == {quarantine.sha256}
    server.troubles.clear()
    count = len(server.log)
    publish(first, waits)
    assert holds(server, first)
    sent = {path.split("/")[2].partition("?")[0] for method, path, _ in server.log[count:] if method == "PUT"}
    assert sent == {rows.sha256}


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/api/repos/create", "making hf://org/pages: the Hub answered 500 to POST /api/repos/create (Internal error"),
        ("/commit/", "publishing pages@1.0.0 to hf://org/pages: the Hub answered 500 to POST "),
        ("/tag/", "tagging hf://org/pages: the Hub answered 500 to POST "),
    ],
)
def test_a_hub_that_stays_broken_is_named_with_what_it_said_and_never_with_the_token(
    server: HubServer, first: Package, waits: list[float], path: str, says: str, capfd: pytest.CaptureFixture[str]
) -> None:
    server.trouble("POST", path, "500", times=10_000)  # it tells the Authorization header back
    with pytest.raises(ConnectionError) as failed:
        publish(first, waits)
    assert str(failed.value).startswith(says)
    shown = "".join(capfd.readouterr()) + str(failed.value)
    assert TOKEN not in shown
    assert SIGNATURE not in shown
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__


def test_two_publishers_of_one_version_at_once_end_with_one_commit_and_one_tag(
    server: HubServer, first: Package, waits: list[float]
) -> None:
    others: list[Published] = []

    def overtake(method: str, path: str) -> None:
        if method == "POST" and "/commit/" in path and not others:
            server.before = lambda method, path: None
            others.append(publish(first, waits))

    server.before = overtake
    mine = publish(first, waits)
    assert mine.commit == others[0].commit
    assert server.asked("POST", "/commit/", 412)
    assert server.repos["dataset", "org/pages"].titles == ["initial commit", "pages@1.0.0"]
    assert holds(server, first)


def test_two_publishers_of_two_versions_at_once_each_have_their_own_files_behind_their_tag(
    server: HubServer, first: Package, second: Package, waits: list[float]
) -> None:
    def overtake(method: str, path: str) -> None:
        if method == "POST" and "/commit/" in path:
            server.before = lambda method, path: None
            publish(second, waits)

    server.before = overtake
    publish(first, waits)
    assert holds(server, first)
    assert holds(server, second)
    assert server.repos["dataset", "org/pages"].titles == ["initial commit", "pages@1.1.0", "pages@1.0.0"]


def test_publishers_in_threads_end_with_one_consistent_tag(
    server: HubServer, first: Package, waits: list[float]
) -> None:
    failures: list[BaseException] = []

    def run() -> None:
        try:
            publish(first, waits)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert holds(server, first)
    assert server.repos["dataset", "org/pages"].titles == ["initial commit", "pages@1.0.0"]


def test_a_repository_that_others_never_stop_changing_is_said_to_be_so(
    server: HubServer, first: Package, waits: list[float]
) -> None:
    publish(first, waits)
    server.repos["dataset", "org/pages"].tags.clear()
    server.put("org/pages", {"README.md": b"mine"})

    def change(method: str, path: str) -> None:
        if method == "POST" and "/commit/" in path:
            server.put("org/pages", {"notes.txt": str(len(server.log)).encode()})

    server.before = change
    with pytest.raises(ConnectionError, match="was changed by somebody else 5 times"):
        publish(first, waits)
    assert server.files("org/pages")["README.md"] == b"mine"


def test_a_tag_that_somebody_else_makes_in_the_last_moment_counts_only_with_the_same_files(
    server: HubServer, first: Package, waits: list[float]
) -> None:
    def overtake(method: str, path: str) -> None:
        if method == "POST" and "/tag/" in path:
            repo = server.repos["dataset", "org/pages"]
            repo.tags["1.0.0"] = next(iter(repo.commits))

    server.before = overtake
    with pytest.raises(FileExistsError, match=r"has a tag 1\.0\.0 already"):
        publish(first, waits)


def test_who_may_not_write_there_is_told_how_to_be_allowed(
    server: HubServer, first: Package, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConnectionError, match=r"answered 403 .* namespace \"others\".*; set HF_TOKEN to a token"):
        publish(first, waits, repository("hf://others/pages", "documents"))
    monkeypatch.setenv("HF_TOKEN", "hf_" + "WrongWrongWrong123")
    with pytest.raises(ConnectionError, match=r"Invalid credentials in Authorization header.*; set HF_TOKEN") as failed:
        publish(first, waits)
    assert "WrongWrongWrong123" not in str(failed.value)


def test_front_matter_that_the_hub_refuses_stops_everything_before_a_byte_is_sent(
    server: HubServer, first: Package, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    server.trouble("POST", "/api/validate-yaml", "400", times=10_000)
    with pytest.raises(ConnectionError, match=r"the Hub refuses it: Invalid metadata in README\.md"):
        publish(first, waits)
    assert server.objects == {}


def test_a_file_that_the_repository_ignores_is_missed_before_a_tag_is_made(
    server: HubServer, first: Package, waits: list[float]
) -> None:
    server.put("org/pages", {".gitignore": b"report.html"})
    with pytest.raises(
        ConnectionError, match=r"does not have report\.html as it was sent \(is it named in .*\.gitignore"
    ):
        publish(first, waits)
    assert server.repos["dataset", "org/pages"].tags == {}


def test_bytes_that_change_on_the_way_are_found_when_everything_is_read_back(
    server: HubServer, first: Package, waits: list[float]
) -> None:
    def damage(method: str, path: str) -> None:
        if method == "POST" and "/tag/" in path:
            repo = server.repos["dataset", "org/pages"]
            repo.commits[repo.head]["README.md"] = repo.commits[repo.head][".gitattributes"]

    server.before = damage
    with pytest.raises(ConnectionError, match=r"at 1\.0\.0 does not have README\.md as it was sent"):
        publish(first, waits)


def test_more_files_than_a_commit_takes_go_in_several_and_the_sums_in_the_last(
    server: HubServer, first: Package, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "PER_COMMIT", 3)
    server.trouble("POST", "/commit/", "500", times=10_000, after=2)
    with pytest.raises(ConnectionError):
        publish(first, waits)
    assert "SHA256SUMS" not in server.files("org/pages")
    server.troubles.clear()
    done = publish(first, waits)
    assert [item.path for item in done.sent] == [item.path for item in first.items[6:]]
    assert holds(server, first)
