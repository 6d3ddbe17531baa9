"""The recipes on prompts from their parameters to a frozen version, with the fake model."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from dataset_cards.freeze import freeze
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Job, Refused
from dataset_cards.versions.recipe import find_recipe
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion
from synth.llm.fake import Fake
from tests.generating import fake, rule, table, user

TEXT = "The lighthouse of Harrow Point was built in 1874 of granite, since brick had failed there twice. " * 4
NEW = "<task>Why does ice float on water?</task><task>Sum up the rules of chess in ten lines.</task>"


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Writes the rows it was given."""

    revision: ClassVar[int] = 1
    kind: str
    rows: str

    def run(self, job: Job) -> dict[str, Any]:
        frame = table(Path(job.folder.path) / "given", self.kind, json.loads(self.rows)).collect()
        funnel = {"stage": "given", "read": frame.height, "kept": frame.height, "quarantined": 0, "dropped": {}}
        job.write(0, frame, funnel=[funnel])
        return {"kind": self.kind, "license": "CC0-1.0", "source": "somebody"}


def store_with(folder: Path, name: str, kind: str, rows: list[dict[str, Any]]) -> Store:
    store = Store.at(str(folder))
    step = Step(f"given/{name}", Rows(kind=kind, rows=json.dumps(rows)))
    store.run(step)
    freeze(store, step, f"{name}@1.0.0", {"name": "given", "function": "tests", "parameters": {}})
    return store


def seeds(folder: Path) -> Store:
    asked = ["Write a poem about the sea.", "Explain how a canal lock works.", "Plan cheap meals for a week."]
    return store_with(
        folder, "seeds", "prompts", [{"id": f"s{n}", "prompt": [user(one)]} for n, one in enumerate(asked)]
    )


def made(store: Store, recipe: str, llm: Fake, *parameters: str) -> DatasetVersion:
    step, record = find_recipe(f"synth.recipes_prompts:{recipe}", ()).bind(list(parameters), store)
    store.run(step, (llm,))
    return freeze(store, step, "made@draft", record)


def test_self_instruct_makes_conversations_whose_card_tells_of_prompts_and_answers(tmp_path: Path) -> None:
    llm = fake(rule("Invent", NEW), rule("ice float", "It is lighter."), rule("chess", "Two armies."))
    words = ("rows=seeds@1.0.0", "model=m", "rounds=2", "requests=2", "give=conversations", "against=seeds@1.0.0")
    found = made(seeds(tmp_path), "self_instruct", llm, *words).json
    assert (found["kind"], found["rows"], found["license"], found["source"]) == (
        "conversations",
        2,
        "CC0-1.0",
        "somebody",
    )
    assert found["ledger"]["read"] == 8
    assert found["facts"]["generated"] == {"results": 8, "rows": 2, "unreadable": 0}
    assert found["facts"]["answered"] == {"results": 2, "rows": 2, "unreadable": 0}
    assert found["facts"]["variety"]["against"][0]["version"] == "seeds@1.0.0"
    assert found["tainted"] == ["answers come from the fake model"]
    card = (tmp_path / "versions" / "made" / "draft" / "README.md").read_text()
    assert "8 results in what a model said: 2 rows, 0 unreadable" in card
    assert "It was made from seeds@1.0.0." in card


def test_the_gate_stops_before_answers_are_asked_for(tmp_path: Path) -> None:
    alike = "".join(f"<task>Write one short line about {what} for my aunt today.</task>" for what in ("rain", "snow"))
    words = ("rows=seeds@1.0.0", "model=m", "rounds=1", "requests=1", "give=conversations", "max_rouge=1")
    with pytest.raises(Refused, match="of the prompts have a near-duplicate"):
        made(seeds(tmp_path), "self_instruct", fake(rule("Invent", alike)), *words, "max_self_similarity=0.1")


def test_ground_makes_pairs_of_the_documents_of_a_version(tmp_path: Path) -> None:
    pair = "<question>Why granite?</question><answer>Brick had failed.</answer><quote>brick had failed</quote>"
    store = store_with(tmp_path, "docs", "documents", [{"id": "d", "text": TEXT}])
    found = made(store, "ground", fake(rule("questions", f"<item>{pair}</item>")), "rows=docs@1.0.0", "model=m").json
    assert (found["kind"], found["rows"]) == ("conversations", 1)
    assert set(found["facts"]["prompts"]) == {"ask"}


def test_variety_of_a_version_keeps_its_rows(tmp_path: Path) -> None:
    store = seeds(tmp_path)
    found = made(store, "variety", fake(), "rows=seeds@1.0.0", "against=seeds@1.0.0")
    assert (found.json["kind"], found.json["license"]) == ("prompts", "CC0-1.0")
    assert found.table.collect().equals(store.version("seeds@1.0.0").table.collect())


def test_another_prompt_or_sampling_makes_another_step_and_the_gate_none(tmp_path: Path) -> None:
    store = seeds(tmp_path / "store")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "draft.txt").write_text("=== user\n{{mark}} {{examples}} {{shown}} Invent {{count}}\n")

    def first(*more: str) -> str:
        words = ["rows=seeds@1.0.0", "model=m", *more]
        step, _ = find_recipe("synth.recipes_prompts:self_instruct", ()).bind(words, store)
        while isinstance(step.inputs[0], Step):
            step = step.inputs[0]
        return step.fingerprint

    assert first() == first("max_self_similarity=0.9") == first("rounds=1")
    assert len({first(), first(f"prompts={tmp_path / 'mine'}"), first("temperature=0.5"), first("seed=1")}) == 4


@pytest.mark.parametrize("word", ["rounds=0", "max_rouge=2", "min_words=0", "max_self_similarity=3", "requests=0"])
def test_parameters_that_make_no_sense_are_refused(word: str, tmp_path: Path) -> None:
    with pytest.raises((Misuse, ValueError)):
        find_recipe("synth.recipes_prompts:self_instruct", ()).bind(
            ["rows=seeds@1.0.0", "model=m", word], seeds(tmp_path)
        )
