"""Time, memory and disk of a run, from running it on small samples of its input; and how to share the work."""

import os
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from curation.engine import LocalEngine
from curation.ingest import Cut
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Waiting
from dataset_cards.versions.step import Step, in_order
from dataset_cards.versions.store import Store

from .sample import Sample, smaller

SAMPLE_BYTES = 32 << 20  # two whole row groups of text, so that memory is that of a long run
WARM_BYTES = 1 << 18  # run first and not counted: kernels are compiled and models loaded once
MIN_PART_MB, MAX_PART_MB = 4, 64
TASKS_PER_WORKER = 8  # so that nobody waits long for the last one


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a step would take: CPU seconds, bytes of memory per worker, bytes it leaves and needs at most on disk."""

    step: str
    cpu_s: float
    memory: int
    disk: int
    peak_disk: int


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a run would take, and how to run it here."""

    steps: tuple[Cost, ...]
    sampled: int  # bytes of the input
    of: int
    left_out: tuple[str, ...]
    workers: int
    part_mb: int
    tasks: int
    free_memory: int
    free_disk: int | None  # None where the store is not on this machine

    @property
    def cpu_s(self) -> float:
        return sum(cost.cpu_s for cost in self.steps)

    @property
    def wall_s(self) -> float:
        """With the proposed workers, if nobody else uses the machine."""
        return self.cpu_s / self.workers

    @property
    def memory(self) -> int:
        """Of one worker."""
        return max((cost.memory for cost in self.steps), default=0)

    @property
    def disk(self) -> int:
        """At most, at any time of the run: what earlier steps left and what the present one needs."""
        left, most = 0, 0
        for cost in self.steps:
            most = max(most, left + cost.peak_disk)
            left += cost.disk
        return most

    def json(self) -> dict[str, Any]:
        steps = [vars(cost) for cost in self.steps]
        whole = {"cpu_s": self.cpu_s, "wall_s": self.wall_s, "memory_per_worker": self.memory, "disk": self.disk}
        proposal = {"workers": self.workers, "part_mb": self.part_mb, "tasks": self.tasks}
        sample = {"sampled_bytes": self.sampled, "of_bytes": self.of, "left_out": list(self.left_out)}
        return {"steps": steps, **whole, "proposal": proposal, **sample}


def estimate(target: Step, todo: Sequence[Step], store: Store, sample_bytes: int = SAMPLE_BYTES) -> Estimate:
    """What the steps `todo` of `target` would take; everything is written to a temporary folder and removed.

    A step's cost is taken to be a constant and a multiple of the input, found from two samples, the second four times
    the first. Steps that find more in more data, such as those for duplicates, are estimated low in what they drop.
    """
    with tempfile.TemporaryDirectory(prefix="gristmill-plan-") as folder:
        root = Path(folder)
        _measured(smaller(target, WARM_BYTES, root / "warm-input"), root / "warm")
        small = smaller(target, sample_bytes // 4, root / "small-input")
        few = _measured(small, root / "small")
        large = smaller(target, sample_bytes, root / "large-input")
        many = _measured(large, root / "large")
    wanted = {step.name for step in todo}
    costs = [
        _scaled(step.name, few[place], many[place], small, large)
        for place, step in enumerate(in_order(target))
        if step.name in wanted
    ]
    return _proposed(costs, large, store)


def estimated(target: Step, todo: Sequence[Step], store: Store) -> tuple[Estimate | None, str]:
    """An estimate, or the reason that there is none: the recipe needs people or a model, or more than a sample."""
    try:
        return estimate(target, todo, store), ""
    except (Misuse, Waiting) as error:
        return None, str(error)
    except OSError as error:
        return None, f"a sample cannot be run: {error}; it is written to a temporary folder, see TMPDIR"


def _scaled(name: str, few: "_Use", many: "_Use", small: Sample, large: Sample) -> Cost:
    more = large.bytes - small.bytes
    rate = max(0.0, (many.cpu_s - few.cpu_s) / more) if more > 0 else many.cpu_s / max(1, large.bytes)
    constant = max(0.0, many.cpu_s - rate * large.bytes)
    whole = 1 / large.share if large.share else 1.0
    return Cost(
        step=name,
        cpu_s=constant + rate * large.of_bytes,
        memory=many.memory,
        disk=round(many.disk * whole),
        peak_disk=round(max(many.peak_disk, many.disk) * whole),
    )


def _proposed(costs: list[Cost], large: Sample, store: Store) -> Estimate:
    free = _free_memory()
    memory = max((cost.memory for cost in costs), default=1) or 1
    workers = max(1, min(len(os.sched_getaffinity(0)), int(0.8 * free) // memory))
    part_mb = min(max(large.of_bytes // (workers * TASKS_PER_WORKER) >> 20, MIN_PART_MB), MAX_PART_MB)
    place = Path(store.root.path) if store.root.local else None
    while place is not None and not place.exists():
        place = place.parent
    disk = os.statvfs(place) if place is not None else None
    return Estimate(
        steps=tuple(costs),
        sampled=large.bytes,
        of=large.of_bytes,
        left_out=large.left_out,
        workers=workers,
        part_mb=part_mb,
        tasks=max(1, -(-large.of_bytes // (part_mb << 20))),
        free_memory=free,
        free_disk=disk.f_bavail * disk.f_frsize if disk is not None else None,
    )


def _free_memory() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) << 10
    raise OSError("/proc/meminfo does not say how much memory is available")


@dataclass
class _Use:
    """What one step took on a sample."""

    cpu_s: float = 0.0
    memory: int = 0
    disk: int = 0
    peak_disk: int = 0


@dataclass
class _Meter:
    """A watcher that measures each step as it goes by."""

    store: Store
    used: list[_Use] = field(default_factory=list)
    began: float = 0.0

    def cached(self, step: Step) -> None: ...
    def waiting(self, what: str) -> None: ...

    def started(self, step: Step) -> None:
        Path("/proc/self/clear_refs").write_text("5")  # the peak of memory is counted anew
        self.began = time.process_time()
        self.used.append(_Use())

    def finished(self, step: Step, done: Mapping[str, Any], seconds: float) -> None:
        use = self.used[-1]
        use.cpu_s = time.process_time() - self.began
        use.memory = _peak_memory()
        use.disk = _bytes_below(Path(self.store.folder(step).path))


def _measured(sample: Sample, folder: Path) -> list[_Use]:
    """Each step of the sample, in order."""
    store = Store.at(str(folder))
    meter = _Meter(store)
    with _watched(folder, meter):
        store.run(sample.step, [LocalEngine(1), Cut()], meter)
    return meter.used


@contextmanager
def _watched(folder: Path, meter: _Meter) -> Iterator[None]:
    """Note the most that the step at work has on disk, by looking again and again."""
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.05):
            steps = len(meter.used)
            now = _bytes_below(folder)
            if steps and steps == len(meter.used):
                use = meter.used[-1]
                earlier = sum(one.disk for one in meter.used[:-1])
                use.peak_disk = max(use.peak_disk, now - earlier)

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _bytes_below(folder: Path) -> int:
    """Bytes of all files; of what a step removes meanwhile, none."""
    total = 0
    for above, _, names in os.walk(folder):  # passes over folders that are gone, which Path.rglob does not
        for name in names:
            with suppress(FileNotFoundError):
                total += os.stat(os.path.join(above, name)).st_size
    return total


def _peak_memory() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) << 10
    raise OSError("/proc/self/status does not say how much memory was used")
