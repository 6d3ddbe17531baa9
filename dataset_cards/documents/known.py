"""What version.json knows that somebody who fills in about.yaml should look at, and that their answers are held to."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

Record = Mapping[str, Any]

# Ops that ask a model and add no text of its own to the rows.
_WRITE_NOTHING = frozenset({"Judge", "Asking"})
_NO_LICENCE = frozenset({"", "unknown", "noassertion", "none"})
_NO_MODEL = frozenset({"", "human", "unknown"})


def ref(one: Record) -> str:
    return f"{one['name']}@{one['version']}"


def behind(record: Record) -> list[Record]:
    """The version itself and every one behind it that version.json tells of, in the form of an ancestor."""
    facts = record.get("facts") or {}
    own = {**record, "licenses": facts.get("licenses"), "sources": facts.get("sources"), "content": content(record)}
    return [own, *(record.get("ancestors") or ())]


def refs(record: Record) -> list[str]:
    """The version, its parents and all that is behind them."""
    every = [record, *(record.get("parents") or ()), *(record.get("ancestors") or ())]
    return list(dict.fromkeys(ref(one) for one in every))


def content(record: Record) -> Record:
    """What was measured of the rows; empty where nothing was."""
    found: Record = (record.get("facts") or {}).get("content") or {}
    return found


def counts(told: Any) -> dict[str, int]:
    """Values and how often each occurs, of a tally or of plain counts; the most frequent first, ties by name."""
    if isinstance(told, Mapping) and isinstance(told.get("counts"), Mapping):
        told = told["counts"]
    if not isinstance(told, Mapping):
        return {}
    found = {str(value): n for value, n in told.items() if isinstance(n, int) and not isinstance(n, bool)}
    return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))


def tallied(record: Record, *keys: str) -> dict[str, int]:
    """The counts under any of these names in the version and those behind it, with the largest count of each value."""
    found: dict[str, int] = {}
    for one in behind(record):
        for key in keys:
            for value, n in {**counts(one.get(key)), **counts((one.get("content") or {}).get(key))}.items():
                found[value] = max(n, found.get(value, 0))
    return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))


def licences(record: Record) -> list[str]:
    """Every licence that is stated anywhere: for the version, for rows of it, for versions behind it."""
    stated = [str(one.get("license") or "unknown") for one in behind(record)]
    return list(dict.fromkeys([*stated, *tallied(record, "licenses", "license")]))


def is_licence(text: str) -> bool:
    return text.strip().lower() not in _NO_LICENCE


def domains(record: Record) -> dict[str, int]:
    return tallied(record, "domains")


def models(record: Record) -> list[str]:
    """Models that wrote some of it: those that rows name as their origin, and those that the recipe asked for text."""
    named = list(tallied(record, "origins"))
    for step in (record.get("recipe") or {}).get("steps") or ():
        named += _asked(str(step.get("op")), step.get("fields"))
    return sorted({name for name in named if name.strip().lower() not in _NO_MODEL})


def personal(record: Record) -> dict[str, int]:
    """Kinds of personal data that were found in rows of this version, and in how many; secrets are none."""
    found: dict[str, int] = {}
    for stage, kinds in ((record.get("facts") or {}).get("spans") or {}).items():
        if "secret" not in str(stage).lower():
            for kind, told in kinds.items():
                found[str(kind)] = found.get(str(kind), 0) + int(told.get("rows", 0))
    return found


def written_between(record: Record) -> tuple[str, str] | None:
    """The ends of the days that rows carry, as exact as they were written."""
    told = (content(record).get("dates") or {}).values()
    ends = [(str(one["earliest"]), str(one["latest"])) for one in told if one.get("earliest")]
    return (min(first for first, _ in ends), max(last for _, last in ends)) if ends else None


def frozen_on(record: Record) -> date | None:
    """The day of the freeze, in UTC."""
    try:
        return date.fromisoformat(str(record.get("created"))[:10])
    except ValueError:
        return None


def _asked(op: str, fields: Any) -> Iterator[str]:
    """The models named in a field `sampling` of the op and of the ops among its fields."""
    if isinstance(fields, Mapping):
        for key, value in fields.items():
            if key == "sampling" and op not in _WRITE_NOTHING:
                yield from _model(value)
            elif isinstance(value, Mapping) and str(key)[:1].isupper():
                yield from _asked(str(key), value)
            else:
                yield from _asked(op, value)
    elif isinstance(fields, list | tuple):
        for item in fields:
            yield from _asked(op, item)


def _model(sampling: Any) -> Iterator[str]:
    if isinstance(sampling, Mapping):
        if isinstance(sampling.get("model"), str):
            yield sampling["model"]
        for inside in sampling.values():
            if isinstance(inside, Mapping):
                yield from _model(inside)
