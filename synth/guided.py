"""A row's own messages with guidance for the model in front, which the row that is made does not keep."""

from .llm.llm import Message
from .material import Turns, messages
from .prompt import Prompt

OWN = "\n\nThe conversation comes with instructions of its own. Follow them where they do not go against the above:\n\n"


def guided(guidance: Prompt, turns: Turns) -> tuple[Message, ...]:
    """The turns below the guidance. Many chat templates allow one system message, so a row's own is joined to it."""
    found = messages(turns)
    opening = guidance.fill({})
    if opening[-1].role == "system" and found and found[0].role == "system":
        joined = Message("system", opening[-1].content + OWN + found[0].content)
        return (*opening[:-1], joined, *found[1:])
    return (*opening, *found)
