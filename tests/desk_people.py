"""People who answer at a real Argilla server, by the requests its web pages send."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from annotation.desk.accounts import add_person
from annotation.desk.argilla import ArgillaDesk
from annotation.desk.desk import Answer, Desk, Field, Form, Item, Question, Queue, Value
from annotation.desk.home import Running
from tests.desk_server import Client

FORM = Form(
    guidelines="Read both and say which is better.\n\n- Length is no merit.",
    fields=(
        Field(name="prompt", title="Prompt", chat=True),
        Field(name="a", title="Response A"),
        Field(name="b", title="Response B", markdown=True),
        Field(name="note", title="Note", required=False),
    ),
    questions=(
        Question(
            name="better", title="Which is better?", kind="label", options=(("a", "A"), ("b", "B"), ("tie", "Tie"))
        ),
        Question(
            name="order",
            title="Put them in order",
            kind="ranking",
            options=(("a", "first"), ("b", "second"), ("c", "third")),
            required=False,
        ),
        Question(
            name="strength",
            title="By how much?",
            kind="rating",
            options=(("1", "little"), ("2", "clearly"), ("3", "by far")),
            required=False,
            help="1 to 3",
        ),
        Question(name="reason", title="Why?", kind="text", required=False),
    ),
)


def queue(place: str, name: str = "comparisons-1", overlap: int = 1, form: Form = FORM) -> Queue:
    return Queue(name=name, place=place, form=form, overlap=overlap)


def items(many: int, size: int = 20) -> list[Item]:
    return [
        Item(
            id=f"i{number:05}",
            shown={
                "prompt": [{"role": "user", "content": f"Question {number}?"}],
                "a": f"one {number} " * size,
                "b": f"two {number} " * size,
            },
            order=number,
        )
        for number in range(many)
    ]


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody signed in with name and password."""

    name: str
    http: httpx.Client

    def datasets(self) -> dict[str, str]:
        """What they see: ids of datasets by name."""
        return {one["name"]: one["id"] for one in self._good(self.http.get("me/datasets"))["items"]}

    def waiting(self, dataset: str, limit: int = 10) -> list[dict[str, Any]]:
        """The next records of their queue, in the order they are offered."""
        return [one["record"] for one in self._search(dataset, "pending", limit)]

    def submitted(self, dataset: str, limit: int = 1000) -> list[dict[str, Any]]:
        return [one["record"] for one in self._search(dataset, "submitted", limit)]

    def answer(self, record: str, values: Mapping[str, Value], status: str = "submitted") -> None:
        """What the Submit, Discard and Save as draft buttons do."""
        said = self._good(self.http.post("me/responses/bulk", json={"items": [_response(record, values, status)]}))
        assert said["items"][0]["error"] is None, said

    def _search(self, dataset: str, status: str, limit: int) -> list[dict[str, Any]]:
        terms = [{"type": "terms", "scope": {"entity": "response", "property": "status"}, "values": [status]}]
        if status == "pending":
            terms.append({"type": "terms", "scope": {"entity": "record", "property": "status"}, "values": [status]})
        body = {"filters": {"and": terms}}
        query: dict[str, int | list[str]] = {"limit": limit, "offset": 0, "include": ["responses", "suggestions"]}
        found = self._good(self.http.post(f"me/datasets/{dataset}/records/search", json=body, params=query))
        items: list[dict[str, Any]] = found["items"]
        return items

    @staticmethod
    def _good(answer: httpx.Response) -> Any:
        assert answer.is_success, (answer.status_code, answer.text)
        return answer.json()


def _response(record: str, values: Mapping[str, Value], status: str) -> dict[str, Any]:
    sent = {
        name: {"value": [{"value": one, "rank": rank} for one, rank in value.items()]}
        if isinstance(value, Mapping)
        else {"value": value}
        for name, value in values.items()
    }
    return {"record_id": record, "values": sent, "status": status}


@contextmanager
def signed_in(url: str, name: str, password: str) -> Iterator[Person]:
    form = {"username": name, "password": password}
    token = httpx.post(f"{url}/api/v1/token", data=form, timeout=60).raise_for_status().json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"{url}/api/v1", headers=headers, timeout=60) as http:
        yield Person(name=name, http=http)


@contextmanager
def keyed(url: str, name: str, key: str) -> Iterator[Person]:
    """Somebody signed in without the second that a password takes."""
    with httpx.Client(base_url=f"{url}/api/v1", headers={"X-Argilla-Api-Key": key}, timeout=60) as http:
        yield Person(name=name, http=http)


@contextmanager
def added(running: Running, desk: ArgillaDesk, name: str, pool: str | None = None) -> Iterator[tuple[Person, str]]:
    """A new person, signed in with what their file says, and their pseudonym."""
    made = add_person(desk.client, running.home, name, pool)
    assert made.file is not None
    with signed_in(running.url, name, password_of(made.file)) as person:
        yield person, made.pseudonym


def password_of(file: Path) -> str:
    password: str = json.loads(file.read_text())["password"]
    return password


def together(works: list[Callable[[], None]]) -> None:
    """All at once; the first thing that goes wrong in any is raised here."""
    wrong: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    if wrong:
        raise wrong[0]


def the_dataset(owner: Client, name: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = [one for one in owner.get("/me/datasets")["items"] if one["name"] == name]
    assert len(found) == 1
    return found[0]


def the_dataset_total(owner: Client, name: str) -> int:
    total: int = owner.get(f"/datasets/{the_dataset(owner, name)['id']}/records")["total"]
    return total


def answered(desk: Desk, where: Queue) -> dict[str, Answer]:
    found = list(desk.answers(where))
    assert len({one.item for one in found}) == len(found)
    return {one.item: one for one in found}
