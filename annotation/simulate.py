"""A campaign of comparisons tried on scripted annotators: what agreement and how many right decisions to expect."""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .assign import assign
from .desk.desk import Form, Item, Question, Queue
from .desk.memory import MemoryDesk
from .desk.scripted import Scripted, lot

_BETTER = "better"
_FORM = Form(
    guidelines="Which is better?",
    fields=(),
    questions=(
        Question(
            name=_BETTER,
            title="Which is better?",
            kind="label",
            options=(("a", "A"), ("b", "B"), ("tie", "Tie"), ("both-bad", "Both bad")),
        ),
    ),
)


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What came of it; shares are from 0 to 1.

    Attributes:
        rows: how many were asked about.
        answers: how many were given; discarded ones are not counted.
        agreement: share of pairs of answers about the same row that are equal (percent agreement); None without any.
        right: share of rows whose most frequent answer is the truth.
        undecided: share of rows where no answer is more frequent than all others.
        by_person: share of each person's answers that is the truth.
    """

    rows: int
    answers: int
    agreement: float | None
    right: float
    undecided: float
    by_person: Mapping[str, float]


def simulate(annotators: Sequence[Scripted], overlap: int, rows: int = 1000, seed: int = 0) -> Forecast:
    """`rows` comparisons, each by `overlap` of the annotators; in truth, half of the first and half of the second win.

    Which response stands first is a toss for each row and the same for all, as in a campaign.

    Raises:
        Misuse: there are fewer annotators than `overlap`.
    """
    records = [f"row-{number}" for number in range(rows)]
    truth = {record: "a" if lot(seed, "truth", record) < 0.5 else "b" for record in records}
    slots = assign(records, people=[one.name for one in annotators], overlap=overlap, pairs=records, seed=seed)
    desk = MemoryDesk(annotators, seed)
    said: dict[str, list[str]] = {record: [] for record in records}
    by_person: dict[str, float] = {}
    for place, own in itertools.groupby(slots, key=lambda slot: slot.place):
        queue = Queue(name="simulated", place=place, form=_FORM)
        items = [
            Item(id=slot.record, shown={}, order=slot.position, truth={_BETTER: truth[slot.record]}) for slot in own
        ]
        desk.put(queue, items)
        given = {one.item: str(one.values[_BETTER]) for one in desk.answers(queue) if one.status == "submitted"}
        for record, answer in given.items():
            said[record].append(answer)
        if given:
            by_person[place] = sum(answer == truth[record] for record, answer in given.items()) / len(given)
    decided = {record: _majority(answers) for record, answers in said.items()}
    alike = [one == other for answers in said.values() for one, other in itertools.combinations(answers, 2)]
    return Forecast(
        rows=rows,
        answers=sum(map(len, said.values())),
        agreement=sum(alike) / len(alike) if alike else None,
        right=sum(decided[record] == truth[record] for record in records) / max(rows, 1),
        undecided=sum(answer is None for answer in decided.values()) / max(rows, 1),
        by_person=by_person,
    )


def _majority(answers: Sequence[str]) -> str | None:
    """The most frequent answer, if one alone is that."""
    ranked = Counter(answers).most_common(2)
    if not ranked or (len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
        return None
    return ranked[0][0]
