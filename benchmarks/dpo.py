"""Learn from 1,100 real pairs with dpo and kto, over several seeds, and compare the loop's cost with plain TRL's.

    python -m benchmarks.dpo --data FOLDER [--seeds 3] [--epochs 1] [--rounds 5]

A small Llama is trained from nothing on the plain answers of the training questions (transformers, no trainer of
ours), adopted, and then learns from the pairs. Prints accuracy on held-out questions with 95 % intervals for each seed,
what became of the likelihood of both answers, and the ratio of CPU seconds of our training loop and TRL's DPOTrainer
on the same rows, in turns in one process.
"""

import argparse
import copy
import hashlib
import io
import json
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import zstandard

from dataset_cards.adopt.model import AdoptModel
from dataset_cards.freeze import freeze
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion
from tests.preferring import CPU, bench_at
from tests.training import frozen, store_at
from train.chat import END, PAD, START, TEMPLATE, turns
from train.models import load_causal, load_tokenizer
from train.preferences.dpo import DPO
from train.preferences.kto import KTO
from train.quiet import quiet, unprinted
from train.schedule import Schedule
from train.trainer import training

FILE = "preference/synthetic_llama3_dpo.jsonl.zst"
SFT_STEPS, HIDDEN, LAYERS, VOCABULARY = 240, 64, 2, 1024


