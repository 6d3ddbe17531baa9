"""Every answer ever read from the desk, kept beside the step: nothing a person said is lost or counted twice."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

import polars as pl

from dataset_cards.versions.files import Folder
from dataset_cards.versions.table import write_parquet

from .desk.desk import Answer

PEOPLE = "answers.parquet"
SCRIPTED = "answers-scripted.parquet"  # apart: what a trial answered must never pass for what people said
GONE = "gone-"  # how a desk calls somebody whose account was deleted
_SCHEMA = dict.fromkeys(("place", "item", "person", "status", "values", "at"), pl.String)


@dataclass(frozen=True, kw_only=True)
class Kept:
    """One answer of the journal and the queue it stood in."""

    place: str
    answer: Answer


def keep(folder: Folder, name: str, found: Iterable[tuple[str, Answer]]) -> list[Kept]:
    """Add what was `found`, as (place, answer), to the journal `name` in `folder`; returns the whole journal.

    It is in the order of reading, and what was read at once is in the order of time. A desk shows each answer as it
    stands, so of two the one that was read later is the newer, also where the desk's clock was set back between them.

    An answer that was changed since stands there in both forms. One that is no longer on the desk stays. The answer of
    somebody who has been deleted since is not taken for another person's.
    """
    known = _read(folder, name)
    there = {_key(one) for one in known}
    said = {key[:-1] for key in there}
    new: dict[tuple[str, ...], Kept] = {}
    for place, answer in found:
        one = Kept(place=place, answer=answer)
        key = _key(one)
        if key not in there and not (answer.person.startswith(GONE) and key[:-1] in said):
            new[key] = one
    whole = known + sorted(new.values(), key=lambda one: (one.answer.at, _key(one)))
    if new:
        write_parquet(folder, name, [pl.DataFrame([_row(one) for one in whole], schema=_SCHEMA)])
    return whole


def latest(journal: Iterable[Kept]) -> dict[tuple[str, str], Kept]:
    """What counts: the last answer of each person about each item, by (item, person)."""
    return {(one.answer.item, one.answer.person): one for one in journal}


def _read(folder: Folder, name: str) -> list[Kept]:
    if not folder.exists(name):
        return []
    with folder.open(name) as file:
        frame = pl.read_parquet(file)
    return [_kept(row) for row in frame.iter_rows(named=True)]


def _key(one: Kept) -> tuple[str, ...]:
    """Everything about an answer; the person comes last."""
    answer = one.answer
    return one.place, answer.item, answer.at, answer.status, _text(answer), answer.person


def _row(one: Kept) -> dict[str, str]:
    answer = one.answer
    return {
        "place": one.place,
        "item": answer.item,
        "person": answer.person,
        "status": answer.status,
        "values": _text(answer),
        "at": answer.at,
    }


def _kept(row: dict[str, Any]) -> Kept:
    values = cast(dict[str, Any], json.loads(row["values"]))
    answer = Answer(item=row["item"], person=row["person"], status=row["status"], values=values, at=row["at"])
    return Kept(place=row["place"], answer=answer)


def _text(answer: Answer) -> str:
    return json.dumps(answer.values, sort_keys=True)
