"""Tables and sentences on messages: who speaks, how long rows go on, system prompts, refusals, traces of templates."""

from collections.abc import Iterator, Mapping
from typing import Any

from .agreement import measured
from .content_counts import QUANTILES, quantiles, sheet
from .plain import count, plural, share
from .sheet import Row, Sheet

Facts = Mapping[str, Any]

_TALKS = (("conversations", "conversations"), ("prompts", "prompts"))


def talks(facts: Facts) -> list[tuple[str, Facts]]:
    """What messages were counted in, and the facts on them."""
    return [(said, facts[name]) for name, said in _TALKS if facts.get(name)]


def sentences(facts: Facts) -> Iterator[str]:
    for said, talk in talks(facts):
        rows = _rows(talk)
        if system := talk["system"]["rows"]:
            different = plural(talk["system"]["different"], "different one")
            yield f"{count(system)} of {count(rows)} {said} ({share(system, rows)}) have a system prompt; {different}."
        else:
            yield f"No system prompt in any of the {said}." if rows else "There are no messages."
        if talk["empty_messages"]:
            yield f"{plural(talk['empty_messages'], 'message')} of the {said} without a visible character."
    for name in ("conversations", "teacher"):
        talk = facts.get(name) or {}
        if refusals := talk.get("refusals"):
            drawn = (
                f", {count(refusals['looked_at'])} of them looked at" if refusals["looked_at"] < refusals["of"] else ""
            )
            found = measured(refusals["share"], percent=True)
            if found is not None:
                of = plural(refusals["of"], "row")
                yield f"The last answer declines what was asked in {found} of {of}{drawn}."
        if (answers := talk.get("answers")) and (answers["empty"] or answers["short"]):
            yield (
                f"Of {plural(answers['answers'], 'answer')}, {count(answers['empty'])} have no text and "
                f"{count(answers['short'])} ({share(answers['short'], answers['answers'])}) shorter than "
                f"{answers['short_under']} characters."
            )
    for said, traces in _traces(facts):
        if traces["rows"]:
            yield (
                f"{plural(traces['rows'], 'row')} hold a mark of a chat template inside the text of {said}: a model "
                "that learns from them may write such marks itself."
            )


def _rows(talk: Facts) -> int:
    return int(sum(talk["turns"]["counts"].values()) + talk["turns"]["more"])


def _traces(facts: Facts) -> Iterator[tuple[str, Facts]]:
    for name, said in (*_TALKS, ("teacher", "completions"), ("documents", "documents")):
        if traces := (facts.get(name) or {}).get("templates"):
            yield said, traces


def sheets(facts: Facts) -> Iterator[Sheet]:
    for said, talk in talks(facts):
        yield _turns(said, talk)
        yield _roles(said, talk)
        yield _system(said, talk)
    rows: list[Row] = [
        (str(mark), said, count(n)) for said, traces in _traces(facts) for mark, n in traces["traces"].items()
    ]
    notes = (
        ("a mark", "where people write about HTML or about chats themselves it can be there rightly"),
        ("Human: and the like", "only at the beginning of a line"),
    )
    title = "Which marks of chat templates stand in texts?"
    yield sheet(title, ("mark", "in", "rows"), rows, names=(0, 1), notes=notes)


def _turns(said: str, talk: Facts) -> Sheet:
    rows = _rows(talk)
    by_many = sorted(talk["turns"]["counts"].items(), key=lambda one: int(one[0]))
    cells: list[Row] = [(str(many), count(n), share(n, rows)) for many, n in by_many]
    if more := talk["turns"]["more"]:
        cells.append((f"more than {talk['turns']['more_than']}", count(more), share(more, rows)))
    return sheet(f"How many messages do {said} have?", ("messages", "rows", "share"), cells)


def _roles(said: str, talk: Facts) -> Sheet:
    begins, ends = talk["begins"], talk["ends"]
    cells: list[Row] = [
        (
            *(str(role), count(one["values"]), count(one["characters"]), *quantiles(one)),
            *(count(begins.get(role, 0)), count(ends.get(role, 0))),
        )
        for role, one in talk["roles"].items()
    ]
    header = ("role", "messages", "characters", *(f"{at} %" for at in QUANTILES), "longest", "begins", "ends")
    notes = (
        ("5 %, 50 %, 95 %", "so many messages have at most this many characters, to 1 %"),
        ("begins, ends", "rows whose first and last message is of this role"),
    )
    return sheet(f"Who says how much in {said}?", header, cells, names=(0,), notes=notes)


def _system(said: str, talk: Facts) -> Sheet:
    cells: list[Row] = [(str(one["text"]), count(one["rows"])) for one in talk["system"]["most"]]
    title = f"Which system prompts are the most frequent in {said}?"
    return sheet(title, ("beginning of the system prompt", "rows"), cells, names=(0,))


def limits(facts: Facts) -> Iterator[str]:
    for name in ("conversations", "teacher"):
        talk = facts.get(name)
        if talk is None:
            continue
        if "refusals" not in talk:
            yield "Refusals were not looked for: nothing to recognise them with was there."
        else:
            yield "Refusals are recognised in English alone, in the last answer of a row alone."
