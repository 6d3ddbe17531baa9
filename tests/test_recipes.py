"""What the corpus recipes refuse before anything is read; what they do is in test_corpus.py and test_safe_corpus.py."""

from pathlib import Path
from typing import Any

import pytest

from curation.recipes import plain_text
from dataset_cards.versions.step import in_order


@pytest.fixture
def rows(tmp_path: Path) -> str:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "A line."}\n')
    return str(path)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"max_toxicity": 0.2}, r"max_toxicity is 0\.2, but no classifier was named; add -p toxicity="),
        ({"min_quality": 0.9}, r"add -p quality=NAME@VERSION"),
        ({"max_spam": -1.0}, r"write a probability, 0 to 1"),
        ({"min_language_score": 7.0}, r"write a probability, 0 to 1"),
        ({"min_words": -1}, r"write 0 <= min_words <= max_words"),
        ({"max_words": 1}, r"min_words is 50 and max_words 1"),
        ({"language": "zz"}, r"no word rules for language 'zz'"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused(rows: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        plain_text(input=rows, **options)


def test_secrets_and_personal_data_are_masked_unless_somebody_says_keep(rows: str) -> None:
    names = [step.name for step in in_order(plain_text(input=rows))]
    assert names[-2:] == ["plain-text/safe", "plain-text/keep"]
    kept = [step.name for step in in_order(plain_text(input=rows, secrets="keep", pii="keep"))]
    assert "plain-text/safe" not in kept
