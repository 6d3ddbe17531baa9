"""Whether a reward model trained here on a CPU beats rules that never read an answer, on public pairs.

    python -m benchmarks.reward_pairs --data FOLDER --work FOLDER [--sets NAME ...] [--joint] [--tune]

FOLDER (--data) holds the public test data. Each set is divided by the first thing its user says, so that neither a
question nor another turn of the same conversation stands on both sides. One small language model is made first, with
a tokenizer of its own, from the texts of the sides to learn from, all sets together. Then `reward` trains on each set.
`--joint` also trains one on all sets together and measures it on each. `--tune` tries learning rates and epochs on a
part of the sides to learn from, and never looks at what is held out.
"""

import argparse
import dataclasses
import hashlib
import io
import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import zstandard

from dataset_cards.adopt.adopt import Adopt
from dataset_cards.adopt.model import AdoptModel
from dataset_cards.freeze import freeze
from dataset_cards.intake.source import Input
from dataset_cards.versions.files import Folder
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion
from train.chat import END, PAD, START, TEMPLATE
from train.encode import HELD_OUT, TRAIN
from train.inputs import Inputs
from train.machine import Machine
from train.models import load_scorer
from train.quiet import quiet
from train.reward.blind import baselines, right
from train.reward.pairs import from_ranking, pairs_at
from train.reward.report import percent, points, share, verdict
from train.reward.reward import Reward, rewards
from train.schedule import Schedule
from train.trainer import training

HELD = 0.3  # of the questions
LENGTH = 256
HIDDEN, LAYERS, VOCABULARY = 128, 2, 4096
TOKENS = 1_250_000  # that the language model reads
SCHEDULE = Schedule(
    epochs=2, batch_size=16, learning_rate=1e-3, weight_decay=0.1, warmup=0.1, log_steps=20, save_steps=0
)
MOST_STEPS = 250  # of 16 pairs
Row = dict[str, Any]


def lines(data: Path, name: str) -> list[Row]:
    with (data / "preference" / f"{name}.jsonl.zst").open("rb") as file:
        text = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8")
        return [json.loads(line) for line in text]


def transcript(row: Row) -> tuple[str, Row]:
    """A row of HH-RLHF goes in as it is: adopting knows the shape."""
    return row["chosen"].split("\n\nAssistant:")[0], row


def written_pair(row: Row) -> tuple[str, Row]:
    return row["instruction"] + row["input"], row


def llmbar(row: Row) -> tuple[str, Row]:
    return row["input"], two(row["input"], row["output_1"], row["output_2"], row["label"])


def pandalm(row: Row) -> tuple[str, Row]:
    """Three people: who won by most of their votes."""
    votes = [row[f"annotator{n}"] for n in (1, 2, 3)]
    lead = votes.count(1) - votes.count(2)
    asked = "\n\n".join(part for part in (row["instruction"], row["input"]) if part)
    winner = 1 if lead > 0 else 2 if lead < 0 else 0
    return asked, two(asked, row["response1"], row["response2"], winner, row["cmp_key"].split("_"))


def alpaca(row: Row) -> tuple[str, Row]:
    winner = row["preference"] if row["preference"] in (1, 2) else 0
    names = (row["generator_1"], row["generator_2"])
    return row["instruction"], two(row["instruction"], row["output_1"], row["output_2"], winner, names)


def two(asked: str, first: str, second: str, winner: int, names: Sequence[str | None] = (None, None)) -> Row:
    """Two answers as a ranking, in the order in which they were shown."""
    answers = [
        {"id": str(n), "content": text, "origin": name}
        for n, (text, name) in enumerate(zip((first, second), names, strict=True), 1)
    ]
    ranks = [1, 1] if not winner else [1, 2] if winner == 1 else [2, 1]
    return {"prompt": [{"role": "user", "content": asked}], "responses": answers, "ranks": ranks}


SETS: dict[str, tuple[str, str, Callable[[Row], tuple[str, Row]]]] = {
    "helpful": ("hh_rlhf_helpful", "preferences", transcript),
    "harmless": ("hh_rlhf_harmless", "preferences", transcript),
    "llama3": ("synthetic_llama3_dpo", "preferences", written_pair),
    "llmbar": ("llmbar", "rankings", llmbar),
    "pandalm": ("pandalm_human", "rankings", pandalm),
    "alpaca": ("alpaca_eval_gpt4_judged", "rankings", alpaca),
}


