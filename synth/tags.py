"""Strict reading of answers: what was asked for, exactly where it was asked for, or Unreadable with the reason.

Nothing is guessed. Tolerated are whitespace, one code fence around the whole answer, the thinking that some models put
in front of it (`<think>...</think>`), and a preamble before the tag that was asked for. Several different answers,
anything behind the last tag, an answer cut at max_tokens, and a refusal are Unreadable; `said` is the whole answer.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from .generator import Unreadable
from .llm.llm import Reply

_FENCE = re.compile(r"\A```[\w+-]*[ \t]*\n(?P<inside>(?:(?!^```).*\n)*)```\Z", re.MULTILINE)
_THOUGHT = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
_NUMBER = re.compile(r"-?[0-9]{1,6}")


def whole(reply: Reply) -> str | Unreadable:
    """The text of a complete answer, without thinking in front of it and whitespace around it.

    Reasons: `cut-off`, `refused`, `empty`.
    """
    if reply.finish == "length":
        return Unreadable(reason="cut-off", said=reply.text)
    if reply.finish == "refusal":
        return Unreadable(reason="refused", said=reply.text)
    text = reply.text
    if text.lstrip().startswith("<think>"):
        if _THOUGHT.match(text) is None:
            return Unreadable(reason="cut-off", said=text)  # it never stopped thinking
        text = _THOUGHT.sub("", text, count=1)
    elif "<think>" not in text and text.count("</think>") == 1:  # templates that open the thinking themselves
        text = text.partition("</think>")[2]
    return text.strip() or Unreadable(reason="empty", said=reply.text)


def parts(reply: Reply, *names: str) -> tuple[str, ...] | Unreadable:
    """What stands in `<name>...</name>`, for each name, without whitespace around it.

    The tags may come in any order and not inside each other. A tag that says the same twice is read once.

    Reasons, besides those of `whole`: `no-tag`, `open-tag`, `nested-tags`, `several-answers`, `empty-tag`,
    `text-after-tag`.
    """
    text = whole(reply)
    if isinstance(text, Unreadable):
        return text
    text = _unfenced(text)
    if reason := _misplaced(text, names):
        return Unreadable(reason=reason, said=reply.text)
    found = []
    for name in names:
        inside = {one.strip() for one in re.findall(f"<{name}>(.*?)</{name}>", text, re.DOTALL)}
        if len(inside) > 1:
            return Unreadable(reason="several-answers", said=reply.text)
        found.append(inside.pop())
    return tuple(found) if all(found) else Unreadable(reason="empty-tag", said=reply.text)


def part(reply: Reply, name: str) -> str | Unreadable:
    """As `parts`, of one tag."""
    found = parts(reply, name)
    return found if isinstance(found, Unreadable) else found[0]


def choice(reply: Reply, name: str, choices: Sequence[str]) -> str | Unreadable:
    """The one of `choices` that stands in a tag, alone, in capitals or not. Reason of its own: `no-choice`."""
    said = part(reply, name)
    if isinstance(said, Unreadable):
        return said
    meant = [one for one in choices if one.casefold() == said.casefold()]
    return meant[0] if meant else Unreadable(reason="no-choice", said=reply.text)


def scores(reply: Reply, names: Sequence[str], low: int, high: int) -> tuple[int, ...] | Unreadable:
    """The whole number from `low` to `high` in each tag: `7`, and not `7/10`, `7.5` or `seven`.

    Reasons of its own: `no-score`, `score-out-of-range`.
    """
    said = parts(reply, *names)
    if isinstance(said, Unreadable):
        return said
    if not all(_NUMBER.fullmatch(one) for one in said):
        return Unreadable(reason="no-score", said=reply.text)
    found = tuple(int(one) for one in said)
    return (
        found if all(low <= one <= high for one in found) else Unreadable(reason="score-out-of-range", said=reply.text)
    )


def score(reply: Reply, name: str, low: int, high: int) -> int | Unreadable:
    """As `scores`, of one tag."""
    found = scores(reply, (name,), low, high)
    return found if isinstance(found, Unreadable) else found[0]


def json_object(reply: Reply, keys: Sequence[str] = ()) -> dict[str, Any] | Unreadable:
    """The JSON object that the whole answer is; where `keys` are given it has exactly these, each once.

    Reasons, besides those of `whole`: `no-json` (text around it, too), `no-object`, `wrong-keys`, `repeated-key`.
    """
    text = whole(reply)
    if isinstance(text, Unreadable):
        return text
    try:
        value = json.loads(_unfenced(text), object_pairs_hook=_once, parse_constant=_no_constant)
    except _Repeated:
        return Unreadable(reason="repeated-key", said=reply.text)
    except (ValueError, RecursionError):
        return Unreadable(reason="no-json", said=reply.text)
    if not isinstance(value, dict):
        return Unreadable(reason="no-object", said=reply.text)
    if keys and set(keys) != set(value):
        return Unreadable(reason="wrong-keys", said=reply.text)
    return value


class _Repeated(Exception):
    """An object has a key twice, so one of the values would be lost."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Repeated
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _unfenced(text: str) -> str:
    """The inside of a code fence around the whole text; anything else as it is."""
    found = _FENCE.match(text)
    return found["inside"].strip() if found else text


def _misplaced(text: str, names: Sequence[str]) -> str | None:
    """Why the tags of these names cannot be told apart; None where they can."""
    wanted = "|".join(map(re.escape, names))
    marks = [(found[1] == "", found[2], found.end()) for found in re.finditer(f"<(/?)({wanted})>", text)]
    if not set(names) <= {name for _, name, _ in marks}:
        return "no-tag"
    inside: str | None = None
    for opens, name, _ in marks:
        if opens and inside is not None:
            return "nested-tags"
        if not opens and inside != name:
            return "open-tag"
        inside = name if opens else None
    if inside is not None:
        return "open-tag"
    return "text-after-tag" if text[marks[-1][2] :].strip() else None
