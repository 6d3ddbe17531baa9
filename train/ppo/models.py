"""The models of one PPO run: policy, value model, frozen reference, reward models; and checkpoints of what learns."""

import copy
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from train.bench import Bench
from train.chat import BadTemplate, Messages, with_template
from train.models import load_causal, load_tokenizer
from train.reward.scorer import Floats, Scorer, score

BEST, LEARNT, STATE = "best.pt", "learnt.pt", "trainer_state.json"


class Value(nn.Module):
    """What a state is worth: a copy of the policy's trunk with one number on top, 0 everywhere at the start."""

    def __init__(self, policy: Any) -> None:
        super().__init__()
        self.trunk = copy.deepcopy(policy.base_model)
        self.head = nn.Linear(policy.config.get_text_config().hidden_size, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, position_ids: Tensor) -> Tensor:
        """Values of the states after each token, (rows, places)."""
        made = self.trunk(
            input_ids=input_ids, attention_mask=attention_mask, position_ids=position_ids, use_cache=False
        )
        return self.head(made.last_hidden_state).squeeze(-1)  # type: ignore[no-any-return]


@dataclass(frozen=True, kw_only=True)
class Models:
    """All that PPO holds in memory. `policy`, `value` and `optimiser` are as accelerate has prepared them.

    Attributes:
        rows: that a device holds at once.
        bf16: whether forward passes are in bf16; weights, losses and the optimiser stay in fp32.
    """

    accelerator: Any
    tokenizer: Any
    policy: Any
    value: Any
    reference: Any
    optimiser: Any
    reward: Scorer
    gold: Scorer | None
    rows: int
    bf16: bool

    @property
    def plain(self) -> Any:
        """The policy as transformers has it, as it is to be sampled from and saved."""
        return self.accelerator.unwrap_model(self.policy)

    @property
    def device(self) -> Any:
        return self.accelerator.device

    @contextmanager
    def cast(self) -> Iterator[None]:
        """Forward passes in bf16 where that is wanted."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            yield

    def learning(self, learning: bool) -> None:
        """Training mode, in which activations may be computed again, or eval mode, in which a cache may be kept.

        Both compute the same: there is no dropout.
        """
        self.policy.train(learning)
        self.value.train(learning)

    def texts(self, answers: Sequence[Sequence[int]]) -> list[str]:
        """What the policy said, special tokens included: the reward model is to see all of it."""
        return [
            self.tokenizer.decode(answer, skip_special_tokens=False, clean_up_tokenization_spaces=False)
            for answer in answers
        ]


def assembled(bench: Bench, rate: float, value_rate: float, weight_decay: float, rows: int) -> Models:
    """Load the models of a run, and prepare those that learn for as many processes as there are."""
    from accelerate import Accelerator

    machine, folder = bench.machine, bench.inputs.model()
    accelerator = Accelerator(cpu=machine.on_cpu, log_with=list(machine.report) or None, project_dir=_logs(bench))
    tokenizer, policy = load_tokenizer(folder), load_causal(folder, machine)
    with_template(tokenizer, policy)
    _without_dropout(policy)
    reference = copy.deepcopy(policy).eval().requires_grad_(False)
    value = Value(policy).to(policy.device)
    if machine.checkpointing:
        for model in (policy, value.trunk):
            model.activation_checkpointing_enable({"use_reentrant": False})
    groups = [
        {"params": list(policy.parameters()), "lr": rate},
        {"params": list(value.parameters()), "lr": rate * value_rate},
    ]
    optimiser = torch.optim.AdamW(groups, weight_decay=weight_decay)
    policy, value, optimiser = accelerator.prepare(policy, value, optimiser)
    gold = Scorer.load(bench.inputs.model("gold"), machine) if "gold" in bench.inputs else None
    models = Models(
        accelerator=accelerator,
        tokenizer=tokenizer,
        policy=policy,
        value=value,
        reference=reference,
        optimiser=optimiser,
        reward=Scorer.load(bench.inputs.model("reward"), machine),
        gold=gold,
        rows=rows,
        bf16=machine.bf16,
    )
    models.learning(False)
    return models


def scores(scorer: Scorer, prompts: Sequence[Messages], answers: Sequence[str]) -> Floats:
    """What a reward model gives each answer (n,), read through its own template and tokenizer.

    An answer is read without the white space it begins with where the tokenizer would join that with the prompt.
    """
    return score(scorer.model, [_read(scorer, *both) for both in zip(prompts, answers, strict=True)])


def _read(scorer: Scorer, prompt: Messages, answer: str) -> list[int]:
    try:
        return scorer.ids(prompt, answer)
    except BadTemplate:
        return scorer.ids(prompt, answer.lstrip())


def _without_dropout(model: Any) -> None:
    """Dropout would make a policy differ from itself: the ratio of its probabilities has to begin at exactly 1."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        if isinstance(getattr(module, "attention_dropout", None), float):
            module.attention_dropout = 0.0


def _logs(bench: Bench) -> str:
    return os.environ.get("TENSORBOARD_LOGGING_DIR", str(bench.checkpoints))


def keep_best(models: Models, folder: Path) -> None:
    """Write the policy as it is now as the best so far."""
    if models.accelerator.is_main_process:
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / f".{BEST}.partial"
        torch.save(models.plain.state_dict(), partial)
        os.replace(partial, folder / BEST)
    models.accelerator.wait_for_everyone()


def restore_best(models: Models, folder: Path) -> None:
    """Make the policy what it was when it was kept."""
    models.plain.load_state_dict(torch.load(folder / BEST, map_location=models.device, weights_only=True))


def write_checkpoint(models: Models, folder: Path, state: dict[str, Any]) -> None:
    """Write all that a killed run goes on from as `checkpoint-STEP`, which appears whole; older ones are removed."""
    if models.accelerator.is_main_process:
        whole = folder / f"checkpoint-{state['step']}"
        partial = folder / f".{whole.name}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        value = models.accelerator.unwrap_model(models.value)
        learnt = {
            "policy": models.plain.state_dict(),
            "value": value.state_dict(),
            "optimiser": models.optimiser.state_dict(),
        }
        torch.save(learnt, partial / LEARNT)
        shutil.copyfile(folder / BEST, partial / BEST)
        (partial / STATE).write_text(json.dumps(state), encoding="utf-8")
        shutil.rmtree(whole, ignore_errors=True)
        os.replace(partial, whole)
        for other in folder.glob("checkpoint-*"):
            if other != whole:
                shutil.rmtree(other)
    models.accelerator.wait_for_everyone()


def read_checkpoint(models: Models, checkpoint: Path) -> dict[str, Any]:
    """Make models and optimiser what they were when `checkpoint` was written; its state."""
    learnt = torch.load(checkpoint / LEARNT, map_location=models.device, weights_only=True)
    models.plain.load_state_dict(learnt["policy"])
    models.accelerator.unwrap_model(models.value).load_state_dict(learnt["value"])
    models.optimiser.load_state_dict(learnt["optimiser"])
    if models.accelerator.is_main_process:
        shutil.copyfile(checkpoint / BEST, checkpoint.parent / BEST)
    models.accelerator.wait_for_everyone()
    found: dict[str, Any] = json.loads((checkpoint / STATE).read_bytes())
    return found
