"""Rows of people who left, handed over to those who stay and to those who came for them."""

from collections.abc import Collection, Mapping, Sequence

from dataset_cards.versions.errors import Misuse

from .deal import draw


def hand_over(
    records: Sequence[str],
    pairs: Sequence[str],
    rows: Mapping[str, Sequence[int]],
    left: Mapping[str, Collection[str]],
    seen: Mapping[str, set[str]],
    least: int,
    seed: int,
) -> dict[str, list[int]]:
    """For each person who takes rows over, the numbers of those rows.

    Args:
        rows: by person, including those who left, the numbers of the rows that were dealt to them.
        left: by person who left, the records they judged before.
        seen: by person who can take over, the pair keys that they have in their queue.
        least: people a row needs at least where nobody is free to take it over.

    Raises:
        Misuse: rows are left with fewer than `least` people.
    """
    load = {person: len(rows.get(person, ())) for person in seen}
    has = {person: set(keys) for person, keys in seen.items()}
    taken: dict[str, list[int]] = {person: [] for person in seen}
    lost: dict[int, int] = {}
    for gone in sorted(left):
        judged = set(left[gone])
        for number in rows[gone]:
            if records[number] in judged:
                continue
            able = [person for person in has if pairs[number] not in has[person]]
            if not able:
                lost[number] = lost.get(number, 0) + 1
                continue
            heir = min(able, key=lambda person: (load[person], draw("heir", seed, person, records[number])))
            load[heir] += 1
            has[heir].add(pairs[number])
            taken[heir].append(number)
    short = _short(rows, lost, least)
    if short:
        raise Misuse(
            f"{', '.join(sorted(left))} left, and {short:,} of their rows can go to nobody who has not seen the pair: "
            "name somebody new who has joined (joined=a9), or be content with fewer answers (enough=N)"
        )
    return taken


def _short(rows: Mapping[str, Sequence[int]], lost: Mapping[int, int], least: int) -> int:
    """How many rows that nobody took over have too few people."""
    people: dict[int, int] = {}
    for numbers in rows.values():
        for number in numbers:
            people[number] = people.get(number, 0) + 1
    return sum(people[number] - gone < least for number, gone in lost.items())
