"""The reward model as a step: what it learns, what it says of it, what it refuses, and that runs repeat.

Its loss and what preflight finds are in test_reward_pairs.py, what the report computes in test_reward_report.py, how
texts are read and scored in test_reward_scorer.py.
"""

import dataclasses
import hashlib
import math
from pathlib import Path
from typing import Any

import pytest

from dataset_cards.versions.job import Refused
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion
from tests.rewarding import FAST, bench_at, by_length, learned, of, said, with_word
from tests.training import frozen, store_at, tiny_model
from train.bench import Bench
from train.machine import Machine
from train.reward.reward import Reward
from train.trainer import training


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return store_at(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def model(store: Store, tmp_path_factory: pytest.TempPathFactory) -> DatasetVersion:
    return tiny_model(store, "tiny@1.0.0", tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def words(store: Store, tmp_path_factory: pytest.TempPathFactory) -> DatasetVersion:
    return frozen(store, "words@1.0.0", "preferences", with_word(320), tmp_path_factory.mktemp("words"))


@pytest.fixture(scope="module")
def scorer(store: Store, model: DatasetVersion, words: DatasetVersion) -> DatasetVersion:
    return learned(store, Reward(schedule=FAST, held_out=0.25), "scorer@1.0.0", data=words, model=model)


def digest(folder: Path) -> str:
    return hashlib.sha256((folder / "model" / "model.safetensors").read_bytes()).hexdigest()


def test_a_planted_word_is_learned_and_beats_every_content_blind_rule(scorer: DatasetVersion) -> None:
    record = of(scorer)
    loss, accuracy = record["measures"]
    assert (accuracy["name"], loss["name"]) == ("pair accuracy", "log loss")
    assert accuracy["after"][0] > 0.9 > accuracy["before"][2]
    assert loss["after"][0] < math.log(2)
    assert loss["gain"][1] > 0
    assert record["notes"][0].startswith("Beats every content-blind baseline")
    assert accuracy["rows"] == record["preflight"]["held_out"] > 50


def test_curves_and_pictures_show_loss_accuracy_and_margin(scorer: DatasetVersion) -> None:
    record = of(scorer)
    for name in ("loss", "accuracy", "margin", "mean_reward"):
        assert sum(name in one for one in record["curves"]) > 3
    assert record["curves"][0]["loss"] > 0.5
    assert record["curves"][-2]["margin"] > 1
    for name in ("loss", "accuracy", "margins", "rewards"):
        assert "nothing was logged" not in scorer.folder.read_bytes(f"plots/{name}.svg").decode()


def test_the_report_covers_rules_slices_and_calibration(scorer: DatasetVersion) -> None:
    record = of(scorer)
    assert [sheet["title"] for sheet in record["sheets"]] == [
        "Against rules that never read an answer",
        "Pair accuracy by slice",
        "Calibration",
    ]
    slices = {one["name"] for one in record["facts"]["slices"]}
    assert {"source: some", "source: others", "conversation: one question"} <= slices
    assert {"longer wins", "shorter wins", "all of these together"} <= set(record["facts"]["content_blind"])


def test_the_model_opens_as_a_sequence_classifier_that_scores_chosen_answers_higher(scorer: DatasetVersion) -> None:
    from transformers import AutoModelForSequenceClassification

    from train.models import stamp_of
    from train.quiet import quiet
    from train.reward.scorer import Scorer

    folder = Path(scorer.folder.path)
    with quiet():
        opened = AutoModelForSequenceClassification.from_pretrained(folder)
        ready = Scorer.load(folder, Machine(device="cpu"))
    assert opened.config.num_labels == 1
    assert ready.max_length == 512
    asked = [said("user", "7 + 7 = ?")]
    better, worse = ready([asked, asked], ["the dog ! sat", "the dog , sat"])
    assert better > worse
    assert "words@1.0.0" in stamp_of(folder / "model.safetensors")["gristmill.data"]


def test_a_reward_model_can_learn_on(
    store: Store, scorer: DatasetVersion, words: DatasetVersion, tmp_path: Path
) -> None:
    op = Reward(schedule=dataclasses.replace(FAST, max_steps=2, learning_rate=1e-4), held_out=0.25, must_improve=False)
    again = of(learned(store, op, "more@1.0.0", data=words, model=scorer))
    assert again["measures"][0]["before"][0] == pytest.approx(of(scorer)["measures"][0]["after"][0])


def test_length_that_decides_is_told_as_a_shortcut(store: Store, model: DatasetVersion, tmp_path: Path) -> None:
    data = frozen(store, "long@1.0.0", "preferences", by_length(320), tmp_path)
    record = of(learned(store, Reward(schedule=FAST, held_out=0.25), "lengths@1.0.0", data=data, model=model))
    assert record["measures"][1]["after"][0] > 0.9, "the model learns length"
    assert "does not beat the content-blind rule" in record["notes"][0] or "is worse than" in record["notes"][0]
    assert record["facts"]["content_blind"]["longer wins"]["accuracy"][0] == 1.0


def test_a_model_that_learns_nothing_is_refused(store: Store, model: DatasetVersion, words: DatasetVersion) -> None:
    op = Reward(schedule=dataclasses.replace(FAST, max_steps=1, learning_rate=1e-12), held_out=0.25)
    with pytest.raises(Refused, match="learned nothing: log loss"):
        store.run(training(op, data=words, model=model), [Machine(device="cpu")])


def test_the_same_seed_twice_and_a_resumed_run_give_the_same_bytes(
    model: DatasetVersion, words: DatasetVersion, tmp_path: Path
) -> None:
    from transformers import TrainerCallback

    class Killed(Exception):
        pass

    class Kill(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            if state.global_step == 6:
                raise Killed

    class Doomed(Reward):
        def loop(self, model: Any, tokenizer: Any, bench: Bench) -> Any:
            trainer = super().loop(model, tokenizer, bench)
            trainer.add_callback(Kill())
            return trainer

    schedule = dataclasses.replace(FAST, max_steps=8, save_steps=4)
    op, machine = Reward(schedule=schedule, held_out=0.25), Machine(device="cpu")
    outcomes, digests = [], []
    for name in ("first", "second", "killed"):
        bench = bench_at(tmp_path / name, op, machine, data=words, model=model)
        if name == "killed":
            with pytest.raises(Killed):
                Doomed(schedule=schedule, held_out=0.25).fit(bench)
            assert bench.checkpoint() is not None
        outcomes.append(op.fit(bench))
        digests.append(digest(tmp_path / name))
    assert len(set(digests)) == 1
    assert outcomes[0].measures == outcomes[1].measures == outcomes[2].measures
    assert outcomes[0].facts == outcomes[2].facts
