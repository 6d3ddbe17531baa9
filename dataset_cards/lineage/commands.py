"""The commands of lineage: trace a row, a version or a model in both directions, and take rows out."""

import itertools
from typing import Annotated, Any

import typer

from ..cards.plain import one_line, plural
from ..options import STORE, JsonOption, RefArgument, StoreOption, open_store
from ..said import say
from ..versions.errors import Misuse
from ..versions.store import Store
from ..versions.version import DatasetVersion
from .fate import fates
from .find import MOST, columns, holding, utf8
from .forget_command import forget
from .graph import Graph
from .outline import Twig, drawn
from .row import elsewhere, origin
from .row_said import twigs as row_twigs
from .tree import lineage as tree
from .tree import twigs as tree_twigs

lineage = typer.Typer()
lineage.command("forget")(forget)


@lineage.command()
def trace(
    ref: RefArgument,
    row: Annotated[str | None, typer.Argument(metavar="[ROW_ID]", help="The exact id of a row of it.")] = None,
    text: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Find the ids of rows that hold exactly this text; shows 20.")
    ] = None,
    store: StoreOption = STORE,
    as_json: JsonOption = False,
) -> None:
    """Where a row, a version or a model comes from, decision by decision, and everything that was made from it."""
    shelf = open_store(store)
    version = shelf.version(ref)
    if row is not None and text is not None:
        raise Misuse("give a ROW_ID or --text, not both")
    if row is None and text is None:
        found = tree(Graph.of(shelf), version)
        say(found, drawn(tree_twigs(found)), as_json)
        return
    if version.kind == "model":
        raise Misuse(
            f"{version.ref} is a model and has no rows; `gristmill trace {version.ref}` says which versions it "
            "learned from, and rows are traced in those"
        )
    if row is not None:
        _row(shelf, version, row, as_json)
    else:
        _text(version, text or "", as_json)


def _row(shelf: Store, version: DatasetVersion, row: str, as_json: bool) -> None:
    """Tell of one row.

    Raises:
        Misuse: the version knows no row of this id; the message says which of its relatives do.
    """
    graph = Graph.of(shelf)
    up = origin(shelf, graph, version, [utf8(row, "ROW_ID")])
    if not (up["rows"] or up["dropped"] or up["judgements"] or up["duplicates"]["count"]):
        raise Misuse(_nowhere(graph, version, row, up["has_ids"]))
    down = fates(graph, version, [row]) if up["rows"] or version.kind == "judgements" else []
    lines = [*row_twigs(up, down), *(Twig(f"left out: {one}") for one in graph.damaged)]
    say(
        {"version": version.ref, "row": row, "up": up, "down": down, "damaged": list(graph.damaged)},
        drawn(lines),
        as_json,
    )


def _nowhere(graph: Graph, version: DatasetVersion, row: str, has_ids: bool) -> str:
    said = f"{version.ref} has no row {one_line(row)!r}, neither among its rows nor in its ledger"
    if not has_ids:
        return (
            f"the rows of {version.ref} have no ids of texts, so none can be traced; trace one of what it was made from"
        )
    found = elsewhere(graph, version, row)
    if found["in"]:
        return f"{said}; there is one in {', '.join(found['in'])}"
    if found["like"]:
        return f"{said}; ids like it: {', '.join(repr(one_line(one)) for one in found['like'])}"
    unread = version.json["ledger"]["quarantined"]
    more = (
        f"; {plural(unread, 'input')} could not be read and got no id, see ledger/quarantine.parquet" if unread else ""
    )
    return f"{said}, nor anywhere above or below it; `--text` finds rows by what they say{more}"


def _text(version: DatasetVersion, text: str, as_json: bool) -> None:
    """List the rows that hold a text.

    Raises:
        Misuse: the text is empty, or the rows have no ids.
    """
    if not text:
        raise Misuse("--text is empty, and every row holds that")
    if "id" not in columns(version.table):
        raise Misuse(f"the rows of {version.ref} have no ids, so there is nothing to find")
    hits = list(itertools.islice(holding(version.table, version.kind, utf8(text, "--text")), MOST + 1))
    shown: list[dict[str, Any]] = [{"id": name, "text": around} for _, name, around in hits[:MOST]]
    lines = [Twig(f'"{one_line(one["id"])}"', (Twig(one["text"]),)) for one in shown]
    if len(hits) > MOST:
        lines.append(Twig(f"these are the first {MOST}; there are more"))
    if not hits:
        lines.append(Twig(f"no row of {version.ref} holds this text, letter for letter"))
    say({"version": version.ref, "rows": shown, "more": len(hits) > MOST}, drawn(lines), as_json)
