"""Fields of outside rows: taken by name or path, and kept where the row type has no column for them."""

import contextlib
import datetime
import decimal
import json
import math
import numbers
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from dataset_cards.versions.schemas import content_id, schema

ABSENT = object()


class Unmappable(ValueError):
    """A row that cannot become one of the wanted kind: `reason` in kebab case, and a sentence about this row."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def at_path(row: Mapping[str, Any], path: str) -> Any:
    """The value at `path`, or ABSENT: a field of that name, else one step per dot (`meta.id`, `choices.0.text`)."""
    if path in row:
        return row[path]
    value: Any = row
    for step in path.split("."):
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, Sequence) and not isinstance(value, str) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return ABSENT
    return value


def renamed(row: Mapping[str, Any], mapping: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The row with the targets of `mapping` in place, and the fields that a target pushed aside.

    A source that is a whole field is moved; one inside another field is copied, and that field stays whole. A target
    whose source this row lacks is absent.
    """
    found = {target: at_path(row, source) for target, source in mapping.items()}
    moved = {source for source in mapping.values() if source in row}
    rest = {name: value for name, value in row.items() if name not in moved}
    aside = {name: rest.pop(name) for name in found if name in rest}
    return {**{name: value for name, value in found.items() if value is not ABSENT}, **rest}, aside


def finished(
    kind: str, content: Mapping[str, Any], given: Mapping[str, Any], notes: Mapping[str, Any]
) -> dict[str, Any]:
    """A whole row of `kind`: its content, the columns that `given` fills, an id, and `metadata` with all the rest.

    Args:
        content: the columns worked out by the shape.
        given: the fields of the outside row that the shape did not use.
        notes: what the shape or the mapping wants kept in `metadata`.

    Raises:
        Unmappable: an id that is neither text nor a whole number, a field that JSON cannot hold, or a column with a
            NUL, which many readers of text take for its end.
    """
    row: dict[str, Any] = dict.fromkeys(schema(kind).names)
    row.update(content)
    rest: dict[str, Any] = {}
    for name, value in given.items():
        if name in ("id", "metadata"):
            continue
        column = _as_column(kind, name, value) if row.get(name, ABSENT) is None else ABSENT
        if column is ABSENT:
            rest[name] = value
        else:
            row[name] = column
    row["metadata"] = _metadata(given.get("metadata"), rest, notes)
    row["id"] = _own_id(given.get("id")) or content_id(kind, row)
    for name, value in row.items():
        if _has_nul(value):
            raise Unmappable("null-byte", f"{name}: holds a NUL")
    return row


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, Mapping):
        return any(map(_has_nul, value.values()))
    return isinstance(value, list) and any(map(_has_nul, value))


def _own_id(value: Any) -> str | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise Unmappable("mistyped-id", f"id: {value!r:.60} is neither text nor a whole number")


def _as_column(kind: str, name: str, value: Any) -> Any:
    """`value` as the column `name` stores it, or ABSENT where it would have to change to fit."""
    wanted = schema(kind).field(name).type
    if value is None:
        return None
    if pa.types.is_string(wanted):
        if isinstance(value, datetime.datetime | datetime.date):
            return value.isoformat()
        return value if isinstance(value, str) else ABSENT
    if pa.types.is_floating(wanted):
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= 2**53:
            return float(value)
        return value if isinstance(value, float) and math.isfinite(value) else ABSENT
    if pa.types.is_list(wanted) and isinstance(value, list):
        item = wanted.value_type
        if pa.types.is_string(item):
            return value if all(isinstance(one, str) for one in value) else ABSENT
        if pa.types.is_integer(item):
            return value if all(isinstance(one, int) and not isinstance(one, bool) for one in value) else ABSENT
        names = {item.field(n).name for n in range(item.num_fields)} if pa.types.is_struct(item) else set()
        if names and all(isinstance(one, Mapping) and set(one) == names for one in value):
            return [dict(one) for one in value]
    return ABSENT


def _metadata(own: Any, rest: Mapping[str, Any], notes: Mapping[str, Any]) -> str:
    """One flat JSON object with sorted keys: the row's other fields, the notes, and the row's own metadata.

    Where two have a name, the field keeps it; the note is prefixed with `adopted.`, what was metadata with `metadata.`.
    """
    if isinstance(own, str):
        with contextlib.suppress(ValueError):  # text that is no JSON is kept as the text it is
            own = json.loads(own) if own.strip() else None
    if own is not None and not isinstance(own, Mapping):
        own = {"metadata": own}
    result = dict(rest)
    for prefix, others in (("adopted.", notes), ("metadata.", own or {})):
        for name, value in others.items():
            while name in result:
                name = prefix + name
            result[name] = value
    values = {name: plain(value, name) for name, value in result.items()}
    return json.dumps(values, sort_keys=True, ensure_ascii=False, allow_nan=False)


def plain(value: Any, place: str) -> Any:
    """`value` as JSON holds it. Dates, decimals and not-a-number have no JSON of their own and become text.

    Raises:
        Unmappable: bytes and other things without a faithful text, naming the place.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    if isinstance(value, Mapping):
        return {str(name): plain(item, f"{place}.{name}") for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, f"{place}[{n}]") for n, item in enumerate(value)]
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, numbers.Number | decimal.Decimal | datetime.timedelta | uuid.UUID):
        return str(value)
    raise Unmappable("not-json", f"{place}: {type(value).__name__} has no form in JSON")
