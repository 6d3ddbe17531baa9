"""What a task needs of the place where people answer: queues to put items into, and the answers that come back."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.fingerprint import fingerprint
from dataset_cards.versions.job import Refused

Value = str | int | Mapping[str, int]  # of a text or label, of a rating, of a ranking (rank by option)
Shown = str | Sequence[Mapping[str, str]]  # text, or messages {role, content}


class DeskError(Refused):
    """The desk cannot be used as things are; the message says what happened, where, and what to do."""


class NoSuchPerson(Misuse, DeskError):
    """A queue is for somebody the desk does not know."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """Something people read. `chat` fields hold messages, others text; `markdown` renders it instead of quoting it."""

    name: str
    title: str
    chat: bool = False
    markdown: bool = False
    required: bool = True


@dataclass(frozen=True, kw_only=True)
class Question:
    """Something people answer.

    `options` are (value, what people read): the labels of a `label`, the things a `ranking` puts in order (ties
    allowed), the numbers of a `rating` (values as decimal digits, 0 to 10, ascending). A `text` has none.
    """

    name: str
    title: str
    kind: Literal["text", "label", "rating", "ranking"]
    options: tuple[tuple[str, str], ...] = ()
    required: bool = True
    help: str = ""


@dataclass(frozen=True, kw_only=True)
class Form:
    """What everybody in one queue sees around each item."""

    guidelines: str
    fields: tuple[Field, ...]
    questions: tuple[Question, ...]

    @property
    def revision(self) -> str:
        """16 hex digits that change with any word of it; what judgements record as the version of the guidelines."""
        return fingerprint(
            {
                "guidelines": self.guidelines,
                "fields": [vars(one) for one in self.fields],
                "questions": [vars(one) for one in self.questions],
            }
        )


@dataclass(frozen=True, kw_only=True)
class Queue:
    """Items for one person, or for a pool whose members take the next one that still needs answers.

    Attributes:
        name: unique on a desk; of letters, digits, `-` and `_`.
        place: the pseudonym of a person, or the name of a pool.
        overlap: answers each item needs; 1 in the queue of one person.
        pool: whether `place` is meant as a pool; None where that does not matter.
    """

    name: str
    place: str
    form: Form
    overlap: int = 1
    pool: bool | None = None


def wrong_kind(place: str, pool: bool) -> NoSuchPerson:
    """What to say where a pool is named among the annotators, or a person as a pool (`pool` is what was meant)."""
    if pool:
        return NoSuchPerson(f"{place} is one person and no pool: write annotators={place} in place of pool={place}")
    return NoSuchPerson(f"{place} is a pool and not one person: write pool={place} in place of annotators")


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thing to answer about.

    Attributes:
        id: opaque; says nothing about the row behind it.
        shown: by field; a field that is not required may be absent.
        drafts: text that stands in `text` questions when the item is opened. Other questions never have any:
            a suggested choice arrives chosen.
        order: items of a queue are offered from small to large where the desk can do that.
        truth: what a perfect annotator would answer, where that is known. It is for scripted annotators and never
            leaves this process.
    """

    id: str
    shown: Mapping[str, Shown]
    drafts: Mapping[str, str] = field(default_factory=dict)
    order: int = 0
    truth: Mapping[str, Value] | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one person said about one item, as it stood when it was read.

    Attributes:
        item: `Item.id`.
        person: a pseudonym.
        status: `discarded` means that the person looked and would not answer.
        values: by question; of a discarded answer often empty.
        at: when it was last changed, ISO 8601, UTC, with microseconds.
    """

    item: str
    person: str
    status: Literal["submitted", "discarded"]
    values: Mapping[str, Value]
    at: str


@runtime_checkable
class Desk(Protocol):
    """A tool of a run. Calls may be repeated at any time: after a crash of either side nothing is there twice."""

    taint: str | None  # why what was answered here may only become a draft; None for real people

    def put(self, queue: Queue, items: Sequence[Item]) -> None:
        """Make the queue if it is not there, and add the items that are not in it.

        Raises:
            NoSuchPerson: naming the people and pools there are.
            DeskError: the desk cannot be reached or refuses the key; or the queue is there with another form, or
                with other text in an item, because somebody edited it.
        """
        ...

    def answers(self, queue: Queue) -> Iterator[Answer]:
        """Every submitted or discarded answer in the queue; drafts are not given.

        Raises:
            DeskError: the desk cannot be reached, or the queue is gone.
        """
        ...
