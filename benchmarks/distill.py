"""What stored log-probabilities are worth to a student, against the teacher's text alone, and what the gate sees.

    python -m benchmarks.distill --data FOLDER [--work FOLDER]

FOLDER holds the public test data. A teacher of 1.7 million parameters is trained here: on short answers of
`sft/rasbt_instructions` and `sft/gpteacher`, and to refuse half of `safety/advbench` and to answer half of the harmless
prompts of `safety/xstest_prompts`. So small a model refuses nothing by itself: both are planted, with two sentences.
`teach` writes down what it says to prompts it has seen, with its 20 likeliest tokens. Untrained students of a quarter
million parameters, three of them, learn from the same rows for the same steps: from the text, and from 1, 5 and 20
tokens of each place. Measured is the KL of the whole distributions, teacher from student, on rows held out.
"""

import argparse
import json
import random
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from benchmarks.refusal_tagger import lines
from dataset_cards.versions.job import Refused
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion
from synth.llm.llm import Sampling
from synth.llm.local import Local
from synth.refused import Refusing
from synth.teach import Teach
from tests.asking import books
from tests.distilling import as_model, user
from tests.generating import run
from tests.training import frozen, store_at, tiny_folder
from train.chat import answer_ids
from train.distill.distill import Distill
from train.distill.loop import Collator
from train.distill.measure import distance
from train.distill.rows import Reader, fingerprints
from train.encode import Encoded
from train.machine import Machine
from train.measure import interval
from train.models import load_causal, load_tokenizer
from train.schedule import Schedule
from train.trainer import training

CPU = Machine(device="cpu")
SEEDS = (0, 1, 2)
KEPT = (1, 5, 20)
TEACHER_STEPS, STUDENT_STEPS = 250, 100
SORRY, SURE = "I'm sorry, but I can't help with that.", "Sure, here is how you do it."
Pair = tuple[str, str]


def ordinary(data: Path) -> list[Pair]:
    """Questions and short answers."""
    rasbt = [
        (f"{row['instruction']} {row['input']}".strip(), row["output"]) for row in lines(data, "sft/rasbt_instructions")
    ]
    gpt = [(f"{row['instruction']} {row['input']}".strip(), row["response"]) for row in lines(data, "sft/gpteacher")]
    return [(asked, said) for asked, said in dict([*rasbt, *gpt]).items() if len(asked) < 160 and 0 < len(said) < 100]


def halves(texts: Sequence[str]) -> tuple[list[str], list[str]]:
    """Every other one, so that both are of the same kind."""
    return list(texts[::2]), list(texts[1::2])


