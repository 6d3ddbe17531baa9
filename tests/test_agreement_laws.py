"""What holds of every measure of agreement, whatever was answered; and how its intervals behave."""

from collections.abc import Callable
from functools import partial
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.agreement.interval import Measured, mean_share, proportion
from annotation.agreement.labels import fleiss_kappa, krippendorff_alpha, percent_agreement
from annotation.agreement.rankings import kendall_tau, kendall_w, order_agreement
from annotation.agreement.two import cohen_kappa

Counted = Callable[..., Measured]
ON_COUNTS: dict[str, Counted] = {
    "percent": percent_agreement,
    "fleiss": fleiss_kappa,
    "nominal": partial(krippendorff_alpha, level="nominal"),
    "ordinal": partial(krippendorff_alpha, level="ordinal"),
    "interval": partial(krippendorff_alpha, level="interval"),
}
ON_RANKS = {"order": order_agreement, "tau": kendall_tau, "w": kendall_w}
NAMES = st.sampled_from(sorted(ON_COUNTS))

counted = st.lists(st.lists(st.integers(0, 4), min_size=3, max_size=3), min_size=1, max_size=30).map(np.array)
rows = {size: st.lists(st.integers(1, 4), min_size=size, max_size=size) for size in (2, 3, 4)}
ranked = st.lists(st.one_of([st.lists(row, min_size=1, max_size=3) for row in rows.values()]), min_size=1, max_size=12)


def same(one: Measured, other: Measured, *, intervals: bool = True) -> bool:
    if one.value is None or other.value is None:
        return one == other
    keys = ("value", "low", "high") if intervals else ("value",)
    return one.records == other.records and all(getattr(one, key) == pytest.approx(getattr(other, key)) for key in keys)


@settings(max_examples=60)
@given(NAMES, counted)
def test_a_value_lies_in_its_interval_and_is_undefined_only_with_a_reason(name: str, counts: np.ndarray) -> None:
    found = ON_COUNTS[name](counts)
    if found.value is None:
        assert found.why
        assert found.low is None
        assert found.high is None
        assert found.triple() is None
        return
    assert not found.why
    assert found.low is not None
    assert found.high is not None
    assert np.isfinite([found.low, found.high]).all()
    assert found.low <= found.value <= found.high <= 1


@settings(max_examples=60)
@given(NAMES, counted, st.permutations(range(30)))
def test_the_order_of_records_and_records_judged_once_change_nothing(
    name: str, counts: np.ndarray, order: list[int]
) -> None:
    shuffled = counts[[place for place in order if place < len(counts)]]
    once = np.vstack([shuffled, np.eye(3, dtype=int), np.zeros((1, 3), dtype=int)])
    assert ON_COUNTS[name](counts) == ON_COUNTS[name](once)


@settings(max_examples=60)
@given(st.sampled_from(["percent", "fleiss", "nominal"]), counted, st.permutations(range(3)))
def test_renaming_labels_changes_no_nominal_value(name: str, counts: np.ndarray, order: list[int]) -> None:
    assert same(ON_COUNTS[name](counts), ON_COUNTS[name](counts[:, order]), intervals=False)


@settings(max_examples=60)
@given(st.sampled_from(["ordinal", "interval"]), counted)
def test_turning_the_scale_round_changes_no_ordinal_value(name: str, counts: np.ndarray) -> None:
    assert same(ON_COUNTS[name](counts), ON_COUNTS[name](counts[:, ::-1]), intervals=False)


@settings(max_examples=60)
@given(counted)
def test_with_two_labels_all_levels_of_alpha_are_one(counts: np.ndarray) -> None:
    found = [ON_COUNTS[name](counts[:, :2]) for name in ("nominal", "ordinal", "interval")]
    assert same(found[0], found[1])
    assert same(found[0], found[2])


@pytest.mark.parametrize("name", sorted(ON_COUNTS))
def test_agreeing_about_everything_is_one_but_no_certainty(name: str) -> None:
    unanimous = np.array([[3, 0, 0], [0, 2, 0], [0, 0, 4]] * 5)
    found = ON_COUNTS[name](unanimous)
    assert found.value == pytest.approx(1)
    assert found.high == pytest.approx(1)
    assert found.low is not None
    assert 0 < found.low < 0.9
    more = ON_COUNTS[name](np.tile(unanimous, (100, 1)))
    assert more.low is not None
    assert 0.98 < more.low < 1


@pytest.mark.parametrize("name", sorted(ON_COUNTS))
def test_one_record_no_overlap_and_one_label_have_no_value_but_a_reason(name: str) -> None:
    assert "only one record" in ON_COUNTS[name](np.array([[2, 1, 0], [1, 0, 0]])).why
    assert "no record" in ON_COUNTS[name](np.array([[1, 0, 0], [0, 1, 0]])).why
    assert "no record" in ON_COUNTS[name](np.zeros((0, 3), dtype=int)).why
    alike = ON_COUNTS[name](np.array([[2, 0, 0], [3, 0, 0]]))
    assert (alike.value == 1) if name == "percent" else ("only one answer" in alike.why)


