"""The place where one training run happens: its inputs, its encoded rows, its checkpoints and what it runs on."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from .inputs import Inputs
from .machine import Machine
from .preflight import Preflight
from .schedule import Schedule

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What `fit` is given.

    Attributes:
        folder: on this machine; `rows/` holds what `prepare` wrote, `checkpoints/` what a killed run goes on from,
            and `model/` is to hold the trained model.
        stamp: what the weights' own metadata will say, such as the versions they ate.
    """

    inputs: Inputs
    preflight: Preflight
    folder: Path
    machine: Machine
    stamp: Mapping[str, str]

    @property
    def rows(self) -> Path:
        return self.folder / "rows"

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    @property
    def model(self) -> Path:
        return self.folder / "model"

    def tool(self, kind: type[T]) -> T:
        """The one tool of this run that is a `kind`.

        Raises:
            NoTool: the run was given none or several.
        """
        return self.inputs.tool(kind)

    def checkpoint(self) -> str | None:
        """The last whole checkpoint of an earlier, killed run, for `Trainer.train(resume_from_checkpoint=...)`."""
        found = sorted(
            (int(path.name.removeprefix("checkpoint-")), str(path))
            for path in self.checkpoints.glob("checkpoint-*")
            if (path / "trainer_state.json").exists()  # written last
        )
        return found[-1][1] if found else None

    def arguments(self, schedule: Schedule, seed: int) -> dict[str, Any]:
        """What every training configuration of transformers and TRL shares, with defaults that suit a CPU too."""
        micro, accumulated = self.machine.micro(schedule)
        saving = {"save_strategy": "steps", "save_steps": schedule.save_steps} if schedule.save_steps else {}
        return {
            "output_dir": str(self.checkpoints),
            "per_device_train_batch_size": micro,
            "per_device_eval_batch_size": micro,
            "gradient_accumulation_steps": accumulated,
            "num_train_epochs": schedule.epochs,
            "max_steps": schedule.max_steps or -1,
            "learning_rate": schedule.learning_rate,
            "warmup_steps": schedule.warmup,  # below 1 it is a share of the steps
            "lr_scheduler_type": schedule.decay,
            "weight_decay": schedule.weight_decay,
            "max_grad_norm": schedule.max_grad_norm,
            "logging_steps": schedule.log_steps,
            "logging_first_step": True,
            "save_strategy": "no",
            "save_total_limit": 1,
            **saving,
            "seed": seed,
            "data_seed": seed,
            "use_cpu": self.machine.on_cpu,
            "bf16": self.machine.bf16,
            "activation_checkpointing": self.machine.checkpointing,
            "dataloader_pin_memory": not self.machine.on_cpu,
            "report_to": list(self.machine.report) or "none",
            "disable_tqdm": True,
        }


def curves(history: list[dict[str, Any]]) -> list[dict[str, float]]:
    """The log of a transformers trainer as an Outcome's curves: finite numbers by step, steps that log twice merged."""
    merged: dict[int, dict[str, float]] = {}
    for entry in history:
        row = merged.setdefault(int(entry["step"]), {"step": float(entry["step"])})
        row |= {
            key: float(value)
            for key, value in entry.items()
            if isinstance(value, int | float) and not isinstance(value, bool) and abs(float(value)) < float("inf")
        }
    return [merged[step] for step in sorted(merged)]
