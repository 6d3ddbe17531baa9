"""Estimates of how far people can be trusted: published figures, other libraries, laws, and what is known in advance.

Expected figures of crowd-kit 1.4.2 and choix 0.4.1 were computed by `python -m benchmarks.reliability_recovery`, which
compares everything with them where they are installed.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.decide.trust import MIN_RECORDS, trust
from annotation.judged import SCHEMA
from annotation.reliability.bradley_terry import Compared, bradley_terry, eta_intervals
from annotation.reliability.coded import Coded, coded
from annotation.reliability.dawid_skene import Model, dawid_skene, intervals, vote_weights

# Dawid and Skene 1979, Table 1: 45 patients; doctor 1 three times, then doctors 2 to 5 once. Taken from public
# transcriptions and not from the paper itself: the data from two that agree (an adaptation of dallascard/dawid_skene,
# and the test of a Java implementation), the estimates below from the second alone.
PATIENTS = """
111 1111, 333 4334, 112 2122, 222 3121, 222 3222, 222 3322, 122 2111, 333 3433, 222 2223, 232 2223, 444 4444,
222 3343, 111 1111, 222 3212, 121 1111, 111 2111, 111 1111, 111 1111, 222 2221, 222 1322, 222 2222, 222 2221,
222 3222, 221 2222, 111 1111, 111 1111, 232 2222, 111 1111, 111 1111, 112 1121, 111 1111, 333 3233, 111 1111,
222 2222, 222 3232, 433 4343, 221 2232, 232 3233, 333 3432, 111 1111, 111 1111, 121 2111, 232 2222, 121 1111,
222 2222
"""
# Table 2: how often each doctor says 1, 2, 3, 4 of patients who truly are 1, 2, 3, 4.
RATES = {
    "1": ((0.89, 0.11, 0, 0), (0.07, 0.88, 0.05, 0), (0, 0.34, 0.66, 0), (0, 0, 0.56, 0.44)),
    "2": ((0.83, 0.17, 0, 0), (0.05, 0.63, 0.31, 0), (0, 0, 1, 0), (0, 0, 0, 1)),
    "3": ((1, 0, 0, 0), (0.11, 0.79, 0.11, 0), (0, 0.40, 0.20, 0.40), (0, 0, 0.67, 0.33)),
    "4": ((0.94, 0.06, 0, 0), (0.05, 0.84, 0.10, 0), (0, 0, 0.80, 0.20), (0, 0, 0.33, 0.67)),
    "5": ((1, 0, 0, 0), (0.16, 0.73, 0.11, 0), (0, 0.21, 0.79, 0), (0, 0, 0.33, 0.67)),
}


def answers(rows: Sequence[tuple[str, str, str]]) -> Coded:
    return coded(pl.DataFrame(rows, schema=["record", "annotator", "answer"], orient="row"))


def anaesthetists() -> Coded:
    rows = []
    for number, said in enumerate(PATIENTS.replace("\n", " ").split(",")):
        three, others = said.split()
        rows += [(f"{number + 1:02d}", "1", one) for one in three]
        rows += [(f"{number + 1:02d}", str(doctor), one) for doctor, one in enumerate(others, 2)]
    return answers(rows)


def simulated(seed: int, records: int = 600, people: int = 8, labels: int = 3) -> tuple[Coded, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    right = random.uniform(0.4, 0.95, people)
    truth = random.choice(labels, records, p=np.arange(labels, 0, -1) / np.arange(1, labels + 1).sum())
    rows = []
    for record in range(records):
        for person in random.choice(people, 3, replace=False):
            sure = random.random() < right[person]
            said = truth[record] if sure else (truth[record] + random.integers(1, labels)) % labels
            rows.append((f"{record:04d}", f"a{person}", str(said)))
    return answers(rows), truth, right


def test_the_anaesthetists_of_the_paper_have_its_error_rates() -> None:
    fitted = dawid_skene(anaesthetists(), smoothing=0.0)
    assert np.abs(fitted.priors - (0.40, 0.42, 0.11, 0.07)).max() < 0.0051
    for number, doctor in enumerate(RATES):
        assert np.abs(fitted.confusion[number] - RATES[doctor]).max() < 0.0051, doctor
    # Of Table 4: patient 2 is of class 4 although most said 3; 7 is 1 with 0.98; 35 is 2 with 0.95.
    assert fitted.posterior[1, 3] > 0.995
    assert abs(fitted.posterior[6, 0] - 0.98) < 0.0051
    assert abs(fitted.posterior[34, 1] - 0.95) < 0.0051


@pytest.mark.parametrize("model", ["confusion", "one-coin"])
@settings(max_examples=25)
@given(
    rows=st.lists(st.tuples(*(st.sampled_from(names) for names in ("rstuv", "abc", "xyz"))), min_size=1, max_size=40)
)
def test_the_objective_never_falls(model: Model, rows: list[tuple[str, str, str]]) -> None:
    for smoothing in (1.0, 0.01, 0.0):
        fitted = dawid_skene(answers(rows), model=model, smoothing=smoothing, rounds=30, tolerance=-1.0)
        steps = np.diff(fitted.objective)
        assert (steps >= -1e-9 * (1 + np.abs(fitted.objective[1:]))).all()
        assert np.isfinite(fitted.posterior).all()
        assert np.allclose(fitted.posterior.sum(axis=1), 1)
        assert np.allclose(fitted.confusion.sum(axis=2), 1)


@pytest.mark.parametrize("model", ["confusion", "one-coin"])
def test_known_labels_stay_and_teach_who_is_right(model: Model) -> None:
    rows = [(f"g{n}", "good", "x" if n % 2 else "y") for n in range(20)]
    rows += [(f"g{n}", "bad", "y" if n % 2 else "x") for n in range(20)]
    rows += [("r", "good", "x"), ("r", "bad", "y")]
    truth = {f"g{n}": "x" if n % 2 else "y" for n in range(20)}
    made = answers(rows)
    fitted = dawid_skene(made, model=model, truth=truth)
    likely = dict(zip(made.records, fitted.posterior.argmax(axis=1), strict=True))
    assert all(made.labels[likely[name]] == label for name, label in truth.items())
    assert made.labels[likely["r"]] == "x"
    bad, good = fitted.reliability
    assert bad < 0.2
    assert good > 0.9
    assert vote_weights(made, fitted)[0] == 0, "somebody worse than chance counts for nothing, not against"
    assert (np.diff(fitted.objective) >= -1e-9).all()
    assert dawid_skene(made, model=model, truth={"r": "no such label"}).posterior.shape == fitted.posterior.shape


@pytest.mark.parametrize("model", ["confusion", "one-coin"])
def test_nothing_becomes_impossible(model: Model) -> None:
    fitted = dawid_skene(answers([("r", "a", "x"), ("s", "a", "y"), ("s", "b", "y")]), model=model)
    assert fitted.confusion.min() > 0.01
    assert fitted.priors.min() > 0.01


@pytest.mark.parametrize("model", ["confusion", "one-coin"])
@pytest.mark.parametrize("seed", range(3))
def test_estimated_reliabilities_follow_the_true_ones(model: Model, seed: int) -> None:
    made, truth, right = simulated(seed)
    fitted = dawid_skene(made, model=model)
    assert np.corrcoef(fitted.reliability, right)[0, 1] > 0.93
    assert np.abs(fitted.reliability - right).mean() < 0.05
    votes = np.stack([np.bincount(made.record[made.label == n], minlength=len(truth)) for n in range(3)], axis=1)
    assert (fitted.posterior.argmax(axis=1) == truth).mean() > (votes.argmax(axis=1) == truth).mean()


def test_intervals_hold_most_of_the_true_reliabilities() -> None:
    inside = []
    for seed in range(4):
        made, _, right = simulated(seed, records=300)
        ends = intervals(made, dawid_skene(made, model="one-coin"), model="one-coin", draws=40)
        inside += list((ends[:, 0] <= right) & (right <= ends[:, 1]))
    assert np.mean(inside) > 0.8


@settings(max_examples=25)
@given(seed=st.integers(0, 50))
def test_names_and_order_of_answers_do_not_matter(seed: int) -> None:
    random = np.random.default_rng(seed)
    rows = [(str(n // 3), "abcd"[random.integers(4)], "xy"[random.integers(2)]) for n in range(30)]
    other = dict(zip("abcd", "dcba", strict=True))
    moved = [(record, other[person], said) for record, person, said in rows]
    one = dawid_skene(answers(rows))
    two = dawid_skene(answers([moved[n] for n in random.permutation(30)]))
    people = sorted({person for _, person, _ in rows})
    swapped = [sorted(other[name] for name in people).index(other[name]) for name in people]
    assert np.allclose(one.posterior, two.posterior, atol=1e-7)
    assert np.allclose(one.reliability, two.reliability[swapped], atol=1e-7)


def compared(wins: Sequence[tuple[int, int]], items: int, ties: Sequence[tuple[int, int]] = ()) -> Compared:
    table = np.array([*wins, *ties], dtype=np.int64).reshape(-1, 2)
    tie = np.arange(len(table)) >= len(wins)
    nobody = np.zeros(len(table), dtype=np.int64)
    return Compared(items=items, annotators=1, first=table[:, 0], second=table[:, 1], annotator=nobody, tie=tie)


def test_strengths_are_those_that_choix_computes() -> None:
    wins = [(0, 1)] * 7 + [(1, 0)] * 3 + [(0, 2)] * 5 + [(2, 0)] * 4 + [(1, 2)] * 6 + [(2, 1)] * 2
    wins += [(2, 3)] * 8 + [(3, 2)] + [(3, 0)] * 3 + [(0, 3)] * 4
    fitted = bradley_terry(compared(wins, 4), weigh=False, prior=0.0, tolerance=1e-15)
    assert np.allclose(fitted.strength, (0.43018703, 0.29375421, 0.12306402, -0.84700526), atol=1e-5)


def test_two_items_with_ties_have_the_closed_form() -> None:
    """Davidson: p / q is wins / losses, and nu is ties / sqrt(wins * losses)."""
    fitted = bradley_terry(
        compared([(0, 1)] * 9 + [(1, 0)] * 4, 2, ties=[(0, 1)] * 3), weigh=False, prior=0.0, tolerance=1e-15
    )
    assert np.isclose(fitted.strength[0] - fitted.strength[1], np.log(9 / 4), atol=1e-4)
    assert np.isclose(fitted.ties, 3 / 6, atol=1e-4)


@settings(max_examples=25)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 4), st.integers(1, 4), st.integers(0, 2), st.booleans()), min_size=1, max_size=40
    )
)
def test_the_objective_of_strengths_never_falls(rows: list[tuple[int, int, int, bool]]) -> None:
    table = np.array([(a, (a + b) % 5, person, tie) for a, b, person, tie in rows], dtype=np.int64)
    made = Compared(
        items=5,
        annotators=3,
        first=table[:, 0],
        second=table[:, 1],
        annotator=table[:, 2],
        tie=table[:, 3].astype(bool),
    )
    for weigh in (True, False):
        fitted = bradley_terry(made, weigh=weigh, rounds=50, tolerance=-1.0)
        assert (np.diff(fitted.objective) >= -1e-9 * (1 + np.abs(fitted.objective[1:]))).all()
        assert np.isfinite(fitted.strength).all()
        assert ((fitted.eta > 0) & (fitted.eta <= 1)).all()


@pytest.mark.parametrize("seed", range(3))
def test_strengths_and_trust_of_simulated_judges_are_recovered(seed: int) -> None:
    random = np.random.default_rng(seed)
    size, strength, eta = 4000, random.normal(0, 1, 20), np.array([0.97, 0.9, 0.8, 0.7, 0.6])
    person, a = random.integers(0, 5, size), random.integers(0, 20, size)
    b = (a + random.integers(1, 20, size)) % 20
    p, q = np.exp(strength[a]), np.exp(strength[b])
    level = 0.6 * np.sqrt(p * q)
    tie = random.random(size) < level / (p + q + level)
    won = (random.random(size) < p / (p + q)) == (random.random(size) < eta[person])
    made = Compared(
        items=20,
        annotators=5,
        first=np.where(won, a, b),
        second=np.where(won, b, a),
        annotator=person,
        tie=tie,
    )
    fitted = bradley_terry(made)
    assert np.corrcoef(fitted.strength, strength)[0, 1] > 0.95
    assert np.corrcoef(fitted.eta, eta)[0, 1] > 0.9
    assert abs(fitted.ties - 0.6) < 0.1
    ends = eta_intervals(made, np.arange(size, dtype=np.int64), fitted, draws=20)
    assert (ends[:, 0] < ends[:, 1]).all()


def test_somebody_who_says_the_opposite_of_all_others_is_not_believed() -> None:
    first = np.array([0, 0, 1] * 30 + [2, 2, 1] * 10, dtype=np.int64)
    second = np.array([1, 2, 2] * 30 + [0, 1, 0] * 10, dtype=np.int64)
    person = np.array([0] * 45 + [1] * 45 + [2] * 30, dtype=np.int64)
    made = Compared(items=3, annotators=3, first=first, second=second, annotator=person, tie=np.zeros(120, dtype=bool))
    fitted = bradley_terry(made)
    assert fitted.eta[2] < 0.3
    assert fitted.eta[0] > 0.9
    assert list(np.argsort(-fitted.strength)) == [0, 1, 2]


def test_a_handful_of_records_says_nothing_of_who_can_be_trusted() -> None:
    def campaign(records: int) -> pl.DataFrame:
        rows = [
            {
                "record": f"r{n}",
                "annotator": who,
                "answer": str(1 + (n + shift) % 2),
                "batch": "main",
                "discarded": False,
            }
            for n in range(records)
            for who, shift in (("a1", 0), ("a2", 0), ("a3", int(n % 5 == 0)))
        ]
        return pl.DataFrame([dict.fromkeys(SCHEMA) | row for row in rows], schema=dict(SCHEMA))

    assert trust(campaign(MIN_RECORDS - 1)).reliability == {}
    assert set(trust(campaign(MIN_RECORDS)).reliability) == {"a1", "a2", "a3"}
