"""The licence of a mix in sentences and tables, for card, datasheet and report alike."""

from collections.abc import Iterator

from ...cards.plain import count, one_line, share
from ...cards.sheet import Sheet
from .mix import Mix
from .parts import Part
from .spdx import UNKNOWN, choices
from .terms import Terms, asks, terms

ADVICE = "This is what was stated and what follows from it, and no legal advice."


def sentences(found: Mix) -> list[str]:
    """What a reader has to know, what forces it, and that it is no advice; foreign text is on one line, unescaped."""
    said = []
    if found.outcome == UNKNOWN:
        said.append("What may be done with the whole is unknown.")
    else:
        said.append(f"Everything inside together asks for what {found.outcome} asks.")
    if found.given:
        said.append(f"It is given away under {one_line(found.given, 200)}.")
    if found.open:
        said.append(f"{_conflicts(len(found.open))} not settled.")
    elif found.conflicts:
        said.append(f"{_conflicts(len(found.conflicts))} settled, with a reason.")
    return [*said, *found.why, *found.remarks, ADVICE]


def warnings(found: Mix) -> list[str]:
    """The open conflicts."""
    return [one.sentence for one in found.open]


def sheets(found: Mix) -> list[Sheet]:
    """The parts, the conflicts, whom to name, and the terms of every licence inside; empty ones are left out."""
    return [sheet for sheet in (_parts(found), _conflict(found), _named(found), _terms(found)) if sheet.rows]


def _conflicts(number: int) -> str:
    return "One conflict of licences is" if number == 1 else f"{count(number)} conflicts of licences are"


def _parts(found: Mix) -> Sheet:
    return Sheet(
        kind="licences",
        title="Licences by part",
        header=("part", "stated", "taken", "rows", "share", "basis"),
        rows=[
            (
                part.what,
                one_line(part.stated, 200) if part.stated else None,
                part.license,
                None if part.rows is None else count(part.rows),
                None if part.share is None else share(round(1e6 * part.share), 1_000_000),
                one_line(part.basis, 500),
            )
            for part in found.parts
        ],
        names=(0, 1, 2),
        right=(3, 4),
        notes=(
            ("taken", "the SPDX expression, after the decisions of a person"),
            ("rows", "of this version; left out where it was not recorded which rows came from a part"),
        ),
    )


def _conflict(found: Mix) -> Sheet:
    return Sheet(
        kind="licence-conflicts",
        title="Conflicts of licences",
        header=("conflict", "what it is", "settled"),
        rows=[(one.kind, one.sentence, one_line(one.by, 500) if one.resolved else "no") for one in found.conflicts],
        names=(),
        right=(),
    )


def _named(found: Mix) -> Sheet:
    return Sheet(
        kind="attributions",
        title="Notices that go with the rows",
        header=("notice",),
        rows=[(one,) for one in found.attributions],
        names=(),
        right=(),
    )


def _terms(found: Mix) -> Sheet:
    known = sorted({(one, told) for one, told in _told(found.parts)}, key=lambda pair: pair[0])
    return Sheet(
        kind="licence-terms",
        title="What these licences ask",
        header=("licence", "asks", "database rights", "where it says so"),
        rows=[
            (
                name,
                asks(told.duties),
                told.database,
                told.where,
            )
            for name, told in known
        ],
        names=(0,),
        right=(),
    )


def _told(parts: tuple[Part, ...]) -> Iterator[tuple[str, Terms]]:
    for part in parts:
        if part.license != UNKNOWN:
            for one in choices(part.license):
                yield from ((licence, told) for licence in one if (told := terms(licence)))
