"""Does `grpo` raise the share of right answers of a tiny model? Word problems in the style of GSM8K, several seeds.

    python -m benchmarks.grpo_arithmetic --folder FOLDER [--seeds 3] [--steps 60]

Writes word problems with solutions as GSM8K writes them. A model learns from nothing on some of them, with solutions of
which 4 in 10 take a wrong operation; so it is right now and then. The step `grpo` learns from other problems, once per
seed, out of frozen versions; of their solutions the model sees nothing. Then both models are asked problems that
neither training saw, with random numbers that no training used. Prints the share of right answers before and after
with 95 % intervals over problems, per seed and with the seeds pooled (each problem's mean over them).
Exits with 1 unless the whole interval of the gain is above 0, for every seed and pooled.
"""

import argparse
import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dataset_cards.adopt.model import AdoptModel
from dataset_cards.freeze import freeze
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion
from synth.verify.verdicts import VerifierVerdicts
from tests.training import frozen, store_at
from train.chat import END, PAD, START, TEMPLATE, prompt_ids, turns
from train.distill.answering import answered
from train.machine import Machine
from train.measure import Floats, Triple, interval
from train.models import load_causal, load_tokenizer
from train.quiet import quiet
from train.recipes_grpo import grpo

NAMES = ("Natalia", "Weng", "Betty", "Julie", "James", "Mark", "Ken", "Tina")
THINGS = ("apples", "clips", "pages", "flowers", "cards", "cookies", "pencils", "shells")
SAMPLES, LONGEST = 4, 32  # answers to each held-out problem, and tokens of an answer
WRONG = 0.4  # share of the demonstrations
ADOPT = {"name": "adopt", "function": "adopt", "parameters": {}}


def problem(draw: random.Random) -> tuple[str, list[str]]:
    """A question, and the equations that lead to its answer."""
    name, friend = draw.sample(NAMES, 2)
    things = draw.choice(THINGS)
    a, b = draw.randint(3, 12), draw.randint(2, 9)
    less = draw.randint(1, a - 1)
    boxes, each, more = draw.randint(2, 5), draw.randint(2, 5), draw.randint(2, 9)
    kinds: list[tuple[str, list[str]]] = [
        (f"{name} had {a} {things} and got {b} more. How many now?", [f"{a} + {b} = {a + b}"]),
        (f"{name} had {a} {things} and gave {less} to {friend}. How many are left?", [f"{a} - {less} = {a - less}"]),
        (
            f"{name} has {boxes} boxes with {each} {things} each, and {more} more. How many in all?",
            [f"{boxes} * {each} = {boxes * each}", f"{boxes * each} + {more} = {boxes * each + more}"],
        ),
        (
            f"{name} had {a} {things}, got {b} more and gave {less} to {friend}. How many now?",
            [f"{a} + {b} = {a + b}", f"{a + b} - {less} = {a + b - less}"],
        ),
    ]
    return draw.choice(kinds)


def problems(many: int, seed: int) -> list[tuple[str, str]]:
    """Different questions, each with its solution in GSM8K's form."""
    draw = random.Random(seed)
    found: dict[str, str] = {}
    while len(found) < many:
        question, equations = problem(draw)
        found.setdefault(question, solution(equations))
    return list(found.items())


def solution(equations: Sequence[str]) -> str:
    return "\n".join([*equations, f"#### {equations[-1].rpartition(' ')[2]}"])


def careless(some: Sequence[tuple[str, str]], wrong: float, seed: int) -> list[tuple[str, str]]:
    """The same questions with solutions of somebody who, in a share `wrong` of them, takes the wrong operation last."""
    draw = random.Random(seed)
    found = []
    for question, right in some:
        *equations, last, _ = right.split("\n")
        if draw.random() < wrong:
            left, sign, other, _, _ = last.split(" ")
            a, b = max(int(left), int(other)), min(int(left), int(other))
            last = f"{a} - {b} = {a - b}" if sign == "+" else f"{left} + {other} = {int(left) + int(other)}"
        found.append((question, solution([*equations, last])))
    return found


def verifiable(store: Store, ref: str, some: Sequence[tuple[str, str]], folder: Path) -> DatasetVersion:
    rows = [
        {
            "id": f"{ref}-{number}",
            "prompt": [{"role": "user", "content": question}],
            "answer": solution,
            "verifier": "gsm8k",
        }
        for number, (question, solution) in enumerate(some)
    ]
    return frozen(store, ref, "verifiable", rows, folder)


