"""How people went about their queue: how fast, in what runs, and which place they chose."""

import json
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

import polars as pl

from .answers import Level
from .flags import ENOUGH, fast, first_place, flat, monotonous, position, runs


def behaviour(
    queue: pl.DataFrame, people: Sequence[str], level: Level, notes: list[str], *, by_question: bool
) -> dict[str, dict[str, Any]]:
    """`first_shown`, `median_seconds` and `flags` of each person; a sentence on everybody's places goes to `notes`.

    Args:
        queue: answers in people's own queues, sorted by person and time.
        by_question: whether answers are JSON objects with one rating for each question.
    """
    seconds: dict[str, list[float]] = {who: [] for who in people}
    seen: dict[str, list[str]] = {who: [] for who in people}
    timed: dict[str, list[str]] = {who: [] for who in people}
    alike: dict[str, list[bool]] = {who: [] for who in people}
    choices: dict[str, tuple[list[int], list[int]]] = {who: ([], []) for who in people}
    for row in queue.select("annotator", "answer", "ranks", "order", "seconds", "at").iter_rows(named=True):
        who, order = row["annotator"], row["order"]
        if row["seconds"] is not None:
            seconds[who].append(row["seconds"])
        place = _chosen(row["answer"], row["ranks"], order, level)
        if place is not None:
            choices[who][0].append(place)
            choices[who][1].append(len(order))
        seen[who].append(_as_seen(row["answer"], row["ranks"], order, level, place))
        if row["at"] is not None:
            timed[who].append(seen[who][-1])
        if by_question:
            values = list(_ratings(row["answer"]))
            if len(values) > 1:
                alike[who].append(len(set(values)) == 1)
    flagged = {
        "fast": fast(seconds),
        "straight-lining": runs(timed) | monotonous(seen) | flat(alike),
        "position": position({who: both for who, both in choices.items() if both[0]}),
    }
    _everybody(choices.values(), notes)
    found = {}
    for who in people:
        shares, _ = first_place(*choices[who])
        found[who] = {
            "first_shown": shares.triple(),
            "median_seconds": round(median(seconds[who]), 1) if seconds[who] else None,
            "flags": [name for name, whom in flagged.items() if who in whom],
        }
    return found


def _chosen(answer: str, ranks: Sequence[int] | None, order: Sequence[int] | None, level: Level) -> int | None:
    """The place on the screen of the one response that was chosen, or ranked alone above the others; else None."""
    if order is None or len(order) < 2:
        return None
    if level == "ranking":
        if ranks is None or len(ranks) != len(order) or list(ranks).count(min(ranks)) != 1:
            return None
        return list(order).index(list(ranks).index(min(ranks)))
    if level != "nominal" or not answer.isdecimal() or int(answer) - 1 not in order:
        return None
    return list(order).index(int(answer) - 1)


def _as_seen(
    answer: str, ranks: Sequence[int] | None, order: Sequence[int] | None, level: Level, place: int | None
) -> str:
    """The answer in terms of the screen: somebody who always takes the left one gives 1, 2, 2, 1 in terms of rows."""
    if level == "ranking" and ranks is not None and order is not None and len(order) == len(ranks):
        shown = [ranks[response] for response in order]
        return str([sorted(set(shown)).index(rank) for rank in shown])
    return answer if place is None else f"place {place}"


def _ratings(answer: str) -> Sequence[Any]:
    values: Sequence[Any] = list(json.loads(answer).values())
    return values


def _everybody(choices: Iterable[tuple[Sequence[int], Sequence[int]]], notes: list[str]) -> None:
    """Say so if all people together favour or avoid the first place."""
    every = list(choices)
    chosen = [place for mine, _ in every for place in mine]
    share, expected = first_place(chosen, [places for _, of in every for places in of])
    if len(chosen) < ENOUGH or share.value is None or share.low is None or share.high is None:
        return
    if not share.low <= expected <= share.high:
        notes.append(
            f"all together chose what was shown first in {share.value:.1%} of {len(chosen):,} choices "
            f"(95 %: {share.low:.1%} to {share.high:.1%}), where {expected:.1%} is to be expected"
        )
