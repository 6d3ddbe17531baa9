"""Review: accept, mend or reject a row that a model made."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..desk.desk import Field, Form, Question, Shown, Value
from ..settled import Until, by_label
from ..task import Reading, Row, Sheet
from .conversation import answered, typed
from .rows import PROMPT, messages

VERDICT, TEXT, REASON = "verdict", "text", "reason"
ACCEPT, FIX, REJECT = "accept", "fix", "reject"

GUIDELINES = """A model wrote this response. Decide whether it may stand.

- **Accept**: you would have given it as it is. Leave the text below alone.
- **Accept with my changes**: it is good but for something you can mend. Change the text below.
- **Reject**: it is wrong, harmful, or beside the point, and mending means writing it anew.
- If you cannot judge, discard the item.
"""


@dataclass(frozen=True, kw_only=True)
class Review:
    """The last message of a conversation, with its text to be mended."""

    revision: ClassVar[int] = 1
    name: ClassVar[str] = "review"
    reads: ClassVar[tuple[str, ...]] = ("conversations",)

    guidelines: str = GUIDELINES
    markdown: bool = False

    def responses(self, row: Row) -> int:
        return 1

    def sheet(self, row: Row, order: tuple[int, ...]) -> Sheet:
        before, response = answered(row)
        shown: dict[str, Shown] = {"prompt": messages(before), "response": response}
        return Sheet(form=self._form(), shown=shown, drafts={TEXT: response})

    def _form(self) -> Form:
        verdicts = ((ACCEPT, "Accept as it is"), (FIX, "Accept with my changes below"), (REJECT, "Reject"))
        return Form(
            guidelines=self.guidelines,
            fields=(PROMPT, Field(name="response", title="Response", markdown=self.markdown)),
            questions=(
                Question(name=VERDICT, title="May this stand?", kind="label", options=verdicts),
                Question(name=TEXT, title="The response, for you to change", kind="text", required=False),
                Question(name=REASON, title="Why? (optional)", kind="text", required=False),
            ),
        )

    def read(self, row: Row, order: tuple[int, ...], values: Mapping[str, Value]) -> Reading:
        """A `fix` that changed nothing is read as `accept`, and an `accept` with another text as `fix`.

        What people did to the text says more than the button; the button they pressed is noted.
        """
        verdict, before = str(values[VERDICT]), answered(row)[1]
        text = typed(str(values.get(TEXT) or ""), before)
        notes: dict[str, Value] = {key: values[key] for key in (REASON,) if values.get(key)}
        if verdict == REJECT:
            return Reading(answer=REJECT, notes=notes)
        changed = bool(text.strip()) and text != before
        read = FIX if changed else ACCEPT
        if read != verdict:
            notes["pressed"] = verdict
        return Reading(answer=read, notes={**notes, TEXT: text} if changed else notes)

    def settled(self, answers: Sequence[str], until: Until) -> bool:
        return by_label(answers, until)

    def retell(self, row: Row, order: tuple[int, ...], answers: Sequence[str]) -> str:
        return ", ".join(f"{answer} ({many})" for answer, many in sorted(Counter(answers).items()))

    def truth(self, row: Row, order: tuple[int, ...]) -> Mapping[str, Value] | None:
        return None
