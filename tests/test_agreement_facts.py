"""The facts of a campaign: what counts and what is told apart, by person, pair, slice and question."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest

from annotation.agreement.facts import agreement
from annotation.judged import SCHEMA

KEYS = {
    "task", "level", "records", "judgements", "annotators", "twice", "discarded", "question", "labels", "measures",
    "by_annotator", "by_pair", "by_slice", "guidelines", "notes",
}  # fmt: skip
PERSON = {
    "annotator", "judgements", "agreement", "gold", "gold_items", "reliability", "weight", "repeat", "first_shown",
    "median_seconds", "flags",
}  # fmt: skip


def judgements(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    filled = [{"batch": "main", "discarded": False, "answer": "", **row} for row in rows]
    return pl.DataFrame([{name: row.get(name) for name in SCHEMA} for row in filled], schema=dict(SCHEMA))


def said(record: str, annotator: str, answer: str, **more: Any) -> dict[str, Any]:
    return {"record": record, "annotator": annotator, "answer": answer, **more}


def campaign(records: int = 60, seed: int = 0) -> list[dict[str, Any]]:
    """Comparisons by a1, a2 and a3, who are right in nine of ten, with orders, times and revisions."""
    random, rows = np.random.default_rng(seed), []
    for number in range(records):
        truth, order = random.integers(1, 3), random.permutation(2).tolist()
        for who in ("a1", "a2", "a3"):
            answer = truth if random.random() < 0.9 else random.integers(1, 3)
            row = said(f"r{number}", who, str(answer), order=order, seconds=float(random.integers(5, 60)))
            rows.append({**row, "at": f"2026-01-01T{number // 60:02}:{number % 60:02}:00", "guidelines": "g1"})
    return rows


def of(entries: list[dict[str, Any]], **wanted: Any) -> dict[str, Any]:
    found = [entry for entry in entries if all(entry[key] == value for key, value in wanted.items())]
    assert len(found) == 1
    return found[0]


def test_facts_have_the_agreed_form_and_survive_json() -> None:
    facts = agreement(judgements(campaign()), task="comparisons", level="nominal", guidelines={"g1": "Be fair."})
    assert facts.keys() == KEYS
    assert all(entry.keys() == PERSON for entry in facts["by_annotator"])
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts
    assert [one["name"] for one in facts["measures"]] == [
        "percent agreement", "Krippendorff's alpha (nominal)", "Fleiss' kappa",
    ]  # fmt: skip
    assert facts["guidelines"] == [{"revision": "g1", "text": "Be fair.", "judgements": 180}]
    assert (facts["records"], facts["judgements"], facts["twice"], facts["annotators"]) == (60, 180, 60, 3)
    assert sum(facts["labels"].values()) == 180


def test_only_first_answers_to_rows_of_the_source_count() -> None:
    rows = campaign()
    more = [
        *(said(f"r{number}", "a1", "tie", batch="repeat") for number in range(5)),
        *(said(f"gold{number}", who, "tie", batch="gold", gold="1") for number in range(5) for who in ("a1", "a2")),
        *(said(f"r{number}", "judge", "both-bad", batch="adjudication") for number in range(9)),
        *(said(f"r{number}", "a4", "", discarded=True) for number in range(7)),
    ]
    plain = agreement(judgements(rows), task="comparisons", level="nominal")
    facts = agreement(judgements([*rows, *more]), task="comparisons", level="nominal")
    for key in ("labels", "measures", "by_pair", "records", "judgements", "annotators", "twice"):
        assert facts[key] == plain[key]
    assert facts["discarded"] == 7
    assert facts["notes"][0] == "answers not counted in agreement: 9 adjudication, 10 gold, 5 repeat"
    assert [one["annotator"] for one in facts["by_annotator"]] == ["a1", "a2", "a3", "a4"]
    assert of(facts["by_annotator"], annotator="a4")["judgements"] == 0


def test_the_order_of_rows_and_the_names_of_people_change_nothing() -> None:
    rows = campaign()
    facts = agreement(judgements(rows), task="comparisons", level="nominal")
    assert agreement(judgements(rows[::-1]), task="comparisons", level="nominal") == facts
    renamed = [{**row, "annotator": {"a1": "a3", "a2": "a1", "a3": "a2"}[row["annotator"]]} for row in rows]
    again = agreement(judgements(renamed), task="comparisons", level="nominal")
    assert again["measures"] == facts["measures"]
    assert {**of(again["by_annotator"], annotator="a3"), "annotator": "a1"} == facts["by_annotator"][0]


def test_calibration_counts_and_a_second_answer_replaces_the_first_with_a_note() -> None:
    rows = [said("r1", "a1", "1", at="2026-01-02"), said("r1", "a2", "1"), said("r2", "a1", "2", batch="calibration")]
    rows += [said("r2", "a2", "2"), said("r1", "a1", "2", at="2026-01-01", batch="calibration")]
    facts = agreement(judgements(rows), task="comparisons", level="nominal")
    assert facts["judgements"] == 4
    assert of(facts["measures"], name="percent agreement")["value"][0] == 1.0
    assert facts["notes"] == ["1 answers were left out: the same person answered the same record again later"]


def test_gold_and_repeats_are_wilson_shares_of_each_person() -> None:
    rows = [said(f"r{number}", who, "1") for number in range(10) for who in ("a1", "a2")]
    rows += [said(f"g{number}", "a1", "1" if number < 81 else "2", batch="gold", gold="1") for number in range(263)]
    rows += [said(f"r{number}", "a2", "1" if number else "2", batch="repeat") for number in range(10)]
    facts = agreement(judgements(rows), task="comparisons", level="nominal")
    first, second = facts["by_annotator"]
    assert first["gold"] == pytest.approx([81 / 263, 0.2553, 0.3662], abs=5e-5)  # Newcombe 1998, table 1
    assert (first["gold_items"], first["repeat"], second["gold"], second["gold_items"]) == (263, None, None, 0)
    assert second["repeat"][0] == 0.9


def test_people_pairs_and_slices_are_measured_alone() -> None:
    rows = [said(f"r{number}", who, "12"[number % 2]) for number in range(40) for who in ("a1", "a2")]
    rows += [said(f"r{number}", "a10", "12"[(number // 2) % 2]) for number in range(20)]
    slices = {"source": {f"r{number}": "web" if number < 20 else "books" for number in range(39)}}
    facts = agreement(judgements(rows), task="comparisons", level="nominal", slices=slices)
    assert [(one["a"], one["b"], one["records"]) for one in facts["by_pair"]] == [
        ("a1", "a2", 40), ("a1", "a10", 20), ("a2", "a10", 20),
    ]  # fmt: skip
    assert facts["by_pair"][0]["kappa"][0] == 1.0
    assert facts["by_pair"][1]["kappa"][0] == 0.0
    assert facts["by_pair"][1]["agreement"][0] == 0.5
    assert of(facts["by_annotator"], annotator="a10")["agreement"][0] == 0.5
    assert of(facts["by_annotator"], annotator="a1")["agreement"][0] == (20 * 0.75 + 20) / 40
    assert [(one["slice"], one["value"], one["records"]) for one in facts["by_slice"]] == [
        ("source", "web", 20), ("source", "books", 19),
    ]  # fmt: skip
    assert of(facts["by_slice"], value="books")["alpha"][0] == 1.0
    assert of(facts["by_slice"], value="web")["alpha"][0] < 0.5


def test_ratings_are_measured_by_question_and_on_their_order() -> None:
    rows = []
    for number in range(30):
        level = number % 5 + 1
        rows.append(said(f"r{number}", "a1", json.dumps({"helpful": level, "honest": 5 - number % 2})))
        rows.append(said(f"r{number}", "a2", json.dumps({"helpful": min(level + 1, 5), "honest": 5 - number % 2})))
    rows.append(said("g1", "a1", json.dumps({"helpful": 3, "honest": 1}), batch="gold", gold='{"helpful": 3}'))
    facts = agreement(judgements(rows), task="ratings", level="ordinal", slices={"odd": {"r1": "yes", "r3": "yes"}})
    assert facts["questions"].keys() == {"helpful", "honest"}
    assert agreement(judgements(rows), task="own", level="ordinal")["questions"]["honest"] == {
        **facts["questions"]["honest"], "by_slice": [],
    }  # fmt: skip
    assert facts["by_annotator"][0]["agreement"] is None
    helpful, honest = facts["questions"]["helpful"], facts["questions"]["honest"]
    assert list(helpful["labels"]) == ["1", "2", "3", "4", "5"]
    assert [one["name"] for one in helpful["measures"]] == [
        "percent agreement", "Krippendorff's alpha (ordinal)", "Krippendorff's alpha (interval)",
        "Cohen's kappa (linear weights)", "Cohen's kappa (quadratic weights)",
    ]  # fmt: skip
    assert of(helpful["measures"], name="percent agreement")["value"][0] == 0.2
    assert of(helpful["measures"], name="Krippendorff's alpha (ordinal)")["value"][0] > 0.6
    assert of(honest["measures"], name="Krippendorff's alpha (ordinal)")["value"][0] == 1.0
    assert of(helpful["by_annotator"], annotator="a1")["gold_items"] == 1
    assert of(honest["by_annotator"], annotator="a1")["gold_items"] == 0
    assert honest["by_slice"] == [
        {"slice": "odd", "value": "yes", "records": 2, "agreement": honest["by_slice"][0]["agreement"], "alpha": None,
         "why": "only one answer was ever given, so chance alone would agree as much"}
    ]  # fmt: skip


def test_weights_are_distances_of_numbers_and_not_of_places_in_a_list() -> None:
    rows = []
    for number, (one, other) in enumerate([(1, 1), (2, 5), (5, 5), (1, 2), (5, 2), (2, 2)] * 5):
        rows += [said(f"r{number}", "a1", str(one)), said(f"r{number}", "a2", str(other))]
    with_gap = agreement(judgements(rows), task="own", level="ordinal")
    seen, chance = (
        (0 + 3 + 0 + 1 + 3 + 0) / 6,
        sum(abs(a - b) for a in (1, 2, 5, 1, 5, 2) for b in (1, 5, 5, 2, 2, 2)) / 36,
    )
    kappa = of(with_gap["measures"], name="Cohen's kappa (linear weights)")["value"][0]
    assert kappa == pytest.approx(1 - seen / chance, abs=1e-6)


def test_the_same_number_is_the_same_rating_however_it_is_written() -> None:
    rows = [said(f"r{number}", who, text) for number in range(9) for who, text in (("a1", "4"), ("a2", "4.0"))]
    rows += [said("r9", "a1", "10"), said("r9", "a2", "10"), said("g", "a1", "5", batch="gold", gold="5.0")]
    facts = agreement(judgements(rows), task="own", level="ordinal")
    assert facts["labels"] == {"4": 18, "10": 2}
    assert facts["by_annotator"][0]["gold"][0] == 1.0
    assert facts["measures"][0]["value"][0] == 1.0
    with pytest.raises(ValueError, match="'nan' is no number"):
        agreement(judgements([said("r1", "a1", "nan")]), task="own", level="ordinal")


def test_rankings_are_measured_on_ranks_with_ties() -> None:
    rows = []
    for number in range(20):
        for who, ranks in (("a1", [1, 2, 2]), ("a2", [1, 3, 3]), ("a3", [1, 2, 3])):
            order = [[0, 1, 2], [1, 0, 2], [2, 1, 0]][number % 3]
            rows.append(said(f"r{number}", who, json.dumps(ranks), ranks=ranks, order=order))
    rows.append(said("r20", "a1", "[1, 1]", ranks=[1, 1]))
    rows.append(said("r20", "a2", "[1, 2]", ranks=[1, 2]))
    rows.append(said("g", "a3", "[1, 3]", ranks=[1, 3], batch="gold", gold="[1, 2]"))
    rows.append(said("r0", "a3", "[1, 1, 3]", ranks=[1, 1, 3], batch="repeat"))
    facts = agreement(judgements(rows), task="rankings", level="ranking", slices={"all": {"r1": "one", "r2": "one"}})
    assert "labels" not in facts
    assert [one["name"] for one in facts["measures"]] == ["percent agreement", "Kendall's tau-b", "Kendall's W"]
    pair = of(facts["by_pair"], a="a1", b="a3")
    assert pair["agreement"][0] == pytest.approx(2 / 3, abs=1e-6)
    assert pair["tau"][0] == pytest.approx(2 / 6**0.5, abs=1e-6)
    assert pair["kappa"] is None
    assert facts["by_slice"][0]["tau"][0] == pytest.approx((1 + 2 * 2 / 6**0.5) / 3, abs=1e-6)
    third = of(facts["by_annotator"], annotator="a3")
    assert third["gold"][0] == 1.0
    assert third["first_shown"][0] == pytest.approx(7 / 20, abs=1e-6)
    assert any("1 of 61 pairs of rankings have no tau" in note for note in facts["notes"])


def test_flags_speak_of_the_screen_and_not_of_the_row() -> None:
    rows = campaign(records=120)
    for row in rows:
        if row["annotator"] == "a2":
            row["answer"], row["seconds"] = str(row["order"][0] + 1), 2.0
    facts = agreement(judgements(rows), task="comparisons", level="nominal")
    lazy = of(facts["by_annotator"], annotator="a2")
    assert lazy["flags"] == ["fast", "straight-lining", "position"]
    assert lazy["first_shown"][0] == 1.0
    assert lazy["median_seconds"] == 2.0
    assert of(facts["by_annotator"], annotator="a1")["flags"] == []
    assert any("what was shown first in" in note for note in facts["notes"])


def test_texts_are_not_measured() -> None:
    rows = [said(f"r{number}", who, f"text {number} {who}") for number in range(3) for who in ("a1", "a2")]
    facts = agreement(judgements(rows), task="demonstrations", level="nominal")
    assert "measures" not in facts
    assert facts["twice"] == 3
    assert facts["notes"] == ["answers are texts, and whether texts agree is not measured"]
    many = [said(f"r{number}", "a1", f"text {number}") for number in range(101)]
    assert "measures" not in agreement(judgements(many), task="own", level="nominal")


@pytest.mark.parametrize("level", ["nominal", "ordinal", "ranking"])
def test_without_any_answer_everything_is_null_with_a_reason(level: Any) -> None:
    facts = agreement(judgements([]), task="comparisons", level=level, slices={"a": {"r": "x"}})
    assert all(one["value"] is None and "no record" in one["why"] for one in facts["measures"])
    assert (facts["by_annotator"], facts["by_pair"], facts["by_slice"]) == ([], [], [])


def test_answers_that_are_not_what_the_level_says_are_named() -> None:
    with pytest.raises(ValueError, match="'good' is no number"):
        agreement(judgements([said("r1", "a1", "good")]), task="own", level="ordinal")
    with pytest.raises(ValueError, match="ratings of a1 about r1 are '4'"):
        agreement(judgements([said("r1", "a1", "4")]), task="ratings", level="ordinal")
    unlike = [said("r1", "a1", "", ranks=[1, 2]), said("r1", "a2", "", ranks=[1, 2, 3])]
    with pytest.raises(ValueError, match="2 and 3 ranks"):
        agreement(judgements(unlike), task="rankings", level="ranking")
    with pytest.raises(ValueError, match="no ranks"):
        agreement(judgements([said("r1", "a1", "")]), task="rankings", level="ranking")


def test_a_source_that_lists_the_better_response_first_does_not_look_like_agreement_by_chance() -> None:
    random = np.random.default_rng(5)
    rows = []
    for number in range(400):
        order = random.permutation(2).tolist()
        for who in ("a1", "a2"):
            answer = "1" if random.random() < 0.9 else "2"  # response 1 is the better one, and nine of ten see it
            rows.append(said(f"r{number}", who, answer, order=order))
    placed = agreement(judgements(rows), task="comparisons", level="nominal")
    listed = agreement(judgements([{**row, "order": None} for row in rows]), task="comparisons", level="nominal")
    measures = [{one["name"]: one["value"] for one in facts["measures"]} for facts in (placed, listed)]
    assert measures[0]["percent agreement"] == measures[1]["percent agreement"]
    alpha = "Krippendorff's alpha (nominal)"
    assert abs(measures[0][alpha][0] - 0.64) < 0.1, "0.82 observed against 0.5 by chance"
    assert measures[1][alpha][0] < 0.2, "told by the source, chance explains nearly everything"
    assert placed["labels"] == listed["labels"]


def test_gold_and_repeats_mean_the_same_whichever_way_answers_are_told() -> None:
    rows = [
        said("r1", "a1", "1", order=[1, 0]),
        said("r1", "a1", "1", order=[0, 1], batch="repeat"),
        said("g1", "a1", "2", order=[1, 0], batch="gold", gold="2"),
        said("g2", "a1", "2", order=[0, 1], batch="gold", gold="1"),
    ]
    (person,) = agreement(judgements(rows), task="comparisons", level="nominal")["by_annotator"]
    assert (person["gold"][0], person["repeat"][0]) == (0.5, 1.0)
