"""What every step of a recipe measured of a row and decided, as far as the steps' cache still has it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from ..cards.account import reasons
from ..cards.plain import figure
from ..versions.files import Folder
from ..versions.store import DONE, Store
from ..versions.table import Part, Table
from ..versions.version import DatasetVersion
from .find import MOST, Place, locate

CACHES = ("steps", "trial")
_OVER = (".text", ".language")  # columns that stand over those of the row


def decisions(store: Store, version: DatasetVersion, ids: Sequence[str]) -> list[dict[str, Any]]:
    """One entry per step of the recipe, in order.

    Args:
        ids: of the row, and then of the rows it was made from: the first that a step has is told of.

    Returns:
        `step`, `op`, `cache` (its folder, or None where it is gone), `id` (None where the step does not have the row),
        `files` it was read from, `before` (whether an earlier step had dropped it), `dropped` for which reason,
        `edited` by which stages, and `measured`: `stage`, `signal`, `value` and the `rules` that were asked.
    """
    found: list[dict[str, Any]] = []
    places: dict[str, tuple[str, Place]] = {}
    dead = False
    steps = (version.json["recipe"] or {}).get("steps") or []
    for step in steps:
        name = f"{step['name']}-{step['fingerprint']}"
        entry: dict[str, Any] = {"step": step["name"], "op": step.get("op"), "cache": None, "id": None}
        found.append(entry)
        table = cached(store, name)
        if table is None:
            continue
        entry["cache"] = str(table.folder)
        names = list(table.schema().names)
        at = _first(table, ids) if "id" in names else places.get(_beside(store, step, ids, places))
        if at is None:
            continue
        places[name] = at
        entry["id"] = at[0]
        told = table.folder.read_json(DONE)
        entry |= _said(table, at[1], names, told.get("facts", {}).get("rules") or [])
        entry["before"] = dead
        dead = dead or entry["dropped"] is not None
        entry["files"] = _files(table, at[1])
    return found


def cached(store: Store, name: str) -> Table | None:
    """The output of a step by its name and fingerprint; None where the cache does not have it."""
    for cache in CACHES:
        folder = store.root / cache / name
        if folder.exists(DONE):
            return Table(folder, tuple(Part(**part) for part in folder.read_json(DONE)["parts"]))
    return None


def limits(version: DatasetVersion) -> list[dict[str, Any]]:
    """The limits that rows of a version had to keep to, as version.json has them, whatever became of the cache."""
    return [
        {"stage": one.stage, "signal": one.signal, "reason": one.name, "kind": one.kind, "limit": one.limit}
        for one in reasons(version.json)
        if one.kind
    ]


def rule_text(rule: Mapping[str, Any]) -> str:
    """What a rule asks, such as `at least 50`."""
    limit = rule.get("limit")
    match rule.get("kind"):
        case "below":
            return f"at least {figure(limit)}"
        case "above":
            return f"at most {figure(limit)}"
        case "outside":
            return f"one of {figure(limit)}"
        case _:
            return "must be false"


def _first(table: Table, ids: Sequence[str]) -> tuple[str, Place] | None:
    there = locate(table, ids)
    return next(((one, there[one][0]) for one in ids if one in there), None)


def _beside(store: Store, step: Mapping[str, Any], ids: Sequence[str], places: dict[str, tuple[str, Place]]) -> str:
    """The input that a sidecar lies beside, with the place of the row in it looked up."""
    first = str((step.get("inputs") or [""])[0])
    if "@" in first and first not in places:
        try:
            table = store.version(first).table
            at = _first(table, ids) if "id" in table.schema().names else None
        except (RuntimeError, ValueError, OSError):
            at = None  # without its version a sidecar cannot be read; the version itself is named elsewhere
        if at is not None:
            places[first] = at
    return first


def _said(table: Table, place: Place, names: Sequence[str], rules: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What a step's table says of one row."""
    texts = [name for name in names if name.endswith(_OVER)]
    plain = [name for name in names if name == "drop" or ("." in name and name not in texts)]
    frame = table.batch(place.part, place.group, [*plain, *texts])
    row = frame.slice(place.at, 1)
    edited = [name.rpartition(".")[0] for name in texts if row.get_column(name).null_count() == 0]
    return {
        "dropped": row.item(0, "drop") if "drop" in names else None,
        "edited": sorted(set(edited)),
        "measured": list(_measured(row, plain, rules)),
    }


def _measured(row: pl.DataFrame, names: Sequence[str], rules: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for name in names:
        stage, _, signal = name.partition(".")
        kind = row.schema[name]
        if name == "drop" or kind.is_nested():
            continue
        value = row.item(0, name)
        own = [rule for rule in rules if (rule["stage"], rule["signal"]) == (stage, signal)]
        if value is None or (isinstance(value, float) and value != value):
            continue  # it never reached this stage, or there was nothing to measure
        kept = [{key: rule.get(key) for key in ("reason", "kind", "limit", "field")} for rule in own]
        infinite = isinstance(value, float) and abs(value) == float("inf")
        yield {"stage": stage, "signal": signal, "value": str(value) if infinite else value, "rules": kept}


def _files(table: Table, place: Place) -> list[str]:
    """The files that the task of a part read, where it was reading from files; the first of many."""
    task = table.parts[place.part].name.removeprefix("part-")[:5]
    return [str(one.get("name")) for one in _slice(table.folder, f"slice-{task}.json")][:MOST]


def _slice(folder: Folder, name: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = folder.read_json(name, list) if folder.exists(name) else []
    return entries
