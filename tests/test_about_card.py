"""The part of the Hub card that people say: valid for the Hub, the card as before without it, and text stays text."""

import re
from typing import Any

import pytest
import yaml
from huggingface_hub import DatasetCard
from hypothesis import given, settings

from dataset_cards.cards.card import render_card
from dataset_cards.cards.hub import front_matter
from dataset_cards.cards.plain import one_line
from dataset_cards.documents.about import About
from dataset_cards.documents.said_card import said_front, said_sections
from dataset_cards.documents.words import line, paragraphs
from tests.about_markdown import active, headings, parse, shape
from tests.about_sample import abouts, hostile_about, sample_about
from tests.sample_version import HOSTILE, KINDS, examples, few_facts, full, hostile_examples, hostile_version

# What huggingface.co accepts, from its templates/datasetcard_template.md, datasetcard.md and huggingface.js tasks.
CREATORS = {"crowdsourced", "found", "expert-generated", "machine-generated", "other"}
ANNOTATORS = CREATORS | {"no-annotation"}
TASKS = {"text-generation", "text-ranking", "text-classification", "question-answering"}
PLACEHOLDERS = re.compile(r"more information needed|\bTODO\b|\bTBD\b|\bFIXME\b|lorem ipsum|\bNone\b|\bnull\b", re.I)


def card(record: dict[str, Any], about: About, rows: Any = None) -> str:
    shown = examples() if rows is None else rows
    return render_card(record, shown, said_sections(record, about), said_front(about, record))


def front(text: str) -> dict[str, Any]:
    return vars(DatasetCard(text).data)


def body(text: str) -> str:
    return text.split("\n---\n", 1)[1]


def test_what_people_said_stands_before_what_was_measured() -> None:
    text = body(card(full(), sample_about()))
    assert text.splitlines()[1] == "# Harbour notices, cleaned (pages 1.0.0)"
    order = [
        "## Summary",
        "## What it is for",
        "## People and consent",
        "## Licence",
        "## How to load it",
        "## Rows in",
    ]
    assert [text.index(heading) for heading in order] == sorted(text.index(heading) for heading in order)
    for said in ("Navigation, or any other decision at sea", "data@fjordtext.example", "NLOD-2.0", "fjordbot 2.1"):
        assert said in text


def test_the_front_matter_is_what_the_hub_reads() -> None:
    data = front(card(full(), sample_about()))
    assert data["pretty_name"] == "Harbour notices, cleaned"
    assert data["license"] == "cc-by-4.0"
    assert data["annotations_creators"] == ["no-annotation"]
    assert data["language_creators"] == ["found", "machine-generated"]
    assert data["source_datasets"] == ["original"]
    assert data["multilinguality"] == ["monolingual"], "3 of 1,120 rows may as well be a model's mistake"
    half = front(card(full() | {"languages": {"en": 600, "no": 520}}, sample_about()))
    assert half["multilinguality"] == ["multilingual"]
    assert data["tags"] == ["gristmill", "documents", "harbours", "notices"]
    assert data["language"] == ["en", "no"]
    assert data["dataset_info"]["splits"][0]["num_examples"] == 1120


def test_a_licence_that_the_hub_has_no_name_for_gets_one() -> None:
    licensing = {"license": "MIT OR Apache-2.0", "reason": "We asked."}
    data = front(card(full() | {"license": "CC-BY-2.1-JP"}, sample_about(licensing=licensing)))
    assert (data["license"], data["license_name"]) == ("other", "mit-or-apache-2.0")
    data = front(card(full() | {"license": "CC-BY-2.1-JP"}, sample_about()))
    assert (data["license"], data.get("license_name")) == ("cc-by-4.0", None)


def test_datasets_on_the_hub_that_it_was_made_from_are_named() -> None:
    collection = sample_about().collection.model_dump(mode="json", exclude_none=True)
    collection["sources"] = [
        {"name": n, "kind": "public-dataset", "how": "As published.", "url": url}
        for n, url in (("C4", "https://huggingface.co/datasets/allenai/c4"), ("Other", "https://a.example/rows"))
    ]
    assert said_front(sample_about(collection=collection), full())["source_datasets"] == ["allenai/c4"]


@pytest.mark.parametrize("record", [*map(few_facts, KINDS), full()], ids=[*KINDS, "all facts"])
def test_every_kind_has_a_valid_card_without_a_placeholder(record: dict[str, Any]) -> None:
    text = card(record, sample_about())
    data = front(text)
    assert set(data.get("annotations_creators") or []) <= ANNOTATORS
    assert set(data.get("language_creators") or []) <= CREATORS
    assert set(data.get("task_categories") or []) <= TASKS
    assert set(data.get("multilinguality") or []) <= {"monolingual", "multilingual"}
    assert re.fullmatch(r"[a-z0-9.-]+", data["license"])
    assert not PLACEHOLDERS.search(text)


def test_what_people_said_is_not_called_unknown_further_down() -> None:
    text = card(few_facts(), sample_about())
    for said in ("Licence: unknown", "Source: not recorded", "No licence is known for these", "Nobody has said where"):
        assert said in render_card(few_facts(), examples())
        assert said not in text


@pytest.mark.parametrize("record", [*map(few_facts, KINDS), full()], ids=[*KINDS, "all facts"])
def test_without_about_the_front_matter_is_that_of_the_facts(record: dict[str, Any]) -> None:
    assert front_matter(record) == front_matter(record, {}) == front_matter(record, None)
    assert render_card(record, examples()) == render_card(record, examples(), (), {})


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_of_people_and_data_stay_words(text: str) -> None:
    record = hostile_version(text) | {"tainted": []}
    made = card(record, hostile_about(text), hostile_examples(text))
    tame = card(hostile_version("tame") | {"tainted": []}, hostile_about("tame"), hostile_examples("tame"))
    tokens = parse(body(made))
    assert active(tokens) == set()
    assert headings(tokens) == headings(parse(body(tame)))
    assert front(made)["pretty_name"] == one_line(hostile_about(text).title)
    assert not any(ord(mark) < 32 and mark not in "\n\t" for mark in made)


@settings(deadline=None, max_examples=25)
@given(abouts())
def test_whatever_validates_makes_a_card(about: About) -> None:
    made = card(full(), about)
    assert made == card(full(), About.model_validate(about.model_dump()))
    tokens = parse(body(made))
    assert active(tokens) == set()
    assert set(headings(tokens)) == {"h1", "h2"}
    assert not re.search(r"more information needed|\bTODO\b|\bTBD\b|\bFIXME\b|lorem ipsum", made)
    data = front(made)
    assert data["pretty_name"] == one_line(about.title)
    assert data["tags"][:2] == ["gristmill", "documents"]
    assert yaml.safe_load(made.split("\n---\n")[0].removeprefix("---\n"))["license"] == data["license"]


@pytest.mark.parametrize(
    "text", ["- a", "+ a", "1. a", "22) a", "=== a", "---", "# a", "> a", "    a", "```", "* a", "| a |"]
)
def test_a_paragraph_of_foreign_text_is_a_paragraph(text: str) -> None:
    tokens = parse(f"before\n{line(text)}\n\n{line(text)}")
    assert [token.type for token in tokens].count("paragraph_open") == 2
    assert active(tokens) == set()
    assert shape(tokens) == []
    shown = "".join(token.content for token in tokens if token.type in ("text", "text_special"))
    assert shown == f"before{text.strip()}{text.strip()}"


def test_an_empty_line_divides_paragraphs_and_other_line_ends_do_not() -> None:
    assert paragraphs("one\ntwo\n\n\nthree") == ["one two", "three"]
