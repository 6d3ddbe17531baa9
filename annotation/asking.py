"""Asking people about rows and turning what they said into judgements; the common half of the ops that ask."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Waiting

from .desk.desk import Answer, Desk, Field, Form, Item, Queue
from .journal import PEOPLE, SCRIPTED, Kept, keep, latest
from .task import Row, Sheet, Task

PAUSE = 1800.0  # seconds; a longer gap between two answers of one person is a break and says nothing
_SAID_BEFORE = Field(name="first_answers", title="What was answered first")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One row for one person or pool.

    Attributes:
        place: a pseudonym or the name of a pool.
        item: the opaque id of the row on the desk; the same row in another order is another item.
        order: which response stands at which place.
        position: in the queue of that place.
        batch: see `judged.BATCHES`.
        gold: the known answer, if there is one.
        first: the answers of others, in words, where they are shown.
    """

    place: str
    item: str
    row: Row
    order: tuple[int, ...]
    position: int
    batch: str
    gold: str | None = None
    first: str | None = None


@dataclass(frozen=True, kw_only=True)
class Call:
    """Everything that is asked in one step.

    Attributes:
        name: of the queues on the desk, e.g. `comparisons-3f2a9c1d`.
        pool: the place whose items need `overlap` answers of anybody; in all other places the owner's is needed.
        left: people of whom nothing more is asked; what they said counts.
        enough: answers with which a row is done, whoever has not answered yet; None waits for everybody.
    """

    name: str
    task: Task
    asked: Sequence[Asked]
    pool: str | None = None
    overlap: int = 1
    left: tuple[str, ...] = ()
    enough: int | None = None


def ask(call: Call, desk: Desk, folder: Folder) -> list[Kept]:
    """Put everything on the desk that is not there, and read what was answered; see `journal.keep` for what comes back.

    `folder` keeps the journal of answers; scripted annotators have one of their own.
    """
    queues = _put(call, desk)
    name = PEOPLE if desk.taint is None else SCRIPTED
    return keep(folder, name, ((queue.place, answer) for queue in queues for answer in desk.answers(queue)))


def _put(call: Call, desk: Desk) -> list[Queue]:
    items: dict[tuple[str, str], list[Item]] = {}
    forms: dict[str, Form] = {}
    for one in call.asked:
        sheet = _sheet(call.task, one)
        forms[sheet.form.revision] = sheet.form
        truth = call.task.truth(one.row, one.order)
        item = Item(id=one.item, shown=sheet.shown, drafts=sheet.drafts, order=one.position, truth=truth)
        items.setdefault((one.place, sheet.form.revision), []).append(item)
    # Rows with three and with five responses need different forms, and a queue has one.
    many = len(forms) > 1
    queues = []
    for (place, revision), found in items.items():
        name = f"{call.name}-{revision[:4]}" if many else call.name
        overlap = call.overlap if place == call.pool else 1
        queue = Queue(name=name, place=place, form=forms[revision], overlap=overlap, pool=place == call.pool)
        desk.put(queue, [] if place in call.left else found)
        queues.append(queue)
    return queues


def _sheet(task: Task, one: Asked) -> Sheet:
    sheet = task.sheet(one.row, one.order)
    if one.first is None:
        return sheet
    form = replace(sheet.form, fields=(*sheet.form.fields, _SAID_BEFORE))
    return replace(sheet, form=form, shown={**sheet.shown, _SAID_BEFORE.name: one.first})


def guidelines(call: Call) -> dict[str, str]:
    """By revision of the form, the guidelines of everything that is asked."""
    forms = {form.revision: form for form in (_sheet(call.task, one).form for one in call.asked)}
    return {revision: forms[revision].guidelines for revision in sorted(forms)}


