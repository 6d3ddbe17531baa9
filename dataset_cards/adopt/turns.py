"""Reading messages out of what others write: OpenAI lists, ShareGPT lists, HH-RLHF transcripts, plain text."""

import re
from collections.abc import Mapping
from typing import Any

from .fields import Unmappable

Messages = list[dict[str, str]]

# The names in use, by role; the first of each is the one that ShareGPT itself writes.
SPEAKERS = {
    "system": ("system",),
    "user": ("human", "user"),
    "assistant": ("gpt", "chatgpt", "assistant", "model"),
    "tool": ("tool", "function_response", "observation"),
}
ROLE_OF = {name: role for role, names in SPEAKERS.items() for name in names}

TURN = re.compile(r"\n\n(Human|Assistant):(?: |(?=\n)|\Z)")
ROLE_OF_TURN = {"Human": "user", "Assistant": "assistant"}


def from_openai(value: list[Mapping[str, Any]], place: str) -> tuple[Messages, dict[str, Any]]:
    """Messages, and what else they said about themselves: `{"messages": {"2": {"name": "bob"}}}` for the third.

    Raises:
        Unmappable: calls of tools, or content that is not text (pictures, parts); a role type has no place for them.
    """
    messages, others = [], {}
    for n, message in enumerate(value):
        if message.get("tool_calls") or message.get("function_call"):
            raise Unmappable("tool-calls", f"{place}[{n}]: calls a tool, which a message here cannot hold")
        role, content = message["role"], message["content"]
        if not isinstance(role, str) or not isinstance(content, str):
            raise Unmappable("content-not-text", f"{place}[{n}]: role and content must both be text")
        messages.append({"role": role, "content": content})
        other = {name: item for name, item in message.items() if name not in ("role", "content") and item is not None}
        if other:
            others[str(n)] = other
    return messages, {place: others} if others else {}


def from_sharegpt(value: list[Mapping[str, Any]]) -> tuple[Messages, dict[str, Any]]:
    """Messages; other names than human, gpt, system and tool are kept in the notes, as is what else a turn holds.

    Raises:
        Unmappable: a speaker with no role here, such as function_call, or a value that is not text.
    """
    messages, others = [], {}
    for n, turn in enumerate(value):
        speaker, text = turn["from"], turn["value"]
        if not isinstance(speaker, str) or speaker not in ROLE_OF:
            raise Unmappable(
                "unknown-speaker", f"conversations[{n}].from: {speaker!r:.40} is not one of {', '.join(ROLE_OF)}"
            )
        if not isinstance(text, str):
            raise Unmappable("content-not-text", f"conversations[{n}].value: must be text")
        role = ROLE_OF[speaker]
        messages.append({"role": role, "content": text})
        other = {name: item for name, item in turn.items() if name not in ("from", "value") and item is not None}
        if speaker != SPEAKERS[role][0]:
            other["from"] = speaker
        if other:
            others[str(n)] = other
    return messages, {"conversations": others} if others else {}


def from_transcript(text: str, place: str) -> Messages:
    """The turns of an HH-RLHF transcript.

    A turn begins at an empty line followed by `Human:` or `Assistant:`, and its text begins after one space. The same
    words elsewhere are text. One speaker may have several turns in a row. Text is not trimmed.

    Raises:
        Unmappable: text before the first turn, or a first turn that is not Human's.
    """
    turns = list(TURN.finditer(text))
    if not turns or turns[0].start() != 0:
        raise Unmappable("text-before-first-turn", f"{place}: does not begin with an empty line and `Human:`")
    if turns[0][1] != "Human":
        raise Unmappable("no-human-turn", f"{place}: the first turn is not Human's")
    ends = [turn.start() for turn in turns[1:]] + [len(text)]
    return [
        {"role": ROLE_OF_TURN[turn[1]], "content": text[turn.end() : end]}
        for turn, end in zip(turns, ends, strict=True)
    ]


def as_prompt(value: Any) -> tuple[Messages, dict[str, Any]]:
    """A prompt given as messages, as a transcript that may end with an open `Assistant:`, or as what a user says."""
    if not isinstance(value, str):
        return from_openai(value, "prompt")
    if not TURN.match(value):
        return [{"role": "user", "content": value}], {}
    messages = from_transcript(value, "prompt")
    if messages[-1] == {"role": "assistant", "content": ""}:
        messages.pop()
    return messages, {}


def as_answer(value: Any, place: str) -> tuple[Messages, dict[str, Any]]:
    """An answer given as messages or as what the assistant says."""
    if not isinstance(value, str):
        return from_openai(value, place)
    return [{"role": "assistant", "content": value}], {}


def shared_start(first: Messages, second: Messages) -> Messages:
    """The messages with which both begin."""
    count = 0
    while count < min(len(first), len(second)) and first[count] == second[count]:
        count += 1
    return first[:count]