def sides(data: Path, work: Path, store: Store, name: str) -> dict[str, DatasetVersion]:
    """A set as two versions, `train` and `test`, adopted as a user would."""
    file, kind, build = SETS[name]
    rows: dict[str, list[Row]] = {"train": [], "test": []}
    for row in lines(data, file):
        asked, made = build(row)
        answers = [one["content"] for one in made.get("responses", ())]
        # Some answers are empty, some the same, and one is no text.
        if all(isinstance(one, str) and one.strip() for one in answers) and len(set(answers)) == len(answers):
            rows["test" if _share(asked) < HELD else "train"].append(made)
    return {side: adopted(store, work, f"{name}-{side}@1.0.0", kind, found) for side, found in rows.items()}


def _share(text: str) -> float:
    asked = " ".join(text.lower().split()).encode()
    return int.from_bytes(hashlib.blake2b(asked, digest_size=8).digest(), "big") / 2**64


def adopted(store: Store, work: Path, ref: str, kind: str, rows: Sequence[Row]) -> DatasetVersion:
    path = work / f"{ref.partition('@')[0]}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    step = Step("adopt", Adopt(input=Input.find(str(path)), kind=kind, license="unknown", source="public pairs"))
    return _frozen(store, step, ref)


def _frozen(store: Store, step: Step, ref: str) -> DatasetVersion:
    store.run(step, [Machine(device="cpu")])
    return freeze(store, step, ref, {"name": "reward_pairs", "function": "benchmarks.reward_pairs", "parameters": {}})


def conversations(version: DatasetVersion) -> Iterator[list[Row]]:
    for frame in version.table.frames():
        for row in frame.iter_rows(named=True):
            if "responses" in row:
                answers = [[{"role": "assistant", "content": one["content"]}] for one in row["responses"]]
            else:
                answers = [row["chosen"], row["rejected"]]
            yield from ([*row["prompt"], *answer] for answer in answers)


