"""The audit as a recipe: rows that can be checked stay, every other one is named with its reason."""

import json
from pathlib import Path

import polars as pl
import pytest

from dataset_cards.versions.store import Store
from tests.shell import gristmill, ran

ROWS = [
    {"id": "good", "prompt": "2 + 2?", "answer": "4", "verifier": "number"},
    {"id": "words", "prompt": "How many?", "answer": "quite a few", "verifier": "number"},
    {"id": "words", "prompt": "Still how many?", "answer": "5", "verifier": "number"},
    {"id": "stranger", "prompt": "2 + 2?", "answer": "4", "verifier": "oracle"},
    {"id": "nameless", "prompt": "Capital of Peru?", "answer": "Lima"},
]
SAID = ("--license", "CC0-1.0", "--source", "made for a test")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("audit")
    (place / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    ran(place, "adopt", "rows.jsonl", "--kind", "verifiable", *SAID, "--as", "problems@1.0.0")
    return place


@pytest.mark.parametrize(
    ("more", "kept", "reasons"),
    [
        (
            (),
            ["good", "words"],
            {"no-verifier": "nameless", "unknown-verifier": "stranger", "unreadable-reference": "words"},
        ),
        (
            ("-p", "verifier=exact"),
            ["good", "words", "nameless"],
            {"unknown-verifier": "stranger", "unreadable-reference": "words"},
        ),
    ],
)
def test_what_cannot_be_checked_is_left_out_with_its_reason(
    place: Path, more: tuple[str, ...], kept: list[str], reasons: dict[str, str]
) -> None:
    name = f"checkable@{len(more)}"
    ran(place, "run", "audit", "-p", "rows=problems@1.0.0", *more, "--as", name)
    version = Store.at(str(place / "gristmill-store")).version(name)
    assert version.table.collect().get_column("id").to_list() == kept
    with version.folder.open("ledger/rows.parquet") as file:
        gone = pl.read_parquet(file)
    assert dict(gone.select("reason", "id").iter_rows()) == reasons
    assert version.json["facts"]["audit"]["number"] == {"rows": 3, "uncheckable": 1}
    assert "quite a few" in ran(place, "sample", name, "--reason", "audit/unreadable-reference")


def test_an_unknown_verifier_and_rows_of_another_kind_are_refused(place: Path) -> None:
    done = gristmill(place, "run", "audit", "-p", "rows=problems@1.0.0", "-p", "verifier=oracle")
    assert done.returncode == 2
    assert "there are number, exact" in done.stderr
