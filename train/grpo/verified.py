"""What came of learning from verdicts: measures, curves, pictures and the table of the model card."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy.typing as npt

from train.distill.answering import Answered
from train.measure import Measure, measured
from train.outcome import Outcome, Plot, Sheet

from .verdicts import VERDICTS

CURVES = (
    "step",
    "reward",
    "reward_std",
    *VERDICTS,
    "unfinished",
    "kl",
    "entropy",
    "frac_reward_zero_std",
    "completions/mean_length",
    "clip_ratio/region_mean",
    "loss",
    "grad_norm",
    "learning_rate",
)
PLOTS = (
    Plot(name="reward", title="Share of right answers among those with a verdict", lines=("reward",)),
    Plot(name="verdicts", title="Verdicts on sampled answers", lines=(*VERDICTS, "unfinished")),
    Plot(name="length", title="Length of sampled answers, tokens", lines=("completions/mean_length",)),
    Plot(name="entropy", title="Entropy, nats per token", lines=("entropy",)),
)
REWARD_KL = Plot(name="reward-kl", title="Reward against KL, nats per token", lines=("reward",), over="kl")
OFTEN = 0.1


def outcome(
    before: tuple[Answered, Answered],
    after: tuple[Answered, Answered],
    how: str,
    logged: Sequence[Mapping[str, float]],
) -> Outcome:
    """The outcome of a run.

    Args:
        before, after: answers to the same held-out prompts, sampled and greedy, of the model that went in and of the
            one that came out.
        how: they were sampled, in words.
        logged: the curves of the trainer.
    """
    (old, old_greedy), (new, new_greedy) = before, after
    greedy = "one answer to each prompt, the likeliest token at each place"
    measures = (
        _share("right answers", "higher", old.share("right"), new.share("right"), how),
        _share("right greedy answers", "higher", old_greedy.share("right"), new_greedy.share("right"), greedy),
        _share("prompts with a right answer", "higher", old.solved(), new.solved(), f"at least one of {how}"),
        _share("undecided answers", "lower", old.share("cannot-tell"), new.share("cannot-tell"), how),
    )
    shares = {"before": old.shares(), "after": new.shares()}
    curves = [{key: value for key, value in row.items() if key in CURVES} for row in logged]
    return Outcome(
        measures=measures,
        curves=curves,
        plots=(*PLOTS, REWARD_KL) if any("kl" in row for row in curves) else PLOTS,
        sheets=(_sheet(shares),),
        facts={"answers": shares},
        notes=_notes(measures[-1], shares["after"]),
    )


def _share(
    name: str, better: Literal["lower", "higher"], before: npt.ArrayLike, after: npt.ArrayLike, how: str
) -> Measure:
    return measured(name, "of 1", better, before, after, f"{how}; intervals over prompts")


def _sheet(shares: Mapping[str, Mapping[str, float]]) -> Sheet:
    rows = tuple(
        (name, *(f"{one[name]:.1f}" if name == "length" else f"{one[name]:.1%}" for one in shares.values()))
        for name in (*VERDICTS, "unfinished", "length")
    )
    return Sheet(
        title="Verdicts on sampled answers to held-out prompts",
        header=("", *shares),
        rows=rows,
        note="Unfinished answers were cut before they ended, and stand among the verdicts too. Length is in tokens.",
    )


def _notes(undecided: Measure, after: Mapping[str, float]) -> tuple[str, ...]:
    notes = []
    if undecided.gain is not None and undecided.before is not None and undecided.gain[2] < 0:
        notes.append(
            f"answers without a verdict went from {undecided.before[0]:.1%} to {undecided.after[0]:.1%}: where wrong "
            "answers get less likely and these do not, a model drifts to answers that nobody can check"
        )
    if after["cannot-tell"] > OFTEN:
        notes.append(f"{after['cannot-tell']:.0%} of the answers have no verdict; nothing is learned from such answers")
    if after["unfinished"] > OFTEN:
        notes.append(f"{after['unfinished']:.0%} of the answers were cut at max_completion before they ended")
    return tuple(notes)