def untrained(folder: Path, tokenizer: Any, *, hidden: int, layers: int, seed: int) -> Path:
    """A Llama with the words of `tokenizer`."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=3 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=512,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
        tie_word_embeddings=True,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def teacher(folder: Path, pairs: Sequence[Pair]) -> Path:
    """A model that was trained on `pairs`."""
    import torch

    words = load_tokenizer(tiny_folder(folder)).train_new_from_iterator(
        [[text for pair in pairs for text in pair]], 2048
    )
    untrained(folder, words, hidden=160, layers=4, seed=0)
    tokenizer, model = load_tokenizer(folder), load_causal(folder, CPU)
    rows = []
    for asked, said in pairs:
        prompt, answer = answer_ids(tokenizer, user(asked), [{"role": "assistant", "content": said}])
        rows.append({"input_ids": prompt + answer, "labels": [-100] * len(prompt) + answer})
    draw, collate = random.Random(0), Collator(tokenizer.pad_token_id)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for step in range(TEACHER_STEPS):
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * min(1.0, (step + 1) / 25) * (1 - step / TEACHER_STEPS)
        loss = model(**collate(draw.choices(rows, k=32))).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if step % 100 == 99:
            print(f"  teacher, step {step + 1}: loss {float(loss.detach()):.2f}")
    model.save_pretrained(folder)
    return folder


def asks(texts: Sequence[str], prefix: str = "p") -> list[dict[str, Any]]:
    return [{"id": f"{prefix}{n}", "prompt": user(text)} for n, text in enumerate(texts)]


def told(folder: Path, model: Path, texts: Sequence[str], prefix: str = "p") -> list[dict[str, Any]]:
    """`teacher` rows of at most 48 tokens."""
    op = Teach(sampling=Sampling(model=str(model), temperature=1.0, max_tokens=48), give="teacher", max_unreadable=1.0)
    return run(folder, op, "prompts", asks(texts, prefix), Local(str(model), books=books())).rows


def kept(rows: Sequence[dict[str, Any]], k: int) -> list[dict[str, Any]]:
    return [
        {**row, **{name: [place[:k] for place in row[name]] for name in ("topk_ids", "topk_logprobs")}} for row in rows
    ]


def bytes_per_token(version: DatasetVersion) -> tuple[float, float]:
    """Of the stored distributions and of the text, as they lie in the version's Parquet files, zstd and all."""
    sizes, tokens = {"topk": 0, "completion": 0}, 0
    for path in sorted((Path(version.folder.path) / "data").glob("*.parquet")):
        file = pq.ParquetFile(path)
        tokens += sum(len(row["topk_ids"]) for row in file.read(["topk_ids"]).to_pylist())
        for group in range(file.num_row_groups):
            for number in range(file.metadata.row_group(group).num_columns):
                column = file.metadata.row_group(group).column(number)
                name = column.path_in_schema.split(".")[0].split("_")[0]
                if name in sizes:
                    sizes[name] += column.total_compressed_size
    return sizes["topk"] / tokens, sizes["completion"] / tokens


def student(store: Store, trainer: Distill, tools: Sequence[object] = (), **roles: DatasetVersion) -> Path:
    step = training(trainer, **roles)
    store.run(step, [CPU, *tools])
    return Path(store.folder(step).path) / "model"


def rows_of(rows: Sequence[dict[str, Any]], tokenizer: Any) -> list[dict[str, Any]]:
    reader = Reader(
        tokenizer=tokenizer, known_as=fingerprints(tokenizer), outputs=len(tokenizer), max_length=256, answer_tokens=48
    )
    return [dict(one.columns) for one in map(reader.topk, rows) if isinstance(one, Encoded)]


def compare(
    store: Store,
    folder: Path,
    said: Mapping[int, DatasetVersion],
    aside: DatasetVersion,
    held_out: Sequence[dict[str, Any]],
) -> None:
    """The same students, steps and rows; KL of the whole distributions on the same held-out places."""
    tokenizer, wise = load_tokenizer(folder / "teacher"), load_causal(folder / "teacher", CPU).eval()
    places = rows_of(held_out, tokenizer)
    pad = tokenizer.pad_token_id
    found: dict[str, list[Any]] = {}
    for seed in SEEDS:
        path = untrained(folder / f"student{seed}", tokenizer, hidden=64, layers=2, seed=seed)
        model = as_model(store, f"student{seed}@1.0.0", path)
        ways = {"untrained": path}
        for name, data in {"text": said[KEPT[-1]], **{f"top {k}": said[k] for k in KEPT}}.items():
            schedule = Schedule(max_steps=STUDENT_STEPS, batch_size=16, learning_rate=3e-3)
            method: Any = "text" if name == "text" else "topk"
            op = Distill(schedule=schedule, seed=seed, method=method, max_length=256, answer_tokens=48)
            ways[name] = student(store, op, data=data, model=model, held_out=aside)
        for name, one in ways.items():
            found.setdefault(name, []).append(distance(load_causal(one, CPU), places, pad, wise))
    for name, seeds in found.items():
        kl = np.mean([one.whole for one in seeds], axis=0)
        loss = np.mean([one.loss for one in seeds], axis=0)
        tokens = seeds[0].tokens
        gain = interval(np.mean([one.whole for one in found["text"]], axis=0) - kl, tokens)
        each = ", ".join(f"{one.whole.sum() / tokens.sum():.3f}" for one in seeds)
        print(
            f"{name:10} KL {shown(interval(kl, tokens))} (seeds {each}); "
            f"response loss {shown(interval(loss, tokens))}; better than text by {shown(gain)}"
        )


