"""Measures with intervals: ratios of sums, pairing by row, shares of right answers, and numbers that are none."""

import dataclasses
import json

import numpy as np
import pytest

from dataset_cards.versions.job import Refused
from train.measure import Measure, interval, measured, wilson


def test_the_value_is_the_sum_of_sums_over_the_sum_of_weights_and_not_a_mean_of_means() -> None:
    value, low, high = interval([10.0, 1.0], [10.0, 2.0])
    assert value == pytest.approx(11 / 12)
    assert low <= value <= high


def test_the_interval_of_normal_numbers_is_that_of_the_t_distribution_within_a_twentieth() -> None:
    drawn = np.random.default_rng(3).normal(5, 2, 400)
    value, low, high = interval(drawn)
    half = 1.966 * drawn.std(ddof=1) / np.sqrt(400)
    assert value == pytest.approx(drawn.mean())
    assert (high - low) / 2 == pytest.approx(half, rel=0.05)


def test_a_small_gain_in_every_row_is_seen_through_large_differences_between_rows() -> None:
    before = np.random.default_rng(0).normal(100, 30, 60)
    found = measured("loss", "nats", "lower", before, before - 0.5 - 0.01 * np.arange(60), "-")
    assert found.before is not None
    assert found.gain is not None
    assert found.before[1] < found.after[0] < found.before[2]
    assert found.gain[1] > 0.5
    assert found.learned


def test_a_gain_is_positive_when_the_measure_moves_where_it_is_better() -> None:
    higher = measured("accuracy", "share", "higher", [0, 0, 1], [1, 1, 1], "-")
    lower = measured("loss", "nats", "lower", [2, 2, 3], [1, 1, 1], "-")
    worse = measured("loss", "nats", "lower", [1, 1, 1], [2, 2, 3], "-")
    assert [one.gain[0] > 0 for one in (higher, lower, worse) if one.gain] == [True, True, False]


def test_forty_of_forty_right_are_not_called_certain() -> None:
    value, low, high = interval(np.ones(40))
    assert (value, high) == (1.0, 1.0)
    assert low == pytest.approx(0.9124, abs=5e-5)  # Wilson: 40 / (40 + 1.96 ** 2)


def test_wilsons_interval_is_the_published_one() -> None:
    # Newcombe 1998, Statistics in Medicine 17, table I, method 3: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    published = {
        (81, 263): (0.2553, 0.3662),
        (15, 148): (0.0624, 0.1605),
        (0, 20): (0, 0.1611),
        (1, 29): (0.0061, 0.1718),
    }
    for (right, rows), ends in published.items():
        assert wilson(right / rows, rows) == pytest.approx(ends, abs=5e-5)


def test_one_row_of_thirty_that_became_right_is_no_proof_of_a_gain() -> None:
    found = measured("accuracy", "share", "higher", np.zeros(30), np.arange(30) == 0, "-")
    assert found.gain is not None
    assert found.gain[0] > 0
    assert not found.learned


def test_the_same_rows_give_the_same_interval_each_time_and_other_seeds_nearly_the_same() -> None:
    drawn = np.random.default_rng(1).exponential(1, 300)
    assert interval(drawn) == interval(drawn)
    assert interval(drawn, seed=1)[1] == pytest.approx(interval(drawn)[1], rel=0.02)


def test_a_row_with_more_tokens_weighs_more_in_resampling_too() -> None:
    sums, weights = np.r_[np.zeros(50), 100.0], np.r_[np.ones(50), 100.0]
    _, low, high = interval(sums, weights)
    assert low == 0
    assert high > 0.8


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_model_that_came_apart_is_refused_in_words(bad: float) -> None:
    with pytest.raises(Refused, match="held-out loss, after: 1 of 3 rows gave no finite number"):
        measured("held-out loss", "nats", "lower", [1, 1, 1], [1, bad, 1], "-")


@pytest.mark.parametrize(("values", "weights"), [([], None), ([1.0], [0.0])])
def test_nothing_to_measure_is_an_error(values: list[float], weights: list[float] | None) -> None:
    with pytest.raises(ValueError, match="nothing to measure"):
        interval(values, weights)


def test_arrays_of_different_lengths_are_an_error() -> None:
    with pytest.raises(ValueError, match="not of one length"):
        measured("x", "y", "lower", [1.0], [1.0, 2.0], "-")


def test_a_measure_comes_back_from_json_as_it_was() -> None:
    for before in (None, [1.0, 2.0]):
        made = measured("x", "y", "lower", before, [1.0, 1.5], "-")
        assert Measure.of(json.loads(json.dumps(made.json()))) == made
        assert dataclasses.asdict(made) == made.json()
