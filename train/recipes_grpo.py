"""The recipe for reinforcement learning with verifiable rewards."""

from typing import Literal

from dataset_cards.versions.step import Step
from dataset_cards.versions.version import DatasetVersion

from .grpo.grpo import GRPO
from .schedule import Schedule
from .trainer import training


def grpo(
    *,
    data: DatasetVersion,
    model: DatasetVersion,
    held_out: DatasetVersion | None = None,
    against: DatasetVersion | None = None,
    held_out_share: float = 0.05,
    epochs: float = 1.0,
    max_steps: int = 0,
    batch_size: int = 8,
    samples: int = 8,
    learning_rate: float = 1e-5,
    warmup: float = 0.05,
    decay: Literal["linear", "cosine", "constant"] = "linear",
    max_grad_norm: float = 1.0,
    max_length: int = 1024,
    max_completion: int = 512,
    temperature: float = 1.0,
    loss_type: Literal["grpo", "dr_grpo", "dapo", "bnpo"] = "dr_grpo",
    scale_rewards: Literal["none", "group"] = "none",
    beta: float = 0.0,
    epsilon: float = 0.2,
    epsilon_high: float = 0.2,
    iterations: int = 1,
    unfinished: Literal["wrong", "cannot-tell"] = "wrong",
    measured_samples: int = 4,
    log_steps: int = 5,
    save_steps: int = 50,
    seed: int = 0,
    repair: bool = False,
    must_improve: bool = True,
) -> Step:
    """A model that gives right answers more often, learned from verdicts on its own; see docs/grpo.md.

    The defaults suit a model of some hundred million parameters; a tiny one wants a learning rate of 1e-4 or more.

    Args:
        data: a version of verifiable rows.
        model: has learned to answer already, such as with `sft`, and is right at least sometimes.
        held_out: verifiable rows to measure by; without it, `held_out_share` of `data`.
        against: rows whose prompts may not be learned from, such as an evaluation set.
        batch_size: prompts of a step; it samples `samples` answers to each.
        learning_rate: the highest one.
        max_length: tokens of a prompt and its answer together; `max_completion` of an answer.
        beta: weight of the KL to `model`; 0 holds no second model.
        iterations: steps that learn from the same answers.
        unfinished: what an answer is that was cut at `max_completion`.
        repair: leave out rows with faults that would stop the run.
        must_improve: fail unless held-out prompts are answered right more often than before.
    """
    op = GRPO(
        schedule=Schedule(
            epochs=epochs,
            max_steps=max_steps,
            batch_size=batch_size,
            learning_rate=learning_rate,
            warmup=warmup,
            decay=decay,
            max_grad_norm=max_grad_norm,
            log_steps=log_steps,
            save_steps=save_steps,
        ),
        seed=seed,
        held_out=held_out_share,
        repair=repair,
        must_improve=must_improve,
        max_length=max_length,
        max_completion=max_completion,
        samples=samples,
        temperature=temperature,
        loss_type=loss_type,
        scale_rewards=scale_rewards,
        beta=beta,
        epsilon=epsilon,
        epsilon_high=epsilon_high,
        iterations=iterations,
        unfinished=unfinished,
        measured_samples=measured_samples,
    )
    return training(op, data=data, model=model, held_out=held_out, against=against)
