"""Rankings: three to eight responses in order, with ties."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from dataset_cards.versions.errors import Misuse

from ..desk.desk import Field, Form, Question, Value
from ..settled import Until, by_order
from ..task import Reading, Row, Sheet
from .rows import PROMPT, candidates, known_ranks, messages

RANKING, REASON = "ranking", "reason"
MIN_RESPONSES, MAX_RESPONSES = 3, 8  # two are compared; nine do not fit a screen, nor a memory
PLACES = "abcdefgh"

GUIDELINES = """Read the prompt and every response, then put the responses in order, the best on top.

- Responses that are equally good go into the same slot: that is a tie, and it is a full answer.
- Empty slots do not matter; only the order counts.
- Length is not a merit of its own.
- If you cannot judge, discard the item; it is not held against you.
"""


@dataclass(frozen=True, kw_only=True)
class Rankings:
    """Three to eight responses of a row of rankings; the ranks it already has are not shown."""

    revision: ClassVar[int] = 1
    name: ClassVar[str] = "rankings"
    reads: ClassVar[tuple[str, ...]] = ("rankings",)

    guidelines: str = GUIDELINES
    reason: bool = True
    markdown: bool = False

    def responses(self, row: Row) -> int:
        """How many there are.

        Raises:
            Misuse: too few or too many to rank.
        """
        many = len(candidates(row))
        if not MIN_RESPONSES <= many <= MAX_RESPONSES:
            raise Misuse(
                f"row {row['id']!r} has {many} responses; rankings are of {MIN_RESPONSES} to {MAX_RESPONSES}, "
                "comparisons of two"
            )
        return many

    def sheet(self, row: Row, order: tuple[int, ...]) -> Sheet:
        texts = candidates(row)
        shown: dict[str, Any] = {"prompt": messages(row["prompt"])}
        shown |= {_place(place): texts[number] for place, number in enumerate(order)}
        return Sheet(form=self._form(len(order)), shown=shown)

    def _form(self, many: int) -> Form:
        places = [(_place(n), f"Response {PLACES[n].upper()}") for n in range(many)]
        questions = [
            Question(
                name=RANKING,
                title="Put every response into a slot, the best into slot 1; equally good ones share a slot",
                kind="ranking",
                options=tuple(places),
                help="Drag, or type the number of the slot. Empty slots do not matter: only the order counts.",
            )
        ]
        if self.reason:
            questions.append(Question(name=REASON, title="Why? (optional)", kind="text", required=False))
        return Form(
            guidelines=self.guidelines,
            fields=(PROMPT, *(Field(name=name, title=title, markdown=self.markdown) for name, title in places)),
            questions=tuple(questions),
        )

    def read(self, row: Row, order: tuple[int, ...], values: Mapping[str, Value]) -> Reading:
        """Ranks become dense: slots 2, 2 and 5 are ranks 1, 1 and 2.

        Raises:
            Misuse: a response was left without a rank.
        """
        given = cast(Mapping[str, int], values[RANKING])
        if missing := [_place(n) for n in range(len(order)) if _place(n) not in given]:
            raise Misuse(f"row {row['id']!r}: the answer gives no rank to {', '.join(missing)}")
        dense = {rank: n for n, rank in enumerate(sorted(set(given.values())), 1)}
        ranks = [0] * len(order)
        for place, number in enumerate(order):
            ranks[number] = dense[given[_place(place)]]
        notes = {REASON: values[REASON]} if values.get(REASON) else {}
        return Reading(answer=json.dumps(ranks), ranks=ranks, notes=notes)

    def settled(self, answers: Sequence[str], until: Until) -> bool:
        return by_order([json.loads(answer) for answer in answers], until)

    def retell(self, row: Row, order: tuple[int, ...], answers: Sequence[str]) -> str:
        return "; ".join(_in_order(json.loads(answer), order) for answer in answers)

    def truth(self, row: Row, order: tuple[int, ...]) -> Mapping[str, Value] | None:
        ranks = known_ranks(row)
        if ranks is None:
            return None
        return {RANKING: {_place(place): ranks[number] for place, number in enumerate(order)}}


def _place(number: int) -> str:
    return f"response_{PLACES[number]}"


def _in_order(ranks: list[int], order: tuple[int, ...]) -> str:
    """`B, A = C` for ranks of three responses as they stand on the screen."""
    slots: dict[int, list[str]] = {}
    for place, number in enumerate(order):
        slots.setdefault(ranks[number], []).append(PLACES[place].upper())
    return ", ".join(" = ".join(slots[rank]) for rank in sorted(slots))
