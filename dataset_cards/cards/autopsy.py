"""The autopsy of preferences in sentences and tables, for card, report and documents."""

from collections.abc import Iterator, Mapping
from typing import Any

from .agreement import Interval, measured
from .autopsy_rules import RULES, autopsy, decided, explained, rules, turned, won
from .autopsy_warnings import warnings as warnings
from .plain import count, plural, share
from .sheet import Row, Sheet

Facts = Mapping[str, Any]

_SLICED = {
    "characters": "longer wins",
    "refusal": "refusing wins",
    "markdown": "more Markdown wins",
    "agreement": "agreeing wins",
    "position": "first wins",
}
_FLAGS = {"longer": "length", "outcome": "outcome"}


def sentences(version: Facts) -> list[str]:
    """What was looked at, and what stands in several rows."""
    facts = autopsy(version)
    if not facts:
        return []
    return [*_looked_at(facts), *_place(facts), *_together(facts), *_twice(facts), *_prompts(facts), *_people(facts)]


def _looked_at(facts: Facts) -> Iterator[str]:
    pairs, ties = facts["pairs"], facts["ties"]
    said = f"{plural(pairs, 'pair')}"
    said += (
        f", of which {count(ties)} ({share(ties, pairs)}) prefer neither answer and are left out below" if ties else ""
    )
    several = facts.get("several_turns", 0)
    yield f"{said}. {share(several, pairs)} have a prompt of several turns." if several else f"{said}."
    refusals = facts.get("refusals")
    if refusals is None:
        yield "Refusals were only looked for in first words: no instrument was there that tells them."
    elif refusals["asked"]:
        drawn = ", drawn by hash," if refusals["sampled"] else ""
        yield (
            f"Of {plural(refusals['asked'], 'pair')}{drawn} the chosen answer refuses in "
            f"{share(refusals['chosen'], refusals['asked'])} "
            f"and the rejected one in {share(refusals['rejected'], refusals['asked'])}; both do in "
            f"{share(refusals['both'], refusals['asked'])}."
        )


def _place(facts: Facts) -> Iterator[str]:
    if "position" not in rules(facts):
        yield "Which answer was shown first is not recorded in the rows, so a preferred place was not looked for here."


def _together(facts: Facts) -> Iterator[str]:
    found = facts.get("together") or {}
    if (value := measured(found.get("share"), percent=True)) is not None:
        drawn = ", drawn by hash," if found.get("sampled") else ""
        yield (
            f"A small model over all rules, which never reads an answer, picks the chosen one in {value} of "
            f"{plural(found['pairs'], 'pair')}{drawn} whose prompts it has not seen ({found['folds']} folds)."
        )


def _twice(facts: Facts) -> Iterator[str]:
    pairs, found = facts["pairs"], facts.get("duplicates") or {}
    rows = found.get("rows", 0)
    for many, what in (
        (found.get("repeated", 0), "the same pair as an earlier one"),
        (found.get("contradicting", 0), "there the other way round too, chosen and rejected swapped"),
    ):
        if many:
            yield f"{plural(many, 'pair')} ({share(many, rows)}) {'is' if many == 1 else 'are'} {what}."
    for many, what in (
        (facts.get("same_answers", 0), "the same chosen as rejected answer"),
        (facts.get("nearly_same_answers", 0), "answers of nearly the same words"),
    ):
        if many:
            yield f"{plural(many, 'pair')} ({share(many, pairs)}) {'has' if many == 1 else 'have'} {what}."


def _prompts(facts: Facts) -> Iterator[str]:
    found = facts.get("prompts") or {}
    if found.get("fraction", 1) < 1:
        yield f"Repeated rows and prompts were counted among {found['fraction']:.0%} of all prompts, drawn by hash."
    if sharing := found.get("rows_sharing"):
        yield (
            f"{share(sharing, found['rows'])} of rows share their prompt with another row "
            f"({plural(found['different'], 'different prompt')}, "
            f"one of them in {count(found['most_rows'])} rows): split by prompt and not by row, or held-out rows "
            "have been seen."
        )
    for one in facts.get("splits") or []:
        many, told = one["shared"], plural(len(one["parts"]) + one["others"], one["key"])
        yield (
            f"Metadata names {told}; {plural(many, 'prompt')} ({share(many, one['prompts'])}) "
            f"{'stands' if many == 1 else 'stand'} in "
            "more than one."
            if many
            else f"Metadata names {told}; no prompt stands in two."
        )


