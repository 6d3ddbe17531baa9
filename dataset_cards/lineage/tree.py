"""The tree of a version or a model: everything it was made from, and everything that was made from it."""

from collections.abc import Mapping
from typing import Any

from ..cards.plain import one_line, plural, top
from ..versions.version import DatasetVersion
from .graph import GONE, HERE, REPLACED, Graph, Key, Node, training
from .outline import Twig

SOURCES = 5  # names of sources that are shown; version.json has more
LONGEST = 60  # characters of one parameter


def lineage(graph: Graph, version: DatasetVersion) -> dict[str, Any]:
    """What `version` was made from and what was made from it, as JSON.

    Returns:
        `version`, `up` and `down`: entries as `_told` gives them. Up they have `parents`, down `children`; an entry
        that stands in full elsewhere in the same tree has `again` in their place. `twins` have the same rows under
        another name, and `damaged` are versions of the store that could not be read.
    """
    node = graph.node(version)
    return {
        "version": version.ref,
        "up": _up(graph, node, "", set()),
        "down": [_down(graph, graph.nodes[key], node.key, {node.key}) for key in graph.children.get(node.key, ())],
        "twins": [one.ref for one in graph.twins(node)],
        "damaged": list(graph.damaged),
    }


def _up(graph: Graph, node: Node, role: str, seen: set[Key]) -> dict[str, Any]:
    told = _told(node, role)
    if node.key in seen:
        return {**told, "again": True}
    seen.add(node.key)
    made = {"recipe": recipe(node.told), "input": inputs(node.told)}
    return {**told, **made, "parents": [_up(graph, graph.nodes[key], r, seen) for key, r in node.parents]}


def _down(graph: Graph, node: Node, parent: Key, seen: set[Key]) -> dict[str, Any]:
    told = _told(node, dict(node.parents).get(parent, ""))
    if node.key in seen:
        return {**told, "again": True}
    seen.add(node.key)
    children = (graph.nodes[key] for key in graph.children.get(node.key, ()))
    return {**told, "recipe": recipe(node.told), "children": [_down(graph, one, node.key, seen) for one in children]}


def _told(node: Node, role: str) -> dict[str, Any]:
    """What one entry says: ref, digest, state, role, and as far as it is known kind, rows, license and the like."""
    told = {key: node.told.get(key) for key in ("kind", "rows", "license", "source")}
    stage = training(node.told).get("stage") if node.version else None
    taken = {"stage": stage or "adopted"} if node.kind == "model" and node.version else {}
    return {"ref": node.ref, "digest": node.digest, "state": node.state, "role": role, **told, **taken}


def recipe(told: Mapping[str, Any]) -> dict[str, Any] | None:
    """Name and parameters of what made a version; of one that is only remembered, the name."""
    made = told.get("recipe")
    if isinstance(made, str):
        return {"name": made}
    if not isinstance(made, Mapping):
        return None
    return {"name": made.get("name"), "parameters": made.get("parameters") or {}}


def inputs(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The files outside of the store that a version was read from, and its largest sources."""
    made = told.get("recipe")
    steps = made.get("steps") if isinstance(made, Mapping) else None
    found = []
    for step in steps or ():
        place = (step.get("fields") or {}).get("input")
        if isinstance(place, Mapping):
            found.append({key: place.get(key) for key in ("address", "files", "bytes", "fingerprint")})
        elif isinstance(place, str):
            found.append({"address": place})
    facts = told.get("facts") or {}
    sources = dict(top(facts.get("sources") or told.get("sources") or {}, SOURCES))
    return [*found, *([{"sources": sources}] if sources and not told.get("parents") else [])]


def twigs(found: Mapping[str, Any]) -> list[Twig]:
    """The same for people."""
    below = tuple(_twig_down(one) for one in found["down"])
    made = [Twig("made from it:", below)] if below else [Twig("nothing in this store was made from it")]
    twins = found["twins"]
    same = [Twig(f"the same rows are also {', '.join(twins)}; see what was made from these")] if twins else []
    return [_twig_up(found["up"]), Twig(""), *made, *same, *(Twig(f"left out: {one}") for one in found["damaged"])]


def _twig_up(one: Mapping[str, Any]) -> Twig:
    if one.get("again"):
        return Twig(f"{head(one)}; see above")
    made: list[Twig] = []
    if one["recipe"]:
        made.append(Twig(f"made by {called(one['recipe'])}"))
    for place in one["input"]:
        if "sources" in place:
            made.append(Twig("sources: " + ", ".join(f"{name} ({n:,})" for name, n in place["sources"].items())))
        else:
            files = f", {plural(place['files'], 'file')}" if place.get("files") else ""
            made.append(Twig(f"read from {place['address']}{files}"))
    if one["source"]:
        made.append(Twig(f"source: {one['source']}"))
    if not one["parents"]:
        made.append(Twig(_bottom(one)))
    return Twig(head(one), (*made, *(_twig_up(parent) for parent in one["parents"])))


def _bottom(one: Mapping[str, Any]) -> str:
    if one["state"] == HERE:
        return "no version came before it"
    return "what it was made from is not known here"


def _twig_down(one: Mapping[str, Any]) -> Twig:
    made = f", by {one_line(one['recipe']['name'])}" if one.get("recipe") else ""
    used = f", which used it as {one['role']}" if one["role"] else ""
    again = "; see above" if one.get("again") else ""
    return Twig(
        f"{head({**one, 'role': ''})}{made}{used}{again}", tuple(_twig_down(child) for child in one.get("children", ()))
    )


def head(one: Mapping[str, Any]) -> str:
    """One line on a version: what it is for, its name, kind, rows, licence, digest, and whether it is here."""
    role = f"{one['role']}: " if one["role"] else ""
    kind = f"{one['kind']}, {one['stage']}" if one.get("stage") else one["kind"]
    rows = f"{one['rows']:,} rows" if isinstance(one["rows"], int) and one["kind"] != "model" else None
    said = ", ".join(str(part) for part in (kind, rows, one["license"]) if part)
    where = {
        HERE: one["digest"][:19],
        GONE: f"GONE from this store: {one['digest']}",
        REPLACED: f"GONE: the store has other bytes under this name, and not {one['digest']}",
    }[one["state"]]
    return "  ".join(part for part in (f"{role}{one['ref']}", said, where) if part)


def called(made: Mapping[str, Any]) -> str:
    """A recipe with its parameters, each of them short."""
    given = {key: value for key, value in (made.get("parameters") or {}).items() if value not in (None, "", [], {})}
    return "  ".join([one_line(made["name"]), *(one_line(f"{key}={value}", LONGEST) for key, value in given.items())])
