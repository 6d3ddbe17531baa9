"""Storms: servers killed with -9, started again, gone or wrong; people all at once. Nothing is lost or there twice."""

import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import httpx
import pytest

from annotation.desk.accounts import add_person
from annotation.desk.argilla import ArgillaDesk
from annotation.desk.desk import DeskError
from annotation.desk.home import Running, serve
from tests.desk_people import Person, added, items, keyed, queue, together
from tests.desk_server import Client, serving

MANY = 600


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("desk") / "home") as server:
        yield server


@pytest.fixture
def desk(running: Running) -> Iterator[ArgillaDesk]:
    made = ArgillaDesk(running.url, running.owner_key, patience=60)
    yield made
    made.close()


def kill_and_start_again(running: Running) -> None:
    """kill -9 the server that is there now, and serve the same home on the same port."""
    from annotation.desk.home import status

    now = status(running.home)
    assert isinstance(now, Running)
    os.kill(now.pid, signal.SIGKILL)
    again = serve(running.home, None, lambda _: None)
    assert again.url == running.url
    assert again.pid != now.pid


@contextmanager
def killed_when(running: Running, due: Callable[[], bool]) -> Iterator[list[str]]:
    """Kill the server as soon as `due`, while the body runs, and start it again; what is given says that it was."""
    done = threading.Event()
    kills: list[str] = []

    def watch() -> None:
        while not done.is_set():
            with suppress(httpx.HTTPError, AssertionError, OSError):
                if due():
                    kill_and_start_again(running)
                    kills.append("killed")
                    return
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield kills
    finally:
        done.set()
        watcher.join()


def records_of(running: Running, name: str) -> list[str]:
    owner = Client.owner(running)
    for one in owner.get("/me/datasets")["items"]:
        if one["name"] == name and one["status"] == "ready":
            found = owner.get(f"/datasets/{one['id']}/records", limit=1000)["items"]
            return [record["external_id"] for record in found]
    return []


