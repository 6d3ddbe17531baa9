"""The recipe that makes an aligned policy by PPO."""

from typing import Literal

from dataset_cards.versions.step import Step
from dataset_cards.versions.version import DatasetVersion

from .ppo.ppo import PPO
from .schedule import Schedule
from .trainer import training


def ppo(
    *,
    data: DatasetVersion,
    model: DatasetVersion,
    reward: DatasetVersion,
    gold: DatasetVersion | None = None,
    held_out: DatasetVersion | None = None,
    against: DatasetVersion | None = None,
    epochs: float = 1.0,
    max_steps: int = 0,
    batch_size: int = 32,
    learning_rate: float = 1e-5,
    warmup: float = 0.05,
    decay: Literal["linear", "cosine", "constant"] = "constant",
    weight_decay: float = 0.0,
    max_grad_norm: float = 1.0,
    log_steps: int = 1,
    save_steps: int = 50,
    max_length: int = 512,
    max_new: int = 64,
    temperature: float = 1.0,
    kl: float = 0.05,
    kl_target: float = 0.0,
    kl_gain: float = 0.1,
    max_kl: float = 0.0,
    discount: float = 1.0,
    trace: float = 0.95,
    clip: float = 0.2,
    value_clip: float = 0.2,
    value_weight: float = 0.5,
    entropy_weight: float = 0.0,
    value_rate: float = 1.0,
    passes: int = 2,
    minibatches: int = 2,
    missing_end: float = 1.0,
    judge_every: int = 10,
    judged: int = 256,
    patience: int = 2,
    held_out_share: float = 0.05,
    repair: bool = False,
    must_improve: bool = True,
    seed: int = 0,
) -> Step:
    """A model whose answers a reward model likes better, held near the model that it began as.

    Args:
        data: prompts, or verifiable rows whose prompts are taken.
        model: where the policy begins and what it is held near, usually a model from sft.
        reward: a reward model; it may have another tokenizer.
        gold: a second reward model that nothing is learned from; the run stops where it falls while the first rises.
        held_out: prompts to measure by; without them, a share of data.
        against: evaluations whose prompts must not stand in data.
        epochs, max_steps: a step draws batch_size answers and makes passes times minibatches optimiser steps.
        max_length, max_new: tokens of a prompt and its answer together, and of the answer.
        kl: coefficient of the KL to the model that went in.
        kl_target, kl_gain: nats per answer that the coefficient is adapted to, and how fast; 0 keeps it fixed.
        max_kl: nats per answer from which the run stops; 0 for never.
        discount, trace: gamma and lambda of the advantages.
        clip, value_clip: how far probabilities (by ratio) and values may move in one step.
        value_rate: the value model's learning rate, in those of the policy.
        missing_end: taken off the score of an answer that did not end within max_new.
        judge_every, judged: steps between two looks at held-out answers, and how many are looked at.
        patience: looks in a row that have to find the gold reward fallen.
        held_out_share: of data, to measure by.
        repair: leave out rows that preflight objects to.
        must_improve: fail if the reward on held-out prompts did not rise.
    """
    op = PPO(
        schedule=Schedule(
            epochs=epochs,
            max_steps=max_steps,
            batch_size=batch_size,
            learning_rate=learning_rate,
            warmup=warmup,
            decay=decay,
            weight_decay=weight_decay,
            max_grad_norm=max_grad_norm,
            log_steps=log_steps,
            save_steps=save_steps,
        ),
        seed=seed,
        held_out=held_out_share,
        repair=repair,
        must_improve=must_improve,
        max_length=max_length,
        max_new=max_new,
        temperature=temperature,
        kl=kl,
        kl_target=kl_target,
        kl_gain=kl_gain,
        max_kl=max_kl,
        discount=discount,
        trace=trace,
        clip=clip,
        value_clip=value_clip,
        value_weight=value_weight,
        entropy_weight=entropy_weight,
        value_rate=value_rate,
        passes=passes,
        minibatches=minibatches,
        missing_end=missing_end,
        judge_every=judge_every,
        judged=judged,
        patience=patience,
    )
    return training(op, data=data, model=model, reward=reward, gold=gold, held_out=held_out, against=against)
