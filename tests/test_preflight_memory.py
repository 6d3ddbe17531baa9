"""The estimate of memory: parameters counted from headers alone, each part by hand, and what changes it.

Beside what a training step really takes it stands in benchmarks/training_memory.py.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dataset_cards.versions.errors import Damaged
from tests.training import tiny_folder
from train.machine import Machine
from train.memory import estimate, parameters


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("memory") / "tiny")


def test_parameters_are_those_that_the_model_has(folder: Path) -> None:
    from transformers import AutoModelForCausalLM

    assert parameters(folder) == AutoModelForCausalLM.from_pretrained(folder).num_parameters()


def test_each_part_is_what_it_is_by_hand(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    assert (config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"]) == (32, 64, 2)
    count, tokens = parameters(folder), 100
    found = estimate(folder, tokens)
    assert found == {
        "weights": 4 * count,
        "gradients": 4 * count,
        "optimizer": 8 * count,
        "activations": 4 * tokens * (2 * (11 * 32 + 4 * 64) + 4 * 32),
        "logits": 4 * 4 * tokens * config["vocab_size"],
    }


def test_a_frozen_copy_takes_weights_alone_and_a_second_trained_one_everything(folder: Path) -> None:
    plain, frozen, two = (estimate(folder, 10, **copies) for copies in ({}, {"frozen": 1}, {"trained": 2}))
    assert frozen == {**plain, "weights": 2 * plain["weights"]}
    assert two == {part: 2 * size for part, size in plain.items()}


def test_an_adapter_learns_its_own_weights_alone(folder: Path) -> None:
    plain, adapter = estimate(folder, 10), estimate(folder, 10, learned=500)
    assert adapter["weights"] == plain["weights"] + 4 * 500
    assert (adapter["gradients"], adapter["optimizer"]) == (4 * 500, 8 * 500)


def test_checkpointing_and_bf16_hold_less_of_activations_and_no_less_of_weights(folder: Path) -> None:
    plain = estimate(folder, 1000)
    again = estimate(folder, 1000, machine=Machine(device="cpu", checkpointing=True))
    half = estimate(folder, 1000, machine=Machine(device="cpu", precision="bf16"))
    assert again["activations"] < plain["activations"]
    assert {**again, "activations": 0} == {**plain, "activations": 0}
    assert half["activations"] == plain["activations"] // 2
    assert half["weights"] > plain["weights"]


def test_what_grows_with_tokens_grows_in_step_and_the_rest_not_at_all(folder: Path) -> None:
    some, more = estimate(folder, 100), estimate(folder, 300)
    for part in ("activations", "logits"):
        assert more[part] == 3 * some[part]
    for part in ("weights", "gradients", "optimizer"):
        assert more[part] == some[part]


def test_no_torch_is_loaded_to_estimate(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from train.memory import estimate; "
        f"estimate(Path({str(folder)!r}), 10); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_model_whose_sizes_have_other_names_is_estimated_as_far_as_they_go(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    names = {"n_layer": 2, "n_embd": 32, "n_inner": 64, "vocab_size": 300}
    (tmp_path / "config.json").write_text(json.dumps(names))
    assert estimate(tmp_path, 10)["activations"] == estimate(folder, 10)["activations"]
    (tmp_path / "config.json").write_text(json.dumps({"text_config": names, "vocab_size": 5}))
    assert estimate(tmp_path, 10)["logits"] == 4 * 4 * 10 * 300
    (tmp_path / "config.json").write_text("{}")
    assert set(estimate(tmp_path, 10)) == {"weights", "gradients", "optimizer"}


def test_a_folder_without_weights_or_with_broken_ones_is_damaged(tmp_path: Path) -> None:
    with pytest.raises(Damaged, match="holds no"):
        estimate(tmp_path, 10)
    (tmp_path / "model.safetensors").write_bytes(b"\xff" * 16)
    with pytest.raises(Damaged, match="its header claims"):
        estimate(tmp_path, 10)
    (tmp_path / "model.safetensors").write_bytes(b"\x03" + b"\0" * 7 + b"{x}")
    with pytest.raises(Damaged, match="is no JSON"):
        estimate(tmp_path, 10)