def language_model(store: Store, work: Path, texts: Sequence[list[Row]]) -> DatasetVersion:
    """A Llama of about one million parameters that has read `texts`, with a tokenizer made from them."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    told = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=[PAD, START, END], initial_alphabet=alphabet, show_progress=False
    )
    bpe.train_from_iterator((one["content"] for text in texts for one in text[-2:]), told)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe, pad_token=PAD, eos_token=END, additional_special_tokens=[START]
    )
    tokenizer.chat_template = TEMPLATE
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=HIDDEN, intermediate_size=3 * HIDDEN, num_hidden_layers=LAYERS,
        num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=LENGTH, tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id, bos_token_id=None,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    stream: list[int] = []
    for place in np.random.default_rng(0).permutation(len(texts)):
        stream += tokenizer.apply_chat_template(texts[place], tokenize=True, return_dict=True)["input_ids"]
    blocks = torch.tensor(stream[: len(stream) // LENGTH * LENGTH]).reshape(-1, LENGTH)
    steps = min(TOKENS // (16 * LENGTH), 3 * len(blocks) // 16)
    print(f"language model: {len(texts):,} texts, {len(stream):,} tokens, {steps} steps of {16 * LENGTH}", flush=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.1)
    falling = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps + 1, pct_start=0.05)
    for step in range(steps):
        batch = blocks[torch.arange(step * 16, step * 16 + 16) % len(blocks)]
        loss = model(input_ids=batch, labels=batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        falling.step()
        if step % 50 == 0 or step == steps - 1:
            print(f"  step {step}: {loss.item():.3f} nats per token, {time.process_time():.0f} CPU-s", flush=True)
    model.save_pretrained(work / "base")
    tokenizer.save_pretrained(work / "base")
    return _frozen(
        store, Step("adopt", AdoptModel.of(str(work / "base"), license="unknown", source="made here")), "base@1.0.0"
    )


def trained(store: Store, op: Reward, ref: str, **roles: DatasetVersion) -> DatasetVersion:
    step, used = training(op, **roles), time.process_time()
    version = _frozen(store, step, ref)
    print(f"{ref}: {time.process_time() - used:.0f} CPU-s", flush=True)
    return version


def told(name: str, model: DatasetVersion, folder: Path) -> None:
    """Print how `model` does on the held-out pairs in `folder`, against every rule."""
    with quiet():
        chosen, rejected = rewards(load_scorer(Path(model.folder.path), Machine(device="cpu")), folder / HELD_OUT)
    held, learned = pairs_at(folder / HELD_OUT), pairs_at(folder / TRAIN)
    correct = right(chosen - rejected)
    questions = int(held.group.max()) + 1
    print(f"\n{name}: {len(correct):,} held-out pairs of {questions:,} questions, {len(learned.group):,} to learn from")
    print(f"  {'this reward model':32} {percent(share(correct, held.group))}")
    against = {
        rule: {"accuracy": share(found, held.group), "difference": share(correct - found, held.group)}
        for rule, found in baselines(learned.sides, held.sides).items()
    }
    for rule, one in sorted(against.items(), key=lambda item: -item[1]["accuracy"][0]):
        print(f"  {rule:32} {percent(one['accuracy'])}   paired {points(one['difference'])}")
    print(f"  {verdict(correct, against, held.group)}", flush=True)


def joined(store: Store, work: Path, versions: Sequence[DatasetVersion]) -> DatasetVersion:
    rows = []
    for version in versions:
        for frame in version.table.frames():
            for row in frame.iter_rows(named=True):
                pairs = from_ranking(row, 0) if "responses" in row else (row,)
                rows += [
                    {key: one[key] for key in ("id", "prompt", "chosen", "rejected")}
                    for one in pairs
                    if "responses" not in row or one["margin"]
                ]
    return adopted(store, work, "all-train@1.0.0", "preferences", rows)


def capped(op: Reward, pairs: int) -> Reward:
    steps = min(op.schedule.steps(pairs), MOST_STEPS)
    return dataclasses.replace(op, schedule=dataclasses.replace(op.schedule, max_steps=steps))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--joint", action="store_true")
    parser.add_argument("--tune", action="store_true")
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    store = Store(Folder.at(str(given.work / "store")))
    found = {name: sides(given.data, given.work, store, name) for name in SETS}
    texts = {json.dumps(one): one for two_sides in found.values() for one in conversations(two_sides["train"])}
    if store.root.exists("versions/base/1.0.0/version.json"):
        base = store.version("base@1.0.0")
    else:
        base = language_model(store, given.work, list(texts.values()))
    if given.tune:
        tune(store, base, found, given.sets)
        return
    plain = Reward(schedule=SCHEDULE, max_length=LENGTH, repair=True, must_improve=False)
    folders = {}
    for name in given.sets:
        both = found[name]
        inputs = Inputs(
            {"data": both["train"].table, "held_out": both["test"].table, "model": base.table},
            {"model": Path(base.folder.path)},
        )
        folders[name] = given.work / "rows" / name
        op = capped(plain, plain.prepare(inputs, folders[name]).train)
        model = trained(store, op, f"reward-{name}@1.0.0", data=both["train"], held_out=both["test"], model=base)
        told(name, model, folders[name])
    if given.joint:
        data = joined(store, given.work, [found[name]["train"] for name in given.sets])
        model = trained(store, capped(plain, data.json["rows"]), "reward-all@1.0.0", data=data, model=base)
        for name in given.sets:
            told(f"{name}, learned from all sets", model, folders[name])


def tune(store: Store, base: DatasetVersion, found: dict[str, dict[str, DatasetVersion]], names: Sequence[str]) -> None:
    """Pair accuracy on a fifth of the side to learn from."""
    for name in names:
        for rate in (3e-4, 1e-3):
            for epochs in (1.0, 3.0):
                schedule = dataclasses.replace(SCHEDULE, learning_rate=rate, epochs=epochs)
                op = Reward(schedule=schedule, max_length=LENGTH, held_out=0.2, repair=True, must_improve=False)
                ref = f"tune-{name}-{rate:g}-{epochs:g}@1.0.0".replace("e-0", "e")
                record = trained(store, op, ref, data=found[name]["train"], model=base).folder.read_json(
                    "training.json"
                )
                loss, accuracy = (one["after"] for one in record["measures"])
                print(f"  {name} rate {rate:g} epochs {epochs:g}: {percent(accuracy)}, {loss[0]:.3f} nats", flush=True)


if __name__ == "__main__":
    main()
