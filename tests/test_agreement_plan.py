"""The planner asks for the records that make an interval as wide as was asked for, and refuses what cannot be meant."""

import json

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from annotation.agreement.labels import krippendorff_alpha, percent_agreement
from annotation.agreement.plan import planned
from annotation.plan_commands import plan
from dataset_cards.versions.errors import Misuse


def drawn(random: np.random.Generator, records: int, overlap: int, shares: list[float], clear: float) -> np.ndarray:
    """Counts (records, labels): a part `clear` of the records has one answer, on the others everybody guesses."""
    answers = random.choice(len(shares), (records, overlap), p=shares)
    known = random.random(records) < clear
    answers[known] = answers[known, :1]
    return np.stack([(answers == label).sum(axis=1) for label in range(len(shares))], axis=1)


@pytest.mark.parametrize(
    ("overlap", "shares", "agreement"),
    [(2, [0.5, 0.5], 0.8), (3, [0.5, 0.5], 0.75), (3, [0.25] * 4, 0.6), (5, [1 / 3] * 3, 0.8), (3, [0.9, 0.1], 0.9),
     (4, [0.7, 0.2, 0.1], 0.85)],
)  # fmt: skip
def test_intervals_are_as_wide_as_planned(overlap: int, shares: list[float], agreement: float) -> None:
    found = planned(half_width=0.08, agreement=agreement, labels=len(shares), annotators=overlap, shares=shares)
    need, random = found.needs[-1], np.random.default_rng(3)
    alphas: list[float] = []
    percents: list[float] = []
    for seed in range(40):
        alpha = krippendorff_alpha(drawn(random, need.records, overlap, shares, found.alpha), "nominal", seed=seed)
        share = percent_agreement(drawn(random, need.share_records, overlap, shares, found.alpha), seed=seed)
        for measure, halves in ((alpha, alphas), (share, percents)):
            assert measure.high is not None
            assert measure.low is not None
            halves.append((measure.high - measure.low) / 2)
    assert np.mean(alphas) == pytest.approx(0.08, rel=0.1)
    least = 45  # records for Wilson's limit of no disagreement; where fewer would do, the interval is narrower
    assert need.share_records >= least
    assert np.mean(percents) < 0.088
    assert need.share_records == least or np.mean(percents) > 0.072


def test_more_precision_takes_more_and_more_people_fewer_records() -> None:
    fine, coarse = (planned(half_width=half, agreement=0.8, labels=3, annotators=6).needs for half in (0.03, 0.06))
    assert [need.overlap for need in fine] == [2, 3, 4, 5, 6]
    for one, other in zip(fine, coarse, strict=True):
        assert one.records == pytest.approx(4 * other.records, abs=4)
    records = [need.records for need in fine]
    assert records == sorted(records, reverse=True)
    assert [need.judgements for need in fine] == sorted(need.judgements for need in fine)


def test_perfect_agreement_still_takes_records() -> None:
    need = planned(half_width=0.05, agreement=1.0, labels=2, annotators=2).needs[0]
    found = krippendorff_alpha(np.array([[2, 0], [0, 2]] * (need.records // 2)), "nominal")
    assert found.value == 1
    assert found.low == pytest.approx(0.95, abs=0.002)


@pytest.mark.parametrize(
    ("half_width", "agreement", "labels", "annotators", "words"),
    [
        (0.0, 0.8, 2, 3, "half width of 0 "),
        (0.05, 0.5, 2, 3, "more than chance"),
        (0.05, 1.2, 2, 3, "at most 1"),
        (0.05, 0.8, 1, 3, "1 labels"),
        (0.05, 0.8, 2, 1, "1 annotators"),
        (float("nan"), 0.8, 2, 3, "half width of nan"),
        (0.05, float("nan"), 2, 3, "agreement of nan"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    half_width: float, agreement: float, labels: int, annotators: int, words: str
) -> None:
    with pytest.raises(Misuse, match=words):
        planned(half_width=half_width, agreement=agreement, labels=labels, annotators=annotators)


def test_the_command_prints_a_table_and_json() -> None:
    app = typer.Typer()
    app.command()(plan)
    given = ["--agreement", "0.8", "--half-width", "0.05", "--labels", "3", "--annotators", "3"]
    text = CliRunner().invoke(app, given)
    assert text.exit_code == 0
    assert "554       1,108" in text.output
    values = json.loads(CliRunner().invoke(app, [*given, "--json"]).output)
    assert values["alpha"] == 0.7
    assert [(one["overlap"], one["records"]) for one in values["overlaps"]] == [(2, 554), (3, 400)]


def test_shares_may_be_counts_and_must_be_one_for_each_label() -> None:
    one = planned(half_width=0.05, agreement=0.9, labels=2, annotators=3, shares=[0.9, 0.1])
    assert planned(half_width=0.05, agreement=0.9, labels=2, annotators=3, shares=[900, 100]) == one
    even = planned(half_width=0.05, agreement=0.9, labels=2, annotators=3)
    assert even.needs[0].records < one.needs[0].records
    for shares in ([0.5, 0.5], [1.0, 0.0, 1.0], [1.0, float("nan"), 1.0]):
        with pytest.raises(Misuse, match="a share above 0 for each label"):
            planned(half_width=0.05, agreement=0.9, labels=3, annotators=3, shares=shares)
    app = typer.Typer()
    app.command()(plan)
    values = json.loads(CliRunner().invoke(app, ["--shares", "900,100", "--agreement", "0.9", "--json"]).output)
    assert values["overlaps"][1]["records"] == one.needs[1].records
    assert isinstance(CliRunner().invoke(app, ["--shares", "many"]).exception, Misuse)