def wait(call: Call, journal: Iterable[Kept]) -> None:
    """Go on only if everything asked is answered.

    Raises:
        Waiting: saying how many rows wait for whom.
    """
    given = latest(journal)
    answers = Counter(item for item, _ in given)
    votes = Counter(item for (item, _), one in given.items() if one.answer.status == "submitted")
    missing: Counter[str] = Counter()
    discarded = 0
    for one in call.asked:
        if one.place in call.left or (call.enough is not None and answers[one.item] >= call.enough):
            continue
        if one.place == call.pool:
            # What one member discards is left to the others, so it is no answer yet.
            missing[one.place] += (lacks := votes[one.item] < call.overlap)
            discarded += lacks and answers[one.item] >= call.overlap
        else:
            missing[one.place] += (one.item, one.place) not in given
    if missing.total():
        asked = Counter(one.place for one in call.asked if one.place not in call.left)
        whom = ", ".join(f"{place} {many:,} of {asked[place]:,}" for place, many in sorted(missing.items()) if many)
        last = (
            f". {discarded:,} of them would be done if discarding were an answer; with enough={call.overlap} it is"
            if discarded
            else ""
        )
        raise Waiting(
            f"{call.name}: {missing.total():,} of {asked.total():,} items are still to be answered: {whom}{last}. "
            "Run the same command again when they are; what was answered is kept"
        )


def judgements(call: Call, journal: Iterable[Kept]) -> list[dict[str, Any]]:
    """What counts of the journal as rows of judgements: by record in the order asked, then annotator.

    Answers to items that are not of this call (somebody added them on the desk) are left out.

    Raises:
        Misuse: an answer that its task cannot read; the message names the item and the person.
    """
    asked: dict[str, tuple[int, Asked]] = {}
    for number, one in enumerate(call.asked):
        asked.setdefault(one.item, (number, one))
    kept = [one for one in latest(journal).values() if one.answer.item in asked]
    seconds = _seconds(kept)
    kept.sort(key=lambda one: (asked[one.answer.item][0], one.answer.person))
    return [_judgement(call, asked[one.answer.item][1], one.answer, seconds) for one in kept]


def _judgement(call: Call, one: Asked, answer: Answer, seconds: dict[tuple[str, str], float]) -> dict[str, Any]:
    key = f"{call.name}/{one.item}/{answer.person}"
    notes: dict[str, Any] = {"task": call.task.name, "batch": one.batch, "order": list(one.order), "at": answer.at}
    if one.gold is not None:
        notes["gold"] = one.gold
    said, ranks = "", None
    if answer.status == "discarded":
        notes["discarded"] = True
    else:
        try:
            reading = call.task.read(one.row, one.order, answer.values)
        except (KeyError, ValueError) as error:
            raise Misuse(
                f"{call.name}: the answer of {answer.person} to item {one.item} cannot be read ({error!r}); were its "
                "questions changed on the desk? Have the item answered again"
            ) from error
        said, ranks = reading.answer, reading.ranks
        notes |= reading.notes
    return {
        "id": "sha256:" + hashlib.sha256(key.encode()).hexdigest()[:32],
        "record": one.row["id"],
        "annotator": answer.person,
        "answer": said,
        "ranks": ranks,
        "seconds": seconds.get((answer.item, answer.person)),
        "guidelines": _sheet(call.task, one).form.revision,
        "metadata": json.dumps(notes, ensure_ascii=False, sort_keys=True),
    }


def _seconds(kept: Iterable[Kept]) -> dict[tuple[str, str], float]:
    """How long after the same person's answer before each was given; of the first and after a break, nothing.

    No desk measures how long somebody looked. The gap is an upper bound of it.
    """
    found: dict[tuple[str, str], float] = {}
    before: dict[str, datetime] = {}
    for one in sorted(kept, key=lambda one: one.answer.at):
        answer, at = one.answer, datetime.fromisoformat(one.answer.at)
        if answer.person in before and (gap := (at - before[answer.person]).total_seconds()) <= PAUSE:
            found[answer.item, answer.person] = gap
        before[answer.person] = at
    return found