def test_a_logging_client_that_was_killed_is_finished_by_calling_again(running: Running, desk: ArgillaDesk) -> None:
    made = add_person(desk.client, running.home, "cut-short")
    where = queue(made.pseudonym, "cut-short")
    desk.put(where, items(MANY // 2))  # as far as the first one came
    again = ArgillaDesk(running.url, running.owner_key)
    again.put(where, items(MANY))
    again.close()
    assert sorted(records_of(running, "cut-short")) == [one.id for one in items(MANY)]


def test_a_kill_while_logging_answering_and_reading_loses_and_doubles_nothing(
    running: Running, desk: ArgillaDesk
) -> None:
    many = 40
    other = add_person(desk.client, running.home, "logged").pseudonym
    with added(running, desk, "steady") as (person, pseudonym):
        where = queue(pseudonym, "answered")
        desk.put(where, items(many))
        id_ = person.datasets()["answered"]
        confirmed: dict[str, str] = {}
        ended = threading.Event()
        read: list[int] = []

        def answer() -> None:
            try:
                answer_all(person, id_, confirmed)
            finally:
                ended.set()

        def read_on() -> None:
            while not ended.is_set():
                sure = dict(confirmed)
                found = {one.item: one.values["better"] for one in desk.answers(where)}
                assert sure.items() <= found.items()
                read.append(len(found))

        def log() -> None:
            while len(confirmed) < 5 and not ended.is_set():
                time.sleep(0.01)
            desk.put(queue(other, "logged"), items(MANY, 100))

        with killed_when(running, lambda: 0 < len(records_of(running, "logged")) < MANY) as kills:
            together([answer, read_on, log])
        found = list(desk.answers(where))
    assert kills == ["killed"]
    # What was stored while the server died and never confirmed is an answer too, so all that was meant is there.
    assert {one.item: one.values["better"] for one in found} == {one.id: meant(one.id) for one in items(many)}
    assert len(found) == many
    assert confirmed.items() <= {one.item: one.values["better"] for one in found}.items()
    assert read == sorted(read)
    assert sorted(records_of(running, "logged")) == [one.id for one in items(MANY)]


def meant(item: str) -> str:
    return "ab"[int(item[1:]) % 2]


def answer_all(person: Person, dataset: str, confirmed: dict[str, str]) -> None:
    """Answer until nothing waits; what the server did not confirm is answered again, as a person would."""
    while True:
        try:
            waiting = person.waiting(dataset, limit=1000)
            if not waiting:
                return
            for record in waiting:
                item = record["external_id"]
                person.answer(record["id"], {"better": meant(item)})
                confirmed[item] = meant(item)
        except httpx.TransportError:
            time.sleep(0.2)


def test_answers_changed_after_the_pull_come_with_the_next(running: Running, desk: ArgillaDesk) -> None:
    with added(running, desk, "fickle") as (person, pseudonym):
        where = queue(pseudonym, "changing")
        desk.put(where, items(3))
        id_ = person.datasets()["changing"]
        for record in person.waiting(id_):
            person.answer(record["id"], {"better": "a"})
        before = {one.item: one for one in desk.answers(where)}
        person.answer(person.submitted(id_)[0]["id"], {"better": "tie"})
        after = {one.item: one for one in desk.answers(where)}
    changed = [item for item in before if before[item] != after[item]]
    assert len(before) == len(after) == 3
    assert [after[item].values["better"] for item in changed] == ["tie"]


def test_twenty_people_at_once_in_a_pool_lose_nothing_and_nobody_answers_twice(
    running: Running, desk: ArgillaDesk
) -> None:
    where = queue("crowd", "crowded", overlap=2)
    for number in range(20):
        add_person(desk.client, running.home, f"p{number}", "crowd")
    desk.put(where, items(20))
    keys = {one["username"]: one["api_key"] for one in Client.owner(running).get("/users")["items"]}
    accepted: list[tuple[str, str]] = []

    def work(number: int) -> None:
        with keyed(running.url, f"p{number}", keys[f"p{number}"]) as person:
            id_ = person.datasets()["crowded"]
            while waiting := person.waiting(id_, limit=3):
                for record in waiting[:1]:
                    person.answer(record["id"], {"better": "a", "reason": f"p{number}"})
                    accepted.append((record["external_id"], f"p{number}"))

    together([lambda number=number: work(number) for number in range(20)])  # type: ignore[misc]
    found = list(desk.answers(where))
    assert sorted((one.item, str(one.values["reason"])) for one in found) == sorted(accepted)
    assert max(Counter((one.item, one.person) for one in found).values()) == 1
    assert min(Counter(one.item for one in found).values()) >= 2
    assert {one.item for one in found} == {one.id for one in items(20)}
    names = {(one.person, one.values["reason"]) for one in found}
    assert len(names) == len({person for person, _ in names})  # each under one pseudonym


def test_an_annotator_deleted_in_argilla_takes_only_answers_nobody_pulled(running: Running, desk: ArgillaDesk) -> None:
    with added(running, desk, "deleted") as (person, pseudonym):
        where = queue(pseudonym, "orphaned")
        desk.put(where, items(2))
        person.answer(person.waiting(person.datasets()["orphaned"])[0]["id"], {"better": "a"})
    assert len(list(desk.answers(where))) == 1
    owner = Client.owner(running)
    (user,) = (one["id"] for one in owner.get("/users")["items"] if one["username"] == "deleted")
    gone = owner.ask("DELETE", f"/users/{user}")
    left = [one.person for one in desk.answers(where)]
    # Stock Argilla deletes the answers with the account; a desk of ours may refuse. Never are they somebody else's.
    assert left == ([] if gone.status == 200 else [pseudonym])
    desk.put(where, items(2))


def test_no_server_is_an_error_in_seconds_that_says_what_to_do(running: Running) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        desk = ArgillaDesk(f"http://127.0.0.1:{held.getsockname()[1]}", "some-secret-key", patience=0.3)
        with pytest.raises(DeskError, match=r"cannot be reached.*gristmill desk serve") as error:
            desk.put(queue("a1"), items(1))
    assert "some-secret-key" not in str(error.value)


def test_a_wrong_key_is_an_error_that_does_not_print_it(running: Running) -> None:
    desk = ArgillaDesk(running.url, "wrong-key-123", patience=0.3)
    with pytest.raises(DeskError, match=r"refuses the API key.*ARGILLA_API_KEY") as error:
        list(desk.answers(queue("a1")))
    assert "wrong-key-123" not in str(error.value)


def test_https_where_there_is_none_is_a_sentence(running: Running) -> None:
    with pytest.raises(DeskError, match="does not speak TLS"):
        ArgillaDesk(running.url.replace("http:", "https:"), "key", patience=0.2).put(queue("a1"), items(1))
