"""What goes to a real Argilla server and comes back from it; see test_desk_edited and test_desk_weather for trouble.

The web pages themselves are looked at elsewhere: here people answer by the requests those pages send.
"""

import html
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from annotation.desk.accounts import add_person
from annotation.desk.argilla import ArgillaDesk, find_desk
from annotation.desk.desk import Desk, DeskError, Field, Form, Item, NoSuchPerson, Question
from annotation.desk.home import Running
from tests.desk_people import FORM, Person, added, answered, items, queue, the_dataset, the_dataset_total
from tests.desk_server import Client, serving

NASTY = "<script>alert(1)</script>&amp; \u202e\u0000 \U0001f600 e\u0301 \r\n\t <b>x</b> ``` {{7*7}} %s \\ \" ' "


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


def test_it_is_a_desk_of_real_people(desk: ArgillaDesk) -> None:
    assert isinstance(desk, Desk)
    assert desk.taint is None


def test_every_kind_of_answer_comes_back_exactly(desk: ArgillaDesk, mara: Person) -> None:
    where = queue("a1", "exact")
    desk.put(where, items(6))
    records = {one["external_id"]: one["id"] for one in mara.waiting(mara.datasets()["exact"])}
    given: dict[str, dict[str, Any]] = {
        "i00000": {"better": "a", "order": {"a": 1, "b": 1, "c": 3}, "strength": 3, "reason": NASTY},
        "i00001": {"better": "tie", "order": {"c": 1, "a": 2, "b": 3}},
        "i00002": {"better": "b", "reason": " spaces stay \n"},
        "i00003": {"better": "b", "order": {"a": 2, "b": 2, "c": 2}, "strength": 1},
    }
    for item, values in given.items():
        mara.answer(records[item], values)
    mara.answer(records["i00004"], {}, "discarded")
    mara.answer(records["i00005"], {"better": "a"}, "draft")
    found = answered(desk, where)
    assert {item: dict(one.values) for item, one in found.items() if one.status == "submitted"} == given
    assert {item for item, one in found.items() if one.status == "discarded"} == {"i00004"}
    assert {one.person for one in found.values()} == {"a1"}
    for one in found.values():
        assert len(one.at) == len("2026-11-21T16:31:00.123456+00:00")
        assert one.at.endswith("+00:00")


def test_texts_are_shown_as_they_are_and_html_in_them_as_text(desk: ArgillaDesk, mara: Person) -> None:
    turns = [{"role": "system", "content": NASTY}, {"role": "user", "content": "hm <i>x</i>"}]
    one = Item(id="<id>&", shown={"prompt": turns, "a": NASTY, "b": NASTY * 50}, drafts={"reason": NASTY}, order=7)
    desk.put(queue("a1", "exact-texts"), [one])
    desk.put(queue("a1", "exact-texts"), [one])  # and it is found to be what it should be
    (record,) = mara.waiting(mara.datasets()["exact-texts"])
    there = {name: value for name, value in record["fields"].items() if value is not None}
    said = [there["a"], *(turn["content"] for turn in there["prompt"])]  # these the pages take for HTML
    assert not [text for text in said if "<" in text]
    assert [html.unescape(text) for text in said] == [NASTY, NASTY, "hm <i>x</i>"]
    assert there["b"] == NASTY * 50  # this is Markdown
    assert [suggestion["value"] for suggestion in record["suggestions"]] == [NASTY]
    assert record["metadata"] == {"order": 7}
    assert record["external_id"] == "<id>&"


def test_items_are_offered_in_their_order(desk: ArgillaDesk, mara: Person) -> None:
    desk.put(queue("a1", "ordered"), [replace(one, order=-number) for number, one in enumerate(items(5))])
    offered = [one["external_id"] for one in mara.waiting(mara.datasets()["ordered"])]
    assert offered == ["i00004", "i00003", "i00002", "i00001", "i00000"]