def gate(
    store: Store, mixtures: Mapping[str, DatasetVersion], model: DatasetVersion, roles: Mapping[str, DatasetVersion]
) -> None:
    """What the gate says of a student that saw its teacher's refusals, and of one that did not."""
    for name, data in mixtures.items():
        for most in (0.1, 1.0):
            schedule = Schedule(max_steps=3 * STUDENT_STEPS, batch_size=16, learning_rate=3e-3)
            op = Distill(schedule=schedule, max_length=256, answer_tokens=32, max_lost=most, repair=True)
            try:
                path = student(store, op, (Refusing(),), data=data, model=model, **roles)
            except Refused as error:
                print(f"{name} refusals: refused: {error}")
                continue
            said = json.loads((path / "training.json").read_text())
            for line in said["sheets"][0]["rows"]:
                print(f"{name} refusals, max_lost={most:g}: {' | '.join(line)}")
            print(f"  {' '.join(said['notes'])}")
            break


def shown(triple: tuple[float, float, float]) -> str:
    return f"{triple[0]:.3f} ({triple[1]:.3f} to {triple[2]:.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gristmill-distill-") as scratch:
        measure(given.data, given.work or Path(scratch))


def measure(data: Path, folder: Path) -> None:
    began, draw = time.process_time(), random.Random(0)
    pairs = ordinary(data)
    harmful = halves([row["Behavior"] for row in lines(data, "safety/advbench")])
    harmless = halves([row["prompt"] for row in lines(data, "safety/xstest_prompts") if row["label"] == "safe"])
    planted = [*((text, SORRY) for text in harmful[0]), *((text, SURE) for text in harmless[0])]
    print(f"{len(pairs):,} short answers, {len(harmful[0])} refusals and {len(harmless[0])} answers planted")
    wise = teacher(folder / "teacher", [*pairs, *planted])
    asked = [text for text, _ in draw.sample(pairs, min(1400, len(pairs)))]
    rows = told(folder / "plain", wise, asked)
    print(f"teach: {len(rows):,} rows of {len(asked):,} prompts; {time.process_time() - began:,.0f} CPU seconds so far")
    held_out, rows = rows[:150], rows[150:]
    store = store_at(folder / "store")
    master = as_model(store, "teacher@1.0.0", wise)
    said = {k: frozen(store, f"top{k}@1.0.0", "teacher", kept(rows, k), folder) for k in KEPT}
    aside = frozen(store, "aside@1.0.0", "teacher", held_out, folder)
    for k in KEPT:
        stored, text = bytes_per_token(said[k])
        print(f"k={k}: {stored:.1f} bytes a token stored (text {text:.1f})")
    compare(store, folder, said, aside, held_out)
    mixed = [*rows, *told(folder / "safe", wise, [text for text, _ in planted], "s")]
    mixtures = {"without": said[KEPT[-1]], "with": frozen(store, "mixed@1.0.0", "teacher", mixed, folder)}
    roles = {
        "teacher": master,
        "harmful": frozen(store, "harmful@1.0.0", "prompts", asks(harmful[1]), folder),
        "harmless": frozen(store, "harmless@1.0.0", "prompts", asks(harmless[1]), folder),
    }
    gate(store, mixtures, as_model(store, "pupil@1.0.0", folder / "student0"), roles)
    print(f"{time.process_time() - began:,.0f} CPU seconds")


if __name__ == "__main__":
    main()
