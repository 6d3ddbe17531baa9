"""Accounts, pseudonyms and pools on a real server, through the commands a lead types."""

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
from typer.testing import CliRunner

from annotation.desk.accounts import add_person
from annotation.desk.argilla import ArgillaDesk
from annotation.desk.desk import DeskError, NoSuchPerson
from annotation.desk.home import Running
from annotation.people_commands import users
from dataset_cards.versions.errors import Misuse
from tests.desk_people import items, password_of, queue, signed_in
from tests.desk_server import Client, serving


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("desk") / "home") as server:
        yield server


@pytest.fixture(scope="module")
def desk(running: Running) -> Iterator[ArgillaDesk]:
    made = ArgillaDesk(running.url, running.owner_key, patience=5)
    yield made
    made.close()


@pytest.fixture
def typed(running: Running, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run `gristmill desk user ...`; its JSON, or its text."""
    monkeypatch.setenv("GRISTMILL_DESK", str(running.home))
    for name in ("ARGILLA_API_URL", "ARGILLA_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    app = typer.Typer()
    app.add_typer(users, name="user")

    def run(*words: str) -> Any:
        done = CliRunner().invoke(app, ["user", *words])
        if done.exception is not None:
            raise done.exception
        return json.loads(done.stdout) if "--json" in words else done.stdout

    return run


def test_a_new_person_can_sign_in_with_what_the_file_says_and_nobody_else_can_read_it(
    running: Running, typed: Any
) -> None:
    printed = typed("add", "mara")
    file = running.home / "people" / "mara.json"
    password = password_of(file)
    assert "mara is a1" in printed
    assert password not in printed
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert json.loads(file.read_text())["pseudonym"] == "a1"
    with signed_in(running.url, "mara", password) as mara:
        assert mara.datasets() == {}
        me = mara.http.get("me").json()
        assert me["role"] == "annotator"
        assert mara.http.get("users").status_code == 403


def test_pseudonyms_are_given_in_turn_and_pools_are_joined(typed: Any) -> None:
    assert typed("add", "ina@example.org", "--pool", "reviewers", "--json")["pseudonym"] == "a2"
    assert typed("add", "jon", "--pool", "reviewers", "--json")["pools"] == ["reviewers"]
    assert typed("add", "jon", "--pool", "writers", "--json")["pools"] == ["reviewers", "writers"]
    listed = {one["pseudonym"]: one for one in typed("list", "--json")}
    assert listed["a3"] == {
        "pseudonym": "a3", "name": "jon", "pools": ["reviewers", "writers"], "open": 0, "answered": 0
    }  # fmt: skip
    assert "ina@example.org" in typed("list")


def test_adding_twice_is_a_sentence(typed: Any) -> None:
    with pytest.raises(Misuse, match="mara is there already, as a1; the password"):
        typed("add", "mara")


@pytest.mark.parametrize("name", ["a1", "../x", "removed-a1", "x y", ""])
def test_a_name_that_cannot_be_one_is_refused(typed: Any, name: str) -> None:
    with pytest.raises(Misuse):
        typed("add", name)


def test_a_pool_cannot_look_like_a_pseudonym(typed: Any) -> None:
    with pytest.raises(Misuse, match="a7 would be taken for a pseudonym"):
        typed("add", "zoe", "--pool", "a7")


def test_an_owner_gets_no_pseudonym(typed: Any, running: Running) -> None:
    name = json.loads((running.home / "owner.json").read_text())["username"]
    with pytest.raises(Misuse, match="is an owner of this desk"):
        typed("add", name)


def test_what_a_crash_left_half_done_is_finished_by_adding_again(
    running: Running, desk: ArgillaDesk, typed: Any
) -> None:
    desk.client.add_annotator("half", "a password")  # the account was made, and then nothing more
    made = typed("add", "half", "--json")
    assert made["pseudonym"].startswith("a")
    assert made["file"] is None
    assert made["pseudonym"] in [one["pseudonym"] for one in typed("list", "--json")]


def test_another_machine_with_the_key_sees_the_same_people(
    running: Running, typed: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    here = typed("list", "--json")
    monkeypatch.setenv("GRISTMILL_DESK", str(tmp_path / "other"))
    monkeypatch.setenv("ARGILLA_API_URL", running.url)
    monkeypatch.setenv("ARGILLA_API_KEY", running.owner_key)
    assert typed("list", "--json") == here
    made = typed("add", "remote", "--json")
    assert Path(made["file"]).parent == tmp_path / "other" / "people"


def test_open_and_answered_are_counted_over_own_queues_and_pools(
    running: Running, desk: ArgillaDesk, typed: Any
) -> None:
    made = add_person(desk.client, running.home, "counted", "counters")
    other = add_person(desk.client, running.home, "counted-too", "counters")
    assert made.file is not None
    assert other.file is not None
    desk.put(queue(made.pseudonym, "own"), items(4))
    desk.put(queue("counters", "pool", overlap=1), items(3))
    with signed_in(running.url, "counted", password_of(made.file)) as person:
        sets = person.datasets()
        first, second = person.waiting(sets["own"])[:2]
        person.answer(first["id"], {"better": "a"})
        person.answer(second["id"], {}, "discarded")
        person.answer(person.waiting(sets["pool"])[0]["id"], {"better": "a"})
    listed = {one["name"]: (one["open"], one["answered"]) for one in typed("list", "--json")}
    assert listed["counted"] == (2 + 2, 3)
    assert listed["counted-too"] == (2, 0)


def test_a_removed_person_is_locked_out_and_every_answer_stays_under_the_pseudonym(
    running: Running, desk: ArgillaDesk, typed: Any
) -> None:
    made = add_person(desk.client, running.home, "leaver", "leavers")
    add_person(desk.client, running.home, "stayer", "leavers")
    assert made.file is not None
    own, pool = queue(made.pseudonym, "left"), queue("leavers", "left-pool", overlap=2)
    password = password_of(made.file)
    desk.put(own, items(2))
    desk.put(pool, items(1))
    with signed_in(running.url, "leaver", password) as person:
        record = person.waiting(person.datasets()["left"])[0]
        person.answer(record["id"], {"better": "b"})
        person.answer(person.waiting(person.datasets()["left-pool"])[0]["id"], {"better": "a"})
        typed("remove", "leaver")
        assert person.http.get("me").status_code == 401  # the open session ends
    with pytest.raises(httpx.HTTPStatusError), signed_in(running.url, "leaver", password):
        pass
    assert not made.file.exists()
    for where in (own, pool):
        assert [one.person for one in desk.answers(where)] == [made.pseudonym]
    desk.put(own, items(2))  # the queue that is there can be read and compared as before
    with pytest.raises(NoSuchPerson, match=f"nobody is {made.pseudonym} any more"):
        desk.put(queue(made.pseudonym, "new"), items(1))
    assert made.pseudonym not in [one["pseudonym"] for one in typed("list", "--json")]
    again = add_person(desk.client, running.home, "leaver")
    assert again.pseudonym != made.pseudonym
    with pytest.raises(Misuse, match="nobody called nobody"):
        typed("remove", "nobody")


def test_several_accounts_behind_one_pseudonym_are_an_error(running: Running, desk: ArgillaDesk) -> None:
    made = add_person(desk.client, running.home, "single")
    other = add_person(desk.client, running.home, "double")
    owner = Client.owner(running)
    spaces = {one["name"]: one["id"] for one in owner.get("/me/workspaces")["items"]}
    ids = {one["username"]: one["id"] for one in owner.get("/users")["items"]}
    owner.post(f"/workspaces/{spaces[made.pseudonym]}/users", {"user_id": ids["double"]})
    with pytest.raises(DeskError, match=f"2 accounts are members of the workspace {made.pseudonym}"):
        desk.put(queue(made.pseudonym, "doubled"), items(1))
    assert other.pseudonym != made.pseudonym


def test_a_key_without_rights_is_a_sentence_without_the_key(
    running: Running, desk: ArgillaDesk, typed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = add_person(desk.client, running.home, "curious")
    assert made.file is not None
    with signed_in(running.url, "curious", password_of(made.file)) as person:
        key = person.http.get("me").json()["api_key"]
    monkeypatch.setenv("ARGILLA_API_URL", running.url)
    monkeypatch.setenv("ARGILLA_API_KEY", key)
    with pytest.raises(DeskError, match="use an owner's key") as error:
        typed("list")
    assert key not in str(error.value)


def test_the_umask_of_the_shell_opens_no_password(running: Running, desk: ArgillaDesk) -> None:
    before = os.umask(0)
    try:
        made = add_person(desk.client, running.home, "careless")
    finally:
        os.umask(before)
    assert made.file is not None
    assert stat.S_IMODE(made.file.stat().st_mode) == 0o600
