"""What it takes to be a trainer, and what every training run does around it: look first, learn, measure, write down."""

import json
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.files import json_bytes
from dataset_cards.versions.job import Job, NoTool, Refused
from dataset_cards.versions.step import Op, Step
from dataset_cards.versions.version import DatasetVersion

from .abilities import positions, writes
from .bench import Bench
from .inputs import Inputs, opened
from .launch import launched, started_by
from .machine import Machine, processes
from .outcome import Outcome
from .plots import draw
from .preflight import Preflight
from .quiet import quiet

WORK = "work"  # below a step's folder: encoded rows, checkpoints, and the model before it is whole
WRITERS = (
    "model",
    "reference",
    "teacher",
)  # roles of models that have to write; `reward` alone begins with either kind
PACKAGES = ("accelerate", "datasets", "deepspeed", "numpy", "peft", "safetensors", "tokenizers", "torch")


class Trainer(Op, Protocol):
    """One stage. A frozen, keyword-only dataclass whose fields are its identity; what it runs on is a Machine.

    Attributes:
        stage: its name, such as `sft`.
        eats: by role, the row types it takes there; the roles it was given are its field `roles`.
        must_improve: end as failed if the first measure of the outcome did not become better.
    """

    revision: ClassVar[int]
    stage: ClassVar[str]
    eats: ClassVar[Mapping[str, tuple[str, ...]]]

    @property
    def roles(self) -> tuple[str, ...]: ...

    @property
    def seed(self) -> int: ...

    @property
    def must_improve(self) -> bool: ...

    def prepare(self, inputs: Inputs, out: Path) -> Preflight:
        """Encode the rows into `out`, with this trainer's own template, truncation and masks; see encode.encode."""
        ...

    def fit(self, bench: Bench) -> Outcome:
        """Learn from `bench.rows`, save the model to `bench.model`, and measure on the held-out rows.

        Runs in every process of a launched run; only the main one writes.
        """
        ...


T = TypeVar("T", bound=Trainer)


def training(op: T, **sources: DatasetVersion | None) -> Step:
    """The step in which `op` eats `sources` by role; a role that is None is left out.

    Raises:
        Misuse: a version of another kind than the trainer takes there, a reward model where one has to write, or the
            same rows to learn from and to measure by.
    """
    given = {role: source for role, source in sources.items() if source is not None}
    share = getattr(op, "held_out", 0.0)
    if not 0 <= share < 1:
        raise Misuse(f"-p held_out_share={share}: write a share from 0 to below 1")
    for role, source in given.items():
        if source.kind not in op.eats[role]:
            raise Misuse(
                f"-p {role}={source.ref}: this is {source.kind}; {op.stage} takes {' or '.join(op.eats[role])}"
            )
        if role in WRITERS and op.stage != "reward":
            writes(source, f"-p {role}={source.ref}")
    if "held_out" in given:
        asked = given["held_out"]
        learned_from = {one.fingerprint for role, one in given.items() if role.partition("-")[0] == "data"}
        if asked.fingerprint in learned_from:
            raise Misuse(f"-p held_out={asked.ref}: these are the rows to learn from; give others, or none")
    return Step(f"train/{op.stage}", replace(op, roles=tuple(given)), tuple(given.values()))  # type: ignore[type-var]


def train(job: Job, trainer: Trainer) -> dict[str, Any]:
    """Run a trainer as a step: its facts are those of a version of kind `model`.

    Raises:
        Refused: preflight found what blocks, or nothing was learned.
    """
    machine = job.tool(Machine)
    if machine.launcher:
        started_by(machine.launcher)  # says what is wrong with it before anything is done
    if processes() > 1:
        raise Misuse(
            "this is one of several processes, and each would write to the store; start one, and let it start the "
            "others: gristmill run ... --launcher 'torchrun --nproc-per-node 2'"
        )
    started, used = time.monotonic(), sum(os.times()[:4])  # with the processes it starts and waits for
    with opened(trainer.roles, job.inputs, job.tools) as inputs, _workplace(job) as folder:
        preflight = prepared(trainer, inputs, folder)
        preflight.check(trainer.stage)
        stamp = {f"gristmill.{one['role']}": f"{one['ref']} {one['digest']}" for one in inputs.eaten()}
        stamp = {"gristmill.stage": trainer.stage, **stamp}
        bench = Bench(inputs=inputs, preflight=preflight, folder=folder, machine=machine, stamp=stamp)
        outcome, ran = launched(trainer, bench) if machine.launcher else (trainer.fit(bench), environment(machine))
        seconds = {"seconds": time.monotonic() - started, "cpu_seconds": sum(os.times()[:4]) - used}
        record = _record(trainer, inputs, preflight, outcome, machine, seconds, ran)
        files = _written(job, bench, record, outcome)
        _copied(job, "ledger/rows.parquet", folder / "rows" / "gone.parquet")
    if trainer.must_improve:
        learned(trainer.stage, outcome)
    job.finish(0, [], funnel=[preflight.funnel()])
    if job.folder.local:
        shutil.rmtree(Path(job.folder.path) / WORK)
    return {"kind": "model", "files": files, "training": record}


