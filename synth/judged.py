"""What a judge's labels are worth, measured on all of them: consistency, position bias, agreement with known labels."""

from collections import Counter
from typing import Any

from dataset_cards.versions.job import Job

from .comparing import FIRST, SECOND, TIE
from .outcome import outcomes
from .share import share


def judged(job: Job, left: str) -> dict[str, Any]:
    """Facts on every pair that was judged, rows left out for the reason `left` among them.

    `consistent`: the share of pairs about which both orders say the same. `first_place`: the share of choices that
    fell on the answer shown first, averaged over pairs; 0.5 is no bias. `agrees`: of the pairs that both the judge and
    the source decide, the share they decide alike. All are [value, low, high] with 95 % intervals, or None.
    """
    labels = Counter({FIRST: 0, SECOND: 0, TIE: 0})
    shown: Counter[str] = Counter()
    inconsistent = looked = agreed = known = chose = 0
    leaning = 0.0
    for told in outcomes(job, left):
        for pair in told.get("pairs") or ():
            labels[pair["outcome"]] += 1
            if pair["outcome"] != TIE and pair["own"] != TIE:
                known += 1
                agreed += pair["outcome"] == pair["own"]
            if not (found := pair.get("looks")):
                continue
            looked += 1
            inconsistent += found[0]["says"] != found[1]["says"]
            places = [_place(look) for look in found]
            shown.update(places)
            if decided := [place for place in places if place != TIE]:
                chose += 1
                leaning += decided.count("first") / len(decided)
    facts: dict[str, Any] = {"pairs": labels.total(), "labels": dict(labels), "ties": labels[TIE]}
    if looked:
        facts |= {"looked_twice": looked, "inconsistent": inconsistent}
        facts |= {"consistent": share(looked - inconsistent, looked), "first_place": share(leaning, chose)}
        facts["shown"] = {place: shown[place] for place in ("first", "second", TIE)}
    return {**facts, "agrees": share(agreed, known), "agrees_of": known}


def _place(look: dict[str, Any]) -> str:
    """Whether the answer shown first was chosen, or the second, or neither."""
    if look["says"] == TIE:
        return TIE
    return "first" if look["order"][0] == (FIRST, SECOND).index(look["says"]) else "second"
