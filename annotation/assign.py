"""Who judges what, and in which order: queues of items for named people or for a pool, planned before anyone is asked.

Everything here is pure. Chance is taken from hashes of a seed, the ids of rows and the names of people, so the same
question always has the same answer, and the order in which people are named does not matter.

What holds when something changes (named people; a pool has one queue of everything):

* A row more at the end of the source moves no other row to another person, unless it is drawn for calibration (a
  chance of `calibration` in the number of rows) or holds a pair that an earlier row holds too.
* Somebody who leaves (`left`) moves no row but their own; those are added at the end of other people's queues, or go
  to somebody who came for them (`joined`).
* Another overlap, another seed, or a person more or less in `people` deals everything anew.
* Order: priorities and gold change positions only, never who gets a row.
"""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from dataset_cards.versions.errors import Misuse

from .deal import deal, draw
from .leave import hand_over
from .lineup import Batch, Lineup, Shown


@dataclass(frozen=True, kw_only=True)
class Slot:
    """One row in one queue.

    Attributes:
        place: a person or a pool.
        batch: why it is there; see `judged.BATCHES`.
        position: from 0, in the queue of that place.
        swapped: shown in the other order than usual.
    """

    place: str
    record: str
    batch: Batch
    position: int
    swapped: bool


def assign(
    records: Sequence[str],
    *,
    people: Sequence[str],
    overlap: int,
    pairs: Sequence[str],
    seed: int = 0,
    calibration: int = 0,
    gold: Sequence[str] = (),
    gold_pairs: Sequence[str] | None = None,
    gold_share: float = 0.1,
    repeat: float = 0.0,
    priority: Sequence[float] | None = None,
    left: Mapping[str, Collection[str]] | None = None,
    joined: Sequence[str] = (),
    least: int | None = None,
) -> list[Slot]:
    """Queues in which every record has `overlap` different people, by person (sorted) and position.

    Nobody gets the same pair twice, in whichever order, except where `repeat` asks for it. The numbers of rows that
    two people get differ by at most 1.

    Args:
        records: ids of rows, each once.
        people: pseudonyms.
        pairs: for each record what it shows; records with the same responses in whichever order have the same.
        calibration: so many rows go to everybody, first and in one order; drawn among rows whose pair no other has.
        gold: ids of rows with known answers, and `gold_pairs` what they show. A gold item is never in the queue of a
            person who has its pair in a row too.
        gold_share: of each queue, in [0, 0.5]: as near as rounding and the number of gold items allow, and never more
            gold than rows after the calibration.
        repeat: the share of a person's rows, in [0, 0.5], that come again later, swapped; at least 20 items later, or
            half a queue where that is shorter.
        priority: per record; the highest come first. Without it, or where it is equal, everyone has an own order.
        left: people (of `people`) who answer no more, with the records they judged. Their queues come out as they
            were; each row in them that they did not judge goes, in addition, to somebody who stays or has joined.
        joined: people (not of `people`) who came later. They get calibration and gold as all do, and rows of those
            who left.
        least: be content with so many people for a row that nobody is free to take over; `overlap` if not given.

    Raises:
        Misuse: that cannot be done; the message says with how many rows and what would help.
    """
    _check(records, pairs, gold, gold_pairs, gold_share, repeat, priority)
    left = left or {}
    _check_people(people, overlap, left, joined)
    people = sorted(people)
    times = Counter(pairs)
    shared = _calibration(records, pairs, times, calibration, seed)
    common = set(shared)
    rest = [number for number in range(len(records)) if number not in common]
    _check_pairs([pairs[number] for number in rest], times, people, overlap)
    dealt = deal([records[n] for n in rest], [pairs[n] for n in rest], people, overlap, seed)
    rows: dict[str, list[int]] = {person: [] for person in people}
    for number, block in zip(rest, dealt, strict=True):
        for one in block:
            rows[people[one]].append(number)
    line = Lineup(records, pairs, priority, gold, gold_pairs or gold, gold_share, repeat, seed)
    queues: dict[str, list[Shown]] = {person: line.up(person, shared, rows[person]) for person in people}
    if left:
        of = dict(zip(records, pairs, strict=True)) | dict(zip(gold, gold_pairs or gold, strict=True))
        seen = {person: {of[one.record] for one in queues[person]} for person in people if person not in left}
        seen |= {person: {pairs[number] for number in shared} for person in joined}
        taken = hand_over(records, pairs, rows, left, seen, overlap if least is None else least, seed)
        for person, more in taken.items():
            if person in queues:
                queues[person] += [Shown(records[number], "main") for number in more]
            else:
                queues[person] = line.up(person, shared, more)
    return [slot for person in sorted(queues) for slot in _slots(person, queues[person])]


