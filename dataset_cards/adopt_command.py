"""The command that makes a version of outside data."""

import sys
from typing import Annotated

import typer

from . import terminal
from .cards.plain import size
from .options import STORE, JsonOption, QuarantineOption, StoreOption, one_name, open_store
from .said import places, say
from .versions.errors import Misuse
from .versions.schemas import SCHEMAS
from .versions.step import Step


def adopt(
    ctx: typer.Context,
    path: Annotated[
        str,
        typer.Argument(metavar="PATH", help="A file, folder, glob or fsspec URL of rows, or the folder of a model."),
    ],
    name: Annotated[list[str], typer.Option("--as", metavar="NAME@VERSION", help="The version to make of it.")],
    kind: Annotated[str, typer.Option(help=f"The row type: {', '.join(SCHEMAS)}; or model.")],
    license_: Annotated[
        str, typer.Option("--license", metavar="SPDX", help="Its licence, e.g. CC-BY-4.0, or unknown.")
    ],
    source: Annotated[str, typer.Option(help="A sentence on where the data comes from.")],
    mapping: Annotated[
        list[str] | None, typer.Option("--map", metavar="TARGET=FIELD", help="Read a target from this field; repeat.")
    ] = None,
    max_quarantined: QuarantineOption = 0.01,
    store: StoreOption = STORE,
    as_json: JsonOption = False,
) -> None:
    """Make a version of outside data: known shapes (TRL, Alpaca, ShareGPT, HH-RLHF, ...) are recognised."""
    from .adopt.adopt import Adopt
    from .adopt.model import AdoptModel
    from .intake.source import Input
    from .make import make
    from .watch import Console

    ref, shelf = one_name(name), open_store(store)
    pairs = [pair.partition("=") for pair in mapping or []]
    if bad := [left for left, equals, right in pairs if not (equals and right)]:
        raise Misuse(f"--map {bad[0]}: write it as TARGET=FIELD, e.g. --map prompt=question")
    fields = {left: right for left, _, right in pairs}
    if len(fields) != len(pairs):
        raise Misuse(f"--map names a target twice: {' '.join(mapping or [])}")
    call = {"path": path, "kind": kind, "license": license_, "source": source, "mapping": fields}
    op: Adopt | AdoptModel
    if kind == AdoptModel.kind:
        if fields:
            raise Misuse("--map is for rows; a model is taken as it is")
        op = AdoptModel.of(path, license=license_, source=source)
    else:
        op = Adopt(input=Input.find(path), kind=kind, mapping=fields, license=license_, source=source)
    record = {"name": "adopt", "function": f"{type(op).__module__}:{type(op).__name__}", "parameters": call}
    version = make(shelf, Step("adopt", op), (), Console(shelf, sys.stderr, max_quarantined), ref, record, ctx.obj())
    assert version is not None, "a name was given"
    taken = f"a model of {size(version.json['bytes'])}" if kind == "model" else terminal.ledger(version.json["ledger"])
    say(version.json, "\n".join([f"{version.ref}: {taken}", *places(version)]), as_json)
