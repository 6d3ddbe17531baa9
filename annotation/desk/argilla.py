"""People at a real Argilla server: items go there as records of datasets, and what they answer is read back exactly."""

import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import forms, records
from .client import PATIENCE, TIMEOUT, Client, Conflict, Missing, Unfit
from .desk import Answer, DeskError, Item, Queue, wrong_kind
from .forms import JSON, MADE
from .home import Running, Starting, status
from .people import People, Place, is_pseudonym, read_people

HALF_MADE = 10.0  # seconds in which another run has published the queue that it was seen making
SERVE = "start one with `gristmill desk serve`"


def find_desk(home: Path, say: Callable[[str], None] | None = None) -> "ArgillaDesk":
    """The desk ARGILLA_API_URL and ARGILLA_API_KEY name, else the one that runs from `home` on this machine.

    Raises:
        DeskError: there is none, or only one of the two variables is set.
    """
    url, key = os.environ.get("ARGILLA_API_URL"), os.environ.get("ARGILLA_API_KEY")
    if url and key:
        return ArgillaDesk(url, key, say=say)
    if url or key:
        there, missing = ("URL", "KEY") if url else ("KEY", "URL")
        raise DeskError(
            f"ARGILLA_API_{there} is set and ARGILLA_API_{missing} is not; set both for a remote desk, or none for the "
            "one on this machine"
        )
    running = status(home)
    if isinstance(running, Starting):
        raise DeskError(f"the desk of {home} is starting; run the same command again in a moment")
    if not isinstance(running, Running):
        raise DeskError(
            f"no desk runs from {home}; {SERVE}, or name a remote one in ARGILLA_API_URL and ARGILLA_API_KEY"
        )
    return ArgillaDesk(running.url, running.owner_key, say=say)


