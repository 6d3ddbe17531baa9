"""What else holds rows that were forgotten: versions, models, caches; each with what to do about it."""

import shlex
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..cards.plain import one_line, plural
from ..versions.store import Store
from ..versions.version import DatasetVersion
from .caches import caches, removal
from .find import beside, columns, descended, locate, matching
from .forget import Forgotten
from .graph import COMPARED, HERE, SEARCHED, Graph, Key, Node, learns
from .row import ROWS, TOLD, packed

NEXT = "NEW"  # stands for the version that a person has still to choose
# Files of a ledger that name rows or show their text.
SHOWING = {ROWS: ("id", "duplicate_of"), **dict(TOLD.values())}
NAMING = ("id", "item", "kept")  # keys under which facts name rows: items that were found, clusters
SHOWN = tuple(TOLD[what][0] for what in ("examples", "pairs"))  # of these, texts stand in the documents too


def holders(store: Store, old: DatasetVersion, new: DatasetVersion, tool: Forgotten, how: str) -> list[dict[str, Any]]:
    """Everything in the store that still holds what was forgotten, versions first, then models, then caches.

    Args:
        old: the version it was taken from; `new` the one without it.
        how: the words by which the rows were named to the command, for the next one.

    Returns:
        entries of `what` (version, model, cache), `where`, `holds` in words, and `next`: what to do, in order.
    """
    graph = Graph.of(store)
    node = graph.node(old)
    ids = {*tool.ids, *tool.sources}
    versions: list[dict[str, Any]] = []
    models: list[dict[str, Any]] = []
    there: dict[Key, set[str]] = {}  # by version and model, the ids that it has of them
    instead = {old.ref: new.ref}  # what later versions are to be made from
    above = {one.key for one in graph.above([node.key])}
    for one in _family(graph, node, new.ref):
        learned = one.kind == "model"
        if one.version is None:
            # Of what is gone nobody can tell: what was above had them, what was below had all of what came in.
            came = (there.get(key, set()) for key, role in one.parents if role not in (SEARCHED, COMPARED))
            there[one.key] = ids if one.key in above else {each for some in came for each in some}
            continue
        try:
            held, there[one.key] = _learned(graph, one, there) if learned else _held(one.version, ids)
        except (RuntimeError, OSError) as error:
            held, there[one.key] = [f"cannot be told: {error}"], ids
        if held:
            what = "model" if learned else "version"
            (models if learned else versions).append(_entry(what, one, held, _next(one, node, graph, instead, how)))
            instead.setdefault(one.ref, _new(one))
    found = [*versions, *models]
    found += [
        {"what": "version", "where": ref, "holds": ["cannot be told, its version.json is damaged"], "next": []}
        for ref in graph.damaged
    ]
    return [*found, *caches(store, ids, {one["where"] for one in (*versions, *models)})]


def _family(graph: Graph, node: Node, new: str) -> list[Node]:
    """Everything that may share rows with a version: what it was made from, and all that was made from that."""
    twins = [one.key for one in graph.twins(node)]
    above = graph.above([node.key, *twins])
    below = graph.below([node.key, *twins, *(one.key for one in above)])
    every = {one.key: one for one in [*above, node, *(graph.nodes[key] for key in twins), *below]}
    return [one for one in every.values() if one.ref != new]


def _held(version: DatasetVersion, ids: Collection[str]) -> tuple[list[str], set[str]]:
    """What a version has of these rows, in words, and the ids of the rows themselves."""
    table = version.table
    if packed(version.json) or "id" not in columns(table):
        return ["cannot be told: its rows are blocks without ids of texts"], set(ids)
    said = []
    same, made = locate(table, ids), descended(table, ids)
    if same:
        said.append(f"{plural(sum(map(len, same.values())), 'row')} of these ids")
    if made:
        said.append(f"{plural(len(made), 'row')} made from them")
    for path, by in SHOWING.items():
        side = beside(version, path)
        if side is not None and side.rows and (count := matching(side, ids, *by, most=0)[0]):
            shown = " (README.md and report.html show some)" if path in SHOWN else ""
            said.append(f"{plural(count, 'line')} of {path}{shown}")
    if named := _named(version.json.get("facts"), ids):
        said.append(f"named {plural(named, 'time')} in version.json, README.md and report.html")
    if twins := _duplicates(version, ids):
        said.append(f"duplicates of them were dropped, and are above it under other ids: {', '.join(twins)}")
    return said, {*same, *made}


