"""TRL's DPO trainer over rows that preflight encoded: what was checked is what is learned from."""

from dataclasses import dataclass
from typing import Any

import torch
from trl.trainer.dpo_trainer import DataCollatorForPreference, DPOTrainer


class PairTrainer(DPOTrainer):
    """TRL's trainer, which takes the columns of pairs.COLUMNS as they lie and tokenises nothing."""

    def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
        return dataset


@dataclass
class PairCollator(DataCollatorForPreference):
    """TRL's collator with masks of our own: it would count what users say inside an answer of several turns."""

    def torch_call(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        batch: dict[str, Any] = super().torch_call(examples)
        counted = torch.zeros_like(batch["completion_mask"])
        answers = [(one, name) for name in ("chosen_mask", "rejected_mask") for one in examples]
        for place, (one, name) in enumerate(answers):
            start = len(one["prompt_ids"])
            counted[place, start : start + len(one[name])] = torch.tensor(one[name])
        return {**batch, "completion_mask": counted}
