"""What a command line says about the machine that training runs on."""

from enum import StrEnum
from typing import Annotated

import typer

from dataset_cards.versions.errors import Misuse

from .machine import Machine


class Device(StrEnum):
    """Where tensors live."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


DeviceOption = Annotated[
    Device, typer.Option(help="Where a trainer computes; auto takes an accelerator that is there.")
]
LauncherOption = Annotated[
    str | None,
    typer.Option(metavar="COMMAND", help="Start a trainer in several processes, as 'torchrun --nproc-per-node 2'."),
]
MachineOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY=VALUE",
        help="Also of the machine: precision=fp32|bf16, micro_batch=N, checkpointing=true, report=tensorboard; repeat.",
    ),
]


def machine(device: Device, launcher: str | None, more: list[str]) -> Machine:
    """The machine of a run.

    Raises:
        Misuse: a key there is none of, or a value it cannot have.
    """
    given = dict(_pair(word) for word in more)
    precision, report = given.pop("precision", "auto"), given.pop("report", "")
    micro, checkpointing = given.pop("micro_batch", "0"), given.pop("checkpointing", "false")
    if given:
        known = "precision, micro_batch, checkpointing, report"
        raise Misuse(f"--machine {next(iter(given))}: there is no such key; there are {known}")
    if precision not in ("auto", "fp32", "bf16"):
        raise Misuse(f"--machine precision={precision}: write auto, fp32 or bf16")
    if not micro.isdecimal() or checkpointing not in ("true", "false"):
        raise Misuse(
            f"--machine micro_batch={micro} checkpointing={checkpointing}: a number of rows, and true or false"
        )
    trackers = tuple(one for one in report.split(",") if one)
    if unknown := [one for one in trackers if one not in ("tensorboard", "wandb")]:
        raise Misuse(f"--machine report={unknown[0]}: write tensorboard, wandb, or both with a comma")
    return Machine(
        device=device.value,
        precision=precision,  # type: ignore[arg-type]  # checked above
        micro_batch=int(micro),
        checkpointing=checkpointing == "true",
        launcher=launcher or "",
        report=trackers,
    )


def _pair(word: str) -> tuple[str, str]:
    key, equals, value = word.partition("=")
    if not equals:
        raise Misuse(f"--machine {word}: write it as KEY=VALUE")
    return key, value
