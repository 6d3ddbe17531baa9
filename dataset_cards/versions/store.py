"""Where rows live: a cache of step outputs by fingerprint, and frozen versions by name.

<store>/steps/web-text/screen-3f2a9c1d4b7e0a55/   cache: parts, facts per task, and done.json written last
<store>/trial/comparisons/collect-90c1...         the same of runs with scripted people or a fake model
<store>/versions/pages/1.0.0/                     frozen: the rows, their card, and version.json written last
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from .files import Folder
from .fingerprint import fingerprint
from .job import Job
from .ledger import Ledger, total
from .lock import locked
from .step import Step, in_order, parents
from .table import Part, Table
from .version import DRAFT, RECORD, Damaged, DatasetVersion, NoSuchVersion, parse_ref

MARKER = "gristmill-store.json"
STARTED = "started.json"  # how the inputs were cut when a step began
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
    """A folder, on any fsspec address, that holds steps and versions.

    A `trial` has steps of its own beside the real ones: what scripted people or a fake model answered is never found
    by a real run, and does not touch what real people have answered so far. Finished real steps serve both.
    """

    root: Folder
    trial: bool = False

    @classmethod
    def at(cls, address: str) -> "Store":
        return cls(Folder.at(address))

    def folder(self, step: Step) -> Folder:
        real = self.root / "steps" / step.id
        return self.root / "trial" / step.id if self.trial and not real.exists(DONE) else real

    def done(self, step: Step) -> dict[str, Any]:
        """What a finished step remembers: parts, funnel, facts, taints, and the history of the rows."""
        record: dict[str, Any] = self.folder(step).read_json(DONE)
        return record

    def is_done(self, step: Step) -> bool:
        """Whether the output of a step is there, whole, and fits what is there of its inputs."""
        folder = self.folder(step)
        names = set(folder.names())
        if DONE not in names:
            return False
        done = self.done(step)
        there = {source.id: source for source in step.inputs if isinstance(source, Step)}
        fits = all(
            layout == self.done(there[name])["layout"]
            for name, layout in done["inputs"].items()
            if name in there and self.folder(there[name]).exists(DONE)
        )
        return fits and all(part["name"] in names for part in done["parts"])

    def table(self, source: Step | DatasetVersion) -> Table:
        if isinstance(source, DatasetVersion):
            return source.table
        return Table(self.folder(source), tuple(Part(**part) for part in self.done(source)["parts"]))

    def plan(self, target: Step) -> list[tuple[Step, bool]]:
        """Every step, inputs first, with whether nothing is to be done for it; runs nothing, writes nothing."""
        needed = {step.id for step in self._needed(target)}
        return [(step, step.id not in needed or self.is_done(step)) for step in in_order(target)]

    def run(self, target: Step, tools: Sequence[object] = (), watcher: Watcher | None = None) -> Table:
        """Do what is not done yet and return the rows of `target`.

        Raises:
            Waiting: people or a batch queue have not answered yet; run again later.
            Unbalanced: a step lost or invented rows; its output is not marked as done.
        """
        watcher = watcher or Quiet()
        self.open()
        for step in self._needed(target):
            with self._locked(step, watcher):
                if self.is_done(step):
                    watcher.cached(step)
                else:
                    self._do(step, tools, watcher)
        return self.table(target)

    def open(self) -> None:
        """Mark the folder as a store."""
        if not self.root.exists(MARKER):
            self.root.write_json(MARKER, {"what": "a gristmill store; not input"})

    def _locked(self, step: Step, watcher: Watcher) -> AbstractContextManager[None]:
        return locked(self.root / "locks", step.id.replace("/", "."), lambda: watcher.waiting(step.name))

    def _needed(self, target: Step) -> list[Step]:
        """The steps to look at: what lies behind a finished step is not needed, even if its cache was deleted."""
        needed: dict[str, Step] = {}

        def visit(step: Step) -> None:
            if step.id in needed:
                return
            if not self.is_done(step):
                for source in step.inputs:
                    if isinstance(source, Step):
                        visit(source)
            needed[step.id] = step

        visit(target)
        return list(needed.values())

    def _do(self, step: Step, tools: Sequence[object], watcher: Watcher) -> None:
        watcher.started(step)
        clock = time.monotonic()
        inputs = tuple(self.table(source) for source in step.inputs)
        steps = [source for source in step.inputs if isinstance(source, Step)]
        layouts = {source.id: self.done(source)["layout"] for source in steps}
        folder = self.folder(step)
        # Parts that an earlier run left fit only inputs that were cut as they are now.
        if folder.exists(DONE) or (folder.exists(STARTED) and folder.read_json(STARTED) != layouts):
            folder.remove()
        folder.sweep()
        folder.write_json(STARTED, layouts)
        job = Job(inputs, folder, tuple(tools), self._peers(step, layouts))
        facts = step.op.run(job)
        tasks = job.facts()
        parts = [part for task in tasks for part in task["parts"]]
        funnel = _funnel(step.name, tasks)
        done = {
            "step": step.json(),
            "measurement": step.measurement,
            "parts": parts,
            "inputs": layouts,
            "layout": fingerprint(Table(folder, tuple(Part(**part) for part in parts)).groups()),
            "funnel": funnel,
            "history": {**self._history(steps), step.id: funnel},
            "facts": facts,
            "tainted": sorted({taint for source in steps for taint in self.done(source)["tainted"]} | job.taints),
        }
        folder.write_json(DONE, done)
        watcher.finished(step, done, time.monotonic() - clock)

    def _history(self, steps: Sequence[Step]) -> dict[str, Any]:
        """The funnels of everything behind `steps`, kept with each step because caches may be deleted."""
        return {name: funnel for step in steps for name, funnel in self.done(step)["history"].items()}

    def _peers(self, step: Step, layouts: Mapping[str, str]) -> tuple[Table, ...]:
        """Finished steps of the same name that measured the same rows and only decided otherwise."""
        if step.measurement is None:
            return ()
        *above, name = step.name.split("/")
        folder = self.root / "/".join(("steps", *above))
        found = []
        for other in (folder / entry for entry in folder.names() if entry.startswith(f"{name}-")):
            if other.exists(DONE):
                record = other.read_json(DONE)
                if record["measurement"] == step.measurement and record["inputs"] == layouts:
                    found.append(Table(other, tuple(Part(**part) for part in record["parts"])))
        return tuple(found)

    def taints(self, target: Step) -> list[str]:
        """Why the rows of a finished step may only become a draft; empty if they may become anything."""
        found = set(self.done(target)["tainted"])
        for version in parents(target):
            found |= set(version.json["tainted"])
            if version.version == DRAFT:
                found.add(f"made from {version.ref}")
        return sorted(found)

    def funnel(self, target: Step) -> list[dict[str, Any]]:
        """Row counts by stage over everything behind a finished step, in order; stages follow on from each other."""
        history = self.done(target)["history"]
        return [entry for step in in_order(target) for entry in history[step.id]]

    def version(self, ref: str) -> DatasetVersion:
        """A frozen version.

        Raises:
            Misuse: `ref` is not `name@version`.
            NoSuchVersion: naming the versions there are.
            Damaged: its version.json cannot be read.
        """
        name, version = parse_ref(ref)
        folder = self.root / "versions" / name / version
        if not folder.exists("version.json"):
            there = [other for other in (self.root / "versions" / name).names() if not other.startswith(".")]
            known = f"{name} has {', '.join(there)}" if there else f"the store at {self.root} has no {name} at all"
            raise NoSuchVersion(f"there is no {ref}: {known}; `gristmill list` shows every version")
        record = folder.read_json("version.json")
        if missing := [key for key in RECORD if key not in record]:
            raise Damaged(f"{folder}/version.json is damaged: it says nothing of {', '.join(missing)}")
        return DatasetVersion(name=name, version=version, folder=folder, json=record)

    def versions(self) -> list[DatasetVersion]:
        """Every version and draft that can be read, by name and then version."""
        return [found for found in self._shelf() if isinstance(found, DatasetVersion)]

    def unreadable(self) -> list[str]:
        """A sentence for everything on the shelf of versions that is none."""
        return [found for found in self._shelf() if isinstance(found, str)]

    def _shelf(self) -> Iterator[DatasetVersion | str]:
        shelf = self.root / "versions"
        for name in shelf.names():
            for version in (shelf / name).names():
                folder = shelf / name / version
                if not folder.exists("version.json"):
                    continue
                try:
                    yield self.version(f"{name}@{version}")
                except (Damaged, ValueError) as error:
                    yield f"{folder}: {error}"


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
