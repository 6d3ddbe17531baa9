"""A task: how a row becomes something to answer, and how the answer is read. All of it is pure."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from .desk.desk import Form, Shown, Value
from .settled import Until

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """One row as people see it.

    Attributes:
        form: what stands around it; rows of different shape (3 or 5 responses) have different forms.
        shown: by field of the form.
        drafts: by text question.
    """

    form: Form
    shown: Mapping[str, Shown]
    drafts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One answer in terms of the row and not of the screen.

    Attributes:
        answer: e.g. the label, or the text that was written; `1` is the row's first response, wherever it stood.
        ranks: of the row's responses in the row's order, 1 is best and ties are equal; None where nothing is ranked.
        notes: whatever else was said, such as strength and reason; JSON-able.
    """

    answer: str
    ranks: list[int] | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)


class Task(Protocol):
    """A frozen, keyword-only dataclass; its fields are part of the identity of the step that asks."""

    revision: ClassVar[int]
    name: ClassVar[str]
    reads: ClassVar[tuple[str, ...]]  # the row types it can show

    def responses(self, row: Row) -> int:
        """How many responses of the row change places on the screen; 1 where there is no order to speak of."""
        ...

    def sheet(self, row: Row, order: tuple[int, ...]) -> Sheet:
        """The row as shown; `order[p]` is the number (from 0) of the response that stands at place p."""
        ...

    def read(self, row: Row, order: tuple[int, ...], values: Mapping[str, Value]) -> Reading:
        """A submitted answer, with what stood where."""
        ...

    def truth(self, row: Row, order: tuple[int, ...]) -> Mapping[str, Value] | None:
        """What a perfect annotator would answer, if the row says it: of gold, and of what scripted annotators see."""
        ...

    def settled(self, answers: Sequence[str], until: Until) -> bool:
        """Whether these answers (`Reading.answer`) of different people leave no doubt about the row."""
        ...

    def retell(self, row: Row, order: tuple[int, ...], answers: Sequence[str]) -> str:
        """What others answered (`Reading.answer`), in words that fit what stands on the screen now, without names."""
        ...


def order_of(record: str, seed: int, responses: int) -> tuple[int, ...]:
    """Which response stands at which place, decided by the record's id alone: no hand, no clock, no author in it."""

    def key(number: int) -> bytes:
        return hashlib.sha256(f"order/{seed}/{number}/{record}".encode("utf-8", "surrogatepass")).digest()

    return tuple(sorted(range(responses), key=key))
