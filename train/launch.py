"""One training run in several processes: `torchrun` and `accelerate launch` start `gristmill fit FOLDER` in each.

The process that was called keeps the store, the preflight and the documents; those it starts only learn. They are told
what to do by a JSON file in the run's folder, which all of them must see.
"""

import dataclasses
import importlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset_cards.versions.errors import Damaged, Misuse
from dataset_cards.versions.files import Folder, json_bytes
from dataset_cards.versions.job import Refused
from dataset_cards.versions.table import Part, Table

from .bench import Bench
from .inputs import opened
from .machine import Machine
from .outcome import Outcome
from .preflight import Preflight

if TYPE_CHECKING:
    from .trainer import Trainer

TASK, OUTCOME = "task.json", "outcome.json"
CONFIGS = Path(__file__).parent / "configs"


def launched(trainer: "Trainer", bench: Bench) -> Outcome:
    """Let `bench.machine.launcher` start the processes, wait for them, and read what the main one wrote.

    Raises:
        Refused: they ended with an error.
    """
    task = {
        "trainer": f"{type(trainer).__module__}:{type(trainer).__qualname__}",
        "fields": dataclasses.asdict(trainer),  # type: ignore[call-overload]
        "inputs": [
            {"address": str(table.folder), "parts": [[part.name, part.rows] for part in table.parts]}
            for table in bench.inputs.tables.values()
        ],
        "machine": dataclasses.asdict(dataclasses.replace(bench.machine, launcher="")),
        "stamp": dict(bench.stamp),
    }
    (bench.folder / TASK).write_bytes(json_bytes(task))
    (bench.folder / OUTCOME).unlink(missing_ok=True)
    command = [*started_by(bench.machine.launcher), "-m", "gristmill", "fit", str(bench.folder)]
    ended = subprocess.run(command, stdout=sys.stderr, check=False)
    if ended.returncode or not (bench.folder / OUTCOME).exists():
        raise Refused(
            f"{shlex.join(command)} ended with exit code {ended.returncode}; what its processes said stands above; "
            "the same command goes on from the last checkpoint"
        )
    return Outcome.of(json.loads((bench.folder / OUTCOME).read_bytes()))


def started_by(launcher: str) -> list[str]:
    """The words of a launcher; one that begins with the name of a file in `configs/` is accelerate with that file.

    `fsdp2` alone starts a process for each GPU of this machine; what follows the name is handed on, as in
    `fsdp2 --num_processes 4`.

    Raises:
        Misuse: there is no such program.
    """
    program, *rest = shlex.split(launcher)
    config = CONFIGS / f"{program}.yaml"
    if config.is_file():
        import torch

        launch = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(config)]
        return [*launch, "--num_processes", str(max(1, torch.cuda.device_count())), *rest]
    # The environment that runs this comes first: it may not be activated.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = shutil.which(program, path=path)
    if found is None:
        known = ", ".join(sorted(one.stem for one in CONFIGS.glob("*.yaml")))
        raise Misuse(f"--launcher {launcher}: there is no program {program!r}; write torchrun ..., or one of {known}")
    return [found, *rest]


def fit(folder: Path, tools: tuple[object, ...]) -> None:
    """What each started process does: the trainer's `fit`, and in the main one, write down its outcome.

    Raises:
        Damaged: `folder` holds no task.
    """
    if not (folder / TASK).exists():
        raise Damaged(f"{folder} holds no {TASK}; `gristmill fit` is started by a launcher and not by hand")
    task = json.loads((folder / TASK).read_bytes())
    module, _, name = task["trainer"].partition(":")
    kind = getattr(importlib.import_module(module), name)
    trainer = build(kind, task["fields"])
    tables = [
        Table(Folder.at(one["address"]), tuple(Part(part, rows) for part, rows in one["parts"]))
        for one in task["inputs"]
    ]
    machine = build(Machine, task["machine"])
    preflight = Preflight.of(json.loads((folder / "preflight.json").read_bytes()))
    with opened(trainer.roles, tables, tools) as inputs:
        bench = Bench(inputs=inputs, preflight=preflight, folder=folder, machine=machine, stamp=task["stamp"])
        outcome = trainer.fit(bench)
    if os.environ.get("RANK", "0") == "0":
        (folder / OUTCOME).write_bytes(json_bytes(outcome.json()))


def build(kind: Any, fields: Mapping[str, Any]) -> Any:
    """A dataclass from its fields in JSON: lists become tuples, and dataclasses inside are built too."""
    hints = typing.get_type_hints(kind)
    return kind(**{name: _value(hints[name], value) for name, value in fields.items()})


def _value(hint: Any, value: Any) -> Any:
    if isinstance(value, dict):
        options = typing.get_args(hint) if typing.get_origin(hint) in (types.UnionType, typing.Union) else (hint,)
        nested = next((option for option in options if dataclasses.is_dataclass(option)), None)
        return build(nested, value) if nested else value
    return tuple(value) if isinstance(value, list) else value