def tokenizer_of(texts: Sequence[str]) -> Any:
    """Words as they are frequent, digits one by one, with our chat template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    bpe.decoder = decoders.ByteLevel()
    bpe.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=400,
            special_tokens=[PAD, START, END],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    made = PreTrainedTokenizerFast(
        tokenizer_object=bpe, pad_token=PAD, eos_token=END, additional_special_tokens=[START]
    )
    made.chat_template = TEMPLATE
    return made


def batches(encoded: Sequence[tuple[list[int], list[int]]], size: int, steps: int, pad: int) -> Iterator[Any]:
    """Tokens and labels, padded at the right; -100 carries no loss."""
    import torch

    draw = random.Random(0)
    for _ in range(steps):
        some = draw.sample(encoded, size)
        width = max(len(ids) for ids, _ in some)
        yield (
            torch.tensor([ids + [pad] * (width - len(ids)) for ids, _ in some]),
            torch.tensor(
                [
                    [token if learned else -100 for token, learned in zip(ids, mask, strict=True)]
                    + [-100] * (width - len(ids))
                    for ids, mask in some
                ]
            ),
        )


def start(folder: Path, some: Sequence[tuple[str, str]], steps: int) -> Path:
    """A model that has learned a little from solutions: the place to begin reinforcement from."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = tokenizer_of([text for pair in some for text in pair])
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=96,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=256,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
        tie_word_embeddings=True,
    )
    model = LlamaForCausalLM(config)
    encoded = [
        turns(tokenizer, [{"role": "user", "content": question}, {"role": "assistant", "content": solution}])
        for question, solution in some
    ]
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=2e-3, total_steps=steps)
    for step, (ids, labels) in enumerate(batches(encoded, 32, steps, tokenizer.pad_token_id)):
        loss = model(input_ids=ids, labels=labels, attention_mask=(ids != tokenizer.pad_token_id).long()).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if step % 100 == 0:
            print(f"  start: step {step}, loss {loss.item():.3f}", flush=True)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def asked(folder: Path, some: Sequence[tuple[str, str]], seed: int) -> tuple[Floats, Floats]:
    """Of each problem the share of right answers among SAMPLES sampled ones, and whether the greedy one is right."""
    model, tokenizer = load_causal(folder, Machine(device="cpu")), load_tokenizer(folder)
    rows = [
        {
            "prompt_ids": prompt_ids(tokenizer, [{"role": "user", "content": question}]),
            "answer": solution,
            "verifier": "gsm8k",
        }
        for question, solution in some
    ]
    sampled, greedy = (
        answered(
            model,
            tokenizer,
            rows,
            VerifierVerdicts(),
            samples=samples,
            longest=LONGEST,
            temperature=temperature,
            seed=1000 + seed,
            unfinished="wrong",
        )
        for samples, temperature in ((SAMPLES, 1.0), (1, 0.0))
    )
    return sampled.share("right"), greedy.share("right")


def said(name: str, before: Floats, after: Floats) -> Triple:
    """Print a line; the gain with its interval."""
    gain = interval(after - before)
    shown = ["{:.3f} ({:.3f} to {:.3f})".format(*one) for one in (interval(before), interval(after), gain)]
    print(f"  {name}: {shown[0]} -> {shown[1]}, gain {shown[2]}", flush=True)
    return gain


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="an empty folder for the store")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--start-steps", type=int, default=600)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--learning-rate", type=float, default=3e-4)
    parser.add_argument("--problems", type=int, default=300, help="that neither training sees")
    given = parser.parse_args()
    store = store_at(given.folder / "store")
    whole = problems(8000 + given.problems, seed=1)
    held, learn, shown = whole[: given.problems], whole[given.problems : 4000], whole[4000:]
    began = time.process_time()
    path = start(given.folder / "start", careless(shown, WRONG, seed=2), given.start_steps)
    step = Step("adopt", AdoptModel.of(str(path), license="CC0-1.0", source="made by benchmarks.grpo_arithmetic"))
    store.run(step)
    model = freeze(store, step, "start@1.0.0", ADOPT)
    print(f"start: {time.process_time() - began:.0f} CPU seconds", flush=True)
    data = verifiable(store, "problems@1.0.0", learn, given.folder)
    gains, pooled = [], []
    for seed in range(given.seeds):
        began = time.process_time()
        learning = grpo(
            data=data,
            model=model,
            held_out_share=0.02,
            max_steps=given.steps,
            batch_size=32,
            samples=8,
            learning_rate=given.learning_rate,
            warmup=0.1,
            max_length=96,
            max_completion=LONGEST,
            seed=seed,
            must_improve=False,  # what is measured here decides
        )
        store.run(learning, [Machine(device="cpu"), VerifierVerdicts()])
        trained = freeze(store, learning, f"solver-{seed}@1.0.0", {"name": "grpo", "function": "", "parameters": {}})
        print(f"seed {seed}: {time.process_time() - began:.0f} CPU seconds", flush=True)
        before, after = asked(path, held, seed), asked(Path(trained.folder.path), held, seed)
        gains.append(said("right, sampled", before[0], after[0]))
        said("right, greedy", before[1], after[1])
        pooled.append((before, after))
    print(f"pooled over {given.seeds} seeds, {len(held)} problems")
    means = np.mean(np.array(pooled), axis=0)  # (before or after, sampled or greedy, problems)
    gains.append(said("right, sampled", means[0, 0], means[1, 0]))
    said("right, greedy", means[0, 1], means[1, 1])
    return 0 if all(low > 0 for _, low, _ in gains) else 1


if __name__ == "__main__":
    with quiet():
        code = main()
    sys.exit(code)
