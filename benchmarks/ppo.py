"""Reward against KL, with a reward model that was learned and a better one that nothing learns from; several seeds.

    python -m benchmarks.ppo --folder FOLDER [--seeds 3] [--steps 80] [--kl 0.0] [--picture FILE]

Answers are lists of words. What is wanted: animals, each once, and no more words than eight. People's choices between
two answers are drawn by Bradley and Terry from that. A small reward model learns from few of them, of answers as the
first policy gives them, in which a word seldom stands twice; the gold one from many, of all sorts. `sft` makes the
first policy from lists of any words. Then `ppo` runs without anything to stop it, and again with the gold reward.
With --kl 0 nothing but clipping holds the policy, so that it is seen to leave. Every stage is a step over frozen
versions. Exits with 1 unless, for every seed, the run with stops raised the reward beyond chance, did not lower the
gold reward, and ended with no less of it than the run without. A seed that is not over-optimised just goes on.
"""

import argparse
import json
import math
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dataset_cards.adopt.model import AdoptModel
from dataset_cards.freeze import freeze
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion
from tests.training import frozen, store_at
from train.chat import END, PAD, START, TEMPLATE
from train.machine import Machine
from train.outcome import Plot
from train.plots import draw
from train.ppo.outcome import PLOTS
from train.quiet import quiet
from train.recipes_ppo import ppo
from train.recipes_reward import reward
from train.recipes_sft import sft

ANIMALS = ("cat", "dog", "fox", "owl", "bear", "crow", "deer", "duck", "frog", "goat", "hare", "wolf")
OTHERS = (
    "bag", "bed", "box", "car", "cup", "door", "fork", "hat", "jar", "key", "lamp", "map", "nail", "oven", "pan", "pen",
    "pot", "rope", "shoe", "sock", "spoon", "tent", "toy", "van",
)  # fmt: skip
PEOPLE = (
    "Ann",
    "Ben",
    "Cem",
    "Dan",
    "Eva",
    "Fay",
    "Gil",
    "Ida",
    "Jon",
    "Kay",
    "Lea",
    "Max",
    "Nia",
    "Oli",
    "Pia",
    "Rex",
)
PLACES = ("home", "school", "work", "sea", "town", "market", "farm", "lake", "river", "park", "station", "garden")
MADE: dict[str, Any] = {"name": "made", "function": "benchmarks.ppo", "parameters": {}}


def wanted(answer: Sequence[str]) -> float:
    """What people want: different animals; not the same word again, and not too many words."""
    animals = len({word for word in answer if word in ANIMALS})
    again = len(answer) - len(set(answer))
    return animals - 1.0 * again - 0.5 * max(0, len(answer) - 8)


def usual(luck: random.Random) -> list[str]:
    """Some different words, one in three an animal."""
    return luck.sample(ANIMALS + OTHERS, luck.randint(2, 6))


def any_sort(luck: random.Random) -> list[str]:
    """Few or many words, few or many animals, often the same again."""
    known = luck.sample(ANIMALS + OTHERS, luck.randint(1, 8)) + luck.sample(ANIMALS, luck.randint(0, 8))
    return [luck.choice(known) for _ in range(luck.randint(1, 12))] if luck.random() < 0.6 else usual(luck)


def asked() -> list[str]:
    return [f"What did {who} see at the {where}?" for who in PEOPLE for where in PLACES]


def said(answer: Sequence[str]) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": " ".join(answer)}]


def pairs(many: int, sort: Any, seed: int) -> list[dict[str, Any]]:
    """Choices between two answers: the better one wins with probability sigmoid(difference)."""
    luck = random.Random(seed)
    rows = []
    while len(rows) < many:
        first, second = sort(luck), sort(luck)
        if first == second:
            continue
        wins = luck.random() < 1 / (1 + math.exp(wanted(second) - wanted(first)))
        better, worse = (first, second) if wins else (second, first)
        prompt = [{"role": "user", "content": luck.choice(asked())}]
        rows.append({"id": f"{seed}-{len(rows)}", "prompt": prompt, "chosen": said(better), "rejected": said(worse)})
    return rows