def _people(facts: Facts) -> Iterator[str]:
    found = facts.get("annotators") or {}
    if flagged := found.get("flagged"):
        yield (
            f"{plural(flagged, 'annotator')} of {count(found['people'])} surely "
            f"{'differs' if flagged == 1 else 'differ'} from the "
            "median of the others; see the table."
        )


def sheets(version: Facts) -> list[Sheet]:
    """Every table that has something in it."""
    facts = autopsy(version)
    found = [_rules(facts), _slices(facts), _splits(facts), _annotators(facts)] if facts else []
    return [sheet for sheet in found if sheet.rows]


def _rules(facts: Facts) -> Sheet:
    """The rules, the strongest first, whichever way round it is strong."""
    ordered = sorted(rules(facts).values(), key=lambda one: (-_strength(one), -decided(one), one["rule"]))
    rows: list[Row] = []
    for one in ordered:
        alike = measured((one.get("of_like_length") or {}).get("share"), percent=True)
        marks = [*(["beyond chance"] if one["sure"] else []), *(["by length"] if _is_by_length(one) else [])]
        rows.append(
            (
                RULES[one["rule"]][0],
                won(one),
                turned(won(one)),
                count(decided(one)),
                count(one["even"]),
                alike,
                ", ".join(marks),
            )
        )
    return Sheet(
        kind="autopsy",
        title="How far rules get that never read an answer",
        header=(
            "the rule picks",
            "and is right in",
            "its opposite",
            "pairs it decides",
            "cannot tell",
            "of like length",
            "note",
        ),
        rows=rows,
        names=(),
        right=(1, 2, 3, 4, 5),
        notes=(
            (
                "and is right in",
                "share of the pairs it decides, with a 95 % interval clustered by prompt; 50 % is a coin",
            ),
            ("of like length", "the same among pairs whose numbers of words differ by at most a tenth"),
            ("beyond chance", "the interval leaves out 50 % even when it allows for all these rules being looked at"),
            ("by length", "among answers of like length nothing of it is left"),
        ),
    )


def _strength(one: Facts) -> float:
    """How far from a coin a rule surely is; below nothing where it may be one."""
    value, low, high = one["share"]
    return float(max(low - 0.5, 0.5 - high)) if value != 0.5 else -0.5


def _is_by_length(one: Facts) -> bool:
    return bool(one["sure"]) and one["rule"] not in ("characters", "words") and explained(one)


def _slices(facts: Facts) -> Sheet:
    shown = [name for name in _SLICED if any(name in part["rules"] for part in facts.get("slices") or [])]
    rows: list[Row] = [
        (str(part["slice"]), count(part["pairs"]), *(_of(part["rules"], name) for name in shown))
        for part in facts.get("slices") or []
    ]
    return Sheet(
        kind="autopsy-slices",
        title="The main rules by source",
        header=("source", "pairs", *(_SLICED[name] for name in shown)),
        rows=rows,
        names=(0,),
        right=tuple(range(1, 2 + len(shown))),
    )


def _of(found: Facts, name: str) -> Interval | None:
    return measured((found.get(name) or {}).get("share"), percent=True)


def _splits(facts: Facts) -> Sheet:
    rows: list[Row] = [
        (one["key"], str(pair["a"]), str(pair["b"]), *(count(pair[name]) for name in ("prompts", "of_a", "of_b")))
        for one in facts.get("splits") or []
        for pair in one["pairs"]
    ]
    return Sheet(
        kind="autopsy-splits",
        title="Prompts that stand in two parts",
        header=("part by", "one", "other", "prompts in both", "prompts of one", "of the other"),
        rows=rows,
        names=(1, 2),
        right=(3, 4, 5),
    )


def _annotators(facts: Facts) -> Sheet:
    found = (facts.get("annotators") or {}).get("by_annotator") or []
    rows: list[Row] = [
        (
            str(one["annotator"]),
            count(one["votes"]),
            count(one["ties"]),
            measured(one["longer"], percent=True),
            measured(one["outcome"], percent=True),
            ", ".join(_FLAGS[flag] for flag in one["flags"]),
        )
        for one in found
    ]
    return Sheet(
        kind="autopsy-people",
        title="Annotators",
        header=("annotator", "votes", "ties", "for the longer", "with the outcome", "flags"),
        rows=rows,
        names=(0,),
        right=(1, 2, 3, 4),
        notes=(
            ("with the outcome", "how often the vote is what the row says; own votes are part of it"),
            ("length", "votes for the longer answer surely more or less often than the others"),
            ("outcome", "agrees with the outcome surely more or less often than the others"),
        ),
    )
