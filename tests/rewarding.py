"""What tests of the reward model share: pairs with something planted, and runs with and without a store."""

import random
from pathlib import Path
from typing import Any

from dataset_cards.freeze import freeze
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion
from train.bench import Bench
from train.inputs import Inputs
from train.machine import Machine
from train.reward.reward import Reward
from train.schedule import Schedule
from train.trainer import training

WORDS = ("mat", "dog", "ate", "sat", "the", "and", "on", "user", "cat sat", "log ate")
FAST = Schedule(max_steps=30, batch_size=16, learning_rate=5e-3, log_steps=5, warmup=0.1)


def said(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def pair(number: int, chosen: str, rejected: str, **more: Any) -> dict[str, Any]:
    return {
        "id": f"r{number}",
        "prompt": [said("user", f"{number} + {number} = ?")],
        "chosen": [said("assistant", chosen)],
        "rejected": [said("assistant", rejected)],
        **more,
    }


def some(chance: random.Random, few: int = 2, many: int = 6) -> list[str]:
    return [chance.choice(WORDS) for _ in range(chance.randint(few, many))]


def with_word(count: int) -> list[dict[str, Any]]:
    """Chosen answers hold an exclamation mark somewhere and rejected ones a comma; lengths tell nothing."""
    chance, rows = random.Random(1), []
    for number in range(count):
        answers = []
        for mark in ("!", ","):
            words = some(chance)
            words.insert(chance.randint(0, len(words)), mark)
            answers.append(" ".join(words))
        rows.append(pair(number, *answers, source="some" if number % 2 else "others"))
    return rows


def by_length(count: int) -> list[dict[str, Any]]:
    """The longer answer is always chosen, and its words tell nothing."""
    chance = random.Random(2)
    return [pair(n, " ".join(some(chance, 7, 12)), " ".join(some(chance, 2, 5))) for n in range(count)]


def learned(store: Store, op: Reward, ref: str, **roles: DatasetVersion) -> DatasetVersion:
    step = training(op, **roles)
    store.run(step, [Machine(device="cpu")])
    return freeze(store, step, ref, {"name": "reward", "function": "train.recipes_reward:reward", "parameters": {}})


def of(version: DatasetVersion) -> dict[str, Any]:
    record: dict[str, Any] = version.folder.read_json("training.json")
    return record


def inputs_of(**versions: DatasetVersion) -> Inputs:
    models = {role: Path(one.folder.path) for role, one in versions.items() if one.kind == "model"}
    return Inputs({role: one.table for role, one in versions.items()}, models)


def bench_at(folder: Path, op: Reward, machine: Machine, **versions: DatasetVersion) -> Bench:
    inputs = inputs_of(**versions)
    report = op.prepare(inputs, folder / "rows")
    return Bench(inputs=inputs, preflight=report, folder=folder, machine=machine, stamp={"gristmill.stage": "reward"})
