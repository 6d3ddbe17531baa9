"""How much memory a training run takes at its peak, from a model's headers alone: no weight is read, no torch needed.

AdamW in fp32 holds 16 bytes for every trained parameter: the weight, its gradient and two moments (Rajbhandari et al.
2020, ZeRO, arXiv 1910.02054, section 3.1; there with a half-precision copy besides). What one layer keeps for its
backward pass is counted the way Korthikanti et al. 2022 (Reducing Activation Recomputation in Large Transformer
Models, arXiv 2205.05198, section 4.1) count it: every tensor that some operation needs again. They count a GPT layer
with dropout and without fused attention, s*b*h*(34 + 5*a*s/h) bytes in half precision. Counted here is a layer with
RMSNorm, gated MLP and fused attention (no scores are kept, so nothing grows with the square of the length), in numbers
per token, with h hidden and i the width of the MLP:

    norms 2 * (their input h + normalised h) + inputs of q, k, v and of the MLP 2 * h
    + q h + keys and values 2 * h (written out for every head) + attention's output 2 * h
    + MLP 4 * i (gate, its activation, up, their product)   =  11 * h + 4 * i

A GPT-2 MLP has two of the four, so the estimate is above what it takes. Logits are counted apart, since at small sizes
they are most of it: tokens * vocabulary numbers, LOGITS times over (logits, their log-softmax, the gradients of both);
a loop that computes its loss in pieces takes less. docs/preflight.md has the estimate beside what was measured.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dataset_cards.versions.errors import Damaged

from .machine import Machine

FP32 = 4  # bytes; weights, gradients and moments are in fp32 whatever the activations are in
LOGITS = 4
# What configurations of transformers call the same number.
_LAYERS = ("num_hidden_layers", "n_layer", "num_layers")
_HIDDEN = ("hidden_size", "n_embd", "d_model")
_INSIDE = ("intermediate_size", "n_inner", "ffn_dim", "d_ff")


def estimate(
    model_folder: Path,
    tokens: int,
    *,
    machine: Machine | None = None,
    trained: int = 1,
    frozen: int = 0,
    learned: int | None = None,
    count: int | None = None,
) -> dict[str, int]:
    """Bytes at the peak of a training step, by what they are for; Python and its libraries come on top.

    Args:
        model_folder: as `save_pretrained` writes it.
        tokens: that one device holds at once, padding included: rows of a micro batch times their longest.
        machine: whether activations are in bf16 and computed again; without one, fp32 and all kept.
        trained: copies of the model that learn, such as policy and value model.
        frozen: copies that only read, such as a reference model.
        learned: parameters that learn in each trained copy, if not all of them do, as with an adapter.
        count: parameters of the model, where its folder has a config.json but no weights yet.

    Returns:
        weights, gradients, optimizer, activations and logits; the last two are missing for a model whose config.json
        does not say its sizes in any of the usual words.

    Raises:
        Damaged: there are no safetensors, or their header or config.json cannot be read.
    """
    count = parameters(model_folder) if count is None else count
    moving = trained * (count if learned is None else learned)
    added = 0 if learned is None else moving
    bf16 = machine is not None and machine.bf16
    found = {
        "weights": FP32 * ((trained + frozen) * count + added) + (2 * (trained + frozen) * count if bf16 else 0),
        "gradients": FP32 * moving,
        "optimizer": 2 * FP32 * moving,
    }
    config = _config(model_folder)
    layers, hidden, inside = (_number(config, names) for names in (_LAYERS, _HIDDEN, _INSIDE))
    vocabulary = _number(config, ("vocab_size",))
    if layers and hidden and vocabulary:
        layer = 11 * hidden + 4 * (inside or 4 * hidden)
        recomputed = machine is not None and machine.checkpointing
        kept = layers * hidden + layer if recomputed else layers * layer
        # Embeddings and the last norm keep a few more rows of `hidden`.
        found["activations"] = trained * tokens * (kept + 4 * hidden) * (2 if bf16 else FP32)
        found["logits"] = trained * tokens * vocabulary * LOGITS * FP32
    return found


def parameters(model_folder: Path) -> int:
    """How many numbers the weights of a model hold; what is tied is counted once, as it is stored.

    Raises:
        Damaged: there are no safetensors, or a header cannot be read.
    """
    shards = sorted(model_folder.glob("*.safetensors"))
    if not shards:
        raise Damaged(f"{model_folder} holds no *.safetensors, so its size is not known")
    return sum(
        math.prod(tensor["shape"])
        for shard in shards
        for name, tensor in _header(shard).items()
        if name != "__metadata__"
    )


def _header(shard: Path) -> dict[str, Any]:
    """The names, types and shapes of a shard; the format: 8 bytes with the length of a JSON text, then that text."""
    with shard.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > shard.stat().st_size:
            raise Damaged(f"{shard} is damaged: its header claims {length:,} bytes")
        try:
            found: dict[str, Any] = json.loads(file.read(length))
        except ValueError as error:
            raise Damaged(f"{shard} is damaged: its header is no JSON: {error}") from error
    return found


def _config(model_folder: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((model_folder / "config.json").read_bytes())
    except (OSError, ValueError) as error:
        raise Damaged(f"{model_folder}/config.json cannot be read: {error}") from error
    inner = found.get("text_config")  # of a model that also reads pictures
    return {**found, **inner} if isinstance(inner, dict) else found


def _number(config: Mapping[str, Any], names: tuple[str, ...]) -> int:
    """The first of `names` that the configuration has as a whole number; 0 if it has none."""
    return next((config[name] for name in names if isinstance(config.get(name), int)), 0)
