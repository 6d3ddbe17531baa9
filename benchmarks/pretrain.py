"""Pretraining on public documents: bits per byte before and after, tokens per CPU second, and what our loop costs.

    OMP_NUM_THREADS=1 python -m benchmarks.pretrain --data FOLDER [--steps 300] [--rounds 6] [--segment 15]

FOLDER holds `quality/` with python_peps, rust_rfcs and ethereum_eips as .jsonl.zst. Prints what preparing costs, beside
the tokenizer library alone; the measure of a run as a step; and CPU seconds of our loop over those of a plain
transformers.Trainer that is given the same packed tensors ready made, in turn and in the same process.
"""

import argparse
import io
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zstandard

from dataset_cards.adopt.adopt import Adopt
from dataset_cards.freeze import freeze
from dataset_cards.intake.source import Input
from dataset_cards.versions.files import Folder
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion
from train.bench import Bench
from train.inputs import Inputs
from train.machine import Machine
from train.models import load_tokenizer
from train.pretrain import loop as pretrain_loop
from train.pretrain.corpus import TEXT_BYTES
from train.pretrain.pretrain import Pretrain
from train.pretrain.tokenizer import plain
from train.quiet import quiet, unprinted
from train.recipes_pretrain import pretrain

SOURCES = ("python_peps", "rust_rfcs", "ethereum_eips")
MIXTURE = ("python_peps=0.5", "rust_rfcs=0.3", "ethereum_eips=0.2")
CPU = Machine(device="cpu")


def documents(data: Path, scratch: Path, store: Store) -> DatasetVersion:
    """The three sources as one frozen version."""
    path = scratch / "documents.jsonl"
    with path.open("w", encoding="utf-8") as out:
        for source in SOURCES:
            with (data / "quality" / f"{source}.jsonl.zst").open("rb") as file:
                for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8"):
                    row = json.loads(line)
                    out.write(json.dumps({"id": f"{source}/{row['id']}", "text": row["text"], "source": source}) + "\n")
    step = Step(
        "adopt", Adopt(input=Input.find(str(path)), kind="documents", license="other", source="public documents")
    )
    store.run(step)
    return freeze(store, step, "documents@1.0.0", {"name": "adopt", "function": "adopt", "parameters": {}})


def cpu(work: Callable[[], Any]) -> tuple[Any, float]:
    began = time.process_time()
    return work(), time.process_time() - began


def preparing(step: Step, version: DatasetVersion, scratch: Path) -> None:
    """CPU seconds of all of `prepare`, and of the tokenizer library alone over the same texts."""
    op = step.op
    assert isinstance(op, Pretrain)
    report, seconds = cpu(lambda: op.prepare(Inputs({"data": version.table}, {}), scratch / "rows"))
    words = plain(load_tokenizer(scratch / "rows" / "start"))
    texts = version.table.collect(["text"])["text"].to_list()

    def alone() -> int:
        tokens, batch, size = 0, [], 0
        for text in [*texts, None]:
            if text is None or size > TEXT_BYTES:
                tokens += sum(len(one.ids) for one in words.encode_batch_fast(batch, add_special_tokens=False))
                batch, size = [], 0
            if text is not None:
                batch.append(text)
                size += len(text)
        return tokens

    tokens, library = cpu(alone)
    _, again = cpu(lambda: words.encode_batch_fast(texts[:1], add_special_tokens=False))
    folder = scratch / "given"
    given = {"data": version.table, "tokenizer": version.table}
    _, known = cpu(lambda: op.prepare(Inputs(given, {"tokenizer": scratch / "rows" / "start"}), folder))
    print(f"prepare, tokenizer trained too: {seconds:.1f} CPU s, {report.tokens:,} tokens in one epoch")
    print(
        f"prepare, tokenizer given: {known:.1f} CPU s = {tokens / known:,.0f} tokens per CPU s, and the library alone"
    )
    print(f"  {library:.1f} CPU s = {tokens / library:,.0f} tokens per CPU s: {known / library:.2f} times")
    assert again < library


def learning(step: Step, store: Store) -> None:
    """One run as a step."""
    store.run(step, [CPU])
    made = json.loads(store.folder(step).read_bytes("model/training.json"))
    [measure] = made["measures"]
    read = sum(one["tokens_read"] for one in made["facts"]["sources"])
    spent = made["cost"]["cpu_seconds"]
    for when in ("before", "after", "gain"):
        value, low, high = measure[when]
        print(f"bits per byte, {when}: {value:.3f} ({low:.3f} to {high:.3f}), {measure['rows']} held-out documents")
    print(f"{made['facts']['parameters']:,} parameters; {read:,} tokens read; {spent:.0f} CPU s for the whole step")
    for one in made["facts"]["sources"]:
        print(f"  {one['source']}: {one['share']:.3f} of what was read, {one['epochs']:.2f} epochs")


def overhead(step: Step, version: DatasetVersion, scratch: Path, rounds: int) -> None:
    """CPU seconds of our loop over those of transformers' own, on the same sequences, in turn."""
    from transformers import Trainer

    op = step.op
    assert isinstance(op, Pretrain)
    inputs = Inputs({"data": version.table}, {})
    preflight = op.prepare(inputs, scratch / "rows")
    bench = Bench(inputs=inputs, preflight=preflight, folder=scratch, machine=CPU, stamp={})
    packed = pretrain_loop.sequences(op, bench, positions=True)
    ready = [packed[place] for place in range(len(packed))]
    read = len(packed) * packed.context

    def trained(ours: bool) -> float:
        model = pretrain_loop.begun(op, bench, op.vocabulary)
        loop = unprinted(pretrain_loop.loop(op, bench, model, packed, EMPTY)) if ours else theirs(model)
        return cpu(loop.train)[1]

    def theirs(model: Any) -> Any:
        arguments = pretrain_loop.loop(op, bench, model, packed, EMPTY).args
        return unprinted(Trainer(model=model, args=arguments, train_dataset=ready))

    with quiet():
        trained(True), trained(False)  # the first run of a process is slower
        pairs = [
            (trained(True), trained(False)) if n % 2 else (trained(False), trained(True))[::-1] for n in range(rounds)
        ]
    ratios = sorted(one / other for one, other in pairs)
    ours, others = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"{preflight.steps} steps, {rounds} times in turn: ours {ours:.2f} CPU s, plain {others:.2f} CPU s (medians)")
    print(f"  {read / ours:,.0f} and {read / others:,.0f} tokens per CPU s; ratio {statistics.median(ratios):.3f}")
    print(f"  ratios of the pairs: {', '.join(f'{ratio:.3f}' for ratio in ratios)}")


class _Nothing:
    """No documents to measure by on the way: a plain trainer measures none either."""

    def thinned(self, tokens: int) -> "_Nothing":
        return self


EMPTY: Any = _Nothing()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--segment", type=int, default=15, help="steps of a run whose cost is compared")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        store = Store(Folder.at(str(scratch / "store")))
        version = documents(given.data, scratch, store)
        size = {"hidden": 128, "layers": 4, "heads": 4, "vocabulary": 4096, "context": 256, "batch_size": 16}
        step = pretrain(data=version, max_steps=given.steps, mixture=MIXTURE, save_steps=0, **size)  # type: ignore[arg-type]
        preparing(step, version, scratch / "preparing")
        learning(step, store)
        short = pretrain(data=version, max_steps=given.segment, save_steps=0, **size)  # type: ignore[arg-type]
        quick = Pretrain(**{**vars(short.op), "points": 0})
        overhead(Step("short", quick, (version,)), version, scratch / "overhead", given.rounds)


if __name__ == "__main__":
    main()
