"""What in a mix keeps licences from being kept, each with the parts it is about."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from ...cards.account import facts
from ...cards.plain import count, one_line, plural
from ..about import Decision, Licensing
from ..roots import Behind, ref
from .fit import becomes, clash, taken
from .parts import Part
from .spdx import UNKNOWN, choices, spdx
from .terms import ASKS, BLOCKING, asks, terms

Key = tuple[str, ...]
_WRITTEN = ("generated", "answered", "ground", "constitutional", "self_instruct", "reasoned")
_LEAVES_TEXT = frozenset({"Adopt", "AdoptModel", "Mix"})
_LEAVES_TEXT_RECIPES = frozenset({"adopt", "mix"})


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """Something that has to be settled before the version is given away.

    Attributes:
        kind: `unknown`, `unread` (a licence that is not in the table), `permission`, `share-alike`,
            `no-derivatives`, `given` (the licence for the whole lacks something) or `decision`.
        parts: what each of its parts is.
        resolved: whether a decision, or the licence given for the whole, settles it.
        by: the reason that was given, where it is resolved.
    """

    kind: str
    sentence: str
    parts: tuple[str, ...]
    resolved: bool = False
    by: str = ""


def conflicts(
    made: Sequence[Part], licensing: Licensing | None, changed: Sequence[str], kept_apart: bool = True
) -> dict[Key, Conflict]:
    """Every conflict among parts as they are.

    Args:
        changed: how text was changed on the way, in sentences without a full stop; empty if it was not.
        kept_apart: whether naming both licences for the whole settles that no single one keeps both.
    """
    under: dict[str, list[str]] = {}
    for part in made:
        if part.license != UNKNOWN:
            for licence in taken(part.license):
                under.setdefault(licence, []).append(part.what)
    found: dict[Key, Conflict] = {}
    for part in made:
        if part.license == UNKNOWN:
            found["unknown", part.what, part.stated] = _unknown(part)
    for licence in sorted(under):
        for kind, sentence in _alone(licence, made, changed):
            found[kind, licence] = Conflict(kind=kind, sentence=sentence, parts=tuple(under[licence]))
    whole = spdx(licensing.license) if licensing else UNKNOWN
    given = choices(whole) if whole != UNKNOWN else ()
    for one, other in combinations(sorted(under), 2):
        both = kept_apart and given and all({one, other} <= each for each in given)
        if clash(one, other) and not both:
            about = tuple(dict.fromkeys((*under[one], *under[other])))
            found["share-alike", one, other] = Conflict(kind="share-alike", sentence=_apart(one, other), parts=about)
    if licensing:
        for licence, whats in sorted(under.items()):
            if lack := _lack(licence, given, licensing.license):
                found["given", licence] = Conflict(kind="given", sentence=lack, parts=tuple(whats))
    return found


def no_expression(decisions: Iterable[Decision]) -> Iterator[Conflict]:
    """Decisions that take something which is no licence."""
    for one in decisions:
        if spdx(one.license) == UNKNOWN:
            said = f"The decision on {one_line(one.of, 80)} takes {one_line(one.license, 80)}, which is no licence."
            yield Conflict(kind="decision", sentence=said, parts=(one_line(one.of, 80),))


def changes(record: Mapping[str, Any], found: Behind) -> list[str]:
    """How text may have been changed since it was licensed, as far as version.json tells.

    Counted edits and masks, rows that a model wrote, and any op other than adopting and mixing: reading pages, for
    one, extracts and normalises. A version on the way tells no more here than the recipe that made it.
    """
    own = facts(record)
    said = [
        f"{one_line(stage, 80)} changed text or language of {plural(int(n), 'row')}"
        for stage, n in (own.get("edits") or {}).items()
        if n
    ]
    for stage, types in (own.get("spans") or {}).items():
        masked = sum(
            n for one in types.values() for action, n in (one.get("actions") or {}).items() if action != "drop"
        )
        if masked:
            said.append(f"{one_line(stage, 80)} replaced {count(masked)} places in texts")
    if any(own.get(name) for name in _WRITTEN):
        said.append("a model wrote rows from others")
    ops = {str(step.get("op")) for step in (record.get("recipe") or {}).get("steps") or ()} - _LEAVES_TEXT
    if ops:
        said.append(f"these steps may change text: {', '.join(one_line(op, 40) for op in sorted(ops))}")
    roots = {ref(one) for one in found.roots}
    for one in record.get("ancestors") or ():
        if ref(one) in found.reach and ref(one) not in roots and one.get("recipe") not in _LEAVES_TEXT_RECIPES:
            said.append(f"{one_line(ref(one))} was made by {one_line(one.get('recipe') or 'a recipe', 80)}")
    return said


def _unknown(part: Part) -> Conflict:
    if part.decided:
        said = f"What was decided for {part.what} is no licence."
    elif part.stated:
        said = f"Nobody can tell which licence is meant by {one_line(part.stated, 80)}, stated for {part.what}."
    else:
        said = f"No licence is known for {part.what}: nobody is known to have allowed any use."
    return Conflict(kind="unknown", sentence=said, parts=(part.what,))


def _alone(licence: str, made: Sequence[Part], changed: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Kinds and sentences of what a licence is in conflict with whatever is beside it."""
    told = terms(licence)
    if told is None:
        # A person who decided for it has read it.
        if any(licence in taken(part.license) and not part.decided for part in made if part.license != UNKNOWN):
            yield "unread", f"The terms of {licence} are not in the table here; somebody has to read them."
    elif "permission" in told.duties:
        yield "permission", f"{licence}: nothing may be passed on without permission of who owns it."
    elif told.no_derivatives and changed:
        yield "no-derivatives", f"{licence} lets nobody pass on changed text, and {'; '.join(changed)}."


def _apart(one: str, other: str) -> str:
    first, second = sorted((one, other), key=lambda licence: not _alike(licence))
    own, its = terms(first), terms(second)
    if own is None or its is None:
        raise ValueError(f"{one} or {other} is not in the table, and only licences in it can clash")
    if its.share_alike:
        how = f"and so does {second}; neither takes the other's for its own."
    elif asked := its.duties & BLOCKING - own.duties:
        how = f"which do not ask what {second} asks: {asks(asked)}."
    else:
        how = f"which leave no room for the terms of {second} on patents."
    return f"{first} asks {ASKS['share-alike']}, {how} No single licence of the whole keeps both."


def _alike(licence: str) -> bool:
    told = terms(licence)
    return told is not None and told.share_alike


def _lack(licence: str, given: Sequence[frozenset[str]], stated: str) -> str:
    """What the licence given for the whole lacks that one of its parts asks for; empty if nothing."""
    own = terms(licence)
    if own and "permission" in own.duties:
        return ""  # a conflict of its own, whatever is given
    whole = one_line(stated, 80)
    if not given:
        return f"{whole}, given for the whole, is no licence that is known here; {licence} is inside."
    short = [each for each in given if not any(becomes(licence, one) for one in each)]
    if not short:
        return ""
    has = frozenset[str]().union(*(told.duties for one in short[0] if (told := terms(one))))
    if own is None or any(terms(one) is None for one in short[0]):
        return f"Nobody can tell from the table here whether {whole}, given for the whole, keeps what {licence} asks."
    if missing := own.duties - has:
        return f"{licence} asks {asks(missing)}; {whole}, given for the whole, does not."
    return f"{licence} asks {ASKS['share-alike']}, and {whole}, given for the whole, is not one that it becomes."
