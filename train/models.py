"""Reading and writing models: safetensors only, no code from a model's folder is run, and weights say what they ate."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dataset_cards.versions.errors import Damaged

from .machine import Machine


def load_tokenizer(path: Path) -> Any:
    """The tokenizer of a model folder.

    Raises:
        Damaged: it has none, or none that loads without running code of its own.
    """
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(path, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise Damaged(f"{path}: its tokenizer cannot be loaded: {error}") from error


def load_causal(path: Path, machine: Machine, **options: Any) -> Any:
    """The language model of a folder, in fp32 (bf16 is a matter of the training loop), on this process's device.

    Raises:
        Damaged: it cannot be loaded from safetensors without running code of its own.
    """
    from transformers import AutoModelForCausalLM

    return _load(AutoModelForCausalLM, path, machine, options)


def load_scorer(path: Path, machine: Machine, **options: Any) -> Any:
    """The model of a folder with one score per text on top; the head is new where the folder has none."""
    from transformers import AutoModelForSequenceClassification

    return _load(AutoModelForSequenceClassification, path, machine, {"num_labels": 1, **options})


def _load(kind: Any, path: Path, machine: Machine, options: Mapping[str, Any]) -> Any:
    import torch

    safe = {"local_files_only": True, "trust_remote_code": False, "use_safetensors": True, "dtype": torch.float32}
    try:
        return kind.from_pretrained(path, **{**safe, **options}).to(machine.torch_device())
    except (OSError, ValueError, KeyError) as error:
        raise Damaged(f"{path}: the model cannot be loaded: {error}") from error


def save(model: Any, tokenizer: Any, folder: Path, stamp: Mapping[str, str]) -> None:
    """Write weights, configuration and tokenizer as `from_pretrained` reads them; the folder appears whole.

    Args:
        stamp: what every weights file says in its own metadata, beside `format`.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    model.save_pretrained(partial, safe_serialization=True)
    tokenizer.save_pretrained(partial)
    for weights in sorted(partial.glob("*.safetensors")):
        stamped(weights, stamp)
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(partial, folder)


def stamped(weights: Path, stamp: Mapping[str, str]) -> None:
    """Put `stamp` into the metadata of a safetensors file; no tensor is touched.

    The format: 8 bytes with the length of a JSON header, the header, and the tensors, whose places count from the
    header's end (https://github.com/huggingface/safetensors#format).
    """
    out = weights.with_suffix(".stamped")
    with weights.open("rb") as file, out.open("wb") as target:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        header["__metadata__"] = {**header.get("__metadata__", {"format": "pt"}), **stamp}
        text = json.dumps(header, separators=(",", ":"), sort_keys=True).encode()
        text += b" " * (-len(text) % 8)  # tensors begin on a multiple of 8
        target.write(len(text).to_bytes(8, "little") + text)
        shutil.copyfileobj(file, target, 1 << 22)
    os.replace(out, weights)


def stamp_of(weights: Path) -> dict[str, str]:
    """What a safetensors file says of itself."""
    with weights.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    found: dict[str, str] = header.get("__metadata__", {})
    return found
