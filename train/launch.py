"""One training run in several processes: `torchrun` and `accelerate launch` start `gristmill fit FOLDER` in each.

The process that was called keeps the store, the preflight and the documents; those it starts only learn. They are told
what to do by a JSON file in the run's folder, which all of them must see.
"""

import dataclasses
import importlib
import importlib.util
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import threading
import time
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
from .machine import Machine, cuts_weights
from .outcome import Outcome
from .preflight import Preflight

if TYPE_CHECKING:
    from .trainer import Trainer

TASK, OUTCOME, FAILURE = "task.json", "outcome.json", "failure.txt"
CONFIGS = Path(__file__).parent / "configs"


def launched(trainer: "Trainer", bench: Bench) -> tuple[Outcome, dict[str, Any]]:
    """Let `bench.machine.launcher` start the processes, wait for them, and read what the main one wrote.

    Returns:
        What came of it, and the main process's `trainer.environment`.

    Raises:
        Refused: they ended with an error; with what one of them gave as the reason, where it gave one.
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
        "caller": [socket.gethostname(), os.getpid()],
    }
    (bench.folder / TASK).write_bytes(json_bytes(task))
    for left in (OUTCOME, FAILURE):
        (bench.folder / left).unlink(missing_ok=True)
    command = [*started_by(bench.machine.launcher), "-m", "gristmill", "fit", str(bench.folder)]
    # torch warns from its own depths of a setting that costs little and that some architectures need.
    ended = subprocess.run(command, stdout=sys.stderr, check=False, env={"TORCH_CPP_LOG_LEVEL": "ERROR", **os.environ})
    if ended.returncode or not (bench.folder / OUTCOME).exists():
        code = f"{shlex.join(command)} ended with exit code {ended.returncode}"
        if (bench.folder / FAILURE).exists():
            raise Refused(f"{(bench.folder / FAILURE).read_text(encoding='utf-8')} ({code})")
        raise Refused(
            f"{code}; what its processes said stands above; the same command goes on from the last checkpoint"
        )
    found = json.loads((bench.folder / OUTCOME).read_bytes())
    return Outcome.of(found["outcome"]), found["environment"]


def started_by(launcher: str) -> list[str]:
    """The words of a launcher; one that begins with the name of a file in `configs/` is accelerate with that file.

    `fsdp2` alone starts a process for each GPU of this machine; what follows the name is handed on, as in
    `fsdp2 --num_processes 4`.

    Raises:
        Misuse: there is no such program, or none of the GPUs that the file needs.
    """
    program, *rest = shlex.split(launcher)
    config = CONFIGS / f"{program}.yaml"
    if config.is_file():
        import torch

        if not torch.cuda.is_available():
            raise Misuse(
                f"--launcher {launcher}: accelerate cuts weights over GPUs only, and torch {torch.__version__} sees "
                "none; on a CPU, write torchrun --nproc-per-node 2"
            )
        if program.startswith("zero") and importlib.util.find_spec("deepspeed") is None:
            raise Misuse(f"--launcher {launcher} needs DeepSpeed: pip install deepspeed")
        launch = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(config)]
        return [*launch, "--num_processes", str(max(1, torch.cuda.device_count())), *rest]
    if program == "accelerate" and "--cpu" in rest:
        raise Misuse(
            f"--launcher {launcher}: accelerate starts one process with --cpu, whatever else it is told; write "
            "torchrun --nproc-per-node 2"
        )
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
        Misuse: this stage cannot learn with weights that are cut over the processes.
    """
    if not (folder / TASK).exists():
        raise Damaged(f"{folder} holds no {TASK}; `gristmill fit` is started by a launcher and not by hand")
    task = json.loads((folder / TASK).read_bytes())
    threading.Thread(target=_leave_with, args=(os.getppid(), *task["caller"]), daemon=True).start()
    try:
        found = _fitted(folder, task, tools)
    except (Misuse, Refused, Damaged) as error:
        (folder / FAILURE).write_text(str(error), encoding="utf-8")
        raise
    if os.environ.get("RANK", "0") == "0":
        (folder / OUTCOME).write_bytes(json_bytes(found))


def _fitted(folder: Path, task: Mapping[str, Any], tools: tuple[object, ...]) -> dict[str, Any]:
    from .trainer import environment  # which imports this module

    module, _, name = task["trainer"].partition(":")
    trainer = build(getattr(importlib.import_module(module), name), task["fields"])
    tables = [
        Table(Folder.at(one["address"]), tuple(Part(part, rows) for part, rows in one["parts"]))
        for one in task["inputs"]
    ]
    machine = build(Machine, task["machine"])
    if cuts_weights():
        can_be_cut(trainer, on_cpu=machine.on_cpu)
    preflight = Preflight.of(json.loads((folder / "preflight.json").read_bytes()))
    with opened(trainer.roles, tables, tools) as inputs:
        bench = Bench(inputs=inputs, preflight=preflight, folder=folder, machine=machine, stamp=task["stamp"])
        return {"outcome": trainer.fit(bench).json(), "environment": environment(machine)}


def can_be_cut(trainer: Any, *, on_cpu: bool) -> None:
    """Whether a trainer can learn with weights that are cut over the processes.

    Raises:
        Misuse: it needs whole weights in each, or nothing would be cut.
    """
    if on_cpu:
        raise Misuse("accelerate cuts weights over GPUs only, and would say nothing; take torchrun, which needs none")
    instead = "take zero2 or torchrun, which leave the weights whole"
    if trainer.stage == "ppo":
        raise Misuse(f"ppo draws answers from the whole policy, and this launcher cuts its weights; {instead}")
    if getattr(trainer, "lora", None) and trainer.lora.rank:
        raise Misuse(
            f"lora_rank={trainer.lora.rank}: adapters are merged into whole weights, and this launcher cuts them; "
            f"{instead}"
        )


def _leave_with(launcher: int, host: str, caller: int) -> None:
    """End this process when its launcher has ended, or the run that called that, if that is on this machine.

    A launcher that is killed leaves its processes behind, and they would go on writing where the next run writes.
    """
    near = host == socket.gethostname() and _runs(caller)
    while os.getppid() == launcher and (not near or _runs(caller)):
        time.sleep(1)
    os._exit(1)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is somebody else's, and so it is there
        return True
    return True


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
