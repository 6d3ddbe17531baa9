"""The recipes that learn from preferences without a reward model."""

from typing import Literal

from dataset_cards.versions.step import Step
from dataset_cards.versions.version import DatasetVersion

from .lora import Lora
from .preferences.dpo import DPO, Loss
from .preferences.kto import KTO
from .schedule import Schedule
from .trainer import training


def dpo(
    *,
    data: DatasetVersion,
    model: DatasetVersion,
    reference: DatasetVersion | None = None,
    held_out: DatasetVersion | None = None,
    against: DatasetVersion | None = None,
    held_out_share: float = 0.05,
    epochs: float = 1.0,
    max_steps: int = 0,
    batch_size: int = 16,
    learning_rate: float = 5e-6,
    warmup: float = 0.1,
    decay: Literal["linear", "cosine", "constant"] = "linear",
    weight_decay: float = 0.0,
    max_grad_norm: float = 1.0,
    max_length: int = 512,
    loss: Loss = "sigmoid",
    beta: float = 0.1,
    label_smoothing: float = 0.0,
    sft_weight: float = 0.0,
    precompute_reference: bool = False,
    pairs_per_ranking: int = 6,
    lora_rank: int = 0,
    lora_alpha: int = 0,
    lora_targets: tuple[str, ...] = (),
    quantize: Literal["none", "4bit"] = "none",
    log_steps: int = 10,
    save_steps: int = 200,
    seed: int = 0,
    repair: bool = False,
    must_improve: bool = True,
) -> Step:
    """A model that gives the better one of two answers more often, learned from preferences; see docs/dpo.md.

    The defaults suit a model of some hundred million parameters; a tiny one wants a learning rate of 1e-4 or more.

    Args:
        data: a version of preferences or rankings.
        model: has learned to answer already, such as with `sft`.
        reference: what the model is to stay near; without it, the model as it is now.
        held_out: pairs to measure by; without it, `held_out_share` of the questions of `data`.
        against: rows whose prompts may not be learned from, such as an evaluation set.
        batch_size: pairs of a step.
        max_length: tokens of a prompt and one answer; answers are cut at their end, prompts never.
        loss: see `train.preferences.dpo.DPO` for what each computes, and from where.
        beta: the higher, the nearer to the reference; for `ipo`, tau.
        label_smoothing: the share of wrong pairs, with the losses robust, exo_pair and aot.
        sft_weight: keeps chosen answers likely; 0 for not at all.
        precompute_reference: ask the reference once before training, and hold one model less.
        pairs_per_ranking: at most so many of one ranking, those furthest apart first.
        lora_rank, lora_alpha, lora_targets, quantize: learn adapters and merge them in the end; see `train.lora.Lora`.
        repair: leave out rows with faults that would stop the run.
    """
    op = DPO(
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
        loss=loss,
        beta=beta,
        label_smoothing=label_smoothing,
        sft_weight=sft_weight,
        precompute_reference=precompute_reference,
        pairs_per_ranking=pairs_per_ranking,
        lora=Lora(rank=lora_rank, alpha=lora_alpha, targets=lora_targets, quantize=quantize),
    )
    return training(op, data=data, model=model, reference=reference, held_out=held_out, against=against)


def kto(
    *,
    data: DatasetVersion,
    model: DatasetVersion,
    judgements: DatasetVersion | None = None,
    reference: DatasetVersion | None = None,
    held_out: DatasetVersion | None = None,
    against: DatasetVersion | None = None,
    held_out_share: float = 0.05,
    epochs: float = 1.0,
    max_steps: int = 0,
    batch_size: int = 16,
    learning_rate: float = 5e-6,
    warmup: float = 0.1,
    decay: Literal["linear", "cosine", "constant"] = "linear",
    weight_decay: float = 0.0,
    max_grad_norm: float = 1.0,
    max_length: int = 512,
    loss: Literal["kto", "apo_zero_unpaired"] = "kto",
    beta: float = 0.1,
    desirable_weight: float = 0.0,
    undesirable_weight: float = 0.0,
    scale: str = "",
    good: float = 4.0,
    bad: float = 2.0,
    lora_rank: int = 0,
    lora_alpha: int = 0,
    lora_targets: tuple[str, ...] = (),
    quantize: Literal["none", "4bit"] = "none",
    log_steps: int = 10,
    save_steps: int = 200,
    seed: int = 0,
    repair: bool = False,
    must_improve: bool = True,
) -> Step:
    """A model that gives good answers more often and bad ones less, from answers judged one by one; see docs/dpo.md.

    The defaults suit a model of some hundred million parameters; a tiny one wants a learning rate of 1e-4 or more.

    Args:
        data: a version of conversations that were rated or reviewed, or of preferences, whose pairs are taken apart.
        model: has learned to answer already, such as with `sft`.
        judgements: accept, fix or reject about the ids of `data`, such as `review` with give=judgements makes.
        reference: what the model is to stay near; without it, the model as it is now.
        held_out: answers to measure by; without it, those to `held_out_share` of the questions of `data`.
        against: rows whose prompts may not be learned from, such as an evaluation set.
        batch_size: answers of a step.
        max_length: tokens of a prompt and its answer; answers are cut at their end, prompts never.
        loss: apo_zero_unpaired takes no account of how far the model has moved as a whole.
        beta: the higher, the nearer to the reference.
        desirable_weight, undesirable_weight: of good and bad answers; 0 makes both kinds count the same together.
        scale, good, bad: a rating on `scale` (empty: the mean of all) is good from `good` on, bad up to `bad`.
        lora_rank, lora_alpha, lora_targets, quantize: learn adapters and merge them in the end; see `train.lora.Lora`.
        repair: leave out rows with faults that would stop the run.
    """
    op = KTO(
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
        loss=loss,
        beta=beta,
        desirable_weight=desirable_weight,
        undesirable_weight=undesirable_weight,
        scale=scale,
        good=good,
        bad=bad,
        lora=Lora(rank=lora_rank, alpha=lora_alpha, targets=lora_targets, quantize=quantize),
    )
    return training(
        op, data=data, judgements=judgements, model=model, reference=reference, held_out=held_out, against=against
    )
