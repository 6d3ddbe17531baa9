"""What held-out pairs say about a policy: whether it learned which answer is better, and what that cost."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from train.encode import encoded_rows
from train.measure import Floats, Measure, Triple, interval, measured
from train.outcome import Sheet
from train.scoring import answer_logprobs

EVEN = 1e-3  # nats; sums of log-probabilities nearer than this differ by rounding


Groups = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Said:
    """Log-probabilities of both answers of each pair, the tokens they are over, and a number for the question (n,)."""

    chosen: Floats
    rejected: Floats
    chosen_tokens: Floats
    rejected_tokens: Floats
    question: Groups


def said(model: Any, path: Path) -> Said:
    """What a model says of the pairs in a file that `encode` wrote under pairs.COLUMNS."""
    sums, counts = answer_logprobs(model, _answers(path))
    return Said(sums[0::2], sums[1::2], counts[0::2], counts[1::2], questions(path))


def questions(path: Path) -> Groups:
    """A number from 0 for each row (n,), the same for rows whose prompts have the same tokens."""
    known: dict[tuple[int, ...], int] = {}
    return np.array([known.setdefault(tuple(row["prompt_ids"]), len(known)) for row in encoded_rows(path)])


def by_question(
    name: str,
    unit: str,
    better: Literal["lower", "higher"],
    before: Floats,
    after: Floats,
    how: str,
    question: Groups,
    weights: Floats | None = None,
) -> Measure:
    """`measured`, with a bootstrap over questions: several answers to one are not as many pieces of evidence."""
    _, place = np.unique(question, return_inverse=True)
    over = np.ones(len(after)) if weights is None else weights
    old, new, weight = (np.bincount(place, one) for one in (before, after, over))
    return replace(measured(name, unit, better, old, new, how, weights=weight), rows=len(after))


def _answers(path: Path) -> Iterator[tuple[list[int], list[int]]]:
    for row in encoded_rows(path):
        for name in ("chosen", "rejected"):
            asked = row["prompt_ids"]
            yield asked + row[f"{name}_ids"], [0] * len(asked) + row[f"{name}_mask"]


def measures(before: Said, after: Said, reference: Said) -> tuple[Measure, ...]:
    """Accuracy against the reference, which has to rise; accuracy by likelihood alone; likelihood of chosen answers."""
    return (
        by_question(
            "accuracy against the reference",
            "of pairs",
            "higher",
            _right(_margin(before, reference)),
            _right(_margin(after, reference)),
            "the log-ratio to the reference is higher for chosen than for rejected; 1/2 where they are even, as all "
            "are while the model is its own reference",
            after.question,
        ),
        by_question(
            "accuracy by likelihood",
            "of pairs",
            "higher",
            _right(before.chosen - before.rejected),
            _right(after.chosen - after.rejected),
            "the chosen answer as a whole is the likelier one",
            after.question,
        ),
        by_question(
            "log-probability of chosen answers",
            "nats per token",
            "higher",
            before.chosen,
            after.chosen,
            "of the tokens that the assistant has to produce",
            after.question,
            after.chosen_tokens,
        ),
    )


def sheets(before: Said, after: Said, reference: Said) -> tuple[Sheet, ...]:
    """What became of both answers, and the accuracy where the better one is the longer, and where it is the shorter."""
    right, chosen, rejected = _right(_margin(after, reference)), after.chosen_tokens, after.rejected_tokens
    moved = [
        ("chosen", before.chosen, after.chosen, reference.chosen, chosen),
        ("rejected", before.rejected, after.rejected, reference.rejected, rejected),
    ]
    slices = [
        ("chosen is longer", chosen > rejected),
        ("both are as long", chosen == rejected),
        ("chosen is shorter", chosen < rejected),
    ]
    return (
        Sheet(
            title="Held-out answers",
            header=("answer", "nats per token before", "after", "log-ratio to the reference, per answer"),
            rows=tuple(
                (name, text(interval(old, over)), text(interval(new, over)), text(interval(new - base)))
                for name, old, new, base, over in moved
            ),
            note="With 95 % intervals over pairs. Log-ratios in nats; both are 0 in a model that is its own reference.",
        ),
        Sheet(
            title="Accuracy against the reference, by length",
            header=("pairs", "how many", "accuracy"),
            rows=tuple(
                (name, f"{int(where.sum()):,}", text(interval(right[where]))) for name, where in slices if where.any()
            ),
            note="A model that learned lengths alone is right in one of them and wrong in the other.",
        ),
    )


def facts(after: Said, reference: Said, beta: float) -> dict[str, Any]:
    """The margin of implicit rewards and how far the policy moved, with 95 % intervals."""
    chosen, rejected = after.chosen - reference.chosen, after.rejected - reference.rejected
    return {
        "margin": interval(beta * (chosen - rejected)),
        "log_ratio": {"chosen": interval(chosen), "rejected": interval(rejected)},
    }


def displaced(likelihood: Measure, remedy: str) -> tuple[str, ...]:
    """A sentence where preferred answers became less likely, beyond what chance does."""
    if likelihood.gain is None or likelihood.gain[2] >= 0:
        return ()
    return (
        f"Preferred answers became less likely, by {-likelihood.gain[0]:.3g} nats a token on held-out rows. The loss "
        "wants them to gain on the others only, and what is gained elsewhere may be neither (likelihood displacement, "
        f"Razin et al. 2024, arXiv 2410.08847). {remedy} hold against it.",
    )


def text(triple: Triple) -> str:
    return f"{triple[0]:.4g} ({triple[1]:.4g} to {triple[2]:.4g})"


def _margin(policy: Said, reference: Said) -> Floats:
    return (policy.chosen - reference.chosen) - (policy.rejected - reference.rejected)


def _right(margin: Floats) -> Floats:
    """1 where the margin is above 0, 0 where it is below, 1/2 where it is no more than rounding."""
    found: Floats = np.where(np.abs(margin) <= EVEN, 0.5, (margin > 0).astype(np.float64))
    return found