def read(data: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Preferences to learn from and to measure by, apart by a hash of the question; `output` is the plain answer."""
    sides: tuple[list[dict[str, Any]], list[dict[str, Any]]] = ([], [])
    with zstandard.open(data / FILE, "rb") as file:
        for number, line in enumerate(io.TextIOWrapper(file, "utf-8")):
            row = json.loads(line)
            if row["chosen"].strip() == row["rejected"].strip() or not (
                row["chosen"].strip() and row["rejected"].strip()
            ):
                continue
            asked = f"{row['instruction']}\n{row['input']}".strip()
            held = hashlib.sha256(asked.lower().encode()).digest()[0] < 77  # 30 %
            sides[held].append(
                {
                    "id": f"p{number}",
                    "prompt": [{"role": "user", "content": asked}],
                    "chosen": [{"role": "assistant", "content": row["chosen"]}],
                    "rejected": [{"role": "assistant", "content": row["rejected"]}],
                    "output": row["output"],
                }
            )
    return sides


def plain(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key != "output"} for row in rows]


def begun(rows: list[dict[str, Any]], folder: Path) -> Path:
    """A model that learned to give the plain answers, with plain torch."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    texts = [f"{row['prompt'][0]['content']}\n{row['output']}" for row in rows]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=VOCABULARY, special_tokens=[PAD, START, END], initial_alphabet=alphabet, show_progress=False
        ),
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe, pad_token=PAD, eos_token=END, additional_special_tokens=[START]
    )
    tokenizer.chat_template = TEMPLATE
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=HIDDEN,
            intermediate_size=3 * HIDDEN,
            num_hidden_layers=LAYERS,
            num_attention_heads=4,
            num_key_value_heads=4,
            max_position_embeddings=512,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
            bos_token_id=None,
            tie_word_embeddings=True,
        )
    )
    encoded = [
        turns(tokenizer, [*row["prompt"], {"role": "assistant", "content": row["output"]}])[0][:256] for row in rows
    ]
    optimiser = torch.optim.AdamW(model.parameters(), lr=4e-3)
    warm = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=SFT_STEPS)
    chance, last = random.Random(0), []
    for _ in range(SFT_STEPS):
        batch = chance.sample(encoded, 16)
        longest = max(map(len, batch))
        ids = torch.tensor([one + [tokenizer.pad_token_id] * (longest - len(one)) for one in batch])
        there = torch.tensor([[1] * len(one) + [0] * (longest - len(one)) for one in batch])
        loss = model(input_ids=ids, attention_mask=there, labels=ids.masked_fill(there == 0, -100)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        warm.step()
        optimiser.zero_grad()
        last.append(loss.item())
    weights = sum(weight.numel() for weight in model.parameters())
    print(f"start: {weights:,} parameters, loss {last[0]:.2f} to {statistics.mean(last[-20:]):.2f} nats a token")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def run(store: Store, op: DPO | KTO, name: str, **versions: DatasetVersion) -> None:
    before = time.process_time()
    step = training(op, **versions)
    store.run(step, [CPU])
    version = freeze(store, step, f"{name}@1.0.0", {"name": op.stage, "function": op.stage, "parameters": {}})
    record = version.folder.read_json("training.json")
    print(f"\n{name}: {time.process_time() - before:.0f} CPU s")
    for one in record["measures"]:
        shown = " -> ".join(f"{v[0]:.3f} ({v[1]:.3f} to {v[2]:.3f})" for v in (one["before"], one["after"]))
        print(f"  {one['name']}, {one['rows']} rows: {shown} {one['unit']}")
    for sheet in record["sheets"]:
        for row in sheet["rows"]:
            print("  ", sheet["title"], "|", " | ".join(row))
    print("  ", *(record["notes"] or ["no note"]))


def overhead(folder: Path, rounds: int, steps: int, **versions: DatasetVersion) -> None:
    """CPU seconds of `train()` alone: ours over encoded rows, and TRL's DPOTrainer over the same conversations."""
    from datasets import Dataset
    from trl.trainer.dpo_config import DPOConfig
    from trl.trainer.dpo_trainer import DPOTrainer

    schedule = Schedule(max_steps=steps, batch_size=16, learning_rate=1e-4, save_steps=0)
    op = DPO(schedule=schedule, held_out=0.0)
    start = time.process_time()
    bench = bench_at(folder, op, **versions)
    print(f"\npreflight with encoding: {time.process_time() - start:.1f} CPU s for {bench.preflight.train:,} pairs")
    rows = [{key: row[key] for key in ("prompt", "chosen", "rejected")} for row in bench.inputs.rows("data")]
    tokenizer, model = load_tokenizer(bench.inputs.model()), load_causal(bench.inputs.model(), CPU)

    def theirs() -> Any:
        args = DPOConfig(**bench.arguments(schedule, 0), max_length=512)
        return DPOTrainer(
            copy.deepcopy(model),
            ref_model=copy.deepcopy(model),
            args=args,
            train_dataset=Dataset.from_list(rows),
            processing_class=tokenizer,
        )

    found: dict[str, list[float]] = {"ours": [], "TRL": []}
    for number in range(rounds + 1):  # the first round warms up
        for name in ("ours", "TRL") if number % 2 else ("TRL", "ours"):
            with quiet():
                made = op.loop(copy.deepcopy(model), None, tokenizer, bench) if name == "ours" else unprinted(theirs())
                begin = time.process_time()
                made.train()
            if number:
                found[name].append(time.process_time() - begin)
    ratios = [ours / trl for ours, trl in zip(found["ours"], found["TRL"], strict=True)]
    print(
        f"{steps} steps of 16 pairs, {rounds} rounds in turns: ours {statistics.median(found['ours']):.2f} CPU s, "
        f"TRL {statistics.median(found['TRL']):.2f}; ratio of each round "
        f"{', '.join(f'{ratio:.3f}' for ratio in ratios)}; median {statistics.median(ratios):.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=15, help="of each round")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gristmill-dpo-") as scratch, quiet():
        folder = Path(scratch)
        store = store_at(folder / "store")
        learn, held = read(given.data)
        begin = time.process_time()
        path = begun(learn, folder / "begun")
        print(f"  in {time.process_time() - begin:.0f} CPU s; {len(learn)} pairs to learn from, {len(held)} held out")
        step = Step("adopt", AdoptModel.of(str(path), license="Apache-2.0", source="trained for this measurement"))
        store.run(step)
        model = freeze(store, step, "begun@1.0.0", {"name": "adopt", "function": "adopt", "parameters": {}})
        data = frozen(store, "pairs@1.0.0", "preferences", plain(learn), folder)
        measured = frozen(store, "held@1.0.0", "preferences", plain(held), folder)
        roles = {"data": data, "model": model, "held_out": measured}
        fast = Schedule(epochs=given.epochs, batch_size=16, learning_rate=5e-4, warmup=0.1, save_steps=0)
        for seed in range(given.seeds):
            run(store, DPO(schedule=fast, seed=seed, repair=True, must_improve=False), f"dpo-{seed}", **roles)
        overhead(folder / "bench", given.rounds, given.steps, data=data, model=model)
        run(store, DPO(schedule=fast, sft_weight=1.0, repair=True, must_improve=False), "dpo-with-sft", **roles)
        for seed in range(given.seeds):
            op = KTO(schedule=fast, seed=seed, repair=True, must_improve=False)
            run(store, op, f"kto-{seed}", **roles)


if __name__ == "__main__":
    main()
