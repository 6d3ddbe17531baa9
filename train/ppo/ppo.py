"""PPO: a policy learns to answer so that a reward model likes it, and is held near the model that it began as."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Job
from train.bench import Bench
from train.chat import BadTemplate, answer_ids, prompt_ids, question, special_in_text, with_template
from train.encode import HELD_OUT, TRAIN, Encoded, Fault, encode, encoded
from train.inputs import Inputs
from train.memory import estimate, parameters
from train.models import load_tokenizer, save
from train.outcome import Outcome
from train.preflight import Preflight
from train.quiet import quiet
from train.schedule import Schedule
from train.trainer import need, train

from .outcome import outcome
from .plan import places, rows_at_once, share_of_rate

if TYPE_CHECKING:
    from .judge import Look
    from .step import Turn

_MESSAGE = pa.struct([("role", pa.string()), ("content", pa.string())])
COLUMNS = pa.schema([("prompt_ids", pa.list_(pa.int32())), ("prompt", pa.list_(_MESSAGE))])
PROMPTS = ("prompts", "verifiable")
SCHEDULE = Schedule(batch_size=32, learning_rate=1e-5, decay="constant", log_steps=1, save_steps=50)


@dataclass(frozen=True, kw_only=True)
class PPO:
    """Proximal policy optimisation against a reward model.

    Schulman, Wolski, Dhariwal, Radford and Klimov 2017, Proximal Policy Optimization Algorithms, arXiv 1707.06347, as
    used on language models by Ziegler et al. 2019, Fine-Tuning Language Models from Human Preferences, arXiv
    1909.08593, and Ouyang et al. 2022, Training language models to follow instructions with human feedback, arXiv
    2203.02155. The policy maximises E[score - kl * (log pi - log reference)], clipped; the formulas stand in ppo_math.

    A step of the schedule draws `batch_size` answers and learns from them: `passes` times `minibatches` optimiser
    steps. The reward model reads answers as text, through its own template, so its tokenizer may be another one.

    Attributes:
        max_length: tokens of a prompt and its answer.
        max_new: tokens of an answer.
        temperature: that answers are drawn at, also when they are measured.
        kl: coefficient of the KL to the model that went in, at first.
        kl_target: nats per answer that an adaptive coefficient aims for; 0 keeps it fixed.
        kl_gain: of that controller.
        max_kl: nats per answer from which the run stops; 0 for never.
        discount, trace: gamma and lambda of the advantages (Schulman et al. 2015, arXiv 1506.02438).
        clip, value_clip: how far a probability's ratio and a value may move in one step.
        value_weight, entropy_weight: in the loss.
        value_rate: the value model's learning rate, in those of the policy.
        passes, minibatches: over the answers of one step, and in each pass.
        missing_end: taken off the score of an answer that did not end within max_new.
        judge_every: steps between two looks at answers to held-out prompts.
        judged: held-out prompts at most that are answered.
        patience: looks in a row that have to find the gold reward fallen while the reward rose.
    """

    revision: ClassVar[int] = 1
    stage: ClassVar[str] = "ppo"
    eats: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "data": PROMPTS,
        "model": ("model",),
        "reward": ("model",),
        "gold": ("model",),
        "held_out": PROMPTS,
        "against": (*PROMPTS, "conversations", "preferences"),
    }

    roles: tuple[str, ...] = ()
    schedule: Schedule = SCHEDULE
    seed: int = 0
    held_out: float = 0.05
    repair: bool = False
    must_improve: bool = True
    max_length: int = 512
    max_new: int = 64
    temperature: float = 1.0
    kl: float = 0.05
    kl_target: float = 0.0
    kl_gain: float = 0.1
    max_kl: float = 0.0
    discount: float = 1.0
    trace: float = 0.95
    clip: float = 0.2
    value_clip: float = 0.2
    value_weight: float = 0.5
    entropy_weight: float = 0.0
    value_rate: float = 1.0
    passes: int = 2
    minibatches: int = 2
    missing_end: float = 1.0
    judge_every: int = 10
    judged: int = 256
    patience: int = 2

    def __post_init__(self) -> None:
        if self.minibatches < 1 or self.schedule.batch_size % self.minibatches:
            raise Misuse(
                f"minibatches={self.minibatches} does not divide batch_size={self.schedule.batch_size}: each "
                "minibatch is to hold as many answers"
            )
        if not 0 < self.max_new < self.max_length or not self.temperature > 0:
            raise Misuse(
                f"max_new={self.max_new}, max_length={self.max_length}, temperature={self.temperature}: an answer has "
                "at least one token, a prompt too, and the temperature is above 0"
            )
        if min(self.passes, self.judge_every, self.judged, self.patience) < 1 or min(self.kl, self.max_kl) < 0:
            raise Misuse("passes, judge_every, judged and patience are at least 1, kl and max_kl at least 0")

    def run(self, job: Job) -> dict[str, Any]:
        return train(job, self)

    def prepare(self, inputs: Inputs, out: Path) -> Preflight:
        """The prompts as tokens of the policy. Each also has to be one that the reward models' templates can write.

        Raises:
            Misuse: a reward model that gives no single score.
        """
        need("transformers")
        tokenizer = with_template(load_tokenizer(inputs.model()))
        judges = [_reads(inputs.model(role), role) for role in ("reward", "gold") if role in inputs]

        def row(one: Mapping[str, Any]) -> Encoded | Fault:
            for reads in (tokenizer, *judges):
                if special := special_in_text(reads, one["prompt"]):
                    return Fault("special-tokens-in-text", special)
            try:
                ids = prompt_ids(tokenizer, one["prompt"])
                for reads in judges:
                    answer_ids(reads, one["prompt"], [{"role": "assistant", "content": ""}])
            except BadTemplate as error:
                return Fault("template-error", str(error))
            if len(ids) + self.max_new > self.max_length:
                return Fault("prompt-too-long", f"{len(ids)} tokens and {self.max_new} of an answer")
            columns = {"prompt_ids": ids, "prompt": [dict(message) for message in one["prompt"]]}
            return Encoded(columns, tokens=len(ids), learned=0)  # what will be answered is not known yet

        report = encode(inputs, COLUMNS, row, question, out, held_out=self.held_out, repair=self.repair)
        tokens = self.schedule.batch_size // self.minibatches * (report.longest + self.max_new)
        memory = estimate(inputs.model(), tokens, trained=2, frozen=1)
        for role in ("reward", "gold"):
            if role in inputs:
                memory["weights"] += 4 * parameters(inputs.model(role))
        return dataclasses.replace(report, steps=self.schedule.steps(report.train), memory=memory)

    def fit(self, bench: Bench) -> Outcome:
        """Learn, look at held-out prompts every few steps, and keep the last policy, or the best if the run stopped."""
        need("accelerate")
        with quiet():
            return self._fit(bench)

    def _fit(self, bench: Bench) -> Outcome:
        from . import formulas as ppo_math
        from . import judge as ppo_judge
        from . import models as ppo_models
        from . import step as ppo_step

        rows, held_out = encoded(bench.rows / TRAIN), encoded(bench.rows / HELD_OUT)
        steps = self.schedule.steps(len(rows))
        models = ppo_models.assembled(
            bench,
            self.schedule.learning_rate,
            self.value_rate,
            self.schedule.weight_decay,
            rows_at_once(self.schedule, self.minibatches, bench.machine),
        )
        trackers = models.accelerator if bench.machine.report else None
        if trackers:
            trackers.init_trackers("gristmill-ppo")
        asked = held_out.select(range(min(self.judged, len(held_out)))).to_list()

        def look(step: int) -> "Look":
            return ppo_judge.look(
                models, asked, step=step, seed=self.seed, max_new=self.max_new, temperature=self.temperature
            )

        checkpoint = bench.checkpoint()
        if checkpoint:
            state = ppo_models.read_checkpoint(models, Path(checkpoint))
            verdict = ppo_judge.Verdict.of(state["verdict"])
            done, coefficient, curves = state["step"], state["coefficient"], state["curves"]
        else:
            first = look(0)
            verdict = ppo_judge.Verdict(patience=self.patience, max_kl=self.max_kl, best=first, looks=[first])
            done, coefficient, curves = 0, self.kl, [{"step": 0.0, **first.curve()}]
            ppo_models.keep_best(models, bench.checkpoints)

        for number in range(done, steps):
            batch = [rows[place] for place in places(self.seed, number, self.schedule.batch_size, len(rows))]
            seen = ppo_step.step(models, batch, self._turn(number, steps, coefficient))
            if self.kl_target:
                coefficient = ppo_math.next_coefficient(coefficient, seen["kl"], self.kl_target, self.kl_gain)
            done = number + 1
            far = bool(self.max_kl) and seen["kl"] > self.max_kl
            looked = far or done == steps or not done % self.judge_every
            if looked:
                now = look(done)
                if verdict.add(now):
                    ppo_models.keep_best(models, bench.checkpoints)
                if far and not verdict.stop:
                    verdict.stop = verdict.too_far(seen["kl"])
                seen |= now.curve()
            if looked or number == 0 or not done % self.schedule.log_steps:
                curves.append({"step": float(done), **seen})
                if trackers:
                    trackers.log(seen, step=done)
            if verdict.stop:
                break
            if self.schedule.save_steps and not done % self.schedule.save_steps:
                state = {"step": done, "coefficient": coefficient, "curves": curves, "verdict": verdict.json()}
                ppo_models.write_checkpoint(models, bench.checkpoints, state)
        if trackers:
            trackers.end_training()
        if not verdict.last_is_kept:
            ppo_models.restore_best(models, bench.checkpoints)
        if models.accelerator.is_main_process:
            save(models.plain, models.tokenizer, bench.model, bench.stamp)
        return outcome(verdict, curves, updates=done * self.passes * self.minibatches)

    def _turn(self, number: int, steps: int, coefficient: float) -> "Turn":
        from .formulas import Clipping
        from .step import Turn

        rate = self.schedule.learning_rate * share_of_rate(self.schedule, number, steps)
        return Turn(
            seed=self.seed,
            number=number,
            coefficient=coefficient,
            rate=rate,
            value_rate=rate * self.value_rate,
            max_new=self.max_new,
            discount=self.discount,
            trace=self.trace,
            minibatches=self.minibatches,
            passes=self.passes,
            missing_end=self.missing_end,
            max_grad_norm=self.schedule.max_grad_norm,
            clipping=Clipping(
                ratio=self.clip,
                value=self.value_clip,
                value_weight=self.value_weight,
                entropy_weight=self.entropy_weight,
                temperature=self.temperature,
            ),
        )


def _reads(folder: Path, role: str) -> Any:
    """The tokenizer of a reward model.

    Raises:
        Misuse: the model there is none: a new head would be put on it, whose scores are noise.
    """
    named = json.loads((folder / "config.json").read_bytes()).get("architectures") or [""]
    if not named[0].endswith("ForSequenceClassification"):
        raise Misuse(
            f"-p {role}=: this is a {named[0] or 'model'} and scores nothing; `gristmill run reward` makes one"
        )
    return with_template(load_tokenizer(folder))
