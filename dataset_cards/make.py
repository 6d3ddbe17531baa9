"""Making a version: run what is not done yet, look at what came out, and freeze it."""

from collections.abc import Mapping, Sequence
from typing import Any

from .facts.instruments import Instruments
from .freeze import freeze
from .versions.step import Step
from .versions.store import Store
from .versions.version import DatasetVersion
from .watch import Console


def make(
    shelf: Store,
    step: Step,
    tools: Sequence[object],
    console: Console,
    name: str | None,
    recipe: Mapping[str, Any],
    instruments: Instruments | None = None,
) -> DatasetVersion | None:
    """Run `step` and, if a `name` is given, freeze its rows as that version.

    Raises:
        Refused: too much of the input could not be read, in this run or in the earlier one that read it.
        OSError: naming the store where the system names no file, as when the disk is full.
    """
    try:
        shelf.run(step, tools, console)
        console.check(step)
        version = freeze(shelf, step, name, recipe, instruments) if name else None
    except (FileExistsError, FileNotFoundError):
        raise
    except OSError as error:
        if error.filename is None:
            raise OSError(error.errno, error.strerror or str(error), f"the store {shelf.root}") from error
        raise
    if version is not None and not version.json["rows"] and version.kind != "model":
        console.warn(_empty(version))
    return version


def _empty(version: DatasetVersion) -> str:
    """What became of all the rows of a version that has none."""
    ledger = version.json["ledger"]
    said = f"{version.ref} has no rows, and `load_dataset` refuses a version without any"
    if dropped := {reason: rows for reason, rows in ledger["dropped"].items() if rows}:
        most = max(sorted(dropped), key=lambda reason: dropped[reason])
        look = "" if most.startswith("forget/") else f"; `gristmill sample {version.ref} --reason {most}` shows some"
        return (
            f"{said}: {sum(dropped.values()):,} of {ledger['read']:,} were dropped, {dropped[most]:,} of them as "
            f"{most}{look}"
        )
    return f"{said}: {ledger['read']:,} were read and {ledger['quarantined']:,} of them could not be"
