"""What tests of distillation share: a teacher made here, what it says through `teach`, and a student to learn it."""

import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dataset_cards.adopt.model import AdoptModel
from dataset_cards.freeze import freeze
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion
from tests.training import tiny_folder

Rows = list[dict[str, Any]]


def user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def sums(count: int, seed: int = 0) -> Rows:
    """Prompts rows."""
    draw = random.Random(seed)
    pairs = draw.sample([(a, b) for a in range(40) for b in range(40)], count)
    return [{"id": f"q{a}-{b}", "prompt": user(f"{a} + {b} ?")} for a, b in pairs]


def answer(prompt: str, draw: random.Random) -> str:
    """Ends differ and lengths too, so that a teacher has something to be unsure of."""
    first = int(prompt.split()[0])
    return ("the cat sat", "the dog ate the log", "the mat")[first % 3] + draw.choices(["!", " .", " ,"], [6, 3, 1])[0]


def say(prompt: str, draw: random.Random) -> str:
    return "no !" if prompt.startswith("log") else answer(prompt, draw)


def taught_folder(
    folder: Path, say: Callable[[str, random.Random], str], prompts: Sequence[str], *, steps: int, hidden: int = 64
) -> Path:
    """A model that was trained on what `say` says to `prompts`, for `steps` steps of 32 rows."""
    import torch

    from train.chat import answer_ids
    from train.distill.loop import Collator
    from train.machine import Machine
    from train.models import load_causal, load_tokenizer

    tiny_folder(folder, hidden=hidden, seed=1)
    tokenizer, model = load_tokenizer(folder), load_causal(folder, Machine(device="cpu"))
    draw, collate = random.Random(0), Collator(tokenizer.pad_token_id)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    torch.manual_seed(0)
    for _ in range(steps):
        rows = []
        for prompt in draw.choices(prompts, k=32):
            asked, said = answer_ids(tokenizer, user(prompt), [{"role": "assistant", "content": say(prompt, draw)}])
            rows.append({"input_ids": asked + said, "labels": [-100] * len(asked) + said})
        model(**collate(rows)).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(folder)
    return folder


def told(folder: Path, teacher: Path, prompts: Rows, *, top_k: int = 20, n: int = 1) -> Rows:
    """The `teacher` rows of a model, made by `teach` with a local model."""
    from synth.llm.llm import Sampling
    from synth.llm.local import Local
    from synth.teach import Teach
    from tests.asking import books
    from tests.generating import run

    sampling = Sampling(model=str(teacher), temperature=1.0, max_tokens=32, seed=None)
    op = Teach(sampling=sampling, give="teacher", top_k=top_k, n=n, max_unreadable=1.0)
    return run(folder, op, "prompts", prompts, Local(str(teacher), books=books())).rows


def as_model(store: Store, ref: str, folder: Path) -> DatasetVersion:
    step = Step("adopt", AdoptModel.of(str(folder), license="CC0-1.0", source="made for a test"))
    store.run(step)
    return freeze(store, step, ref, {"name": "adopt", "function": "adopt", "parameters": {}})


def changed(rows: Rows, change: Callable[[dict[str, Any]], Mapping[str, Any]]) -> Rows:
    return [{**row, **change(row)} for row in rows]


def weights(folder: Path) -> bytes:
    """All numbers of a model, without what its file says of itself."""
    from safetensors.torch import load_file

    found = load_file(folder / "model.safetensors")
    return b"".join(name.encode() + found[name].numpy().tobytes() for name in sorted(found))
