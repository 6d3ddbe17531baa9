"""Demonstrations: people write the response that should be given, or correct a draft."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..desk.desk import Form, Question, Value
from ..settled import Until, by_label
from ..task import Reading, Row, Sheet
from .conversation import split, typed
from .rows import PROMPT, messages

RESPONSE, NOTES = "response", "notes"

GUIDELINES = """Write the response that you would want an assistant to give to this prompt.

- Answer what was asked, correctly, and say so where you are not sure.
- If a draft is there, correct it; where it is good as it stands, submit it unchanged.
- Do not paste what another model wrote.
- If you cannot answer well, discard the item; it is not held against you.
"""


@dataclass(frozen=True, kw_only=True)
class Demonstrations:
    """A response to each prompt. Of conversations the last message is the draft, if `drafts` is on."""

    revision: ClassVar[int] = 1
    name: ClassVar[str] = "demonstrations"
    reads: ClassVar[tuple[str, ...]] = ("prompts", "conversations")

    guidelines: str = GUIDELINES
    drafts: bool = True

    def responses(self, row: Row) -> int:
        return 1

    def sheet(self, row: Row, order: tuple[int, ...]) -> Sheet:
        before, draft = split(row)
        drafts = {RESPONSE: draft} if draft is not None and self.drafts else {}
        return Sheet(form=self._form(), shown={"prompt": messages(before)}, drafts=drafts)

    def _form(self) -> Form:
        return Form(
            guidelines=self.guidelines,
            fields=(PROMPT,),
            questions=(
                Question(
                    name=RESPONSE,
                    title="Your response",
                    kind="text",
                    help="Where a draft stands here, in italics, click into it and change what should be changed.",
                ),
                Question(name=NOTES, title="Notes for the lead (optional)", kind="text", required=False),
            ),
        )

    def read(self, row: Row, order: tuple[int, ...], values: Mapping[str, Value]) -> Reading:
        notes = {NOTES: values[NOTES]} if values.get(NOTES) else {}
        return Reading(answer=typed(str(values[RESPONSE]), split(row)[1]), notes=notes)

    def settled(self, answers: Sequence[str], until: Until) -> bool:
        return by_label(answers, until)

    def retell(self, row: Row, order: tuple[int, ...], answers: Sequence[str]) -> str:
        return "\n\n".join(f"{number}:\n{answer}" for number, answer in enumerate(answers, 1))

    def truth(self, row: Row, order: tuple[int, ...]) -> Mapping[str, Value] | None:
        draft = split(row)[1]
        return None if draft is None else {RESPONSE: draft}
