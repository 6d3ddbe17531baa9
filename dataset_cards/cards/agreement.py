"""What the facts say of the people who judged, in sentences: how many, on what, how far they agree."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .plain import one_line, plural

Triple = Sequence[float | None] | None  # a value and the ends of its 95 % interval; None where undefined

_JUDGED = {"comparisons": "pair", "demonstrations": "prompt"}  # what a task is about; a row where not named


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A measured value and its 95 % interval, where there is one."""

    value: float
    low: float | None
    high: float | None
    percent: bool = False
    digits: int = 3  # after the point; a percentage has none, or more where the interval is narrow

    @property
    def shown(self) -> str:
        return f"{self._written(self.value)} %" if self.percent else self._written(self.value)

    @property
    def span(self) -> str:
        """`68 to 74`; empty where no interval is known."""
        if self.low is None or self.high is None:
            return ""
        return f"{self._written(self.low)} to {self._written(self.high)}"

    def __str__(self) -> str:
        return f"{self.shown} ({self.span})" if self.span else self.shown

    def _written(self, number: float) -> str:
        if not self.percent:
            return f"{round(number, self.digits) + 0.0:.{self.digits}f}"  # adding 0 makes minus nought nought
        wide = 1.0 if self.low is None or self.high is None else self.high - self.low
        digits = 0 if wide >= 0.03 else 1
        # What is not quite nothing or all is not written so.
        while digits < 2 and number not in (0, 1) and round(100 * number, digits) in (0, 100):
            digits += 1
        shown = 100 * number if number in (0, 1) else min(max(100 * number, 0.01), 99.99)
        return f"{shown:.{digits}f}"


def agreement(version: Mapping[str, Any]) -> Mapping[str, Any]:
    """The facts on agreement; empty where nobody judged or nobody measured."""
    found: Mapping[str, Any] = (version.get("facts") or {}).get("agreement") or {}
    return found


def measured(triple: Triple, percent: bool = False, digits: int = 3) -> Interval | None:
    """A triple of the facts; None where it is undefined."""
    if not triple or triple[0] is None:
        return None
    low, high = (*triple[1:], None, None)[:2]
    return Interval(value=triple[0], low=low, high=high, percent=percent, digits=digits)


def is_percent(name: object) -> bool:
    """Whether a measure is a share, by its name."""
    return "percent" in str(name).lower()


def judged(facts: Mapping[str, Any]) -> str:
    """The noun for what was judged."""
    return _JUDGED.get(str(facts.get("task")), "row")


def questions(facts: Mapping[str, Any]) -> Iterator[tuple[str | None, Mapping[str, Any]]]:
    """What was asked, and the facts on it: of the whole, or one part for each question."""
    several = facts.get("questions") or {}
    if facts.get("measures") or facts.get("labels") or not several:
        yield facts.get("question"), facts
    yield from ((str(question), part) for question, part in several.items())


def leading(part: Mapping[str, Any], level: object, digits: int = 2) -> list[tuple[str, Interval]]:
    """The two measures that are said first: percent agreement and alpha, or Kendall's tau where rankings were given."""
    found = [
        (str(one["name"]), value)
        for one in part.get("measures") or []
        if (value := measured(one.get("value"), is_percent(one["name"]), digits)) is not None
    ]
    words = ("percent", "kendall") if level == "ranking" else ("percent", "alpha")
    picked = [next((one for one in found if word in one[0].lower()), None) for word in words]
    return [one for one in picked if one is not None] or found[:1]


def sentence(facts: Mapping[str, Any]) -> str:
    """All in one, e.g. `1,500 judgements by 3 annotators on 500 pairs; they agree on 71 % (68 to 74), ...`."""
    said = plural(facts.get("judgements", 0), "judgement")
    if annotators := facts.get("annotators"):
        said += f" by {plural(annotators, 'annotator')}"
    if records := facts.get("records"):
        said += f" on {plural(records, judged(facts))}"
    clauses = [said]
    for question, part in questions(facts):
        share = "they order {} of pairs of responses alike" if facts.get("level") == "ranking" else "they agree on {}"
        first = [
            share.format(value) if value.percent else f"{one_line(name, 80)} {value}"
            for name, value in leading(part, facts.get("level"))
        ]
        if first:
            clauses.append((f"{one_line(question, 60)}: " if question else "") + ", ".join(first))
    return "; ".join(clauses) + "."


def keys(version: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """The figures a report opens with: what it is, the value, and its interval."""
    facts = agreement(version)
    if facts.get("questions"):
        return
    for name, value in leading(facts, facts.get("level")):
        yield "agreement" if value.percent else one_line(name.partition(" (")[0], 40), value.shown, value.span


def guidelines(version: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What people were told: a line on the revision, and the text as it was shown."""
    return [
        (
            f"Revision {one_line(one.get('revision', ''), 40)}, {plural(one.get('judgements', 0), 'judgement')}",
            str(one.get("text") or ""),
        )
        for one in agreement(version).get("guidelines") or []
    ]


def remarks(version: Mapping[str, Any]) -> list[str]:
    """Sentences that stand below the tables."""
    facts = agreement(version)
    said = [one_line(text, 600) for text in facts.get("notes") or []]
    if discarded := facts.get("discarded"):
        said.append(f"{plural(discarded, 'item')} discarded: somebody looked and would not answer.")
    return said
