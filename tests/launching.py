"""What tests of several processes share: a store to train from, and a run of one process beside one of several."""

import shutil
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from tests.training import frozen, store_at, tiny_model
from train.machine import Machine
from train.quiet import quiet
from train.schedule import Schedule
from train.sft import SFT
from train.trainer import training

ONE = Machine(device="cpu")
TWO = Machine(device="cpu", launcher="torchrun --nproc-per-node 2")
WORDS = ("cat", "dog", "mat", "log", "sat", "ate")
CLOSE = 2e-6  # how far a weight may be from that of one process; sums of gradients are rounded in another order
# A batch that divides the rows: else several processes read some rows twice, see docs/train.md.
LEARN = Schedule(max_steps=6, batch_size=8, learning_rate=5e-3, log_steps=1, save_steps=4)


def rows(question: str) -> list[dict[str, Any]]:
    return [
        {"messages": [{"role": "user", "content": f"{question} {n} {a}"}, {"role": "assistant", "content": f"{a} {b}"}]}
        for n, (a, b) in enumerate(product(WORDS, WORDS))
    ]


def pairs(question: str) -> list[dict[str, Any]]:
    return [
        {
            "prompt": [{"role": "user", "content": f"{question} {n} {a}"}],
            "chosen": [{"role": "assistant", "content": a}],
            "rejected": [{"role": "assistant", "content": b}],
            "margin": None,
        }
        for n, (a, b) in enumerate(product(WORDS, WORDS))
        if a != b
    ]


def furnished(place: Path) -> Path:
    """The folder of a store with rows of two kinds, others to measure by, and a model."""
    store = store_at(place / "store")
    with quiet():
        tiny_model(store, "tiny@1.0.0", place)
    frozen(store, "talk@1.0.0", "conversations", rows("say")[:32], place)
    frozen(store, "held-talk@1.0.0", "conversations", rows("tell")[:12], place)
    frozen(store, "pairs@1.0.0", "preferences", pairs("say")[:24], place)
    frozen(store, "held-pairs@1.0.0", "preferences", pairs("tell")[:12], place)
    return place


def stepped(store: Store, op: Any) -> Step:
    rows = "talk" if isinstance(op, SFT) else "pairs"
    return training(
        op,
        data=store.version(f"{rows}@1.0.0"),
        model=store.version("tiny@1.0.0"),
        held_out=store.version(f"held-{rows}@1.0.0"),
    )


def trained(store: Store, op: Any, machine: Machine) -> tuple[dict[str, Any], dict[str, Any]]:
    """What training.json says, and the weights."""
    from safetensors.numpy import load_file

    step = stepped(store, op)
    store.run(step, [machine])
    done = store.done(step)["facts"]
    model = Path(store.folder(step).path) / "model"
    assert [name for name in done["files"] if name.endswith(".safetensors")] == ["model/model.safetensors"]
    return done["training"], load_file(model / "model.safetensors")


def furthest(some: dict[str, Any], others: dict[str, Any]) -> float:
    assert some.keys() == others.keys()
    return max(float(np.abs(some[name] - others[name]).max()) for name in some)


def alike(folder: Path, tmp_path: Path, op: Any, one: Machine, several: Machine) -> tuple[dict[str, Any], float]:
    """What several processes put down, after comparing it with one; and how far apart their weights are."""
    for name in ("one", "several"):
        shutil.copytree(folder / "store", tmp_path / name)
    alone, weights = trained(store_at(tmp_path / "one"), op, one)
    together, theirs = trained(store_at(tmp_path / "several"), op, several)
    for first, second in zip(alone["measures"], together["measures"], strict=True):
        assert second["before"] == pytest.approx(first["before"], abs=1e-6)
        assert second["after"] == pytest.approx(first["after"], abs=1e-5)
    assert [row["loss"] for row in together["curves"] if "loss" in row] == pytest.approx(
        [row["loss"] for row in alone["curves"] if "loss" in row], abs=1e-5
    )
    return together, furthest(weights, theirs)
