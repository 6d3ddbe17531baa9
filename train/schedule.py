"""How long and how fast a trainer learns: the numbers that every training loop shares."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """The optimiser is AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101).

    Attributes:
        epochs: times that every row is seen; not used where `max_steps` is given.
        max_steps: optimiser steps; 0 for as many as `epochs` take.
        batch_size: rows per optimiser step, over all processes together. What one device holds at once is a matter
            of the machine and changes nothing else.
        learning_rate: the highest one.
        warmup: share of the steps in which the rate climbs to it.
        decay: what becomes of the rate after that.
        weight_decay: of AdamW.
        max_grad_norm: longer gradients are cut to this length; 0 for never.
        log_steps: steps between two points of the curves.
        save_steps: steps between two checkpoints that a killed run goes on from; 0 for none.
    """

    epochs: float = 1.0
    max_steps: int = 0
    batch_size: int = 16
    learning_rate: float = 5e-5
    warmup: float = 0.05
    decay: Literal["linear", "cosine", "constant"] = "linear"
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    log_steps: int = 10
    save_steps: int = 200

    def __post_init__(self) -> None:
        if self.batch_size < 1 or self.max_steps < 0 or self.log_steps < 1 or self.save_steps < 0:
            raise ValueError("batch_size and log_steps are at least 1, max_steps and save_steps at least 0")
        if not (self.max_steps or self.epochs > 0):
            raise ValueError(f"epochs={self.epochs}, max_steps={self.max_steps}: there is nothing to do")
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate={self.learning_rate}: a rate is above 0")
        if not 0 <= self.warmup <= 1:
            raise ValueError(f"warmup={self.warmup}: the share of the steps, from 0 to 1")

    def steps(self, rows: int) -> int:
        """Optimiser steps over `rows`, the last batch of an epoch smaller where it does not divide."""
        if self.max_steps:
            return self.max_steps
        return max(1, int(-(-rows // self.batch_size) * self.epochs))
