"""`card check`: what about.yaml lacks for a version, every gap at once; and its template, which lacks answers only."""

import re
from typing import Any

import pytest
import yaml
from hypothesis import given, settings

from dataset_cards.cards.plain import visible
from dataset_cards.documents.about import About, Provider
from dataset_cards.documents.check import check
from dataset_cards.documents.known import models, personal
from dataset_cards.documents.load import needed, part_of
from dataset_cards.documents.template import template
from tests.about_sample import SAMPLE, TEXTS, sample_bytes
from tests.sample_version import HOSTILE, KINDS, few_facts, full, hostile_version
from tests.test_about import dotted, place

NOBODY_FOUND: dict[str, Any] = {"facts": full()["facts"] | {"spans": {}}}


def told(record: dict[str, Any], about: bytes | None = None, **changes: Any) -> list[str]:
    return [str(gap) for gap in check(record, about or sample_bytes(**changes), "about.yaml")]


def content(**facts: Any) -> dict[str, Any]:
    return full() | {"facts": full()["facts"] | {"content": facts}}


def source(number: int, **changes: Any) -> list[dict[str, Any]]:
    sources: list[dict[str, Any]] = yaml.load(SAMPLE.read_bytes(), Loader=yaml.BaseLoader)["collection"]["sources"]
    sources[number] |= changes
    return sources


def test_a_complete_file_has_no_gap() -> None:
    assert told(full(), SAMPLE.read_bytes()) == []
    assert told(few_facts(), SAMPLE.read_bytes()) == []


TINY = {"sampling": {"Sampling": {"model": "tiny"}}}
GENERATED = {"recipe": {"name": "mine", "steps": [{"op": "Drive", "fields": {"generator": {"Evolve": TINY}}}]}}
JUDGED = {"recipe": {"name": "mine", "steps": [{"op": "Judge", "fields": TINY}]}}
WEB = content(domains={"counts": {"a.example": 3}, "different": 1, "others": 0, "missing": 0})
LONE = [source(1)[1]]
CRAWLED = source(0)[:1]
OTHER = {"of": "other@1.0.0", "license": "MIT", "reason": "We asked."}


