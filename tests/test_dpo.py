"""DPO as a step: it learns, it refuses, its reference stands still, runs repeat to the byte, adapters begin alike.

The losses are in test_dpo_losses.py, how pairs are encoded in test_dpo_pairs.py.
"""

import dataclasses
import gc
import math
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataset_cards.freeze import freeze
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Refused
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion
from tests.preferring import CPU, FAST, bench_at, inputs_of, noisy, pair, pairs, said, weights_digest
from tests.training import frozen, store_at, tiny_folder, tiny_model
from train.bench import Bench
from train.encode import HELD_OUT, TRAIN, encoded_rows
from train.lora import Lora
from train.models import load_causal, load_tokenizer, stamp_of
from train.preferences.dpo import DPO
from train.preferences.pair_measures import by_question, displaced, measures, sheets
from train.preferences.pair_measures import said as what_is_said
from train.quiet import quiet
from train.recipes_dpo import dpo
from train.trainer import training

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

MANY = pairs(64)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return store_at(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def model(store: Store, tmp_path_factory: pytest.TempPathFactory) -> DatasetVersion:
    return tiny_model(store, "tiny@1.0.0", tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def data(store: Store, tmp_path_factory: pytest.TempPathFactory) -> DatasetVersion:
    return frozen(store, "pairs@1.0.0", "preferences", MANY, tmp_path_factory.mktemp("pairs"))


@pytest.fixture(scope="module")
def learned(store: Store, model: DatasetVersion, data: DatasetVersion) -> DatasetVersion:
    step = training(DPO(schedule=FAST, held_out=0.3), data=data, model=model)
    store.run(step, [CPU])
    return freeze(store, step, "better@1.0.0", {"name": "dpo", "function": "dpo", "parameters": {}})


def record(version: DatasetVersion) -> dict[str, Any]:
    found: dict[str, Any] = version.folder.read_json("training.json")
    return found


def test_it_learns_which_answers_are_better_on_questions_it_never_saw(learned: DatasetVersion) -> None:
    against, likelihood, chosen = record(learned)["measures"]
    assert against["before"] == [0.5, 0.5, 0.5]
    assert against["after"][0] > 0.9
    assert against["gain"][1] > 0
    assert likelihood["after"][0] >= likelihood["before"][0]
    assert chosen["unit"] == "nats per token"
    assert against["rows"] == record(learned)["preflight"]["held_out"] > 10


def test_the_curves_the_pictures_and_the_stamp_are_there(learned: DatasetVersion) -> None:
    curves = record(learned)["curves"]
    assert curves[0]["loss"] == pytest.approx(math.log(2), abs=1e-4)
    assert curves[-1]["rewards/margins"] > 0.1
    for name in ("loss", "margin", "accuracy", "likelihood"):
        assert "nothing was logged" not in learned.folder.read_bytes(f"plots/{name}.svg").decode()
    assert stamp_of(Path(learned.folder.path) / "model.safetensors")["gristmill.data"].startswith("pairs@1.0.0 ")
    assert record(learned)["facts"]["margin"][1] > 0


def test_a_model_that_learns_nothing_is_refused(store: Store, model: DatasetVersion, data: DatasetVersion) -> None:
    op = DPO(schedule=dataclasses.replace(FAST, max_steps=1, learning_rate=1e-12), held_out=0.3)
    with pytest.raises(Refused, match="dpo learned nothing: accuracy against the reference"):
        store.run(training(op, data=data, model=model), [CPU])


def test_the_same_seed_twice_and_a_resumed_run_give_the_same_bytes(
    model: DatasetVersion, data: DatasetVersion, tmp_path: Path
) -> None:
    from transformers import TrainerCallback

    class Killed(Exception):
        pass

    class Kill(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            if state.global_step == 6:
                raise Killed

    class Doomed(DPO):
        def loop(self, policy: Any, reference: Any, tokenizer: Any, bench: Bench) -> Any:
            trainer = super().loop(policy, reference, tokenizer, bench)
            trainer.add_callback(Kill())
            return trainer

    schedule = dataclasses.replace(FAST, max_steps=8, save_steps=4)
    outcomes, digests = [], []
    for name in ("first", "second", "killed"):
        op = DPO(schedule=schedule, held_out=0.3)
        bench = bench_at(tmp_path / name, op, data=data, model=model)
        if name == "killed":
            with pytest.raises(Killed):
                Doomed(schedule=schedule, held_out=0.3).fit(bench)
            assert bench.checkpoint() is not None
        outcomes.append(op.fit(bench))
        digests.append(weights_digest(tmp_path / name))
    assert len(set(digests)) == 1
    assert outcomes[0].measures == outcomes[1].measures == outcomes[2].measures


def test_the_reference_stands_still_and_the_policy_moves(
    model: DatasetVersion, data: DatasetVersion, tmp_path: Path
) -> None:
    import torch

    op = DPO(schedule=dataclasses.replace(FAST, max_steps=2), held_out=0.3)
    bench = bench_at(tmp_path, op, data=data, model=model)
    with quiet():
        policy, fresh = (load_causal(bench.inputs.model(), CPU) for _ in range(2))
        trainer = op.loop(policy, None, load_tokenizer(bench.inputs.model()), bench)
        trainer.train()
    for name, weight in fresh.named_parameters():
        assert torch.equal(weight, trainer.ref_model.get_parameter(name)), name
    assert not torch.equal(fresh.lm_head.weight, trainer.model.lm_head.weight)


def test_a_reference_asked_beforehand_teaches_the_same_and_is_let_go(
    model: DatasetVersion, data: DatasetVersion, tmp_path: Path
) -> None:
    other = Path(noisy_copy(model, tmp_path))
    found = []
    for precompute in (False, True):
        op = DPO(schedule=dataclasses.replace(FAST, max_steps=3, log_steps=1), precompute_reference=precompute)
        bench = bench_at(tmp_path / str(precompute), op, data=data, model=model)
        with quiet():
            policy, reference = load_causal(bench.inputs.model(), CPU), load_causal(other, CPU)
            trainer = op.loop(policy, reference, load_tokenizer(other), bench)
            held = weakref.ref(reference)
            del reference
            gc.collect()
            assert (held() is None) == precompute
            trainer.train()
        found.append([one["loss"] for one in trainer.state.log_history if "loss" in one])
    assert found[0] == pytest.approx(found[1], rel=1e-5)
    assert found[0][0] != pytest.approx(math.log(2), abs=1e-4), "the reference is another model"


def noisy_copy(model: DatasetVersion, folder: Path) -> Path:
    with quiet():
        noisy(load_causal(Path(model.folder.path), CPU)).save_pretrained(folder / "other")
        load_tokenizer(Path(model.folder.path)).save_pretrained(folder / "other")
    return folder / "other"


def test_with_adapters_the_loss_begins_the_same_and_a_plain_model_comes_out(
    model: DatasetVersion, data: DatasetVersion, tmp_path: Path
) -> None:
    losses = []
    for rank in (0, 4):
        op = DPO(schedule=FAST, held_out=0.3, lora=Lora(rank=rank), loss="ipo")
        bench = bench_at(tmp_path / str(rank), op, data=data, model=model)
        with quiet():
            trainer = op.loop(load_causal(bench.inputs.model(), CPU), None, load_tokenizer(bench.inputs.model()), bench)
            batch = next(iter(trainer.get_train_dataloader()))
            losses.append(trainer.compute_loss(trainer.model, dict(batch)).item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    outcome = op.fit(bench)
    assert outcome.measures[0].gain is not None
    assert outcome.measures[0].gain[0] > 0
    with quiet():
        after = what_is_said(load_causal(bench.model, CPU), bench.rows / HELD_OUT)
    assert np.sum(after.chosen) / np.sum(after.chosen_tokens) == pytest.approx(outcome.measures[2].after[0], rel=1e-5)


def test_in_bf16_what_is_measured_is_what_is_saved(model: DatasetVersion, data: DatasetVersion, tmp_path: Path) -> None:
    op = DPO(schedule=dataclasses.replace(FAST, max_steps=2), held_out=0.3)
    bench = bench_at(tmp_path, op, data=data, model=model)
    outcome = op.fit(dataclasses.replace(bench, machine=dataclasses.replace(CPU, precision="bf16")))
    with quiet():
        after = what_is_said(load_causal(bench.model, CPU), bench.rows / HELD_OUT)
    assert np.sum(after.chosen) / np.sum(after.chosen_tokens) == pytest.approx(outcome.measures[2].after[0], rel=1e-9)


def test_a_lost_likelihood_of_chosen_answers_is_said(
    model: DatasetVersion, data: DatasetVersion, tmp_path: Path
) -> None:
    bench = bench_at(tmp_path, DPO(held_out=0.3), data=data, model=model)
    with quiet():
        said_before = what_is_said(load_causal(bench.inputs.model(), CPU), bench.rows / HELD_OUT)
    sunk = dataclasses.replace(said_before, chosen=said_before.chosen - 3.0, rejected=said_before.rejected - 9.0)
    found = measures(said_before, sunk, said_before)
    assert found[0].after[0] == 1.0
    assert "became less likely" in displaced(found[2], "sft_weight")[0]
    assert displaced(measures(said_before, said_before, said_before)[2], "sft_weight") == ()
    assert measures(said_before, said_before, said_before)[0].after == (0.5, 0.5, 0.5)
    assert sheets(said_before, sunk, said_before)[0].rows[0][3].startswith("-3 ")


def test_answers_to_one_question_are_not_independent_evidence() -> None:
    right = np.array([1.0, 1.0, 1.0, 1.0, 0.0, 0.0])
    none = np.full(6, 0.5)
    apart = by_question("a", "of pairs", "higher", none, right, "", np.arange(6))
    alike = by_question("a", "of pairs", "higher", none, right, "", np.array([7, 7, 7, 7, 2, 2]))
    assert (apart.after[0], apart.rows) == (alike.after[0], alike.rows) == (4 / 6, 6)
    assert alike.after[1:] == (0.0, 1.0)
    assert apart.after[1] > 0


def test_preflight_stops_for_what_is_wrong_and_repair_leaves_it_out(
    store: Store, model: DatasetVersion, tmp_path: Path
) -> None:
    bad = [
        pair(900, "the cat", "the dog", margin=0.0),
        pair(901, "the " * 80 + "cat", "the " * 80 + "dog"),
        pair(902, "the <|im_end|> cat", "the dog"),
        {**pair(903, "a", "b"), "prompt": [said("user", "the cat sat on the mat " * 30)]},
        {**MANY[0], "id": "again"},
    ]
    data = frozen(store, "faulty@1.0.0", "preferences", [*MANY[:8], *bad], tmp_path)
    against = frozen(store, "exam@1.0.0", "prompts", [{"id": "e", "prompt": MANY[3]["prompt"]}], tmp_path)
    for repair in (False, True):
        op = DPO(max_length=80, held_out=0.0, repair=repair)
        report = op.prepare(inputs_of(data=data, model=model, against=against), tmp_path / f"rows-{repair}")
        assert {one.check for one in report.findings if not one.blocks} >= {"no-preference", "duplicate-row"}
        blocking = {"identical-after-truncation", "special-tokens-in-text", "prompt-too-long", "in-evaluation"}
        assert {one.check for one in report.findings} == {*blocking, "no-preference", "duplicate-row"}
        assert {one.check for one in report.findings if one.blocks} == (set() if repair else blocking)
        assert report.train == (7 if repair else 8)
        assert report.memory["weights"] == 2 * report.memory["gradients"], "policy and reference"


def test_rankings_are_learned_from_as_pairs(store: Store, model: DatasetVersion, tmp_path: Path) -> None:
    ranking = {
        "id": "k",
        "prompt": [said("user", "?")],
        "responses": [{"id": str(n), "content": text, "origin": None} for n, text in enumerate("abc")],
        "ranks": [2, 1, 1],
    }
    data = frozen(store, "ranked@1.0.0", "rankings", [ranking], tmp_path)
    bench = bench_at(tmp_path / "bench", DPO(held_out=0.0), data=data, model=model)
    assert [row["id"] for row in encoded_rows(bench.rows / TRAIN)] == ["k/2-1", "k/3-1"]


def test_a_reference_with_other_tokens_is_refused(
    store: Store, model: DatasetVersion, data: DatasetVersion, tmp_path: Path
) -> None:
    other = tiny_folder(tmp_path / "other", hidden=4, layers=1, vocabulary=300)
    inputs = inputs_of(data=data, model=model)
    given = dataclasses.replace(
        inputs, tables={**inputs.tables, "reference": model.table}, models={**inputs.models, "reference": other}
    )
    with pytest.raises(Misuse, match="another tokenizer"):
        DPO().prepare(given, tmp_path / "rows")


def test_the_recipe_is_the_trainer_with_its_numbers(model: DatasetVersion, data: DatasetVersion) -> None:
    step = dpo(data=data, model=model, loss="ipo", beta=0.2, lora_rank=4)
    assert isinstance(step.op, DPO)
    assert (step.name, step.op.loss, step.op.beta, step.op.lora.rank) == ("train/dpo", "ipo", 0.2, 4)
    assert dpo(data=data, model=model).fingerprint == dpo(data=data, model=model).fingerprint
    with pytest.raises(Misuse, match="takes preferences or rankings"):
        dpo(data=model, model=model)
