"""Distillation: a smaller student learns from a teacher's text, its stored distributions, or the teacher itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Job
from train.bench import Bench, curves
from train.chat import question, with_template
from train.encode import HELD_OUT, TRAIN, encode, encoded, encoded_rows
from train.inputs import Inputs
from train.machine import Machine
from train.memory import estimate
from train.memory import parameters as size
from train.models import load_causal, load_tokenizer, save_trained, trained
from train.outcome import Outcome, Plot
from train.preflight import Preflight
from train.quiet import quiet, unprinted
from train.schedule import Schedule
from train.trainer import need, train

from . import lost
from .measure import answers_of, distance, measures
from .roles import Method, apart, check_inputs, outputs, same_outputs, teacher_of
from .rows import COLUMNS, Reader, fingerprints


@dataclass(frozen=True, kw_only=True)
class Distill:
    """A student learns to say what its teacher would.

    * `text`: the negative log-likelihood of the teacher's answers (Kim and Rush 2016, Sequence-Level Knowledge
      Distillation, arXiv 1606.07947). Of a conversation, its last answer. Any tokenizer.
    * `topk`: forward KL from the teacher's stored top-k log-probabilities and the rest of its mass, and of words drawn
      from the rest their likelihood in it; the formula stands in distill_loss.py
      (Hinton et al. 2015, Distilling the Knowledge in a Neural Network, arXiv 1503.02531).
    * `on-policy`: the student answers and the role `teacher` says what it would have said at each place (Agarwal et al.
      2023, On-Policy Distillation of Language Models, arXiv 2306.13649, equation 1), by trl.DistillationTrainer.

    Roles: `model` is the student; `teacher` a model, needed for `on-policy` and for the gate; `harmful` and `harmless`
    are prompts that both answer after training, see lost.py.

    Attributes:
        temperature: of both distributions in the loss; `on-policy` also draws the student's answers with it.
        beta: of `on-policy`; 0 is the forward KL, 1 the reverse, between them Jensen-Shannon's, generalised.
        max_length: of prompt and answer together, in tokens.
        answer_tokens: longest answer that is drawn, in training and for the gate.
        asked: prompts of `harmful` and of `harmless` that are asked at most.
        max_lost: the gate: the run is refused where the student refuses fewer harmful or more harmless prompts than its
            teacher by more than this share of the prompts, and the 95 % interval of that difference is above 0.
        held_out, repair, must_improve: as of every trainer.
    """

    revision: ClassVar[int] = 1
    stage: ClassVar[str] = "distill"
    eats: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "data": ("teacher", "conversations", "prompts", "verifiable"),
        "model": ("model",),
        "teacher": ("model",),
        "held_out": ("teacher", "conversations", "prompts", "verifiable"),
        "against": ("preferences", "rankings", "prompts", "conversations", "verifiable", "teacher"),
        "harmful": ("prompts",),
        "harmless": ("prompts",),
    }

    roles: tuple[str, ...] = ()
    schedule: Schedule = field(default_factory=Schedule)
    seed: int = 0
    held_out: float = 0.05
    repair: bool = False
    must_improve: bool = True
    method: Method = "topk"
    temperature: float = 1.0
    beta: float = 0.5
    max_length: int = 1024
    answer_tokens: int = 128
    asked: int = 200
    max_lost: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.temperature <= 100 or not 0 <= self.beta <= 1:
            raise ValueError(f"temperature={self.temperature}, beta={self.beta}: above 0 up to 100, and from 0 to 1")
        if self.asked < 1 or not 0 < self.answer_tokens < self.max_length or not 0 <= self.max_lost <= 1:
            raise ValueError("asked is at least 1, answer_tokens below max_length, max_lost from 0 to 1")

    def run(self, job: Job) -> dict[str, Any]:
        return train(job, self)

    def prepare(self, inputs: Inputs, out: Path) -> Preflight:
        """Raises:
        Misuse: the rows are none that the method takes, a teacher is missing, or says other tokens than the student.
        """
        tokenizer = load_tokenizer(inputs.model())
        known = fingerprints(tokenizer)
        check_inputs(self.method, inputs, known)
        reader = Reader(
            tokenizer=tokenizer,
            known_as=known,
            outputs=outputs(inputs.model(), tokenizer),
            max_length=self.max_length,
            answer_tokens=self.answer_tokens,
        )
        reading = {"text": reader.text, "topk": reader.topk, "on-policy": reader.prompt}[self.method]
        report = encode(
            inputs,
            COLUMNS[self.method],
            apart(reading, inputs),
            question,
            out,
            held_out=self.held_out,
            repair=self.repair,
        )
        return replace(report, steps=self._steps(report.train), memory=self._memory(inputs, report.longest))

    def fit(self, bench: Bench) -> Outcome:
        with quiet():
            return self._fit(bench)

    def _fit(self, bench: Bench) -> Outcome:
        from transformers import set_seed

        need("trl")
        set_seed(self.seed)  # embeddings of tokens that our chat template adds begin at random
        tokenizer = load_tokenizer(bench.inputs.model())
        student = load_causal(bench.inputs.model(), bench.machine)
        with_template(tokenizer, student)
        teacher = teacher_of(bench)
        whole = teacher[0] if teacher is not None and same_outputs((student, tokenizer), teacher) else None
        if self.method == "on-policy":
            rows = answers_of(whole, tokenizer, bench.rows / HELD_OUT, self.answer_tokens, self.seed)
        else:
            rows = list(encoded_rows(bench.rows / HELD_OUT))
        before = distance(student, rows, tokenizer.pad_token_id, whole)
        trainer = self._loop(student, tokenizer, whole, bench)
        trainer.train(resume_from_checkpoint=bench.checkpoint())
        student = save_trained(trainer, trained(trainer), tokenizer, bench.model, bench.stamp)
        after = distance(student, rows, tokenizer.pad_token_id, whole)
        found = Outcome(
            measures=measures(before, after, self.method),
            curves=curves(trainer.state.log_history),
            plots=(Plot(name="loss", title="Distillation loss over the steps", lines=("loss",)),),
            facts={"method": self.method},
        )
        if teacher is None:
            return found
        return self._compared(found, bench, (student, tokenizer), teacher)

    def _compared(self, outcome: Outcome, bench: Bench, student: tuple[Any, Any], teacher: tuple[Any, Any]) -> Outcome:
        """With what the student is beside its teacher: its size, its speed, and what it lost.

        Raises:
            Refused: it lost more than the gate lets through.
        """
        sizes = size(bench.inputs.model()), size(bench.inputs.model("teacher"))
        notes = [f"The student has {sizes[0]:,} parameters, {sizes[0] / sizes[1]:.2f} of its teacher's {sizes[1]:,}."]
        facts: dict[str, Any] = {**outcome.facts, "parameters": {"student": sizes[0], "teacher": sizes[1]}}
        results, rates = [], []
        for role in (one for one in lost.GATES if one in bench.inputs):
            every = lost.asked(bench.inputs, role, self.asked)
            room = self.max_length - self.answer_tokens
            prompts = [one for one in every if all(lost.fits(who[1], one, room) for who in (teacher, student))]
            lost.check_asked(self.stage, role, len(prompts))
            said = [lost.answers(*who, prompts, self.answer_tokens) for who in (teacher, student)]
            tool = bench.tool(lost.Refusals)
            results.append(lost.Lost.of(role, *(tool.refused(texts) for texts, _ in said)))
            rates.append([rate for _, rate in said])
            if left := len(every) - len(prompts):
                notes.append(f"{left:,} {role} prompts were not asked: too long, or no template writes them.")
        if not results:
            return replace(outcome, facts=facts, notes=tuple(notes))
        rate = [sum(pair[who] for pair in rates) / len(rates) for who in (0, 1)]
        notes.append(f"It answers at {rate[1]:,.0f} tokens a second, {rate[1] / rate[0]:.2f} times its teacher's rate.")
        facts |= {
            "lost": [one.json() for one in results],
            "tokens_per_second": {"teacher": rate[0], "student": rate[1]},
        }
        lost.check(self.stage, results, self.max_lost)
        return replace(outcome, facts=facts, notes=tuple(notes), sheets=(lost.sheet(results, self.max_lost),))

    def _loop(self, student: Any, tokenizer: Any, teacher: Any, bench: Bench) -> Any:
        """The loop, ready to learn."""
        from transformers import Trainer, TrainingArguments
        from trl.trainer.distillation_config import DistillationConfig

        from .loop import Collator, OnPolicyTrainer, StoredTrainer

        shared = bench.arguments(self.schedule, self.seed)
        rows = encoded(bench.rows / TRAIN).remove_columns(["id"])
        if self.method == "on-policy":
            args = DistillationConfig(
                **shared,
                beta=self.beta,
                temperature=self.temperature,
                max_completion_length=self.answer_tokens,
            )
            return unprinted(
                OnPolicyTrainer(
                    model=student,
                    teacher_model=teacher,
                    args=args,
                    train_dataset=rows.rename_column("input_ids", "prompt"),
                    processing_class=tokenizer,
                )
            )
        given = {
            "model": student,
            "args": TrainingArguments(**shared, remove_unused_columns=False),
            "data_collator": Collator(tokenizer.pad_token_id),
            "train_dataset": rows,
            "processing_class": tokenizer,
        }
        return unprinted(
            Trainer(**given) if self.method == "text" else StoredTrainer(temperature=self.temperature, **given)
        )

    def _steps(self, rows: int) -> int:
        """As the schedule has it; TRL draws answers for whole batches only.

        Raises:
            Misuse: there is not one whole batch of prompts.
        """
        if self.method != "on-policy" or not rows:
            return self.schedule.steps(rows)
        whole = rows - rows % self.schedule.batch_size
        if not whole:
            raise Misuse(
                f"batch_size={self.schedule.batch_size} with {rows:,} prompts to learn from: give a smaller one"
            )
        return self.schedule.steps(whole)

    def _memory(self, inputs: Inputs, longest: int) -> dict[str, int]:
        machine = next((one for one in inputs.tools if isinstance(one, Machine)), None)
        rows = machine.micro(self.schedule)[0] if machine else self.schedule.batch_size
        answer = self.answer_tokens if self.method == "on-policy" else 0
        found = estimate(inputs.model(), rows * (longest + answer), machine=machine)
        if "teacher" in inputs:
            found["teacher"] = 4 * size(inputs.model("teacher"))
        return found
