"""Kahneman-Tversky optimisation: a model learns from answers that were judged one by one, good or bad."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Job, Refused
from train.bench import Bench, curves
from train.chat import with_template
from train.encode import HELD_OUT, TRAIN, encode, encoded
from train.inputs import Inputs
from train.lora import Lora, knows_its_turns, loading, merged, parameters, peft_config
from train.machine import Machine
from train.measure import Floats
from train.memory import estimate
from train.models import load_causal, load_tokenizer, save_trained, trained
from train.outcome import Outcome, Plot
from train.preflight import Preflight
from train.quiet import quiet, unprinted
from train.schedule import Schedule
from train.trainer import train

from .judged import COLUMNS, Judged, Scale, asked, single
from .judged_measures import labels, measures, said, sheet
from .pair_measures import displaced
from .pairs import same_tokenizer

PLOTS = (
    Plot(name="loss", title="Loss", lines=("loss",)),
    Plot(
        name="margin",
        title="Implicit rewards: beta times the log-ratio to the reference",
        lines=("rewards/chosen", "rewards/rejected", "rewards/margins"),
    ),
    Plot(name="kl", title="Estimated KL to the reference, nats per answer", lines=("kl",)),
    Plot(name="likelihood", title="Log-probability of answers, nats", lines=("logps/chosen", "logps/rejected")),
)


@dataclass(frozen=True, kw_only=True)
class KTO:
    """KTO (Ethayarajh et al. 2024, Model Alignment as Prospect Theoretic Optimization, arXiv 2402.01306), by TRL.

    With r = log p(answer) / q(answer), p the policy and q the reference, and z0 the KL between them as mismatched
    answers estimate it, a good answer costs w (1 - sigma(beta (r - z0))) and a bad one w (1 - sigma(beta (z0 - r)))
    (Eq. 7). `apo_zero_unpaired` is the same with z0 = 0 (D'Oosterlinck et al. 2024, arXiv 2408.06266).

    z0 is estimated among the answers that a device holds at once, so micro_batch changes the result; it is at least 2.
    The order of the rows is drawn once and is the same in every epoch.

    Attributes:
        desirable_weight, undesirable_weight: w of good and of bad answers; 0 sets them by how many there are, the rarer
            kind heavier, so that both have the same sum (Eq. 8 wants a ratio of sums of 1 to 4/3).
        scale, good, bad: how ratings become good and bad; see `judged.Scale`.
        max_length: of a prompt and its answer together, in tokens; see `pairs`.
        lora: adapters to learn in place of all weights; the reference is the model with them switched off.
        held_out, repair, must_improve: as of every trainer.
    """

    revision: ClassVar[int] = 1
    stage: ClassVar[str] = "kto"
    eats: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "data": ("preferences", "conversations"),
        "judgements": ("judgements",),
        "model": ("model",),
        "reference": ("model",),
        "held_out": ("preferences", "conversations"),
        "against": ("preferences", "rankings", "prompts", "conversations", "verifiable", "teacher"),
    }

    roles: tuple[str, ...] = ()
    schedule: Schedule = field(default_factory=Schedule)
    seed: int = 0
    held_out: float = 0.05
    repair: bool = False
    must_improve: bool = True
    max_length: int = 512
    loss: Literal["kto", "apo_zero_unpaired"] = "kto"
    beta: float = 0.1
    desirable_weight: float = 0.0
    undesirable_weight: float = 0.0
    scale: str = ""
    good: float = 4.0
    bad: float = 2.0
    lora: Lora = field(default_factory=Lora)

    def __post_init__(self) -> None:
        if not self.beta > 0 or self.desirable_weight < 0 or self.undesirable_weight < 0:
            raise ValueError("beta is above 0, weights are at least 0")
        if self.lora.dropout:
            raise ValueError("dropout does nothing here: TRL turns it off, so that policy and reference are comparable")
        if not self.good > self.bad:
            raise ValueError(f"good={self.good} is not above bad={self.bad}")

    def run(self, job: Job) -> dict[str, Any]:
        return train(job, self)

    def prepare(self, inputs: Inputs, out: Path) -> Preflight:
        """Raises:
        Misuse: the reference has another tokenizer than the model, or a device is to hold one row only.
        Refused: no answer is good, or none is bad.
        """
        tokenizer = load_tokenizer(inputs.model())
        known = len(tokenizer)
        with_template(tokenizer)
        knows_its_turns(self.lora, tokenizer, known)
        same_tokenizer(tokenizer, inputs)
        machine = next((one for one in inputs.tools if isinstance(one, Machine)), None)
        rows = self._rows(machine) if machine else self.schedule.batch_size
        report = encode(
            Judged.of(inputs, Scale(name=self.scale, good=self.good, bad=self.bad)),
            COLUMNS,
            lambda row: single(tokenizer, row, self.max_length),
            asked,
            out,
            held_out=self.held_out,
            repair=self.repair,
        )
        if report.train:
            weights(labels(out / TRAIN), 0, 0)
        memory = estimate(
            inputs.model(),
            rows * report.longest,
            machine=machine,
            frozen=int("reference" in inputs or not self.lora.rank),
            learned=parameters(self.lora, inputs.model()),
        )
        return replace(report, steps=self.schedule.steps(report.train), memory=memory)

    def _rows(self, machine: Machine) -> int:
        micro, _ = machine.micro(self.schedule)
        if micro < 2 and self.loss == "kto":
            raise Misuse(
                "KTO compares a row with others that the device holds at once: --machine micro_batch=2 or more"
            )
        return micro

    def fit(self, bench: Bench) -> Outcome:
        with quiet():
            return self._fit(bench)

    def _fit(self, bench: Bench) -> Outcome:
        tokenizer = load_tokenizer(bench.inputs.model())
        policy = self._loaded("model", tokenizer, bench, **loading(self.lora, bench.machine))
        reference = self._loaded("reference", tokenizer, bench) if "reference" in bench.inputs else None
        before = said(policy, bench.rows / HELD_OUT)
        against = before if reference is None else said(reference, bench.rows / HELD_OUT)
        trainer = self.loop(policy, reference, tokenizer, bench)
        trainer.train(resume_from_checkpoint=bench.checkpoint())
        model = merged(trained(trainer), lambda: self._loaded("model", tokenizer, bench))
        model = save_trained(trainer, model, tokenizer, bench.model, bench.stamp)
        after, good = said(model, bench.rows / HELD_OUT), labels(bench.rows / HELD_OUT)
        found = measures(before, after, against, good, self.beta, self.loss == "kto")
        return Outcome(
            measures=found,
            curves=curves(trainer.state.log_history),
            plots=PLOTS,
            sheets=(sheet(before, after, against, good),),
            facts={"weights": {"good": trainer.desirable_weight, "bad": trainer.undesirable_weight}},
            notes=displaced(found[2], "A higher desirable_weight or beta, or fewer steps") if len(found) > 2 else (),
        )

    def _loaded(self, role: str, tokenizer: Any, bench: Bench, **options: Any) -> Any:
        from transformers import set_seed

        model = load_causal(bench.inputs.model(role), bench.machine, **options)
        set_seed(self.seed)  # embeddings of tokens that our chat template adds begin at random
        with_template(tokenizer, model)
        return model

    def loop(self, policy: Any, reference: Any | None, tokenizer: Any, bench: Bench) -> Any:
        """TRL's trainer, ready to train; without a `reference`, that is the policy as it is now.

        With adapters that is the model without them, else a copy.
        """
        from trl.trainer.kto_config import KTOConfig

        from .kto_loop import SingleCollator, SingleTrainer

        self._rows(bench.machine)
        rows = encoded(bench.rows / TRAIN)
        good, bad = weights(np.array(rows["label"], dtype=np.float64), self.desirable_weight, self.undesirable_weight)
        args = KTOConfig(
            **bench.arguments(self.schedule, self.seed),
            loss_type=self.loss,
            beta=self.beta,
            desirable_weight=good,
            undesirable_weight=bad,
            max_length=None,  # prepare cut what was too long
            train_sampling_strategy="sequential",  # TRL insists; the rows are shuffled below
            remove_unused_columns=False,
        )
        if reference is None and not self.lora.rank:
            reference = copy.deepcopy(policy)
        trainer = SingleTrainer(
            model=policy,
            ref_model=reference,
            args=args,
            data_collator=SingleCollator(
                pad_token_id=tokenizer.pad_token_id, max_length=self.max_length, mismatched=self.loss == "kto"
            ),
            train_dataset=rows.remove_columns(["id"]).shuffle(seed=self.seed),
            processing_class=tokenizer,
            peft_config=peft_config(self.lora),
        )
        return unprinted(trainer)


def weights(good: Floats, desirable: float, undesirable: float) -> tuple[float, float]:
    """The weights of good and bad answers, of which `good` (n,) is 1 and 0; what is given as 0 is set by counts.

    Raises:
        Refused: all answers are of one kind.
    """
    many = float(good.sum())
    others = len(good) - many
    if not many or not others:
        raise Refused(
            f"kto was not begun: all {len(good):,} answers are {'good' if many else 'bad'}, and it learns from the "
            "difference; give rows of both kinds, or other limits for ratings (good, bad)"
        )
    if desirable and undesirable:
        return desirable, undesirable
    if desirable:
        return desirable, desirable * many / others
    if undesirable:
        return undesirable * others / many, undesirable
    return max(others / many, 1.0), max(many / others, 1.0)
