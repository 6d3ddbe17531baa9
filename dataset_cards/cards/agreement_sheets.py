"""The tables on agreement for card and report alike: measures, answers, outcomes, annotators, pairs, slices."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from .agreement import agreement, is_percent, measured, questions
from .plain import count, one_line, share
from .sheet import Row, Sheet

Asked = list[tuple[str | None, Mapping[str, Any]]]  # questions, each with the facts on it

# What an answer stands for where it does not say so itself.
_MEANING = {
    ("comparisons", "1"): "the row's first response, wherever it stood on the screen",
    ("comparisons", "2"): "the row's second response, wherever it stood on the screen",
    ("comparisons", "tie"): "equally good",
    ("comparisons", "both-bad"): "neither should be given",
}
_CAME_ABOUT = {
    "unanimous": "everybody gave the same answer",
    "majority": "more gave this answer than any other",
    "weighted": "the answers for it weigh most",
    "mean": "the mean of what was given",
    "adjudicated": "an adjudicator decided after the first answers",
    "tie": "nothing won",
}
_PEOPLE = {
    "agreement": "share of the others' answers to the same rows that are the same",
    "gold": "share of items with a known answer that were answered so",
    "reliability": "how likely an answer is right (of rankings: not the opposite), estimated from all answers together",
    "weight": "what one answer counts for where answers are weighted",
    "same again": "share of rows shown a second time that got the same answer",
    "first shown": "share of choices that fell on what stood first",
    "seconds": "median time for an answer",
    "flags": "reasons to talk to a person, not verdicts",
}
FLAGS = {
    "fast": "takes less than a third of the others' time",
    "straight-lining": "one answer in a long run, or hardly any other answer",
    "position": "one place on the screen is surely chosen more or less often than chance explains",
}


def sheets(version: Mapping[str, Any]) -> list[Sheet]:
    """Every table there is something for; columns without a single value are left out."""
    facts = agreement(version)
    asked = list(questions(facts))
    several: Asked = [(question, part) for question, part in asked if question is not None and part is not facts]
    found = [
        _measures(asked),
        _answers(asked, facts.get("task")),
        _decided(facts),
        _people([(None, facts)], "By annotator"),
        _people(several, "By annotator and question"),
        _pairs(asked),
        _slices(asked),
    ]
    return [_filled(sheet) for sheet in found if sheet.rows]


def _each(asked: Asked, key: str) -> Iterator[tuple[str | None, Mapping[str, Any]]]:
    """The entries of a list in the facts, each with the question it belongs to."""
    return ((question, one) for question, part in asked for one in part.get(key) or [])


def _measures(asked: Asked) -> Sheet:
    rows: list[Row] = []
    for question, one in _each(asked, "measures"):
        value = measured(one.get("value"), is_percent(one["name"]))
        said = [one_line(one.get("how") or "", 200), f"no value: {one_line(one['why'])}" if one.get("why") else ""]
        judged = None if one.get("records") is None else count(one["records"])
        rows.append((question, one_line(one["name"], 80), value, judged, "; ".join(filter(None, said)) or None))
    header = ("question", "measure", "value", "rows", "how")
    return Sheet(kind="measures", title="How far they agree", header=header, rows=rows, names=(0,), right=(2, 3))


def _answers(asked: Asked, task: object) -> Sheet:
    rows: list[Row] = []
    for question, part in asked:
        labels = part.get("labels") or {}
        whole = sum(labels.values())
        for label, n in sorted(labels.items(), key=lambda one: _scale(str(one[0]))):
            rows.append((question, str(label), count(n), share(n, whole), _MEANING.get((str(task), str(label)))))
    header = ("question", "answer", "times", "share", "meaning")
    return Sheet(kind="answers", title="What they answered", header=header, rows=rows, names=(0, 1), right=(2, 3))


def _scale(label: str) -> tuple[bool, float, str]:
    """Numbers in their order, then words."""
    number = label.isascii() and label.isdecimal()
    return (not number, float(label) if number else 0.0, label)


def _decided(facts: Mapping[str, Any]) -> Sheet:
    decided = facts.get("decided") or {}
    whole = sum(decided.values())
    known = list(_CAME_ABOUT)
    ways = sorted(decided, key=lambda how: (known.index(how) if how in known else len(known), str(how)))
    rows: list[Row] = [
        (str(how), count(decided[how]), share(decided[how], whole), _CAME_ABOUT.get(how))
        for how in ways
        if decided[how]
    ]
    title = "How the final answers came about"
    header = ("decided", "times", "share", "meaning")
    return Sheet(kind="decided", title=title, header=header, rows=rows, names=(0,), right=(1, 2))


def _people(asked: Asked, title: str) -> Sheet:
    everybody = list(_each(asked, "by_annotator"))
    met = {flag for _, one in everybody for flag in one.get("flags") or []}
    return Sheet(
        kind="people",
        title=title,
        header=(
            *("question", "annotator", "judgements", "agreement", "gold", "gold items", "reliability", "weight"),
            *("same again", "first shown", "seconds", "flags"),
        ),
        rows=[(question, *_person(one)) for question, one in everybody],
        names=(0, 1),
        right=tuple(range(2, 11)),
        notes=(*_PEOPLE.items(), *((f"{flag} (flag)", said) for flag, said in FLAGS.items() if flag in met)),
    )


def _person(one: Mapping[str, Any]) -> Row:
    weight, seconds = one.get("weight"), one.get("median_seconds")
    return (
        str(one["annotator"]),
        count(one.get("judgements", 0)),
        measured(one.get("agreement"), True),
        measured(one.get("gold"), True),
        count(one["gold_items"]) if one.get("gold_items") else None,
        measured(one.get("reliability"), True),
        None if weight is None else f"{weight:.2f}",
        measured(one.get("repeat"), True),
        measured(one.get("first_shown"), True),
        None if seconds is None else f"{seconds:,.1f}",
        ", ".join(one_line(flag, 40) for flag in one.get("flags") or []) or None,
    )


def _pairs(asked: Asked) -> Sheet:
    """Those that agree least first; last those who never judged the same row."""

    def least(pair: tuple[str | None, Mapping[str, Any]]) -> tuple[float, str, str]:
        one = pair[1]
        value = measured(one.get("agreement")) or measured(one.get("tau"))
        return (2.0 if value is None else value.value, str(one["a"]), str(one["b"]))

    rows: list[Row] = [
        (
            *(question, str(one["a"]), str(one["b"]), count(one.get("records", 0))),
            *(measured(one.get("agreement"), True), measured(one.get("kappa")), measured(one.get("tau"))),
        )
        for question, one in sorted(_each(asked, "by_pair"), key=least)
    ]
    header = ("question", "annotator", "and", "rows of both", "agreement", "Cohen's kappa", "Kendall's tau")
    title = "By pair of annotators, those that agree least first"
    return Sheet(kind="pairs", title=title, header=header, rows=rows, names=(0, 1, 2), right=(3, 4, 5, 6))


def _slices(asked: Asked) -> Sheet:
    rows: list[Row] = [
        (
            *(question, str(one.get("slice", "")), str(one.get("value", "")), count(one.get("records", 0))),
            *(measured(one.get("agreement"), True), measured(one.get("alpha")), measured(one.get("tau"))),
        )
        for question, one in _each(asked, "by_slice")
    ]
    header = ("question", "slice", "value", "rows", "agreement", "alpha", "tau")
    return Sheet(kind="slices", title="By slice", header=header, rows=rows, names=(0, 1, 2), right=(3, 4, 5, 6))


def _filled(sheet: Sheet) -> Sheet:
    """The sheet without columns in which nothing stands."""
    places = [n for n in range(len(sheet.header)) if any(row[n] is not None for row in sheet.rows)]
    header = tuple(sheet.header[n] for n in places)
    return replace(
        sheet,
        header=header,
        rows=[tuple(row[n] for n in places) for row in sheet.rows],
        names=tuple(new for new, old in enumerate(places) if old in sheet.names),
        right=tuple(new for new, old in enumerate(places) if old in sheet.right),
        notes=tuple((term, said) for term, said in sheet.notes if term in header or term.endswith("(flag)")),
    )
