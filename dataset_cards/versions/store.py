"""Where rows live: a cache of step outputs by fingerprint, and frozen versions by name.

<store>/steps/web-text/screen-3f2a9c1d4b7e0a55/   cache: parts, facts per task, and done.json written last
<store>/versions/pages/1.0.0/                     frozen: the rows, their card, and version.json written last
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from .files import Folder
from .job import Job
from .ledger import Ledger, total
from .lock import locked
from .step import Step, in_order
from .table import Part, Table
from .version import DRAFT, DatasetVersion, NoSuchVersion, parse_ref

DONE = "done.json"


class Watcher(Protocol):
    """Told what a run is doing; the command line prints it, a library user may ignore it."""

    def cached(self, step: Step) -> None: ...
    def started(self, step: Step) -> None: ...
    def finished(self, step: Step, done: Mapping[str, Any], seconds: float) -> None: ...
    def waiting(self, what: str) -> None: ...


class Quiet:
    """A watcher that says nothing."""

    def cached(self, step: Step) -> None: ...
    def started(self, step: Step) -> None: ...
    def finished(self, step: Step, done: Mapping[str, Any], seconds: float) -> None: ...
    def waiting(self, what: str) -> None: ...


@dataclass(frozen=True)
class Store:
    """A folder, on any fsspec address, that holds steps and versions."""

    root: Folder

    @classmethod
    def at(cls, address: str) -> "Store":
        return cls(Folder.at(address))

    def folder(self, step: Step) -> Folder:
        return self.root / "steps" / step.id

    def done(self, step: Step) -> dict[str, Any]:
        """What a finished step remembers: parts, funnel, facts, taints."""
        record: dict[str, Any] = self.folder(step).read_json(DONE)
        return record

    def is_done(self, step: Step) -> bool:
        return self.folder(step).exists(DONE)

    def table(self, source: Step | DatasetVersion) -> Table:
        if isinstance(source, DatasetVersion):
            return source.table
        return Table(self.folder(source), tuple(Part(**part) for part in self.done(source)["parts"]))

    def plan(self, target: Step) -> list[tuple[Step, bool]]:
        """Every step, inputs first, with whether it is done; runs nothing, writes nothing."""
        return [(step, self.is_done(step)) for step in in_order(target)]

    def run(self, target: Step, tools: Sequence[object] = (), watcher: Watcher | None = None) -> Table:
        """Do what is not done yet and return the rows of `target`.

        Raises:
            Waiting: people or a batch queue have not answered yet; run again later.
            Unbalanced: a step lost or invented rows; its output is not marked as done.
        """
        watcher = watcher or Quiet()
        for step in self._needed(target):
            if self.is_done(step):
                watcher.cached(step)
                continue
            with locked(self.folder(step), lambda step=step: watcher.waiting(step.name)):  # type: ignore[misc]
                if not self.is_done(step):
                    self._do(step, tools, watcher)
        return self.table(target)

    def _needed(self, target: Step) -> list[Step]:
        """The steps to look at: what lies behind a finished step is not needed, even if its cache was deleted."""
        needed: dict[str, Step] = {}

        def visit(step: Step) -> None:
            if step.fingerprint in needed:
                return
            if not self.is_done(step):
                for source in step.inputs:
                    if isinstance(source, Step):
                        visit(source)
            needed[step.fingerprint] = step

        visit(target)
        return list(needed.values())

    def _do(self, step: Step, tools: Sequence[object], watcher: Watcher) -> None:
        watcher.started(step)
        clock = time.monotonic()
        inputs = tuple(self.table(source) for source in step.inputs)
        job = Job(inputs, self.folder(step), tuple(tools), self._peers(step))
        facts = step.op.run(job)
        tasks = job.facts()
        done = {
            "step": step.json(),
            "measurement": step.measurement,
            "parts": [part for task in tasks for part in task["parts"]],
            "funnel": _funnel(step.name, tasks),
            "facts": facts,
            "tainted": sorted(self._taints(step) | job.taints),
        }
        self.folder(step).write_json(DONE, done)
        watcher.finished(step, done, time.monotonic() - clock)

    def _peers(self, step: Step) -> tuple[Table, ...]:
        """Finished steps of the same name that measured the same things and only decided otherwise."""
        if step.measurement is None:
            return ()
        folder = self.root / "steps" / "/".join(step.name.split("/")[:-1])
        stem = step.name.split("/")[-1] + "-"
        found = []
        for name in folder.names():
            other = folder / name
            if name.startswith(stem) and other.exists(DONE):
                record = other.read_json(DONE)
                if record["measurement"] == step.measurement:
                    found.append(Table(other, tuple(Part(**part) for part in record["parts"])))
        return tuple(found)

    def _taints(self, step: Step) -> set[str]:
        taints: set[str] = set()
        for source in step.inputs:
            taints |= set(self.done(source)["tainted"] if isinstance(source, Step) else source.json["tainted"])
            if isinstance(source, DatasetVersion) and source.version == DRAFT:
                taints.add(f"made from {source.ref}")
        return taints

    def funnel(self, target: Step) -> list[dict[str, Any]]:
        """Row counts by stage over everything behind `target`, in order; stages follow on from each other."""
        return [entry for step in in_order(target) if self.is_done(step) for entry in self.done(step)["funnel"]]

    def version(self, ref: str) -> DatasetVersion:
        """A frozen version.

        Raises:
            ValueError: `ref` is not `name@version`.
            NoSuchVersion: naming the versions there are.
        """
        name, version = parse_ref(ref)
        folder = self.root / "versions" / name / version
        if not folder.exists("version.json"):
            there = [other for other in (self.root / "versions" / name).names() if not other.startswith(".")]
            known = f"{name} has {', '.join(there)}" if there else f"the store at {self.root} has no {name} at all"
            raise NoSuchVersion(f"there is no {ref}: {known}; `gristmill list` shows every version")
        return DatasetVersion(name=name, version=version, folder=folder, json=folder.read_json("version.json"))

    def versions(self) -> list[DatasetVersion]:
        """Every frozen version and draft, by name and then version."""
        shelf = self.root / "versions"
        refs = [f"{name}@{version}" for name in shelf.names() for version in (shelf / name).names()]
        return [self.version(ref) for ref in refs if (shelf / ref.replace("@", "/", 1)).exists("version.json")]


def _funnel(step: str, tasks: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The funnels of all tasks added up stage by stage, checked to balance and to follow on."""
    stages: dict[str, list[Ledger]] = {}
    for task in tasks:
        for entry in task.get("funnel", []):
            counts = {key: value for key, value in entry.items() if key != "stage"}
            stages.setdefault(entry["stage"], []).append(Ledger.of(counts))
    result: list[dict[str, Any]] = []
    for stage, ledgers in stages.items():
        ledger = total(ledgers).check(f"{step}, stage {stage}")
        if result and ledger.read != result[-1]["kept"]:
            raise RuntimeError(
                f"{step}: {result[-1]['stage']} passed on {result[-1]['kept']} rows, but {stage} saw {ledger.read}"
            )
        result.append({"stage": stage, **ledger.json()})
    return result
