"""The recipe of the reward model."""

from typing import Literal

from dataset_cards.versions.step import Step
from dataset_cards.versions.version import DatasetVersion

from .reward.reward import Reward
from .schedule import Schedule
from .trainer import training


def reward(
    *,
    data: DatasetVersion,
    model: DatasetVersion,
    held_out: DatasetVersion | None = None,
    against: DatasetVersion | None = None,
    epochs: float = 1.0,
    max_steps: int = 0,
    batch_size: int = 16,
    learning_rate: float = 5e-5,
    warmup: float = 0.05,
    decay: Literal["linear", "cosine", "constant"] = "linear",
    weight_decay: float = 0.0,
    max_grad_norm: float = 1.0,
    log_steps: int = 10,
    save_steps: int = 200,
    max_length: int = 512,
    margins: Literal["ignore", "loss"] = "ignore",
    margin_scale: float = 1.0,
    center: float = 0.0,
    pairs_per_ranking: int = 6,
    held_out_share: float = 0.05,
    repair: bool = False,
    must_improve: bool = True,
    seed: int = 0,
) -> Step:
    """A model that scores answers, from pairs or rankings: pair accuracy, calibration, slices, content-blind rules.

    Args:
        data: a version of preferences or rankings.
        model: a language model, or an earlier reward model.
        held_out: pairs to measure by; without it, `held_out_share` of the questions of `data`.
        against: rows whose prompts may not stand in `data`.
        epochs, max_steps, batch_size: a batch counts pairs; max_steps=0 takes as many as the epochs need.
        learning_rate, warmup, decay, weight_decay, max_grad_norm: of AdamW; weight_decay 0.1 where pairs are few.
        max_length: tokens of a question and one answer; the beginning of a longer question is cut.
        margins, margin_scale: `loss` asks for a lead of `margin_scale` times the row's margin, in log-odds.
        center: 0.01 pulls rewards towards 0.
        pairs_per_ranking: at most so many of one ranking; 0 for all.
    """
    op = Reward(
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
        margins=margins,
        margin_scale=margin_scale,
        center=center,
        pairs_per_ranking=pairs_per_ranking,
    )
    return training(op, data=data, model=model, held_out=held_out, against=against)
