"""How fast preflight looks at rows: `python -m benchmarks.preflight_speed`.

Conversations of four turns with about 300 tokens, read from a frozen version and encoded by SFT as training reads them:
chat template, special tokens, truncation, masks, split, duplicates, Arrow files. CPU seconds of this process.
"""

import random
import resource
import tempfile
import time
from pathlib import Path

from tests.training import frozen, store_at, tiny_model
from train.inputs import opened
from train.sft import SFT
from train.trainer import training

ROWS = 5000
WORDS = [f"word{n}" if n % 3 else "the cat" for n in range(60)]


def main() -> None:
    draw = random.Random(0)
    turns = ("user", "assistant", "user", "assistant")
    rows = [
        {
            "id": f"r{n}",
            "messages": [{"role": role, "content": " ".join(draw.choices(WORDS, k=25))} for role in turns],
        }
        for n in range(ROWS)
    ]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        store = store_at(folder / "store")
        model = tiny_model(store, "tiny@1.0.0", folder)
        data = frozen(store, "chats@1.0.0", "conversations", rows, folder)
        step = training(SFT(max_length=512), data=data, model=model)
        with opened(step.op.roles, [data.table, model.table]) as inputs:  # type: ignore[attr-defined]
            held, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
            report = step.op.prepare(inputs, folder / "rows")  # type: ignore[attr-defined]
            spent = time.process_time() - began
        more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held
    print(report.text())
    print(f"{ROWS / spent:,.0f} rows and {report.tokens / spent:,.0f} tokens per CPU second")
    print(f"{more / 1024:,.0f} MB of memory more than before, at most")


if __name__ == "__main__":
    main()
