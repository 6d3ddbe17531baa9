"""Answers that hold several things of one kind, each between its own tags, one after another."""

import re

from .generator import Unreadable
from .llm.llm import Reply
from .tags import whole


def listed(reply: Reply, name: str) -> list[str] | Unreadable:
    """What stands in each `<name>...</name>`, in order, without whitespace around it; an empty one is left in.

    Words in front of the first tag and between two are passed over, as a preamble or a number; words behind the last
    are not, since they may be the rest of an answer that was not meant to end there.

    Reasons, besides those of `synth.tags.whole`: `no-tag`, `open-tag`, `nested-tags`, `text-after-tag`.
    """
    text = whole(reply)
    if isinstance(text, Unreadable):
        return text
    found: list[str] = []
    opened: int | None = None
    end = 0
    for mark in re.finditer(f"<(/?){re.escape(name)}>", text):
        if mark[1]:
            if opened is None:
                return Unreadable(reason="open-tag", said=reply.text)
            found.append(text[opened : mark.start()].strip())
            opened, end = None, mark.end()
        elif opened is not None:
            return Unreadable(reason="nested-tags", said=reply.text)
        else:
            opened = mark.end()
    if opened is not None:
        return Unreadable(reason="open-tag", said=reply.text)
    if not found:
        return Unreadable(reason="no-tag", said=reply.text)
    return Unreadable(reason="text-after-tag", said=reply.text) if text[end:].strip(" \t\r\n`") else found
