"""One step of PPO: answers are drawn and scored, and both models learn from them for a few passes.

With several processes each draws and scores its share of the answers; then all of them know all answers, so advantages
and statistics are the same everywhere, and each learns from its share of every minibatch.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dataset_cards.versions.job import Refused

from .formulas import (
    Clipping,
    Drawn,
    Terms,
    advantages,
    explained_variance,
    k1,
    k3,
    losses,
    masked_mean,
    token_logprobs,
    token_rewards,
    whitened,
)
from .models import Models, scores
from .rollout import Rollout, answer_logits, left_padded, noise, positions, sample

ANSWERS, PASSES = 0, 1  # what a step's random numbers are for; the third kind is ppo_judge.LOOKS


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What one step is to do.

    Attributes:
        number: of the step, from 0.
        coefficient: of the KL to the reference.
        rate, value_rate: learning rates of the policy and of the value model.
        minibatches, passes: optimiser steps in one pass over the answers, and how many passes.
        missing_end: taken off the score of an answer that did not end.
        max_grad_norm: longer gradients are cut to it; 0 for never.
    """

    seed: int
    number: int
    coefficient: float
    rate: float
    value_rate: float
    max_new: int
    discount: float
    trace: float
    minibatches: int
    passes: int
    missing_end: float
    max_grad_norm: float
    clipping: Clipping


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Answers of all processes, as the models saw them when they were drawn; (answers, tokens), scores (answers,)."""

    rollout: Rollout
    scores: Tensor
    logprobs: Tensor
    reference: Tensor
    values: Tensor


def step(models: Models, rows: Sequence[Mapping[str, Any]], turn: Turn) -> dict[str, float]:
    """Draw one answer to each of `rows`, learn from them, and say what was seen.

    Args:
        rows: with `prompt_ids` and `prompt`; as many for every process.

    Raises:
        Refused: the gradient is not finite.
    """
    seen = _seen(models, rows, turn)
    mask = seen.rollout.answered
    gap = k1(seen.logprobs, seen.reference)
    ended = seen.rollout.ended
    rewards = token_rewards(seen.scores - turn.missing_end * (~ended).float(), gap, mask, turn.coefficient)
    gains, returns = advantages(rewards, seen.values, mask, turn.discount, turn.trace)
    drawn = Drawn(
        tokens=seen.rollout.tokens,
        mask=mask,
        logprobs=seen.logprobs,
        values=seen.values,
        advantages=whitened(gains, mask),
        returns=returns,
    )
    for group, rate in zip(models.optimiser.param_groups, (turn.rate, turn.value_rate), strict=True):
        group["lr"] = rate
    kl = float((gap * mask).sum(1).mean())
    return {
        "reward": float(seen.scores.mean()),
        "kl": kl,
        "kl_root": math.sqrt(max(kl, 0.0)),
        "kl_k3": float(masked_mean(k3(seen.logprobs, seen.reference), mask)),
        "kl_coefficient": turn.coefficient,
        "length": float(mask.sum(1).mean()),
        "ended": float(ended.float().mean()),
        "explained_variance": explained_variance(seen.values, returns, mask),
        "learning_rate": turn.rate,
        **_update(models, seen.rollout, drawn, turn),
    }


@torch.no_grad()
def _seen(models: Models, rows: Sequence[Mapping[str, Any]], turn: Turn) -> Seen:
    accelerator, device = models.accelerator, models.device
    models.learning(False)
    share = len(rows) // accelerator.num_processes
    begin = share * accelerator.process_index
    own = torch.arange(begin, begin + share)
    ids, mask = left_padded([row["prompt_ids"] for row in rows], models.tokenizer.pad_token_id)
    luck = noise((turn.seed, ANSWERS, turn.number), len(rows), turn.max_new)
    parts = []
    for part in torch.split(own, models.rows):
        with models.cast():
            parts.append(
                sample(
                    models.plain,
                    (ids[part].to(device), mask[part].to(device)),
                    luck[part].to(device),
                    end=models.tokenizer.eos_token_id,
                    pad=models.tokenizer.pad_token_id,
                    temperature=turn.clipping.temperature,
                )
            )
    rollout = Rollout(
        ids=accelerator.gather(torch.cat([part.ids for part in parts])),
        mask=accelerator.gather(torch.cat([part.mask for part in parts])),
        prompt=parts[0].prompt,
        end=parts[0].end,
    ).trimmed()
    mine = rollout.rows(own.to(device))
    found = scores(models.reward, [rows[row]["prompt"] for row in own.tolist()], models.texts(mine.answers()))
    old, reference, values = [], [], []
    for part in torch.split(own.to(device), models.rows):
        some = rollout.rows(part)
        logits, temperature = _logits(models, models.policy, some), turn.clipping.temperature
        old.append(token_logprobs(logits, some.tokens, temperature))
        reference.append(token_logprobs(_logits(models, models.reference, some), some.tokens, temperature))
        values.append(_values(models, some) * some.answered)
    return Seen(
        rollout=rollout,
        scores=accelerator.gather(torch.tensor(found, dtype=torch.float32, device=device)),
        logprobs=accelerator.gather(torch.cat(old)),
        reference=accelerator.gather(torch.cat(reference)),
        values=accelerator.gather(torch.cat(values)),
    )


def _update(models: Models, rollout: Rollout, drawn: Drawn, turn: Turn) -> dict[str, float]:
    """The passes over the answers; what they saw, by token.

    The first pass takes the answers in the order in which they were drawn, in the same shapes as their old
    probabilities were computed in: its first ratios are exactly 1. Later passes are shuffled.
    """
    accelerator, device = models.accelerator, models.device
    processes = accelerator.num_processes
    random = np.random.default_rng([turn.seed, PASSES, turn.number])
    tallies = []
    models.learning(True)
    for number in range(turn.passes):
        order = random.permutation(len(rollout.ids)) if number else np.arange(len(rollout.ids))
        for minibatch in order.reshape(turn.minibatches, -1):
            own = torch.from_numpy(minibatch[accelerator.process_index :: processes].copy()).to(device)
            tokens = float(drawn.mask[torch.from_numpy(minibatch).to(device)].sum())
            tally = torch.zeros(5, device=device)
            for part in torch.split(own, models.rows):
                terms = _terms(models, rollout.rows(part), drawn.rows(part), turn.clipping)
                accelerator.backward(terms.loss / tokens * processes)  # accelerate takes the mean over processes
                tally += torch.stack([terms.policy, terms.value, terms.entropy, terms.clipped, terms.ratio]).detach()
            _stepped(models, turn)
            tallies.append(tally / tokens)
    models.learning(False)
    seen = accelerator.reduce(torch.stack(tallies), "sum").cpu()
    mean = seen.mean(0).tolist()
    names = ("policy_loss", "value_loss", "entropy", "clip_fraction", "ratio")
    return {**dict(zip(names, mean, strict=False)), "ratio_first": float(seen[0, 4])}


def _terms(models: Models, rollout: Rollout, drawn: Drawn, clipping: Clipping) -> Terms:
    return losses(_logits(models, models.policy, rollout), _values(models, rollout), drawn, clipping)


def _stepped(models: Models, turn: Turn) -> None:
    for model in (models.policy, models.value):
        norm = models.accelerator.clip_grad_norm_(model.parameters(), turn.max_grad_norm or math.inf)
        if not math.isfinite(float(norm)):
            raise Refused(
                f"ppo came apart at step {turn.number + 1}: the gradient is {float(norm)}; take a smaller learning "
                "rate or a larger kl"
            )
    models.optimiser.step()
    models.optimiser.zero_grad()


def _logits(models: Models, model: Any, rollout: Rollout) -> Tensor:
    with models.cast():
        return answer_logits(model, rollout).float()


def _values(models: Models, rollout: Rollout) -> Tensor:
    """Values of the states before each token of the answers, (rows, tokens)."""
    with models.cast():
        whole = models.value(rollout.ids, rollout.mask, positions(rollout.mask))
    return whole[:, rollout.prompt - 1 : -1].float()  # type: ignore[no-any-return]
