"""The command that makes a version without certain rows, and says what else holds them."""

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import terminal
from ..cards.plain import plural
from ..options import STORE, JsonOption, RefArgument, StoreOption, one_name, open_store
from ..said import places, say
from ..versions.errors import Misuse
from ..versions.step import Step
from ..versions.version import DatasetVersion
from ..watch import Console
from .find import columns, holding, utf8
from .forget import Forget, Forgotten, find
from .holders import holders
from .outline import Twig, drawn

TELLING = 4  # characters from which an id in the reason is taken for one


def forget(
    ctx: typer.Context,
    ref: RefArgument,
    name: Annotated[list[str], typer.Option("--as", metavar="NAME@VERSION", help="The version without the rows.")],
    reason: Annotated[str, typer.Option(help="Why, for everybody to read: name nobody.")],
    ids: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Ids, one a line, as they are or as JSON strings.")
    ] = None,
    id_: Annotated[
        list[str] | None, typer.Option("--id", metavar="ID", help="The id of a row; repeat for more.")
    ] = None,
    text: Annotated[str | None, typer.Option(metavar="TEXT", help="Every row that holds exactly this text.")] = None,
    store: StoreOption = STORE,
    as_json: JsonOption = False,
) -> None:
    """Make a version without certain rows and all that was made from them, and say what else holds them."""
    from ..make import make

    target, shelf = one_name(name), open_store(store)
    version = shelf.version(ref)
    if target == version.ref:
        raise Misuse(f"--as {target}: a version is never changed; give the one without the rows another name")
    wanted = _ids(version, ids, id_ or [], text)
    tool = find(version, wanted)
    _quiet(reason, [*tool.ids, *([text] if text else [])])
    record = version.json
    op = Forget(
        kind=version.kind,
        digest=tool.digest,
        reason=reason,
        license=str(record["license"]),
        source=record.get("source"),
    )
    call = {"version": version.ref, "rows": len(tool.rows) + len(tool.made), "reason": reason}
    made = {"name": "forget", "function": f"{Forget.__module__}:{Forget.__name__}", "parameters": call}
    console = Console(shelf, sys.stderr)
    new = make(shelf, Step("forget", op, (version,)), (tool,), console, target, made, ctx.obj() if ctx.obj else None)
    assert new is not None, "a name was given"
    held = holders(shelf, version, new, tool, _how(ids, id_ or [], text))
    say({"version": new.json, "holders": held}, _text(new, tool, held), as_json)


def _ids(version: DatasetVersion, path: Path | None, given: Sequence[str], text: str | None) -> list[str]:
    """The ids of the rows to forget, each once.

    Raises:
        Misuse: none are named, the file cannot be read, or no row holds the text.
    """
    found = [utf8(one, "--id") for one in given]
    if path is not None:
        found += _read(path)
    if text is not None:
        if not text:
            raise Misuse("--text is empty, and every row holds that")
        there = "id" in columns(version.table)
        hits = [name for _, name, _ in holding(version.table, version.kind, utf8(text, "--text"))] if there else []
        if not hits:
            raise Misuse(f"no row of {version.ref} holds this text, letter for letter; nothing was forgotten")
        found += hits
    if not found:
        raise Misuse("name the rows to forget: --id ID, --ids FILE or --text TEXT")
    return list(dict.fromkeys(found))


def _read(path: Path) -> list[str]:
    """Ids from a file: a line is an id, or, where it begins with a quotation mark, a JSON string of it.

    Raises:
        Misuse: the file cannot be read, or a line is no JSON string.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise Misuse(f"--ids {path} cannot be read: {error}") from error
    found = []
    for number, line in enumerate(lines, 1):
        one = line.removesuffix("\r")
        if one.startswith('"'):
            try:
                one = json.loads(one)
            except ValueError as error:
                raise Misuse(f"--ids {path}, line {number}: this is no JSON string ({error})") from error
        if one:
            found.append(utf8(one, f"--ids {path}, line {number}"))
    return found


def _quiet(reason: str, secret: Sequence[str]) -> None:
    """Refuse a reason that says what is to be forgotten: it is written into the version.

    Raises:
        Misuse: it does, or is empty.
    """
    if not reason.strip():
        raise Misuse("--reason is empty; say why, without naming anybody")
    if any(len(one) >= TELLING and one in reason for one in secret):
        raise Misuse("--reason names what is to be forgotten, and it would stand in the new version; say it otherwise")


def _how(path: Path | None, given: Sequence[str], text: str | None) -> str:
    words = [word for one in given for word in ("--id", one)]
    words += ["--ids", str(path)] if path is not None else []
    words += ["--text", text] if text is not None else []
    return shlex.join(words)


def _text(version: DatasetVersion, tool: Forgotten, held: Sequence[Mapping[str, Any]]) -> str:
    """The ledger of the new version, and what is left to do."""
    gone = plural(len(tool.rows), "row")
    made = f" and {plural(len(tool.made), 'row')} made from them" if tool.made else ""
    lines = [f"{version.ref}: {terminal.ledger(version.json['ledger'])}", *places(version)]
    lines += ["", f"{version.ref} is without {gone}{made}. They are still elsewhere:", ""]
    twigs = [
        Twig(
            f"{one['what']} {one['where']}: {'; '.join(one['holds'])}",
            tuple(Twig(step, command=True) for step in one["next"]),
        )
        for one in held
    ]
    twigs += [
        Twig(
            "published copies cannot be seen from here: publish the new version, and withdraw the old ones where "
            "they are"
        ),
        Twig("raw input outside of this store, backups, and what a desk showed to people are not looked at either"),
    ]
    return "\n".join([*lines, drawn(twigs)])
