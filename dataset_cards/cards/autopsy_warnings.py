"""Plain warnings where a reward model could learn a shortcut from preferences, with what to do about each."""

from collections.abc import Iterator, Mapping
from typing import Any

from .agreement import measured
from .autopsy_rules import autopsy, better, decided, explained, of_pairs, rules
from .plain import count, one_line, share

Facts = Mapping[str, Any]

# Beyond one half, and surely so; docs/autopsy.md says why so far.
LENGTH = 0.05  # a rule that decides nearly every pair: length, place
STYLE = 0.10  # a rule that decides the pairs that differ in something
TOGETHER = 0.10
COVERED = 0.01  # of all pairs, which a rule must decide at least
CONTRADICTING = 0.01  # of all pairs
LEAKING = 0.01  # of the prompts of the smaller split

_BLIND = "Hold a reward model against content-blind rules before you use it: the report of the recipe `reward` does."
_LENGTH = "Leave pairs out until each side is the longer one equally often, or judge pairs of like length."
_OTHERS = ("apology", "compliance", "questions", "exclamations", "hedges", "capitals", "echo")


def warnings(version: Facts) -> list[str]:
    """Sentences for the very top of card and report, the strongest of shortcuts first; none where none was found."""
    facts = autopsy(version)
    if not facts:
        return []
    found = rules(facts)
    pairs = facts.get("pairs", 0) - facts.get("ties", 0)
    warned = {name: one for name, one in found.items() if _beyond(one, pairs)}
    shortcuts = [
        *_length(warned),
        *_refusing(warned),
        *_agreeing(warned),
        *_markdown(warned),
        *_place(warned),
        *_others(warned),
        *_together(facts),
    ]
    if shortcuts:
        shortcuts[-1] += f" {_BLIND}"
    return [*shortcuts, *_contradicting(facts), *_leaks(facts)]


def _beyond(one: Facts, pairs: int) -> bool:
    """Whether a rule is surely right or wrong too often, about enough pairs, and not for length alone."""
    least = LENGTH if one["rule"] in ("characters", "words", "position") else STYLE
    far = abs(one["share"][0] - 0.5) >= least
    about_length = one["rule"] in ("characters", "words")
    return bool(one["sure"]) and far and decided(one) >= COVERED * pairs and (about_length or not explained(one))


def _length(found: Mapping[str, Facts]) -> Iterator[str]:
    if one := found.get("characters"):
        name, does = ("Verbosity", "say more") if one["share"][0] > 0.5 else ("Brevity", "say less")
        yield (
            f"{name}: {better(one)[0]} is the chosen one in {of_pairs(one)}. A reward model can learn to {does}, "
            f"whatever is asked. {_LENGTH}"
        )


def _refusing(found: Mapping[str, Facts]) -> Iterator[str]:
    one = found.get("refusal") or found.get("refusal-opening")
    if not one:
        return
    how = "refuses" if one["rule"] == "refusal" else "begins like a refusal (sorry, cannot, or the like)"
    side = "chosen" if one["share"][0] > 0.5 else "rejected"
    learns = "refuse, harmless questions too" if side == "chosen" else "comply, with harmful requests too"
    yield (
        f"Refusal prior: where exactly one answer {how}, it is the {side} one in {better(one)[1]} of "
        f"{count(decided(one))} "
        f"pairs. A reward model can learn to {learns}. Add pairs in which the other side is right, and measure "
        "refusals "
        "on harmless and harmful prompts apart."
    )


def _agreeing(found: Mapping[str, Facts]) -> Iterator[str]:
    one = found.get("agreement")
    if one and one["share"][0] > 0.5:
        yield (
            f"Sycophancy: {better(one)[0]} is the chosen one in {of_pairs(one)}. A reward model can learn to "
            "flatter and to "
            "give in. Add pairs in which the user is wrong and the better answer says so."
        )


def _markdown(found: Mapping[str, Facts]) -> Iterator[str]:
    if one := found.get("markdown"):
        alike = measured((one.get("of_like_length") or {}).get("share"), percent=True)
        among = f", and the one with more of it in {alike} among answers of like length" if alike else ""
        yield (
            f"Markdown: {better(one)[0]} is the chosen one in {of_pairs(one)}{among}. A reward model can learn to "
            "prefer lists "
            "and headings to what they say. Take the marks off both sides, or balance them."
        )


def _place(found: Mapping[str, Facts]) -> Iterator[str]:
    if one := found.get("position"):
        yield (
            f"Position: {better(one)[0]} is the chosen one in {better(one)[1]} of {count(decided(one))} pairs whose "
            "order is "
            "known. Labels say in part where an answer stood. A model that compares two answers can learn the "
            "place; for one "
            "that scores a single answer the labels are noise. Show pairs in both orders, as the recipe `judge` does."
        )


def _others(found: Mapping[str, Facts]) -> Iterator[str]:
    hidden = {"apology"} if {"refusal", "refusal-opening"} & found.keys() else set()
    agreeing = [one for one in (found.get("agreement"),) if one and one["share"][0] < 0.5]
    listed = agreeing + [found[name] for name in _OTHERS if name in found and name not in hidden]
    if listed:
        said = "; ".join(f"{better(one)[0]}, {better(one)[1]} of {count(decided(one))} pairs" for one in listed)
        yield (
            f"Marks of style go with the choice: {said}. A reward model can learn the mark in place of what is "
            "meant. Balance "
            "pairs by it, or take it off both sides."
        )


def _together(facts: Facts) -> Iterator[str]:
    one = facts.get("together") or {}
    value = measured(one.get("share"), percent=True)
    if value is None or not one["sure"] or value.value - 0.5 < TOGETHER:
        return
    yield (
        f"All rules together: a small model that never reads an answer picks the chosen one in {value} of pairs with "
        "prompts it has not seen. A reward model that is right no more often than that has learned nothing else."
    )


def _contradicting(facts: Facts) -> Iterator[str]:
    found = facts.get("duplicates") or {}
    rows, against = found.get("rows", 0), found.get("contradicting", 0)
    if against and against >= CONTRADICTING * rows:
        yield (
            f"{count(against)} pairs ({share(against, rows)}) are there the other way round too: the same prompt "
            "and answers, "
            "with chosen and rejected swapped. Nothing can be learned from them. Have people decide them, or leave "
            "them out."
        )


def _leaks(facts: Facts) -> Iterator[str]:
    for one in facts.get("splits") or []:
        for pair in one["pairs"] if one.get("key") == "split" else []:
            least = min(pair["of_a"], pair["of_b"])
            if pair["prompts"] >= LEAKING * least:
                yield (
                    f"{count(pair['prompts'])} prompts ({share(pair['prompts'], least)} of the smaller part) stand "
                    "in the "
                    f"splits {one_line(pair['a'], 40)} and {one_line(pair['b'], 40)} both, so what is measured on "
                    "one was "
                    "learned from the other. Split by prompt; the recipe "
                    "`curation.decontaminate.recipe:decontaminate` takes "
                    "out of one version what stands in another."
                )
                break
