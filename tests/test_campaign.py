"""Campaigns from the command line with scripted annotators: waiting, drafts only, and versions of every kind."""

import json
from pathlib import Path
from typing import Any

import pytest

from dataset_cards.versions.schemas import problems
from dataset_cards.versions.store import Store
from tests.shell import gristmill, ran

PEOPLE = ("--desk", "memory", "--scripted", "a1=careful", "--scripted", "a2=noise:0.2", "--scripted", "a3=noise:0.1")
ROWS: dict[str, list[dict[str, Any]]] = {
    "preferences": [
        {"id": f"p{n}", "prompt": f"Question {n}", "chosen": f"good {n}", "rejected": f"bad {n}"} for n in range(30)
    ],
    "rankings": [
        {"id": f"r{n}", "prompt": f"Question {n}", "responses": [f"{m} of {n}" for m in range(3)], "ranks": [1, 2, 2]}
        for n in range(12)
    ],
    "conversations": [
        {
            "id": f"c{n}",
            "messages": [{"role": "user", "content": f"Hi {n}"}, {"role": "assistant", "content": f"Hello {n}"}],
        }
        for n in range(12)
    ],
    "prompts": [{"id": f"q{n}", "prompt": f"Tell me about {n}"} for n in range(12)],
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a version of each kind that people can be asked about."""
    place = tmp_path_factory.mktemp("campaign")
    for kind, rows in ROWS.items():
        (place / f"{kind}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        said = ("--license", "CC0-1.0", "--source", "made for a test")
        ran(place, "adopt", f"{kind}.jsonl", "--kind", kind, *said, "--as", f"{kind}@1.0.0")
    return place


def campaign(place: Path, recipe: str, rows: str, *more: str) -> tuple[str, ...]:
    return ("run", recipe, "-p", f"rows={rows}@1.0.0", "-p", "annotators=a1,a2,a3", *more)


def test_a_run_that_waits_for_people_ends_with_code_3_and_says_for_whom(place: Path) -> None:
    late = ("--desk", "memory", "--scripted", "a1=careful", "--scripted", "a2=careful,done:0.5", "--scripted", "a3")
    done = gristmill(place, *campaign(place, "comparisons", "preferences", "-p", "seed=7"), *late)
    assert done.returncode == 3
    assert "15 of 90 items are still to be answered: a2 15 of 30" in done.stderr


def test_a_trial_never_stands_for_what_people_say(place: Path) -> None:
    words = campaign(place, "comparisons", "preferences", "-p", "seed=8")
    half = ("--desk", "memory", "--scripted", "a1", "--scripted", "a2", "--scripted", "a3=done:0.5")
    assert gristmill(place, *words, *half).returncode == 3
    assert gristmill(place, *words, *PEOPLE).returncode == 0
    real = gristmill(place, *words)  # there is no desk: it must look for one, and not be content with the trial
    assert real.returncode == 1
    assert "gristmill desk serve" in real.stderr


def test_what_scripted_annotators_said_can_only_become_a_draft(place: Path) -> None:
    words = campaign(place, "comparisons", "preferences", *PEOPLE)
    refused = gristmill(place, *words, "--as", "prefs@1.0.0")
    assert refused.returncode == 1
    assert "scripted annotators" in refused.stderr
    assert "prefs@draft" in refused.stderr
    assert gristmill(place, *words, "--as", "prefs@draft").returncode == 0


def test_the_raw_answers_are_frozen_without_asking_again(place: Path) -> None:
    words = campaign(place, "comparisons", "preferences")
    ran(place, *words, *PEOPLE, "--as", "asked@draft")
    ran(place, *words, *PEOPLE, "-p", "give=judgements", "--as", "answers@draft")
    store = Store.at(str(place / "gristmill-store"))
    answers, asked = store.version("answers@draft"), store.version("asked@draft")
    assert (answers.kind, answers.json["rows"]) == ("judgements", 90)
    beside = [file for file in asked.json["files"] if file["path"] == "ledger/judgements.parquet"]
    assert [file["rows"] for file in beside] == [90]


@pytest.mark.parametrize(
    ("recipe", "rows", "more", "kind", "many"),
    [
        ("comparisons", "preferences", (), "preferences", 30),
        ("rankings", "rankings", (), "rankings", 12),
        ("rankings", "rankings", ("-p", "give=preferences"), "preferences", 36),
        ("ratings", "conversations", (), "conversations", 12),
        ("review", "conversations", (), "conversations", 12),
        ("demonstrations", "prompts", ("-p", "overlap=2"), "conversations", 24),
        ("demonstrations", "conversations", (), "conversations", 12),
    ],
)
def test_every_task_ends_in_rows_that_are_right(
    place: Path, recipe: str, rows: str, more: tuple[str, ...], kind: str, many: int
) -> None:
    words = (*campaign(place, recipe, rows), *more, *PEOPLE)
    ran(place, *words, "--as", f"{recipe}-{rows}-{len(more)}@draft")
    version = Store.at(str(place / "gristmill-store")).version(f"{recipe}-{rows}-{len(more)}@draft")
    found = version.table.collect().to_dicts()
    assert (version.kind, version.json["ledger"]["read"]) == (kind, many)
    assert version.json["ledger"]["kept"] + sum(version.json["ledger"]["dropped"].values()) == many
    assert not [wrong for row in found for wrong in problems(kind, row)]
    assert version.json["facts"]["agreement"]["judgements"] > 0
    assert "What people judged" in (Path(str(version.folder)) / "README.md").read_text()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("-p", "annotators=a1"), "overlap=3 asks for 3 different people"),
        ((), "say who answers: either annotators=a1,a2,... or pool=NAME"),
        (("-p", "annotators=a1,a2,a3", "-p", "pool=crowd"), "say who answers"),
        (("-p", "annotators=a1,a2,b9"), "nobody scripted is called 'b9'"),
        (("-p", "annotators=a1,a2,a3", "-p", "guidelines=missing.md"), "missing.md"),
        (("-p", "annotators=a1,a2,a3", "-p", "min_gold=0.7"), "add adjudicators"),
        (("-p", "annotators=a1,a2,a3", "-p", "adjudicators=a3", "-p", "min_gold=0.7"), "add gold=NAME@VERSION"),
        (("-p", "pool=crowd"), "pool:crowd"),
        (("-p", "annotators=a1,a2,a3", "-p", "first=uncertainty"), "no row has a score called 'uncertainty'"),
    ],
)
def test_what_cannot_be_meant_is_told_in_a_sentence(place: Path, words: tuple[str, ...], says: str) -> None:
    done = gristmill(place, "run", "comparisons", "-p", "rows=preferences@1.0.0", *words, *PEOPLE)
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_rows_of_another_kind_are_refused_with_the_kinds_that_fit(place: Path) -> None:
    done = gristmill(place, *campaign(place, "comparisons", "prompts"), *PEOPLE)
    assert done.returncode == 2
    assert "prompts@1.0.0 holds prompts; comparisons are about rankings or preferences" in done.stderr


def test_a_desk_in_memory_needs_people_and_a_real_one_takes_none_that_are_scripted(place: Path) -> None:
    words = campaign(place, "comparisons", "preferences")
    for more, says in (
        (("--desk", "memory"), "needs annotators"),
        (("--scripted", "a1"), "on a real desk, people answer"),
    ):
        done = gristmill(place, *words, *more)
        assert done.returncode == 2
        assert says in done.stderr


def test_without_a_desk_the_run_says_how_to_get_one(place: Path) -> None:
    done = gristmill(place, *campaign(place, "comparisons", "preferences", "-p", "seed=99"))
    assert done.returncode != 0
    assert "gristmill desk serve" in done.stderr
    assert "Traceback" not in done.stderr
