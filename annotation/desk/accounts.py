"""Giving somebody an account, a pseudonym and a pool, and taking the account away with no answer lost."""

import itertools
import json
import os
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset_cards.versions.errors import Misuse

from .client import Client, Conflict
from .people import REMOVED, Account, People, is_pseudonym, read_people

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,59}")
_POOL = re.compile(r"[A-Za-z0-9_-]{1,60}")


@dataclass(frozen=True, kw_only=True)
class Added:
    """Somebody who can answer now.

    Attributes:
        pseudonym: what recipes and versions call them.
        file: where name and password are, for nobody else to read; None if the account was there before.
        pools: all they are in.
    """

    name: str
    pseudonym: str
    file: Path | None
    pools: list[str]


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One person and how far they are, over all queues they see."""

    pseudonym: str
    name: str
    pools: list[str]
    open: int
    answered: int


def add_person(client: Client, home: Path, name: str, pool: str | None = None) -> Added:
    """Make the account `name` with a new password, the next free pseudonym, and put both into `pool`.

    An account the server has already is only given the pseudonym. What a crash left half done is finished by calling
    again.

    Raises:
        Misuse: the name or the pool cannot be one, or there is nothing left to add.
    """
    _check(name, pool)
    people = read_people(client)
    account = people.named(name)
    if account is not None and not account.answers:
        raise Misuse(
            f"{name} is an {account.role} of this desk, who decides what counts; add another account to answer"
        )
    pseudonym = people.pseudonym(account.id) if account else None
    if account and pseudonym and (pool is None or pool in people.pools(account.id)):
        raise Misuse(
            f"{name} is there already, as {pseudonym}; the password, if it was made here, is in {_file(home, name)}"
        )
    file = None
    if account is None:
        file = _file(home, name)
        id_ = _make(client, file, name)
    else:
        id_ = account.id
        file = _file(home, name) if _file(home, name).exists() else None
    if pseudonym is None:
        pseudonym, place = _next(client, people)
        _join(client, pseudonym, place, id_)
    if pool is not None:
        _join(client, pool, _pool(client, people, pool), id_)
    if file is not None:
        _write(file, {**json.loads(file.read_text()), "pseudonym": pseudonym})
    pools = sorted({*people.pools(id_), *([pool] if pool else [])})
    return Added(name=name, pseudonym=pseudonym, file=file, pools=pools)


def remove_person(client: Client, home: Path, name: str) -> str:
    """Take away the account of a person, by name or pseudonym; returns the pseudonym, which nobody gets again.

    Argilla deletes all answers with an account. So it stays, without its name, its password and its workspaces: nobody
    can sign in, and what was answered remains that pseudonym's.

    Raises:
        Misuse: there is no such person.
    """
    people = read_people(client)
    account = people.named(name)
    if account is None and is_pseudonym(name) and name in people.places:
        account = next(iter(people.places[name].members), None)
    pseudonym = people.pseudonym(account.id) if account else None
    if account is None or pseudonym is None or account.name.startswith(REMOVED):
        there = ", ".join(one.name for one in people.persons()) or "none"
        raise Misuse(f"there is nobody called {name} with a pseudonym on this desk; people: {there}")
    doing = f"removing {pseudonym}"
    changes = {
        "username": f"{REMOVED}{pseudonym}",
        "first_name": pseudonym,
        "last_name": None,
        "password": secrets.token_urlsafe(32),
    }
    # The name first: with it goes the session somebody may have open, and from then on answers are theirs by it.
    client.send(doing, "PATCH", f"users/{account.id}", changes)
    for place in people.places.values():
        if any(one.id == account.id for one in place.members):
            client.send(doing, "DELETE", f"workspaces/{place.id}/users/{account.id}")
    _file(home, account.name).unlink(missing_ok=True)
    return pseudonym


def standings(client: Client) -> list[Standing]:
    """Everybody with a pseudonym, and how much they have answered and still can."""
    people = read_people(client)
    found: dict[str, list[int]] = {}
    doing = "counting answers"
    for dataset in client.send(doing, "GET", "me/datasets", status="ready")["items"]:
        place = next((one for one in people.places.values() if one.id == dataset["workspace_id"]), None)
        if place is None or not place.members:
            continue
        pending = client.send(doing, "GET", f"datasets/{dataset['id']}/progress")["pending"]
        by_name = {
            one["username"]: one
            for one in client.send(doing, "GET", f"datasets/{dataset['id']}/users/progress")["users"]
        }
        for member in place.members:
            counts = by_name.get(member.name)
            seen = _answers(counts, "pending")
            total = found.setdefault(member.id, [0, 0])
            total[0] += pending - seen
            total[1] += seen + _answers(counts, "completed")
    return [_standing(people, one.name, one.members[0], found) for one in people.persons()]


def _standing(people: People, pseudonym: str, account: Account, found: dict[str, list[int]]) -> Standing:
    left, answered = found.get(account.id, [0, 0])
    return Standing(
        pseudonym=pseudonym, name=account.name, pools=people.pools(account.id), open=left, answered=answered
    )


def _answers(counts: Any, which: str) -> int:
    return counts[which]["submitted"] + counts[which]["discarded"] if counts else 0


def _check(name: str, pool: str | None) -> None:
    if not _NAME.fullmatch(name):
        raise Misuse(f"{name!r} cannot be the name of an account; use letters, digits and . _ @ + -, at most 60")
    if is_pseudonym(name) or name.startswith(REMOVED):
        raise Misuse(f"{name} looks like a pseudonym, and those are given by the desk; use the person's own name")
    if pool is not None and not _POOL.fullmatch(pool):
        raise Misuse(f"{pool!r} cannot be the name of a pool; use letters, digits, - and _, at most 60")
    if pool is not None and is_pseudonym(pool):
        raise Misuse(f"{pool} would be taken for a pseudonym; call the pool something else")


def _file(home: Path, name: str) -> Path:
    return home / "people" / f"{name}.json"


def _make(client: Client, file: Path, name: str) -> str:
    """The password is written before it is anybody's, so that a crash in between loses none."""
    password = secrets.token_urlsafe(12)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(file, {"url": client.url, "name": name, "password": password})
    return client.add_annotator(name, password)


def _write(file: Path, content: dict[str, str]) -> None:
    new = file.with_suffix(".new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump(content, out, indent=1)
    new.replace(file)


def _next(client: Client, people: People) -> tuple[str, str]:
    """The next free pseudonym and the id of its workspace. Making the workspace is what takes it."""
    for number in itertools.count(1):
        name = f"a{number}"
        if name in people.places:
            continue
        with suppress(Conflict):  # given to somebody else at this moment
            return name, client.add_workspace(name)
    raise AssertionError("unreachable")


def _pool(client: Client, people: People, name: str) -> str:
    if name in people.places:
        return people.places[name].id
    try:
        return client.add_workspace(name)
    except Conflict:  # made by somebody else at this moment
        return read_people(client).places[name].id


def _join(client: Client, name: str, place: str, account: str) -> None:
    with suppress(Conflict):  # is there already
        client.send(f"putting somebody into {name}", "POST", f"workspaces/{place}/users", {"user_id": account})
