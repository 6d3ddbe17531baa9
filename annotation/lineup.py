"""The order of one person's queue: calibration, rows, rows that come again, and gold hidden among them."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from .deal import draw

APART = 20  # items between a row and the same row again


Batch = Literal["main", "calibration", "gold", "repeat"]


class Shown(NamedTuple):
    """A row in a queue, and why it is there; a repeat is shown in the other order."""

    record: str
    batch: Batch


@dataclass(frozen=True)
class Lineup:
    """What all queues of one plan have in common; see `assign.assign` for the fields."""

    records: Sequence[str]
    pairs: Sequence[str]
    priority: Sequence[float] | None
    gold: Sequence[str]
    gold_pairs: Sequence[str]
    gold_share: float
    repeat: float
    seed: int

    def up(self, place: str, shared: Sequence[int], rows: Sequence[int]) -> list[Shown]:
        """The queue of a place that has the rows numbered `shared`, which come first as they are, and `rows`."""
        first = [Shown(self.records[number], "calibration") for number in shared]
        rest = [Shown(self.records[number], "main") for number in self._ordered(place, rows)]
        queue = self._with_repeats(place, first + rest, len(first))
        return self._with_gold(place, queue, len(first), {self.pairs[number] for number in [*shared, *rows]})

    def _ordered(self, place: str, rows: Sequence[int]) -> list[int]:
        """The most urgent first; people who get the same rows get them in orders of their own where that is equal."""

        def key(number: int) -> tuple[float, int]:
            urgent = self.priority[number] if self.priority is not None else 0.0
            return -urgent, draw("order", self.seed, place, self.records[number])

        return sorted(rows, key=key)

    def _with_repeats(self, place: str, queue: list[Shown], fixed: int) -> list[Shown]:
        """A share of the rows once more, each `APART` items or more after the first time, none among the `fixed`."""
        many = round(self.repeat * len(queue))
        if not many:
            return queue
        apart = min(APART, len(queue) // 2)
        able = range(len(queue) - apart + 1)
        chosen = sorted(able, key=lambda number: draw("repeat", self.seed, place, queue[number].record))[:many]
        again: dict[int, list[Shown]] = {}
        for number in sorted(chosen):
            earliest = max(number + apart, fixed)
            record = queue[number].record
            before = earliest + draw("again", self.seed, place, record) % (len(queue) - earliest + 1)
            again.setdefault(before, []).append(Shown(record, "repeat"))
        longer: list[Shown] = []
        for number, one in enumerate(queue):
            longer += [*again.get(number, []), one]
        return longer + again.get(len(queue), [])

    def _with_gold(self, place: str, queue: list[Shown], fixed: int, seen: set[str]) -> list[Shown]:
        """Gold among what follows the `fixed` items, never at the very first place, one somewhere in each stretch."""
        wanted = round(len(queue) * self.gold_share / (1 - self.gold_share))
        gold = self._gold(place, seen)[: min(wanted, len(queue) - fixed)]
        if not gold:
            return queue
        start = max(fixed, 1)
        places = self._scattered(place, len(gold), len(queue) + len(gold) - start)
        hidden = dict(zip((start + one for one in places), gold, strict=True))
        rows = iter(queue)
        return [
            Shown(hidden[number], "gold") if number in hidden else next(rows)
            for number in range(len(queue) + len(gold))
        ]

    def _gold(self, place: str, seen: set[str]) -> list[str]:
        """The gold items this person may get, in an order of their own, each pair once."""
        by_luck = sorted(
            zip(self.gold, self.gold_pairs, strict=True), key=lambda one: draw("gold", self.seed, place, one[0])
        )
        fresh: dict[str, str] = {}
        for record, pair in by_luck:
            if pair not in seen:
                fresh.setdefault(pair, record)
        return list(fresh.values())

    def _scattered(self, place: str, many: int, among: int) -> list[int]:
        """`many` of `among` places, one in each of as many equal stretches, so that who stops early met some too.

        Where in its stretch is left to chance; chance is asked again should all distances come out the same.
        """
        for attempt in itertools.count():
            found = []
            for number in range(many):
                low, high = number * among // many, (number + 1) * among // many
                found.append(low + draw("hide", self.seed, place, f"{attempt}/{number}") % (high - low))
            if many < 3 or len({after - before for before, after in itertools.pairwise(found)}) > 1:
                return found
        raise AssertionError("unreachable")
