"""Adapters: what learns, what is saved, and what they cannot do."""

import copy
from pathlib import Path
from typing import Any

import pytest

from dataset_cards.versions.errors import Misuse
from tests.training import tiny_folder
from train.lora import Lora, loading, merged, moved, parameters, peft_config
from train.machine import Machine
from train.models import load_causal
from train.quiet import quiet

CPU = Machine(device="cpu")
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with quiet():
        return tiny_folder(tmp_path_factory.mktemp("models") / "tiny")


def adapted(folder: Path, lora: Lora) -> tuple[Any, Any]:
    """A model with an adapter that has learned for a few steps, and the weights it began with."""
    import torch
    from peft import get_peft_model

    torch.manual_seed(0)
    with quiet():
        base = load_causal(folder, CPU)
    begun = copy.deepcopy(base.state_dict())
    model = get_peft_model(base, peft_config(lora))
    ids = torch.arange(3, 43).reshape(2, 20)
    optimizer = torch.optim.AdamW([one for one in model.parameters() if one.requires_grad], lr=0.02)
    for _ in range(4):
        optimizer.zero_grad()
        model(input_ids=ids, labels=ids).loss.backward()
        optimizer.step()
    return model.eval(), begun


@pytest.mark.parametrize("lora", [Lora(rank=4), Lora(rank=2, alpha=3, targets=("q_proj", "v_proj"))])
def test_only_the_adapter_learns_and_merged_it_says_the_same(folder: Path, lora: Lora) -> None:
    import torch

    model, begun = adapted(folder, lora)
    assert sum(one.numel() for one in model.parameters() if one.requires_grad) == parameters(lora, folder)
    held = {name.replace("base_layer.", ""): one for name, one in model.get_base_model().state_dict().items()}
    for name, weight in begun.items():
        assert torch.equal(held[name], weight), name
    ids = torch.arange(5, 45).reshape(2, 20)
    with torch.no_grad():
        wanted = model(input_ids=ids).logits
        plain = merged(model)
        found = plain(input_ids=ids).logits
    assert not hasattr(plain, "merge_and_unload")
    assert (wanted - found).abs().max() < 1e-4
    changed = {name for name, one in plain.state_dict().items() if not torch.equal(one, begun[name])}
    layers = lora.targets or ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    assert {name.split(".")[-2] for name in changed} == set(layers)


def test_what_is_saved_loads_as_a_plain_model(folder: Path, tmp_path: Path) -> None:
    import torch

    model, begun = adapted(folder, Lora(rank=4))
    ids = torch.arange(5, 45).reshape(2, 20)
    with quiet(), torch.no_grad():
        wanted = model(input_ids=ids).logits
        merged(model).save_pretrained(tmp_path)
        again = load_causal(tmp_path, CPU)
        assert (again(input_ids=ids).logits - wanted).abs().max() < 1e-4
    assert set(again.state_dict()) == set(begun)
    assert "adapter_config.json" not in {path.name for path in tmp_path.iterdir()}


def test_an_adapter_moves_to_another_copy_of_its_weights(folder: Path) -> None:
    import torch

    model, _ = adapted(folder, Lora(rank=4, dropout=0.1))
    ids = torch.arange(5, 45).reshape(2, 20)
    with quiet():
        other = moved(model, load_causal(folder, CPU)).eval()
    with torch.no_grad():
        assert torch.equal(model(input_ids=ids).logits, other(input_ids=ids).logits)


def test_rank_0_is_no_adapter(folder: Path) -> None:
    assert peft_config(Lora()) is None
    assert parameters(Lora(), folder) is None
    assert loading(Lora(), CPU) == {}
    model = object()
    assert merged(model) is model


def test_alpha_is_twice_the_rank_unless_given() -> None:
    assert peft_config(Lora(rank=8)).lora_alpha == 16  # type: ignore[union-attr]
    assert peft_config(Lora(rank=8, alpha=8)).lora_alpha == 8  # type: ignore[union-attr]


def test_four_bits_need_cuda() -> None:
    with pytest.raises(Misuse, match="needs a CUDA device"):
        loading(Lora(rank=4, quantize="4bit"), CPU)
    with pytest.raises(ValueError, match="quantised weights cannot learn"):
        Lora(quantize="4bit")


def test_a_merge_of_quantised_weights_wants_a_fresh_copy(folder: Path) -> None:
    import torch

    model, _ = adapted(folder, Lora(rank=4))
    ids = torch.arange(5, 45).reshape(2, 20)
    with torch.no_grad():
        wanted = model(input_ids=ids).logits
    model.get_base_model().is_loaded_in_4bit = True  # as bitsandbytes marks it
    with torch.no_grad():
        for name, weight in model.get_base_model().named_parameters():
            if "lora_" not in name:
                weight.copy_(weight.round(decimals=1))  # what few bits leave of it
        assert (model(input_ids=ids).logits - wanted).abs().max() > 1e-2
    with pytest.raises(ValueError, match="fresh copy"):
        merged(model)
    with quiet(), torch.no_grad():
        found = merged(model, lambda: load_causal(folder, CPU))(input_ids=ids).logits
    assert (found - wanted).abs().max() < 1e-4
