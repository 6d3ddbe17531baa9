"""The card says of detectors how good they are, what they found and missed, and which of them did nothing.

That hostile text stays text there is tested with the whole card in test_card.py.
"""

import pytest

from tests.sample_version import full
from tests.test_card import render


def test_detectors_are_measured_on_the_card_and_what_they_miss_is_said() -> None:
    text = render(full())
    assert "`pii`: 400 labelled rows of our own sentences, revision 1, counted by span" in text
    assert "Area under the ROC curve: 0.97 (0.95 to 0.98). Threshold: 0.5." in text
    rows = [line for line in text.splitlines() if "(0." in line and line.startswith("|")]
    assert rows == [
        "| `all` | 60 | 0.5 (0.4 to 0.6) | 1 (0.94 to 1) | 0.667 (0.6 to 0.7) |",
        "| `EMAIL_ADDRESS` | 60 | 0.98 (0.91 to 0.995) | 1 (0.94 to 1) | 0.99 (0.95 to 1) |",
    ]
    assert "| `IBAN` | 0 | \u2013 | \u2013 | \u2013 |" in text
    version = full()
    version["facts"]["gold"][0]["results"][0]["auc"] = [0.9, 0.8, 0.95]
    assert "1 (0.94 to 1) | 0.99 (0.95 to 1) | 0.9 (0.8 to 0.95) |" in render(version)
    assert "- pii: names of people: no model is run" in text[text.index("## What is not covered") :]


def test_what_was_found_and_how_duplicates_are_found_is_on_the_card() -> None:
    text = render(full())
    assert "| `pii` | `EMAIL_ADDRESS` | 1,040 | 900 | mask 1,030, drop 10 |" in text
    assert "`secrets` found nothing." in text
    assert "| `quiz@1.0.0` | prompt 47 | 3 | 2 | 5 |" in text
    assert "| 0.5 | 10 % |\n| 0.8 | 90 % |\n| 1 | 100 % |" in text
    version = full()
    version["funnel"].append({"stage": "pii", "read": 1120, "kept": 1120, "quarantined": 0, "dropped": {}})
    assert "- pii read 1,120 rows and changed none: is it needed, or broken?" in render(version)


@pytest.mark.parametrize(
    ("stage", "missing"),
    [
        ("Pii", "removes or masks personal data"),
        ("Secrets", "removes secrets such as keys and passwords"),
        ("Toxicity", "removes toxic text"),
        ("Decontaminate", "removes text that is also in benchmarks"),
        ("NearDuplicates", "removes duplicates"),
    ],
)
def test_a_stage_that_ran_is_not_called_missing_and_one_over_excerpts_alone_is(stage: str, missing: str) -> None:
    version = full() | {"funnel": []}
    steps = version["recipe"]["steps"]
    assert f"No stage that {missing} ran" in render(version)
    steps[0]["fields"] = {"veil": [{stage: {}}]}
    assert f"No stage that {missing} ran" in render(version)
    steps[0]["fields"] = {"stages": [{stage: {}}]}
    assert f"No stage that {missing} ran" not in render(version)