class ArgillaDesk:
    """A `Desk`. Connects when it is first used.

    Args:
        url: where the server answers.
        key: the API key of an owner.
        say: is told what was left out and why; by default stderr is.
        patience: seconds for which a server that went away is waited for.
        timeout: seconds for one answer of the server.
    """

    taint: str | None = None

    def __init__(
        self,
        url: str,
        key: str,
        *,
        say: Callable[[str], None] | None = None,
        patience: float = PATIENCE,
        timeout: int = TIMEOUT,
    ) -> None:
        self.client = Client(url, key, patience, timeout)
        self._half = min(HALF_MADE, patience)
        self._say = say or _to_stderr

    def close(self) -> None:
        """Give the sockets back."""
        self.client.close()

    def put(self, queue: Queue, items: Sequence[Item]) -> None:
        """See `Desk.put`. What is asked is never changed here: a form or a text that differs is an error."""
        forms.check_form(queue)
        records.check_items(queue, items)
        if queue.pool is not None and queue.pool == is_pseudonym(queue.place):
            read_people(self.client).place(queue)  # it may be no workspace at all, which is another error
            raise wrong_kind(queue.place, queue.pool)
        there = self._find(queue)
        if there is None or there["status"] != "ready":
            there = self._make(queue, there)
        questions = self._compare(queue, there)
        missing = self._missing(queue, there, items, questions)
        doing = f"putting {len(missing):,} items into {queue.name} of {queue.place}"
        for batch in records.batches([records.record(item, questions, queue.form) for item in missing]):
            try:
                self.client.send(doing, "PUT", f"datasets/{there['id']}/records/bulk", {"items": batch})
            except Unfit as error:
                ids = f"items {batch[0]['external_id']} to {batch[-1]['external_id']}, counted from 0"
                raise DeskError(f"{error}. The positions are of {ids}; nothing of these was put there") from error

    def answers(self, queue: Queue) -> Iterator[Answer]:
        """See `Desk.answers`. Owners and admins who try a queue out do not answer for anybody."""
        there = self._find(queue)
        if there is None or there["status"] != "ready":
            raise DeskError(
                f"{queue.name} of {queue.place} is not on the desk at {self.client.url}: it was deleted, and the "
                "answers with it. What was read before is kept; run the same command again and the rest is asked anew"
            )
        doing = f"reading the answers in {queue.name} of {queue.place}"
        found: list[tuple[str, JSON]] = []
        unnamed = 0
        for page in self.client.pages(doing, f"datasets/{there['id']}/records", include="responses"):
            for one in page:
                given = [response for response in one["responses"] if response["status"] != "draft"]
                if one["external_id"] is None:
                    unnamed += len(given)
                else:
                    found += [(one["external_id"], response) for response in given]
        people = read_people(self.client)  # after the answers, so that nobody in them is newer
        names = _Names(queue, people, [response["user_id"] for _, response in found])
        self._told(queue, unnamed, "to items without an id, which somebody added on the desk")
        self._told(queue, names.others(), "of people whose queue it is not: owners, admins, or former members")
        for item, response in found:
            if (person := names.of(response["user_id"])) is not None:
                yield records.answer(item, person, response)

    def _told(self, queue: Queue, many: int, which: str) -> None:
        if many:
            self._say(f"{queue.name} of {queue.place}: left out {many:,} answers {which}")

    def _find(self, queue: Queue) -> JSON | None:
        doing = f"looking for {queue.name}"
        spaces = self.client.send(doing, "GET", "me/workspaces")["items"]
        space = next((one["id"] for one in spaces if one["name"] == queue.place), None)
        if space is None:
            return None
        there: list[dict[str, Any]] = self.client.send(doing, "GET", "me/datasets", workspace_id=space)["items"]
        for one in there:
            made = (one.get("metadata") or {}).get(MADE) or {}
            if one["name"] != queue.name and made.get("queue") == queue.name:
                raise DeskError(
                    f"{queue.name} of {queue.place} was renamed to {one['name']!r} on the desk; rename it back there "
                    "(dataset settings), or people would be asked twice"
                )
        return next((one for one in there if one["name"] == queue.name), None)

    def _make(self, queue: Queue, half: JSON | None) -> JSON:
        """Publish a new dataset.

        One that is not published, `half`, holds no records. Another run makes it at this moment, or a crash left it:
        after a while it goes.
        """
        place = read_people(self.client).place(queue)
        if queue.overlap > len(place.members):
            raise DeskError(
                f"{queue.overlap} answers to each item of {queue.name} cannot come from {len(place.members)} in "
                f"{queue.place}: add somebody with `gristmill desk user add NAME --pool {queue.place}`, or lower the "
                "overlap"
            )
        doing = f"making the queue {queue.name} of {queue.place}"
        for _ in range(3):
            if half is not None:
                half = self._awaited(queue, half)
                if half["status"] == "ready":
                    return half
                self._gone(doing, half)
            try:
                made = self.client.send(doing, "POST", "datasets", forms.dataset(queue, place.id))
                return self._publish(queue, doing, made)
            except (Conflict, Missing):  # another run makes it too, or our request got through and its answer did not
                half = self._find(queue)
        raise DeskError(f"{doing}: somebody else makes and deletes it at the same time; run the same command again")

    def _awaited(self, queue: Queue, half: JSON) -> JSON:
        """An unpublished dataset once another run has published it, or as it is if nobody does."""
        until = time.monotonic() + self._half
        while half["status"] != "ready" and time.monotonic() < until:
            time.sleep(0.2)
            half = self._find(queue) or half
        return half

    def _gone(self, doing: str, half: JSON) -> None:
        try:
            self.client.send(doing, "DELETE", f"datasets/{half['id']}")
        except Missing:  # another run was first
            return

    def _publish(self, queue: Queue, doing: str, made: JSON) -> JSON:
        path = f"datasets/{made['id']}"
        for content in forms.fields(queue):
            self._once(doing, f"{path}/fields", content)
        for content in forms.questions(queue):
            self._once(doing, f"{path}/questions", content)
        self._once(doing, f"{path}/metadata-properties", forms.order_property())
        try:
            published: JSON = self.client.send(doing, "PUT", f"{path}/publish")
        except Unfit:  # as above: it is published
            found = self._find(queue)
            if found is None or found["status"] != "ready":
                raise
            return found
        return published

    def _once(self, doing: str, path: str, content: Any) -> None:
        try:
            self.client.send(doing, "POST", path, content)
        except Conflict:  # made by a request whose answer was lost
            return

    def _compare(self, queue: Queue, there: JSON) -> dict[str, str]:
        """The server's ids of the questions by name, if everything is asked as it should be."""
        doing = f"reading the form of {queue.name}"
        its_fields = self.client.send(doing, "GET", f"datasets/{there['id']}/fields")["items"]
        its_questions = self.client.send(doing, "GET", f"datasets/{there['id']}/questions")["items"]
        if said := forms.differences(queue, there, its_fields, its_questions):
            raise DeskError(
                f"the form of {queue.name} of {queue.place} was changed on the desk at {self.client.url}: "
                f"{'; '.join(said)}. Answers name the form they were given under, so either set it back there (dataset "
                "settings), or put the new words into the recipe, which asks anew under them"
            )
        return {one["name"]: one["id"] for one in its_questions}

    def _missing(self, queue: Queue, there: JSON, items: Sequence[Item], questions: Mapping[str, str]) -> list[Item]:
        wanted = {item.id: item for item in items}
        said: list[str] = []
        seen = set()
        foreign = 0
        doing = f"reading {queue.name} of {queue.place}"
        for page in self.client.pages(doing, f"datasets/{there['id']}/records", include="suggestions"):
            for one in page:
                item = wanted.get(one["external_id"])
                if item is None:
                    foreign += 1
                else:
                    seen.add(item.id)
                    said += records.changed(item, one, questions, queue.form)
        if said:
            raise DeskError(
                f"{queue.name} of {queue.place}: what people see was changed on the desk at {self.client.url}: "
                f"{records.listed(said)}. Delete these records there, with the answers given to the changed text, and "
                "run the same command again: it puts them back as they were"
            )
        if foreign and items:
            self._say(f"{queue.name} of {queue.place}: {foreign:,} more in the queue that this run does not ask about")
        return sorted((one for one in items if one.id not in seen), key=lambda one: one.order)


