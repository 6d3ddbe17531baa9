"""Reinforcement learning with verifiable rewards: sample answers, check them, make the right ones likelier.

The method is GRPO (Shao, Wang, Zhu, Xu, Song et al. 2024, DeepSeekMath, arXiv 2402.03300, eq. 3-4); the loop is TRL's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import pyarrow as pa

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Job
from train.bench import Bench, curves
from train.chat import BadTemplate, prompt_ids, question, special_in_text, with_template
from train.distill.answering import Answered, answered
from train.encode import HELD_OUT, TRAIN, Encoded, Fault, Row, encode, encoded, encoded_rows
from train.inputs import Inputs
from train.machine import Machine
from train.memory import estimate
from train.models import load_causal, load_tokenizer, save_trained, trained
from train.outcome import Outcome
from train.preflight import Preflight
from train.quiet import quiet, unprinted
from train.schedule import Schedule
from train.trainer import need, train

from .verdicts import Verdicts
from .verified import outcome

COLUMNS = pa.schema(
    {
        "prompt": pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())])),
        "prompt_ids": pa.list_(pa.int32()),
        "answer": pa.string(),
        "verifier": pa.string(),
    }
)
ASKED = ("verifiable", "prompts", "conversations", "preferences", "rankings", "teacher")


@dataclass(frozen=True, kw_only=True)
class GRPO:
    """Learn from verdicts on the model's own answers.

    Each step samples `samples` answers o_1..o_G to each of `schedule.batch_size` prompts. A right answer has reward 1,
    a wrong one 0. With the mean m over the answers of the prompt that got a verdict, the advantage is A_i = r_i - m,
    divided by the standard deviation of these rewards where scale_rewards="group" (Shao et al. eq. 3). An answer whose
    verdict is cannot-tell is in no mean, has advantage 0 and carries no loss. The loss per token, with the ratio
    p = pi(token) / pi_old(token) and the reference model pi_ref that training began with:

        -min(p * A, clip(p, 1 - epsilon, 1 + epsilon_high) * A) + beta * (pi_ref / pi - log(pi_ref / pi) - 1)

    where TRL multiplies the last term by p, which makes its gradient that of the reverse KL.

    Attributes:
        schedule: its batch_size counts prompts; a step learns from batch_size * samples answers.
        held_out: the share of prompts to measure by, where no version is given for that.
        max_length: tokens of a prompt and its answer together.
        max_completion: tokens of an answer; longer ones are cut.
        samples: answers to a prompt; their mean is the baseline.
        temperature: of sampling, in training and measuring.
        loss_type: how the losses of tokens become one number. `grpo`: mean over an answer's tokens, then over answers
            (Shao et al.). `dr_grpo`: the sum divided by answers * max_completion, which favours no length (Liu, Chen,
            Li et al. 2025, Understanding R1-Zero-like training, arXiv 2503.20783). `dapo`: the mean over all tokens of
            a step (Yu et al. 2025, arXiv 2503.14476). `bnpo`: the mean over all tokens that one device holds at once.
        scale_rewards: `none` as Liu et al. ask, since dividing favours prompts that are nearly always or never
            answered right; `group` as Shao et al.
        beta: weight of the KL to the model that training began with; 0 for none, which needs no second model.
        epsilon, epsilon_high: how far p may go from 1 before its gradient ends; Yu et al. use 0.2 and 0.28.
        iterations: steps that learn from the same answers.
        unfinished: what an answer is that was cut at max_completion. `wrong` teaches to come to an end; `cannot-tell`
            is what Yu et al. call overlong filtering.
        measured_samples: answers to each held-out prompt.
    """

    revision: ClassVar[int] = 1
    stage: ClassVar[str] = "grpo"
    eats: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "data": ("verifiable",),
        "model": ("model",),
        "held_out": ("verifiable",),
        "against": ASKED,
    }

    roles: tuple[str, ...] = ()
    schedule: Schedule = field(default_factory=lambda: Schedule(batch_size=8, learning_rate=1e-5, save_steps=50))
    seed: int = 0
    held_out: float = 0.05
    repair: bool = False
    must_improve: bool = True
    max_length: int = 1024
    max_completion: int = 512
    samples: int = 8
    temperature: float = 1.0
    loss_type: Literal["grpo", "dr_grpo", "dapo", "bnpo"] = "dr_grpo"
    scale_rewards: Literal["none", "group"] = "none"
    beta: float = 0.0
    epsilon: float = 0.2
    epsilon_high: float = 0.2
    iterations: int = 1
    unfinished: Literal["wrong", "cannot-tell"] = "wrong"
    measured_samples: int = 4

    def __post_init__(self) -> None:
        if self.samples < 2:
            raise Misuse(
                f"samples={self.samples}: an answer is compared with others to the same prompt; take 2 or more"
            )
        if self.measured_samples < 1 or self.iterations < 1:
            raise Misuse("measured_samples and iterations are at least 1")
        if not 0 < self.max_completion < self.max_length:
            raise Misuse(f"max_completion={self.max_completion} leaves no room in max_length={self.max_length}")
        if not self.temperature > 0 or self.beta < 0:
            raise Misuse(f"temperature={self.temperature}, beta={self.beta}: above 0, and at least 0")
        if self.schedule.save_steps % self.iterations:
            raise Misuse(
                f"save_steps={self.schedule.save_steps} falls between the {self.iterations} iterations that learn from "
                "the same answers; take a multiple"
            )

    def run(self, job: Job) -> dict[str, Any]:
        """See trainer.train."""
        return train(job, self)

    def prepare(self, inputs: Inputs, out: Path) -> Preflight:
        """Every prompt with our template, and whether its answer can be checked.

        Raises:
            Misuse: fewer prompts than one step takes, or no room for max_length in the model.
            NoTool: nobody was given that checks answers.
        """
        tool = inputs.tool(Verdicts)
        tokenizer = with_template(load_tokenizer(inputs.model()))
        report = encode(
            inputs,
            COLUMNS,
            lambda row: self._encoded(tokenizer, tool, row),
            question,
            out,
            held_out=self.held_out,
            repair=self.repair,
        )
        batch = self.schedule.batch_size
        if 0 < report.train < batch and not any(one.blocks for one in report.findings):
            raise Misuse(f"batch_size={batch}: there are {report.train:,} prompts to learn from, which fill no step")
        machine = next((one for one in inputs.tools if isinstance(one, Machine)), Machine(device="cpu"))
        tokens = self._micro(machine)[0] * (min(report.longest, self.max_length) + self.max_completion)
        memory = estimate(inputs.model(), tokens, machine=machine, frozen=1 if self.beta else 0)
        return replace(report, steps=self.steps(report.train), memory=memory)

    def steps(self, prompts: int) -> int:
        """Optimiser steps; prompts that do not fill an epoch's last batch wait for another epoch."""
        if self.schedule.max_steps:
            return self.schedule.max_steps
        return int(prompts // self.schedule.batch_size * self.iterations * self.schedule.epochs)

    def _micro(self, machine: Machine) -> tuple[int, int]:
        """Answers that a device holds at once, and how often gradients are added up before a step.

        Raises:
            Misuse: the prompts of a step cannot be shared out, all answers to one prompt to the same process.
        """
        replace(machine, micro_batch=0).micro(self.schedule)
        return machine.micro(self._in_answers())

    def _in_answers(self) -> Schedule:
        """The schedule as TRL counts."""
        return replace(self.schedule, batch_size=self.schedule.batch_size * self.samples)

    def _encoded(self, tokenizer: Any, tool: Verdicts, row: Row) -> Encoded | Fault:
        if special := special_in_text(tokenizer, row["prompt"]):
            return Fault("special-tokens-in-text", special)
        if row["verifier"] is None:
            return Fault("answer-not-verifiable", "no verifier is named")
        (problem,) = tool.problems([row["verifier"]], [row["answer"]])
        if problem:
            return Fault("answer-not-verifiable", problem)
        try:
            ids = prompt_ids(tokenizer, row["prompt"])
        except BadTemplate as error:
            return Fault("template-error", str(error))
        if len(ids) + self.max_completion > self.max_length:
            return Fault("prompt-too-long", f"{len(ids):,} tokens, and {self.max_completion:,} for an answer")
        columns = {name: row[name] for name in ("prompt", "answer", "verifier")}
        return Encoded({**columns, "prompt_ids": ids}, tokens=len(ids), learned=0)

    def fit(self, bench: Bench) -> Outcome:
        """Learn, save, and ask the held-out prompts of both models, each time with the same random numbers.

        Raises:
            Misuse: the prompts of a step cannot be shared by this many processes.
        """
        need("trl")
        with quiet():
            return self._fit(bench)

    def _fit(self, bench: Bench) -> Outcome:
        model = load_causal(bench.inputs.model(), bench.machine)
        known = model.get_input_embeddings().num_embeddings
        tokenizer = with_template(load_tokenizer(bench.inputs.model()), model)
        if self.beta and model.get_input_embeddings().num_embeddings != known:
            raise Misuse(
                f"beta={self.beta}: the model has no chat template and needs new tokens, which the model to stay close "
                "to has never seen; train it with sft first, or take beta=0"
            )
        held = list(encoded_rows(bench.rows / HELD_OUT))
        before = self._asked(bench, model, tokenizer, held)
        loop = self.loop(bench, model, tokenizer)
        loop.train(resume_from_checkpoint=bench.checkpoint())
        save_trained(loop, trained(loop), tokenizer, bench.model, bench.stamp)
        after = self._asked(bench, load_causal(bench.model, bench.machine), tokenizer, held)
        how = f"{self.measured_samples} answers to each prompt, sampled at temperature {self.temperature:g}"
        return outcome(before, after, how, curves(loop.state.log_history))

    def loop(self, bench: Bench, model: Any, tokenizer: Any) -> Any:
        """TRL's trainer with our rewards over the encoded rows; see grpo_loop.Verified.

        Raises:
            Misuse: the prompts of a step cannot be shared by this many processes.
        """
        from trl.trainer.grpo_config import GRPOConfig

        from .loop import Rewards, Verified

        self._micro(bench.machine)
        shared = bench.arguments(self._in_answers(), self.seed)
        args = GRPOConfig(
            **{**shared, "max_steps": self.steps(bench.preflight.train)},
            max_completion_length=self.max_completion,
            num_generations=self.samples,
            temperature=self.temperature,
            loss_type=self.loss_type,
            scale_rewards=self.scale_rewards,
            beta=self.beta,
            epsilon=self.epsilon,
            epsilon_high=self.epsilon_high,
            num_iterations=self.iterations,
        )
        return unprinted(
            Verified(
                rewards=Rewards(tool=bench.tool(Verdicts), tokenizer=tokenizer, unfinished=self.unfinished),
                model=model,
                args=args,
                train_dataset=encoded(bench.rows / TRAIN).remove_columns(["id", "prompt_ids"]),
                processing_class=tokenizer,
            )
        )

    def _asked(self, bench: Bench, model: Any, tokenizer: Any, rows: list[dict[str, Any]]) -> tuple[Answered, Answered]:
        """Held-out prompts answered by sampling, and by the likeliest tokens."""
        tool = bench.tool(Verdicts)
        common: dict[str, Any] = {"longest": self.max_completion, "seed": self.seed, "unfinished": self.unfinished}
        return (
            answered(
                model,
                tokenizer,
                rows,
                tool,
                samples=self.measured_samples,
                temperature=self.temperature,
                **common,
            ),
            answered(model, tokenizer, rows, tool, samples=1, temperature=0.0, **common),
        )
