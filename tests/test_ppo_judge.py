"""When PPO stops: looks at held-out answers whose reward and gold reward are made up here."""

from collections.abc import Sequence

import numpy as np
import pytest

from train.ppo.judge import Look, Verdict, overoptimised

ROWS = 40


def seen(step: int, reward: float, gold: float | None = None, *, kl: float = 1.0, spread: float = 0.5) -> Look:
    """A look whose rows scatter around these means, the same rows in the same way each time but for a little."""
    base = np.random.default_rng(0).normal(0, spread, ROWS)
    own = np.random.default_rng([1, step]).normal(0, 0.1, ROWS)

    def around(mean: float) -> tuple[float, ...]:
        scattered: Sequence[float] = (base - base.mean() + own - own.mean() + mean).tolist()
        return tuple(scattered)

    return Look(
        step=step,
        reward=around(reward),
        gold=() if gold is None else around(gold),
        kl=(kl,) * ROWS,
        length=(5.0,) * ROWS,
        ended=(1.0,) * ROWS,
    )


def verdict(first: Look, *, patience: int = 2, max_kl: float = 0.0) -> Verdict:
    return Verdict(patience=patience, max_kl=max_kl, best=first, looks=[first])


def test_reward_up_and_gold_down_is_over_optimised() -> None:
    assert overoptimised(seen(2, 2.0, 0.5), seen(1, 1.0, 1.0))


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (seen(2, 2.0, 1.5), "gold rose too"),
        (seen(2, 0.5, 0.5), "both fell, which is a bad step and no exploit"),
        (seen(2, 2.0, 0.99), "gold fell by less than chance does"),
        (seen(2, 2.0), "no gold was given"),
    ],
)
def test_anything_else_is_not(now: Look, why: str) -> None:
    assert not overoptimised(now, seen(1, 1.0, 1.0)), why


def test_a_fall_is_paired_by_prompt() -> None:
    """Prompts differ by far more than the fall; the fall is still beyond chance, since each is compared with itself."""
    assert overoptimised(seen(2, 2.0, 0.8, spread=20.0), seen(1, 1.0, 1.0, spread=20.0))


def test_it_stops_after_as_many_looks_in_a_row_as_patience_says_and_keeps_the_best() -> None:
    looks = verdict(seen(0, 0.0, 0.0), patience=2)
    assert looks.add(seen(1, 1.0, 1.0))
    assert not looks.add(seen(2, 2.0, 0.5))
    assert not looks.stop
    assert not looks.add(seen(3, 3.0, 0.2))
    assert looks.best.step == 1
    assert looks.stop.startswith("over-optimised: since step 1 the reward on held-out prompts rose from 1 to 3")
    assert not looks.last_is_kept


def test_a_better_look_in_between_starts_the_count_again() -> None:
    looks = verdict(seen(0, 0.0, 1.0), patience=2)
    for look in (seen(1, 1.0, 0.5), seen(2, 2.0, 1.5), seen(3, 3.0, 1.0)):
        looks.add(look)
    assert not looks.stop
    assert (looks.best.step, looks.strikes) == (2, 1)


def test_a_run_that_ends_while_gold_is_down_keeps_the_best_too() -> None:
    looks = verdict(seen(0, 0.0, 1.0), patience=5)
    looks.add(seen(1, 1.0, 0.5))
    assert not looks.stop
    assert not looks.last_is_kept


def test_a_run_that_ends_well_keeps_its_last_policy_also_where_an_earlier_look_was_luckier() -> None:
    looks = verdict(seen(0, 0.0, 1.0))
    looks.add(seen(1, 1.0, 1.02))
    looks.add(seen(2, 2.0, 1.01))
    assert looks.best.step == 1
    assert looks.last_is_kept


def test_without_gold_reward_is_what_counts_and_nothing_is_over_optimised() -> None:
    looks = verdict(seen(0, 0.0))
    assert looks.add(seen(1, 1.0))
    assert not looks.add(seen(2, 0.5))
    assert not looks.stop


def test_a_policy_too_far_from_the_reference_is_never_the_best_and_stops_the_run() -> None:
    looks = verdict(seen(0, 0.0), max_kl=5.0)
    looks.add(seen(1, 1.0, kl=4.0))
    assert not looks.add(seen(2, 9.0, kl=6.0))
    assert looks.stop == "answers were 6 nats from the reference; max_kl is 5"
    assert looks.best.step == 1
    assert not looks.last_is_kept


def test_a_verdict_survives_being_written_down() -> None:
    looks = verdict(seen(0, 0.0, 0.0))
    looks.add(seen(1, 1.0, 1.0))
    looks.add(seen(2, 2.0, 0.5))
    again = Verdict.of(looks.json())
    assert again == looks
    assert again.best is again.looks[1]
