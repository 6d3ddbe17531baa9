"""How far a student is from its teacher on held-out rows: divergence and loss of each row, a few rows at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from train.encode import encoded_rows
from train.measure import Measure, measured

from .answering import generated
from .rows import IGNORED

Floats = npt.NDArray[np.float64]
BATCH_TOKENS = 4096


@dataclass(frozen=True, kw_only=True)
class Distance:
    """Sums over each row's learned tokens (rows,).

    Attributes:
        tokens: learned ones.
        loss: negative log-likelihood of the teacher's words, in nats.
        stored: forward KL from the stored top-k and the rest, in nats; None where none are stored.
        whole: forward KL over the whole vocabulary, in nats; None without a teacher to ask.
    """

    tokens: Floats
    loss: Floats
    stored: Floats | None
    whole: Floats | None


def answers_of(teacher: Any, tokenizer: Any, held_out: Path, longest: int, seed: int) -> list[dict[str, Any]]:
    """Held-out prompts with answers that the teacher draws at temperature 1, as rows of input_ids and labels."""
    prompts = [row["input_ids"] for row in encoded_rows(held_out)]
    said = generated(teacher, tokenizer, prompts, samples=1, longest=longest, temperature=1.0, seed=seed)
    return [
        {"input_ids": [*prompt, *one], "labels": [IGNORED] * len(prompt) + one}
        for prompt, (one,) in zip(prompts, said, strict=True)
    ]


def distance(student: Any, rows: Sequence[dict[str, Any]], pad: int, teacher: Any = None) -> Distance:
    """Where `student` stands; rows of like length go together, and its mode is as before.

    Args:
        rows: input_ids and labels, with topk_ids and topk_logprobs where distributions are stored.
        teacher: a model with the same outputs, asked over the same tokens.
    """
    import torch

    from .loop import Collator
    from .loss import divergence, learned_logits, negative_log_likelihood, topk_divergence

    collate = Collator(pad)
    found = np.zeros((4, len(rows)))
    was_training, device = student.training, next(student.parameters()).device
    student.eval()
    with torch.no_grad():
        for places in _batches([len(row["input_ids"]) for row in rows]):
            batch = {name: value.to(device) for name, value in collate([rows[place] for place in places]).items()}
            asked = {name: batch[name] for name in ("input_ids", "attention_mask")}
            logits = learned_logits(student(**asked, use_cache=False).logits, batch["labels"])
            tokens = batch["labels"][:, 1:][batch["labels"][:, 1:] != IGNORED]
            lost = [torch.ones_like(tokens, dtype=torch.float32), negative_log_likelihood(logits, tokens)]
            stored = "topk_ids" in batch
            lost.append(topk_divergence(logits, batch["topk_ids"], batch["topk_logprobs"]) if stored else lost[0] * 0)
            if teacher is None:
                lost.append(lost[0] * 0)
            else:
                lost.append(
                    divergence(logits, learned_logits(teacher(**asked, use_cache=False).logits, batch["labels"]))
                )
            counts = (batch["labels"][:, 1:] != IGNORED).sum(-1).tolist()
            for line, values in enumerate(lost):
                found[line, places] = [float(part.double().sum()) for part in torch.split(values, counts)]
    student.train(was_training)
    return Distance(
        tokens=found[0],
        loss=found[1],
        stored=found[2] if rows and "topk_ids" in rows[0] else None,
        whole=None if teacher is None else found[3],
    )


def measures(before: Distance, after: Distance, method: str) -> tuple[Measure, ...]:
    """The measures of a method, the one that has to become better first."""
    loss = measured(
        "response loss",
        "nats per token",
        "lower",
        before.loss,
        after.loss,
        "negative log-likelihood of the teacher's words and the end of its turn",
        after.tokens,
    )
    kept = {"stored": "over its stored tokens and the rest", "whole": "over the whole vocabulary"}
    apart = [
        measured(
            "KL to the teacher" if name == "whole" else "KL to the teacher's top-k",
            "nats per token",
            "lower",
            getattr(before, name),
            getattr(after, name),
            f"forward KL, teacher from student, {how}, at the places of the teacher's words",
            after.tokens,
        )
        for name, how in kept.items()
        if getattr(after, name) is not None
    ]
    return (loss, *apart) if method == "text" else (*apart, loss)


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Places, the shortest first, in groups whose padded size is at most BATCH_TOKENS."""
    group: list[int] = []
    for place in sorted(range(len(lengths)), key=lambda place: (lengths[place], place)):
        if group and (len(group) + 1) * lengths[place] > BATCH_TOKENS:
            yield group
            group = []
        group.append(place)
    if group:
        yield group
