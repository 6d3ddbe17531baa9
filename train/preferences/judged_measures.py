"""What held-out judged answers say about a policy: whether it tells good ones from bad ones, and what that cost."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from train.encode import encoded_rows
from train.measure import Floats, Measure, interval
from train.outcome import Sheet
from train.scoring import answer_logprobs

from .pair_measures import EVEN, Groups, by_question, questions, text


@dataclass(frozen=True)
class Said:
    """Log-probabilities of answers to their own questions and to others', the tokens of the former, a number for each
    question; (n,) each."""

    answers: Floats
    mismatched: Floats
    tokens: Floats
    question: Groups


def said(model: Any, path: Path) -> Said:
    """What a model says of the answers in a file that `encode` wrote under judged.COLUMNS."""
    answers, tokens = answer_logprobs(model, _matched(path))
    mismatched, _ = answer_logprobs(model, _mismatched(path))
    return Said(answers, mismatched, tokens, questions(path))


def labels(path: Path) -> Floats:
    """1 for each good answer in a file, 0 for each bad one (n,)."""
    return np.array([float(row["label"]) for row in encoded_rows(path)])


def _matched(path: Path) -> Iterator[tuple[list[int], list[int]]]:
    for row in encoded_rows(path):
        yield row["prompt_ids"] + row["completion_ids"], [0] * len(row["prompt_ids"]) + row["completion_mask"]


def _mismatched(path: Path) -> Iterator[tuple[list[int], list[int]]]:
    """Each question with the last answer before it that was given to another one; the first ones with their own."""
    other: dict[str, Any] | None = None
    last: dict[str, Any] | None = None
    for row in encoded_rows(path):
        if last is not None and last["prompt_ids"] != row["prompt_ids"]:
            other = last
        taken = other or row
        yield row["prompt_ids"] + taken["completion_ids"], [0] * len(row["prompt_ids"]) + taken["completion_mask"]
        last = row


def utility(policy: Said, reference: Said, good: Floats, beta: float, anchored: bool) -> tuple[Floats, Floats]:
    """KTO's loss of each row with weights of 1 (Eq. 7), and beta (r - z0), 0 where it is rounding; (n,) each.

    Args:
        anchored: subtract z0, the estimated KL; without it, z0 is 0.
    """
    drift = float(np.mean(policy.mismatched - reference.mismatched)) if anchored else 0.0
    ratio = policy.answers - reference.answers - max(drift, 0.0)
    reward = beta * np.where(np.abs(ratio) <= EVEN, 0.0, ratio)
    loss: Floats = 1 / (1 + np.exp(np.clip(np.where(good > 0, reward, -reward), -500, 500)))
    return loss, reward


def measures(
    before: Said, after: Said, reference: Said, good: Floats, beta: float, anchored: bool
) -> tuple[Measure, ...]:
    """The loss, which has to fall; how many answers are told right; how likely good answers are."""
    each = balanced(good)
    losses, rewards = zip(*(utility(one, reference, good, beta, anchored) for one in (before, after)), strict=True)
    rights = [_right(reward, good) for reward in rewards]
    found = [
        by_question(
            "KTO loss",
            "of 1",
            "lower",
            losses[0] * each,
            losses[1] * each,
            "good and bad answers count the same; 1/2 while the model is its own reference",
            after.question,
            each,
        ),
        by_question(
            "accuracy against the reference",
            "of answers",
            "higher",
            rights[0] * each,
            rights[1] * each,
            "the implicit reward is above its point of reference for good answers, below for bad ones; 1/2 where it is "
            "even; good and bad answers count the same",
            after.question,
            each,
        ),
    ]
    if good.any():
        found.append(
            by_question(
                "log-probability of good answers",
                "nats per token",
                "higher",
                before.answers[good > 0],
                after.answers[good > 0],
                "of the tokens that the assistant has to produce",
                after.question[good > 0],
                after.tokens[good > 0],
            )
        )
    return tuple(found)


def balanced(good: Floats) -> Floats:
    """Weights (n,) with which good and bad answers have the same sum, if there are both."""
    many = good.sum()
    each: Floats = np.where(good > 0, 1 / max(many, 1), 1 / max(len(good) - many, 1))
    return each


def sheet(before: Said, after: Said, reference: Said, good: Floats) -> Sheet:
    """What became of good and of bad answers."""
    rows = []
    for name, where in (("good", good > 0), ("bad", good == 0)):
        if where.any():
            over = after.tokens[where]
            rows.append(
                (
                    name,
                    f"{int(where.sum()):,}",
                    text(interval(before.answers[where], over)),
                    text(interval(after.answers[where], over)),
                    text(interval((after.answers - reference.answers)[where])),
                )
            )
    return Sheet(
        title="Held-out answers",
        header=("answers", "how many", "nats per token before", "after", "log-ratio to the reference, per answer"),
        rows=tuple(rows),
        note="With 95 % intervals over answers. Log-ratios in nats; 0 in a model that is its own reference.",
    )


def _right(reward: Floats, good: Floats) -> Floats:
    told: Floats = np.where(reward == 0, 0.5, ((reward > 0) == (good > 0)).astype(np.float64))
    return told
