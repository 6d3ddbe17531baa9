"""Versions of kind model: trained and adopted, frozen, shown, checked, and complete about what they ate.

A tiny model learns by the real trainer. What the documents say of any model is in test_model_card.py.
"""

import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from huggingface_hub import ModelCard
from typer.testing import CliRunner, Result

import gristmill
from dataset_cards.adopt.model import AdoptModel
from dataset_cards.freeze import freeze
from dataset_cards.verify import verify
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Refused
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion
from tests.planted import CONVERSATIONS
from tests.training import frozen, store_at, tiny_folder, tiny_model
from train.machine import Machine
from train.models import stamp_of
from train.schedule import Schedule
from train.sft import SFT
from train.trainer import training

RECIPE = {"name": "sft", "function": "train.recipes:sft", "parameters": {}}
LEARNING = SFT(
    schedule=Schedule(max_steps=12, batch_size=8, learning_rate=5e-3, log_steps=2, save_steps=0),
    held_out=0.2,
    max_length=96,
    repair=True,
)


class Trained:
    """A store with a tiny model, and what it became."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store: Store = store_at(folder / "store")
        self.base = tiny_model(self.store, "base@1.0.0", folder)
        rows = [row for row in CONVERSATIONS.rows if CONVERSATIONS.faults.get(row["id"]) != "template-error"]
        self.data = frozen(self.store, "chats@1.0.0", "conversations", rows, folder)
        self.step = self.learn(LEARNING)
        self.model = freeze(self.store, self.step, "chatty@1.0.0", RECIPE)

    def learn(self, op: SFT) -> Step:
        step = training(op, data=self.data, model=self.base)
        self.store.run(step, [Machine(device="cpu")])
        return step

    def type(self, *words: str) -> Result:
        return CliRunner().invoke(gristmill.app, [*words, "--store", str(self.folder / "store")])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return Trained(tmp_path_factory.mktemp("models"))


def local(version: DatasetVersion) -> Path:
    return Path(version.folder.path)


def test_a_trained_model_is_frozen_whole_and_loads_from_its_folder(trained: Trained) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    assert verify(trained.model) == []
    folder = local(trained.model)
    names = {path.name for path in folder.iterdir()}
    assert {"README.md", "report.html", "training.json", "model.safetensors", "config.json", "ledger"} <= names
    model = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert model.num_parameters() > 0
    assert tokenizer.chat_template


def test_every_weights_file_says_in_its_own_metadata_what_it_ate(trained: Trained) -> None:
    stamp = stamp_of(local(trained.model) / "model.safetensors")
    assert stamp["gristmill.stage"] == "sft"
    for role, source in (("data", trained.data), ("model", trained.base)):
        assert stamp[f"gristmill.{role}"] == f"{source.ref} {source.json['digest']}"


def test_training_json_is_complete(trained: Trained) -> None:
    record = json.loads((local(trained.model) / "training.json").read_text())
    assert set(record) >= {
        *("stage", "inputs", "parameters", "seed", "preflight", "measures", "curves", "plots", "sheets", "facts"),
        *("notes", "cost", "machine", "environment"),
    }
    assert record["inputs"] == [
        {
            **{"role": role, "ref": source.ref, "kind": source.kind},
            **{"digest": source.json["digest"], "license": "CC0-1.0"},
        }
        for role, source in (("data", trained.data), ("model", trained.base))
    ]
    assert record["parameters"]["schedule"]["Schedule"]["max_steps"] == 12
    assert record["preflight"]["steps"] == 12
    assert {"torch", "transformers", "trl"} <= set(record["environment"]["packages"])
    assert record == trained.model.json["facts"]["training"]
    first = record["measures"][0]
    assert first["after"][0] < first["before"][0]
    assert [plot["name"] for plot in record["plots"]]
    for plot in record["plots"]:
        assert (local(trained.model) / "plots" / f"{plot['name']}.svg").read_text().startswith("<svg")


def test_every_row_that_was_left_out_is_in_the_ledger_of_the_model(trained: Trained) -> None:
    gone = {row["id"]: row["reason"] for row in pq.read_table(local(trained.model) / "ledger/rows.parquet").to_pylist()}
    repairable = {
        name: check for name, check in CONVERSATIONS.faults.items() if check not in ("truncated", "template-error")
    }
    repairable = {name: check for name, check in repairable.items() if check != "in-evaluation"}  # none was given
    assert gone == repairable
    book = trained.model.json["ledger"]
    assert book["read"] == book["kept"] + sum(book["dropped"].values()) == trained.data.json["rows"]
    assert sum(book["dropped"].values()) == len(gone)


def test_the_card_and_the_report_speak_of_this_run(trained: Trained) -> None:
    card = (local(trained.model) / "README.md").read_text()
    data = ModelCard(card).data
    assert (data["datasets"], data["base_model"]) == (["chats-1.0.0"], "base-1.0.0")
    assert data["gristmill"]["ate"][0]["digest"] == trained.data.json["digest"]
    for part in ("response loss went from", "plots/loss.svg", "special-tokens-in-text", "schedule.learning_rate"):
        assert part in card
    report = (local(trained.model) / "report.html").read_text()
    assert '<svg class="curves"' in report
    assert "chats@1.0.0" in report


def test_the_same_model_again_is_no_change_and_another_under_its_name_is_refused(trained: Trained) -> None:
    again = freeze(trained.store, trained.step, "chatty@1.0.0", RECIPE)
    assert again.json == trained.model.json
    other = trained.learn(replace(LEARNING, seed=1))
    with pytest.raises(FileExistsError, match=r"chatty@1\.0\.0 is frozen with another model"):
        freeze(trained.store, other, "chatty@1.0.0", RECIPE)


def test_a_model_that_learned_nothing_is_refused(trained: Trained) -> None:
    still = replace(LEARNING, schedule=replace(LEARNING.schedule, learning_rate=1e-12, max_steps=1))
    with pytest.raises(Refused, match="sft learned nothing: response loss"):
        trained.learn(still)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "training.json", "plots/loss.svg", "README.md"])
def test_one_changed_byte_of_any_file_is_found(trained: Trained, name: str) -> None:
    path = local(trained.model) / name
    whole = path.read_bytes()
    try:
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        assert [problem.path for problem in verify(trained.model)] == [name]
        done = trained.type("verify", "chatty@1.0.0")
        assert done.exit_code == 1
        assert f"{name} is damaged" in done.output
    finally:
        path.write_bytes(whole)
    assert "is as frozen" in trained.type("verify", "chatty@1.0.0").output


def test_show_says_what_it_ate_and_what_it_learned_and_not_how_many_rows_it_holds(trained: Trained) -> None:
    shown = trained.type("show", "chatty@1.0.0").output
    assert shown.startswith("chatty@1.0.0  model  sft  ")
    assert "data     chats@1.0.0  conversations  sha256:" in shown
    assert "response loss went from" in shown
    assert "learned from" in shown
    adopted = trained.type("show", "base@1.0.0").output
    assert adopted.startswith("base@1.0.0  model  adopted  ")
    assert " rows" not in adopted
    listed = trained.type("list").output.splitlines()
    assert next(line.split()[2] for line in listed if line.startswith("chatty@1.0.0")) == "-"


@pytest.mark.parametrize("words", [("sample", "chatty@1.0.0"), ("diff", "chatty@1.0.0", "base@1.0.0")])
def test_what_needs_rows_says_that_a_model_has_none(trained: Trained, words: tuple[str, ...]) -> None:
    done = trained.type(*words)
    assert isinstance(done.exception, Misuse)
    assert "chatty@1.0.0" in str(done.exception)
    assert "gristmill show" in str(done.exception)


def adopt(trained: Trained, folder: Path, ref: str) -> Result:
    about = ("--kind", "model", "--license", "Apache-2.0", "--source", "made for a test")
    return trained.type("adopt", str(folder), "--as", ref, *about)


def test_a_folder_is_adopted_without_its_code_and_without_pickles(trained: Trained, tmp_path: Path) -> None:
    source = tiny_folder(tmp_path / "found", seed=3)
    for name in ("modeling_own.py", "pytorch_model.bin", "run.sh", "README.md", "training.json", "version.json"):
        (source / name).write_bytes(b"import os")
    done = adopt(trained, source, "found@1.0.0")
    assert done.exit_code == 0, done.output
    version = trained.store.version("found@1.0.0")
    taken = {file["path"] for file in version.json["files"]}
    assert {"model.safetensors", "config.json", "tokenizer.json", "chat_template.jinja"} <= taken
    assert not taken & {"modeling_own.py", "pytorch_model.bin", "run.sh", "training.json", "version.json"}
    assert not {path.name for path in local(version).iterdir()} & {"modeling_own.py", "pytorch_model.bin", "run.sh"}
    assert (version.json["license"], version.json["source"]) == ("Apache-2.0", "made for a test")
    assert (version.kind, version.json["rows"]) == ("model", 0)
    assert verify(version) == []
    assert "adopted as it came" in (local(version) / "README.md").read_text()
    again = adopt(trained, source, "found@1.0.0")
    assert again.exit_code == 0


def test_another_model_under_an_adopted_name_is_refused(trained: Trained, tmp_path: Path) -> None:
    assert adopt(trained, tiny_folder(tmp_path / "one", seed=4), "mine@1.0.0").exit_code == 0
    done = adopt(trained, tiny_folder(tmp_path / "two", seed=5), "mine@1.0.0")
    assert done.exception is not None
    cause = done.exception.__cause__
    assert isinstance(cause, FileExistsError)
    assert "mine@1.0.0 is frozen with another model" in str(cause)


def test_what_is_no_safe_model_is_refused_in_words(tmp_path: Path) -> None:
    about = {"license": "MIT", "source": "s"}
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(Misuse, match="holds no model"):
        AdoptModel.of(str(empty), **about)
    pickled = tmp_path / "pickled"
    pickled.mkdir()
    (pickled / "config.json").write_text("{}")
    (pickled / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(Misuse, match="pickled weights"):
        AdoptModel.of(str(pickled), **about)
    with pytest.raises(Misuse, match="holds no model"):
        AdoptModel.of(str(tmp_path / "nowhere"), **about)


def test_weights_that_are_cut_off_or_no_weights_at_all_are_refused(tmp_path: Path) -> None:
    about = {"license": "MIT", "source": "s"}
    source = tiny_folder(tmp_path / "source")
    whole = (source / "model.safetensors").read_bytes()
    for bad in (b"", whole[:4], whole[:100], whole[:-1], whole + b"\0", b"\xff" * 64, b"\2" + b"\0" * 7 + b"[]"):
        (source / "model.safetensors").write_bytes(bad)
        with pytest.raises(Misuse, match="is no whole safetensors file"):
            AdoptModel.of(str(source), **about)


def test_a_model_that_is_changed_between_looking_and_taking_is_refused(trained: Trained, tmp_path: Path) -> None:
    source = tiny_folder(tmp_path / "source", seed=6)
    step = Step("adopt", AdoptModel.of(str(source), license="MIT", source="s"))
    config = json.loads((source / "config.json").read_text())
    (source / "config.json").write_text(json.dumps(config | {"rope_theta": 1}))
    with pytest.raises(Misuse, match="was changed while it was being read"):
        trained.store.run(step)


def test_a_recipe_that_eats_another_kind_says_so(trained: Trained) -> None:
    with pytest.raises(Misuse, match=r"-p data=base@1\.0\.0: this is model; sft takes conversations"):
        training(LEARNING, data=trained.base, model=trained.base)
    with pytest.raises(Misuse, match="these are the rows to learn from"):
        training(LEARNING, data=trained.data, model=trained.base, held_out=trained.data)
