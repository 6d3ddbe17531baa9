"""Comparisons: which of two responses is better, by how much, and why."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from dataset_cards.versions.errors import Misuse

from ..desk.desk import Field, Form, Question, Shown, Value
from ..settled import Until, by_label
from ..task import Reading, Row, Sheet
from .rows import PROMPT, candidates, known_ranks, messages

BETTER, STRENGTH, REASON = "better", "strength", "reason"
TIE, BOTH_BAD = "tie", "both-bad"
LABELS = ("1", "2", TIE, BOTH_BAD)  # answers in terms of the row; what people click is a, b, tie, both-bad

GUIDELINES = """Read the prompt, then both responses to the end, and say which one you would rather have received.

- A response that is correct, answers what was asked and does no harm is better than one that only sounds good.
- Length is not a merit of its own. Neither is politeness that adds nothing.
- **Tie** is for two responses that are equally good. **Both bad** is for two that should not be given at all.
- The blue ring around the first choice only shows where the keyboard is. Nothing is chosen before you choose.
- If you cannot judge (a language or a subject you do not know), discard the item; it is not held against you.
"""


@dataclass(frozen=True, kw_only=True)
class Comparisons:
    """Two responses side by side. Reads rankings of two responses, and preferences."""

    revision: ClassVar[int] = 1
    name: ClassVar[str] = "comparisons"
    reads: ClassVar[tuple[str, ...]] = ("rankings", "preferences")

    guidelines: str = GUIDELINES
    strength: bool = True
    reason: bool = True
    markdown: bool = False

    def responses(self, row: Row) -> int:
        """Two.

        Raises:
            Misuse: the row has another number of responses.
        """
        if (many := len(candidates(row))) != 2:
            raise Misuse(f"row {row['id']!r} has {many} responses; comparisons are of two, see rankings")
        return 2

    def sheet(self, row: Row, order: tuple[int, ...]) -> Sheet:
        texts = candidates(row)
        shown: dict[str, Shown] = {"prompt": messages(row["prompt"]), "a": texts[order[0]], "b": texts[order[1]]}
        return Sheet(form=self._form(), shown=shown)

    def _form(self) -> Form:
        labels = (("a", "A is better"), ("b", "B is better"), (TIE, "Tie"), (BOTH_BAD, "Both bad"))
        questions = [Question(name=BETTER, title="Which response is better?", kind="label", options=labels)]
        if self.strength:
            questions.append(
                Question(
                    name=STRENGTH,
                    title="By how much? 1 slightly, 2 clearly, 3 by far (optional)",
                    kind="rating",
                    options=(("1", "slightly"), ("2", "clearly"), ("3", "by far")),
                    required=False,
                    help="Leave it open for a tie and for both bad.",
                )
            )
        if self.reason:
            questions.append(Question(name=REASON, title="Why? (optional)", kind="text", required=False))
        return Form(
            guidelines=self.guidelines,
            fields=(
                PROMPT,
                Field(name="a", title="Response A", markdown=self.markdown),
                Field(name="b", title="Response B", markdown=self.markdown),
            ),
            questions=tuple(questions),
        )

    def read(self, row: Row, order: tuple[int, ...], values: Mapping[str, Value]) -> Reading:
        said = str(values[BETTER])
        notes = {key: values[key] for key in (STRENGTH, REASON) if values.get(key) not in (None, "")}
        if said in (TIE, BOTH_BAD):
            return Reading(answer=said, ranks=[1, 1], notes=notes)
        better = order[("a", "b").index(said)]
        return Reading(answer=str(better + 1), ranks=[1, 2] if better == 0 else [2, 1], notes=notes)

    def settled(self, answers: Sequence[str], until: Until) -> bool:
        return by_label(answers, until)

    def retell(self, row: Row, order: tuple[int, ...], answers: Sequence[str]) -> str:
        words = {str(number + 1): f"{'AB'[place]} is better" for place, number in enumerate(order)}
        words |= {TIE: "tie", BOTH_BAD: "both bad"}
        return ", ".join(f"{words[answer]} ({many})" for answer, many in sorted(Counter(answers).items()))

    def truth(self, row: Row, order: tuple[int, ...]) -> Mapping[str, Value] | None:
        ranks = known_ranks(row)
        if ranks is None:
            return None
        first, second = (ranks[number] for number in order)
        return {BETTER: TIE if first == second else "a" if first < second else "b"}
