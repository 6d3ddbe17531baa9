"""Our forms as the settings of an Argilla dataset, and what differs between the two.

Whatever is asked under other words is another question, so every difference counts: judgements name the form they were
given under, and with a form that was edited on the desk they would name the wrong one.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from .desk import DeskError, Field, Question, Queue

ORDER = "order"  # the metadata property people can sort by where the desk does not do it by itself
MADE = "gristmill"  # our key in the dataset's own metadata, which nobody sees in the web pages
SHOWN = 160  # characters of a text in a message

JSON = Mapping[str, Any]

_KINDS = {"text": "text", "label": "label_selection", "rating": "rating", "ranking": "ranking"}
_NAMED = {"use_markdown": "Markdown", "description": "help", "options": "options"}


def dataset(queue: Queue, workspace: str) -> dict[str, Any]:
    """What POST /datasets takes."""
    return {
        "name": queue.name,
        "workspace_id": workspace,
        "guidelines": queue.form.guidelines,
        "allow_extra_metadata": False,
        "distribution": {"strategy": "overlap", "min_submitted": queue.overlap},
        "metadata": {MADE: {"queue": queue.name, "form": queue.form.revision}},
    }


def fields(queue: Queue) -> list[dict[str, Any]]:
    """What POST /datasets/{id}/fields takes, one after another."""
    return [_field(one) for one in queue.form.fields]


def questions(queue: Queue) -> list[dict[str, Any]]:
    """What POST /datasets/{id}/questions takes, one after another."""
    return [_question(one) for one in queue.form.questions]


def order_property() -> dict[str, Any]:
    """What POST /datasets/{id}/metadata-properties takes."""
    return {
        "name": ORDER,
        "title": "Place in the queue",
        "settings": {"type": "integer"},
        "visible_for_annotators": True,
    }


def _field(one: Field) -> dict[str, Any]:
    settings = {"type": "chat" if one.chat else "text", "use_markdown": one.markdown}
    return {"name": one.name, "title": one.title, "required": one.required, "settings": settings}


def _question(one: Question) -> dict[str, Any]:
    settings: dict[str, Any] = {"type": _KINDS[one.kind]}
    match one.kind:
        case "text":
            settings["use_markdown"] = False
        case "rating":
            settings["options"] = [{"value": int(value)} for value, _ in one.options]
        case "label" | "ranking":
            settings["options"] = [{"value": value, "text": text} for value, text in one.options]
    return {
        "name": one.name,
        "title": one.title,
        "description": one.help or None,
        "required": one.required,
        "settings": settings,
    }


def check_form(queue: Queue) -> None:
    """Refuse what Argilla has no room for, before anything is made.

    Raises:
        DeskError: naming every part of the form that is too long, too short or too many.
    """
    found = list(_unfit(queue))
    if found:
        raise DeskError(f"the form of {queue.name} does not fit Argilla: {'; '.join(found)}")


def _unfit(queue: Queue) -> Iterator[str]:
    form = queue.form
    yield from _length("the guidelines", form.guidelines, 10_000)
    for field in form.fields:
        yield from _length(f"the title of field {field.name}", field.title, 500)
    for one in form.questions:
        yield from _length(f"the title of question {one.name}", one.title, 500)
        if one.help:
            yield from _length(f"the help of question {one.name}", one.help, 1_000)
        least, most = {"label": (2, 500), "rating": (2, 11), "ranking": (2, 50)}.get(one.kind, (0, 0))
        if not least <= len(one.options) <= most:
            yield f"question {one.name} has {len(one.options)} options, and Argilla takes {least} to {most}"
        for value, text in one.options if one.kind in ("label", "ranking") else ():
            yield from _length(f"the option {value!r} of question {one.name}", text, 500)
    if not any(one.required for one in form.questions):
        yield "at least one question must be required"


def _length(what: str, text: str, most: int) -> Iterator[str]:
    if not 1 <= len(text) <= most:
        yield f"{what} has {len(text):,} characters, and Argilla takes 1 to {most:,}"


def differences(queue: Queue, found: JSON, its_fields: list[JSON], its_questions: list[JSON]) -> list[str]:
    """What is asked on the desk otherwise than `queue` says; one sentence each."""
    said = list(_differ("guidelines", queue.form.guidelines, found.get("guidelines")))
    if (answers := (found.get("distribution") or {}).get("min_submitted")) != queue.overlap:
        said.append(
            f"answers per item: {queue.overlap} are wanted, and the queue has {answers} (if it is the recipe that was "
            f"changed: overlap={answers} goes on with this queue, another seed asks anew)"
        )
    said += _each("field", fields(queue), its_fields)
    said += _each("question", questions(queue), its_questions)
    return said


def _each(what: str, wanted: list[dict[str, Any]], found: list[JSON]) -> Iterator[str]:
    there = {one["name"]: one for one in found}
    for one in wanted:
        if one["name"] not in there:
            yield f"{what} {one['name']} is gone"
            continue
        other = there[one["name"]]
        for name in ("title", "description", "required"):
            if name in one:
                yield from _differ(f"{_NAMED.get(name, name)} of {what} {one['name']}", one[name], other.get(name))
        for name, value in one["settings"].items():
            theirs = other["settings"].get(name)
            if name == "options":
                theirs = [{key: option.get(key) for key in value[0]} for option in theirs or []]
            yield from _differ(f"{_NAMED.get(name, name)} of {what} {one['name']}", value, theirs)
    names = {one["name"] for one in wanted}
    yield from (f"{what} {name} was added" for name in there if name not in names)


def _differ(what: str, wanted: Any, found: Any) -> Iterator[str]:
    if (wanted or None) != (found or None):
        yield f"{what}: {apart(wanted, found)}"


def apart(wanted: Any, found: Any) -> str:
    """Two values, from shortly before the first place where they differ."""
    one, other = (value if isinstance(value, str) else repr(value) for value in (wanted, found))
    start = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    start = 0 if start < SHOWN // 2 else start - SHOWN // 4
    return f"{_cut(one, start)} became {_cut(other, start)}"


def _cut(text: str, start: int) -> str:
    part = text[start : start + SHOWN]
    return f"{'...' if start else ''}{part!r}{'...' if start + SHOWN < len(text) else ''}"
