"""What the tests of dpo and kto share: pairs that a tiny model can learn, and a bench without a run around it."""

import hashlib
from pathlib import Path
from typing import Any

from dataset_cards.versions.version import DatasetVersion
from train.bench import Bench
from train.inputs import Inputs
from train.machine import Machine
from train.schedule import Schedule

CPU = Machine(device="cpu")
FAST = Schedule(max_steps=12, batch_size=8, learning_rate=3e-3, log_steps=4, save_steps=0)
WORDS = ("mat", "dog", "ate", "sat", "the", "and", "on", "log", "cat")


def said(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def pair(number: int, chosen: str, rejected: str, **more: Any) -> dict[str, Any]:
    return {
        "id": f"r{number}",
        "prompt": [said("system", "be kind"), said("user", f"{number} + {number} = ?")],
        "chosen": [said("assistant", chosen)],
        "rejected": [said("assistant", rejected)],
        **more,
    }


def pairs(count: int) -> list[dict[str, Any]]:
    """Chosen answers are words, rejected ones digits; both of one to three."""
    found = []
    for number in range(count):
        words = [WORDS[(number + place) % 9] for place in range(1 + number % 3)]
        found.append(
            pair(number, " ".join(words), " ".join(str((number + n) % 10) for n in range(1 + number // 3 % 3)))
        )
    return found


def inputs_of(**versions: DatasetVersion) -> Inputs:
    models = {role: Path(one.folder.path) for role, one in versions.items() if one.kind == "model"}
    return Inputs({role: one.table for role, one in versions.items()}, models, (CPU,))


def bench_at(folder: Path, op: Any, **versions: DatasetVersion) -> Bench:
    inputs = inputs_of(**versions)
    report = op.prepare(inputs, folder / "rows")
    return Bench(inputs=inputs, preflight=report, folder=folder, machine=CPU, stamp={"gristmill.stage": op.stage})


def weights_digest(folder: Path) -> str:
    return hashlib.sha256((folder / "model" / "model.safetensors").read_bytes()).hexdigest()


def noisy(model: Any, seed: int = 1) -> Any:
    """`model`, moved a little in every weight."""
    import torch

    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.02 * torch.randn(weight.shape, generator=random))
    return model
