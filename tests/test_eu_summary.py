"""EU_SUMMARY.md: every section of the template once, nothing claimed that nobody knows, foreign text inert.

    python -m tests.test_eu_summary

writes the golden files again; read the difference before keeping it.
"""

import copy
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from dataset_cards.cards.account import compared_with, held_against
from dataset_cards.documents.check import check
from dataset_cards.documents.eu_summary import eu_summary, missing, uncovered
from dataset_cards.documents.roots import behind, ref
from dataset_cards.documents.volume import BANDS, band
from dataset_cards.versions.ancestors import only_read
from tests.about_sample import SAMPLE, sample_about, sample_fields
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
    parent,
    parse,
    tally,
)
from tests.sample_model import adopted, trained
from tests.sample_version import HOSTILE, KINDS, few_facts, full, hostile_version

GOLDEN = Path(__file__).resolve().parent / "golden_documents"
SAMPLES = {"corpus": (corpus, about_corpus), "chats": (chats, about_chats)}
SECTIONS = ["1", "1.1", "1.2", "1.3", "2", "2.1", "2.2", "2.2.1", "2.2.2", "2.3", "2.4", "2.5", "2.6"]
SECTIONS += ["3", "3.1", "3.2", "3.3"]


def sections(text: str) -> list[str]:
    return [found[1] for line in text.split("\n") if (found := re.match(r"#+ (\d(?:\.\d)*)\.? ", line))]


