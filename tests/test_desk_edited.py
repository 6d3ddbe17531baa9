"""What somebody did on the desk behind our back, through a real server: edits, deletions, additions."""

import sqlite3
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from annotation.desk.argilla import ArgillaDesk
from annotation.desk.desk import DeskError
from annotation.desk.home import Running
from tests.desk_people import Person, added, answered, items, queue, the_dataset, the_dataset_total, together
from tests.desk_server import Client, serving


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("desk") / "home") as server:
        yield server


@pytest.fixture(scope="module")
def said() -> list[str]:
    return []


@pytest.fixture(scope="module")
def desk(running: Running, said: list[str]) -> Iterator[ArgillaDesk]:
    made = ArgillaDesk(running.url, running.owner_key, say=said.append, patience=5)
    yield made
    made.close()


@pytest.fixture(scope="module")
def owner(running: Running) -> Client:
    return Client.owner(running)


@pytest.fixture(scope="module")
def mara(running: Running, desk: ArgillaDesk) -> Iterator[Person]:
    with added(running, desk, "mara") as (person, pseudonym):
        assert pseudonym == "a1"
        yield person


def test_a_dataset_that_was_never_published_is_made_anew(desk: ArgillaDesk, owner: Client, mara: Person) -> None:
    spaces = {one["name"]: one["id"] for one in owner.get("/me/workspaces")["items"]}
    half = owner.post("/datasets", {"name": "half", "workspace_id": spaces["a1"]})
    owner.post(f"/datasets/{half['id']}/fields", {"name": "a", "title": "x", "settings": {"type": "text"}})
    desk.put(queue("a1", "half"), items(2))
    assert the_dataset(owner, "half")["status"] == "ready"
    assert the_dataset_total(owner, "half") == 2


@pytest.mark.parametrize(
    ("path", "change", "names"),
    [
        ("", {"guidelines": "Choose A."}, ["guidelines", "Choose A."]),
        ("fields/a", {"title": "The good one"}, ["title of field a", "The good one"]),
        ("fields/a", {"settings": {"type": "text", "use_markdown": True}}, ["Markdown of field a"]),
        ("questions/better", {"title": "Worse?"}, ["title of question better", "Worse?"]),
        ("", {"distribution": {"strategy": "overlap", "min_submitted": 2}}, ["answers per item"]),
        ("questions/strength", {"description": "3 is least"}, ["help of question strength", "3 is least"]),
        (
            "questions/better",
            {
                "settings": {
                    "type": "label_selection",
                    "options": [{"value": v, "text": t} for v, t in (("a", "B"), ("b", "A"), ("tie", "Tie"))],
                }
            },
            ["options of question better"],
        ),
    ],
)
def test_a_form_edited_on_the_desk_is_an_error_that_quotes_the_edit(
    desk: ArgillaDesk, owner: Client, mara: Person, path: str, change: dict[str, Any], names: list[str]
) -> None:
    where = queue("a1", "edited")
    desk.put(where, items(1))
    id_ = the_dataset(owner, "edited")["id"]
    target = f"/datasets/{id_}"
    before = {key: the_dataset(owner, "edited")[key] for key in change if not path}
    if path:
        kind, name = path.split("/")
        (one,) = (one for one in owner.get(f"{target}/{kind}")["items"] if one["name"] == name)
        target, before = f"/{kind}/{one['id']}", {key: one[key] for key in change}
    assert owner.ask("PATCH", target, change).status == 200
    with pytest.raises(DeskError, match="was changed on the desk") as error:
        desk.put(where, items(1))
    assert all(part in str(error.value) for part in names)
    assert "set it back there" in str(error.value)
    assert owner.ask("PATCH", target, before).status == 200
    desk.put(where, items(1))  # set back, all is well


def test_a_text_changed_on_the_desk_is_an_error_and_deleting_the_record_mends_it(
    desk: ArgillaDesk, owner: Client, mara: Person
) -> None:
    where = queue("a1", "changed")
    desk.put(where, items(3))
    id_ = the_dataset(owner, "changed")["id"]
    record = next(one for one in owner.get(f"/datasets/{id_}/records")["items"] if one["external_id"] == "i00001")
    other = {"external_id": "i00001", "fields": {**record["fields"], "a": "something else"}}
    assert owner.ask("PUT", f"/datasets/{id_}/records/bulk", {"items": [other]}).status == 200
    with pytest.raises(DeskError, match=r"item i00001, a: .*something else"):
        desk.put(where, items(3))
    assert owner.ask("DELETE", f"/records/{record['id']}").status == 200
    desk.put(where, items(3))
    assert the_dataset_total(owner, "changed") == 3


def test_a_suggestion_that_somebody_added_is_an_error(desk: ArgillaDesk, owner: Client, mara: Person) -> None:
    where = queue("a1", "swayed")
    desk.put(where, items(1))
    id_ = the_dataset(owner, "swayed")["id"]
    (record,) = owner.get(f"/datasets/{id_}/records")["items"]
    (question,) = (one for one in owner.get(f"/datasets/{id_}/questions")["items"] if one["name"] == "better")
    owner.ask("PUT", f"/records/{record['id']}/suggestions", {"question_id": question["id"], "value": "a"}).good()
    with pytest.raises(DeskError, match="better was given a suggestion"):
        desk.put(where, items(1))


