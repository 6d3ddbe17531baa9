"""What became of rows in everything that was made from their version."""

from collections.abc import Collection, Mapping
from typing import Any

from ..versions.version import DatasetVersion
from .find import beside, columns, descended, locate, matching
from .graph import COMPARED, GONE, MEASURED_BY, REPLACED, SEARCHED, Graph, Node, learns, training
from .row import ROWS, packed

LISTED = 5  # ids that one entry shows


def fates(graph: Graph, version: DatasetVersion, ids: Collection[str]) -> list[dict[str, Any]]:
    """One entry per version and model below `version`, parents before children.

    Returns:
        `version`, `kind`, `from` (its parents among these, with their roles), and `fate`: what `_fate` says, or
        `gone` where the store no longer has it; ids are followed through it as they came in. A version that only
        looked for items, or compared, is `nothing-taken`. A model is `through` if it did not learn from the rows
        itself, but from a model (named under `through`) that did, or that is gone and may have.
    """
    start = graph.node(version)
    below = graph.below([start.key])
    carried: dict[tuple[str, str], set[str]] = {start.key: {*ids, *_descended(version, ids)}}
    models: set[tuple[str, str]] = set()  # that learned from the rows, themselves or through one another
    found = []
    for node in below:
        via = [(key, role) for key, role in node.parents if key in carried]
        taken = [key for key, role in via if role not in (SEARCHED, COMPARED)]
        incoming = {one for key in taken for one in carried[key]}
        entry: dict[str, Any] = {
            "version": node.ref,
            "digest": node.digest,
            "kind": node.kind,
            "from": [{"version": ref, "role": role} for (ref, _), role in via],
        }
        told: dict[str, Any]
        if not taken:
            told, carried[node.key] = {"fate": "nothing-taken"}, set()
        elif node.version is None:
            told, carried[node.key] = {"fate": node.state}, incoming
        else:
            try:
                told, carried[node.key] = _fate(node, incoming, {role for key, role in via if carried[key]})
            except (RuntimeError, OSError) as error:
                told, carried[node.key] = {"fate": "damaged", "why": str(error)}, incoming
        if node.kind == "model":
            carried[node.key] = set()
            through = [key[0] for key, role in via if key in models and learns(role)]
            if node.version is not None and through and told["fate"] not in ("learned", "damaged"):
                told = {**told, "fate": "through", "through": through}
            unknown = told["fate"] in (GONE, REPLACED, "damaged") and (incoming or through)
            if unknown or told["fate"] in ("learned", "through"):
                models.add(node.key)
        found.append(entry | told)
    return found


def _descended(version: DatasetVersion, ids: Collection[str]) -> dict[str, list[str]]:
    return descended(version.table, ids) if "id" in columns(version.table) else {}


def _fate(node: Node, incoming: Collection[str], roles: Collection[str]) -> tuple[dict[str, Any], set[str]]:
    """What became of the ids that came in, and the ids by which they are known in what was made from this.

    `roles` are what the versions that they came from were for.
    `fate` is `absent` (nothing of it came in), `here` (rows of the same id), `made-from` (rows made of them), `judged`
    (people's answers about them), `dropped`, `learned`, `measured-by`, `left-out`, or `unknown` with `why`.
    """
    version = node.version
    assert version is not None
    if not incoming:
        return {"fate": "absent"}, set()
    dropped = _dropped(version, incoming)
    if node.kind == "model":
        return _learned(node, incoming, dropped, roles), set()
    if packed(node.told):
        return {"fate": "unknown", "why": "its rows are blocks of tokens, which belong to no single text"}, set()
    if "id" not in columns(version.table):
        return {"fate": "unknown", "why": "its rows have no ids"}, set()
    same = locate(version.table, incoming)
    made = descended(version.table, incoming)
    told = {
        "same": {"count": sum(map(len, same.values())), "ids": sorted(same)[:LISTED]},
        "made": {"count": len(made), "ids": list(made)[:LISTED]},
        "dropped": dropped,
    }
    if node.kind == "judgements":
        return {**told, "fate": "judged" if made else "here" if same else "absent"}, {*incoming}
    fate = "here" if same else "made-from" if made else "dropped" if dropped["count"] else "unknown"
    why = {"why": "it is neither among its rows nor in its ledger"} if fate == "unknown" else {}
    return {**told, "fate": fate, **why}, {*same, *made}


def _dropped(version: DatasetVersion, ids: Collection[str]) -> dict[str, Any]:
    table = beside(version, ROWS)
    if table is None or not table.rows:
        return {"count": 0, "ids": 0, "first": []}
    count, rows = matching(table, ids, "id")
    first = [{key: one[key] for key in ("id", "stage", "reason", "duplicate_of")} for one in rows]
    return {"count": count, "ids": len(locate(table, ids)) if count else 0, "first": first[:LISTED]}


def _learned(
    node: Node, incoming: Collection[str], dropped: Mapping[str, Any], given: Collection[str]
) -> dict[str, Any]:
    """What a model did with rows: it names those it left out, and those it learned from only by their number."""
    told = training(node.told)
    roles = {role.strip() for some in given for role in some.split(",")} - {""}
    if dropped["ids"] == len(set(incoming)):
        return {"fate": "left-out", "dropped": dropped}
    learned = {role for role in roles if role not in (*MEASURED_BY, "model")}
    if not learned:
        return {"fate": "measured-by", "dropped": dropped}
    looked = told.get("preflight") or {}
    aside, read = looked.get("held_out") or 0, looked.get("train") or 0
    if aside and "held_out" not in roles:
        why = f"{aside:,} of {aside + read:,} rows were kept aside by a hash of their question, to measure by"
        return {"fate": "learned", "dropped": dropped, "why": f"unless it is one of these: {why}"}
    return {"fate": "learned", "dropped": dropped}
