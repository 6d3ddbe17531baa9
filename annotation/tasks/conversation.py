"""One response in its conversation, as demonstrations, ratings and reviews show it."""

from dataset_cards.versions.errors import Misuse

from ..task import Row
from .rows import Message


def split(row: Row) -> tuple[list[Message], str | None]:
    """What precedes, and the response: of prompts there is none, of conversations it is the last message.

    Raises:
        Misuse: a conversation that does not end with the assistant.
    """
    if row.get("prompt") is not None:
        return list(row["prompt"]), None
    turns = list(row["messages"])
    if turns[-1]["role"] != "assistant":
        raise Misuse(
            f"row {row['id']!r}: its last message is of {turns[-1]['role']}, so there is no response to look at"
        )
    return turns[:-1], turns[-1]["content"]


def typed(text: str, draft: str | None = None) -> str:
    """A text as its writer saw it: browsers end what was typed on several lines with a line break that nobody typed.

    The draft comes back as it was if nothing but that was added to it.
    """
    seen = text.removesuffix("\n")
    return draft if draft is not None and draft in (text, seen) else seen


def answered(row: Row) -> tuple[list[Message], str]:
    """The same for tasks that need a response.

    Raises:
        Misuse: there is none.
    """
    before, response = split(row)
    if response is None:
        raise Misuse(f"row {row['id']!r} has no response; give a version of conversations")
    return before, response
