"""Answers to held-out prompts, looked at again and again on the same luck; and when that says to stop.

A reward model is a stand-in for what people want. Pushed far enough, a policy finds what it gets wrong: its reward goes
on rising while what it stood for falls (Gao, Schulman and Hilton 2022, Scaling Laws for Reward Model Overoptimization,
arXiv 2210.10760). A second, `gold` reward that nothing learns from shows that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from accelerate.utils import gather_object

from train.measure import interval

from .formulas import exact_kl
from .models import Models, scores
from .rollout import answer_logits, left_padded, noise, sample

LOOKS = 2  # what these random numbers are for; see ppo_step


@dataclass(frozen=True, kw_only=True)
class Look:
    """One answer to each held-out prompt, by the policy as it was after `step` steps; one number for each prompt.

    Attributes:
        reward: what the reward model gives.
        gold: what the gold model gives; empty without one.
        kl: nats by which the policy is away from the reference, summed over the answer.
        length: tokens, the end among them.
        ended: 1 where the answer ended, else 0.
    """

    step: int
    reward: tuple[float, ...]
    gold: tuple[float, ...]
    kl: tuple[float, ...]
    length: tuple[float, ...]
    ended: tuple[float, ...]

    @property
    def worth(self) -> float:
        """What says which of two looks is better: gold where there is some, else the reward."""
        return float(np.mean(self.gold or self.reward))

    @property
    def mean_kl(self) -> float:
        return float(np.mean(self.kl))

    def curve(self) -> dict[str, float]:
        """This look as values of the curves."""
        gold = {"held_out_gold": float(np.mean(self.gold))} if self.gold else {}
        return {
            "held_out_reward": float(np.mean(self.reward)),
            **gold,
            "held_out_kl": self.mean_kl,
            "held_out_kl_root": max(self.mean_kl, 0.0) ** 0.5,
            "held_out_length": float(np.mean(self.length)),
            "held_out_ended": float(np.mean(self.ended)),
        }


@torch.no_grad()
def look(
    models: Models, rows: Sequence[Mapping[str, Any]], *, step: int, seed: int, max_new: int, temperature: float
) -> Look:
    """Let the policy answer `rows`, each with its own luck, which is the same at every look.

    Args:
        rows: with `prompt_ids` and `prompt`.
    """
    models.learning(False)
    accelerator, device = models.accelerator, models.device
    parts = torch.split(torch.arange(len(rows)), models.rows)
    found: list[tuple[int, tuple[float, ...]]] = []
    for part in parts[accelerator.process_index :: accelerator.num_processes]:
        some = [rows[row] for row in part.tolist()]
        luck = torch.cat([noise((seed, LOOKS, row), 1, max_new) for row in part.tolist()])
        ids, mask = left_padded([row["prompt_ids"] for row in some], models.tokenizer.pad_token_id)
        with models.cast():
            rollout = sample(
                models.plain,
                (ids.to(device), mask.to(device)),
                luck.to(device),
                end=models.tokenizer.eos_token_id,
                pad=models.tokenizer.pad_token_id,
                temperature=temperature,
            ).trimmed()
            now, before = (answer_logits(model, rollout) for model in (models.plain, models.reference))
        away = (exact_kl(now, before, temperature) * rollout.answered).sum(1)
        texts, prompts = models.texts(rollout.answers()), [row["prompt"] for row in some]
        columns = [
            scores(models.reward, prompts, texts),
            scores(models.gold, prompts, texts) if models.gold else np.full(len(some), np.nan),
            away.double().cpu().numpy(),
            rollout.answered.sum(1).cpu().numpy(),
            rollout.ended.cpu().numpy(),
        ]
        found += zip(part.tolist(), [tuple(map(float, row)) for row in zip(*columns, strict=True)], strict=True)
    reward, gold, kl, length, ended = zip(*(row for _, row in sorted(gather_object(found))), strict=True)
    golden = gold if models.gold else ()
    return Look(step=step, reward=reward, gold=golden, kl=kl, length=length, ended=ended)


def overoptimised(now: Look, best: Look) -> bool:
    """Whether the reward rose from `best` to `now` while the gold reward fell beyond chance.

    Both looks are at the same prompts on the same luck, so the fall is paired: the whole 95 % interval of the mean
    difference has to be below 0.
    """
    risen = float(np.mean(np.subtract(now.reward, best.reward))) > 0
    return risen and bool(now.gold) and interval(np.subtract(now.gold, best.gold))[2] < 0


@dataclass(kw_only=True)
class Verdict:
    """What all looks so far say.

    Attributes:
        patience: looks in a row that have to find over-optimisation.
        max_kl: nats per answer that the policy may be away from the reference; 0 for any.
        best: the look that was worth most, within max_kl.
        looks: all of them, in order.
        strikes: looks in a row, up to the last, that found over-optimisation against the best.
        stop: why to stop; empty if nothing says so.
    """

    patience: int
    max_kl: float
    best: Look
    looks: list[Look] = field(default_factory=list)
    strikes: int = 0
    stop: str = ""

    def add(self, now: Look) -> bool:
        """Take a look into account; whether it is the best so far."""
        self.looks.append(now)
        far = bool(self.max_kl) and now.mean_kl > self.max_kl
        better = not far and now.worth > self.best.worth
        if better:
            self.best, self.strikes = now, 0
        elif overoptimised(now, self.best):
            self.strikes += 1
        else:
            self.strikes = 0
        if far:
            self.stop = self.too_far(now.mean_kl)
        elif self.strikes >= self.patience:
            self.stop = (
                f"over-optimised: since step {self.best.step} the reward on held-out prompts rose from "
                f"{np.mean(self.best.reward):.4g} to {np.mean(now.reward):.4g} while the gold reward fell from "
                f"{np.mean(self.best.gold):.4g} to {np.mean(now.gold):.4g}"
            )
        return better

    def too_far(self, kl: float) -> str:
        return f"answers were {kl:.4g} nats from the reference; max_kl is {self.max_kl:.4g}"

    @property
    def last_is_kept(self) -> bool:
        """Whether the policy as it was at the last look is the one to keep: nothing stopped it and nothing is about to.

        Where the last look is the best one, it is."""
        return self.best is self.looks[-1] or (not self.stop and not self.strikes)

    def json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "Verdict":
        """Back from `json()`."""
        looks = [_look(one) for one in record["looks"]]
        best = next(one for one in looks if one.step == record["best"]["step"])
        return cls(**{**record, "looks": looks, "best": best})


def _look(record: Mapping[str, Any]) -> Look:
    return Look(step=record["step"], **{key: tuple(value) for key, value in record.items() if key != "step"})
