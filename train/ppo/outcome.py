"""What a PPO run says of itself: reward, gold reward and length before and after, and how far the policy went."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from train.measure import measured
from train.outcome import Outcome, Plot, Sheet

if TYPE_CHECKING:
    from .judge import Verdict

PLOTS = (
    Plot(
        name="reward-kl",
        title="Held-out reward against the root of KL (Gao et al. 2022)",
        lines=("held_out_reward", "held_out_gold"),
        over="held_out_kl_root",
    ),
    Plot(name="reward", title="Reward", lines=("reward", "held_out_reward", "held_out_gold")),
    Plot(name="kl", title="KL to the model that went in, nats per answer", lines=("kl", "held_out_kl")),
    Plot(name="length", title="Tokens of an answer", lines=("length", "held_out_length")),
    Plot(name="entropy", title="Entropy of the next token, nats", lines=("entropy",)),
    Plot(name="value", title="Value model", lines=("value_loss", "explained_variance")),
)


def outcome(verdict: "Verdict", curves: Sequence[Mapping[str, float]], *, updates: int) -> Outcome:
    """Measures of the policy that is kept against the one that went in: same held-out prompts, same luck.

    Args:
        updates: optimiser steps that were made.
    """
    before, last = verdict.looks[0], verdict.looks[-1]
    after = last if verdict.last_is_kept else verdict.best
    how = "one answer to each held-out prompt, drawn with the same random numbers before and after"
    measures = [measured("reward", "points of the reward model", "higher", before.reward, after.reward, how)]
    if before.gold:
        measures.append(measured("gold reward", "points of the gold model", "higher", before.gold, after.gold, how))
    told = "tokens of these answers, their end among them; a drift either way is to be looked at"
    measures.append(measured("length", "tokens", "lower", before.length, after.length, told))
    away = "KL of the next token to the model that went in, summed over the answer; before, it is 0"
    measures.append(measured("KL", "nats per answer", "lower", None, after.kl, away))
    return Outcome(
        measures=tuple(measures),
        curves=curves,
        plots=PLOTS,
        sheets=(_sheet(verdict),),
        facts={
            "steps": last.step,
            "updates": updates,
            "kept_step": after.step,
            "stopped": verdict.stop,
            "kl": after.mean_kl,
            "ended_before": float(np.mean(before.ended)),
            "ended": float(np.mean(after.ended)),
        },
        notes=_notes(verdict, after.step),
    )


def _notes(verdict: "Verdict", kept: int) -> tuple[str, ...]:
    last = verdict.looks[-1].step
    if verdict.stop:
        return (f"Stopped after step {last}, {verdict.stop}. The policy of step {kept} is the one kept.",)
    if kept != last:
        return (
            f"At the last step, {last}, the gold reward had fallen while the reward rose. The policy of step {kept} "
            "is the one kept.",
        )
    if not verdict.looks[0].gold:
        return (
            "No gold reward was given, so nothing would have shown the policy exploiting the reward model; read "
            "some answers.",
        )
    return ()


def _sheet(verdict: "Verdict") -> Sheet:
    gold = bool(verdict.looks[0].gold)
    rows = []
    for one in verdict.looks:
        numbers = [one.mean_kl, float(np.mean(one.reward)), *([float(np.mean(one.gold))] if gold else [])]
        share = f"{100 * float(np.mean(one.ended)):.0f} %"
        length = f"{float(np.mean(one.length)):.1f}"
        rows.append((str(one.step), *(f"{number:.4g}" for number in numbers), length, share))
    return Sheet(
        title="Held-out answers as training went on",
        header=("step", "KL, nats per answer", "reward", *(("gold reward",) if gold else ()), "tokens", "ended"),
        rows=tuple(rows),
        note=f"{len(verdict.looks[0].reward):,} prompts, the same luck at every look.",
    )
