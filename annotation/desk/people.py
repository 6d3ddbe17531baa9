"""Who answers: accounts on an Argilla server, the pseudonyms they are known by everywhere else, and pools.

The server is the only place that knows which account is which pseudonym, so another machine sees the same. A pseudonym
(`a1`, `a2`, ...) is a workspace of that name with one member. Any other workspace is a pool.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .client import Client
from .desk import NoSuchPerson, Queue

_PSEUDONYM = re.compile(r"a[1-9][0-9]{0,5}")
REMOVED = "removed-"  # and the pseudonym: the name of an account once its person is removed


@dataclass(frozen=True, kw_only=True)
class Account:
    """One account of the server."""

    id: str
    name: str
    role: str

    @property
    def answers(self) -> bool:
        """Whether it is for answering; what owners and admins click is trying out."""
        return self.role == "annotator"


@dataclass(frozen=True, kw_only=True)
class Place:
    """One workspace and who may answer there; of a pseudonym that is one account, or none once it was removed."""

    id: str
    name: str
    members: tuple[Account, ...]

    @property
    def pseudonym(self) -> bool:
        return is_pseudonym(self.name)


@dataclass(frozen=True, kw_only=True)
class People:
    """Everybody, as they stood when they were read."""

    places: Mapping[str, Place]
    accounts: Mapping[str, Account] = field(repr=False)  # by id

    def named(self, name: str) -> Account | None:
        return next((one for one in self.accounts.values() if one.name == name), None)

    def pseudonym(self, account: str) -> str | None:
        """Of an account by its id: also of one whose person was removed."""
        for place in self.places.values():
            if place.pseudonym and any(one.id == account for one in place.members):
                return place.name
        name = self.accounts[account].name if account in self.accounts else ""
        return name.removeprefix(REMOVED) if name.startswith(REMOVED) else None

    def persons(self) -> list[Place]:
        """The pseudonyms behind which somebody is, in their order."""
        there = [one for one in self.places.values() if one.pseudonym and one.members]
        return sorted(there, key=lambda one: int(one.name[1:]))

    def pools(self, account: str | None = None) -> list[str]:
        """All pools, or those of one account."""
        return sorted(
            one.name
            for one in self.places.values()
            if not one.pseudonym and (account is None or any(member.id == account for member in one.members))
        )

    def place(self, queue: Queue) -> Place:
        """Where a queue belongs.

        Raises:
            NoSuchPerson: no such pseudonym or pool, nobody in it, or several people behind one pseudonym.
        """
        found = self.places.get(queue.place)
        if found is None:
            account = self.named(queue.place)
            known = self.pseudonym(account.id) if account else None
            if known:
                raise NoSuchPerson(f"{queue.place} is known as {known} here; write {known}, names stay on the desk")
            raise NoSuchPerson(f"there is nobody called {queue.place} on the desk; {self._there()}")
        if not found.members:
            raise NoSuchPerson(f"nobody is {queue.place} any more; {self._there()}")
        if found.pseudonym and len(found.members) > 1:
            raise NoSuchPerson(
                f"{len(found.members)} accounts are members of the workspace {queue.place}, and a pseudonym is of one "
                "person; take the others out of it in Argilla's settings"
            )
        return found

    def _there(self) -> str:
        persons = ", ".join(one.name for one in self.persons()) or "none"
        pools = ", ".join(self.pools()) or "none"
        return f"people: {persons}; pools: {pools}; `gristmill desk user add NAME` makes more"


def is_pseudonym(name: str) -> bool:
    return _PSEUDONYM.fullmatch(name) is not None


def read_people(client: Client) -> People:
    """Ask the server who there is; one request, and one more per workspace."""
    doing = "reading who answers"
    accounts = {one.id: one for one in (_account(user) for user in client.send(doing, "GET", "users")["items"])}
    places = {}
    for one in client.send(doing, "GET", "me/workspaces")["items"]:
        users = client.send(doing, "GET", f"workspaces/{one['id']}/users")["items"]
        members = tuple(member for member in map(_account, users) if member.answers)
        places[one["name"]] = Place(id=one["id"], name=one["name"], members=members)
    return People(places=places, accounts=accounts)


def _account(user: Mapping[str, Any]) -> Account:
    return Account(id=user["id"], name=user["username"], role=user["role"])