def new_model(store: Store, folder: Path) -> DatasetVersion:
    """A Llama that knows nothing, with a tokenizer whose words are these."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    words = [*ANIMALS, *OTHERS, "user", "assistant"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=800, special_tokens=[PAD, START, END], initial_alphabet=alphabet, show_progress=False
    )
    bpe.train_from_iterator([*asked(), *(f"{word} {word}" for word in words)], trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe, pad_token=PAD, eos_token=END, additional_special_tokens=[START]
    )
    tokenizer.chat_template = TEMPLATE
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=128,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    LlamaForCausalLM(config).save_pretrained(folder / "new")
    tokenizer.save_pretrained(folder / "new")
    step = Step("adopt", AdoptModel.of(str(folder / "new"), license="CC0-1.0", source="made for a benchmark"))
    store.run(step)
    return freeze(store, step, "new@1.0.0", MADE)


def made(store: Store, step: Step, ref: str) -> tuple[DatasetVersion, dict[str, Any]]:
    """Run a training step and freeze it; its training.json too."""
    store.run(step, [Machine(device="cpu")])
    version = freeze(store, step, ref, MADE)
    record: dict[str, Any] = json.loads((Path(version.folder.path) / "training.json").read_bytes())
    first = record["measures"][0]
    before = f"{first['before'][0]:.3f} -> " if first["before"] else ""
    after = "{:.3f} ({:.3f} to {:.3f})".format(*first["after"])
    print(f"{ref}: {first['name']} {before}{after}; {record['cost']['cpu_seconds']:.0f} CPU s", flush=True)
    return version, record


def looks(record: dict[str, Any]) -> list[dict[str, float]]:
    return [row for row in record["curves"] if "held_out_gold" in row]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--folder", type=Path, required=True)
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--steps", type=int, default=80)
    options.add_argument("--kl", type=float, default=0.0)
    options.add_argument("--picture", type=Path)
    given = options.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    store, luck = store_at(given.folder / "store"), random.Random(0)
    lists = [
        {"id": str(n), "messages": [{"role": "user", "content": luck.choice(asked())}, *said(usual(luck))]}
        for n in range(4000)
    ]
    with quiet():
        new = new_model(store, given.folder)
    conversations = frozen(store, "lists@1.0.0", "conversations", lists, given.folder)
    few = frozen(store, "few@1.0.0", "preferences", pairs(200, usual, 1), given.folder)
    many = frozen(store, "many@1.0.0", "preferences", pairs(6000, any_sort, 2), given.folder)
    rows = [{"id": str(n), "prompt": [{"role": "user", "content": text}]} for n, text in enumerate(asked())]
    prompts = frozen(store, "prompts@1.0.0", "prompts", rows, given.folder)
    fast: dict[str, Any] = {"learning_rate": 3e-3, "max_length": 64, "save_steps": 0}
    start, _ = made(store, sft(data=conversations, model=new, epochs=2, **fast), "start@1.0.0")
    proxy, _ = made(store, reward(data=few, model=start, epochs=4, must_improve=False, **fast), "proxy@1.0.0")
    gold, _ = made(store, reward(data=many, model=start, epochs=3, must_improve=False, **fast), "gold@1.0.0")

    curves: list[dict[str, float]] = []
    failed, began = False, time.process_time()
    for seed in range(given.seeds):
        shared: dict[str, Any] = {
            "data": prompts,
            "model": start,
            "reward": proxy,
            "gold": gold,
            "seed": seed,
            "max_steps": given.steps,
            "learning_rate": 1e-3,
            "max_new": 24,
            "max_length": 64,
            "kl": given.kl,
            "held_out_share": 0.35,
            "judge_every": 4,
            "save_steps": 0,
            "must_improve": False,
        }
        _, free = made(store, ppo(**shared, patience=1000), f"free-{seed}@1.0.0")
        _, stopped = made(store, ppo(**shared), f"stopped-{seed}@1.0.0")
        print("| step | KL | reward | gold reward | tokens | ended |\n|---|---|---|---|---|---|")
        for one in looks(free):
            numbers = [one[f"held_out_{name}"] for name in ("kl", "reward", "gold", "length")]
            print(f"| {one['step']:.0f} | {' | '.join(f'{n:.2f}' for n in numbers)} | {one['held_out_ended']:.0%} |")
            curves.append({f"gold {seed}": one["held_out_gold"], f"reward {seed}": one["held_out_reward"], **one})
        facts, (proxied, golden, *_) = stopped["facts"], stopped["measures"]
        last = looks(free)[-1]
        print(f"seed {seed}: {stopped['notes'] or ['ran to its end']}")
        print(
            "  kept step {}, KL {:.2f}; reward better by {:.2f} ({:.2f} to {:.2f})".format(
                facts["kept_step"], facts["kl"], *proxied["gain"]
            )
            + "; gold better by {:.2f} ({:.2f} to {:.2f})".format(*golden["gain"])
            + f"; without stopping gold ended at {last['held_out_gold']:.2f}, stopped at {golden['after'][0]:.2f}",
            flush=True,
        )
        failed |= proxied["gain"][1] <= 0 or golden["gain"][0] < 0 or last["held_out_gold"] > golden["after"][0]
    print(f"ppo took {time.process_time() - began:.0f} CPU s for {given.seeds} seeds, twice each")
    if given.picture:
        names = tuple(f"{what} {seed}" for what in ("reward", "gold") for seed in range(given.seeds))
        plot = Plot(name="reward-kl", title=PLOTS[0].title, lines=names, over="held_out_kl_root")
        given.picture.write_text(draw(plot, curves), encoding="utf-8")
    sys.exit(int(failed))


if __name__ == "__main__":
    main()
