"""Recipes that make a base model from documents."""

from typing import Literal

from dataset_cards.versions.step import Step
from dataset_cards.versions.version import DatasetVersion

from .pretrain.pretrain import Pretrain
from .schedule import Schedule
from .trainer import training


def pretrain(
    *,
    data: DatasetVersion,
    tokenizer: DatasetVersion | None = None,
    model: DatasetVersion | None = None,
    held_out: DatasetVersion | None = None,
    against: DatasetVersion | None = None,
    mixture: tuple[str, ...] = (),
    tokens: int = 0,
    epochs: float = 1.0,
    max_steps: int = 0,
    hidden: int = 128,
    layers: int = 4,
    heads: int = 4,
    vocabulary: int = 4096,
    context: int = 256,
    batch_size: int = 16,
    learning_rate: float = 2e-3,
    warmup: float = 0.05,
    decay: Literal["linear", "cosine", "constant"] = "cosine",
    weight_decay: float = 0.1,
    held_out_share: float = 0.02,
    measure_tokens: int = 100_000,
    repair: bool = False,
    must_improve: bool = True,
    save_steps: int = 200,
    seed: int = 0,
) -> Step:
    """A base model that foretells the next token of documents, measured in held-out bits per byte.

    The defaults make a model of 1.3 million parameters, for minutes on one CPU core.

    Args:
        data: a version of documents.
        tokenizer: a model whose tokenizer is taken; without one, and without `model`, a new one is trained on `data`.
        model: goes on from this one; then sizes, vocabulary and tokenizer are its own.
        held_out: documents to measure by, in place of a share of `data`.
        against: evaluation rows; documents that are the same text as one of them stop the run.
        mixture: share of the tokens by source, as web=0.7,books=0.3; other sources are left out.
        tokens: how many to read, in place of epochs.
        epochs: how often the documents are read.
        max_steps: in place of both; 0 for none.
        hidden, layers, heads: size of a new model.
        vocabulary: tokens of a new tokenizer, at most.
        context: tokens of a sequence.
        batch_size: sequences per step.
        learning_rate: the highest one.
        warmup: share of the steps in which the rate climbs.
        decay: what becomes of the rate after that.
        weight_decay: of AdamW.
        held_out_share: the share of `data` to measure by.
        measure_tokens: of held-out documents that are measured, about.
        repair: leave out leaks and texts that stand there twice, in place of stopping.
        must_improve: end as failed if held-out bits per byte did not fall.
        save_steps: steps between two checkpoints that a killed run goes on from.
        seed: of the order and of a new model.
    """
    schedule = Schedule(
        epochs=epochs,
        max_steps=max_steps,
        batch_size=batch_size,
        learning_rate=learning_rate,
        warmup=warmup,
        decay=decay,
        weight_decay=weight_decay,
        save_steps=save_steps,
    )
    op = Pretrain(
        schedule=schedule,
        seed=seed,
        held_out=held_out_share,
        repair=repair,
        must_improve=must_improve,
        hidden=hidden,
        layers=layers,
        heads=heads,
        vocabulary=vocabulary,
        context=context,
        mixture=mixture,
        tokens=tokens,
        measure_tokens=measure_tokens,
    )
    return training(op, data=data, held_out=held_out, against=against, tokenizer=tokenizer, model=model)
