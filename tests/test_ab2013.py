"""AB2013.md: twelve points in order, answered from facts or by a person, and nothing said that neither tells.

    python -m tests.test_ab2013

writes the golden files again; read the difference before keeping it.
"""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, reject, settings

from dataset_cards.documents.ab2013 import POINTS, ab2013, missing
from dataset_cards.documents.questions import QUESTIONS
from tests.about_sample import sample_about, sample_fields
from tests.law_samples import (
    MARKS,
    ORIGINS,
    TEXTS,
    about_chats,
    about_corpus,
    about_with,
    active,
    ancestor,
    chats,
    corpus,
    hostile_about,
    model,
    origin,
    parse,
    tally,
)
from tests.sample_model import adopted, trained
from tests.sample_version import HOSTILE, KINDS, few_facts, full, hostile_version

GOLDEN = Path(__file__).resolve().parent / "golden_documents"
SAMPLES = {"corpus": (corpus, about_corpus), "chats": (chats, about_chats)}


def points(text: str) -> list[str]:
    """What is answered, point by point."""
    assert re.findall(r"^## (\d+)\. (.*)$", text, re.MULTILINE) == [
        (str(number), point) for number, point in enumerate(POINTS, start=1)
    ]
    return re.split(r"^## .*$", text, flags=re.MULTILINE)[1:-1]


def point(number: int, record: dict[str, Any], about: Any) -> str:
    return points(ab2013(record, about))[number - 1]


@pytest.mark.parametrize("name", SAMPLES)
def test_the_golden_files_hold(name: str) -> None:
    record, about = SAMPLES[name]
    assert ab2013(record(), about()) == (GOLDEN / f"ab2013-{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "record", [corpus(), chats(), model("sft"), adopted(), trained(), full(), *map(few_facts, KINDS)]
)
def test_twelve_points_are_answered_and_every_line_has_its_mark(record: dict[str, Any]) -> None:
    for about in (sample_about(), about_corpus(), sample_about(provider=None)):
        text = ab2013(record, about)
        answers = points(text)
        assert len(answers) == 12
        assert all(answer.strip() for answer in answers)
        told = text.split("\n## What must be checked by the provider\n")[0]
        lines = [line for line in told.split("\n") if line.lstrip().startswith("- ")]
        assert all(line.endswith(MARKS) for line in lines)


def test_facts_answer_where_something_was_measured() -> None:
    answers = points(ab2013(corpus(), about_corpus()))
    assert "1,100 documents, in the range 1,000 to 9,999 *(measured)*" in answers[2]
    assert "`EMAIL_ADDRESS` 12 times in 9 rows: `mask 12` *(measured)*" in answers[6]
    assert "2,400 rows read, 1,100 kept, 1,298 dropped" in answers[8]
    assert "takes out copies" in answers[8]
    assert "`2025-11` to `2026-03-30` *(measured)*" in answers[9]
    assert "390 rows of `written@1.0.0` say that `Qwen2.5-7B-Instruct` wrote them *(measured)*" in answers[11]


def test_labels_are_told_where_rows_have_them() -> None:
    assert "chosen and which rejected" in point(4, few_facts("preferences"), sample_about())
    assert "has no labels" in point(4, few_facts("conversations"), sample_about())


def test_a_collection_that_goes_on_carries_the_notice() -> None:
    fields = sample_fields()["collection"]
    assert "is not said to be ongoing *(read)*" in point(10, corpus(), sample_about())
    ongoing = sample_about(collection=fields | {"ongoing": "yes"})
    assert "Notice: the collection of data is ongoing" in point(10, corpus(), ongoing)


def test_only_what_every_licence_says_is_called_public_domain() -> None:
    record = few_facts() | {"license": "CC0-1.0"}
    assert "to the public domain *(measured)*" in point(5, record, sample_about())
    assert "to the public domain" not in point(5, few_facts(), sample_about())
    half = record | {"parents": [{"name": "a", "version": "1"}], "ancestors": [ancestor("a@1", license="CC-BY-4.0")]}
    assert "to the public domain" not in point(5, half, sample_about())
    rows = {"licenses": tally({"CC0-1.0": 2}, missing=1)}
    some = few_facts() | {"facts": {"content": rows}}
    assert "`CC0-1.0, not stated`" in point(5, some, sample_about())
    assert "to the public domain" not in point(5, some, sample_about())
    assert "to the public domain" in point(5, record | {"facts": {"content": rows}}, sample_about())
    mixed = record | {"facts": {"licenses": {"CC-BY-4.0": 1}}}
    assert "to the public domain" not in point(5, mixed, sample_about())


def test_no_is_not_said_for_a_version_without_a_source() -> None:
    plain = few_facts()
    assert "No source in about.yaml is of the kind synthetic" in point(12, plain, about_with(origin("People", "other")))
    away = about_with(origin("People", "other", versions=["other@1.0.0"]))
    assert "of the kind synthetic" not in point(12, plain, away)
    assert "*(open)*" in point(12, plain, away)


def test_what_a_person_left_open_is_asked_for_in_words() -> None:
    people, provider = (sample_fields()[section] for section in ("people", "provider"))
    del provider["aggregate"]
    about = sample_about(people=people | {"concerned": "unknown"}, provider=provider)
    assert missing(corpus(), about) == ["provider.aggregate", "people.concerned"]
    assert missing(corpus(), sample_about(provider=None)) == ["provider"]
    about = about_with(origin("A", "other"), origin("B", "other", licensed="unknown"))
    assert missing(corpus(), about) == ["collection.sources[1].licensed"]
    assert "`collection.sources[1].licensed`" in ab2013(corpus(), about)
    assert "B was purchased or licensed is not settled *(open)*" in point(6, corpus(), about)
    assert missing(corpus(), about_with(origin("A", "other", versions=["crawl@1.0.0"]))) == ["collection.sources"]
    assert missing(corpus(), about_corpus()) == []
    assert {"provider.aggregate", "people.concerned", "collection.sources.licensed"} <= set(QUESTIONS)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_anywhere_stays_text(text: str) -> None:
    ancestors = [ancestor("x@1", source=text, license=text, languages={text: 1}, name=text, version=text)]
    ancestors[0]["content"] = {"origins": tally({text: 3}), "dates": {text: {"earliest": text, "latest": text}}}
    for record in (hostile_version(text) | {"ancestors": ancestors}, hostile_version(text)):
        shown = ab2013(record, hostile_about(text))
        points(shown)
        assert active(shown) == set()
        assert [token.tag for token in parse(shown) if token.type == "heading_open"] == ["h1"] + ["h2"] * 13


@settings(deadline=None, max_examples=40)
@given(ORIGINS, TEXTS)
def test_no_about_that_validates_breaks_it(one: dict[str, Any], text: str) -> None:
    try:
        about = about_with(one, owns=text, aggregate=text)
    except ValueError:
        reject()  # a text that says nothing is refused before
    for record in (corpus(), chats(), model("a", "b"), adopted()):
        shown = ab2013(record, about)
        points(shown)
        assert active(shown) == set()


if __name__ == "__main__":
    for name, (record, about) in SAMPLES.items():
        (GOLDEN / f"ab2013-{name}.md").write_text(ab2013(record(), about()), encoding="utf-8")
