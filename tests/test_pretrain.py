"""Pretraining as a step: it learns, says what it read, and goes on after kill -9 as if nothing had happened.

Bits per byte are compared with closed forms; runs are compared by the bytes of their weights.
"""

import dataclasses
import json
import math
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataset_cards.freeze import freeze
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Refused
from dataset_cards.versions.step import Step
from dataset_cards.versions.version import DatasetVersion
from tests.training import frozen, store_at, tiny_model
from train.machine import Machine
from train.pretrain import bits
from train.pretrain.packing import Shard
from train.recipes_pretrain import pretrain
from train.trainer import training

CPU = Machine(device="cpu")
WORDS = ("the", "cat", "dog", "sat", "on", "mat", "log", "ate", "and", "ran", "to", "a", "big", "red", "house", "saw")
SIZE = {"hidden": 32, "layers": 1, "vocabulary": 320, "context": 32, "batch_size": 8, "held_out_share": 0.1}
WAY = {**SIZE, "epochs": 3.0, "learning_rate": 1e-2, "mixture": ("a=0.7", "b=0.3"), "save_steps": 5, "seed": 3}


def documents() -> list[dict[str, Any]]:
    draw = random.Random(0)
    texts = [" ".join(draw.choices(WORDS, k=draw.randint(5, 40))) + "." for _ in range(100)]
    return [{"id": f"d{n}", "text": text, "source": "ab"[n % 2]} for n, text in enumerate(texts)]


def version(folder: Path) -> DatasetVersion:
    folder.mkdir(parents=True, exist_ok=True)
    return frozen(store_at(folder / "store"), "docs@1.0.0", "documents", documents(), folder)


def weights(folder: Path, step: Step) -> bytes:
    return (folder / "store" / "steps" / step.id / "model" / "model.safetensors").read_bytes()


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Step]:
    """A run from begin to end."""
    folder = tmp_path_factory.mktemp("learned")
    step = pretrain(data=version(folder), **WAY)
    store_at(folder / "store").run(step, [CPU])
    return folder, step


def test_it_learns_and_says_what_it_read(learned: tuple[Path, Step]):
    folder, step = learned
    made = freeze(
        store_at(folder / "store"), step, "base@1.0.0", {"name": "pretrain", "function": "x", "parameters": {}}
    )
    said = json.loads((Path(made.folder.path) / "training.json").read_text())
    [measure] = said["measures"]
    assert measure["name"] == "bits per byte"
    assert measure["gain"][1] > 0.5
    curve = [point["bits_per_byte"] for point in said["curves"] if "bits_per_byte" in point]
    assert len(curve) > 5
    assert curve[-1] < curve[0]
    assert said["curves"][0]["step"] == 0
    assert all(point["learning_rate"] >= 0 for point in said["curves"] if "learning_rate" in point)
    assert any("tokens_per_second" in point for point in said["curves"])
    a, b = said["facts"]["sources"]
    assert (a["source"], b["source"]) == ("a", "b")
    read = a["tokens_read"] + b["tokens_read"]
    assert a["tokens_read"] == pytest.approx(0.7 * read, abs=32)  # right but for one sequence
    assert a["epochs"] == pytest.approx(a["tokens_read"] / a["tokens"], rel=0.05)
    assert said["facts"]["isolated"]
    assert not said["notes"]
    assert said["preflight"]["memory"]["weights"] == 4 * said["facts"]["parameters"]
    assert {path.name for path in (Path(made.folder.path) / "plots").iterdir()} >= {"loss.svg", "learning_rate.svg"}


def test_the_same_run_twice_gives_the_same_weights_and_another_seed_does_not(
    learned: tuple[Path, Step], tmp_path: Path
):
    data = version(tmp_path)
    step, other = pretrain(data=data, **WAY), pretrain(data=data, **{**WAY, "seed": 4})
    assert step.fingerprint == learned[1].fingerprint
    for one in (step, other):
        store_at(tmp_path / "store").run(one, [CPU])
    assert weights(tmp_path, step) == weights(*learned)
    assert weights(tmp_path, other) != weights(*learned)


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.test_pretrain import CPU, WAY, pretrain, store_at, version
from train.pretrain import loop as pretrain_loop

def on_step_end(self, args, state, control, **more):
    if state.global_step == 8:
        os.kill(os.getpid(), signal.SIGKILL)