def test_the_form_on_the_server_says_every_word_and_quotes_html(desk: ArgillaDesk, owner: Client, mara: Person) -> None:
    desk.put(queue("a1", "worded"), items(1))
    made = the_dataset(owner, "worded")
    assert made["guidelines"] == FORM.guidelines
    assert made["distribution"] == {"strategy": "overlap", "min_submitted": 1}
    assert made["allow_extra_metadata"] is False
    fields = owner.get(f"/datasets/{made['id']}/fields")["items"]
    assert [(one["name"], one["title"], one["required"]) for one in fields] == [
        (one.name, one.title, one.required) for one in FORM.fields
    ]
    assert [one["settings"]["use_markdown"] for one in fields] == [False, False, True, False]
    questions = owner.get(f"/datasets/{made['id']}/questions")["items"]
    assert [(one["name"], one["title"], one["required"], one["description"]) for one in questions] == [
        (one.name, one.title, one.required, one.help or None) for one in FORM.questions
    ]
    assert [one["settings"]["options"] for one in questions if one["name"] == "strength"] == [
        [{"value": 1}, {"value": 2}, {"value": 3}]
    ]


def test_guidelines_that_are_the_name_of_a_file_stay_guidelines(
    desk: ArgillaDesk, owner: Client, mara: Person, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("never shown")
    desk.put(queue("a1", "file-named", form=replace(FORM, guidelines=f"{secret}")), items(1))
    assert the_dataset(owner, "file-named")["guidelines"] == str(secret)


def test_putting_again_adds_only_what_is_missing(desk: ArgillaDesk, owner: Client, mara: Person) -> None:
    where = queue("a1", "again")
    desk.put(where, items(3))
    desk.put(where, items(5))
    desk.put(where, items(5))
    assert the_dataset_total(owner, "again") == 5


def test_an_answer_that_was_changed_comes_back_as_it_stands_now(desk: ArgillaDesk, mara: Person) -> None:
    where = queue("a1", "twice")
    desk.put(where, items(1))
    (record,) = mara.waiting(mara.datasets()["twice"])
    mara.answer(record["id"], {"better": "a"})
    (first,) = desk.answers(where)
    mara.answer(record["id"], {"better": "b"})
    (second,) = desk.answers(where)
    assert (first.values, second.values) == ({"better": "a"}, {"better": "b"})
    assert second.at > first.at


def test_the_answers_in_a_pool_are_each_persons_own(running: Running, desk: ArgillaDesk) -> None:
    where = queue("readers", "pooled", overlap=2)
    with added(running, desk, "ina", "readers") as (ina, a), added(running, desk, "jon", "readers") as (jon, b):
        desk.put(where, items(1))
        for person, value in ((ina, "a"), (jon, "b")):
            (record,) = person.waiting(person.datasets()["pooled"])
            person.answer(record["id"], {"better": value})
    assert {(one.person, one.values["better"]) for one in desk.answers(where)} == {(a, "a"), (b, "b")}


def test_nobody_without_a_pseudonym_is_named_in_a_pool(running: Running, desk: ArgillaDesk, owner: Client) -> None:
    where = queue("guests", "guests-1")
    add_person(desk.client, running.home, "host", "guests")
    desk.put(where, items(1))
    spaces = {one["name"]: one["id"] for one in owner.get("/me/workspaces")["items"]}
    guest = owner.post(
        "/users", {"username": "guest", "first_name": "g", "password": "long enough", "role": "annotator"}
    )
    owner.post(f"/workspaces/{spaces['guests']}/users", {"user_id": guest["id"]})
    client = owner.sign_in("guest", "long enough")
    (record,) = owner.get(f"/datasets/{the_dataset(owner, 'guests-1')['id']}/records")["items"]
    one = {"record_id": record["id"], "status": "submitted", "values": {"better": {"value": "a"}}}
    client.post("/me/responses/bulk", {"items": [one]})
    with pytest.raises(DeskError, match="gristmill desk user add guest"):
        list(desk.answers(where))
    pseudonym = add_person(desk.client, running.home, "guest").pseudonym
    assert [one.person for one in desk.answers(where)] == [pseudonym]


def test_a_queue_for_nobody_names_who_there_is(desk: ArgillaDesk, mara: Person) -> None:
    with pytest.raises(NoSuchPerson, match=r"nobody called a99 on the desk; people: a1\b"):
        desk.put(queue("a99"), items(1))
    with pytest.raises(NoSuchPerson, match="mara is known as a1 here"):
        desk.put(queue("mara"), items(1))
    with pytest.raises(NoSuchPerson, match="mara is known as a1 here"):
        desk.put(replace(queue("mara"), pool=False), items(1))


def test_a_pool_among_the_annotators_and_a_person_as_a_pool_are_refused(
    running: Running, desk: ArgillaDesk, mara: Person
) -> None:
    with (
        added(running, desk, "zoe", pool="both"),
        pytest.raises(NoSuchPerson, match=r"both is a pool .* write pool=both"),
    ):
        desk.put(replace(queue("both"), pool=False), items(1))
    with pytest.raises(NoSuchPerson, match="write annotators=a1"):
        desk.put(replace(queue("a1"), pool=True), items(1))


@pytest.mark.parametrize(
    ("item", "says"),
    [
        (Item(id="x", shown={"a": "1", "b": "2"}), "has nothing for prompt"),
        (Item(id="x", shown={"prompt": "text", "a": "1", "b": "2"}), "prompt must be messages"),
        (Item(id="x", shown={**items(1)[0].shown, "c": "3"}), "fields the form does not have: c"),
        (Item(id="x", shown={**items(1)[0].shown, "a": "\ud800"}), "half a surrogate pair"),
        (Item(id="x", shown=items(1)[0].shown, drafts={"better": "a"}), "has drafts for better"),
    ],
)
def test_an_item_that_cannot_be_shown_is_refused_before_anything_is_made(
    desk: ArgillaDesk, owner: Client, mara: Person, item: Item, says: str
) -> None:
    with pytest.raises(DeskError, match=says):
        desk.put(queue("a1", "refused"), [*items(1), item])
    assert "refused" not in [one["name"] for one in owner.get("/me/datasets")["items"]]


def test_a_message_the_server_does_not_take_is_an_error_that_says_where(desk: ArgillaDesk, mara: Person) -> None:
    turns = [{"role": "r" * 21, "content": "x"}]
    bad = Item(id="x", shown={"prompt": turns, "a": "1", "b": "2"})
    with pytest.raises(DeskError, match=r"(?s)HTTP 422.*items x to x"):
        desk.put(queue("a1", "unfit"), [bad])


def test_a_form_that_does_not_fit_is_refused_with_every_reason(desk: ArgillaDesk) -> None:
    label = Question(name="q", title="", kind="label", options=(("a", "A"),))
    form = Form(guidelines="x" * 10_001, fields=(Field(name="f", title="F"),), questions=(label,))
    with pytest.raises(DeskError, match="guidelines has 10,001") as error:
        desk.put(queue("a1", form=form), [])
    assert "title of question q has 0" in str(error.value)
    assert "has 1 options" in str(error.value)


def test_the_desk_is_found_in_its_home_and_in_the_environment(
    running: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("ARGILLA_API_URL", "ARGILLA_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    here = find_desk(running.home)
    here.client.connect()
    here.close()
    with pytest.raises(DeskError, match="start one with `gristmill desk serve`"):
        find_desk(tmp_path)
    monkeypatch.setenv("ARGILLA_API_URL", running.url)
    with pytest.raises(DeskError, match="ARGILLA_API_KEY is not"):
        find_desk(tmp_path)
    monkeypatch.setenv("ARGILLA_API_KEY", running.owner_key)
    there = find_desk(tmp_path)
    there.client.connect()
    there.close()
