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


def trained(trainer: Any) -> Any:
    """The model of a transformers trainer without what was put around it: the copy that processes keep alike, and
    autocast, which would have it measured in bf16."""
    return trainer.accelerator.unwrap_model(trainer.model, keep_fp32_wrapper=False)


def save_trained(trainer: Any, model: Any, tokenizer: Any, folder: Path, stamp: Mapping[str, str]) -> Any:
    """Save what was learned, in the main process only, and wait for that; the model that is to be measured.

    That is `model`, which stands whole in each process. Where its weights are cut over the processes (FSDP, ZeRO-3)
    they are gathered, which all processes have to do together, and what was saved is read back.
    """
    accelerator = trainer.accelerator
    cut = cut_weights(accelerator)
    state = accelerator.get_state_dict(trainer.model_wrapped) if cut else None
    if state and model.config.get_text_config().tie_word_embeddings:  # gathered, both would be written
        state = {name: tensor for name, tensor in state.items() if name not in model.all_tied_weights_keys}
    if accelerator.is_main_process:
        save(model, tokenizer, folder, stamp, state)
    accelerator.wait_for_everyone()
    return _read_back(folder, accelerator.device) if cut else model


def cut_weights(accelerator: Any) -> bool:
    """Whether no process has the whole weights."""
    kind = str(accelerator.distributed_type.value)
    return kind == "FSDP" or (kind == "DEEPSPEED" and int(accelerator.state.deepspeed_plugin.zero_stage) == 3)


def _read_back(folder: Path, device: Any) -> Any:
    import torch
    import transformers
    from transformers.integrations.deepspeed import unset_hf_deepspeed_config

    unset_hf_deepspeed_config()  # type: ignore[no-untyped-call]  # under ZeRO-3 it would be cut again, with nothing that puts it together
    (named,) = json.loads((folder / "config.json").read_bytes())["architectures"]
    kind = getattr(transformers, named)
    return kind.from_pretrained(folder, local_files_only=True, dtype=torch.float32).to(device)


def save(
    model: Any, tokenizer: Any, folder: Path, stamp: Mapping[str, str], state: Mapping[str, Any] | None = None
) -> None:
    """Write weights, configuration and tokenizer as `from_pretrained` reads them; the folder appears whole.

    Args:
        stamp: what every weights file says in its own metadata, beside `format`.
        state: the weights, where `model` does not hold all of them.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    model.save_pretrained(partial, safe_serialization=True, state_dict=state)
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
