"""Prefer on real tables: which row a label makes, what is not kept and why, and that no row goes missing.

`deciding.Outcome` checks what always holds, of ledger, ids and rules of the row types.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.decide.prefer import Prefer
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.store import Store

from .deciding import Outcome, content, judgement, preference, ranking, said, table


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.at(str(tmp_path / "store"))


def test_comparisons_become_preferences_by_what_people_said_alone(store: Store) -> None:
    source = [
        preference("p1", "good", "bad", topic="birds", outcome="mine"),
        preference("p2", "bad", "good"),
        preference("p3", "same", "alike"),
        preference("p4", "vile", "foul"),
        preference("p5", "never", "judged"),
        preference("p6", "looked", "at"),
        preference("p7", "one", "two"),
    ]
    people = (
        said("p1", "1", "1", "2") + said("p2", "2", "2", "2") + said("p3", "1", "2") + said("p4", *["both-bad"] * 2)
    )
    people += said("p6", "", discarded=True) + said("p7", "1", "2")
    people += [judgement("p7", "boss", "2", batch="adjudication"), judgement("p1", "a9", "2", batch="gold", gold="1")]
    made = Outcome(
        store, Prefer(), table(store, "preferences", source[:4], source[4:]), table(store, "judgements", people)
    )
    rows = {row["id"]: row for row in made.rows}
    assert list(rows) == ["p1", "p2", "p3", "p7"]
    assert (content(rows["p1"]["chosen"]), rows["p1"]["margin"]) == ("good", 0.333333)
    assert [(one["annotator"], one["choice"]) for one in rows["p1"]["votes"]] == [
        ("a1", "chosen"),
        ("a2", "chosen"),
        ("a3", "rejected"),
    ]
    assert json.loads(rows["p1"]["metadata"]) == {
        "outcome": "1",
        "decided": "majority",
        "topic": "birds",
        "metadata.outcome": "mine",
    }
    assert (rows["p1"]["origin"], rows["p1"]["parents"], rows["p1"]["source"]) == ("tiny-model", ["p1"], "web")
    assert (content(rows["p2"]["chosen"]), content(rows["p2"]["rejected"]), rows["p2"]["margin"]) == (
        "good",
        "bad",
        1.0,
    )
    assert {one["choice"] for one in rows["p2"]["votes"]} == {"chosen"}
    assert (content(rows["p3"]["chosen"]), rows["p3"]["margin"]) == ("same", 0.0), "a tie keeps the order of the row"
    assert json.loads(rows["p3"]["metadata"])["outcome"] == "tie"
    assert (content(rows["p7"]["chosen"]), json.loads(rows["p7"]["metadata"])["decided"]) == ("two", "adjudicated")
    assert made.reasons == {"p4": "prefer/both-bad", "p5": "prefer/no-votes", "p6": "prefer/all-discarded"}
    agreement = made.facts["agreement"]
    assert agreement["decided"] == {"adjudicated": 1, "majority": 1, "tie": 1, "unanimous": 2}
    assert (agreement["task"], agreement["judgements"]) == ("comparisons", 12)
    assert all(one["reliability"] is None and one["weight"] is None for one in agreement["by_annotator"]), (
        "too few records"
    )


def test_rankings_of_two_are_preferences_and_others_are_named(store: Store) -> None:
    source = [ranking("r1", "short", "long"), ranking("r2", "a", "b", "c"), ranking("r3", "same", "same")]
    source += [ranking("r4", "text", "")]
    people = said("r1", "2", strength=3) + said("r2", "1") + said("r3", "1") + said("r4", "1")
    made = Outcome(
        store, Prefer(margin="strength"), table(store, "rankings", source), table(store, "judgements", people)
    )
    (row,) = made.rows
    assert (content(row["chosen"]), row["margin"], row["origin"]) == ("long", 3.0, None)
    notes = json.loads(row["metadata"])
    assert (notes["responses"], notes["origins"]) == (["m2", "m1"], ["model-2", "model-1"])
    assert made.reasons == {
        "r2": "prefer/not-two-responses",
        "r3": "prefer/same-responses",
        "r4": "prefer/invalid-rejected",
    }


def test_strict_adjudication_drops_what_nobody_settled(store: Store) -> None:
    source = table(store, "preferences", [preference("p", "a", "b"), preference("q", "c", "d")])
    people = table(store, "judgements", said("p", "1", "2") + said("q", "1", "1"))
    made = Outcome(store, Prefer(by="adjudicated"), source, people)
    assert made.reasons == {"p": "prefer/not-adjudicated"}


def test_weights_stand_in_the_facts_where_they_decided(store: Store) -> None:
    source = table(store, "preferences", [preference(f"p{n}", "a", "b") for n in range(12)])
    people = [one for n in range(12) for one in said(f"p{n}", "1", "1", "1" if n % 2 else "2")]
    made = Outcome(store, Prefer(by="weighted"), source, table(store, "judgements", people))
    weights = {one["annotator"]: one["weight"] for one in made.facts["agreement"]["by_annotator"]}
    assert weights["a1"] > weights["a3"] >= 0
    assert made.facts["agreement"]["decided"] == {"unanimous": 6, "weighted": 6}


ANSWER = st.sampled_from(("1", "2", "tie", "both-bad"))


@settings(max_examples=8)
@given(
    people=st.lists(
        st.tuples(st.sampled_from("pqrs"), st.sampled_from("abc"), ANSWER), max_size=12, unique_by=lambda one: one[:2]
    ),
    by=st.sampled_from(("majority", "weighted", "dawid-skene", "adjudicated")),
    ties=st.sampled_from(("keep", "drop")),
    margin=st.sampled_from(("votes", "strength")),
    cut=st.integers(0, 4),
)
def test_no_row_goes_missing_however_the_source_is_cut(
    people: list[tuple[str, str, str]], by: Any, ties: Any, margin: Any, cut: int
) -> None:
    store = Store.at("memory://deciding-laws")
    store.root.remove()
    rows = [preference(name, "one", "two") for name in "pqrs"]
    judgements = table(store, "judgements", [judgement(*one) for one in people])
    op = Prefer(by=by, ties=ties, margin=margin)
    whole = Outcome(store, op, table(store, "preferences", rows), judgements)
    cut_up = Outcome(store, op, table(store, "preferences", rows[:cut], rows[cut:]), judgements)
    assert (whole.rows, whole.gone, whole.ledger) == (cut_up.rows, cut_up.gone, cut_up.ledger)
    assert whole.ledger.read == 4
    assert all((row["margin"] == 0) == (json.loads(row["metadata"])["outcome"] == "tie") for row in whole.rows)
    store.root.remove()


def test_answers_that_are_none_are_refused_with_what_would_do(store: Store) -> None:
    source = table(store, "preferences", [preference("p", "a", "b")])
    with pytest.raises(Misuse, match="record 'p': a1 answered 'A'; comparisons are decided by 1, 2, tie, both-bad"):
        Outcome(store, Prefer(), source, table(store, "judgements", said("p", "A")))
    with pytest.raises(Misuse, match="Prefer reads preferences or rankings; the source holds judgements"):
        Outcome(store, Prefer(), table(store, "judgements", said("p", "1")), table(store, "judgements", said("p", "1")))
    with pytest.raises(Misuse, match="needs two inputs"):
        Outcome(store, Prefer(), source)