def section(text: str, number: str) -> str:
    """What stands under one number."""
    return re.split(r"^#+ ", text.split(f" {number}. ", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


@pytest.mark.parametrize("name", SAMPLES)
def test_the_golden_files_hold(name: str) -> None:
    record, about = SAMPLES[name]
    assert eu_summary(record(), about()) == (GOLDEN / f"eu-summary-{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("record", [corpus(), chats(), model("pretrain", "sft"), adopted(), trained(), full()])
def test_every_section_stands_once_and_in_order_and_every_line_has_its_mark(record: dict[str, Any]) -> None:
    for about in (sample_about(), about_corpus(), sample_about(provider=None)):
        text = eu_summary(record, about)
        assert sections(text) == SECTIONS
        told, checks = text.split("\n## What must be checked by the provider\n")
        lines = [line for line in told.split("\n") if line.lstrip().startswith("- ")]
        assert lines
        assert all(line.endswith(MARKS) for line in lines)
        assert "the template that is in force" in checks


def test_no_section_of_the_template_is_empty() -> None:
    for record in (corpus(), adopted(), few_facts()):
        text = eu_summary(record, sample_about(provider=None))
        heads = [head for head in SECTIONS if head not in ("1", "2", "2.2", "3")]
        assert all(section(text, number).strip() for number in heads)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_row_gets_one(kind: str) -> None:
    assert sections(eu_summary(few_facts(kind), sample_about())) == SECTIONS


def test_a_root_without_a_source_is_a_gap_and_is_named() -> None:
    record, about = corpus(), about_with(origin("The crawl", "web-crawl", versions=["crawl@1.0.0"]))
    gaps = uncovered(record, about)
    assert len(gaps) == 1
    assert gaps[0].startswith("collection.sources: ")
    assert "written@1.0.0" in gaps[0]
    text = eu_summary(record, about)
    assert "No source in about.yaml is about `written@1.0.0`" in section(text, "2")
    assert "no source in about.yaml is of this kind, but some" in section(text, "2.1")
    assert missing(record, about)[-1] == "collection.sources"


def test_a_source_that_names_a_version_covers_every_root_behind_it() -> None:
    record = few_facts() | {
        "parents": [parent("mixed@1.0.0")],
        "ancestors": [ancestor("mixed@1.0.0", "a@1.0.0", "b@1.0.0"), ancestor("a@1.0.0"), ancestor("b@1.0.0")],
    }
    assert uncovered(record, about_with(origin("all", "other", versions=["mixed@1.0.0"]))) == []
    assert uncovered(record, about_with(origin("all", "other", versions=["pages@1.0.0"]))) == []
    assert uncovered(record, about_with(origin("all", "other"))) == []
    (gap,) = uncovered(record, about_with(origin("a", "other", versions=["a@1.0.0"])))
    assert "b@1.0.0" in gap
    gap, *_ = uncovered(record, about_with(origin("b", "other"), origin("c", "other", versions=["other@9.0.0"])))
    assert gap.startswith("collection.sources[1].versions: ")


def test_card_check_tells_of_a_root_without_a_source() -> None:
    told = SAMPLE.read_text(encoding="utf-8")
    one = told.replace("kind: web-crawl\n", "kind: web-crawl\n      versions: [crawl@1.0.0]\n").replace(
        "kind: synthetic\n", "kind: synthetic\n      versions: [crawl@1.0.0]\n"
    )
    gaps = [str(gap) for gap in check(corpus(), one.encode(), "about.yaml")]
    assert any("collection.sources" in gap and "written@1.0.0" in gap for gap in gaps)
    assert not any("written@1.0.0" in str(gap) for gap in check(corpus(), told.encode(), "about.yaml"))


def test_what_was_only_read_is_no_training_content() -> None:
    record = corpus()
    found = behind(record)
    assert [ref(one) for one in found.roots] == ["crawl@1.0.0", "written@1.0.0"]
    assert list(found.aside) == ["quiz@1.0.0"]
    assert [ref(one) for one in found.lenders] == ["toxicity@1.0.0"]
    text = eu_summary(record, about_corpus())
    assert "Only read, and no training content: `quiz@1.0.0`" in text
    assert "comments@1.0.0" not in text


@pytest.mark.parametrize("record", [corpus(), full(), few_facts(), *map(hostile_version, HOSTILE[:3])])
def test_only_read_is_what_the_card_says_was_held_against_or_compared(record: dict[str, Any]) -> None:
    aside = [*held_against(record), *compared_with(record)]
    assert only_read(record) == sorted(ref(one) for one in aside)


def test_an_evaluation_of_an_earlier_version_is_no_root_either() -> None:
    record = few_facts() | {
        "parents": [parent("clean@1.0.0")],
        "ancestors": [
            ancestor("clean@1.0.0", "raw@1.0.0", "quiz@1.0.0", only_read=["quiz@1.0.0"]),
            *(ancestor("raw@1.0.0"), ancestor("quiz@1.0.0")),
        ],
    }
    assert [ref(one) for one in behind(record).roots] == ["raw@1.0.0"]


def test_a_model_tells_of_every_stage_and_names_what_it_begins_with() -> None:
    found = behind(model("pretrain", "sft", "dpo"))
    stages = ("dpo", "pretrain", "sft")
    assert [ref(one) for one in found.learned] == [f"data-{stage}@1.0.0" for stage in stages]
    assert [ref(one) for one in found.roots] == [f"raw-{stage}@1.0.0" for stage in stages]
    assert [ref(one) for one in found.models] == ["base@1.0.0"]
    assert found.aside == ["test@1.0.0"]
    assert "learned from `base@1.0.0`, which came from `A hub`" in eu_summary(model("sft"), sample_about())


def test_tokens_of_the_last_stage_are_not_taken_for_all() -> None:
    assert "5,000,000,000 tokens" in eu_summary(model("sft"), sample_about())
    text = eu_summary(model("pretrain", "sft"), sample_about())
    assert "5,000,000,000" not in text
    assert "| text | not told |" in text


@pytest.mark.parametrize(
    ("tokens", "place"), [(0, 0), (10**9 - 1, 0), (10**9, 1), (10**13, 1), (10**13 + 1, 2), (10**15, 2)]
)
def test_the_bands_are_those_of_the_template(tokens: int, place: int) -> None:
    assert band(tokens) == BANDS[place]


def test_no_tokens_are_made_up() -> None:
    record = corpus()
    lengths = record["facts"]["content"]["lengths"]["text"]
    assert "Less than 1 billion tokens" in section(eu_summary(record, sample_about()), "1.3")
    lengths["bytes"] = 3_900_000_000
    told = section(eu_summary(record, sample_about()), "1.3")
    assert "convention" in told
    assert "Less than 1 billion tokens, if a token is 4 bytes" in told
    lengths["bytes"] = 40_000_000_000
    assert "1 billion to 10 trillion tokens, if a token is 4 bytes" in section(
        eu_summary(record, sample_about()), "1.3"
    )
    del record["facts"]["content"]["lengths"]
    told = section(eu_summary(record, sample_about()), "1.3")
    assert "| text | not told |" in told
    assert not any(one in told for one in BANDS)


@pytest.mark.parametrize(("small", "listed"), [("no", 2), ("yes", 1)])
def test_the_domains_are_as_many_as_the_template_asks_for(small: str, listed: int) -> None:
    fields = about_corpus().model_dump(mode="json")["collection"]["sources"]
    text = section(eu_summary(corpus(), about_with(*fields, small=small)), "2.3")
    assert re.findall(r"\| `(harbour\d+)\.example`", text) == ["harbour0", "harbour1"][:listed]


def test_domains_that_version_json_leaves_out_are_missed_aloud() -> None:
    record = corpus()
    record["facts"]["content"]["domains"] = tally({"a.example": 9, "b.example": 3}, different=70, others=90, slack=2)
    text = section(eu_summary(record, about_corpus()), "2.3")
    assert "at least 70 different ones" in text
    assert "Only the first 2 are in version.json" in text


def test_rows_that_a_model_wrote_are_told_also_where_no_person_did() -> None:
    text = eu_summary(chats(), about_with(origin("People", "other")))
    told = section(text, "2.5")
    assert "yes, as rows say of themselves *(measured)*" in told
    assert "`Qwen2.5-7B-Instruct`" in told
    assert "No source in about.yaml is of this kind *(open)*" in told


def test_what_a_person_left_out_is_asked_for() -> None:
    provider = sample_fields()["provider"]
    del provider["code_of_practice"], provider["builds_on"]
    bare = sample_about(provider=provider)
    assert missing(corpus(), bare) == ["provider.code_of_practice", "provider.builds_on"]
    assert missing(corpus(), sample_about(provider=None)) == ["provider"]
    gaps = missing(corpus(), about_with(origin("W", "web-crawl"), origin("S", "synthetic")))
    assert gaps == [
        f"collection.sources[{n}].{field}" for n, field in ((0, "crawler"), (0, "begin"), (0, "end"), (1, "model"))
    ]
    assert missing(corpus(), about_corpus()) == []


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_anywhere_stays_text(text: str) -> None:
    ancestors = [ancestor("x@1", source=text, license=text, languages={text: 1}, name=text, version=text)]
    ancestors[0]["content"] = {key: tally({text: 3}) for key in ("origins", "domains")}
    ancestors[0]["content"]["dates"] = {text: {"earliest": text, "latest": text}}
    record = hostile_version(text) | {"ancestors": ancestors}
    record["facts"] |= {"decontamination": {}}
    record["facts"]["content"] = ancestors[0]["content"]
    for one in (record, hostile_version(text)):
        shown = eu_summary(one, hostile_about(text))
        assert active(shown) == set()
        assert sections(shown) == SECTIONS
        assert [token.tag for token in parse(shown) if token.type == "heading_open"].count("h1") == 1
        assert not any(ord(mark) < 32 and mark != "\n" for mark in shown)


def test_the_same_facts_give_the_same_bytes_in_any_order() -> None:
    record = corpus()
    turned = {key: record[key] for key in reversed(record)}
    turned["ancestors"] = record["ancestors"][::-1]
    turned["languages"] = dict(reversed(record["languages"].items()))
    before = copy.deepcopy(record)
    assert eu_summary(record, about_corpus()) == eu_summary(turned, about_corpus())
    assert record == before


@settings(deadline=None, max_examples=40)
@given(
    st.lists(ORIGINS, min_size=1, max_size=4), TEXTS, st.sampled_from([corpus(), chats(), model("a", "b"), adopted()])
)
def test_no_about_that_validates_breaks_it(origins: list[dict[str, Any]], text: str, record: dict[str, Any]) -> None:
    try:
        about = about_with(*origins, owns=text, builds_on=text)
    except ValueError:
        reject()  # a text that says nothing is refused before
    shown = eu_summary(record, about)
    assert sections(shown) == SECTIONS
    assert active(shown) == set()


if __name__ == "__main__":
    for name, (record, about) in SAMPLES.items():
        (GOLDEN / f"eu-summary-{name}.md").write_text(eu_summary(record(), about()), encoding="utf-8")