pretrain_loop.Watch.on_step_end = on_step_end
folder = Path(sys.argv[1])
store_at(folder / "store").run(pretrain(data=version(folder), **WAY), [CPU])
"""


def test_after_kill_9_it_goes_on_to_the_same_weights_bit_for_bit(learned: tuple[Path, Step], tmp_path: Path):
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], env=environment, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    step, work = learned[1], tmp_path / "store" / "steps" / learned[1].id / "work"
    assert [path.name for path in (work / "checkpoints").iterdir()] == ["checkpoint-5"]
    store_at(tmp_path / "store").run(step, [CPU])
    assert weights(tmp_path, step) == weights(*learned)
    said, whole = (
        json.loads((folder / "store" / "steps" / step.id / "model" / "training.json").read_text())
        for folder in (tmp_path, learned[0])
    )
    assert said["measures"] == whole["measures"]  # before, too: of the model that went in, not of the checkpoint
    # The first point after the checkpoint is a mean over the steps since then; later ones must be the same.
    losses = [{point["step"]: point["loss"] for point in one["curves"] if "loss" in point} for one in (said, whole)]
    assert losses[0].keys() == losses[1].keys()
    assert max(losses[0]) == 20
    assert losses[0][20] == losses[1][20]


def test_a_run_that_learns_nothing_is_refused(tmp_path: Path):
    step = pretrain(data=version(tmp_path), **{**WAY, "learning_rate": 1e-30, "max_steps": 3})
    with pytest.raises(Refused, match="learned nothing: bits per byte"):
        store_at(tmp_path / "store").run(step, [CPU])


def test_small_batches_of_the_machine_give_the_same_run_within_rounding(learned: tuple[Path, Step], tmp_path: Path):
    from safetensors.numpy import load

    step = pretrain(data=version(tmp_path), **WAY)
    store_at(tmp_path / "store").run(step, [dataclasses.replace(CPU, micro_batch=2)])
    one, two = load(weights(tmp_path, step)), load(weights(*learned))
    assert all(np.allclose(one[name], two[name], atol=2e-3) for name in two)


def test_it_goes_on_from_a_model_with_that_models_tokenizer(tmp_path: Path):
    data = version(tmp_path)
    store = store_at(tmp_path / "store")
    model = tiny_model(store, "tiny@1.0.0", tmp_path, layers=1)
    step = pretrain(data=data, model=model, **{**WAY, "max_steps": 12})
    store.run(step, [CPU])
    folder = tmp_path / "store" / "steps" / step.id / "model"
    assert (folder / "tokenizer.json").read_bytes() == (Path(model.folder.path) / "tokenizer.json").read_bytes()
    said = json.loads((folder / "training.json").read_text())
    assert [one["role"] for one in said["inputs"]] == ["data", "model"]
    assert said["measures"][0]["gain"][1] > 0
    with pytest.raises(Misuse, match="give one of the two"):
        store.run(pretrain(data=data, model=model, tokenizer=model, **WAY), [CPU])
    with pytest.raises(Misuse, match="context=1024"):
        store.run(pretrain(data=data, model=model, **{**WAY, "context": 1024}), [CPU])


def test_a_tokenizer_can_be_given_and_held_out_rows_may_not_be_the_rows_to_learn_from(tmp_path: Path):
    data, store = version(tmp_path), store_at(tmp_path / "store")
    given = tiny_model(store, "tiny@1.0.0", tmp_path, layers=1)
    step = pretrain(data=data, tokenizer=given, **{**WAY, "max_steps": 12})
    store.run(step, [CPU])
    made = json.loads((tmp_path / "store" / "steps" / step.id / "model" / "config.json").read_text())
    assert made["num_hidden_layers"] == 1
    assert made["hidden_size"] == 32
    with pytest.raises(Misuse, match="rows to learn from"):
        pretrain(data=data, held_out=data)
    with pytest.raises(Misuse, match="takes documents"):
        pretrain(data=given)


def spoken(*documents: list[int]) -> bits.Measured:
    tokens = np.array([token for one in documents for token in one], dtype=np.uint16)
    shard = Shard("", tokens, np.cumsum([len(one) for one in documents]))
    return bits.Measured(shard, np.arange(len(documents)), np.array([len(one) for one in documents]))


def small() -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=32,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=64,
        initializer_range=0.5,
    )
    return LlamaForCausalLM(config)


def test_a_model_that_knows_nothing_needs_the_logarithm_of_the_vocabulary_for_each_token():
    import torch

    model = small()
    torch.nn.init.zeros_(model.lm_head.weight)
    found = bits.bits(model, spoken([9, 1, 2, 3, 9], [9, 4, 9]), 8)
    assert found == pytest.approx([3 * math.log2(32), math.log2(32)])  # neither the first nor the last token


def test_bits_are_those_of_a_document_read_alone_in_windows_that_overlap_by_one_token():
    import torch

    model = small().train()
    long, short = [9, *range(1, 12), 9], [9, 20, 21, 9]
    found = bits.bits(model, spoken(long, short), 6)
    expected = 0.0
    for window in (long[0:6], long[5:11], long[10:12]):
        with torch.no_grad():
            chances = model.eval()(input_ids=torch.tensor([window])).logits[0].log_softmax(-1)
        expected -= sum(float(chances[n, token]) for n, token in enumerate(window[1:]))
    assert found[0] == pytest.approx(expected / math.log(2), rel=1e-5)
    assert found[1] == pytest.approx(bits.bits(model, spoken(short), 6)[0], rel=1e-5)


def test_measuring_leaves_the_model_and_its_random_numbers_as_they_were():
    import torch

    model = small().train()
    before = torch.random.get_rng_state()
    bits.bits(model, spoken([9, 1, 9]), 8)
    assert model.training
    assert before.equal(torch.random.get_rng_state())


def test_fewer_documents_are_spread_evenly_over_all():
    some = spoken(*[[9, 1, 9]] * 100).thinned(30)
    assert some.rows.tolist() == [0, 11, 22, 33, 44, 55, 66, 77, 88, 99]
    assert len(spoken([9, 1, 9]).thinned(10_000).rows) == len(spoken([9, 1, 9], [9, 1, 9]).thinned(1).rows) == 1


def test_settings_that_make_no_sense_are_told_at_once():
    from train.pretrain.pretrain import Pretrain
    from train.schedule import Schedule

    for wrong in ({"context": 1}, {"held_out": 1.0}, {"hidden": 30, "heads": 4}, {"mixture": ("web",)}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            training(Pretrain(schedule=Schedule(), **wrong))