class _Names:
    """Who is who in one queue."""

    def __init__(self, queue: Queue, people: People, users: Sequence[str]) -> None:
        self._users = users
        place = people.places.get(queue.place)
        own = place is not None and place.pseudonym
        self._by_user = {
            user: _own(queue.place, user, people, place) if own and place else _of_pool(queue.place, user, people)
            for user in set(users)
        }

    def of(self, user: str) -> str | None:
        return self._by_user[user]

    def others(self) -> int:
        return sum(self._by_user[user] is None for user in self._users)


def _own(pseudonym: str, user: str, people: People, place: Place) -> str | None:
    """In somebody's own queue: that person, also after the account was deleted or put out of the workspace."""
    account = people.accounts.get(user)
    if account is None or people.pseudonym(user) == pseudonym:
        return pseudonym
    return pseudonym if account.answers and not place.members and people.pseudonym(user) is None else None


def _of_pool(pool: str, user: str, people: People) -> str | None:
    account = people.accounts.get(user)
    if account is None:
        return f"gone-{hashlib.sha256(user.encode()).hexdigest()[:8]}"
    known = people.pseudonym(user)
    if known is None and account.answers:
        raise DeskError(
            f"{account.name} has answered in the pool {pool} and has no pseudonym, so the answers have no name to go "
            f"by; `gristmill desk user add {account.name}` gives one"
        )
    return known


def _to_stderr(sentence: str) -> None:
    print(sentence, file=sys.stderr)
