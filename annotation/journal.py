"""Every answer ever read from the desk, kept beside the step: nothing a person said is lost or counted twice."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

import polars as pl

from dataset_cards.versions.files import Folder
from dataset_cards.versions.table import write_parquet

from .desk.desk import Answer

FILE = "answers.parquet"
GONE = "gone-"  # how a desk calls somebody whose account was deleted
_SCHEMA = dict.fromkeys(("place", "item", "person", "status", "values", "at"), pl.String)


@dataclass(frozen=True, kw_only=True)
class Kept:
    """One answer of the journal and the queue it stood in."""

    place: str
    answer: Answer


def keep(folder: Folder, found: Iterable[tuple[str, Answer]]) -> list[Kept]:
    """Add what was `found`, as (place, answer), to the journal of `folder`; returns the whole journal, oldest first.

    An answer that was changed since stands there in both forms. One that is no longer on the desk stays. The answer of
    somebody who has been deleted since is not taken for another person's.
    """
    known = _read(folder)
    rows = {(one.place, one.answer.item, one.answer.person, one.answer.at): one for one in known}
    said = {(one.place, one.answer.item, one.answer.at, _text(one.answer)) for one in known}
    for place, answer in found:
        if answer.person.startswith(GONE) and (place, answer.item, answer.at, _text(answer)) in said:
            continue
        rows[place, answer.item, answer.person, answer.at] = Kept(place=place, answer=answer)
    whole = sorted(rows.values(), key=lambda one: (one.answer.at, one.place, one.answer.item, one.answer.person))
    if len(whole) > len(known):
        write_parquet(folder, FILE, [pl.DataFrame([_row(one) for one in whole], schema=_SCHEMA)])
    return whole


def latest(journal: Iterable[Kept]) -> dict[tuple[str, str], Kept]:
    """What counts: the last answer of each person about each item, by (item, person)."""
    return {(one.answer.item, one.answer.person): one for one in sorted(journal, key=lambda one: one.answer.at)}


def _read(folder: Folder) -> list[Kept]:
    if not folder.exists(FILE):
        return []
    with folder.open(FILE) as file:
        frame = pl.read_parquet(file)
    return [_kept(row) for row in frame.iter_rows(named=True)]


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
