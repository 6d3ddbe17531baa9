"""TRL's KTO trainer over rows that preflight encoded: what was checked is what is learned from."""

from dataclasses import dataclass
from typing import Any

import torch
from trl.trainer.kto_trainer import DataCollatorForUnpairedPreference, KTOTrainer


class SingleTrainer(KTOTrainer):
    """TRL's trainer, which takes the columns of judged.COLUMNS as they lie and tokenises nothing."""

    def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
        return dataset


@dataclass
class SingleCollator(DataCollatorForUnpairedPreference):
    """TRL's collator with masks of our own, and with the mismatched answers that the KL is estimated from.

    Each prompt gets the answer of the row before it in the batch, the first one that of the last, as TRL lays them
    out when it prepares a dataset.
    """

    mismatched: bool = True

    def torch_call(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        before = [examples[-1], *examples[:-1]]
        if self.mismatched:
            examples = [
                {**one, "KL_completion_ids": other["completion_ids"]}
                for one, other in zip(examples, before, strict=True)
            ]
        batch: dict[str, Any] = super().torch_call(examples)
        batch["completion_mask"] = self._counted(batch["completion_mask"], examples, examples)
        if self.mismatched:
            batch["KL_completion_mask"] = self._counted(batch["KL_completion_mask"], examples, before)
        return batch

    def _counted(self, like: Any, prompts: list[dict[str, Any]], answers: list[dict[str, Any]]) -> Any:
        counted = torch.zeros_like(like)
        for place, (prompt, answer) in enumerate(zip(prompts, answers, strict=True)):
            start, mask = len(prompt["prompt_ids"]), answer["completion_mask"]
            room = min(len(mask), counted.shape[1] - start)  # a mismatched answer may be longer than max_length allows
            counted[place, start : start + room] = torch.tensor(mask[:room])
        return counted
