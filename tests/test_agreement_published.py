"""Measures of agreement against worked examples of the literature, and against krippendorff and scipy by chance."""

from typing import Any, Literal

import krippendorff
import numpy as np
import pytest
from scipy import stats

from annotation.agreement.labels import fleiss_kappa, krippendorff_alpha, percent_agreement
from annotation.agreement.rankings import kendall_tau, kendall_w
from annotation.agreement.two import cohen_kappa

# Krippendorff 2011, example C: four observers, twelve units, five values, some missing (0).
OBSERVERS = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
        [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
    ]
)
# Fleiss 1971, thirty patients, six psychiatrists each, five diagnoses.
PATIENTS = np.array(
    [
        *([0, 0, 0, 6, 0], [0, 3, 0, 0, 3], [0, 1, 4, 0, 1], [0, 0, 0, 0, 6], [0, 3, 0, 3, 0], [2, 0, 4, 0, 0]),
        *([0, 0, 4, 0, 2], [2, 0, 3, 1, 0], [2, 0, 0, 4, 0], [0, 0, 0, 0, 6], [1, 0, 0, 5, 0], [1, 1, 0, 4, 0]),
        *([0, 3, 3, 0, 0], [1, 0, 0, 5, 0], [0, 2, 0, 3, 1], [0, 0, 5, 0, 1], [3, 0, 0, 1, 2], [5, 1, 0, 0, 0]),
        *([0, 2, 0, 4, 0], [1, 0, 2, 0, 3], [0, 0, 0, 0, 6], [0, 1, 0, 5, 0], [0, 2, 0, 1, 3], [2, 0, 0, 4, 0]),
        *([1, 0, 0, 4, 1], [0, 5, 0, 1, 0], [4, 0, 0, 0, 2], [0, 2, 0, 4, 0], [1, 0, 5, 0, 0], [0, 0, 0, 0, 6]),
    ]
)
# Cohen 1960: three diagnoses, two judges, 200 patients; Cohen 1968 gives these weights to the same table.
JUDGES = [[88, 14, 18], [10, 40, 10], [2, 6, 12]]
COHEN_WEIGHTS = [[0, 1, 3], [1, 0, 6], [3, 6, 0]]
# Landis & Koch 1977: diagnosis of multiple sclerosis by two neurologists, patients of Winnipeg and of New Orleans;
# plain and linear kappa as the R package vcd prints them for its copy, MSPatients.
WINNIPEG = [[38, 5, 0, 1], [33, 11, 3, 0], [10, 14, 5, 6], [3, 7, 3, 10]]
NEW_ORLEANS = [[5, 3, 0, 0], [3, 11, 4, 0], [2, 13, 3, 4], [1, 2, 4, 14]]
# Kendall, Rank Correlation Methods: three rankings of ten objects, and two, with ties.
THREE = [
    [1, 4.5, 2, 4.5, 3, 7.5, 6, 9, 7.5, 10],
    [2.5, 1, 2.5, 4.5, 4.5, 8, 9, 6.5, 10, 6.5],
    [2, 1, 4.5, 4.5, 4.5, 4.5, 8, 8, 8, 10],
]
TWO = [[1, 2.5, 2.5, 4.5, 4.5, 6.5, 6.5, 8, 9.5, 9.5], [1, 2, 4.5, 4.5, 4.5, 4.5, 8, 8, 8, 10]]
# Anxiety ratings of twenty people by three raters, data of the R package irr.
ANXIETY = [
    [3, 3, 3, 4, 5, 5, 2, 3, 5, 2, 2, 6, 1, 5, 2, 2, 1, 2, 4, 3],
    [3, 6, 4, 6, 2, 4, 2, 4, 3, 3, 2, 3, 3, 3, 2, 2, 1, 3, 3, 4],
    [2, 1, 4, 4, 3, 2, 1, 6, 1, 1, 1, 2, 3, 3, 1, 1, 3, 3, 2, 2],
]


def tally(answers: np.ndarray, labels: int) -> np.ndarray:
    """Answers (people, records), 0 where missing and labels from 1, as counts (records, labels)."""
    return np.stack([(answers == label).sum(axis=0) for label in range(1, labels + 1)], axis=1)