def _named(told: Any, ids: Collection[str]) -> int:
    """How often facts name one of `ids`."""
    if isinstance(told, list):
        return sum(_named(one, ids) for one in told)
    if not isinstance(told, Mapping):
        return 0
    own = sum(isinstance(told.get(key), str) and told[key] in ids for key in NAMING)
    return own + sum(_named(one, ids) for one in told.values())


def _duplicates(version: DatasetVersion, ids: Collection[str]) -> list[str]:
    """Ids of rows that were dropped because one of `ids` stays; the first few."""
    book = beside(version, ROWS)
    twins = matching(book, ids, "duplicate_of")[1] if book is not None and book.rows else []
    return [one_line(one["id"]) for one in twins if one["id"] not in ids]


def _learned(graph: Graph, model: Node, there: Mapping[Key, set[str]]) -> tuple[list[str], set[str]]:
    """Whether a model learned from any of the rows that its inputs have or had, itself or through another model."""
    assert model.version is not None
    given = [graph.nodes[key] for key, role in model.parents if there.get(key) and learns(role)]
    rows = {one for parent in given if parent.kind != "model" for one in there[parent.key]}
    book = beside(model.version, ROWS)
    left = set(locate(book, rows)) if rows and book is not None and book.rows else set()
    sure = {one for parent in given if parent.version is not None for one in there[parent.key]} - left
    through = {one for parent in given if parent.kind == "model" for one in there[parent.key]}
    if not (rows - left or through):
        return [], set()
    if not sure:
        gone = ", ".join(parent.ref for parent in given if parent.version is None)
        return [f"it may have learned from them, through {gone}, which is gone from this store"], rows | through
    return ["it learned from them, and what a model learned cannot be taken out of it"], (rows - left) | through


def _entry(what: str, node: Node, held: Sequence[str], then: Sequence[str]) -> dict[str, Any]:
    assert node.version is not None
    return {"what": what, "where": node.ref, "holds": list(held), "next": [*then, removal(node.version.folder)]}


def _next(one: Node, node: Node, graph: Graph, instead: Mapping[str, str], how: str) -> list[str]:
    """What to do before a version or model is deleted."""
    if one.key == node.key:
        return []
    if one.kind != "model" and not any(graph.nodes[key].state == HERE for key, _ in one.parents):
        # What nothing in the store came before: take them out there, and make everything below anew.
        return [f"gristmill forget {one.ref} {how} --as {_new(one)} --reason ..."]
    return [_again(one, one.told.get("recipe") or {}, instead)]


def _new(one: Node) -> str:
    return f"{one.ref.partition('@')[0]}@{NEXT}"


def _again(one: Node, made: Mapping[str, Any], instead: Mapping[str, str]) -> str:
    """The command that makes a version again, from the new version in place of the old one."""
    if made.get("name") in (None, "adopt", "forget"):
        return f"make {one.ref} again without these rows"
    function = str(made.get("function") or "")
    called = function if function.partition(":")[0].endswith(".py") else str(made["name"])
    given = []
    for key, value in (made.get("parameters") or {}).items():
        words = [_word(part, instead) for part in (value if isinstance(value, list) else [value])]
        if value is not None and any(words):
            given.append(f"-p {shlex.quote(key + '=' + ','.join(words))}")
    return f"gristmill run {shlex.quote(called)} {' '.join(given)} --as {_new(one)}"


def _word(value: Any, instead: Mapping[str, str]) -> str:
    """A parameter as it is typed."""
    return str(value).lower() if isinstance(value, bool) else instead.get(str(value), str(value))
