"""What supervised fine-tuning costs above plain TRL: CPU seconds of both on the same rows, model and schedule.

python -m benchmarks.sft_overhead [rounds]      real conversations under ../shared/data/sft

Both take turns, in an order that changes. Plain TRL is an SFTTrainer given token ids and labels, and nothing around
it. The loop is `trainer.train()`; the whole run has preparation, measuring before and after, and saving besides.
"""

import io
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import zstandard

from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion
from tests.training import frozen, store_at, tiny_model
from train.bench import Bench
from train.encode import TRAIN, encoded
from train.inputs import opened
from train.machine import Machine
from train.models import load_causal, load_tokenizer
from train.quiet import quiet, unprinted
from train.schedule import Schedule
from train.sft import SFT
from train.trainer import prepared

DATA = Path(os.environ.get("GRISTMILL_TEST_DATA", "../shared/data")) / "sft"
CPU = Machine(device="cpu", micro_batch=8)
OP = SFT(
    schedule=Schedule(max_steps=40, batch_size=16, learning_rate=1e-3, save_steps=0),
    max_length=256,
    repair=True,
    roles=("data", "model"),
)


def conversations(name: str = "dolly_human_subset.jsonl.zst") -> list[dict[str, Any]]:
    with (DATA / name).open("rb") as file:
        lines = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8")
        return [asked(json.loads(line)) for line in lines]


def asked(row: dict[str, Any]) -> dict[str, Any]:
    question = "\n\n".join(part for part in (row["instruction"], row["context"]) if part)
    turns = (("user", question), ("assistant", row["response"]))
    return {"messages": [{"role": role, "content": text} for role, text in turns]}


def cpu(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


def ours(store: Store, data: DatasetVersion, model: DatasetVersion, folder: Path) -> dict[str, float]:
    """Every part of a run, as `train` does them."""
    spent = []

    class Timed(SFT):
        def loop(self, model: Any, tokenizer: Any, bench: Bench) -> Any:
            trainer = super().loop(model, tokenizer, bench)
            train = trainer.train

            def timed(**arguments: Any) -> None:
                spent.append(cpu(lambda: train(**arguments))[0])

            trainer.train = timed
            return trainer

    op = Timed(**{one.name: getattr(OP, one.name) for one in fields(OP)})
    with opened(op.roles, [data.table, model.table], (CPU,)) as inputs:
        folder.mkdir()
        look, preflight = cpu(lambda: prepared(op, inputs, folder))
        bench = Bench(inputs=inputs, preflight=preflight, folder=folder, machine=CPU, stamp={})
        whole, _ = cpu(lambda: op.fit(bench))
    return {"preparation": look, "loop": spent[0], "fit": whole}


def plain(rows: Any, model: Path, folder: Path) -> dict[str, float]:
    """The same work by TRL alone."""
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

    def all_of_it() -> float:
        schedule = OP.schedule
        args = SFTConfig(
            output_dir=str(folder),
            per_device_train_batch_size=8,
            gradient_accumulation_steps=2,
            max_steps=schedule.max_steps,
            learning_rate=schedule.learning_rate,
            warmup_steps=schedule.warmup,
            max_length=None,
            save_strategy="no",
            use_cpu=True,
            bf16=False,
            activation_checkpointing=False,
            dataloader_pin_memory=False,
            report_to="none",
            disable_tqdm=True,
            logging_steps=schedule.log_steps,
        )
        tokenizer = load_tokenizer(model)
        trainer = SFTTrainer(model=load_causal(model, CPU), args=args, train_dataset=rows, processing_class=tokenizer)
        spent, _ = cpu(unprinted(trainer).train)
        trainer.save_model(str(folder / "model"))
        return spent

    with quiet():
        whole, loop = cpu(all_of_it)
    return {"loop": loop, "fit": whole}


def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        store = store_at(folder / "store")
        with quiet():
            model = tiny_model(store, "tiny@1.0.0", folder, hidden=64, layers=2)
        data = frozen(store, "rows@1.0.0", "conversations", conversations(), folder)
        first = ours(store, data, model, folder / "warm")  # imports and caches, not counted
        rows = encoded(folder / "warm" / "rows" / TRAIN).remove_columns(["id"])
        plain(rows, Path(model.folder.path), folder / "warm-plain")
        print(f"{len(rows):,} rows; warm-up {first}", flush=True)
        mine, theirs = [], []
        for number in range(rounds):
            for turn in (0, 1) if number % 2 else (1, 0):
                place = folder / f"{number}-{turn}"
                if turn:
                    mine.append(ours(store, data, model, place))
                else:
                    theirs.append(plain(rows, Path(model.folder.path), place))
            print(json.dumps({"ours": mine[-1], "plain": theirs[-1]}), flush=True)
        for part in ("loop", "fit"):
            ratios = [one[part] / other[part] for one, other in zip(mine, theirs, strict=True)]
            print(f"{part}: median ratio {statistics.median(ratios):.3f}, from {min(ratios):.3f} to {max(ratios):.3f}")
        print(
            f"preparation: {statistics.median(one['preparation'] for one in mine):.2f} CPU s, {data.table.rows:,} rows"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 6)
