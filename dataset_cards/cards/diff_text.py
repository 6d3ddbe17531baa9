"""A difference between two versions as plain text for a terminal: the summary first, then by rule."""

from collections.abc import Iterator, Sequence
from typing import Any

from .changes import Change
from .diff import Diff, Group
from .plain import count, figure, one_line, plural

MOST_CHANGES = 40


def render_diff(diff: Diff) -> str:
    """Lines of text, ending in a newline."""
    return "\n".join(_lines(diff)) + "\n"


def _lines(diff: Diff) -> Iterator[str]:
    yield f"{one_line(diff.a)} -> {one_line(diff.b)}"
    yield f"  {plural(diff.rows_a, 'row')} -> {plural(diff.rows_b, 'row')}"
    amounts = [(sum(group.rows for group in groups), groups) for groups in (diff.added, diff.removed, diff.changed)]
    (added, _), (removed, _), (changed, _) = amounts
    if not (added or removed or changed):
        yield "  the rows are the same"
    else:
        yield (
            f"  {count(added)} added, {count(removed)} removed, {count(changed)} changed, "
            f"{count(diff.unchanged)} unchanged"
        )
    yield from _section(f"Added: only in {one_line(diff.b)}, by what {one_line(diff.a)} did with them", diff.added)
    yield from _section(f"Removed: only in {one_line(diff.a)}, by what {one_line(diff.b)} did with them", diff.removed)
    yield from _section("Changed: the same id, other content", diff.changed)
    yield from _changes("Columns that were not compared", diff.columns)
    yield from _changes("Recipe", diff.recipe)
    yield from _changes("Facts", diff.facts)


def _section(heading: str, groups: Sequence[Group]) -> Iterator[str]:
    if not groups:
        return
    yield ""
    yield heading
    widest = max(len(count(group.rows)) for group in groups)
    for group in groups:
        yield f"  {count(group.rows):>{widest}}  {one_line(group.rule)}"
        for row in group.ids:
            yield f"  {'':>{widest}}    {one_line(row, 100)}"
        if group.rows > len(group.ids):
            yield f"  {'':>{widest}}    and {count(group.rows - len(group.ids))} more"


def _changes(heading: str, changes: Sequence[Change]) -> Iterator[str]:
    if not changes:
        return
    yield ""
    yield heading
    for change in changes[:MOST_CHANGES]:
        yield f"  {one_line(change.path)}: {_side(change.a)} -> {_side(change.b)}"
    if len(changes) > MOST_CHANGES:
        yield f"  and {count(len(changes) - MOST_CHANGES)} more"


def _side(value: Any) -> str:
    return "(none)" if value is None else figure(value) if isinstance(value, int | float | list) else one_line(value)
