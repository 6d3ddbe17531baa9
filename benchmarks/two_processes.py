"""Every stage once in one process and once in two: how far their weights and their first measures are apart.

Tiny models, on the CPU over gloo. Run as `python -m benchmarks.two_processes [STAGE ...]`; docs/train.md has the table.
"""

import random
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from synth.refused import Refusing
from synth.verify.verdicts import VerifierVerdicts
from tests.planted_rewards import planted
from tests.rewarding import with_word
from tests.training import frozen, store_at, tiny_model
from train.distill.distill import Distill
from train.grpo.grpo import GRPO
from train.machine import Machine
from train.preferences.dpo import DPO
from train.preferences.kto import KTO
from train.recipes_ppo import ppo
from train.recipes_pretrain import pretrain
from train.reward.reward import Reward
from train.schedule import Schedule
from train.sft import SFT
from train.trainer import training

LEARN = Schedule(max_steps=6, batch_size=8, learning_rate=5e-3, log_steps=1, save_steps=0)
ONE = Machine(device="cpu")
HALF = replace(ONE, micro_batch=4)  # as many rows at once as each of two processes has
TWO = replace(ONE, launcher="torchrun --nproc-per-node 2")
WORDS = ("cat", "dog", "mat", "log", "sat", "ate", "the", "on")


def said(role: str, text: str) -> list[dict[str, str]]:
    return [{"role": role, "content": text}]


def furnish(store: Store, folder: Path) -> None:
    draw = random.Random(0)
    asked = [said("user", f"{a} say {b}") for a in WORDS for b in WORDS]
    tiny_model(store, "tiny@1.0.0", folder)
    planted(store, "digits@1.0.0", folder / "tiny", folder)
    rows: dict[str, list[dict[str, Any]]] = {
        "documents": [{"id": f"d{n}", "text": " ".join(draw.choices(WORDS, k=20))} for n in range(100)],
        "conversations": [{"messages": [*one, *said("assistant", " ".join(draw.sample(WORDS, 2)))]} for one in asked],
        "preferences": with_word(96),
        "prompts": [{"id": f"p{n}", "prompt": one} for n, one in enumerate(asked)],
        "verifiable": [
            {"id": f"v{n}", "prompt": one, "answer": "3", "verifier": "number"} for n, one in enumerate(asked)
        ],
    }
    for kind, some in rows.items():
        frozen(store, f"{kind}@1.0.0", kind, some, folder)


def steps(store: Store) -> dict[str, tuple[Callable[[], Step], Machine]]:
    """By stage, the step and the one process that it is compared with."""

    def on(op: Any, kind: str, **more: str) -> Callable[[], Step]:
        op = replace(op, must_improve=False, held_out=0.2)
        given = {role: store.version(f"{name}@1.0.0") for role, name in more.items()}
        return lambda: training(op, data=store.version(f"{kind}@1.0.0"), model=store.version("tiny@1.0.0"), **given)

    size: dict[str, Any] = {
        "hidden": 32,
        "layers": 1,
        "vocabulary": 320,
        "context": 32,
        "batch_size": 8,
        "held_out_share": 0.1,
    }
    answers: dict[str, Any] = {"max_new": 12, "max_length": 64, "held_out_share": 0.3, "must_improve": False}
    data, model = store.version("prompts@1.0.0"), store.version("tiny@1.0.0")
    return {
        "pretrain": (lambda: pretrain(data=store.version("documents@1.0.0"), max_steps=6, seed=3, **size), ONE),
        "sft": (on(SFT(schedule=LEARN), "conversations"), ONE),
        "dpo": (on(DPO(schedule=LEARN), "preferences"), ONE),
        "kto": (on(KTO(schedule=LEARN), "preferences"), HALF),
        "reward": (on(Reward(schedule=LEARN), "preferences"), ONE),
        "distill": (on(Distill(schedule=LEARN, method="text"), "conversations"), ONE),
        "ppo": (
            lambda: ppo(
                data=data,
                model=model,
                reward=store.version("digits@1.0.0"),
                max_steps=3,
                batch_size=16,
                learning_rate=1e-3,
                **answers,
            ),
            ONE,
        ),
        "grpo": (
            on(GRPO(schedule=replace(LEARN, max_steps=3), max_length=64, max_completion=8, samples=4), "verifiable"),
            ONE,
        ),
    }


def learned(store: Store, step: Step, machine: Machine) -> tuple[dict[str, Any], dict[str, Any]]:
    from safetensors.numpy import load_file

    store.run(step, [machine, VerifierVerdicts(), Refusing()])
    model = Path(store.folder(step).path) / "model"
    return store.done(step)["facts"]["training"], load_file(model / "model.safetensors")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="two-processes-") as place:
        folder = Path(place)
        furnish(store_at(folder / "one"), folder)
        shutil.copytree(folder / "one", folder / "two")
        wanted = sys.argv[1:] or list(steps(store_at(folder / "one")))
        print("stage      processes  weights apart  first measure, of one and of two")
        for stage in wanted:
            make, machine = steps(store_at(folder / "one"))[stage]
            alone, weights = learned(store_at(folder / "one"), make(), machine)
            make, _ = steps(store_at(folder / "two"))[stage]
            together, theirs = learned(store_at(folder / "two"), make(), TWO)
            apart = max(float(np.abs(weights[name] - theirs[name]).max()) for name in weights)
            one, two = (record["measures"][0]["after"][0] for record in (alone, together))
            number = together["environment"]["processes"]
            print(f"{stage:10} {number:9}  {apart:13.1e}  {one:.6f} {two:.6f}", flush=True)


if __name__ == "__main__":
    main()
