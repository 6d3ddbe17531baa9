"""A desk in memory where scripted annotators answer at once: for tests, and for trying a campaign before asking people.

Nothing is stored: another process starts with an empty desk. Since a run puts everything again before it reads, and
answers come from hashes alone, it finds the same answers there, with the same times.
"""

import heapq
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from dataset_cards.versions.errors import Misuse

from .desk import Answer, DeskError, Item, NoSuchPerson, Queue, wrong_kind
from .scripted import Said, Scripted, lot, say

TAINT = "answers come from scripted annotators"
# Every queue opens on its own day after this one, so that those of one person do not run into each other.
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
DAYS = 2000


@dataclass
class _Held:
    """A queue on the desk, its items in the order in which they are offered."""

    queue: Queue
    items: dict[str, Item] = field(default_factory=dict)


class MemoryDesk:
    """A `Desk` of scripted annotators; the pools are those that their `pool` names.

    Somebody's own queue is answered from the front, up to their share `done`. In a pool, whoever is free takes the
    next item that lacks answers and that they have not had; discarding an item leaves it to the others.
    """

    taint: str | None = TAINT

    def __init__(self, annotators: Sequence[Scripted], seed: int = 0) -> None:
        self._people = {one.name: one for one in annotators}
        if len(self._people) < len(annotators):
            raise Misuse("two scripted annotators have the same name; give each their own")
        self._pools: dict[str, list[Scripted]] = {}
        for one in annotators:
            if one.pool:
                self._pools.setdefault(one.pool, []).append(one)
        if both := sorted(set(self._pools) & set(self._people)):
            raise Misuse(f"{both[0]!r} is the name of a pool and of a scripted annotator; rename one of them")
        self._seed = seed
        self._queues: dict[tuple[str, str], _Held] = {}

    def put(self, queue: Queue, items: Sequence[Item]) -> None:
        """Make the queue if it is not there, and add the items that are not in it; see `desk.Desk`."""
        members = self._members(queue.place)
        if queue.pool is not None and queue.pool != (queue.place in self._pools):
            raise wrong_kind(queue.place, queue.pool)
        if queue.overlap > len(members):
            raise DeskError(
                f"queue {queue.name!r}: {queue.overlap} answers per item cannot come from {len(members)} in "
                f"{queue.place!r}: add scripted annotators with pool:{queue.place}, or lower the overlap"
            )
        held = self._queues.get((queue.place, queue.name))
        if held is not None and held.queue.form.revision != queue.form.revision:
            raise DeskError(
                f"queue {queue.name!r} of {queue.place!r} is there with another form: a changed form needs a new queue"
            )
        there = held.items if held else {}
        changed = [one.id for one in items if one.id in there and _seen(there[one.id]) != _seen(one)]
        if changed:
            raise DeskError(
                f"queue {queue.name!r} of {queue.place!r}: item {changed[0]} is there with other text"
                f"{f', and {len(changed) - 1} more' if changed[1:] else ''}; changed items need new ids"
            )
        if held is None:
            held = self._queues[queue.place, queue.name] = _Held(queue)
        for item in sorted(items, key=lambda one: (one.order, one.id)):
            held.items.setdefault(item.id, item)

    def answers(self, queue: Queue) -> Iterator[Answer]:
        """Every answer there is by now, in the order of time; see `desk.Desk`."""
        held = self._queues.get((queue.place, queue.name))
        if held is None:
            raise DeskError(f"there is no queue {queue.name!r} of {queue.place!r} on this desk: put its items first")
        members = self._members(queue.place)
        given = self._of_one(held, members[0]) if queue.place in self._people else self._of_pool(held, members)
        opened = EPOCH + timedelta(days=int(lot(self._seed, "day", queue.name) * DAYS))
        for person, item, said, after in given:
            yield Answer(
                item=item.id,
                person=person.name,
                status="discarded" if said.values is None else "submitted",
                values=said.values or {},
                at=(opened + timedelta(seconds=after)).isoformat(timespec="microseconds"),
            )

    def _members(self, place: str) -> list[Scripted]:
        if place in self._people:
            return [self._people[place]]
        if place in self._pools:
            return self._pools[place]
        raise NoSuchPerson(
            f"nobody scripted is called {place!r}; there are {', '.join(sorted(self._people)) or 'none'}, and the "
            f"pools {', '.join(sorted(self._pools)) or '(none)'}: add --scripted {place}=careful, or for a pool "
            f"--scripted NAME=careful,pool:{place}"
        )

    def _of_one(self, held: _Held, person: Scripted) -> Iterator[tuple[Scripted, Item, Said, float]]:
        after = 0.0
        for item in list(held.items.values())[: math.ceil(person.done * len(held.items))]:
            said = say(person, held.queue.form, item, self._seed)
            after += said.seconds
            yield person, item, said, after

    def _of_pool(self, held: _Held, members: Sequence[Scripted]) -> Iterator[tuple[Scripted, Item, Said, float]]:
        """All members at work at once; each goes through the items once, from the front."""
        items = list(held.items.values())
        lacking = [held.queue.overlap] * len(items)
        next_of = dict.fromkeys(range(len(members)), 0)
        busy: list[tuple[float, int]] = [(0.0, number) for number in range(len(members))]
        found = []
        while busy:
            now, number = heapq.heappop(busy)
            person, place = members[number], next_of[number]
            while place < len(items) and not (lacking[place] and self._works_on(person, items[place])):
                place += 1
            if place == len(items):
                continue
            said = say(person, held.queue.form, items[place], self._seed)
            lacking[place] -= said.values is not None
            found.append((person, items[place], said, now + said.seconds))
            next_of[number] = place + 1
            heapq.heappush(busy, (now + said.seconds, number))
        yield from sorted(found, key=lambda one: (one[3], one[0].name))

    def _works_on(self, person: Scripted, item: Item) -> bool:
        return lot(self._seed, "done", person.name, item.id) < person.done


def _seen(item: Item) -> tuple[object, object]:
    return dict(item.shown), dict(item.drafts)
