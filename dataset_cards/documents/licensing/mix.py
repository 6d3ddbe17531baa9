"""The licence of a mix: its parts, what they ask together, and what nobody has settled yet."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...cards.account import facts
from ...cards.plain import count, one_line, plural, share
from ..about import About
from ..roots import Behind, behind
from .conflicts import Conflict, changes, conflicts, no_expression
from .fit import becomes, least, taken, together
from .parts import Part, decide, parts
from .spdx import UNKNOWN, choices
from .terms import asks, terms

PEOPLE = frozenset({"human", "unknown", ""})  # what `origin` says where no model wrote


@dataclass(frozen=True, kw_only=True)
class Mix:
    """What is known of the licences in a version. It is bookkeeping and no legal advice.

    Attributes:
        parts: those with most rows first, with the licences taken for them.
        conflicts: the open ones first.
        outcome: the SPDX expression that asks for all that the parts ask; `unknown` if one of them is unknown.
        given: the licence that a person gave for the whole; empty where nobody did.
        why: sentences that say which parts force what.
        attributions: whose names or notices have to go with the rows, one sentence for each part.
        remarks: what else a reader should know; nothing here has to be settled.
    """

    parts: tuple[Part, ...]
    conflicts: tuple[Conflict, ...]
    outcome: str
    given: str = ""
    why: tuple[str, ...] = ()
    attributions: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def open(self) -> tuple[Conflict, ...]:
        """The conflicts that nobody has settled."""
        return tuple(one for one in self.conflicts if not one.resolved)


def mix(record: Mapping[str, Any], about: About | None) -> Mix:
    """The licence of a version.

    Args:
        record: what version.json says.
        about: its licensing settles parts that are unknown or in conflict; None as long as nobody has said anything.
    """
    licensing = about.licensing if about else None
    found = behind(record)
    stated = parts(record, about.collection.sources if about else ())
    decisions = licensing.decisions if licensing else ()
    made, idle = decide(stated, decisions)
    changed = changes(record, found)
    before = conflicts(stated, licensing, changed, kept_apart=False)
    after = conflicts(made, licensing, changed)
    settled = [
        replace(one, resolved=True, by=_reason(one, made, licensing.reason if licensing else ""))
        for key, one in sorted(before.items())
        if key not in after
    ]
    still = [*no_expression(decisions), *(after[key] for key in sorted(after))]
    return Mix(
        parts=tuple(made),
        conflicts=(*still, *settled),
        outcome=together(_all(made)),
        given=licensing.license if licensing else "",
        why=tuple(_why(made)),
        attributions=tuple(_attributions(made)),
        remarks=tuple(_remarks(record, found, about, [one.of for one in idle])),
    )


def _all(made: Iterable[Part]) -> list[str]:
    return [one for part in made for one in (taken(part.license) if part.license != UNKNOWN else (UNKNOWN,))]


def _reason(conflict: Conflict, made: Sequence[Part], whole: str) -> str:
    """The reasons of the decisions that settled a conflict, or that of the licence for the whole."""
    # A part that was cut by source goes on in pieces that end with its name.
    own = [part.decided for part in made if part.decided and part.what.endswith(conflict.parts)]
    return " ".join(dict.fromkeys(own)) or whole


def _why(made: Sequence[Part]) -> Iterator[str]:
    unknown = [part for part in made if part.license == UNKNOWN]
    if unknown:
        names = _listed([part.what for part in unknown])
        yield f"The outcome is unknown, because no licence is known for {names}."
    for part in made:
        if part.decided and part.license != UNKNOWN:
            stated = one_line(part.stated, 80)
            said = f", stated as {stated}," if stated and stated not in part.what else ","
            yield f"For {part.what}{said} {part.license} is taken: {one_line(part.decided, 500)}"
        if part.license != UNKNOWN and len(choices(part.license)) > 1:
            kept = " AND ".join(sorted(taken(part.license)))
            yield f"{part.license} leaves a choice; {kept} asks for least and is taken for {part.what}."
    known = {licence for licence in _all(made) if licence != UNKNOWN}
    kept_whole = least(known)
    for licence in sorted(kept_whole):
        told = terms(licence)
        asked = f"asks {asks(told.duties)}" if told else "is not in the table here"
        yield f"{licence} {asked}: {_held(licence, made)}."
    for licence in sorted(known - kept_whole):
        over = sorted(one for one in kept_whole if becomes(licence, one))
        yield f"{licence} asks for nothing that {over[0]} does not: {_held(licence, made)}."


def _held(licence: str, made: Sequence[Part]) -> str:
    """Which parts are under a licence, with their rows where these are known."""
    own = [part for part in made if part.license != UNKNOWN and licence in taken(part.license)]
    return _listed(
        [
            part.what
            if part.rows is None or part.share is None
            else f"{part.what} ({plural(part.rows, 'row')}, {share(round(1e6 * part.share), 1_000_000)})"
            for part in own
        ]
    )


def _attributions(made: Sequence[Part]) -> Iterator[str]:
    for part in made:
        licences = sorted(taken(part.license)) if part.license != UNKNOWN else []
        asking = [one for one in licences if (told := terms(one)) is None or told.attribution]
        if asking:
            source = f" ({one_line(part.source, 300)})" if part.source else ""
            credit = any((told := terms(one)) and "credit" in told.duties for one in asking)
            what = "the authors' names and the notice" if credit else "the notice"
            yield f"Keep {what} of {' and '.join(asking)} with {part.what}{source}."


def _remarks(record: Mapping[str, Any], found: Behind, about: About | None, idle: Sequence[str]) -> Iterator[str]:
    if models := _models(record, found, about):
        names = _listed(
            [f"{one_line(name, 80)} ({plural(n, 'row')})" if n else one_line(name, 80) for name, n in models]
        )
        yield (
            f"Rows were written by {names}. Who offers a model may have terms for what it writes; no licence of the "
            "data tells of these."
        )
    if found.aside:
        yield f"Nothing is inside of {_listed([one_line(one) for one in found.aside])}: only read, to compare."
    if idle:
        yield f"Decisions on {_listed([one_line(one, 80) for one in idle])} are about no part of this version."


def _models(record: Mapping[str, Any], found: Behind, about: About | None) -> list[tuple[str, int]]:
    """Models that wrote rows, with how many here where that was counted."""
    own = ((facts(record).get("content") or {}).get("origins") or {}).get("counts") or {}
    counts = {name: int(n) for name, n in own.items()}
    for one in record.get("ancestors") or ():
        if f"{one.get('name')}@{one.get('version')}" in found.reach:
            for name in ((one.get("content") or {}).get("origins") or {}).get("counts") or {}:
                counts.setdefault(name, 0)
    for source in about.collection.sources if about else ():
        if source.model:
            counts.setdefault(source.model, 0)
    return sorted((name, n) for name, n in counts.items() if name.strip().lower() not in PEOPLE)


def _listed(names: Sequence[str], most: int = 12) -> str:
    shown = ", ".join(names[:most])
    return f"{shown} and {count(len(names) - most)} more" if len(names) > most else shown
