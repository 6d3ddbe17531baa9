"""What a corpus that was made safe says of itself: nothing more than was done, and no limit that can do nothing."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from curation.classify.model import MODEL, Model
from curation.recipes import plain_text, web_text
from dataset_cards.cards.account import limits, what_it_is
from dataset_cards.cards.card import render_card
from dataset_cards.cards.report import render_report
from dataset_cards.versions.errors import Damaged
from dataset_cards.versions.store import Store
from tests.classifying import rows, trained
from tests.sample_version import few_facts

DIGEST = "sha256:" + "77" * 32


@pytest.mark.parametrize("recipe", [plain_text, web_text])
@pytest.mark.parametrize("name", ["min_language_score", "max_toxicity", "max_spam", "min_quality"])
@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan")])
def test_a_probability_that_is_none_is_refused_before_anything_is_read(
    recipe: Any, name: str, value: float, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=rf"{name}={value}: write a probability, 0 to 1"):
        recipe(input=str(tmp_path / "nothing"), **{name: value})


def test_a_version_that_lost_its_model_is_damaged(tmp_path: Path) -> None:
    model = trained(Store.at(str(tmp_path / "store")), tmp_path, *rows())
    (Path(str(model.folder)) / MODEL).unlink()
    with pytest.raises(Damaged, match=r"model\.bin is missing; .*gristmill verify"):
        Model.of(model)


def held_against_an_evaluation() -> dict[str, Any]:
    found = {"evaluation": "sums@1.0", "fields": {"prompt": {"looked_for": 3}}, "rows_dropped": 1}
    return {
        **few_facts(),
        "parents": [
            {"name": "raw", "version": "0.9", "digest": DIGEST},
            {"name": "sums", "version": "1.0", "digest": DIGEST},
        ],
        "facts": {"decontamination": {"evaluations": [found]}},
    }


def test_a_corpus_is_not_said_to_be_made_from_the_evaluations_it_was_held_against() -> None:
    version = held_against_an_evaluation()
    said = what_it_is(version)
    assert "It was made from raw@0.9. " in said
    assert said.endswith("Rows that hold items of sums@1.0 were looked for, to leave them out.")
    version["parents"] = version["parents"][1:]
    assert "made from" not in what_it_is(version)
    assert not any("parents" in sentence for sentence in limits(version))
    card, report = render_card(version, pl.DataFrame()), render_report(version, pl.DataFrame(), pl.DataFrame())
    assert "| made from |" not in card
    assert "| held against |" in card
    assert "Made from" not in report
    assert "Held against" in report


def test_a_card_says_that_detectors_read_the_text_alone() -> None:
    sentence = "Personal data and secrets were looked for in texts alone: ids, sources, addresses and metadata"
    found = few_facts() | {"facts": {"spans": {"pii": {}}}}
    assert any(one.startswith(sentence) for one in limits(found))
    assert not any(one.startswith(sentence) for one in limits(few_facts()))