def learned(stage: str, outcome: Outcome) -> None:
    """Refuse a model that is no better than what went in.

    Raises:
        Refused: saying both numbers.
    """
    first = outcome.measures[0]
    if first.before is not None and first.gain is not None and not first.gain[0] > 0:
        raise Refused(
            f"{stage} learned nothing: {first.name} on {first.rows:,} held-out rows went from {first.before[0]:.4g} "
            f"to {first.after[0]:.4g} {first.unit}, and {first.better} is better; look at the learning rate and the "
            "curves, or take such a model with -p must_improve=false"
        )


def prepared(trainer: Trainer, inputs: Inputs, folder: Path) -> Preflight:
    """The preflight of a run, done before or now; its report is written last."""
    report = folder / "preflight.json"
    if report.exists():
        return Preflight.of(json.loads(report.read_bytes()))
    shutil.rmtree(folder / "rows", ignore_errors=True)
    preflight = looked(trainer, inputs, folder / "rows")
    report.write_bytes(json_bytes(preflight.json()))
    return preflight


def looked(trainer: Trainer, inputs: Inputs, out: Path) -> Preflight:
    """What a trainer finds, its libraries kept from talking.

    Raises:
        NoTool: they are not installed.
        Misuse: a row has more tokens than the model reads.
    """
    need("trl")
    with quiet():
        found = trainer.prepare(inputs, out)
    # Of a trainer that draws answers, the longest row is a prompt, and `max_new` tokens follow it.
    most, longest = getattr(trainer, "max_length", 0), found.longest + getattr(trainer, "max_new", 0)
    reads = positions(inputs.model()) if "model" in inputs else None
    if reads is not None and min(most, longest) > reads:
        raise Misuse(
            f"-p max_length={most}: the model reads at most {reads:,} tokens, and the longest row has {longest:,}; "
            f"give {reads} or less, and what is longer is cut or left out"
        )
    return found


@contextmanager
def _workplace(job: Job) -> Iterator[Path]:
    """Where a run keeps what it needs until it ends: in the step's folder, or here where that is on no local disk."""
    if job.folder.local:
        folder = Path(job.folder.path) / WORK
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="gristmill-train-") as scratch:
        yield Path(scratch)


def _record(
    trainer: Trainer,
    inputs: Inputs,
    preflight: Preflight,
    outcome: Outcome,
    machine: Machine,
    cost: Mapping[str, float],
    ran: Mapping[str, Any],
) -> dict[str, Any]:
    """What training.json says."""
    parameters = Step("train", trainer).json()["fields"]
    return {
        "stage": trainer.stage,
        "inputs": inputs.eaten(),
        "parameters": {key: value for key, value in parameters.items() if key != "roles"},
        "seed": trainer.seed,
        "preflight": preflight.json(),
        **outcome.json(),
        "cost": {key: round(value, 1) for key, value in cost.items()},
        "machine": {one.name: getattr(machine, one.name) for one in fields(machine)},
        "environment": ran,
    }


def environment(machine: Machine) -> dict[str, Any]:
    """What ran: Python, platform, processes and the threads of one, and the packages whose release changes weights."""
    import torch

    packages = {}
    for package in (*PACKAGES, "transformers", "trl"):
        try:
            packages[package] = version(package)
        except PackageNotFoundError:
            packages[package] = "not installed"
    return {
        "gristmill": version("gristmill"),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "device": "cpu" if machine.on_cpu else torch.cuda.get_device_name(),
        "threads": torch.get_num_threads(),
        "processes": processes(),
        "packages": packages,
    }


def _written(job: Job, bench: Bench, record: Mapping[str, Any], outcome: Outcome) -> list[str]:
    """Put the model, its pictures and its record into the step's folder; their names."""
    (bench.model / "plots").mkdir(exist_ok=True)
    for plot in outcome.plots:
        (bench.model / "plots" / f"{plot.name}.svg").write_text(draw(plot, outcome.curves), encoding="utf-8")
    (bench.model / "training.json").write_bytes(json_bytes(record))
    names = sorted(str(path.relative_to(bench.model)) for path in bench.model.rglob("*") if path.is_file())
    for name in names:
        _copied(job, f"model/{name}", bench.model / name)
    return [f"model/{name}" for name in names]


def _copied(job: Job, name: str, source: Path) -> None:
    with source.open("rb") as file, job.folder.create(name) as out:
        shutil.copyfileobj(file, out, 1 << 22)


def need(module: str) -> None:
    """Say which extra to install where a trainer's library is missing.

    Raises:
        NoTool: it cannot be imported.
    """
    import importlib.util

    if importlib.util.find_spec(module) is None:
        raise NoTool(f"training needs {module}: pip install 'gristmill[train]'")
