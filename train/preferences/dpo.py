"""Direct preference optimisation: a model learns which of two answers is better, without a reward model between."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from dataset_cards.versions.job import Job
from train.bench import Bench, curves
from train.chat import question, with_template
from train.encode import HELD_OUT, TRAIN, Encoded, Fault, Row, encode, encoded
from train.inputs import Inputs
from train.lora import Lora, knows_its_turns, loading, merged, peft_config
from train.machine import Machine
from train.memory import estimate
from train.models import load_causal, load_tokenizer, save_trained, trained
from train.outcome import Outcome, Plot
from train.preflight import Preflight
from train.quiet import quiet, unprinted
from train.schedule import Schedule
from train.trainer import train

from .pair_measures import displaced, facts, measures, said, sheets
from .pairs import COLUMNS, Paired, pair, same_tokenizer

Loss = Literal[
    "sigmoid",
    "sigmoid_norm",
    "hinge",
    "ipo",
    "robust",
    "exo_pair",
    "nca_pair",
    "bco_pair",
    "sppo_hard",
    "aot",
    "aot_unpaired",
    "apo_zero",
    "apo_down",
    "discopop",
]
SMOOTHED = ("robust", "exo_pair", "aot", "aot_unpaired")  # losses that label_smoothing changes
PLOTS = (
    Plot(name="loss", title="Loss", lines=("loss",)),
    Plot(
        name="margin",
        title="Implicit rewards: beta times the log-ratio to the reference",
        lines=("rewards/chosen", "rewards/rejected", "rewards/margins"),
    ),
    Plot(
        name="accuracy",
        title="Share of pairs whose chosen answer has the higher implicit reward",
        lines=("rewards/accuracies",),
    ),
    Plot(name="likelihood", title="Log-probability of answers, nats", lines=("logps/chosen", "logps/rejected")),
)


@dataclass(frozen=True, kw_only=True)
class DPO:
    """Direct Preference Optimization (Rafailov et al. 2023, arXiv 2305.18290, Eq. 7), by TRL's DPOTrainer.

    With m = log p(chosen) / q(chosen) - log p(rejected) / q(rejected), p the policy and q the reference, `sigmoid` is
    -log sigma(beta m). The other losses:

    * `sigmoid_norm`: `sigmoid` with log-ratios per token;
    * `hinge`: max(0, 1 - beta m) (Zhao et al. 2023, SLiC-HF, arXiv 2305.10425);
    * `ipo`: (m - 1 / (2 beta))^2, log-ratios per token (Azar et al. 2023, A General Theoretical Paradigm to Understand
      Learning from Human Preferences, arXiv 2310.12036, Eq. 17);
    * `robust`: unbiased where `label_smoothing` of the pairs are the wrong way round (Chowdhury et al. 2024, Provably
      Robust DPO, arXiv 2403.00409);
    * `exo_pair` (Ji et al. 2024, Towards Efficient Exact Optimization, arXiv 2402.00856, Eq. 16);
    * `nca_pair` (Chen et al. 2024, Noise Contrastive Alignment, arXiv 2402.05369);
    * `bco_pair` (Jung et al. 2024, Binary Classifier Optimization, arXiv 2404.04656);
    * `sppo_hard` (Wu et al. 2024, Self-Play Preference Optimization, arXiv 2405.00675, Eq. 4.7);
    * `aot`, `aot_unpaired` (Melnyk et al. 2024, Alignment via Optimal Transport, arXiv 2406.05882): they sort the pairs
      that a device holds at once, so micro_batch changes them;
    * `apo_zero`, `apo_down` (D'Oosterlinck et al. 2024, Anchored Preference Optimization, arXiv 2408.06266, Eq. 7, 8);
    * `discopop` (Lu et al. 2024, Discovering Preference Optimization Algorithms, arXiv 2406.08414, Eq. 5).

    Attributes:
        beta: how much staying near the reference counts.
        label_smoothing: the share of pairs that may be the wrong way round; for `robust`, `exo_pair`, `aot*` alone.
        sft_weight: adds so much of the mean negative log-probability of a chosen token, which keeps chosen answers
            likely (Pang et al. 2024, Iterative Reasoning Preference Optimization, arXiv 2404.19733, Eq. 1).
        precompute_reference: ask the reference once, before training, and hold one model less in memory.
        lora: adapters to learn in place of all weights; the reference is the model with them switched off.
        pairs_per_ranking: pairs made of one ranking at most.
        max_length: of a prompt and one answer together, in tokens; see `pairs`.
        held_out, repair, must_improve: as of every trainer.
    """

    revision: ClassVar[int] = 1
    stage: ClassVar[str] = "dpo"
    eats: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "data": ("preferences", "rankings"),
        "model": ("model",),
        "reference": ("model",),
        "held_out": ("preferences", "rankings"),
        "against": ("preferences", "rankings", "prompts", "conversations", "verifiable", "teacher"),
    }

    roles: tuple[str, ...] = ()
    schedule: Schedule = field(default_factory=Schedule)
    seed: int = 0
    held_out: float = 0.05
    repair: bool = False
    must_improve: bool = True
    max_length: int = 512
    loss: Loss = "sigmoid"
    beta: float = 0.1
    label_smoothing: float = 0.0
    sft_weight: float = 0.0
    precompute_reference: bool = False
    pairs_per_ranking: int = 6
    lora: Lora = field(default_factory=Lora)

    def __post_init__(self) -> None:
        if not self.beta > 0 or self.sft_weight < 0 or self.pairs_per_ranking < 1:
            raise ValueError("beta is above 0, sft_weight at least 0, pairs_per_ranking at least 1")
        if self.label_smoothing and self.loss not in SMOOTHED:
            raise ValueError(f"label_smoothing does nothing with loss={self.loss}; it is for {', '.join(SMOOTHED)}")
        if not 0 <= self.label_smoothing < 0.5:
            raise ValueError(f"label_smoothing={self.label_smoothing}: from 0 to below 0.5")
        if self.lora.dropout:
            raise ValueError("dropout does nothing here: TRL turns it off, so that policy and reference are comparable")
        if self.loss == "exo_pair" and not self.label_smoothing:
            raise ValueError("loss=exo_pair needs label_smoothing above 0; its authors take 0.001")

    def run(self, job: Job) -> dict[str, Any]:
        return train(job, self)

    def prepare(self, inputs: Inputs, out: Path) -> Preflight:
        """Raises:
        Misuse: the reference has another tokenizer than the model.
        """
        tokenizer = load_tokenizer(inputs.model())
        known = len(tokenizer)
        with_template(tokenizer)
        knows_its_turns(self.lora, tokenizer, known)
        same_tokenizer(tokenizer, inputs)
        longest = 0

        def row(one: Row) -> Encoded | Fault:
            nonlocal longest
            found = pair(tokenizer, one, self.max_length)
            if isinstance(found, Encoded):
                asked, said = len(found.columns["prompt_ids"]), found.columns
                longest = max(longest, asked + max(len(said["chosen_ids"]), len(said["rejected_ids"])))
            return found

        report = encode(
            Paired.of(inputs, self.pairs_per_ranking),
            COLUMNS,
            row,
            question,
            out,
            held_out=self.held_out,
            repair=self.repair,
        )
        machine = next((one for one in inputs.tools if isinstance(one, Machine)), None)
        rows = machine.micro(self.schedule)[0] if machine else self.schedule.batch_size
        memory = estimate(
            inputs.model(), 2 * rows * longest, machine=machine, frozen=int(not self.precompute_reference)
        )
        return replace(report, steps=self.schedule.steps(report.train), memory=memory)

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
        del reference  # with precompute_reference, nobody holds it any longer
        trainer.train(resume_from_checkpoint=bench.checkpoint())
        model = merged(trained(trainer), lambda: self._loaded("model", tokenizer, bench))
        model = save_trained(trainer, model, tokenizer, bench.model, bench.stamp)
        after = said(model, bench.rows / HELD_OUT)
        found = measures(before, after, against)
        return Outcome(
            measures=found,
            curves=curves(trainer.state.log_history),
            plots=PLOTS,
            sheets=sheets(before, after, against),
            facts=facts(after, against, self.beta),
            notes=displaced(found[2], "sft_weight, a higher beta or fewer steps"),
        )

    def _loaded(self, role: str, tokenizer: Any, bench: Bench, **options: Any) -> Any:
        from transformers import set_seed

        model = load_causal(bench.inputs.model(role), bench.machine, **options)
        set_seed(self.seed)  # embeddings of tokens that our chat template adds begin at random
        with_template(tokenizer, model)
        return model

    def loop(self, policy: Any, reference: Any | None, tokenizer: Any, bench: Bench) -> Any:
        """TRL's trainer, ready to train; without a `reference`, that is the policy as it is now.

        With adapters that is the model without them; else a copy, unless it is asked beforehand.
        """
        from trl.trainer.dpo_config import DPOConfig

        from .dpo_loop import PairCollator, PairTrainer

        losses: list[str] = [self.loss, "sft"] if self.sft_weight else [self.loss]
        args = DPOConfig(
            **bench.arguments(self.schedule, self.seed),
            loss_type=losses,
            loss_weights=[1.0, self.sft_weight][: len(losses)],
            beta=self.beta,
            label_smoothing=self.label_smoothing,
            max_length=None,  # prepare cut what was too long
            precompute_ref_log_probs=self.precompute_reference,
            remove_unused_columns=False,
        )
        if reference is None and not self.precompute_reference and not self.lora.rank:
            reference = copy.deepcopy(policy)
        trainer = PairTrainer(
            model=policy,
            ref_model=reference,
            args=args,
            data_collator=PairCollator(pad_token_id=tokenizer.pad_token_id),
            train_dataset=encoded(bench.rows / TRAIN).remove_columns(["id"]),
            processing_class=tokenizer,
            peft_config=peft_config(self.lora),
        )
        if self.precompute_reference:
            trainer.ref_model = None  # it has said what it had to say
            trainer.accelerator.free_memory()  # where it is known too; nothing else is prepared yet
        return unprinted(trainer)
