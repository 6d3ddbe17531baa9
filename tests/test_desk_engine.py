"""What annotators and programs find on the real server, over HTTP: text, filters, orders, progress, similarity.

The same requests go to argilla-server with Elasticsearch elsewhere; what they find is what its documentation says.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.desk_filled import METADATA, TERMS, Filled, between, by, record, response, suggestion, terms
from tests.desk_server import Client, serving


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with serving(tmp_path_factory.mktemp("desk") / "home") as running:
        yield Client.owner(running)


@pytest.fixture(scope="module")
def filled(owner: Client) -> Filled:
    """Only looked at; r0 and r1 have an answer, r2 a draft, and r3 was discarded, all by the owner."""
    made = Filled(owner)
    made.answer(0, "submitted", label="a", rate=5, many=["x", "z"])
    made.answer(1, "submitted", label="b", rate=2)
    made.answer(2, "draft", label="a")
    made.answer(3, "discarded")
    return made


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("quick", "r0 r1 r3"),  # a word, in any case
        ("quick brown", "r0 r3"),  # both
        ("quick + brown", "r0 r3"),
        ('"quick brown"', "r0 r3"),  # the phrase
        ('"brown quick"', ""),
        ("brown -fox", "r2 r3"),  # without
        ("-brown", "r1 r4 r5"),
        ("fox | bear", "r0 r2"),  # either
        ("(fox | bear) slow", "r2"),
        ("silv*", "r1"),  # a prefix
        ("uick", ""),  # no part of a word
        ("ärger", "r1"),  # other letters, in any case
        ("hi", "r4"),
        ("sure_thing", "r5"),  # what means something to LIKE
        ("100", "r5"),
        ("%", ""),
        ("chatword3", "r3"),  # inside a chat
        ("\\n", ""),
        ("' OR 1=1 --", ""),
        ("*", ""),
    ],
)
def test_a_search_finds_words_phrases_prefixes_and_leaves_out(filled: Filled, q: str, found: str) -> None:
    assert filled.text(q) == found.split()


def test_a_search_in_one_field_looks_nowhere_else(filled: Filled) -> None:
    assert filled.text("chatword3", "chat") == ["r3"]
    assert filled.text("chatword3", "p") == []
    assert len(filled.text("hello", "chat")) == 6


def test_the_best_match_comes_first_and_a_page_beyond_the_end_still_says_how_many_match(filled: Filled) -> None:
    assert filled.find({"query": {"text": {"q": "fox | brown"}}})[0][0] == "r0"
    for beyond in (10, 2**70):
        assert filled.find({"query": {"text": {"q": "quick"}}}, offset=beyond) == ([], 3)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (terms(TERMS, "u"), "r0"),  # one of a list
        (terms(TERMS, "u", "v"), "r0 r1 r2 r3 r4 r5"),
        (terms(TERMS, "' OR 1=1 --"), ""),
        (terms(METADATA, "3"), "r3"),
        (between(METADATA, ge=2, le=3), "r2 r3"),
        (between(TERMS, ge=-1), ""),  # words are no numbers, not even zero
        (terms(suggestion("many"), "x"), "r1 r3 r5"),
        (terms(suggestion("many", "agent"), "m"), "r0 r1 r2 r3 r4 r5"),
        (terms(suggestion("many", "agent"), "other"), ""),
        (terms(suggestion("many", "type"), "model"), "r0 r1 r2 r3 r4 r5"),
        (between(suggestion("many", "score"), ge=0.8), "r1 r3 r5"),
        (terms(record("external_id"), "r1", "r2"), "r1 r2"),
        (between(record("inserted_at"), ge="2999-01-01T00:00:00"), ""),
        (between(record("inserted_at"), ge="2001-01-01T00:00:00Z"), "r0 r1 r2 r3 r4 r5"),
        (terms(record("status"), "completed"), "r0 r1"),
        (terms(response(property="status"), "pending"), "r4 r5"),
        (terms(response(property="status"), "draft"), "r2"),
        (terms(response(property="status"), "submitted"), "r0 r1"),
        (terms(response(property="status"), "discarded"), "r3"),
        (terms(response(property="status"), "pending", "draft"), "r2 r4 r5"),
        (terms(response(question="label"), "a"), "r0 r2"),
        (terms(response(question="many"), "z"), "r0"),
        (between(response(question="rate"), ge=3), "r0"),
    ],
)
def test_a_filter_finds_what_it_says(filled: Filled, wanted: dict[str, Any], found: str) -> None:
    assert filled.where(wanted) == found.split()
    assert filled.where(wanted, who=filled.owner) == found.split()


def test_a_record_is_found_by_its_id_and_filters_add_up(filled: Filled) -> None:
    assert filled.where(terms(record("id"), filled.ids["r4"])) == ["r4"]
    assert filled.where(terms(record("id"), filled.ids["r4"]), between(METADATA, ge=5)) == []


@pytest.mark.parametrize(
    ("order", "first"),
    [
        (by(METADATA, "desc"), "r5 r4 r3"),
        (by(METADATA), "r0 r1 r2"),
        (by(record("external_id"), "desc"), "r5 r4 r3"),
        (by(response(question="rate")), "r1 r0"),  # who has none comes last either way
        (by(response(question="rate"), "desc"), "r0 r1"),
        (by(response(question="label"), "desc"), "r1"),
    ],
)
def test_a_sort_puts_records_in_order(filled: Filled, order: dict[str, Any], first: str) -> None:
    assert filled.find(order)[0][: len(first.split())] == first.split()


def test_pages_in_one_order_hold_every_record_once(filled: Filled) -> None:
    pages = [filled.find(by(METADATA), limit=2, offset=start)[0] for start in (0, 2, 4)]
    assert pages == [["r0", "r1"], ["r2", "r3"], ["r4", "r5"]]


def test_progress_counts_records_and_the_answers_of_one_person(filled: Filled) -> None:
    assert filled.unpublished == 0
    progress = filled.owner.get(filled.at + "/progress")
    assert [progress[name] for name in ("total", "completed", "pending")] == [6, 2, 4]
    mine = filled.owner.get(f"/me{filled.at}/metrics")["responses"]
    assert mine == {"total": 6, "submitted": 2, "discarded": 1, "draft": 1, "pending": 2}


def test_metrics_of_metadata_count_terms(filled: Filled) -> None:
    counts = [{"term": "v", "count": 6}, {"term": "u", "count": 1}]
    said = filled.owner.get(f"/metadata-properties/{filled.terms}/metrics")
    assert said == {"type": "terms", "total": 7, "values": counts}


def test_similar_records_come_nearest_first_and_turned_round_furthest_first(filled: Filled) -> None:
    near = {"query": {"vector": {"name": "v", "value": [1.0, 0.0]}}}
    assert filled.find(near)[0] == ["r0", "r1", "r2", "r3", "r4", "r5"]
    far = {"query": {"vector": {"name": "v", "value": [1.0, 0.0], "order": "least_similar"}}}
    assert filled.find(far)[0][0] == "r5"
    other = {"query": {"vector": {"name": "v", "record_id": filled.ids["r5"]}}}
    assert filled.find(other, limit=2)[0] == ["r4", "r3"]


@pytest.mark.parametrize(
    "body",
    [
        {"query": {"text": {"q": "x", "field": "nope"}}},
        {"query": {"text": {"q": " ".join(f"w{n}" for n in range(2000))}}},
        {"query": {"vector": {"name": "v", "value": [1.0]}}},
        {"query": {"vector": {"name": "nope", "value": [1.0, 0.0]}}},
        {"filters": {"and": [terms({"entity": "metadata", "metadata_property": "t') OR 1=1 --"}, "u")]}},
        {"filters": {"and": [terms({"entity": "metadata", "metadata_property": 't"."u'}, "u")]}},
        {"filters": {"and": [terms({"entity": "metadata", "metadata_property": "nope"}, "u")]}},
        {"filters": {"and": [terms(record("id"), "no-uuid")]}},
        {"filters": {"and": [terms(record("status"), "nope")]}},
        {"filters": {"and": [terms(record("inserted_at"), "2026-01-01")]}},
        {"filters": {"and": [between(record("inserted_at"), ge="yesterday")]}},
        {"filters": {"and": [between(record("inserted_at"), ge=5)]}},
        {"filters": {"and": [between(record("status"), ge=5)]}},
        {"filters": {"and": [between(METADATA, ge="many")]}},
        {"filters": {"and": [terms(response(), "a")]}},
        {"filters": {"and": [terms(response(property="status"), "nope")]}},
        {"filters": {"and": [between(response(property="status"), ge=1)]}},
        {"filters": {"and": [terms(response(question="nope"), "a")]}},
        {"filters": {"and": [terms(suggestion("nope"), "a")]}},
        {"filters": {"and": [terms(suggestion("many", "type"), "nope")]}},
        {"filters": {"and": [between(suggestion("many", "agent"), ge=1)]}},
        {"sort": [{"scope": {"entity": "metadata", "metadata_property": "1; DROP TABLE records"}, "order": "asc"}]},
        {"sort": [{"scope": METADATA, "order": "sideways"}]},
    ],
)
def test_a_search_that_cannot_be_meant_is_refused_and_changes_nothing(filled: Filled, body: dict[str, Any]) -> None:
    for path in (f"{filled.at}/records/search", f"/me{filled.at}/records/search"):
        assert filled.owner.ask("POST", path, body).status == 422
    assert filled.find({})[1] == 6


def test_a_queue_without_an_order_is_shuffled_for_each_annotator_and_stays(filled: Filled) -> None:
    orders = []
    for _ in range(3):
        who = filled.annotator()
        first, total = filled.find({}, who)
        assert sorted(first) == sorted(filled.ids)
        assert total == 6
        assert filled.find({}, who)[0] == first
        orders.append(first)
    assert len(set(map(tuple, orders))) > 1


def test_annotators_cannot_filter_or_sort_by_metadata_they_may_not_see(filled: Filled) -> None:
    hidden = {"entity": "metadata", "metadata_property": "hidden"}
    assert len(filled.where(terms(hidden, "gold"))) == 6
    who = filled.annotator()
    for body in ({"filters": {"and": [terms(hidden, "gold")]}}, by(hidden)):
        assert who.ask("POST", f"/me{filled.at}/records/search", body).status == 422
    assert filled.where(terms(TERMS, "u"), who=who) == ["r0"]


def test_a_queue_with_an_order_comes_in_it_for_everybody(owner: Client) -> None:
    ordered = Filled(owner, order=True)
    expected = sorted(ordered.ids, key=lambda name: (int(name[1:]) * 5 + 2) % 6)
    for _ in range(2):
        assert ordered.find({}, ordered.annotator())[0] == expected
    assert ordered.find(by(METADATA, "desc"), ordered.annotator())[0] == ["r5", "r4", "r3", "r2", "r1", "r0"]


def test_what_is_changed_is_found_changed_at_once(owner: Client) -> None:
    made = Filled(owner)
    given = made.answer(0, "submitted", label="a")
    pending = terms(response(property="status"), "pending")
    assert "r0" not in made.where(pending)
    owner.ask("DELETE", f"/responses/{given['id']}").good()
    assert "r0" in made.where(pending)
    assert owner.get(made.at + "/progress")["completed"] == 0

    owner.ask("DELETE", made.at + "/records", ids=made.ids["r5"]).good()
    assert made.find({})[1] == 5
    assert made.text("100") == []

    owner.ask("PATCH", f"/records/{made.ids['r4']}", {"metadata": {"k": 99}}).good()
    assert made.where(between(METADATA, ge=99)) == ["r4"]

    body = {"question_id": made.questions["label"], "value": "b", "score": 0.3, "agent": "n"}
    put = owner.ask("PUT", f"/records/{made.ids['r0']}/suggestions", body).good()
    assert made.where(terms(suggestion("label"), "b")) == ["r0"]
    owner.ask("DELETE", f"/suggestions/{put['id']}").good()
    assert made.where(terms(suggestion("label"), "b")) == []

    owner.ask("DELETE", made.at).good()
    assert owner.ask("GET", made.at).status == 404