@pytest.mark.parametrize(
    ("record", "changes", "expected"),
    [
        (full() | {"version": "draft"}, {}, "pages@draft: is a draft"),
        (full() | {"tainted": ["a fake model"]}, {}, "pages@1.0.0: is tainted: a fake model"),
        (full(), {"contact": {"name": "Ada"}}, "contact: has neither email nor url"),
        (full(), {"collection__end": "2026-01-01"}, "collection.end: is 2026-01-01, before it began"),
        (full(), {"collection__end": "2026-11-30"}, "collection.end: is 2026-11-30, after the version was frozen"),
        (full(), {"collection__sources": source(1, end="2027-01-01")}, "sources[1].end: is 2027-01-01, after"),
        (full(), {"collection__sources": source(0, versions=["other@1.0.0"])}, "collection.sources[0].versions: "),
        (full(), {"licensing__decisions": [OTHER]}, "names 'other@1.0.0', which nothing in this version"),
        (full(), {"licensing__license": "my own"}, "licensing.license: says 'my own', which is no licence"),
        (few_facts(), {"licensing__decisions": None}, "licensing.decisions: No licence is known for pages@1.0.0"),
        (full() | GENERATED, {"collection__sources": CRAWLED}, "has none of kind synthetic, and tiny wrote rows"),
        (content(origins={"counts": {"human": 2, "tiny": 1}}), {"collection__sources": CRAWLED}, "and tiny wrote rows"),
        (WEB, {"collection__sources": LONE}, "has none of kind web-crawl, and rows come from a.example"),
        (full(), {"people__concerned": "no"}, "says no, and personal data was found: EMAIL_ADDRESS in 900 rows"),
        (full(), {"people__consent": "Not applicable."}, "consent: says 'Not applicable.', and people are concerned"),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_version_is_a_gap(record: dict[str, Any], changes: dict[str, Any], expected: str) -> None:
    found = told(record, **changes)
    assert any(expected in gap for gap in found), found
    # The same gap is told when others are there too.
    found = told(record, **changes, title=None, provider__name=None)
    assert any(expected in gap for gap in found) or "licensing" in expected, found
    assert sum("is empty" in gap for gap in found) == 2


@pytest.mark.parametrize(
    ("record", "changes"),
    [
        (full() | NOBODY_FOUND, {"people__concerned": "no"}),
        (full() | JUDGED, {"collection__sources": CRAWLED}),  # a judge writes no row
        (content(origins={"counts": {"human": 2}}), {"collection__sources": CRAWLED}),
        (WEB, {"collection__sources": source(0, kind="public-dataset")}),  # somebody else fetched the pages
        (full(), {"provider": None, "documents": ["datasheet", "citation"]}),
        (full(), {"collection__end": "2026-11-22"}),  # it is tomorrow already where they live
        (full(), {"collection__sources": source(0, versions=["pages@1.0.0"])}),
    ],
)
def test_what_fits_is_no_gap(record: dict[str, Any], changes: dict[str, Any]) -> None:
    assert told(record, **changes) == []


@pytest.mark.parametrize(
    ("documents", "named"),
    [
        (None, "eu_summary and ab2013 (made as long as documents lists none)"),
        (["ab2013"], "ab2013 among documents"),
        (["citation", "eu_summary"], "eu_summary among documents"),
    ],
)
def test_documents_for_the_law_need_a_provider(documents: list[str] | None, named: str) -> None:
    found = told(full(), provider=None, documents=documents)
    assert [place(gap) for gap in found] == [dotted(path) for path in needed(Provider, ("provider",))]
    assert all(f"and {named} cannot be written without" in gap for gap in found)


def test_who_wants_no_document_for_the_law_needs_no_provider() -> None:
    assert told(full(), provider=None, documents=[]) == []


def test_without_a_file_every_needed_field_is_a_gap() -> None:
    record = few_facts() | {"license": "MIT"}
    places = [place(str(gap)) for gap in check(record, None, "about.yaml")]
    expected = [*needed(About), *needed(Provider, ("provider",))]
    assert sorted(places) == sorted(["contact", *(dotted(path) for path in expected)])


@pytest.mark.parametrize("record", [*map(few_facts, KINDS), full() | {"parents": []}], ids=[*KINDS, "all facts"])
def test_the_template_lacks_exactly_the_answers_that_are_needed(record: dict[str, Any]) -> None:
    record |= {"license": "MIT"}
    text = template(record)
    found = check(record, text.encode(), "about.yaml")
    expected = [*needed(About), *needed(Provider, ("provider",))]
    assert sorted(place(str(gap)) for gap in found) == sorted(["contact", *(dotted(path) for path in expected)])
    lines = text.splitlines()
    for gap in found:
        line = lines[int(gap.place.split()[0].partition(":")[2]) - 1]
        assert re.fullmatch(r"[ -]*\w+:", line), (gap.place, line)


def test_the_template_has_every_field_in_order_and_no_answer() -> None:
    values = yaml.safe_load(template(full()))
    assert list(values) == list(About.model_fields)
    for name, field in About.model_fields.items():
        part, many = part_of(field.annotation)
        if part:
            assert list(values[name][0] if many else values[name]) == list(part.model_fields)
    assert texts(values) == ["no", "datasheet", "eu_summary", "ab2013", "citation"]


def texts(value: Any) -> list[str]:
    if isinstance(value, dict | list):
        return [text for one in (value.values() if isinstance(value, dict) else value) for text in texts(one)]
    return [] if value is None else ["no" if value is False else str(value)]


def test_the_template_tells_what_is_known_already() -> None:
    record = content(
        dates={"created": {"earliest": "2019", "latest": "2026-02-03", "by_year": {}, "missing": 0, "unreadable": 0}},
        domains={"counts": {"a.example": 3}, "different": 1, "others": 0, "missing": 0},
        origins={"counts": {"human": 2, "tiny": 1}, "different": 2, "others": 0, "missing": 0},
    ) | {"license": "unknown"}
    text = " ".join(template(record).replace("#", " ").split())
    for known in (
        "1,120 documents", "between 2019 and 2026-02-03", "a.example 3", "synthetic: tiny", "EMAIL_ADDRESS 900",
        "mask 1,030", "states unknown", "Languages: en 99.73 %", "878 rows were dropped", "No licence is known",
    ):  # fmt: skip
        assert known in text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_facts_stay_comments_and_hostile_answers_stay_gaps(text: str) -> None:
    record = hostile_version(text) | {"ancestors": [few_facts() | {"name": text, "source": text, "license": text}]}
    made = template(record)
    assert texts(yaml.safe_load(made)) == ["no", "datasheet", "eu_summary", "ab2013", "citation"]
    assert visible(made) == made
    for gap in (*told(record, made.encode()), *told(record, people__concerned=text, collection__end=text)):
        assert gap.isprintable()


@settings(deadline=None, max_examples=20)
@given(TEXTS)
def test_any_fact_stays_in_its_comment(text: str) -> None:
    made = template(few_facts() | {"source": text, "name": text, "languages": {text: 3}})
    assert all(re.match(r"$| *#|[ -]*(\w+:?.*)?$", line) for line in made.splitlines())
    assert texts(yaml.safe_load(made)) == ["no", "datasheet", "eu_summary", "ab2013", "citation"]


def test_models_and_personal_data_are_known_from_facts_and_recipe() -> None:
    assert models(full() | GENERATED) == ["tiny"]
    assert models(full() | JUDGED) == models(full()) == []
    behind = {**few_facts(), "content": {"origins": {"counts": {"human": 1, "older": 1}}}}
    assert models(full() | GENERATED | {"ancestors": [behind]}) == ["older", "tiny"]
    assert personal(full()) == {"EMAIL_ADDRESS": 900}
