"""Converse and Rate on real tables: what people wrote, mended, rejected and rated.

`deciding.Outcome` checks what always holds, of ledger, ids and rules of the row types.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from annotation.decide.converse import Converse
from annotation.decide.rate import Rate
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.schemas import schema
from dataset_cards.versions.store import Store

from .deciding import Outcome, content, judgement, said, table


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.at(str(tmp_path / "store"))


def prompt(name: str) -> dict[str, Any]:
    question = [{"role": "user", "content": f"Question {name}?"}]
    return {"id": name, "prompt": question, "source": "web", "metadata": json.dumps({"topic": "birds"})}


def conversation(name: str, answer: str) -> dict[str, Any]:
    messages = [{"role": "user", "content": f"Question {name}?"}, {"role": "assistant", "content": answer}]
    row: dict[str, Any] = dict.fromkeys(schema("conversations").names)
    return {**row, "id": name, "messages": messages, "origin": "tiny-model", "parents": ["seed"]}


def test_every_demonstration_is_a_conversation_of_its_own(store: Store) -> None:
    source = table(store, "prompts", [prompt("p1"), prompt("p2"), prompt("p3"), prompt("p4")])
    people = said("p1", "First answer.", "Second answer.") + said("p2", "", discarded=True) + said("p4", " ")
    people += [judgement("p1", "a1", "Older answer.", at="2026-01-01"), judgement("p1", "a9", "Gold.", batch="gold")]
    people[0] = judgement("p1", "a1", "First answer.", at="2026-01-02")
    made = Outcome(store, Converse(), source, table(store, "judgements", people))
    assert [(row["id"], content(row["messages"])) for row in made.rows] == [
        ("p1/a1", "First answer."),
        ("p1/a2", "Second answer."),
    ]
    assert {(row["origin"], *row["parents"], row["source"]) for row in made.rows} == {("human", "p1", "web")}
    assert json.loads(made.rows[0]["metadata"]) == {"annotator": "a1", "topic": "birds"}
    assert sorted(made.reasons.items()) == [
        ("p1/a1", "demonstrations/answered-again"),
        ("p2", "demonstrations/all-discarded"),
        ("p3", "demonstrations/no-demonstration"),
        ("p4/a1", "demonstrations/invalid-messages"),
    ]


def test_a_draft_that_was_left_as_it_stood_is_still_the_models(store: Store) -> None:
    source = table(store, "conversations", [conversation("c", "Draft.")])
    made = Outcome(store, Converse(), source, table(store, "judgements", said("c", "Draft.", "Better.")))
    assert [(row["origin"], json.loads(row["metadata"])["draft"]) for row in made.rows] == [
        ("tiny-model", "left"),
        ("human", "changed"),
    ]
    assert [[one["content"] for one in row["messages"]][-1] for row in made.rows] == ["Draft.", "Better."]


def test_reviews_keep_mend_and_drop(store: Store) -> None:
    source = table(store, "conversations", [conversation(name, f"Answer {name}.") for name in "abcdef"])
    people = (
        said("a", "accept", "accept", "reject") + said("c", "reject", "reject") + said("d", "accept", "fix", text="X.")
    )
    people += [judgement("b", "a1", "fix", text="Mended.", at="2"), judgement("b", "a2", "fix", text="Other.", at="1")]
    people += [judgement("b", "a3", "fix", text="Mended.", at="3"), *said("e", "fix")]
    people += [*said("f", "accept", "reject"), judgement("f", "z", "fix", text="Settled.", batch="adjudication")]
    made = Outcome(store, Converse(task="review"), source, table(store, "judgements", people))
    assert [(row["id"], content(row["messages"]), row["origin"]) for row in made.rows] == [
        ("a", "Answer a.", "tiny-model"),
        ("b", "Mended.", "human"),
        ("f", "Settled.", "human"),
    ]
    assert made.reasons == {"c": "review/rejected", "d": "review/undecided", "e": "review/no-mended-text"}
    notes = json.loads(made.rows[1]["metadata"])
    assert (notes["review"], notes["decided"], notes["reviewed_origin"]) == ("fix", "unanimous", "tiny-model")
    assert made.facts["agreement"]["decided"] == {"adjudicated": 1, "majority": 1, "tie": 1, "unanimous": 3}


def test_ratings_are_averaged_into_metadata_and_can_be_asked_for(store: Store) -> None:
    source = table(store, "conversations", [conversation(name, "Yes.") for name in "abcd"])
    people = said("a", '{"helpful": 4, "honest": 5}', '{"helpful": 5, "honest": 5}') + said(
        "b", '{"helpful": 2, "honest": 5}'
    )
    people += said("c", '{"helpful": 5, "honest": 5}')
    judgements = table(store, "judgements", people)
    made = Outcome(store, Rate(), source, judgements)
    assert json.loads(made.rows[0]["metadata"])["ratings"] == {
        "helpful": {"mean": 4.5, "n": 2, "given": [4, 5]},
        "honest": {"mean": 5.0, "n": 2, "given": [5, 5]},
    }
    assert made.reasons == {"d": "rate/no-votes"}
    strict = Outcome(store, Rate(min_mean={"helpful": 4.5}, min_judges=1), source, judgements)
    assert [row["id"] for row in strict.rows] == ["a", "c"]
    assert strict.reasons["b"] == "rate/low-helpful"
    assert Outcome(store, Rate(min_judges=2), source, judgements).reasons["c"] == "rate/few-judges"
    with pytest.raises(Misuse, match="nobody was asked about harmless; questions are helpful, honest"):
        Outcome(store, Rate(min_mean={"harmless": 3}), source, judgements)
    with pytest.raises(Misuse, match="is no rating"):
        Outcome(store, Rate(), source, table(store, "judgements", said("a", "good")))
