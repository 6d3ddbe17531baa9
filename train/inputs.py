"""What a trainer eats: frozen versions by the role they play, each with the digest of its bytes."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import NoTool
from dataset_cards.versions.table import Table

T = TypeVar("T")


@dataclass(frozen=True)
class Inputs:
    """Tables by role, in the order of the step's inputs; a model is a table without parts whose folder is the model.

    Roles are such as `data`, `held_out`, `against`, `model`, `reward`, `teacher`.
    """

    tables: Mapping[str, Table]
    models: Mapping[str, Path]  # where the model of a role lies on this machine
    tools: tuple[object, ...] = ()  # of the run, such as what verifies answers

    def __contains__(self, role: str) -> bool:
        return role in self.tables

    def table(self, role: str) -> Table:
        """The rows of a role.

        Raises:
            KeyError: the run was given none.
        """
        return self.tables[role]

    def rows(self, role: str) -> Iterator[dict[str, Any]]:
        """Every row of a role in order, as it lies in the version."""
        for frame in self.tables[role].frames():
            yield from frame.iter_rows(named=True)

    def tool(self, kind: type[T]) -> T:
        """The one tool of this run that is a `kind`.

        Raises:
            NoTool: the run was given none or several.
        """
        return the_one(kind, self.tools)

    def kind(self, role: str) -> str:
        """The row type of a role."""
        return str(_record(self.tables[role].folder)["kind"])

    def model(self, role: str = "model") -> Path:
        """The local folder of a model, as `from_pretrained` reads it."""
        return self.models[role]

    def eaten(self) -> list[dict[str, str]]:
        """Role, name@version, kind, digest and licence of everything that was given, in order."""
        found = []
        for role, table in self.tables.items():
            record = _record(table.folder)
            ref = f"{record['name']}@{record['version']}"
            said = {key: str(record.get(key) or "unknown") for key in ("kind", "digest", "license")}
            found.append({"role": role, "ref": ref, **said})
        return found


def the_one(kind: type[T], tools: Sequence[object]) -> T:
    """The one of `tools` that is a `kind`.

    Raises:
        NoTool: there are none or several.
    """
    found = [tool for tool in tools if isinstance(tool, kind)]
    if len(found) != 1:
        raise NoTool(f"this stage needs one {kind.__name__} to run with; the run was given {len(found)}")
    return found[0]


@contextmanager
def opened(roles: Sequence[str], tables: Sequence[Table], tools: tuple[object, ...] = ()) -> Iterator[Inputs]:
    """The inputs of a step; models on another filesystem are copied to this machine for as long as they are needed.

    Raises:
        Misuse: an input is no frozen version.
    """
    by_role = dict(zip(roles, tables, strict=True))
    with tempfile.TemporaryDirectory(prefix="gristmill-models-") as scratch:
        models = {}
        for role, table in by_role.items():
            if _record(table.folder)["kind"] == "model":
                models[role] = _local(table.folder, Path(scratch) / role)
        yield Inputs(by_role, models, tools)


def _record(folder: Folder) -> dict[str, Any]:
    if not folder.exists("version.json"):
        raise Misuse(f"{folder} is no frozen version; freeze what is to be trained on with --as NAME@VERSION")
    record: dict[str, Any] = folder.read_json("version.json")
    return record


def _local(folder: Folder, scratch: Path) -> Path:
    if folder.local:
        return Path(folder.path)
    for name in folder.files():
        target = scratch / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with folder.open(name) as source, target.open("wb") as out:
            while block := source.read(1 << 22):
                out.write(block)
    return scratch