def assign_pool(
    records: Sequence[str],
    *,
    pool: str,
    pairs: Sequence[str] | None = None,
    seed: int = 0,
    gold: Sequence[str] = (),
    gold_pairs: Sequence[str] | None = None,
    gold_share: float = 0.1,
    priority: Sequence[float] | None = None,
) -> list[Slot]:
    """The one queue of a pool: every record once, with gold among them; the desk sees to the overlap.

    Any member may meet any row, so no two rows may hold the same pair. Arguments and errors are those of `assign`.
    """
    pairs = records if pairs is None else pairs
    _check(records, pairs, gold, gold_pairs, gold_share, 0.0, priority)
    if surplus := len(pairs) - len(set(pairs)):
        raise Misuse(
            f"{surplus:,} rows hold a pair that an earlier row holds too, and in a pool somebody would see it twice: "
            "drop duplicates first, or name annotators"
        )
    line = Lineup(records, pairs, priority, gold, gold_pairs or gold, gold_share, 0.0, seed)
    return _slots(pool, line.up(pool, [], list(range(len(records)))))


def item_id(campaign: str, record: str, batch: str, swapped: bool) -> str:
    """`r-` and 16 hex digits: the same for the same item of a campaign, and silent about what is behind it."""
    text = json.dumps([campaign, record, batch, swapped])
    return "r-" + hashlib.sha256(text.encode()).hexdigest()[:16]


def _slots(place: str, queue: Sequence[Shown]) -> list[Slot]:
    return [
        Slot(place=place, record=one.record, batch=one.batch, position=position, swapped=one.batch == "repeat")
        for position, one in enumerate(queue)
    ]


def _calibration(records: Sequence[str], pairs: Sequence[str], times: Counter[str], many: int, seed: int) -> list[int]:
    """The numbers of the rows that everybody gets, in their order."""
    if many < 0:
        raise Misuse(f"calibration={many}: a number of rows is 0 or more")
    alone = [number for number, pair in enumerate(pairs) if times[pair] == 1]
    if many > len(alone):
        raise Misuse(
            f"calibration={many:,}, but only {len(alone):,} of {len(records):,} rows hold a pair that no other row "
            "holds, and everybody gets all of them: ask for fewer, or drop duplicates first"
        )
    return sorted(alone, key=lambda number: draw("calibration", seed, "", records[number]))[:many]


def _check(
    records: Sequence[str],
    pairs: Sequence[str],
    gold: Sequence[str],
    gold_pairs: Sequence[str] | None,
    gold_share: float,
    repeat: float,
    priority: Sequence[float] | None,
) -> None:
    for what, ids in (("rows", records), ("gold rows", gold)):
        if twice := [one for one, times in Counter(ids).items() if times > 1]:
            raise Misuse(f"{len(twice):,} ids stand for several {what}, such as {twice[0]!r}; give each row its own id")
    beside = (("pairs", pairs, records), ("gold_pairs", gold_pairs, gold), ("priority", priority, records))
    for name, given, rows in beside:
        if given is not None and len(given) != len(rows):
            raise Misuse(f"{name} has {len(given):,} entries for {len(rows):,} rows")
    for name, share in (("gold_share", gold_share), ("repeat", repeat)):
        if not 0 <= share <= 0.5:
            raise Misuse(f"{name}={share:g}: a share of a queue is from 0 to 0.5")
    if priority is not None and any(math.isnan(one) for one in priority):
        raise Misuse("priority: a row has NaN; -inf puts a row last")


def _check_people(
    people: Sequence[str], overlap: int, left: Mapping[str, Collection[str]], joined: Sequence[str]
) -> None:
    if twice := [one for one, times in Counter([*people, *joined]).items() if times > 1]:
        raise Misuse(f"annotator {twice[0]!r} is named twice")
    if overlap < 1:
        raise Misuse(f"overlap={overlap}: each row needs 1 person or more")
    if overlap > len(people):
        raise Misuse(
            f"overlap={overlap} asks for {overlap} different people per row, and {len(people)} "
            f"{'is' if len(people) == 1 else 'are'} named: name more annotators or lower the overlap"
        )
    if strangers := sorted(set(left) - set(people)):
        raise Misuse(f"{', '.join(strangers)} left, but was never among the annotators {', '.join(sorted(people))}")
    if joined and not left:
        raise Misuse(f"{', '.join(joined)} joined, but nobody left whose rows they could take; name them as annotators")


def _check_pairs(pairs: Sequence[str], times: Counter[str], people: Sequence[str], overlap: int) -> None:
    """Rows of one pair need people who are all different."""
    room = len(people) // overlap
    if rows := sum(times[pair] for pair in set(pairs) if times[pair] > room):
        most = max(times.values())
        lower = f", or lower the overlap to {len(people) // most}" if most <= len(people) else ""
        raise Misuse(
            f"{rows:,} rows hold pairs that up to {most:,} rows hold; with {len(people)} people and overlap={overlap} "
            f"only {room} {'row' if room == 1 else 'rows'} can hold the same pair before somebody sees it twice: drop "
            f"duplicates first, name {most * overlap:,} annotators{lower}"
        )
