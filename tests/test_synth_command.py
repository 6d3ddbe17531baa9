"""Generators from the command line: what they cost, drafts of fake models only, and what is said without a model."""

import json
import os
from pathlib import Path

import pytest

from dataset_cards.versions.schemas import problems
from dataset_cards.versions.store import Store
from tests.shell import gristmill, ran

RULES = """
[[rule]]
when = "(?s).*"
anywhere = true
say = ["A short answer."]
"""
CANARY = "sk-canary-0123456789abcdef"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with twenty prompts, and rules for a fake model that always says the same."""
    place = tmp_path_factory.mktemp("synth")
    rows = [{"id": f"q{n}", "prompt": f"Tell me about the number {n}"} for n in range(20)]
    (place / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    said = ("--license", "CC0-1.0", "--source", "made for a test")
    ran(place, "adopt", "prompts.jsonl", "--kind", "prompts", *said, "--as", "prompts@1.0.0")
    (place / "rules.toml").write_text(RULES)
    (place / "prices.toml").write_text('currency = "EUR"\n[models."parrot"]\ninput = 1.0\noutput = 2.0\n')
    return place


TEACH = ("run", "teach", "-p", "rows=prompts@1.0.0", "-p", "model=parrot")


def test_without_a_model_the_run_says_how_to_name_one(place: Path) -> None:
    done = gristmill(place, *TEACH, "-p", "seed=1")
    assert done.returncode == 2
    assert "add --llm ADDRESS" in done.stderr


def test_what_a_fake_model_said_can_only_become_a_draft_and_says_what_it_was_made_from(place: Path) -> None:
    refused = gristmill(place, *TEACH, "--llm", "fake:rules.toml", "--as", "taught@1.0.0")
    assert refused.returncode == 1
    assert "fake model" in refused.stderr
    ran(place, *TEACH, "--llm", "fake:rules.toml", "--as", "taught@draft")
    version = Store.at(str(place / "gristmill-store")).version("taught@draft")
    rows = version.table.collect().to_dicts()
    assert (version.kind, len(rows)) == ("conversations", 20)
    assert not [wrong for row in rows for wrong in problems("conversations", row)]
    assert {row["origin"] for row in rows} == {"parrot"}
    assert [row["parents"] for row in rows] == [[f"q{n}"] for n in range(20)]
    assert version.json["license"] == "CC0-1.0"


def test_a_trial_with_a_fake_model_does_not_stand_for_the_real_one(place: Path) -> None:
    ran(place, *TEACH, "-p", "seed=2", "--llm", "fake:rules.toml")
    real = gristmill(place, *TEACH, "-p", "seed=2")
    assert real.returncode == 2
    assert "add --llm ADDRESS" in real.stderr


def test_plan_says_what_the_first_questions_would_cost(place: Path) -> None:
    text = ran(place, "plan", "teach", "-p", "rows=prompts@1.0.0", "-p", "model=parrot", "--prices", "prices.toml")
    assert "20 requests" in text
    assert "EUR" in text


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--budget", "5"), "add --llm ADDRESS"),
        (("--llm", "nonsense"), "is no model; write"),
        (("--llm", "fake:missing.toml"), "missing.toml"),
        (("--llm", "fake", "--budget", "lots"), "--budget 'lots'"),
    ],
)
def test_what_cannot_be_meant_is_told_in_a_sentence(place: Path, more: tuple[str, ...], says: str) -> None:
    done = gristmill(place, *TEACH, "-p", "seed=3", *more)
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_that_is_not_there_is_named_and_the_key_is_not(place: Path) -> None:
    done = gristmill(
        place, *TEACH, "-p", "seed=4", "--llm", "http://127.0.0.1:9/v1", OPENAI_API_KEY=CANARY, GRISTMILL_DEBUG=""
    )
    assert done.returncode == 1
    assert "127.0.0.1:9" in done.stderr
    found = [Path(folder) / name for folder, _, names in os.walk(place) for name in names]
    assert not [path for path in found if CANARY.encode() in path.read_bytes()]
    assert CANARY not in done.stderr + done.stdout
