"""DATASHEET.md: every question of the paper has an answer, each under who gives it; text stays text; no placeholder."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from dataset_cards.documents.about import About
from dataset_cards.documents.datasheet import SECTIONS, datasheet
from tests.about_markdown import active, headings, parse
from tests.about_sample import abouts, hostile_about, sample_about
from tests.sample_agreement import comparisons, judged
from tests.sample_version import HOSTILE, KINDS, few_facts, full, hostile_version

GOLDEN = Path(__file__).parent / "golden_about" / "DATASHEET.md"
MARK = re.compile(r"^\*(Measured|Said by .+|Read from about\.yaml):\*", re.M)


def answers(text: str) -> dict[str, str]:
    parts = re.split(r"^#{2,3} ([1-7]\.?\d* .*|\d\. .*)$", text, flags=re.M)
    return {heading: said.strip() for heading, said in zip(parts[1::2], parts[2::2], strict=True)}


def test_the_datasheet_of_the_sample_is_this_one() -> None:
    assert datasheet(full(), sample_about()) == GOLDEN.read_text(encoding="utf-8")


def test_all_questions_of_the_paper_are_asked() -> None:
    # Gebru et al. 2021: motivation 4, composition 16, collection 12, preprocessing 4, uses 6, distribution 7,
    # maintenance 8, each with "any other comments?".
    assert [len(questions) for _, questions in SECTIONS] == [4, 16, 12, 4, 6, 7, 8]


SPARE = {"provider": None, "keywords": None, "doi": None, "documents": ["datasheet"]}


@pytest.mark.parametrize("record", [*map(few_facts, KINDS), full()], ids=[*KINDS, "all facts"])
@pytest.mark.parametrize("about", [sample_about(), sample_about(**SPARE)], ids=["everything said", "little said"])
def test_every_question_is_answered_by_somebody(record: dict[str, Any], about: About) -> None:
    text = datasheet(record, about)
    found = answers(text)
    asked = [heading for heading in found if re.match(r"\d\.\d", heading)]
    assert len(asked) == 57
    for heading in asked:
        assert MARK.search(found[heading]), heading
        assert MARK.sub("", found[heading]).strip(), heading
    assert not re.search(r"more information needed|\bTODO\b|\bTBD\b|\bNone\b|\bnull\b|\bnan\b|\{\}|\[\]", text, re.I)


def test_what_was_measured_is_told_apart_from_what_was_said() -> None:
    found = answers(datasheet(full(), sample_about()))
    how_many = found["2.2 How many are there?"]
    assert how_many.startswith("*Measured:* 1,120 documents")
    assert "Said by" not in how_many
    assert found["1.3 Who paid for it?"].startswith("*Said by Ada Holm and Jonas Vik:* Paid by the Fjord")
    assert "*Read from about.yaml:* No sampling is named." in found["3.3 If it is a sample, how was it drawn?"]


def test_recipe_ledger_duplicates_personal_data_and_scores_are_answers() -> None:
    found = answers(datasheet(full(), sample_about()))
    done = found["4.1 What was cleaned, rewritten or labelled?"]
    assert "| `gopher-quality` | 1,998 | 750 | 0 | 1,248 | 62.4 % |" in done
    assert "| `gopher-quality/too-short` | `words < 50` | 750 | 37.5 % |" in done
    assert "| `pii` | `EMAIL_ADDRESS` | 1,040 | 900 | mask 1,030, drop 10 |" in done
    assert "Compared word by word: 10 pairs." in found["2.7 Are relations between rows made plain?"]
    assert "0.98 (0.91 to 0.995)" in found["2.9 What errors, noise or repetition is there?"]
    assert "`quiz@1.0.0`" in found["2.8 How should it be split?"]
    assert "NLOD-2.0 is taken" in found["6.5 Do others have rights in it?"]


def test_what_nobody_looked_for_is_said() -> None:
    asked = "2.11 Is any of it confidential?"
    both = answers(datasheet(few_facts(), sample_about()))[asked]
    assert "Nobody looked for keys" in both
    assert "Nobody looked for personal data" in both
    assert "Nobody looked" not in answers(datasheet(full(), sample_about()))[asked]
    searched = few_facts() | {"facts": {"content": {"secrets": {"rows": 2, "looked_at": 3, "kinds": {}}}}}
    found = answers(datasheet(searched, sample_about()))[asked]
    assert "2 documents with one" in found
    assert "Nobody looked for keys" not in found


def test_how_far_people_agree_is_an_answer() -> None:
    found = answers(datasheet(judged(comparisons()), sample_about()))
    assert "judgements by" in found["2.5 Does a row have a label or target?"]
    assert "How far they agree" in found["2.9 What errors, noise or repetition is there?"]


def test_many_creators_are_not_all_named_at_every_answer() -> None:
    about = sample_about(creators=[{"name": f"Author {n}"} for n in range(9)])
    text = datasheet(full(), about)
    assert "*Said by Author 0, Author 1 and 7 others:*" in text
    assert text.count("Author 8") == 1


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_of_people_and_data_stay_words(text: str) -> None:
    made = datasheet(hostile_version(text) | {"tainted": []}, hostile_about(text))
    tame = datasheet(hostile_version("tame") | {"tainted": []}, hostile_about("tame"))
    tokens = parse(made)
    assert active(tokens) == set()
    assert headings(tokens) == headings(parse(tame))
    assert not any(ord(mark) < 32 and mark != "\n" for mark in made)


@settings(deadline=None, max_examples=25)
@given(abouts())
def test_whatever_validates_makes_a_datasheet(about: About) -> None:
    made = datasheet(full(), about)
    assert made == datasheet(full(), About.model_validate(about.model_dump()))
    tokens = parse(made)
    assert active(tokens) == set()
    assert headings(tokens).count("h2") == 7
    assert headings(tokens).count("h3") == 57
    assert not re.search(r"more information needed|\bTODO\b|\bTBD\b|\bFIXME\b|lorem ipsum", made)


def test_a_draft_is_called_one_before_anything_else() -> None:
    text = datasheet(full() | {"version": "draft", "tainted": ["answered by a fake model"]}, sample_about())
    assert text.index("This is a draft") < text.index("answered by a fake model") < text.index("## 1.")
