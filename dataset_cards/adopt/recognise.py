"""Telling the shape of outside rows from a sample of them; in doubt it asks and never guesses."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dataset_cards.cards.plain import one_line
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.schemas import CONTENT, schema

from .fields import ABSENT, at_path, renamed
from .looks import is_judged
from .shapes import SHAPES, Shape

SAMPLE = 100  # rows that decide the shape
Rows = Sequence[Mapping[str, Any]]


class NoShape(Misuse):
    """The shape of the rows cannot be told; the message says what was seen, what was tried and how to say it."""


def targets(kind: str) -> set[str]:
    """The fields that a mapping for `kind` may fill."""
    return set().union(*(_fillable(shape) for shape in SHAPES if shape.kind == kind))


def _fillable(shape: Shape) -> set[str]:
    """What the shape reads, and the columns that any shape of its kind leaves to the outside row."""
    return {*shape.needs, *shape.may, *schema(shape.kind).names} - ({*CONTENT[shape.kind], "metadata"} - {*shape.needs})


def checked(kind: str, mapping: Mapping[str, str] | Iterable[tuple[str, str]]) -> dict[str, str]:
    """`mapping` from target to source field, in the order of targets.

    Raises:
        NoShape: it names a target that rows of `kind` do not have.
    """
    result = dict(sorted(dict(mapping).items()))
    if unknown := [name for name in result if name not in targets(kind)]:
        raise NoShape(f"mapping: {kind} has no {', '.join(unknown)}; targets are {', '.join(sorted(targets(kind)))}")
    return result


def recognise(rows: Rows, kind: str | None = None, mapping: Mapping[str, str] | None = None) -> Shape:
    """The one shape that more than half of `rows` have, after `mapping` and among those of `kind`.

    A shape that needs all that another needs and more wins over it: with a context, instruction and response are
    Dolly's. A shape must read every field that the mapping gives it.

    Raises:
        NoShape: none fits, or several do and neither is the more exact one; the message says how to choose.
    """
    mapping = checked(kind, mapping) if kind is not None and mapping else dict(mapping or {})
    if not rows:
        raise NoShape("there are no rows, so their shape cannot be told")
    for target, source in mapping.items():
        if all(at_path(row, source) is ABSENT for row in rows):
            raise NoShape(f"mapping: {target} is to come from {source}, which no row has\n{_seen(rows)}")
    fields = [renamed(row, mapping)[0] for row in rows]
    tried = [shape for shape in SHAPES if kind in (None, shape.kind)]
    fitting = _fitting(tried, fields, mapping)
    if len(fitting) != 1:
        raise NoShape(_why(fitting, tried, rows, fields, kind, mapping))
    if "winner" in fitting[0].needs:
        _check_winner(fields, mapping.get("winner", "winner"))
    return fitting[0]


def _fitting(tried: Sequence[Shape], fields: Rows, mapping: Mapping[str, str]) -> list[Shape]:
    found = []
    for shape in tried:
        if _fillable(shape).issuperset(mapping) and 2 * sum(map(shape.fits, fields)) > len(fields):
            found.append(shape)
    return [shape for shape in found if not any(set(shape.needs) < set(other.needs) for other in found)]


def _check_winner(fields: Rows, name: str) -> None:
    """With 0 and 1 alone, nobody can say whether 0 is a tie or the first of two."""
    seen = {row["winner"] for row in fields if is_judged(row.get("winner"))}
    if seen & {0, "0"} and not seen & {2, "2"}:
        raise NoShape(
            f"{name}: is 0 or 1 in the first {len(fields)} rows, and 0 may mean a tie or the first answer; "
            "write 1 and 2 for the answers, and 0 or 1.5 for a tie"
        )


def _seen(rows: Rows) -> str:
    counts: Counter[tuple[str, str]] = Counter((name, _holds(value)) for row in rows for name, value in row.items())
    lines = [
        f"  {one_line(name)}: {one_line(holds)}, {count} of {len(rows)} rows"
        for (name, holds), count in list(counts.items())[:40]
    ]
    return "\n".join(["fields seen:", *lines, *(["  ..."] if len(counts) > 40 else [])])


def _holds(value: Any) -> str:
    if isinstance(value, list):
        return f"list of {_holds(value[0])}" if value else "empty list"
    if isinstance(value, Mapping):
        return "{" + ", ".join(list(map(str, value))[:6]) + "}"
    known: dict[type, str] = {str: "text", type(None): "null", bool: "true or false", int: "number", float: "number"}
    return known.get(type(value), type(value).__name__)


def _why(
    fitting: Sequence[Shape],
    tried: Sequence[Shape],
    rows: Rows,
    fields: Rows,
    kind: str | None,
    mapping: Mapping[str, str],
) -> str:
    wanted = f" as {kind}" if kind else ""
    if fitting:
        names = " and ".join(f"{shape.name} ({shape.kind}: {', '.join(shape.needs)})" for shape in fitting)
        how = "say which kind you want, or map" if len({shape.kind for shape in fitting}) > 1 else "map"
        one = next(iter(fitting[0].needs))
        return (
            f"these rows{wanted} fit several shapes: {names}\n{_seen(rows)}\n{how} the fields to use, from target to "
            f"source, such as {one}={one}"
        )
    lines = [f"these rows{wanted} have no shape that is known here", _seen(rows), "shapes tried (fields they need):"]
    lines += [f"  {shape.name}: {', '.join(shape.needs)}" for shape in tried]
    if kind and (other := _fitting(SHAPES, fields, mapping)):
        lines.append("they would fit " + " or ".join(f"{shape.name}, which is of kind {shape.kind}" for shape in other))
    needs = tried[0].needs if kind else {"messages": None}
    example = " ".join(f"{name}=FIELD" for name in needs)
    lines.append(f"name the fields with a mapping from target to source, such as {example} (a.b reaches inside a)")
    return "\n".join(lines)
