"""Where a row comes from: what it was made from, version by version, down to its source document."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..versions.examples import as_text
from ..versions.store import Store
from ..versions.table import Table
from ..versions.version import DatasetVersion
from .decisions import decisions, limits
from .find import MOST, beside, columns, like, links, locate, matching, row_at
from .graph import COMPARED, SEARCHED, Graph, Key, Node

ROWS = "ledger/rows.parquet"
# Files of the ledger that tell of single rows, by the columns that hold ids.
TOLD = {
    "spans": ("ledger/spans.parquet", ("id",)),
    "pairs": ("ledger/pairs.parquet", ("kept_id", "dropped_id")),
    "judgements": ("ledger/judgements.parquet", ("record",)),
    "examples": ("ledger/examples.parquet", ("id",)),
}
SHOWN = 200  # characters of a row's text
_FIELDS = ("source", "url", "license", "created", "language", "origin", "margin", "votes", "record", "annotator")


def packed(told: Mapping[str, Any]) -> bool:
    """Whether the rows are blocks of tokens: their ids are numbers of blocks and those of no text."""
    steps = (told.get("recipe") or {}).get("steps") or () if isinstance(told.get("recipe"), Mapping) else ()
    return any(one.get("op") == "Tokenise" and (one.get("fields") or {}).get("length") for one in steps)


def origin(store: Store, graph: Graph, version: DatasetVersion, ids: Sequence[str]) -> dict[str, Any]:
    """Everything known of the rows `ids` in a version, and in what it was made from.

    Returns:
        What `_here` says, and `made_from`: the same of each parent that knows a row of these ids or of those that
        they were made from. Versions that do not are named in `not_in`; those that are no longer there, in `gone`.
    """
    return _origin(store, graph, graph.node(version), list(ids), set())


def _origin(store: Store, graph: Graph, node: Node, ids: Sequence[str], seen: set[Key]) -> dict[str, Any]:
    assert node.version is not None
    seen.add(node.key)
    found = _here(store, node.version, ids)
    asked = list(dict.fromkeys([*ids, *(name for row in found["rows"] for name in row["made_from"])]))
    made_from: list[dict[str, Any]] = []
    not_in: list[str] = []
    gone: list[dict[str, str]] = []
    todo = [key for key, role in reversed(node.parents) if role not in (SEARCHED, COMPARED)]
    while todo:
        parent = graph.nodes[todo.pop()]
        if parent.key in seen:
            continue
        if parent.version is None:
            seen.add(parent.key)
            gone.append({"version": parent.ref, "digest": parent.digest, "state": parent.state})
            todo += [key for key, _ in reversed(parent.parents)]
        elif parent.kind != "model":
            try:
                above = _origin(store, graph, parent, asked, seen)
            except (RuntimeError, OSError) as error:
                above = {"version": parent.ref, "damaged": str(error)}
            if _knows(above):
                made_from.append(above)
            else:
                not_in.append(parent.ref)
    return {**found, "made_from": made_from, "not_in": not_in, "gone": gone}


def _knows(found: Mapping[str, Any]) -> bool:
    keys = ("rows", "dropped", "judgements", "made_from", "gone", "damaged")
    return any(found.get(key) for key in keys)


def _here(store: Store, version: DatasetVersion, ids: Sequence[str]) -> dict[str, Any]:
    """What one version knows of rows.

    Returns:
        `rows`: each with `id`, `copies`, its short fields, the beginning of its `text`, `made_from` and what every
        step said of it; `dropped`: entries of its ledger; `duplicates`: rows that were dropped for their sake; and
        what `spans`, `pairs` and `judgements` the ledger has of them.
    """
    told: dict[str, Any] = {"version": version.ref, "digest": version.json["digest"], "kind": version.kind}
    table = version.table
    has_ids = "id" in columns(table) and not packed(version.json)
    rows = [_row(store, version, name, places[0], len(places)) for name, places in _located(table, ids, has_ids)]
    asked = list(dict.fromkeys([*ids, *(name for row in rows for name in row["made_from"])]))
    told |= {"rows": rows, **ledger(version, ids), "has_ids": has_ids}
    for what, (path, by) in TOLD.items():
        side = beside(version, path) if what != "examples" else None
        told[what] = None
        if side is None:
            continue
        count, some = matching(side, asked if what == "judgements" else ids, *by)
        told[what] = {"count": count, "first": [_short(what, one) for one in some]} if count else None
    if version.kind == "judgements" and has_ids:
        count, some = matching(table, ids, "record")
        told["judgements"] = {"count": count, "first": [_short("judgements", one) for one in some]} if count else None
    if told["dropped"]:
        told["decisions"] = decisions(store, version, [told["dropped"][0]["id"]]) if not rows else []
    return told


def _located(table: Table, ids: Sequence[str], has_ids: bool) -> list[tuple[str, list[Any]]]:
    found = locate(table, ids) if has_ids else {}
    return [(name, found[name]) for name in dict.fromkeys(ids) if name in found][:MOST]


def _row(store: Store, version: DatasetVersion, name: str, place: Any, copies: int) -> dict[str, Any]:
    row = row_at(version.table, place)
    text = as_text(row)
    above = links(row)
    return {
        "id": name,
        "copies": copies,
        **{key: row[key] for key in _FIELDS if row.get(key) not in (None, [])},
        "text": text[:SHOWN],
        "characters": len(text),
        "made_from": above,
        "decisions": decisions(store, version, [name, *above]),
        "limits": limits(version),
    }


def ledger(version: DatasetVersion, ids: Sequence[str]) -> dict[str, Any]:
    """`dropped`: why rows of these ids were left out; `duplicates`: how many were for their sake, and the first."""
    table = beside(version, ROWS)
    if table is None or not table.rows:
        return {"dropped": [], "duplicates": {"count": 0, "ids": []}}
    _, entries = matching(table, ids, "id")
    count, twice = matching(table, ids, "duplicate_of")
    if entries and (shown := beside(version, TOLD["examples"][0])) is not None:
        _, examples = matching(shown, ids, "id")
        measured = {(one["id"], one["stage"], one["reason"]): one for one in examples if one["role"] == "dropped"}
        for one in entries:
            why = measured.get((one["id"], one["stage"], one["reason"]), {})
            one |= {key: why.get(key) for key in ("signal", "value", "limit")}
    return {"dropped": entries, "duplicates": {"count": count, "ids": [one["id"] for one in twice]}}


def _short(what: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of a side file without the texts of others."""
    keep = {
        "spans": ("stage", "type", "start", "end", "score", "action"),
        "pairs": ("kept_id", "dropped_id", "jaccard"),
        "judgements": ("id", "record", "annotator", "answer", "ranks", "seconds", "guidelines"),
    }[what]
    return {key: row[key] for key in keep if row.get(key) is not None}


def elsewhere(graph: Graph, version: DatasetVersion, name: str) -> dict[str, list[str]]:
    """Where a row is that a version does not know: relatives that have it, and ids here that look alike."""
    node = graph.node(version)
    having = []
    for one in [*graph.above([node.key]), *graph.below([node.key])]:
        if one.version is None or one.kind == "model":
            continue
        try:
            book = beside(one.version, ROWS)
            if "id" in columns(one.version.table) and locate(one.version.table, [name]):
                having.append(one.ref)
            elif book is not None and locate(book, [name]):
                having.append(f"the ledger of {one.ref}")
        except (RuntimeError, OSError):
            continue  # a damaged relative is named by the tree; here it can say nothing
    there = "id" in columns(version.table)
    return {"in": having, "like": like(version.table, name) if there else []}
