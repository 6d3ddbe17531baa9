"""Low-rank adapters: learn a small correction to frozen weights, and merge it into them at the end.

Any stage can do so. It loads with `load_causal(folder, machine, **loading(lora, machine))`, hands
`peft_config=peft_config(lora)` to TRL's trainer, and before it saves takes `merged(trainer.model, fresh)` in place of
`trainer.model`, so that what is saved is a plain model. With rank 0 all of these do nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from dataset_cards.versions.errors import Misuse

from .machine import Machine
from .trainer import need

UNTOUCHED = ("embed", "lm_head", "wte", "wpe", "score", "shared")  # in names of matrices that adapters leave alone


@dataclass(frozen=True, kw_only=True)
class Lora:
    """LoRA (Hu et al. 2021, arXiv 2106.09685): W + alpha / rank * B A, with A (rank, in) random and B (out, rank) 0.

    Attributes:
        rank: of the correction; 0 to learn all weights and use no adapter.
        alpha: its scale; 0 for twice the rank.
        dropout: share of an adapter's inputs that are set to 0 while learning.
        targets: names of the layers that get one; all linear layers but the last if there are none.
        quantize: hold the frozen weights in 4 bits (NF4 with double quantisation; Dettmers et al. 2023, QLoRA,
            arXiv 2305.14314); on CUDA only, with bitsandbytes.
    """

    rank: int = 0
    alpha: int = 0
    dropout: float = 0.0
    targets: tuple[str, ...] = ()
    quantize: Literal["none", "4bit"] = "none"

    def __post_init__(self) -> None:
        if self.rank < 0 or self.alpha < 0 or not 0 <= self.dropout < 1:
            raise ValueError(f"rank and alpha are at least 0, dropout from 0 to below 1; got {self}")
        if self.quantize != "none" and not self.rank:
            raise ValueError("quantised weights cannot learn; give lora_rank too")


def peft_config(lora: Lora, task: Literal["CAUSAL_LM", "SEQ_CLS"] = "CAUSAL_LM") -> Any | None:
    """What TRL's trainers take as `peft_config`; None for rank 0.

    Args:
        task: SEQ_CLS for a model with a score on top, whose head learns in full.

    Raises:
        NoTool: peft is not installed.
    """
    if not lora.rank:
        return None
    need("peft")
    from peft import LoraConfig

    return LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha or 2 * lora.rank,
        lora_dropout=lora.dropout,
        target_modules=list(lora.targets) or "all-linear",
        task_type=task,
    )


def loading(lora: Lora, machine: Machine) -> dict[str, Any]:
    """What `load_causal` needs besides, to hold frozen weights in 4 bits.

    Raises:
        Misuse: there is no CUDA device.
        NoTool: bitsandbytes is not installed.
    """
    if lora.quantize == "none":
        return {}
    if machine.on_cpu:
        raise Misuse("quantize=4bit needs a CUDA device; without one, leave it out: LoRA alone runs on a CPU")
    need("bitsandbytes")
    import torch
    from transformers import BitsAndBytesConfig

    config = BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    return {"quantization_config": config, "device_map": {"": machine.torch_device()}}


def knows_its_turns(lora: Lora, tokenizer: Any, known: int) -> None:
    """Stop a run whose adapters would have to learn embeddings that are new.

    Args:
        tokenizer: after `chat.with_template`; `known` tokens were there before it.

    Raises:
        Misuse: the token that ends a turn is new.
    """
    if lora.rank and tokenizer.eos_token_id >= known:
        raise Misuse(
            f"lora_rank={lora.rank}: this model has no chat template, so the tokens that begin and end a turn are new, "
            "and an adapter cannot learn them; train all weights once, with lora_rank=0"
        )


def merged(model: Any, fresh: Callable[[], Any] | None = None) -> Any:
    """A model with its adapters added to its weights; a model without adapters as it is.

    Args:
        fresh: loads the model that training began with, in full precision. Where the weights are quantised the
            adapters are added to those, and not to what 4 bits left of them.

    Raises:
        ValueError: the weights are quantised and there is no `fresh`.
    """
    if not hasattr(model, "merge_and_unload"):
        return model
    if getattr(model.get_base_model(), "is_loaded_in_4bit", False):
        if fresh is None:
            raise ValueError("adapters of a quantised model are merged into a fresh copy of it; none was given")
        model = moved(model, fresh())
    return model.merge_and_unload(safe_merge=True)


def moved(model: Any, base: Any) -> Any:
    """The adapters of `model` on another copy of its frozen weights."""
    from peft import get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict

    found = get_peft_model(base, model.peft_config["default"])
    set_peft_model_state_dict(found, get_peft_model_state_dict(model))
    return found


def parameters(lora: Lora, folder: Path) -> int | None:
    """How many numbers the adapters of a model folder hold; None for rank 0.

    Counted from the shapes in the headers of its safetensors, no weight is read.
    """
    if not lora.rank:
        return None
    from safetensors import safe_open

    total = 0
    for shard in sorted(folder.glob("*.safetensors")):
        with safe_open(shard, framework="numpy") as file:
            for name in file.keys():  # noqa: SIM118  # no mapping, and has no __iter__
                shape = file.get_slice(name).get_shape()
                wanted = name.rsplit(".", 2)[-2] in lora.targets if lora.targets else _linear(name)
                if len(shape) == 2 and wanted:
                    total += lora.rank * sum(shape)
    return total


def _linear(name: str) -> bool:
    return name.endswith(".weight") and not any(word in name for word in UNTOUCHED)
