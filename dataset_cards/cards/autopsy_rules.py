"""The rules of an autopsy in words, and what their figures say together."""

from collections.abc import Mapping
from typing import Any

from .agreement import Interval, measured
from .plain import count

Facts = Mapping[str, Any]

# The answer that a rule picks, and the one that its opposite picks.
RULES: Mapping[str, tuple[str, str]] = {
    "characters": ("the longer answer", "the shorter answer"),
    "words": ("the answer with more words", "the answer with fewer words"),
    "markdown": ("the answer with more Markdown", "the answer with less Markdown"),
    "lists": ("the answer with more list items", "the answer with fewer list items"),
    "headings": ("the answer with more headings", "the answer with fewer headings"),
    "bold": ("the answer with more bold text", "the answer with less bold text"),
    "code": ("the answer with more code fences", "the answer with fewer code fences"),
    "questions": ("the answer with more question marks", "the answer with fewer question marks"),
    "exclamations": ("the answer with more exclamation marks", "the answer with fewer exclamation marks"),
    "hedges": ("the answer that hedges more", "the answer that hedges less"),
    "capitals": ("the answer with more words in capitals", "the answer with fewer words in capitals"),
    "agreement": ("the answer that opens with praise or agreement", "the answer that opens without praise"),
    "apology": ("the answer that opens with an apology", "the answer that opens without an apology"),
    "compliance": (
        "the answer that opens with \u201csure\u201d or so",
        "the answer that opens without \u201csure\u201d or so",
    ),
    "refusal-opening": ("the answer with the first words of a refusal", "the answer without such first words"),
    "echo": ("the answer that repeats the prompt\u2019s first words", "the answer that does not repeat them"),
    "refusal": ("the answer that refuses, where one does", "the answer that does not refuse, where one does"),
    "position": ("the answer that stood first", "the answer that stood second"),
}


def autopsy(version: Facts) -> Facts:
    """The facts of the autopsy; empty where none was made."""
    found: Facts = ((version.get("facts") or {}).get("content") or {}).get("autopsy") or {}
    return found


def rules(facts: Facts) -> dict[str, Facts]:
    """By name, those that say something about any pair."""
    return {one["rule"]: one for one in facts.get("rules") or [] if one.get("share") and one["rule"] in RULES}


def decided(one: Facts) -> int:
    """The pairs that a rule decides."""
    return int(one["right"]) + int(one["wrong"])


def won(one: Facts) -> Interval:
    """How often a rule is right."""
    found = measured(one["share"], percent=True)
    assert found is not None, "a rule that decides something"
    return found


def turned(share: Interval) -> Interval:
    """The same for the opposite of a rule."""
    low, high = (None if end is None else 1 - end for end in (share.high, share.low))
    return Interval(value=1 - share.value, low=low, high=high, percent=share.percent)


def better(one: Facts) -> tuple[str, Interval]:
    """The answer that wins more often than not, and how often, whichever way round the rule has to be read."""
    share, (more, less) = won(one), RULES[one["rule"]]
    return (more, share) if share.value >= 0.5 else (less, turned(share))


def explained(one: Facts) -> bool:
    """Whether length alone explains what a rule is right about.

    Among pairs of like length its share is then surely another one than among all, and not surely on the same side of
    one half.
    """
    alike = (one.get("of_like_length") or {}).get("share")
    if not alike:
        return False
    value, (_, low, high) = one["share"][0], alike
    return bool(not low <= value <= high and (low <= 0.5 if value > 0.5 else high >= 0.5))


def of_pairs(one: Facts) -> str:
    """`56 % (53 to 59) of 1,359 pairs`, read in the direction that wins."""
    return f"{better(one)[1]} of {count(decided(one))} pairs"
