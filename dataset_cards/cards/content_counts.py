"""The tables that every kind of row has: lengths, where rows come from and when, how often they repeat, secrets."""

from collections.abc import Iterator, Mapping
from typing import Any

from .plain import count, figure, one_line, plural, share, top
from .sheet import Row, Sheet

Facts = Mapping[str, Any]

MOST_SHOWN = 20  # values of a column; version.json has more
QUANTILES = ("5", "50", "95")
_TALLIES = (
    ("sources", "Where do the rows come from?", "source"),
    ("licenses", "Under which licences are single rows?", "licence"),
    ("domains", "Which sites do they come from?", "domain"),
    ("origins", "Who wrote the answers?", "written by"),
)


def sheet(
    title: str,
    header: tuple[str, ...],
    rows: list[Row],
    names: tuple[int, ...] = (),
    notes: tuple[tuple[str, str], ...] = (),
) -> Sheet:
    """A table whose first column, and those of foreign names, are words, and all others numbers."""
    right = tuple(n for n in range(1, len(header)) if n not in names)
    return Sheet(kind="content", title=title, header=header, rows=rows, names=names, right=right, notes=notes)


def sentences(facts: Facts) -> Iterator[str]:
    if languages := facts.get("languages"):
        yield _languages(languages)
    for what, one in repeats(facts):
        if one["repeated"]:
            rows = f"{plural(one['repeated'], 'row')} ({share(one['repeated'], one['rows'])})"
            yield f"Of {rows}, {what} is that of an earlier row; one is there {plural(one['largest'], 'time')}."
        elif one["rows"] > 1:
            yield f"No two rows have {what} in common."
    for dates in (facts.get("dates") or {}).values():
        if dates["earliest"]:
            yield f"The oldest text is of {one_line(dates['earliest'])}, the newest of {one_line(dates['latest'])}."
    if unreadable := (facts.get("domains") or {}).get("unreadable"):
        yield f"Of {plural(unreadable, 'row')} the address could not be read."


def _languages(languages: Facts) -> str:
    how = languages.get("how") or {}
    told = [f"{plural(how.get('stated', 0), 'row')} as their column says"] if how.get("stated") else []
    told += [f"{plural(how['recognised'], 'row')} as a model recognises it"] if how.get("recognised") else []
    missing = f"{plural(languages['missing'], 'row')} unknown" if languages.get("missing") else ""
    return f"Language: {', '.join([*told, *([missing] if missing else [])]) or 'of no row known'}."


def repeats(facts: Facts) -> Iterator[tuple[str, Facts]]:
    """What may occur again, in words, and how often it does."""
    if found := facts.get("duplicates"):
        yield "the whole content", found
    for name in ("conversations", "prompts"):
        if found := (facts.get(name) or {}).get("first_questions"):
            yield "the first question", found


def sheets(facts: Facts, elsewhere: set[str]) -> Iterator[Sheet]:
    """The tables; those named in `elsewhere` are already shown."""
    yield _lengths(facts)
    for name, title, heading in _TALLIES:
        found = facts.get(name)
        if found and found["counts"] and name not in elsewhere:
            yield tally(title, heading, found)
    yield _dates(facts)
    yield _repeats(facts)
    yield _secrets(facts)


def tally(title: str, heading: str, found: Facts, unit: str = "rows") -> Sheet:
    """The most frequent values, and in a note what is not among them."""
    whole = sum(found["counts"].values()) + found["others"] + found["missing"]
    shown = top(found["counts"], MOST_SHOWN)
    rows: list[Row] = [(str(value), count(n), share(n, whole)) for value, n in shown]
    others = whole - found["missing"] - sum(n for _, n in shown)
    notes = []
    if others:
        notes.append(("others", f"{count(others)} {unit} with other values ({count(found['different'])} in all)"))
    if found["missing"]:
        notes.append(("missing", f"{count(found['missing'])} {unit} without a value"))
    if found.get("slack"):
        notes.append(
            ("counts", f"may be too low by {count(found['slack'])}: there are too many values to hold them all")
        )
    return sheet(title, (heading, unit, "share"), rows, names=(0,), notes=tuple(notes))


def _lengths(facts: Facts) -> Sheet:
    rows: list[Row] = [
        (
            *(str(name), count(one["values"]), count(one["characters"]), count(one["words"])),
            *(count(one["quantiles"][at]) for at in QUANTILES),
            count(one["longest"]),
        )
        for name, one in (facts.get("lengths") or {}).items()
        if one["values"]
    ]
    header = ("column", "rows", "characters", "words", *(f"{at} %" for at in QUANTILES), "longest")
    notes = (
        ("words", "what white space separates; few in languages that are written without"),
        ("5 %, 50 %, 95 %", "so many rows have at most this many characters, to 1 %"),
    )
    return sheet("How long are the rows?", header, rows, names=(0,), notes=notes)


def _dates(facts: Facts) -> Sheet:
    rows: list[Row] = []
    notes = []
    for column, dates in (facts.get("dates") or {}).items():
        whole = sum(dates["by_year"].values())
        rows += [(str(year), count(n), share(n, whole)) for year, n in dates["by_year"].items()]
        for name, said in (("missing", "without a date"), ("unreadable", "with a date that is not of ISO 8601")):
            if dates[name]:
                notes.append((f"{name} in {one_line(column, 40)}", f"{plural(dates[name], 'row')} {said}"))
    return sheet("How old are the texts?", ("year", "rows", "share"), rows, names=(0,), notes=tuple(notes))


def _repeats(facts: Facts) -> Sheet:
    rows: list[Row] = [
        (
            what,
            *(count(one[name]) for name in ("rows", "different", "repeated", "largest")),
            share(one["repeated"], one["rows"]),
        )
        for what, one in repeats(facts)
        if one["repeated"]
    ]
    header = ("what is the same", "rows looked at", "different", "repeated", "most frequent", "repeated share")
    return sheet("How much is there more than once?", header, rows)


def _secrets(facts: Facts) -> Sheet:
    kinds = (facts.get("secrets") or {}).get("kinds") or {}
    rows: list[Row] = [(str(kind), count(one["finds"]), count(one["rows"])) for kind, one in kinds.items()]
    return sheet("Which keys and passwords are in the rows?", ("kind", "finds", "rows"), rows, names=(0,))


def quantiles(one: Facts) -> tuple[str, ...]:
    """The 5 %, 50 % and 95 % of a summary, and its largest."""
    if not one.get("values"):
        return ("", "", "", "")
    return (*(figure(one["quantiles"][at]) for at in QUANTILES), figure(one["longest"]))
