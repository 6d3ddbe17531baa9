"""A desk made of dictionaries, for tests that need to say exactly who answered what, and when."""

from collections.abc import Iterator, Mapping, Sequence

from annotation.desk.desk import Answer, Item, Queue, Value


class PaperDesk:
    """Holds what was put; answers are what the test writes down."""

    taint: str | None = None

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Item]] = {}  # by place, then item
        self.queues: dict[str, Queue] = {}
        self.given: dict[tuple[str, str, str], Answer] = {}  # by place, item, person
        self.clock = 0

    def put(self, queue: Queue, items: Sequence[Item]) -> None:
        self.queues[queue.place] = queue
        there = self.items.setdefault(queue.place, {})
        for item in items:
            there.setdefault(item.id, item)

    def answers(self, queue: Queue) -> Iterator[Answer]:
        yield from (answer for (place, _, _), answer in self.given.items() if place == queue.place)

    def say(self, place: str, item: str, values: Mapping[str, Value], person: str = "", seconds: int = 10) -> None:
        """`person` (else the owner of the queue) answers, so many seconds after the last answer of anybody."""
        self.clock += seconds
        at = f"2026-01-01T{self.clock // 3600:02}:{self.clock // 60 % 60:02}:{self.clock % 60:02}.000000+00:00"
        who = person or place
        self.given[place, item, who] = Answer(item=item, person=who, status="submitted", values=values, at=at)

    def truthful(self, place: str) -> None:
        """Everything in a queue that is not answered yet is answered with the truth."""
        for item in self.items[place].values():
            if (place, item.id, place) not in self.given:
                assert item.truth is not None
                self.say(place, item.id, item.truth)
