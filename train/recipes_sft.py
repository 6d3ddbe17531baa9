"""The recipe of supervised fine-tuning."""

from typing import Literal

from dataset_cards.versions.step import Step
from dataset_cards.versions.version import DatasetVersion

from .lora import Lora
from .schedule import Schedule
from .sft import SFT
from .trainer import training


def sft(
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
    seed: int = 0,
    max_length: int = 1024,
    packing: bool = False,
    lora_rank: int = 0,
    lora_alpha: int = 0,
    lora_dropout: float = 0.0,
    quantize: Literal["none", "4bit"] = "none",
    held_out_share: float = 0.05,
    repair: bool = False,
    must_improve: bool = True,
) -> Step:
    """A model that answers as the assistant of these conversations does; see docs/sft.md.

    Args:
        data: conversations to learn from.
        model: what training begins with.
        held_out: conversations to measure by; without it, `held_out_share` of the questions of `data`.
        against: rows whose prompts must not stand in `data`, such as an evaluation.
        max_length: tokens of a conversation; what is longer loses its end.
        packing: several conversations in one row of max_length; batch_size counts such rows then.
        lora_rank: learn an adapter of this rank and merge it; 0 learns all weights.
        lora_alpha: the adapter's scale; 0 for twice the rank.
        quantize: hold the weights below the adapter in 4 bits; CUDA only.
        repair: leave out rows that would stop the run, and teach ends of turns that the template leaves out.
    """
    op = SFT(
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
        packing=packing,
        lora=Lora(rank=lora_rank, alpha=lora_alpha, dropout=lora_dropout, quantize=quantize),
    )
    return training(op, data=data, model=model, held_out=held_out, against=against)