@pytest.mark.parametrize("name", [name for name in sorted(ON_COUNTS) if name != "percent"])
def test_answers_by_chance_agree_by_chance(name: str) -> None:
    random, values, held = np.random.default_rng(5), [], 0
    for seed in range(200):
        found = ON_COUNTS[name](random.multinomial(3, [0.6, 0.3, 0.1], size=200), seed=seed, resamples=1000)
        assert found.value is not None
        assert found.low is not None
        assert found.high is not None
        values.append(found.value)
        held += found.low < 0 < found.high
    assert np.mean(values) == pytest.approx(0, abs=0.01)
    assert 0.9 <= held / 200 <= 0.99


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40), st.permutations(range(4)))
def test_kappa_does_not_depend_on_who_is_first_or_on_names_of_labels(
    answers: list[tuple[int, int]], names: list[int]
) -> None:
    first, second = np.array(answers).T
    plain = cohen_kappa(first, second, 4, resamples=100)
    assert same(plain, cohen_kappa(second, first, 4, resamples=100), intervals=False)
    renamed = cohen_kappa(np.array(names)[first], np.array(names)[second], 4, resamples=100)
    assert same(plain, renamed, intervals=False)
    squared = np.square(np.subtract.outer(range(4), range(4)))
    by_name, by_matrix = (cohen_kappa(first, second, 4, how, resamples=100) for how in ("quadratic", squared))
    assert by_name == by_matrix
    mirrored = cohen_kappa(3 - first, 3 - second, 4, "linear", resamples=100)
    assert same(cohen_kappa(first, second, 4, "linear", resamples=100), mirrored, intervals=False)


@settings(max_examples=60)
@given(st.sampled_from(sorted(ON_RANKS)), ranked, st.randoms())
def test_rankings_do_not_depend_on_people_places_or_the_size_of_ranks(
    name: str, records: list[list[list[int]]], random: Random
) -> None:
    plain = ON_RANKS[name](records, resamples=100)
    people = [random.sample(ranks, len(ranks)) for ranks in records]
    places = [np.array(ranks)[:, random.sample(range(len(ranks[0])), len(ranks[0]))] for ranks in people]
    spread = [ranks * 3 + 5 for ranks in places]
    assert same(plain, ON_RANKS[name]([*spread, np.array([[1, 2]])], resamples=100), intervals=False)


@pytest.mark.parametrize("name", sorted(ON_RANKS))
def test_rankings_that_agree_are_one_and_a_single_tie_is_left_out(name: str) -> None:
    same_order = [[[1, 2, 2], [1, 3, 3]], [[4, 3, 2, 1]] * 3]
    assert ON_RANKS[name](same_order).value == pytest.approx(1)
    tied = [*same_order, [[1, 1, 1], [1, 1, 1]]]
    assert ON_RANKS[name](tied).records == (3 if name == "order" else 2)
    assert ON_RANKS[name]([[[1, 2], [2, 1]]] * 30).value == pytest.approx({"order": 0, "tau": -1, "w": 0}[name])


def test_the_same_seed_gives_the_same_interval_and_another_seed_about_the_same() -> None:
    counts = np.random.default_rng(2).multinomial(3, [0.5, 0.3, 0.2], size=300)
    one, again, other = (krippendorff_alpha(counts, "nominal", seed=seed) for seed in (1, 1, 2))
    assert one == again
    assert one.low == pytest.approx(other.low, abs=0.01)


@pytest.mark.parametrize(("clear", "people"), [(0.4, 2), (0.8, 3)])
def test_the_interval_of_alpha_holds_the_truth_about_as_often_as_it_says(clear: float, people: int) -> None:
    random, held = np.random.default_rng(7), 0
    for seed in range(200):
        found = krippendorff_alpha(_mixed(random, clear, people), "nominal", seed=seed, resamples=400)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= clear <= found.high
    assert 0.9 <= held / 200 <= 0.99


def _mixed(random: np.random.Generator, clear: float, people: int) -> np.ndarray:
    """Eighty records, three labels: clear ones, where all say the same, and others, where all guess: alpha `clear`."""
    answers = random.integers(0, 3, (80, people))
    known = random.random(80) < clear
    answers[known] = answers[known, :1]
    return np.stack([(answers == label).sum(axis=1) for label in range(3)], axis=1)


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_limits_are_those_of_newcombe_1998_table_1(hits: int, of: int, low: float, high: float) -> None:
    found = proportion(hits, of)
    assert [found.value, found.low, found.high] == pytest.approx([hits / of, low, high], abs=5e-5)


def test_what_cannot_be_meant_is_refused() -> None:
    with pytest.raises(ValueError, match="5 hits among 4"):
        proportion(5, 4)
    with pytest.raises(ValueError, match="counts must be whole numbers"):
        percent_agreement([[0.5, 0.5]])
    with pytest.raises(ValueError, match="one value for each label"):
        krippendorff_alpha([[1, 1]], "interval", [1, 2, 3])
    with pytest.raises(ValueError, match="not about the same records"):
        cohen_kappa([0, 1], [0], 2)
    with pytest.raises(ValueError, match="from 0 to 1"):
        cohen_kappa([0, 2], [0, 1], 2)
    with pytest.raises(ValueError, match="0 on the diagonal"):
        cohen_kappa([0, 1], [0, 1], 2, [[1, 0], [0, 1]])
    with pytest.raises(ValueError, match="ranking 1 must be"):
        kendall_tau([[[1, 2], [2, 1]], [1, 2]])


def test_a_mean_of_equal_shares_is_itself() -> None:
    assert mean_share([0.5] * 100).value == 0.5
