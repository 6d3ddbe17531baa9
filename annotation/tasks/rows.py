"""Rows as people read them: the prompt as a conversation, a response as text."""

import json
from collections.abc import Mapping, Sequence

from dataset_cards.versions.errors import Misuse

from ..desk.desk import Field
from ..task import Row

Message = Mapping[str, str]

PROMPT = Field(name="prompt", title="Prompt", chat=True)


def messages(prompt: Sequence[Message]) -> list[dict[str, str]]:
    """A conversation as a chat field shows it."""
    return [{"role": one["role"], "content": one["content"]} for one in prompt]


def text_of(answer: Sequence[Message]) -> str:
    """A response as text: its one message, or all of them with their roles where it has several."""
    if len(answer) == 1:
        return answer[0]["content"]
    return "\n\n".join(f"{one['role']}: {one['content']}" for one in answer)


def candidates(row: Row) -> list[str]:
    """The responses of a row in its own order: of a ranking as listed, of a preference chosen and rejected.

    Raises:
        Misuse: the row has no responses.
    """
    if row.get("responses") is not None:
        return [one["content"] for one in row["responses"]]
    if row.get("chosen") is not None and row.get("rejected") is not None:
        return [text_of(row["chosen"]), text_of(row["rejected"])]
    raise Misuse(f"row {row.get('id')!r} has no responses to compare; give a version of rankings or preferences")


def known_ranks(row: Row) -> list[int] | None:
    """The ranks that a row itself gives its responses (1 is best): of a preference, chosen before rejected.

    None where nobody has judged them, as adopting responses without ranks notes.
    """
    if row.get("ranks") is not None:
        unjudged = json.loads(row.get("metadata") or "{}").get("unjudged")
        return None if unjudged else list(row["ranks"])
    if row.get("chosen") is not None:
        return [1, 1] if row.get("margin") == 0 else [1, 2]
    return None
