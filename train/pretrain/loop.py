"""The loop of pretraining: transformers' trainer over packed sequences in an order that was written down before."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from transformers import AutoConfig, AutoModelForCausalLM, Trainer, TrainerCallback, TrainingArguments, set_seed

from train import models
from train.bench import Bench, curves
from train.outcome import Sheet
from train.quiet import unprinted

from . import bits, corpus, packing

if TYPE_CHECKING:
    from .pretrain import Pretrain

BETA2 = 0.95


@dataclass(frozen=True, kw_only=True)
class Run:
    """What came of the loop; see Outcome. `before` and `after` are bits of each document, `bytes` its size."""

    before: bits.Floats
    after: bits.Floats
    bytes: packing.Ints
    curves: Sequence[Mapping[str, float]]
    sheets: tuple[Sheet, ...]
    facts: Mapping[str, Any]
    notes: tuple[str, ...]


def ran(op: "Pretrain", bench: Bench) -> Run:
    """Train the model of a run, or go on from its last checkpoint, and save it."""
    tokenizer = models.load_tokenizer(bench.rows / corpus.START)
    model = begun(op, bench, len(tokenizer))
    documents = bits.held_out(bench.rows).thinned(op.measure_tokens)
    positions, alone = packing.takes_positions(model), packing.isolated(model)
    before = bits.bits(model, documents, op.context)
    packed = sequences(op, bench, positions=positions)
    trainer = unprinted(loop(op, bench, model, packed, documents))
    trainer.train(resume_from_checkpoint=bench.checkpoint())
    model = models.save_trained(trainer, models.trained(trainer), tokenizer, bench.model, bench.stamp)
    sheets, facts = _read(packed, bench)
    return Run(
        before=before,
        after=bits.bits(model, documents, op.context),
        bytes=documents.bytes,
        curves=curves(trainer.state.log_history),
        sheets=(*sheets, _size(model, tokenizer, bench)),
        facts={**facts, "isolated": alone, "parameters": int(model.num_parameters()), "context": op.context},
        notes=() if alone else (NOT_ALONE,),
    )


NOT_ALONE = (
    "This model's attention crosses the borders of documents that are packed into one sequence: its architecture takes "
    "no positions, or does not keep documents apart by them. What is measured is not touched by that: there each "
    "document is read alone."
)


def begun(op: "Pretrain", bench: Bench, tokens: int) -> Any:
    """The model that the run begins with: the one it was given, or a new one, the same for the same seed."""
    set_seed(op.seed)
    if "model" in bench.inputs:
        model = models.load_causal(bench.inputs.model(), bench.machine)
        if tokens > model.get_input_embeddings().num_embeddings:
            model.resize_token_embeddings(tokens, mean_resizing=False)
        return model
    config = AutoConfig.from_pretrained(bench.rows / corpus.START, local_files_only=True)
    auto: Any = AutoModelForCausalLM
    return auto.from_config(config).to(bench.machine.torch_device())


def sequences(op: "Pretrain", bench: Bench, *, positions: bool) -> packing.Packed:
    """The sequences of a run, as `prepare` ordered them."""
    record = corpus.index(bench.rows)
    names = [name for name in record["shards"] if name != corpus.HELD_OUT_NAME]
    shards = tuple(corpus.mapped(bench.rows, name) for name in names)
    order = np.load(bench.rows / corpus.ORDER, mmap_mode="r")
    return packing.Packed(shards, order, op.context, int(record["end"]), positions)


def loop(op: "Pretrain", bench: Bench, model: Any, packed: packing.Packed, documents: bits.Measured) -> Any:
    """transformers' trainer, ready to train: it takes the sequences one after the other."""
    steps = bench.preflight.steps
    arguments = TrainingArguments(
        **{
            **bench.arguments(op.schedule, op.seed),
            "num_train_epochs": 1,  # the order is the whole run
            "max_steps": -1,
            "adam_beta2": BETA2,
            "train_sampling_strategy": "sequential",
            "remove_unused_columns": False,
            "ddp_find_unused_parameters": False,
            "use_cache": False,  # with a cache, transformers would not derive the mask from the positions
        }
    )
    few = documents.thinned(max(1, op.measure_tokens // 20))
    watch = Watch(few, op.context, max(1, steps // op.points) if op.points else 0, op.schedule.batch_size * op.context)
    return Trainer(model=model, args=arguments, train_dataset=packed, callbacks=[watch])


class Watch(TrainerCallback):
    """Puts bits per byte of a few held-out documents, and tokens per second, among what the trainer logs."""

    def __init__(self, documents: bits.Measured, context: int, every: int, tokens: int) -> None:
        self.documents, self.context, self.every, self.tokens = documents, context, every, tokens
        self.since: tuple[int, float] | None = None  # step and time of the last log of this process

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        if self.every and not state.global_step:
            self._measure(state, model)
        self.since = state.global_step, time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        if self.every and state.global_step % self.every == 0:
            began = time.monotonic()
            self._measure(state, model)
            if self.since:  # measuring is not learning
                self.since = self.since[0], self.since[1] + time.monotonic() - began

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        if self.since and state.global_step > self.since[0]:
            speed = (state.global_step - self.since[0]) * self.tokens / (time.monotonic() - self.since[1])
            state.log_history[-1]["tokens_per_second"] = speed
            self.since = state.global_step, time.monotonic()

    def _measure(self, state: Any, model: Any) -> None:
        found = bits.bits(model, self.documents, self.context).sum() / self.documents.bytes.sum()
        state.log_history.append({"step": state.global_step, "bits_per_byte": float(found)})


def _read(packed: packing.Packed, bench: Bench) -> tuple[tuple[Sheet, ...], dict[str, Any]]:
    """What of each source was read, how often."""
    record = corpus.index(bench.rows)
    counts = [shard.sequences(packed.context) for shard in packed.shards]
    seen, _ = np.histogram(packed.order, bins=np.cumsum([0, *counts]))
    sources = [
        {
            "source": shard.source or "all",
            "tokens": len(shard.tokens),
            "tokens_read": int(read) * packed.context,
            "share": float(read) / len(packed),
            "epochs": float(read) / count,
        }
        for shard, count, read in zip(packed.shards, counts, seen, strict=True)
    ]
    rows = tuple(
        (
            str(one["source"]),
            f"{one['tokens']:,}",
            f"{one['tokens_read']:,}",
            f"{one['share']:.1%}",
            f"{one['epochs']:.2f}",
        )
        for one in sources
    )
    header = ("source", "tokens there", "tokens read", "share of what was read", "epochs")
    sheet = Sheet(
        title="What was read", header=header, rows=rows, note="Tokens read include the last sequence's padding."
    )
    return (sheet,), {"sources": sources, "tokens_by_source": record["tokens_by_source"]}


def _size(model: Any, tokenizer: Any, bench: Bench) -> Sheet:
    kept = corpus.index(bench.rows)["shards"][corpus.HELD_OUT_NAME]
    per_token = kept["bytes"] / max(1, kept["tokens"] - 2 * kept["documents"])
    return Sheet(
        title="Model and tokenizer",
        header=("what", "how much"),
        rows=(
            ("parameters", f"{int(model.num_parameters()):,}"),
            ("vocabulary", f"{len(tokenizer):,}"),
            ("bytes per token, held-out documents", f"{per_token:.2f}"),
        ),
    )
