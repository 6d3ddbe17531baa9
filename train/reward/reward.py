"""Reward model: one number for an answer to a question, higher where people prefer it, learned from pairs and ranks."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from dataset_cards.versions.job import Job
from train.bench import Bench, curves
from train.chat import question, with_template
from train.encode import HELD_OUT, TRAIN, encode, encoded
from train.inputs import Inputs
from train.machine import Machine
from train.memory import estimate
from train.models import load_scorer, load_tokenizer, save_trained, trained
from train.outcome import Outcome, Plot
from train.preflight import Preflight
from train.quiet import quiet, unprinted
from train.schedule import Schedule
from train.trainer import train

from .blind import Floats
from .pairs import COLUMNS, PairInputs, encoded_pair, pairs_at
from .report import report
from .scorer import score

WINDOW = 4096  # pairs in memory when they are measured
PLOTS = (
    Plot(name="loss", title="Loss", lines=("loss",)),
    Plot(name="accuracy", title="Share of pairs whose chosen answer has the higher reward", lines=("accuracy",)),
    Plot(name="margins", title="Reward of the chosen answer less that of the rejected one", lines=("margin",)),
    Plot(name="rewards", title="Rewards", lines=("min_reward", "mean_reward", "max_reward")),
)


@dataclass(frozen=True, kw_only=True)
class Reward:
    """Bradley-Terry reward model (Bradley and Terry 1952; Ouyang et al. 2022, Training language models to follow
    instructions with human feedback, arXiv 2203.02155, Eq. 1), by TRL's RewardTrainer.

    With r the score at the last token of question and answer, the loss of a pair is

        -log sigmoid(r(chosen) - r(rejected) - m) + center * (r(chosen) + r(rejected))^2

    where m is 0, or `margin_scale` times the row's margin (Touvron et al. 2023, Llama 2, arXiv 2307.09288, Eq. 2);
    the second term is of Eisenstein et al. 2023, Helping or Herding?, arXiv 2312.09244, Eq. 2. Every pair counts the
    same: TRL has no weights by pair, so a ranking is given weight by how many pairs it may have.

    Attributes:
        margins: `loss` puts margins into the loss; `ignore` learns only which answer is better. A row's margin is what
            made it: the lead in votes from 0 to 1, or in a ranking the ranks between both. No margin counts as 0.
        margin_scale: a margin of 1 asks for this lead in log-odds. Llama 2 took 3 at most.
        center: pulls rewards towards 0, which a difference alone never does; 0.01 where others will add rewards up.
        pairs_per_ranking: pairs made of one ranking at most, taken by a hash; 0 for all. K answers make K(K-1)/2.
        max_length: of a prompt and one answer together, in tokens; `scorer.reading` says what is cut.
        held_out, repair, must_improve: as of every trainer. Pair accuracy has to become better than that of the model
            that went in, whose head is random if it is a language model.
    """

    revision: ClassVar[int] = 1
    stage: ClassVar[str] = "reward"
    eats: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "data": ("preferences", "rankings"),
        "model": ("model",),
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
    margins: Literal["ignore", "loss"] = "ignore"
    margin_scale: float = 1.0
    center: float = 0.0
    pairs_per_ranking: int = 6

    def __post_init__(self) -> None:
        if self.max_length < 16 or self.pairs_per_ranking < 0:
            raise ValueError(
                f"max_length={self.max_length}, pairs_per_ranking={self.pairs_per_ranking}: at least 16, and 0"
            )
        if not self.margin_scale > 0 or self.center < 0:
            raise ValueError(f"margin_scale={self.margin_scale}, center={self.center}: above 0, and at least 0")
        if self.margins == "ignore" and self.margin_scale != 1.0:
            raise ValueError(f"margin_scale={self.margin_scale} does nothing without margins=loss")

    def run(self, job: Job) -> dict[str, Any]:
        return train(job, self)

    def prepare(self, inputs: Inputs, out: Path) -> Preflight:
        """See `reward_pairs.encoded_pair` for what is wrong with a row. `learned` are the tokens of the answers."""
        tokenizer = with_template(load_tokenizer(inputs.model()))
        found = encode(
            PairInputs.of(inputs, self.pairs_per_ranking),
            COLUMNS,
            lambda row: encoded_pair(tokenizer, row, self.max_length, self.margin_scale),
            question,
            out,
            held_out=self.held_out,
            repair=self.repair,
        )
        machine = next((one for one in inputs.tools if isinstance(one, Machine)), None)
        pairs = machine.micro(self.schedule)[0] if machine else self.schedule.batch_size
        longest = min(found.longest, 2 * self.max_length)  # of a pair: both texts
        memory = {**estimate(inputs.model(), pairs * longest, machine=machine), "logits": 0}  # it has no vocabulary
        return replace(found, steps=self.schedule.steps(found.train), memory=memory)

    def fit(self, bench: Bench) -> Outcome:
        with quiet():
            return self._fit(bench)

    def _fit(self, bench: Bench) -> Outcome:
        from transformers import set_seed

        set_seed(self.seed)  # of a new head, and of tokens that our chat template adds
        tokenizer = load_tokenizer(bench.inputs.model())
        model = load_scorer(bench.inputs.model(), bench.machine)
        with_template(tokenizer, model)
        before = rewards(model, bench.rows / HELD_OUT)
        trainer = self.loop(model, tokenizer, bench)
        trainer.train(resume_from_checkpoint=bench.checkpoint())
        model = save_trained(trainer, trained(trainer), tokenizer, bench.model, bench.stamp)
        chosen, rejected = rewards(model, bench.rows / HELD_OUT)
        held, learned = pairs_at(bench.rows / HELD_OUT), pairs_at(bench.rows / TRAIN)
        found = report(chosen, rejected, before[0] - before[1], held, learned)
        return Outcome(
            measures=found.measures,
            curves=curves(trainer.state.log_history),
            plots=PLOTS,
            sheets=found.sheets,
            facts=found.facts,
            notes=found.notes,
        )

    def loop(self, model: Any, tokenizer: Any, bench: Bench) -> Any:
        """TRL's trainer, ready to train."""
        from trl.trainer.reward_config import RewardConfig
        from trl.trainer.reward_trainer import RewardTrainer

        args = RewardConfig(
            **bench.arguments(self.schedule, self.seed),
            max_length=None,  # prepare cut what was too long; TRL would leave such pairs out in silence
            center_rewards_coefficient=self.center or None,
        )
        columns = ["chosen_ids", "rejected_ids", *(["margin"] if self.margins == "loss" else [])]
        trainer = RewardTrainer(
            model=model,
            args=args,
            train_dataset=encoded(bench.rows / TRAIN).select_columns(columns),
            processing_class=tokenizer,
        )
        return unprinted(trainer)


def rewards(model: Any, path: Path) -> tuple[Floats, Floats]:
    """The rewards (n,) of the chosen answers of encoded pairs, and those of the rejected ones."""
    rows, found = encoded(path), []
    for start in range(0, len(rows), WINDOW):
        pairs = rows[start : start + WINDOW]
        found.append(np.stack([score(model, pairs["chosen_ids"]), score(model, pairs["rejected_ids"])]))
    chosen, rejected = np.concatenate(found, axis=1)
    return chosen, rejected
