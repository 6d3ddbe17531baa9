"""Conflicts of licences in a version: which are found, and what settles them."""

from typing import Any

import pytest

from dataset_cards.documents.about import Origin
from dataset_cards.documents.licensing.mix import mix
from dataset_cards.documents.licensing.spdx import UNKNOWN
from tests.licensed import LETTER, given, kinds, made_of, stating, told
from tests.sample_version import few_facts


def test_every_kind_of_conflict_is_found() -> None:
    record = stating({"CC-BY-SA-4.0": 1, "ODbL-1.0": 1, "CC-BY-NC-4.0": 1, "all rights reserved": 1, "Artistic-2.0": 1})
    assert kinds(mix(record, None)) == [
        ("permission", False),
        ("share-alike", False),  # CC-BY-SA and ODbL
        ("share-alike", False),  # CC-BY-SA and CC-BY-NC
        ("share-alike", False),  # ODbL and CC-BY-NC
        ("unread", False),
    ]
    assert kinds(mix(stating({"CC-BY-4.0": 1, "see the site": 1}), None)) == [("unknown", False)]


@pytest.mark.parametrize(
    ("inside", "whole", "open_"),
    [
        ("MIT", "Apache-2.0", False),
        ("CC-BY-4.0", "CC-BY-SA-4.0", False),
        ("CC-BY-SA-3.0", "CC-BY-SA-4.0", False),
        ("CC-BY-SA-4.0", "CC-BY-4.0", True),
        ("CC-BY-NC-4.0", "CC-BY-4.0", True),
        ("CC-BY-4.0", "MIT", True),
        ("CC-BY-4.0", "CC-BY-4.0 OR CC0-1.0", True),  # whoever takes it may choose the weaker one
        ("CC-BY-4.0", "CC-BY-4.0 AND MIT", False),
        ("CC0-1.0", "LicenseRef-Ours", False),
        ("MIT", "LicenseRef-Ours", True),
        ("MIT", "our own terms", True),
        ("Artistic-2.0", "Artistic-2.0", False),
    ],
)
def test_a_licence_for_the_whole_that_asks_for_less_is_a_conflict(inside: str, whole: str, open_: bool) -> None:
    found = [one.kind for one in mix(stating({inside: 3}), given(whole)).open]
    assert ("given" in found) == open_


def test_naming_both_licences_for_the_whole_settles_that_no_single_one_keeps_both() -> None:
    record = stating({"CC-BY-SA-4.0": 5, "ODbL-1.0": 5})
    assert kinds(mix(record, given("CC-BY-SA-4.0"))) == [("given", False), ("share-alike", False)]
    found = mix(record, given("ODbL-1.0 AND CC-BY-SA-4.0"))
    assert kinds(found) == [("share-alike", True)]
    assert found.conflicts[0].by == "It keeps them all."


@pytest.mark.parametrize(
    ("of", "missing"),
    [("CC BY-NC 4.0", 0), ("cc-by-nc-4.0", 0), ("CC-BY-NC-4.0", 0), ("unknown", 5), ("pages@1.0.0", 5)],
)
def test_a_decision_is_about_a_licence_as_stated_or_read_or_about_a_ref(of: str, missing: int) -> None:
    record = stating({"CC BY-NC 4.0": 5} if not missing else {"MIT": 5}, missing=missing)
    assert mix(record, given("CC-BY-4.0")).open
    found = mix(record, given("CC-BY-4.0", (of, "CC-BY-4.0")))
    assert found.open == ()
    assert {one.by for one in found.conflicts} == {LETTER}
    assert f"decided: {LETTER}" in {one.basis for one in found.parts}


def test_unknown_rows_are_settled_source_by_source() -> None:
    record = few_facts() | {"rows": 100, "facts": {"sources": {"a.gz": 70, "b.gz": 30}}}
    half = mix(record, given("CC-BY-4.0", ("a.gz", "MIT")))
    assert [(one.license, one.rows) for one in half.parts] == [("MIT", 70), (UNKNOWN, 30)]
    assert [one.kind for one in half.open] == ["unknown"]
    whole = mix(record, given("CC-BY-4.0", ("a.gz", "MIT"), ("b.gz", "CC-BY-4.0")))
    assert (whole.outcome, whole.open) == ("CC-BY-4.0", ())
    assert whole.conflicts[0].by == LETTER


def test_unknown_rows_are_settled_by_domain_or_by_a_source_that_names_its_version() -> None:
    content = {"domains": {"counts": {"a.example": 3}, "different": 1, "others": 0, "missing": 0}}
    record = few_facts() | {"facts": {"content": content}}
    assert mix(record, given("CC0-1.0", ("a.example", "CC0-1.0"))).open == ()
    about = given("CC0-1.0", ("Town hall", "CC0-1.0"))
    origin = Origin(name="Town hall", kind="licensed", how="Sent to us by post.", versions=("raw@1",))
    about = about.model_copy(update={"collection": about.collection.model_copy(update={"sources": (origin,)})})
    assert mix(made_of(told("raw@1", "unknown")), about).open == ()


