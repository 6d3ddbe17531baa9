"""The loops that a student learns in: transformers' own over stored rows, and TRL's with a teacher that is asked."""

from dataclasses import dataclass
from typing import Any

import torch
from transformers import Trainer
from trl.trainer.distillation_trainer import DistillationTrainer

from .loss import learned_logits, topk_divergence, unstored
from .rows import IGNORED


@dataclass(frozen=True)
class Collator:
    """Pads rows of COLUMNS on the right. Distributions lie flat, (labelled tokens, k), row after row."""

    pad: int

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        width = max(len(row["input_ids"]) for row in rows)
        batch = {
            "input_ids": _right([row["input_ids"] for row in rows], width, self.pad),
            "attention_mask": _right([[1] * len(row["input_ids"]) for row in rows], width, 0),
            "labels": _right([row["labels"] for row in rows], width, IGNORED),
        }
        if "topk_ids" in rows[0]:
            ids = [place for row in rows for place in row["topk_ids"]]
            logprobs = [place for row in rows for place in row["topk_logprobs"]]
            most = max(map(len, ids))
            batch["topk_ids"] = torch.tensor([one + one[:1] * (most - len(one)) for one in ids])
            batch["topk_logprobs"] = torch.tensor(
                [one + [float("-inf")] * (most - len(one)) for one in logprobs], dtype=torch.float32
            )
        return batch


def _right(rows: list[list[int]], width: int, filling: int) -> torch.Tensor:
    return torch.tensor([row + [filling] * (width - len(row)) for row in rows])


class StoredTrainer(Trainer):
    """transformers' loop with the divergence from stored distributions as its loss, per learned token of a batch."""

    def __init__(self, *, temperature: float, **given: Any) -> None:
        super().__init__(**given)
        self.temperature = temperature
        self.model_accepts_loss_kwargs = True  # tokens are counted over the whole batch, whatever the model takes

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        out = model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], use_cache=False)
        logits = learned_logits(out.logits, inputs["labels"])
        lost = topk_divergence(logits, inputs["topk_ids"], inputs["topk_logprobs"], self.temperature)
        words = inputs["labels"][:, 1:][inputs["labels"][:, 1:] != IGNORED]
        lost = lost + unstored(logits, inputs["topk_ids"], words)
        tokens = len(lost) if num_items_in_batch is None else num_items_in_batch
        loss = lost.sum() / tokens
        if num_items_in_batch is not None and self.args.average_tokens_across_devices:
            loss = loss * self.accelerator.num_processes  # gradients are averaged over them
        return (loss, out) if return_outputs else loss


class OnPolicyTrainer(DistillationTrainer):
    """TRL's trainer over prompts that preflight has encoded: it tokenises nothing."""

    def _tokenize_prompts(self, prompts: list[list[int]]) -> tuple[list[list[int]], None, dict[str, Any]]:
        return prompts, None, {}
