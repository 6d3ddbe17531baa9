"""Deciding labels: the laws that every way of deciding keeps, what counts as a vote, and real judgements."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.decide.decide import By, decide
from annotation.decide.orders import midranks, orders, places, weigh
from annotation.decide.trust import trust
from annotation.decide.votes import votes
from dataset_cards.versions.errors import Misuse

from .deciding import Said, frame

BYS: tuple[By, ...] = ("majority", "weighted", "dawid-skene", "adjudicated")
ANSWERS = ("1", "2", "tie", "both-bad")
PEOPLE = ("a1", "a2", "a3", "a4", "a5")

said_by_some = st.lists(
    st.tuples(st.sampled_from(("r", "s", "t", "u")), st.sampled_from(PEOPLE), st.sampled_from(ANSWERS)),
    min_size=1,
    max_size=20,
    unique_by=lambda one: one[:2],
)


def decided(judgements: pl.DataFrame, by: By = "majority", **more: Any) -> dict[str, tuple[Any, ...]]:
    rows = decide(judgements, by=by, **more).select("record", "label", "how", "votes", "margin").iter_rows()
    return {record: rest for record, *rest in rows}  # type: ignore[misc]


@pytest.mark.parametrize("by", BYS)
@settings(max_examples=20)
@given(said=said_by_some, data=st.data())
def test_order_of_judgements_and_names_of_people_change_nothing(by: By, said: Said, data: st.DataObject) -> None:
    names = dict(zip(PEOPLE, data.draw(st.permutations([f"x{n}" for n in range(5)])), strict=True))
    shuffled = data.draw(st.permutations(said))
    one = decide(frame(said), by=by)
    two = decide(frame([(record, names[person], answer) for record, person, answer in shuffled]), by=by)
    assert one.drop("margin").equals(two.drop("margin"))
    assert (one["margin"] - two["margin"]).abs().max() <= 2e-6


@settings(max_examples=20)
@given(said=said_by_some, record=st.sampled_from(("r", "s", "t", "u")), weights=st.lists(st.floats(0, 5), min_size=6))
def test_one_more_answer_for_2_never_moves_a_decision_towards_1(said: Said, record: str, weights: list[float]) -> None:
    height = {"2": 0, "1": 2}
    given_weights = dict(zip((*PEOPLE, "late"), weights, strict=False))
    for by, more in (("majority", {}), ("weighted", {"weights": given_weights})):
        before = decided(frame(said), by, **more).get(record)  # type: ignore[arg-type]
        after = decided(frame([*said, (record, "late", "2")]), by, **more)  # type: ignore[arg-type]
        if before is not None:
            assert height.get(str(after[record][0]), 1) <= height.get(str(before[0]), 1)
        assert {name: rest for name, rest in after.items() if name != record} == {
            name: rest
            for name, rest in decided(frame(said), by, **more).items()
            if name != record  # type: ignore[arg-type]
        }


@pytest.mark.parametrize("by", BYS)
@settings(max_examples=20)
@given(said=said_by_some)
def test_every_record_has_one_decision_that_fits_its_votes(by: By, said: Said) -> None:
    rows = decide(frame(said), by=by)
    assert rows["record"].to_list() == sorted({record for record, _, _ in said})
    for row in rows.iter_rows(named=True):
        given_answers = {answer for record, _, answer in said if record == row["record"]}
        assert row["votes"] == sum(record == row["record"] for record, _, _ in said)
        assert 0 <= row["margin"] <= 1
        assert (row["margin"] > 0) == (row["label"] is not None)
        assert (row["how"] == "unanimous") == (len(given_answers) == 1)
        assert (row["how"] is None) == (row["reason"] is not None)
        if by != "dawid-skene" and row["label"] is not None:
            assert row["label"] in given_answers


def test_the_label_with_more_votes_wins_and_level_votes_stay_a_tie() -> None:
    said = [("r", "a", "1"), ("r", "b", "1"), ("r", "c", "2"), ("s", "a", "1"), ("s", "b", "2")]
    said += [("t", "a", "1"), ("t", "b", "2"), ("t", "c", "tie"), ("u", "a", "both-bad"), ("u", "b", "both-bad")]
    assert decided(frame(said)) == {
        "r": ["1", "majority", 3, 0.333333],
        "s": [None, "tie", 2, 0.0],
        "t": [None, "tie", 3, 0.0],
        "u": ["both-bad", "unanimous", 2, 1.0],
    }


def test_gold_repeats_and_discarded_answers_are_no_votes_and_calibration_is_one() -> None:
    said = [("r", "a", "1"), ("r", "b", "2"), ("r", "c", "2"), ("r", "d", ""), ("r", "e", "1"), ("s", "d", "")]
    batches = ["main", "gold", "repeat", "main", "calibration", "main"]
    judgements = frame(said, batch=batches, discarded=[False, False, False, True, False, True])
    assert decided(judgements)["r"] == ["1", "unanimous", 2, 1.0]
    silent = decide(judgements).filter(record="s").row(0, named=True)
    assert (silent["label"], silent["how"], silent["reason"]) == (None, None, "all-discarded")


def test_adjudication_stands_over_first_answers_for_every_way_of_deciding() -> None:
    said = [("r", "a", "1"), ("r", "b", "1"), ("r", "c", "2"), ("r", "z", "2"), ("s", "a", "1"), ("s", "b", "2")]
    judgements = frame(said, batch=["main", "main", "main", "adjudication", "main", "main"])
    for by in BYS:
        assert decided(judgements, by)["r"] == ["2", "adjudicated", 1, 1.0]
    left = decide(judgements, by="adjudicated").filter(record="s").row(0, named=True)
    assert (left["how"], left["reason"]) == (None, "not-adjudicated")
    both = frame([*said, ("r", "y", "1")], batch=["main"] * 3 + ["adjudication", "main", "main", "adjudication"])
    assert decided(both)["r"] == [None, "tie", 2, 0.0], "adjudicators who disagree decide nothing"


def test_somebody_who_answers_again_has_one_vote_the_last() -> None:
    said = [("r", "a", "1"), ("r", "a", "2"), ("r", "b", "2"), ("s", "a", "1"), ("s", "a", "")]
    at = ["2026-01-01T00:00:01", "2026-01-01T00:00:02", None, "2026-01-01T00:00:01", "2026-01-01T00:00:02"]
    judgements = frame(said, at=at, discarded=[False] * 4 + [True])
    assert decided(judgements)["r"] == ["2", "unanimous", 2, 1.0]
    assert "s" not in votes(judgements)["record"].to_list(), "what was taken back by a discard is no vote"
    level = frame([("r", "a", "1"), ("r", "a", "2"), ("r", "b", "2"), ("r", "c", "1"), ("r", "c", "1")])
    assert decided(level)["r"] == [None, "tie", 2, 0.0], "a has contradicted themselves, c has said the same twice"


def test_weights_let_one_reliable_person_stand_against_two() -> None:
    said = [("r", "good", "1"), ("r", "b", "2"), ("r", "c", "2")]
    assert decided(frame(said), "weighted", weights={"good": 3.0, "b": 1.0, "c": 1.0})["r"] == ["1", "weighted", 3, 0.2]
    assert decided(frame(said), "weighted", weights={"good": 2.0, "b": 1.0, "c": 1.0})["r"] == [None, "tie", 3, 0.0]
    with pytest.raises(Misuse, match="weights: none for b, c"):
        decide(frame(said), by="weighted", weights={"good": 1.0})
    with pytest.raises(Misuse, match="below 0"):
        decide(frame(said), by="weighted", weights={"good": -1.0, "b": 1.0, "c": 1.0})


def test_gold_answers_teach_who_is_trusted() -> None:
    said = [(f"g{n}", person, "1") for n in range(20) for person in ("good", "b")]
    gold = ["1" if n % 2 else "2" for n in range(20) for _ in range(2)]
    said = [(record, person, gold[n] if person == "good" else "1") for n, (record, person, _) in enumerate(said)]
    said += [("r", "good", "2"), ("r", "b", "1")]
    judgements = frame(said, batch=["gold"] * 40 + ["main"] * 2, gold=[*gold, None, None])
    known = trust(judgements)
    assert known.weight["good"] > 2
    assert known.weight["b"] < 0.3
    assert known.reliability["good"][0] > 0.9
    for by in ("weighted", "dawid-skene"):
        assert decided(judgements, by)["r"][0] == "2"  # type: ignore[arg-type]
    assert "g1" not in decided(judgements), "gold items are no rows of the source"


def pandalm(folder: Path) -> list[dict[str, Any]]:
    with zstandard.open(folder / "preference" / "pandalm_human.jsonl.zst", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def test_the_three_judgements_of_pandalm_become_the_label_that_counting_gives(shared_data: Path) -> None:
    names = {0: "tie", 1: "1", 2: "2"}
    rows = pandalm(shared_data)
    said = [(f"{row['idx']:04d}", f"a{n}", names[row[f"annotator{n}"]]) for row in rows for n in (1, 2, 3)]
    counted = {}
    for row in rows:
        order = Counter(names[row[f"annotator{n}"]] for n in (1, 2, 3)).most_common()
        level = len(order) > 1 and order[0][1] == order[1][1]
        counted[f"{row['idx']:04d}"] = None if level else order[0][0]
    majority = decide(frame(said))
    assert dict(majority.select("record", "label").iter_rows()) == counted
    assert Counter(majority["how"]) == {"unanimous": 601, "majority": 86}
    # crowd-kit 1.4.2, DawidSkene and OneCoinDawidSkene: 337 times 2, 272 times 1, 78 ties.
    for by in ("weighted", "dawid-skene"):
        other = decide(frame(said), by=by)  # type: ignore[arg-type]
        assert Counter(other["label"]) == {"2": 337, "1": 272, "tie": 78}
        assert other["label"].to_list() == majority["label"].to_list()


def test_error_rates_of_pandalm_are_those_that_crowd_kit_computes(shared_data: Path) -> None:
    from annotation.reliability.coded import coded
    from annotation.reliability.dawid_skene import dawid_skene

    names = {0: "tie", 1: "1", 2: "2"}
    said = [(f"{r['idx']:04d}", f"a{n}", names[r[f"annotator{n}"]]) for r in pandalm(shared_data) for n in (1, 2, 3)]
    answers = coded(frame(said))
    full = dawid_skene(answers, smoothing=0.0, rounds=500, tolerance=-1.0)
    assert full.priors.round(6).tolist() == [0.395983, 0.489877, 0.11414]
    assert full.confusion[0].round(6).tolist() == [
        [0.981655, 0.018345, 0.0],
        [0.018406, 0.969946, 0.011649],
        [0.047893, 0.083898, 0.868209],
    ]
    coin = dawid_skene(answers, model="one-coin", smoothing=0.0, rounds=500, tolerance=-1.0)
    assert coin.confusion[:, 0, 0].round(6).tolist() == [0.963901, 0.943594, 0.963241]


def ranked(said: list[tuple[str, str, list[int]]], **more: Any) -> pl.DataFrame:
    return frame(
        [(record, person, json.dumps(ranks)) for record, person, ranks in said], ranks=[r for *_, r in said], **more
    )


def test_ranks_are_averaged_with_ties_sharing_their_places() -> None:
    assert midranks([1, 1, 5]) == [1.5, 1.5, 3.0]
    assert places([2.0, 1.0, 2.0]) == [2, 1, 2]
    found = orders(ranked([("r", "a", [1, 2, 3]), ("r", "b", [1, 3, 2]), ("s", "a", [1, 2]), ("s", "b", [2, 1])]))
    assert (found["r"].ranks, found["r"].scores, found["r"].how) == ([1, 2, 2], [1.0, 2.5, 2.5], "mean")
    assert (found["s"].ranks, found["s"].how) == ([1, 1], "tie")
    agreed = orders(ranked([("r", "a", [1, 2, 2]), ("r", "b", [1, 5, 5])]))
    assert (agreed["r"].ranks, agreed["r"].how) == ([1, 2, 2], "unanimous")
    second = orders(ranked([("r", "a", [1, 2]), ("r", "z", [2, 1])], batch=["main", "adjudication"]))
    assert (second["r"].ranks, second["r"].how) == ([2, 1], "adjudicated")


def test_bradley_terry_believes_those_who_agree_with_the_others() -> None:
    said = [(f"r{n}", person, [1, 2, 3]) for n in range(30) for person in ("a", "b")]
    said += [(f"r{n}", "contrary", [3, 2, 1]) for n in range(30)]
    said += [("last", "a", [1, 2, 3]), ("last", "contrary", [3, 2, 1])]
    trusted = weigh(ranked(said), draws=5)
    assert trusted.weight["a"] > 1
    assert trusted.weight["contrary"] == 0
    assert orders(ranked(said), by="bradley-terry")["last"].ranks == [1, 2, 3]
    assert orders(ranked(said), by="mean")["last"].ranks == [1, 1, 1]


rankings_by_some = st.lists(
    st.tuples(
        st.sampled_from(("r", "s")), st.sampled_from(PEOPLE), st.lists(st.integers(1, 3), min_size=3, max_size=3)
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda one: one[:2],
)


@settings(max_examples=20)
@given(said=rankings_by_some, data=st.data())
def test_order_and_names_change_no_ranking(said: list[tuple[str, str, list[int]]], data: st.DataObject) -> None:
    names = dict(zip(PEOPLE, data.draw(st.permutations(PEOPLE)), strict=True))
    moved = [(record, names[person], ranks) for record, person, ranks in data.draw(st.permutations(said))]
    one, two = orders(ranked(said)), orders(ranked(moved))
    assert {name: (order.ranks, order.how) for name, order in one.items()} == {
        name: (order.ranks, order.how) for name, order in two.items()
    }


@settings(max_examples=20)
@given(said=rankings_by_some)
def test_a_further_ranking_with_the_first_response_on_top_never_lowers_it(
    said: list[tuple[str, str, list[int]]],
) -> None:
    before = orders(ranked(said))
    after = orders(ranked([*said, ("r", "late", [1, 2, 2])]))
    if "r" in before:
        assert after["r"].ranks[0] <= before["r"].ranks[0]


def test_rankings_that_cannot_be_meant_are_refused() -> None:
    with pytest.raises(Misuse, match="different numbers of responses"):
        orders(ranked([("r", "a", [1, 2]), ("r", "b", [1, 2, 3])]))
    with pytest.raises(Misuse, match="without ranks"):
        orders(frame([("r", "a", "1")]))