def test_a_decision_that_takes_no_licence_or_is_about_nothing_is_told() -> None:
    wrong = mix(stating({"foo": 3}), given("CC0-1.0", ("foo", "ours")))
    assert {one.kind for one in wrong.open} == {"decision", "unknown"}
    idle = mix(stating({"MIT": 3}), given("MIT", ("foo", "CC0-1.0")))
    assert idle.open == ()
    assert any("foo" in one for one in idle.remarks)


def test_a_person_who_decides_for_a_licence_outside_the_table_has_read_it() -> None:
    found = mix(stating({"Artistic-2.0": 3}), given("Artistic-2.0", ("Artistic-2.0", "Artistic-2.0")))
    assert kinds(found) == [("unread", True)]


@pytest.mark.parametrize(
    ("changes", "conflict"),
    [
        ({"recipe": None}, False),
        ({"recipe": {"name": "adopt", "steps": [{"op": "Adopt"}]}}, False),
        ({"recipe": {"name": "mix", "steps": [{"op": "Mix"}]}}, False),
        ({"recipe": {"name": "web_text", "steps": [{"op": "Ingest"}, {"op": "Keep"}]}}, True),
        ({"facts": {"edits": {"pii": 0}}}, False),
        ({"facts": {"edits": {"c4-quality": 3}}}, True),
        ({"facts": {"spans": {"pii": {"EMAIL": {"spans": 2, "rows": 2, "actions": {"mask": 2}}}}}}, True),
        ({"facts": {"spans": {"pii": {"EMAIL": {"spans": 2, "rows": 2, "actions": {"drop": 2}}}}}}, False),
        ({"facts": {"generated": {"rows": 3}}}, True),
    ],
)
def test_no_derivatives_is_a_conflict_only_where_text_may_have_changed(changes: dict[str, Any], conflict: bool) -> None:
    found = mix(few_facts() | {"license": "CC-BY-ND-4.0"} | changes, None)
    assert ("no-derivatives" in {one.kind for one in found.open}) == conflict


def test_no_derivatives_is_a_conflict_where_a_version_on_the_way_was_made_by_a_recipe() -> None:
    record = made_of(told("raw@1", "CC-BY-ND-4.0"), told("made@1", "unknown", "raw@1"), parents=("made@1",))
    (found,) = mix(record, None).open
    assert "made@1 was made by evolve" in found.sentence


def test_a_mixture_has_no_unknown_rows_where_one_root_states_by_row_and_the_other_as_a_whole() -> None:
    by_row = told("wiki@1", "unknown", kind="documents", licenses={"CC-BY-SA-4.0": 20})
    whole = told("paper@1", "CC-BY-NC-4.0", kind="documents", licenses={"unknown": 20})
    sources = [{"source": "wiki@1", "got_rows": 20}, {"source": "paper@1", "got_rows": 8}]
    content = {"licenses": {"counts": {"CC-BY-SA-4.0": 20}, "different": 1, "others": 0, "missing": 8}}
    record = made_of(by_row, whole, facts={"mixture": {"sources": sources}, "content": content}, rows=28)
    found = mix(record, None)
    assert [(one.what, one.license, one.rows) for one in found.parts] == [
        ("rows that state CC-BY-SA-4.0", "CC-BY-SA-4.0", 20),
        ("paper@1", "CC-BY-NC-4.0", 8),
    ]
    assert "unknown" not in [one.kind for one in found.conflicts]


def test_rows_of_a_root_that_states_for_some_alone_stay_unknown_in_a_mixture() -> None:
    some = told("wiki@1", "unknown", kind="documents", licenses={"MIT": 5, "unknown": 5})
    whole = told("paper@1", "MIT", kind="documents", licenses={"unknown": 10})
    sources = [{"source": "wiki@1", "got_rows": 10}, {"source": "paper@1", "got_rows": 10}]
    content = {"licenses": {"counts": {"MIT": 5}, "different": 1, "others": 0, "missing": 15}}
    found = mix(made_of(some, whole, facts={"mixture": {"sources": sources}, "content": content}), None)
    assert [(one.what, one.rows) for one in found.parts if one.license == "unknown"] == [
        ("rows of wiki@1 that state none", None)
    ]


@pytest.mark.parametrize(("stated", "outcome"), [("CC-BY-NC-4.0", "CC-BY-NC-4.0"), ("unknown", "unknown")])
def test_the_model_that_a_model_begins_with_is_a_part(stated: str, outcome: str) -> None:
    data, base = told("chats@1", "MIT"), told("base@1", stated, kind="model", rows=0)
    found = mix(made_of(data, base, kind="model", rows=0), given("MIT"))
    assert {one.what for one in found.parts} == {"chats@1", "base@1"}
    assert found.outcome == outcome
    assert found.open
    adopted = few_facts("model") | {"rows": 0, "license": "CC0-1.0"}
    assert mix(adopted, None).outcome == "CC0-1.0"
