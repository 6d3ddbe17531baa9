"""Our items as records of an Argilla dataset, and Argilla's responses as our answers."""

import html
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from .desk import Answer, DeskError, Form, Item, Queue, Shown, Value
from .forms import JSON, ORDER, apart

MOST_RECORDS = 200  # per request; the server takes 500
MOST_BYTES = 900_000  # per request, where one record is not larger: nginx lets 1 MB through unless told otherwise


def record(item: Item, questions: Mapping[str, str], form: Form) -> dict[str, Any]:
    """What PUT /datasets/{id}/records/bulk takes; `questions` are the server's ids by name.

    Argilla's pages put a field that is not Markdown into themselves as HTML, so `#include <stdio.h>` would lose its
    end: such fields are escaped. Drafts are put in as text.
    """
    markdown = {one.name for one in form.fields if one.markdown}
    return {
        "external_id": item.id,
        "fields": {name: _painted(value, name in markdown) for name, value in item.shown.items()},
        "metadata": {ORDER: item.order},
        "suggestions": [{"question_id": questions[name], "value": text} for name, text in item.drafts.items()],
    }


def _painted(value: Shown, markdown: bool) -> Any:
    if isinstance(value, str):
        return value if markdown else html.escape(value, quote=False)
    return [{"role": m["role"], "content": _painted(m["content"], markdown)} for m in value]


def check_items(queue: Queue, items: Sequence[Item]) -> None:
    """Refuse items that cannot be shown or would be shown as something else, before any is sent.

    Raises:
        DeskError: naming the first twenty and what is wrong with each.
    """
    found = [f"item {item.id}: {problem}" for item in items for problem in _unfit(queue, item)]
    found += [f"item {one} is there twice" for one, many in Counter(item.id for item in items).items() if many > 1]
    if found:
        raise DeskError(f"{queue.name} cannot be put on the desk: {listed(found)}")


def _unfit(queue: Queue, item: Item) -> Iterator[str]:
    form = queue.form
    missing = [one.name for one in form.fields if one.required and one.name not in item.shown]
    if missing:
        yield f"has nothing for {', '.join(missing)}"
    unknown = set(item.shown) - {one.name for one in form.fields}
    if unknown:
        yield f"has texts for fields the form does not have: {', '.join(sorted(unknown))}"
    chat = {one.name for one in form.fields if one.chat}
    for name, value in item.shown.items():
        if isinstance(value, str) == (name in chat):
            yield f"{name} must be {'messages' if name in chat else 'text'}"
    texts = {one.name for one in form.questions if one.kind == "text"}
    if wrong := sorted(set(item.drafts) - texts):
        yield f"has drafts for {', '.join(wrong)}; only questions that are answered with text may have one"
    try:
        json.dumps(record(item, dict.fromkeys(item.drafts, ""), form), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        yield "has half a surrogate pair in its text, which no server stores; clean the text first"


def batches(records: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """The same records in requests small enough for a server behind a proxy."""
    batch: list[dict[str, Any]] = []
    size = 0
    for one in records:
        bytes_ = len(json.dumps(one))
        if batch and (len(batch) == MOST_RECORDS or size + bytes_ > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += bytes_
    if batch:
        yield batch


def changed(item: Item, found: JSON, questions: Mapping[str, str], form: Form) -> list[str]:
    """What people see in a record that `item` does not say; one sentence each."""
    wanted = record(item, questions, form)
    theirs = {name: value for name, value in found["fields"].items() if value is not None}
    said = []
    for name in sorted(wanted["fields"].keys() | theirs.keys()):
        ours, there = wanted["fields"].get(name), theirs.get(name)
        if ours != there:
            said.append(f"item {item.id}, {name}: {apart(ours, there)}")
    names = {id_: name for name, id_ in questions.items()}
    drafts = {names.get(one["question_id"], "?"): one["value"] for one in found.get("suggestions") or []}
    for name in sorted(drafts.keys() | item.drafts.keys()):
        if name not in drafts:
            said.append(f"item {item.id}: the draft of {name} was taken away")
        elif name not in item.drafts:
            said.append(f"item {item.id}: {name} was given a suggestion, which sways whoever answers")
        elif drafts[name] != item.drafts[name]:
            said.append(f"item {item.id}, draft of {name}: {apart(item.drafts[name], drafts[name])}")
    return said


def answer(item: str, person: str, response: JSON) -> Answer:
    """One response; ranks, whole numbers and every character as they were given."""
    values = {name: _value(one["value"]) for name, one in (response["values"] or {}).items()}
    at = datetime.fromisoformat(response["updated_at"])
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return Answer(
        item=item, person=person, status=response["status"], values=values, at=at.isoformat(timespec="microseconds")
    )


def _value(value: Any) -> Value:
    if isinstance(value, list):  # a ranking; what a discarded answer left without a rank has none
        return {one["value"]: one["rank"] for one in value if one.get("rank") is not None}
    given: Value = value
    return given


def listed(found: Sequence[str]) -> str:
    """The first twenty, and how many more there are."""
    more = f"; and {len(found) - 20:,} more" if len(found) > 20 else ""
    return f"{'; '.join(found[:20])}{more}"
