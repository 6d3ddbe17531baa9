"""What differs between two JSON values, as paths with both sides."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# Facts that say what is in a version; the rest (digests, files, sizes in bytes) differs whenever a row does.
_SAID = ("kind", "license", "source", "rows", "languages", "ledger", "gristmill", "environment", "tainted")


@dataclass(frozen=True)
class Change:
    """One value that differs; a side that does not have it says None."""

    path: str
    a: Any
    b: Any


def recipe_changes(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Change]:
    """What differs in how two versions were made: the recipe, its parameters, the steps and their fields."""
    return compare(_made(a), _made(b))


def fact_changes(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Change]:
    """What differs in the counts and statements of two versions."""
    return compare(_facts(a), _facts(b))


def _made(version: Mapping[str, Any]) -> dict[str, Any]:
    recipe = version.get("recipe") or {}
    steps = {
        step["name"]: {"op": step.get("op"), "revision": step.get("revision"), **(step.get("fields") or {})}
        for step in recipe.get("steps") or []
    }
    parents = {parent["name"]: parent["version"] for parent in version.get("parents") or []}
    return {
        "recipe": recipe.get("function") or recipe.get("name"),
        "parameters": recipe.get("parameters") or {},
        "steps": steps,
        "parents": parents,
    }


def _facts(version: Mapping[str, Any]) -> dict[str, Any]:
    facts = version.get("facts") or {}
    text = {key: value for key, value in (facts.get("text") or {}).items() if isinstance(value, int)}
    said = {key: version.get(key) for key in _SAID}
    return {**said, "text": text, "quarantine": facts.get("quarantine") or {}}


def compare(a: Any, b: Any, path: str = "") -> list[Change]:
    """Every leaf that differs, in the order of the paths of `a`, then those only `b` has."""
    left, right = dict(_leaves(a, path)), dict(_leaves(b, path))
    return [
        Change(where, left.get(where), right.get(where))
        for where in {**left, **right}
        if left.get(where) != right.get(where) or type(left.get(where)) is not type(right.get(where))
    ]


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list) and (named := _by_name(value)):
        value = named
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(item, Mapping | list) for item in value):
        for place, item in enumerate(value):
            yield from _leaves(item, f"{path}[{place}]")
    elif value not in (None, {}, []):
        yield path, value


def _by_name(values: list[Any]) -> dict[str, Any]:
    """A list of `{"Stage": {fields}}` by stage, so that one more stage does not shift all that follow."""
    named: dict[str, Any] = {}
    for value in values:
        if not (isinstance(value, Mapping) and len(value) == 1 and isinstance(next(iter(value.values())), Mapping)):
            return {}
        name, fields = next(iter(value.items()))
        # An empty mapping has no leaves; the stage itself has to be one.
        named[_free(str(name), named)] = {"present": True, **fields}
    return named


def _free(name: str, taken: Mapping[str, Any]) -> str:
    number = 2
    free = name
    while free in taken:
        free, number = f"{name}#{number}", number + 1
    return free
