"""Decided data from file to version: judgements of others, runs that were killed, and what is frozen.

`deciding.Outcome` checks what always holds, of ledger, ids and rules of the row types.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from annotation.decide.from_votes import Columns, convert, from_votes
from annotation.decide.judgements import Judgements
from annotation.decide.prefer import Prefer
from dataset_cards.adopt.adopt import Adopt
from dataset_cards.freeze import freeze
from dataset_cards.intake.source import Input
from dataset_cards.versions.job import Job
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store

from .deciding import Outcome, adopted, preference, said, table


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.at(str(tmp_path / "store"))


def test_judgements_are_a_version_of_their_own_whole(store: Store) -> None:
    people = said("p", "1", "2", "") + said("q", "1", batch="gold", gold="2")
    given_table = table(store, "judgements", people[:2], people[2:])
    made = Outcome(store, Judgements(task="comparisons"), given_table)
    assert made.rows == given_table.collect().to_dicts()
    assert made.facts["kind"] == "judgements"
    assert made.facts["agreement"]["by_annotator"][0]["gold_items"] == 1


def test_pandalm_goes_from_its_file_to_preferences(store: Store, tmp_path: Path, shared_data: Path) -> None:
    columns = Columns(
        prompt=("instruction", "input"),
        responses=("response1", "response2"),
        votes=("annotator1", "annotator2", "annotator3"),
        answers={"0": "tie", "1": "1", "2": "2"},
        id="idx",
    )
    counts = convert(str(shared_data / "preference" / "pandalm_human.jsonl.zst"), tmp_path / "votes", columns)
    assert counts == {"rankings": 681, "judgements": 2043, "aside": 6}, "six rows hold true where a text belongs"
    steps = []
    for kind in ("rankings", "judgements"):
        read = Adopt(input=Input.find(str(tmp_path / "votes" / f"{kind}.jsonl")), kind=kind, license="MIT", source="it")
        steps.append(Step(f"pandalm/{kind}", read))
        store.run(steps[-1])
    source, people = (store.table(step) for step in steps)
    made = Outcome(store, Prefer(), source, people)
    assert (made.ledger.kept, made.ledger.dropped) == (638, {"prefer/invalid-rejected": 43}), "43 losers say nothing"
    assert made.facts["agreement"]["decided"] == {"majority": 82, "unanimous": 599}
    for row in made.rows:
        outcome = json.loads(row["metadata"])["outcome"]
        assert (row["margin"] == 0) == (outcome == "tie")
        assert outcome == "tie" or sum(one["choice"] == "chosen" for one in row["votes"]) >= 2


def test_what_cannot_be_a_pair_with_votes_goes_aside_whole() -> None:
    columns = Columns(prompt=("q",), responses=("x", "y"), votes=("v",), answers={"1": "1"}, id="n")
    rows: list[dict[str, Any]] = [
        {"n": 1, "q": "Hi", "x": "a", "y": "b", "v": 1, "kept": "too"},
        {"n": 2, "q": "Hi", "x": "a", "y": "b", "v": None},
        {"n": 3, "q": "Hi", "x": True, "y": "b", "v": 1},
        {"n": 4, "q": "Hi", "x": "a", "y": "b", "v": 7},
        {"q": "Hi", "x": "a", "y": "b", "v": 1},
        {"n": 6, "q": "", "x": "a", "y": "b", "v": 1},
    ]
    made = list(from_votes(rows, columns))
    assert [name for name, _ in made] == ["rankings", "judgements", "rankings", "aside", "aside", "aside", "aside"]
    assert (made[0][1]["id"], made[0][1]["ranks"], made[0][1]["kept"]) == ("1", [1, 1], "too")
    assert made[1][1] == {"record": "1", "annotator": "v", "answer": "1"}
    problems = [row["problem"] for name, row in made if name == "aside"]
    assert problems == ["x: no text", "v: '7' is none of 1", "n: absent", "the prompt is empty"]


def test_a_run_that_was_killed_goes_on_to_the_same_rows(store: Store) -> None:
    source = table(
        store, "preferences", [preference("p", "a", "b")], [preference("q", "c", "d"), preference("r", "e", "f")]
    )
    people = table(store, "judgements", said("p", "1") + said("q", "2", "2"))
    job = Job((source, people), store.root / "killed")
    Prefer().run(job)
    names = [name for name in job.folder.files() if not name.startswith("task-")]
    whole = {name: job.folder.read_bytes(name) for name in names}
    for name in ("task-00001.json", "part-00001.parquet", "ledger/rows.parquet"):
        job.folder.fs.rm(f"{job.folder.path}/{name}")
    Prefer().run(job)
    assert {name: job.folder.read_bytes(name) for name in names} == whole


def test_a_frozen_version_carries_rows_ledger_judgements_and_a_balanced_funnel(store: Store, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    source = adopted(tmp_path / "in", "preferences", [preference(f"p{n}", "a", "b") for n in range(4)])
    people = adopted(tmp_path / "in", "judgements", [one for n in range(3) for one in said(f"p{n}", "1", "2", "2")])
    frozen = [
        freeze(store, one, ref, {})
        for one, ref in ((source, "pairs@1.0.0"), (people, "votes@1.0.0"))
        if store.run(one) is not None
    ]
    step = Step("decide/prefer", Prefer(license="MIT", source="a test"), tuple(frozen))
    store.run(step)
    version = freeze(store, step, "preferences@1.0.0", {})
    assert version.json["ledger"] == {"read": 4, "kept": 3, "quarantined": 0, "dropped": {"prefer/no-votes": 1}}
    assert {"ledger/rows.parquet", "ledger/judgements.parquet"} <= {file["path"] for file in version.json["files"]}
    assert (version.json["kind"], version.json["license"], version.json["source"]) == ("preferences", "MIT", "a test")
    assert version.json["facts"]["agreement"]["decided"] == {"majority": 3}
    again = Step("decide/pairs", Prefer(by="weighted"), tuple(frozen))
    assert again.fingerprint != step.fingerprint
