"""What a reader has to know before trusting what people judged: doubts to read first, and what was not looked at."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .agreement import Interval, agreement, judged, measured, questions
from .agreement_sheets import FLAGS
from .plain import count, one_line, plural

# K. Krippendorff, Content Analysis, 2nd edition, Sage 2004, page 241: rely on data whose alpha is at least 0.800;
# where tentative conclusions are good enough, the lowest is 0.667.
LOWEST, SURE = 0.667, 0.8
CONVENTION = (
    f"Krippendorff would rely on data whose alpha is at least {SURE:.1f}, and draw tentative conclusions from "
    f"{LOWEST} on (Content Analysis, 2nd edition, 2004, page 241). A low value does not tell its cause: unclear "
    "guidelines, careless answers, or a question on which people differ."
)
ENOUGH = 20  # items with a known answer from which on an interval that holds guessing is a doubt
_NAMED = 5  # annotators in one sentence


def doubts(version: Mapping[str, Any]) -> list[str]:
    """Sentences for the top of a card or report; none where nothing is in doubt."""
    facts = agreement(version)
    return [*_ties(version), *_few(facts), *_alpha(facts), *_gold(facts), *_flags(facts)]


def has_alpha(facts: Mapping[str, Any]) -> bool:
    return any(True for _ in _alphas(facts))


def not_covered(version: Mapping[str, Any]) -> list[str]:
    """What nobody looked at, where people judged or should have."""
    facts, kind = agreement(version), version.get("kind")
    if not facts:
        judged_by_people = kind in ("preferences", "rankings", "judgements")
        return ["Whether people agree on these answers was not measured."] if judged_by_people else []
    found = ["Annotators are known by pseudonyms: who they are, and what they were paid and taught, is not said here."]
    people = [one for _, part in [(None, facts), *questions(facts)] for one in part.get("by_annotator") or []]
    if not any(one.get("gold_items") or one.get("gold") for one in people):
        found.append("No items with known answers were among the rows, so nobody's answers were checked.")
    if not any(one.get("repeat") for one in people):
        found.append("Nobody was asked the same twice, so it is not known how steady anybody's answers are.")
    return found


def _ties(version: Mapping[str, Any]) -> Iterator[str]:
    """Rows that a trainer of preferences would learn nonsense from; `facts["ties"]` counts those with margin 0."""
    if version.get("kind") != "preferences":
        return
    facts = version.get("facts") or {}
    ties, least = facts.get("ties"), (agreement(version).get("decided") or {}).get("tie")
    dropped = any(n and why.endswith("/tie") for why, n in ((version.get("ledger") or {}).get("dropped") or {}).items())
    if ties is None and least and not dropped:
        # Those where an answer `tie` won are ties too, and not among those where nothing won.
        ties, more = least, " or more"
    else:
        more = ""
    if ties:
        them = "row is a tie" if ties == 1 and not more else "rows are ties"
        yield (
            f"{count(ties)}{more} {them}: margin 0, and neither response won. Leave out rows with margin 0 where "
            "training needs a winner."
        )


def _few(facts: Mapping[str, Any]) -> Iterator[str]:
    twice, records = facts.get("twice"), facts.get("records") or 0
    what = judged(facts)
    if twice == 0:
        yield f"Every {what} was judged once, so nothing is known about agreement."
    elif twice is not None and 2 * twice < records:
        yield (
            f"Most {what}s were judged once: agreement is measured on {count(twice)} of {plural(records, what)} and "
            "says nothing about others."
        )


def _alphas(facts: Mapping[str, Any]) -> Iterator[tuple[str, Interval]]:
    for question, part in questions(facts):
        for one in part.get("measures") or []:
            value = measured(one.get("value"), digits=2)
            if "krippendorff" in str(one["name"]).lower() and value is not None:
                yield (f"{one_line(one['name'], 80)} for {one_line(question, 60)}" if question else one["name"]), value


def _alpha(facts: Mapping[str, Any]) -> Iterator[str]:
    sides: dict[str, list[str]] = {"lies below": [], "reaches below": []}
    for name, value in _alphas(facts):
        low, high = (value.value if end is None else end for end in (value.low, value.high))
        if low < LOWEST:
            sides["lies below" if high < LOWEST else "reaches below"].append(f"{one_line(name, 150)} {value}")
    for side, names in sides.items():
        if names:
            yield (
                f"{_listed(names)} {side} {LOWEST}, the least from which Krippendorff (2004, page 241) would draw even "
                "tentative conclusions."
            )


def _gold(facts: Mapping[str, Any]) -> Iterator[str]:
    """Annotators whose answers to items with a known one may be guesses, or worse."""
    for question, part in questions(facts):
        answers = len(part.get("labels") or {})
        guessing = [] if answers < 2 else list(_guessing(part, 1 / answers))
        if guessing:
            by_chance = Interval(value=1 / answers, low=None, high=None, percent=True).shown
            where = f"{one_line(question, 60)}: on" if question else "On"
            yield (
                f"{where} items with a known answer nothing shows that these do better than guessing among {answers} "
                f"answers ({by_chance}): {_listed(guessing)}."
            )


def _guessing(part: Mapping[str, Any], chance: float) -> Iterator[str]:
    for one in part.get("by_annotator") or []:
        value, items = measured(one.get("gold"), True), one.get("gold_items") or 0
        if value is None:
            continue
        # Of a few items nobody can be told from somebody who guesses.
        low = value.low if value.low is not None and items >= ENOUGH else value.value
        if low <= chance:
            yield f"{one_line(one['annotator'], 40)} {value} of {plural(items, 'item')}"


def _flags(facts: Mapping[str, Any]) -> Iterator[str]:
    carriers: dict[str, list[str]] = {}
    for one in facts.get("by_annotator") or []:
        for flag in one.get("flags") or []:
            first = measured(one.get("first_shown"), True) if flag == "position" else None
            chose = f", who chose what stood first in {first}" if first else ""
            carriers.setdefault(str(flag), []).append(one_line(one["annotator"], 40) + chose)
    for flag, names in carriers.items():
        meaning = f" ({FLAGS[flag]})" if flag in FLAGS else ""
        yield f"Flagged as {one_line(flag, 40)}{meaning}: {_listed(names)}."


def _listed(names: Sequence[str]) -> str:
    more = f" and {count(len(names) - _NAMED)} more" if len(names) > _NAMED else ""
    return "; ".join(names[:_NAMED]) + more
