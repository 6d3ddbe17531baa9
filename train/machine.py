"""What a training run runs on: a tool of the run, and never part of what the model is."""

import os
from dataclasses import dataclass
from typing import Any, Literal

from dataset_cards.versions.errors import Misuse

from .schedule import Schedule


@dataclass(frozen=True, kw_only=True)
class Machine:
    """One device, or as many processes as `launcher` starts.

    Attributes:
        device: `auto` takes the accelerator that torch sees, else the CPU.
        precision: `auto` is bf16 on an accelerator that has it, else fp32.
        micro_batch: rows that one device holds at once; 0 for the whole batch. Smaller takes less memory.
        checkpointing: compute activations again in the backward pass and hold fewer (Chen et al. 2016, arXiv
            1604.06174): less memory, about a third more time, the same gradients.
        launcher: a command that starts the processes, such as `torchrun --nproc-per-node 2` or
            `accelerate launch --config_file fsdp2.yaml`; empty for this process alone.
        report: trackers that get the curves besides the model directory: tensorboard, wandb.
    """

    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    micro_batch: int = 0
    checkpointing: bool = False
    launcher: str = ""
    report: tuple[str, ...] = ()

    @property
    def on_cpu(self) -> bool:
        """Whether training runs on the CPU.

        Raises:
            Misuse: `cuda` is asked for and torch sees none.
        """
        import torch

        if self.device == "cuda" and not torch.cuda.is_available():
            raise Misuse(f"--device cuda: torch {torch.__version__} sees no CUDA device; use --device cpu")
        return self.device == "cpu" or not torch.cuda.is_available()

    @property
    def bf16(self) -> bool:
        import torch

        if self.precision == "auto":
            return not self.on_cpu and bool(torch.cuda.is_bf16_supported())
        return self.precision == "bf16"

    def torch_device(self) -> Any:
        """This process's device."""
        import torch

        return torch.device("cpu") if self.on_cpu else torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))

    def micro(self, schedule: Schedule) -> tuple[int, int]:
        """Rows that each process holds at once, and how often gradients are added up before a step.

        Raises:
            Misuse: the batch cannot be divided that way.
        """
        share, over = divmod(schedule.batch_size, processes())
        if over or not share:
            raise Misuse(f"batch_size={schedule.batch_size} cannot be shared by {processes()} processes")
        micro = min(self.micro_batch or share, share)
        if share % micro:
            raise Misuse(
                f"--machine micro_batch={micro} does not divide the {share} rows that each process has of a batch"
            )
        return micro, share // micro


def processes() -> int:
    """How many processes this one was started together with, itself among them."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def cuts_weights() -> bool:
    """Whether accelerate was told to cut the weights over the processes: FSDP, or DeepSpeed's stage 3."""
    told = os.environ.get
    staged = told("ACCELERATE_USE_DEEPSPEED", "false").lower() == "true"
    fully = told("ACCELERATE_USE_FSDP", "false").lower() == "true"
    return fully or (staged and told("ACCELERATE_DEEPSPEED_ZERO_STAGE") == "3")