def test_foreign_records_are_left_alone_and_reported(
    desk: ArgillaDesk, owner: Client, mara: Person, said: list[str]
) -> None:
    where = queue("a1", "foreign")
    desk.put(where, items(2))
    id_ = the_dataset(owner, "foreign")["id"]
    fields = {"prompt": [{"role": "user", "content": "?"}], "a": "x", "b": "y"}
    added = owner.post(f"/datasets/{id_}/records/bulk", {"items": [{"fields": fields}]})["items"]
    mara.answer(added[0]["id"], {"better": "a"})
    desk.put(where, items(2))
    assert "foreign of a1: 1 more in the queue that this run does not ask about" in said
    assert answered(desk, where) == {}
    assert any("foreign of a1: left out 1 answers to items without an id" in one for one in said)


def test_a_renamed_queue_is_an_error_and_never_made_twice(desk: ArgillaDesk, owner: Client, mara: Person) -> None:
    where = queue("a1", "renamed")
    desk.put(where, items(1))
    id_ = the_dataset(owner, "renamed")["id"]
    assert owner.ask("PATCH", f"/datasets/{id_}", {"name": "other"}).status == 200
    with pytest.raises(DeskError, match="renamed of a1 was renamed to 'other'"):
        desk.put(where, items(1))


def test_a_deleted_queue_is_gone_until_it_is_put_again(desk: ArgillaDesk, owner: Client, mara: Person) -> None:
    where = queue("a1", "deleted")
    desk.put(where, items(1))
    assert owner.ask("DELETE", f"/datasets/{the_dataset(owner, 'deleted')['id']}").status == 200
    with pytest.raises(DeskError, match="deleted of a1 is not on the desk"):
        list(desk.answers(where))
    desk.put(where, items(1))
    assert list(desk.answers(where)) == []


def test_what_the_owner_answers_is_nobody_elses_answer(
    desk: ArgillaDesk, owner: Client, mara: Person, said: list[str]
) -> None:
    where = queue("a1", "tried-out")
    desk.put(where, items(2))
    records = mara.waiting(mara.datasets()["tried-out"])
    mara.answer(records[0]["id"], {"better": "a"})
    values = {"better": {"value": "b"}}
    owner.post(
        "/me/responses/bulk",
        {"items": [{"record_id": r["id"], "status": "submitted", "values": values} for r in records]},
    )
    assert [(one.item, one.values) for one in desk.answers(where)] == [(records[0]["external_id"], {"better": "a"})]
    assert any("tried-out of a1: left out 2 answers of people whose queue it is not" in one for one in said)


def test_answers_of_an_account_that_is_gone_stay_its_own_persons(running: Running, desk: ArgillaDesk) -> None:
    # Argilla deletes answers with their account. A database put together from backups may still hold them.
    with added(running, desk, "gone", "crowd") as (person, pseudonym):
        own, pool = queue(pseudonym, "own-of-gone"), queue("crowd", "crowd-of-gone")
        for where in (own, pool):
            desk.put(where, items(1))
            (record,) = person.waiting(person.datasets()[where.name])
            person.answer(record["id"], {"better": "a"})
    with sqlite3.connect(running.home / "argilla.db", timeout=30) as database:
        database.execute("DELETE FROM workspaces_users WHERE user_id = (SELECT id FROM users WHERE username = 'gone')")
        database.execute("DELETE FROM users WHERE username = 'gone'")
    database.close()
    (mine,) = desk.answers(own)
    assert mine.person == pseudonym
    (theirs,) = desk.answers(pool)
    assert theirs.person.startswith("gone-")


def test_two_runs_that_make_the_same_queue_at_once_leave_one_with_everything(
    running: Running, owner: Client, mara: Person
) -> None:
    desks = [ArgillaDesk(running.url, running.owner_key) for _ in range(3)]
    together([partial(one.put, queue("a1", "raced"), items(5)) for one in desks])
    for one in desks:
        one.close()
    assert the_dataset_total(owner, "raced") == 5
    assert len(mara.waiting(the_dataset(owner, "raced")["id"])) == 5


def test_answers_that_a_pool_is_too_small_for_are_refused_before_anything_is_made(
    running: Running, desk: ArgillaDesk, owner: Client
) -> None:
    with added(running, desk, "uma", pool="few"):
        with pytest.raises(DeskError, match=r"2 answers to each item of lone cannot come from 1 in few: add somebody"):
            desk.put(queue("few", "lone", overlap=2), items(2))
        assert not [one for one in owner.get("/me/datasets")["items"] if one["name"] == "lone"]


def test_a_changed_overlap_says_how_to_go_on_with_the_queue_there_is(running: Running, desk: ArgillaDesk) -> None:
    with added(running, desk, "vic", pool="pair"), added(running, desk, "wim", pool="pair"):
        desk.put(queue("pair", "overlapping", overlap=2), items(2))
        with pytest.raises(DeskError, match=r"1 are wanted, and the queue has 2 .* overlap=2 goes on with this queue"):
            desk.put(queue("pair", "overlapping", overlap=1), items(2))
