"""Supervised fine-tuning: a model learns to answer as the assistant does in conversations."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Job

from .bench import Bench, curves
from .chat import BadTemplate, closed, ends_learned, question, special_in_text, turns, with_template
from .encode import HELD_OUT, TRAIN, Encoded, Fault, Row, encode, encoded, encoded_rows
from .endings import ended
from .inputs import Inputs
from .lora import Lora, knows_its_turns, loading, merged, parameters, peft_config
from .machine import Machine
from .measure import Measure, measured
from .memory import estimate
from .models import load_causal, load_tokenizer, save_trained, trained
from .outcome import Outcome, Plot
from .preflight import Finding, Preflight
from .pretrain.packing import isolated
from .quiet import quiet, unprinted
from .schedule import Schedule
from .scoring import Floats, answer_logprobs
from .scoring import Row as Scored
from .trainer import train

IGNORED = -100  # a label that carries no loss
COLUMNS = pa.schema([("input_ids", pa.list_(pa.int32())), ("labels", pa.list_(pa.int32()))])
PACKED = "packed.arrow"
PLOTS = (
    Plot(name="loss", title="Response loss, nats per token", lines=("loss",)),
    Plot(name="accuracy", title="Share of response tokens that are the likeliest", lines=("mean_token_accuracy",)),
    Plot(name="entropy", title="Entropy of the next token, nats", lines=("entropy",)),
)


@dataclass(frozen=True, kw_only=True)
class SFT:
    """Next-token cross-entropy on what the assistant says, by TRL's SFTTrainer (as in Ouyang et al. 2022, Training
    language models to follow instructions with human feedback, arXiv 2203.02155, section 3.5).

    The loss of an optimiser step is the sum of -log p over all its assistant tokens, the ends of turns with them,
    divided by their number, however many rows and devices they are spread over.

    Attributes:
        max_length: of a conversation in tokens; what is longer loses its end.
        packing: put several conversations into one row of max_length (best fit, decreasing); none sees another.
            batch_size counts such rows then.
        lora: learn an adapter in place of the weights.
        held_out, repair, must_improve: as of every trainer. `repair` also teaches the end of a turn that the chat
            template leaves out of its generation markers.
    """

    revision: ClassVar[int] = 1
    stage: ClassVar[str] = "sft"
    eats: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "data": ("conversations",),
        "model": ("model",),
        "held_out": ("conversations",),
        "against": ("conversations", "prompts", "preferences", "rankings", "verifiable", "teacher"),
    }

    roles: tuple[str, ...] = ()
    schedule: Schedule = field(default_factory=Schedule)
    seed: int = 0
    held_out: float = 0.05
    repair: bool = False
    must_improve: bool = True
    max_length: int = 1024
    packing: bool = False
    lora: Lora = field(default_factory=Lora)

    def __post_init__(self) -> None:
        if self.max_length < 2:
            raise ValueError(f"max_length={self.max_length}: the first token is never learned, so at least 2")

    def run(self, job: Job) -> dict[str, Any]:
        return train(job, self)

    def prepare(self, inputs: Inputs, out: Path) -> Preflight:
        tokenizer = with_template(load_tokenizer(inputs.model()))
        mended = []

        def row(one: Row) -> Encoded | Fault:
            found = self.encoded(tokenizer, one)
            if isinstance(found, Fault) and found.check == "end-not-learned" and self.repair:
                found = self.encoded(tokenizer, one, mend=True)
                mended.append(str(one["id"]))
            return found

        report = encode(inputs, COLUMNS, row, question, out, held_out=self.held_out, repair=self.repair)
        if mended:
            note = Finding(
                check="end-not-learned",
                rows=len(mended),
                left_out=False,
                blocks=False,
                examples=tuple(mended[:3]),
                detail="it is learned here, for the repair that was asked for",
            )
            report = replace(report, findings=(*report.findings, note))
        rows = report.train
        if self.packing and rows:
            with quiet():
                rows = _packed(out, self.max_length)
        machine = next((one for one in inputs.tools if isinstance(one, Machine)), None)
        held = machine.micro(self.schedule)[0] if machine else self.schedule.batch_size
        longest = self.max_length if self.packing else report.longest
        learned = parameters(self.lora, inputs.model())
        memory = estimate(inputs.model(), held * longest, machine=machine, learned=learned)
        return replace(report, steps=self.schedule.steps(rows), memory=memory)

    def encoded(self, tokenizer: Any, row: Row, *, mend: bool = False) -> Encoded | Fault:
        """A conversation as token ids and labels, cut at max_length; `mend` teaches ends the template leaves out."""
        if found := special_in_text(tokenizer, row["messages"]):
            return Fault("special-tokens-in-text", found)
        try:
            ids, mask = turns(tokenizer, row["messages"])
        except BadTemplate as error:
            return Fault("template-error", str(error))
        mask = closed(tokenizer, ids, mask) if mend else mask
        if not ends_learned(tokenizer, ids, mask):
            return Fault("end-not-learned", f"the end is {tokenizer.eos_token!r}")
        kept = ids[: self.max_length]
        mask = [0, *mask[1 : self.max_length]]  # nothing stands before the first token that could predict it
        if not any(mask):
            return Fault("no-trainable-token")
        labels = [token if learned else IGNORED for token, learned in zip(kept, mask, strict=True)]
        return Encoded({"input_ids": kept, "labels": labels}, len(kept), sum(mask), len(ids) - len(kept))

    def fit(self, bench: Bench) -> Outcome:
        with quiet():
            return self._fit(bench)

    def _fit(self, bench: Bench) -> Outcome:
        tokenizer, model = self.started(bench)
        before, counts = answer_logprobs(model, _held_out(bench))
        stopped = ended(model, tokenizer, _held_out(bench))
        trainer = self.loop(model, tokenizer, bench)
        trainer.train(resume_from_checkpoint=bench.checkpoint())
        model = merged(trained(trainer), lambda: self.started(bench, full=True)[1])
        model = save_trained(trainer, model, tokenizer, bench.model, bench.stamp)
        after, _ = answer_logprobs(model, _held_out(bench))
        return Outcome(
            measures=_measures(before, after, counts, stopped, ended(model, tokenizer, _held_out(bench))),
            curves=curves(trainer.state.log_history),
            plots=PLOTS,
            notes=self._notes(),
        )

    def started(self, bench: Bench, *, full: bool = False) -> tuple[Any, Any]:
        """The tokenizer and the model that training begins with; `full` has all bits of a model to be quantised.

        Raises:
            Misuse: an adapter could not learn what this needs.
        """
        folder = bench.inputs.model()
        tokenizer = load_tokenizer(folder)
        known = len(tokenizer)
        model = load_causal(folder, bench.machine, **({} if full else loading(self.lora, bench.machine)))
        with_template(tokenizer, model)
        knows_its_turns(self.lora, tokenizer, known)
        return tokenizer, model

    def loop(self, model: Any, tokenizer: Any, bench: Bench) -> Any:
        """TRL's trainer, ready to train.

        Raises:
            Misuse: in this model, packed conversations would see each other.
        """
        from trl.trainer.sft_config import SFTConfig
        from trl.trainer.sft_trainer import SFTTrainer

        if self.packing and not isolated(model):
            raise Misuse(
                "packing=true: in this model, a conversation sees the one before it in a packed row; leave it out"
            )
        args = SFTConfig(
            **bench.arguments(self.schedule, self.seed),
            max_length=None,  # prepare cut and packed
            padding_free=self.packing,
        )
        rows = encoded(bench.rows / (PACKED if self.packing else TRAIN))
        return unprinted(
            SFTTrainer(
                model=model,
                args=args,
                train_dataset=rows if self.packing else rows.remove_columns(["id"]),
                processing_class=tokenizer,
                peft_config=peft_config(self.lora),
            )
        )

    def _notes(self) -> tuple[str, ...]:
        if not self.lora.rank:
            return ()
        bits = " on weights held in 4 bits" if self.lora.quantize == "4bit" else ""
        return (f"An adapter of rank {self.lora.rank} was trained{bits} and merged into the weights.",)


def _held_out(bench: Bench) -> Iterator[Scored]:
    for row in encoded_rows(bench.rows / HELD_OUT):
        yield row["input_ids"], [int(label != IGNORED) for label in row["labels"]]


def _packed(out: Path, max_length: int) -> int:
    """Pack the rows to learn from into rows of `max_length` tokens, with the lengths of what is in them; how many."""
    from trl.data_utils import pack_dataset

    rows = pack_dataset(encoded(out / TRAIN).remove_columns(["id"]), max_length, "bfd").with_format("arrow")
    with pa.OSFile(str(out / PACKED), "wb") as file:
        tables = rows.iter(1000)
        first = next(tables)
        with pa.ipc.new_stream(file, first.schema) as stream:
            stream.write_table(first)
            for table in tables:
                stream.write_table(table)
    return len(rows)


def _measures(
    before: Floats, after: Floats, counts: Floats, stopped: list[float], stops: list[float]
) -> tuple[Measure, ...]:
    how = "negative log-probability of the assistant's tokens and the ends of its turns, over their number"
    found = [measured("response loss", "nats per token", "lower", -before, -after, how, counts)]
    if stops:
        how = "greedy answers to held-out prompts that end by themselves; prompts whose own answer is short"
        found.append(measured("answers that end", "share of prompts", "higher", stopped, stops, how))
    return tuple(found)