def unfolded(table: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Both judges' answers, record by record, from the table of how often they gave which two."""
    first, second = np.indices(np.shape(table))
    return np.repeat(first.ravel(), np.ravel(table)), np.repeat(second.ravel(), np.ravel(table))


def value(measure: Any) -> float:
    assert measure.value is not None, measure.why
    found: float = measure.value
    return found


@pytest.mark.parametrize(("level", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_is_that_of_krippendorff_2011_example_c(
    level: Literal["nominal", "ordinal", "interval"], alpha: float
) -> None:
    found = krippendorff_alpha(tally(OBSERVERS, 5), level)
    assert round(value(found), 3) == alpha
    assert found.records == 11  # the twelfth unit was judged once


@pytest.mark.parametrize(
    ("first", "second", "alpha"),
    [
        ("0100000010", "1110010000", 0.095),  # example A
        ("aabbdcccedda", "babbbccceddd", 0.692),  # example B
    ],
)
def test_alpha_is_that_of_krippendorff_2011_examples_a_and_b(first: str, second: str, alpha: float) -> None:
    labels = sorted(set(first + second))
    answers = np.array([[labels.index(letter) + 1 for letter in given] for given in (first, second)])
    assert round(value(krippendorff_alpha(tally(answers, len(labels)), "nominal")), 3) == alpha


def test_kappa_is_that_of_fleiss_1971() -> None:
    assert round(value(percent_agreement(PATIENTS)), 3) == 0.556
    assert round(value(fleiss_kappa(PATIENTS)), 3) == 0.430


def test_kappa_is_that_of_cohen_1960_and_weighted_that_of_1968() -> None:
    assert round(value(cohen_kappa(*unfolded(JUDGES), 3)), 3) == 0.492
    assert round(value(cohen_kappa(*unfolded(JUDGES), 3, COHEN_WEIGHTS)), 3) == 0.348


@pytest.mark.parametrize(("table", "plain", "linear"), [(WINNIPEG, 0.2079, 0.3797), (NEW_ORLEANS, 0.2965, 0.4773)])
def test_kappa_on_the_data_of_landis_and_koch_1977(table: list[list[int]], plain: float, linear: float) -> None:
    assert round(value(cohen_kappa(*unfolded(table), 4)), 4) == plain
    assert round(value(cohen_kappa(*unfolded(table), 4, "linear")), 4) == linear


def test_w_and_tau_with_ties_are_those_of_kendall() -> None:
    assert round(value(kendall_w([THREE] * 2)), 3) == 0.828
    assert round(value(kendall_w([ANXIETY] * 2)), 2) == 0.54
    assert round(value(kendall_tau([TWO] * 2)), 3) == 0.859


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_alpha_is_that_of_the_krippendorff_package(level: Literal["nominal", "ordinal", "interval"]) -> None:
    random = np.random.default_rng(11)
    for _ in range(30):
        labels, people, records = (int(random.integers(low, high)) for low, high in ((2, 6), (2, 6), (5, 60)))
        answers = random.integers(0, labels + 1, (people, records))
        values = np.sort(random.choice(50, labels, replace=False)).astype(float)
        theirs = krippendorff.alpha(
            value_counts=tally(answers, labels), value_domain=values, level_of_measurement=level
        )
        ours = krippendorff_alpha(tally(answers, labels), level, values, resamples=1)
        assert value(ours) == pytest.approx(float(theirs), abs=1e-9)


def test_tau_is_that_of_scipy_averaged_over_people_and_records() -> None:
    random = np.random.default_rng(12)
    rankings = [random.integers(1, 5, (random.integers(1, 5), random.integers(2, 9))) for _ in range(200)]
    means, undefined = [], 0
    for ranks in rankings:
        taus = [
            float(stats.kendalltau(ranks[a], ranks[b], variant="b").statistic)
            for a in range(len(ranks))
            for b in range(a)
            if np.ptp(ranks[a]) and np.ptp(ranks[b])
        ]
        means += [np.mean(taus)] if taus else []
        undefined += not taus
    found = kendall_tau(rankings)
    assert undefined
    assert found.records == len(means)
    assert value(found) == pytest.approx(np.mean(means), abs=1e-9)


def test_w_is_friedmans_statistic_of_scipy_over_people_times_responses_less_one() -> None:
    random = np.random.default_rng(13)
    for _ in range(50):
        people, responses = random.integers(3, 7), random.integers(3, 8)
        ranks = random.integers(1, 5, (people, responses))
        friedman = stats.friedmanchisquare(*ranks.T).statistic
        assert value(kendall_w([ranks] * 2)) == pytest.approx(friedman / (people * (responses - 1)), abs=1e-9)


def test_w_of_two_people_without_ties_is_half_of_spearmans_rho_plus_one() -> None:
    random = np.random.default_rng(14)
    ranks = np.stack([random.permutation(6), random.permutation(6)])
    rho = stats.spearmanr(*ranks).statistic
    assert value(kendall_w([ranks] * 2)) == pytest.approx((rho + 1) / 2)
