"""A step: an operation, what it reads, and therefore who it is. Building one runs nothing."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from .fingerprint import canonical, fingerprint, identity
from .version import DatasetVersion

if TYPE_CHECKING:
    from .job import Job


_NAME = re.compile(r"[a-z0-9]+([_-][a-z0-9]+)*(/[a-z0-9]+([_-][a-z0-9]+)*)*")


class Op(Protocol):
    """Anything a step can do: a frozen, keyword-only dataclass whose fields are its whole identity.

    Bump `revision` when the same fields would now give other rows. `kind` is the row type of what comes out.
    """

    revision: ClassVar[int]

    def run(self, job: Job) -> dict[str, Any]: ...


@runtime_checkable
class Measured(Protocol):
    """An op whose expensive half does not depend on all of its fields."""

    def measured(self) -> Any:
        """The part of its identity that decides what is measured; steps that share it share measurements."""
        ...


@dataclass(frozen=True, eq=False)
class Step:
    """A node of the graph. Two steps with the same fingerprint have the same rows."""

    name: str
    op: Op
    inputs: tuple[Step | DatasetVersion, ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(
                f"{self.name!r} is no name for a step: write words of a-z, 0-9, - and _, with / between them"
            )

    @cached_property
    def fingerprint(self) -> str:
        return fingerprint({"op": self.op, "inputs": [source.fingerprint for source in self.inputs]})

    @cached_property
    def measurement(self) -> str | None:
        """What steps have in common that differ only in their decisions; None for an op that just runs."""
        if not isinstance(self.op, Measured):
            return None
        measured = {"op": identity(type(self.op)), "revision": self.op.revision, "measured": self.op.measured()}
        return fingerprint({**measured, "inputs": [source.fingerprint for source in self.inputs]})

    @property
    def id(self) -> str:
        return f"{self.name}-{self.fingerprint}"

    def json(self) -> dict[str, Any]:
        """This step as version.json records it."""
        fields = {f.name: _plain(getattr(self.op, f.name)) for f in dataclasses.fields(self.op)}  # type: ignore[arg-type]
        inputs = [source.id if isinstance(source, Step) else source.ref for source in self.inputs]
        return {
            "name": self.name,
            "fingerprint": self.fingerprint,
            "op": type(self.op).__name__,
            "revision": self.op.revision,
            "fields": fields,
            "inputs": inputs,
        }


def _plain(value: Any) -> Any:
    """A field value as a person would write it in JSON; the exact, tagged form is only for hashing."""
    if hasattr(value, "json_field"):
        return value.json_field()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {type(value).__name__: fields}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(_plain(item) for item in value)
    canonical(value)  # refuses what has no identity, with its reason
    return value


def chain(prefix: str, source: Step | DatasetVersion, *ops: Op) -> Step:
    """`source` through `ops`, one step each, named `prefix/<op class in kebab case>`.

    Raises:
        ValueError: without ops there is no step to return.
    """
    for op in ops:
        source = Step(f"{prefix}/{kebab(type(op).__name__)}", op, (source,))
    if not isinstance(source, Step):
        raise ValueError(f"chain({prefix!r}, ...) needs at least one op")
    return source


def kebab(name: str) -> str:
    """`GopherQuality` -> `gopher-quality`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()


def in_order(target: Step) -> list[Step]:
    """Every step `target` needs, each once, inputs before their readers."""
    seen: dict[str, Step] = {}

    def visit(node: Step | DatasetVersion) -> None:
        if isinstance(node, Step) and node.id not in seen:
            for source in node.inputs:
                visit(source)
            seen[node.id] = node

    visit(target)
    return list(seen.values())


def parents(target: Step) -> list[DatasetVersion]:
    """The dataset versions `target` is made from, each once, sorted by ref."""
    found = {
        source.ref: source for step in in_order(target) for source in step.inputs if isinstance(source, DatasetVersion)
    }
    return [found[ref] for ref in sorted(found)]
