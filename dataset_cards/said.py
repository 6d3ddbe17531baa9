"""What commands print: a value as JSON or as text, and where the files of a version lie."""

import json
import shlex
from pathlib import Path
from typing import Any

import typer

from .cards.plain import visible
from .versions.files import Folder
from .versions.step import Step
from .versions.store import Store
from .versions.version import DatasetVersion


def say(value: Any, text: str, as_json: bool) -> None:
    """Print `value` as JSON, or `text`; neither can move the cursor, change colours or look like something else."""
    typer.echo(json.dumps(value, indent=1, sort_keys=True) if as_json else visible(text))


def places(version: DatasetVersion) -> list[str]:
    """Where the files of a version are, one line each, to be pasted into a shell."""
    folder = here(version.folder)
    named = (("version", folder), ("card", f"{folder}/README.md"), ("report", f"{folder}/report.html"))
    return [f"{name:<7}  {shlex.quote(path)}" for name, path in named]


def unnamed(step: Step, store: Store) -> str:
    """Where the output of a step is that was given no name."""
    what, it = ("model", "it") if store.done(step)["facts"].get("kind") == "model" else ("rows", "them")
    return f"{what} in {shlex.quote(here(store.folder(step)))}; name {it} for good with --as NAME@VERSION"


def here(folder: Folder) -> str:
    """The address of a folder, relative if it lies below the current one."""
    path = Path(folder.path)
    return str(path.relative_to(Path.cwd())) if folder.local and path.is_relative_to(Path.cwd()) else str(folder)
