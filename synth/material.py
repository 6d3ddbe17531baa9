"""Texts of rows inside prompts: they stand behind marked lines that no text can hold, so that a text is only data."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.table import Table

from .llm.llm import Message

Turns = Sequence[Mapping[str, str]]  # messages as rows hold them


def mark(*texts: str) -> str:
    """Eight hex digits that stand in none of the texts; the same for the same texts, whatever their order."""
    salt = 0
    while True:
        held = json.dumps([salt, *sorted(texts)])
        found = hashlib.sha256(held.encode()).hexdigest()[:8]
        if not any(found in text for text in texts):
            return found
        salt += 1


def written(turns: Turns) -> str:
    """Messages as one text, to take marks from."""
    return "\n".join(turn["content"] for turn in turns)


def transcript(turns: Turns, sign: str) -> str:
    """Messages one after another, each below a line such as `[3f2a9c1d user]`."""
    return "\n".join(f"[{sign} {turn['role']}]\n{turn['content']}" for turn in turns)


def messages(turns: Turns) -> tuple[Message, ...]:
    """Messages of a row as they are sent."""
    return tuple(Message(turn["role"], turn["content"]) for turn in turns)


def opening(row: Mapping[str, Any]) -> tuple[list[dict[str, str]], str | None]:
    """What a row asks, and the answer that it ends with; None where it has none, as in prompts."""
    if "messages" not in row:
        return list(row["prompt"]), None
    turns = list(row["messages"])
    if turns and turns[-1]["role"] == "assistant":
        return turns[:-1], turns[-1]["content"]
    return turns, None


def asks(turns: Turns) -> bool:
    """Whether an answer of the assistant can come next."""
    return bool(turns) and turns[-1]["role"] != "assistant" and any(turn["content"].strip() for turn in turns)


def check_columns(source: Table, who: str, kinds: str, *columns: str) -> None:
    """Complain unless the rows have one of `columns`.

    Raises:
        Misuse: naming the `kinds` of rows that are wanted.
    """
    if not set(columns) & set(source.schema().names):
        raise Misuse(f"{who} works on {kinds}; the rows it was given have none of the columns {', '.join(columns)}")
