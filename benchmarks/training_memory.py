"""How much memory a training step really takes on a CPU, beside what preflight says before: `python -m
benchmarks.training_memory`.

Each line is a process of its own: a Llama of that size takes three steps of AdamW in fp32 over random tokens with the
loss that transformers computes. Measured is the peak of the process's resident memory above what it held before the
model was made: as this system's allocator leaves it, and again where the allocator gives every block back at once, so
that only what tensors need is counted.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

# Name, hidden, layers, vocabulary, rows, tokens of a row, activations computed again.
CASES = (
    ("weights", 512, 8, 2048, 1, 32, False),
    ("activations", 256, 8, 2048, 16, 256, False),
    ("computed again", 256, 8, 2048, 16, 256, True),
    ("logits", 128, 2, 32768, 4, 256, False),
    ("all", 384, 6, 16384, 4, 256, False),
)
STEPS = 3


def one(hidden: int, layers: int, vocabulary: int, rows: int, length: int, again: bool) -> dict[str, int]:
    """Bytes estimated and measured, in this process."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from train.machine import Machine
    from train.memory import estimate

    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        intermediate_size=4 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=8,
        num_key_value_heads=8,
        tie_word_embeddings=True,
    )
    # Threads, code and caches come into memory before anything is measured.
    warm = LlamaForCausalLM(LlamaConfig(**{**config.to_dict(), "hidden_size": 64, "num_hidden_layers": 1}))
    _learn(warm, torch.zeros((1, 8), dtype=torch.long), 1)
    del warm
    with tempfile.TemporaryDirectory() as scratch:
        model = LlamaForCausalLM(config)
        model.save_pretrained(scratch)
        machine = Machine(device="cpu", precision="fp32", checkpointing=again)
        told = estimate(Path(scratch), rows * length, machine=machine)
        del model
        before = _resident("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # begins the peak anew
        model = LlamaForCausalLM.from_pretrained(scratch)
        if again:
            model.gradient_checkpointing_enable()
        _learn(model, torch.randint(0, vocabulary, (rows, length)), STEPS)
        return {**told, "measured": _resident("VmHWM") - before}


def _learn(model: object, ids: object, steps: int) -> None:
    import torch

    optimizer = torch.optim.AdamW(model.parameters())  # type: ignore[attr-defined]
    model.train()  # type: ignore[attr-defined]
    for _ in range(steps):
        model(input_ids=ids, labels=ids).loss.backward()  # type: ignore[operator]
        optimizer.step()
        optimizer.zero_grad()


def _resident(which: str) -> int:
    """Bytes, of a line of /proc/self/status."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(which))
    return int(line.split()[1]) * 1024


def main() -> None:
    names = ("weights", "gradients", "optimizer", "activations", "logits")
    header = (*names, "estimate", "resident", "factor", "tensors", "factor")
    print(f"{'MB':<16}" + "".join(f"{name:>12}" for name in header))
    for name, *size in CASES:
        call = f"import json; from benchmarks.training_memory import one; print(json.dumps(one(*{size!r})))"
        cells, together = [], 0
        for held in ({}, {"MALLOC_MMAP_THRESHOLD_": "65536"}):  # read by glibc
            command = [sys.executable, "-c", call]
            done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **held})
            found = json.loads(done.stdout.splitlines()[-1])
            if not cells:
                together = sum(found[part] for part in names)
                cells = [f"{found[part] / 1e6:>12.0f}" for part in names] + [f"{together / 1e6:>12.0f}"]
            cells += [f"{found['measured'] / 1e6:>12.0f}", f"{together / found['measured']:>12.2f}"]
        print(f"{name:<16}" + "".join(cells), flush=True)


if __name__ == "__main__":
    main()
