"""The parts of a classifier: labels, the cut of rows, windows, calibration, and figures at a threshold."""

from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.classify.calibrate import UNCHANGED, Calibration, calibrate, calibration_error
from curation.classify.labelled import TEST, Labels, parts
from curation.classify.learn import Settings
from curation.classify.outcome import best_threshold, outcome
from curation.classify.train import TrainClassifier
from curation.classify.windows import windows
from curation.words import buffers


@given(st.lists(st.text("ab \n", max_size=60), min_size=1, max_size=5), st.integers(1, 8))
def test_windows_hold_every_word_once_and_at_least_as_many_as_asked(texts: list[str], words: int) -> None:
    data, offsets = buffers(pl.Series(texts))
    begins, firsts = windows(data, offsets, words)
    assert begins[0] == offsets[0]
    for text, (first, end) in zip(texts, pairwise(firsts), strict=True):
        pieces = [data[a:b].tobytes().decode().split() for a, b in pairwise(begins[first : end + 1])]
        assert [word for piece in pieces for word in piece] == text.split()
        assert len(pieces) == 1 or words <= min(map(len, pieces)) <= max(map(len, pieces)) < 2 * words


@given(st.lists(st.integers(0, 2**64 - 1), max_size=30), st.floats(0.05, 0.5), st.floats(0.05, 0.4))
def test_a_part_depends_on_the_key_alone_and_larger_shares_move_rows_one_way(
    keys: list[int], test: float, calibration: float
) -> None:
    frame = pl.DataFrame({"key": pl.Series(keys, dtype=pl.UInt64)})
    found = parts(frame, test, calibration)
    assert found.to_list() == [parts(frame[n], test, calibration).item() for n in range(frame.height)]
    more = parts(frame, test + 0.05, calibration)
    assert not ((found == TEST) & (more != TEST)).any()


@pytest.mark.parametrize(
    ("metadata", "label"),
    [
        ('{"label": "spam"}', "spam"),
        ('{"toxic": true, "label": "x"}', "true"),
        ('{"toxic": 1}', "1"),
        ('{"toxic": null, "label": "late"}', "late"),
        ("{}", None),
        ("not json", None),
        ("[1]", None),
        (None, None),
    ],
)
def test_a_label_is_the_first_field_that_has_one(metadata: str | None, label: str | None) -> None:
    assert Labels(fields=("toxic", "label"), positive=("x",)).of(metadata) == label


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="leave rows to train on"):
        TrainClassifier(sources=("a",), positive=("spam",), test_share=0.9, calibration_share=0.2)
    with pytest.raises(ValueError, match="positive and negative at once"):
        TrainClassifier(sources=("a",), positive=("spam",), negative=("spam",))
    with pytest.raises(ValueError, match="epochs, dim must be 1 or more"):
        Settings(epochs=0, dim=0)


def over_confident(count: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Scores whose log-odds are three times what they should be, and the truth they were drawn from."""
    draw = np.random.default_rng(1)
    odds = draw.normal(-0.5, 1.5, count)
    return 1 / (1 + np.exp(-3 * odds)), draw.random(count) < 1 / (1 + np.exp(-odds))


def test_calibration_finds_the_exaggeration_and_removes_it() -> None:
    scores, truth = over_confident(20_000)
    found = calibrate(scores[:10_000], truth[:10_000])
    assert found.slope == pytest.approx(1 / 3, rel=0.06)
    before, after = scores[10_000:], found.apply(scores[10_000:])
    assert calibration_error(after, truth[10_000:]) < 0.02 < 0.1 < calibration_error(before, truth[10_000:])
    assert (np.argsort(before, kind="stable") == np.argsort(after, kind="stable")).all()


def test_a_score_that_says_nothing_or_the_opposite_becomes_the_share_of_positives() -> None:
    scores, truth = over_confident(2_000)
    useless = calibrate(1 - scores, truth)
    assert useless.slope == 0.0
    assert useless.apply(scores) == pytest.approx(truth.mean())
    with pytest.raises(ValueError, match="of 3 rows 0 are positive"):
        calibrate(np.array([0.1, 0.2, 0.3]), np.array([False] * 3))


def test_rows_that_are_told_apart_perfectly_keep_finite_numbers() -> None:
    found = calibrate(np.array([0.0] * 20 + [1.0] * 20), np.arange(40) >= 20)
    assert 0 < found.slope < 10
    assert found.apply(np.array([0.0, 1.0])) == pytest.approx([0.0, 1.0], abs=0.06)
    assert np.isnan(found.apply(np.array([np.nan]))).all()
    assert np.isnan(UNCHANGED.apply(np.array([np.nan]))).all()


@given(st.floats(0.01, 20), st.floats(-10, 10), st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_a_calibrated_score_is_a_probability_in_the_same_order(
    slope: float, offset: float, scores: list[float]
) -> None:
    found = Calibration(slope=slope, offset=offset).apply(np.array(sorted(scores)))
    assert ((found >= 0) & (found <= 1)).all()
    assert (np.diff(found) >= 0).all()


def test_outcomes_count_by_version_and_on_the_line_as_the_rule_does() -> None:
    frame = pl.DataFrame(
        {"from": ["a", "a", "b", "b"], "positive": [True, False, True, False], "probability": [0.5, 0.4, 0.9, 0.6]}
    )
    strict, inclusive = (outcome("s", "set", frame, 0.5, inclusive=kind)["results"] for kind in (False, True))
    assert [(entry["label"], entry["support"]) for entry in strict] == [("a", 1), ("b", 1), ("all", 2)]
    assert [entry["recall"][0] for entry in strict] == [0.0, 1.0, 0.5]
    assert [entry["recall"][0] for entry in inclusive] == [1.0, 1.0, 1.0]
    assert best_threshold(frame) == 0.49
