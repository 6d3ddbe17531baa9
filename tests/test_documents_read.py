"""What a careful reader stumbles over: one row told as many, shares that disagree, licences told twice or not at all.

Everything here was once wrong in a document of a real version. Layout is covered in test_report_browser.
"""

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dataset_cards.adopt.adopt import Adopt
from dataset_cards.cards.report import render_report
from dataset_cards.documents.ab2013 import ab2013
from dataset_cards.documents.eu_summary import eu_summary
from dataset_cards.documents.render import rendered
from dataset_cards.freeze import freeze
from dataset_cards.intake.source import Input
from dataset_cards.versions.step import Step
from dataset_cards.versions.version import DatasetVersion
from tests.about_sample import sample_about
from tests.measuring import QUICK
from tests.sample_model import adopted
from tests.sample_version import few_facts, full
from tests.tracing import write
from tests.training import store_at

ONE_ROW: dict[str, list[dict[str, Any]]] = {
    "documents": [{"id": "1", "text": "Only one text is here."}],
    "conversations": [
        {"id": "1", "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]}
    ],
    "preferences": [{"id": "1", "prompt": "Hi", "chosen": "Yes, longer.", "rejected": "No"}],
    "rankings": [
        {
            "id": "1",
            "prompt": "Hi",
            "responses": [{"id": "1", "content": "a"}, {"id": "2", "content": "b"}],
            "ranks": [1, 2],
        }
    ],
    "judgements": [{"id": "1", "record": "r", "annotator": "p", "answer": "yes"}],
    "verifiable": [{"id": "1", "prompt": "1+1", "answer": "2", "verifier": "number"}],
}
EMPTY = pl.DataFrame()
SAID_WRONG = re.compile(
    r"\b1 (?:rows|pairs|times|records|rankings|answers|texts|messages|documents|conversations|preferences)\b"
    r"|\b1 \w+ were\b|\ball [01] \w+"
)


def taken(folder: Path, kind: str, rows: list[dict[str, Any]]) -> DatasetVersion:
    """Rows as a version, measured with every instrument."""
    path = write(folder / "rows.jsonl", rows)
    step = Step("adopt", Adopt(input=Input.find(str(path)), kind=kind, license="MIT", source="written for a test"))
    store = store_at(folder / "store")
    store.run(step)
    return freeze(store, step, "rows@1.0.0", {"name": "adopt", "function": "adopt", "parameters": {}}, QUICK)


def documents(record: dict[str, Any], said: bool = True) -> dict[str, str]:
    return rendered(record, EMPTY, EMPTY, sample_about() if said else None)


@pytest.mark.parametrize("kind", ONE_ROW)
def test_one_row_is_told_as_one(tmp_path: Path, kind: str) -> None:
    for name, text in documents(taken(tmp_path, kind, ONE_ROW[kind]).json).items():
        assert not SAID_WRONG.search(text), f"{name}: {SAID_WRONG.search(text)}"


def test_one_row_that_is_dropped_is_told_as_one() -> None:
    gone = {"ledger": {"read": 1, "kept": 0, "quarantined": 0, "dropped": {"a/b": 1}}, "rows": 0}
    for name, text in documents(few_facts() | gone).items():
        assert not SAID_WRONG.search(text), f"{name}: {SAID_WRONG.search(text)}"


def test_what_was_found_once_is_not_found_one_times() -> None:
    found = {"spans": {"pii": {"IP_ADDRESS": {"spans": 1, "rows": 1, "actions": {"mask": 1}}}, "secrets": {}}}
    made = documents(few_facts() | {"facts": found})
    assert "1 time in 1 row" in made["AB2013.md"]
    assert not SAID_WRONG.search("".join(made.values()))


def test_keys_are_no_personal_data_and_a_search_in_vain_is_told_from_none() -> None:
    keys = {"aws-key": {"spans": 5, "rows": 4, "actions": {"mask": 5}}}
    told = ab2013(few_facts() | {"facts": {"spans": {"pii": {}, "secrets": keys}}}, sample_about())
    assert "aws-key" not in told.split("## 7.")[1].split("## 8.")[0]
    assert "`pii` looked and found none *(measured)*" in told
    none = ab2013(few_facts() | {"facts": {"spans": {"secrets": keys}}}, sample_about())
    assert "No stage of this recipe looked for personal data" in none


def test_rows_whose_source_states_no_language_are_in_the_one_that_was_recognised(tmp_path: Path) -> None:
    rows = [
        {"id": "1", "text": "There are ten men here.", "language": "no"},
        {"id": "2", "text": "Where were they seen?"},
    ]
    record = taken(tmp_path, "documents", rows).json
    assert record["languages"] == {"en": 1, "no": 1}
    for name, text in documents(record).items():
        assert not re.search(r"\bund\b", text), name


def test_shares_of_languages_are_of_all_rows_wherever_they_stand() -> None:
    record = few_facts() | {"rows": 4, "languages": {"en": 2, "no": 1}}
    counted = {"counts": {"en": 2, "no": 1}, "different": 2, "others": 0, "missing": 1, "slack": 0}
    record |= {"facts": {"content": {"languages": {**counted, "how": {"stated": 0, "recognised": 3}}}}}
    page = render_report(record, EMPTY)
    assert "66.67" not in page
    assert page.count("<caption>Languages") == 1
    assert "`en` 50 %, `no` 25 %; of 25 % none is known *(measured)*" in eu_summary(record, sample_about())


def test_nothing_is_shown_side_by_side_where_nothing_was_compared() -> None:
    record = full()
    record["facts"]["near_duplicates"]["pairs_verified"] = 0
    assert "side by side" not in documents(record)["README.md"]


def test_the_licences_inside_are_told_once_on_a_card() -> None:
    record = few_facts() | {"license": "MIT"}
    card = documents(record)["README.md"]
    assert card.count("Everything inside together asks") == 1
    assert "asks for what MIT asks" in documents(record, said=False)["README.md"]


def test_a_model_has_the_licence_that_people_gave_it_in_the_front_matter() -> None:
    record = adopted() | {"license": "CC0-1.0"}
    card = documents(record)["README.md"]
    assert "\nlicense: cc-by-4.0\n" in card
    assert "Licence as recorded: CC0-1.0" in card
    assert "asks for what CC0-1.0 asks" in card
    assert "\nlicense: cc0-1.0\n" in documents(record, said=False)["README.md"]
    assert "a model that was taken in as it came *(measured)*" in documents(record)["EU_SUMMARY.md"]


def test_nobody_is_said_to_have_said_what_follows_from_a_field_that_is_empty() -> None:
    """A no to crawlers, say, is what the list of sources comes to; about.yaml has no such sentence."""
    made = documents(few_facts())
    for name in ("EU_SUMMARY.md", "AB2013.md"):
        wrong = [line for line in made[name].split("\n") if "no source in about.yaml" in line and "(said)" in line]
        assert not wrong, name
        assert "*(read)*" in made[name]
