"""Precision, recall, F1 and the area under the ROC curve, against published figures and against counting by hand."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.measures import precision_recall_f1, proportion, roc_auc

counts = st.integers(0, 300)


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_limits_are_those_of_newcombe_1998_table_1(hits: int, of: int, low: float, high: float) -> None:
    assert proportion(hits, of) == pytest.approx([hits / of, low, high], abs=5e-5)


def test_more_hits_than_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="5 hits among 4"):
        proportion(5, 4)


@given(counts, counts, counts)
def test_values_are_the_definitions_and_limits_hold_them(tp: int, fp: int, fn: int) -> None:
    found = precision_recall_f1(tp, fp, fn)
    values = {name: triple[0] for name, triple in found.items() if triple}
    expected = {"precision": (tp, tp + fp), "recall": (tp, tp + fn), "f1": (2 * tp, 2 * tp + fp + fn)}
    assert values == pytest.approx({name: hits / of for name, (hits, of) in expected.items() if of})
    for triple in found.values():
        assert triple is None or 0 <= triple[1] <= triple[0] <= triple[2] <= 1


def test_nothing_to_divide_by_is_none_and_all_wrong_is_zero() -> None:
    assert precision_recall_f1(0, 0, 0) == {"precision": None, "recall": None, "f1": None}
    nothing_found = precision_recall_f1(0, 0, 5)
    assert nothing_found["precision"] is None
    assert nothing_found["recall"] is not None
    assert nothing_found["recall"][:2] == [0.0, 0.0]


def test_all_right_still_has_a_width_that_rows_make_smaller() -> None:
    few, many = precision_recall_f1(10, 0, 0)["f1"], precision_recall_f1(1000, 0, 0)["f1"]
    assert few is not None
    assert many is not None
    assert few[1] < 0.9 < 0.99 < many[1] < few[2] == 1.0


ranked = st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=1, max_size=40)


@given(ranked)
def test_the_area_is_the_share_of_pairs_in_the_right_order(rows: list[tuple[int, bool]]) -> None:
    scores, labels = [score / 8 for score, _ in rows], [label for _, label in rows]
    high, low = ([score for score, label in rows if label is kind] for kind in (True, False))
    found = roc_auc(scores, labels)
    if not high or not low:
        assert found is None
        return
    pairs = [(a > b) + (a == b) / 2 for a, b in itertools.product(high, low)]
    assert found is not None
    assert found[0] == pytest.approx(sum(pairs) / len(pairs))
    assert 0 <= found[1] <= found[0] <= found[2] <= 1
    turned = roc_auc([-score for score in scores], labels)
    assert turned == pytest.approx([1 - found[0], 1 - found[2], 1 - found[1]], abs=1e-9)


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    draw, held = np.random.default_rng(3), 0
    for _ in range(300):
        scores = np.concatenate([draw.normal(1, 1, 40), draw.normal(0, 1, 120)])
        found = roc_auc(scores, np.arange(160) < 40)
        assert found is not None
        held += found[1] <= 0.76025 <= found[2]
    assert 0.91 <= held / 300 <= 0.99


def test_a_perfect_order_is_not_taken_for_certainty() -> None:
    found = roc_auc(np.arange(40), np.arange(40) >= 20)
    assert found is not None
    assert found[0] == 1.0
    assert 0.8 < found[1] < 0.95


def test_scores_that_have_no_rank_are_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        roc_auc([0.1, float("nan")], [True, False])
    with pytest.raises(ValueError, match="one length"):
        roc_auc([0.1, 0.2], [True])
