"""Tables and sentences on kinds of their own: rankings, verifiable problems, outputs of a teacher, judgements."""

from collections.abc import Iterator, Mapping
from typing import Any

from .agreement import Interval, measured
from .content_counts import QUANTILES, quantiles, sheet, tally
from .plain import count, one_line, plural, share
from .sheet import Row, Sheet

Facts = Mapping[str, Any]

_TEACHER = (
    ("left_out", "probability that is not stored"),
    ("first", "probability of the likeliest token"),
    ("entropy", "entropy in nats, at least"),
)
_MOST_K = 10


def sentences(facts: Facts) -> Iterator[str]:
    if ranked := facts.get("rankings"):
        rows = sum(ranked["responses"].values())
        yield f"With a tie: {count(ranked['tied'])} of {plural(rows, 'ranking')} ({share(ranked['tied'], rows)})."
        longest = measured(ranked["longest_best"]["share"], percent=True)
        if longest is not None:
            apart = plural(ranked["longest_best"]["rows"], "row")
            yield f"The longest response is ranked best in {longest}, of {apart} where one can be told."
    if solved := facts.get("verifiable"):
        first = measured(solved["answers"]["first_share"], percent=True)
        if first is not None and solved["answers"]["counts"]:
            yield f"Who always gives the most frequent answer is right in {first}."
        again = solved["questions"]
        if again["again"]:
            several = count(again["disagreeing"])
            yield f"{plural(again['again'], 'question')} asked more than once, {several} of them with two answers."
    if taught := facts.get("teacher"):
        yield f"{plural(taught['positions']['sum'], 'token')} with stored probabilities."
    if judged := facts.get("judgements"):
        records = judged["records"]
        people = plural(judged["annotators"]["different"], "annotator")
        several = f"{count(records['groups'])} of them more than once, {count(records['largest'])} times at most"
        several = several if records["groups"] else "each of them once"
        yield f"{plural(records['different'], 'record')} judged by {people}; {several}."


def warnings(facts: Facts) -> Iterator[str]:
    """What makes rows useless or wrong."""
    solved = facts.get("verifiable") or {}
    bad = sum(one["unchecked"] for one in (solved.get("verifiers") or {}).values())
    looked = sum(one["looked_at"] for one in (solved.get("verifiers") or {}).values())
    if bad:
        yield (
            f"No verifier can check {count(bad)} of the {plural(looked, 'answer')} that were looked at "
            f"({share(bad, looked)}): no model can ever be right there."
        )
    if disagreeing := (solved.get("questions") or {}).get("disagreeing"):
        asked = plural(disagreeing, "question")
        yield f"{asked} asked more than once with different answers: one of them must be wrong."


def limits(facts: Facts) -> Iterator[str]:
    for name, one in ((facts.get("verifiable") or {}).get("verifiers") or {}).items():
        if one["looked_at"] < one["rows"]:
            left = plural(one["rows"] - one["looked_at"], "answer")
            yield f"Whether {left} of the verifier {one_line(name, 60)} can be checked was not looked at."


def sheets(facts: Facts) -> Iterator[Sheet]:
    yield from _rankings(facts.get("rankings") or {})
    yield from _verifiable(facts.get("verifiable") or {})
    yield from _teacher(facts.get("teacher") or {})
    yield from _judgements(facts.get("judgements") or {})


def _rankings(ranked: Facts) -> Iterator[Sheet]:
    if not ranked:
        return
    rows = sum(ranked["responses"].values())
    cells: list[Row] = [(f"{many} responses", count(n), share(n, rows)) for many, n in ranked["responses"].items()]
    for name, said in (
        ("tied", "with a tie"),
        ("all_tied", "where nothing is preferred"),
        ("same", "with two responses of the same text"),
        ("unreadable", "whose ranks do not fit their responses"),
    ):
        cells.append((said, count(ranked[name]), share(ranked[name], rows)))
    yield sheet("What do rankings look like?", ("rows", "number", "share"), cells)
    whole = sum(ranked["best_at"].values())
    places: list[Row] = [(str(place), count(n), share(n, whole)) for place, n in ranked["best_at"].items()]
    notes = (("place", "in the order in which responses are stored; rows with one best response"),)
    yield sheet("Where does the best response stand?", ("place", "rows", "share"), places, notes=notes)


def _verifiable(solved: Facts) -> Iterator[Sheet]:
    if not solved:
        return
    verifiers = solved["verifiers"]
    cells: list[Row] = [
        (
            *(str(name), count(one["rows"]), count(one["looked_at"]), count(one["unchecked"])),
            _percent(one["in_prompt"]["share"]),
            *quantiles(one["answer_length"]),
        )
        for name, one in verifiers.items()
    ]
    header = ("verifier", "rows", "looked at", "cannot be checked", "in the question")
    notes = (
        ("in the question", "the answer stands there as it is; numbers of few digits often do so by chance"),
        ("5 %, 50 %, 95 %", "so many answers have at most this many characters, to 1 %"),
    )
    lengths = (*(f"{at} %" for at in QUANTILES), "longest")
    yield sheet("Can the answers be checked?", (*header, *lengths), cells, names=(0,), notes=notes)
    problems: list[Row] = [
        (str(name), str(one["problem"]), count(one["rows"]), str(one["answer"] or ""))
        for name, found in verifiers.items()
        for one in found["problems"]
    ]
    columns = ("verifier", "problem", "rows", "an answer")
    yield sheet("What keeps answers from being checked?", columns, problems, names=(0, 1, 3))
    yield tally("Which answers are the most frequent?", "answer", solved["answers"])


def _teacher(taught: Facts) -> Iterator[Sheet]:
    if not taught:
        return
    cells: list[Row] = [
        (said, f"{one['mean']:.4f}", *quantiles(one)) for name, said in _TEACHER if (one := taught[name])["values"]
    ]
    header = ("of each position", "mean", *(f"{at} %" for at in QUANTILES), "largest")
    notes = (("at least", "what is not stored is taken as one token more"),)
    yield sheet("How sure was the teacher, and how much of it is stored?", header, cells, notes=notes)
    whole = sum(taught["k"].values())
    most = sorted(taught["k"].items(), key=lambda one: -one[1])[:_MOST_K]
    stored: list[Row] = [(str(k), count(n), share(n, whole)) for k, n in most]
    yield sheet("How many tokens are stored of a position?", ("tokens", "positions", "share"), stored)
    if taught["tokenizers"]["different"] > 1:
        yield tally("Which tokenizers made them?", "tokenizer", taught["tokenizers"])


def _judgements(judged: Facts) -> Iterator[Sheet]:
    if not judged:
        return
    yield tally("Who judged how much?", "annotator", judged["annotators"], "judgements")
    seconds = judged["seconds"]
    cells: list[Row] = [(count(seconds["values"]), *quantiles(seconds))] if seconds["values"] else []
    header = ("judgements with a time", *(f"{at} %" for at in QUANTILES), "longest")
    yield sheet("How many seconds did a judgement take?", header, cells)


def _percent(triple: Any) -> Interval | None:
    return measured(triple, percent=True)
