"""TRL's GRPO loop with verdicts for rewards; imports torch and TRL, so only a running trainer imports this.

What TRL does already: a completion whose reward is None counts in no group's baseline and gets advantage 0, and groups
are put together over all processes before that. What is added here: such a completion carries no loss at all, with a
KL penalty and an entropy curve too; and prompts come in an order that a resumed run finds again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.utils.data import Sampler
from trl.trainer.grpo_trainer import GRPOTrainer

from train.distill.answering import Ids, ended, judged

from .verdicts import VERDICTS, Verdict, Verdicts

REWARD: dict[Verdict, float | None] = {"right": 1.0, "wrong": 0.0, "cannot-tell": None}


@dataclass(kw_only=True)
class Rewards:
    """A reward function of TRL: right is 1, wrong is 0, cannot-tell is none.

    Attributes:
        last: the verdicts on the completions that this process sampled last, in their order.
    """

    tool: Verdicts
    tokenizer: Any
    unfinished: Verdict
    last: list[Verdict] = field(default_factory=list)

    def __call__(
        self,
        *,
        completion_ids: Sequence[Ids],
        verifier: Sequence[str],
        answer: Sequence[str],
        log_metric: Any,
        **_: Any,  # what else TRL hands over: prompts, texts, other columns, the state
    ) -> list[float | None]:
        self.last = judged(self.tool, self.tokenizer, completion_ids, verifier, answer, self.unfinished)
        for verdict in VERDICTS:
            log_metric(verdict, self.last.count(verdict) / len(self.last))
        log_metric("unfinished", sum(not ended(self.tokenizer, ids) for ids in completion_ids) / len(completion_ids))
        return [REWARD[one] for one in self.last]


class Rounds(Sampler[int]):
    """Places of prompts, as many as the whole run takes: epoch after epoch, each in an order of its own.

    One pass holds all epochs, so that a resumed run only has to skip what was seen. As in TRL, the prompts of one
    batch follow each other, each `samples` times, and the batch is repeated for every step that learns from it; the
    prompts that do not fill an epoch's last batch wait for another epoch.
    """

    def __init__(self, *, prompts: int, batch: int, samples: int, repeats: int, batches: int, seed: int) -> None:
        self.prompts, self.batch, self.samples = prompts, batch, samples
        self.repeats, self.batches, self.seed = repeats, batches, seed

    def __len__(self) -> int:
        return self.batches * self.repeats * self.batch * self.samples

    def __iter__(self) -> Iterator[int]:
        each = self.prompts // self.batch
        for number in range(self.batches):
            epoch, place = divmod(number, each)
            if place == 0:
                order = torch.randperm(self.prompts, generator=torch.Generator().manual_seed(self.seed + epoch))
            chunk = order[place * self.batch : (place + 1) * self.batch].tolist()
            for _ in range(self.repeats):
                for prompt in chunk:
                    yield from [prompt] * self.samples


class Verified(GRPOTrainer):
    """GRPO in which an answer of which nothing is known teaches nothing."""

    def __init__(self, *, rewards: Rewards, **rest: Any) -> None:
        self.verdicts = rewards
        super().__init__(reward_funcs=rewards, **rest)

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        """TRL's batch, with the tokens of undecided completions out of the loss and out of what it is divided by."""
        batch: dict[str, Any] = super()._generate_and_score_completions(inputs)
        mask = batch["completion_mask"]
        known = torch.tensor([one != "cannot-tell" for one in self.verdicts.last], device=mask.device)
        batch["tool_mask"] = known.unsqueeze(1).expand_as(mask).to(mask.dtype).contiguous()
        batch["num_items_in_batch"] = self.accelerator.gather((mask * batch["tool_mask"]).sum()).sum()
        return batch

    def _get_train_sampler(self, dataset: Any = None) -> Rounds:
        args: Any = self.args
        rows: Any = self.train_dataset if dataset is None else dataset
        repeats = self.num_iterations * args.steps_per_generation
        return Rounds(
            prompts=len(rows),
            batch=args.generation_batch_size // args.num_generations,
            samples=args.num_generations,
            repeats=repeats,
            batches=-(-args.max_steps * args.gradient_accumulation_steps // repeats),
            seed=args.seed,
        )
