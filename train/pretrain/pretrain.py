"""Pretraining: foretell the next token of a corpus version, with a tokenizer that is trained on it or given."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Job
from dataset_cards.versions.schemas import SCHEMAS
from train.bench import Bench
from train.inputs import Inputs
from train.machine import Machine
from train.measure import measured
from train.memory import estimate
from train.models import load_tokenizer
from train.outcome import Outcome, Plot
from train.preflight import Preflight
from train.quiet import quiet
from train.schedule import Schedule
from train.trainer import need, train

from . import corpus, fates, packing, tokenizer


@dataclass(frozen=True, kw_only=True)
class Pretrain:
    """A language model that foretells each token of a document from those before it.

    Without a `model` to go on from, the model is a Llama (Touvron et al. 2023, arXiv 2302.13971) with tied embeddings
    and an MLP of 8/3 * hidden; without a `tokenizer` either, that is trained on the documents. AdamW has beta2 0.95
    (Brown et al. 2020, Language Models are Few-Shot Learners, arXiv 2005.14165, appendix B). A row of the schedule is
    a sequence of `context` tokens.

    Attributes:
        hidden, layers, heads: size of a new model.
        vocabulary: tokens of a new tokenizer, at most.
        tokenizer_bytes: of text that a new tokenizer is trained on, drawn evenly.
        context: tokens of a sequence; of a new model also the most it can read.
        mixture: the share of tokens that each source gets, such as `web=0.7`; sources that are not named are left
            out. Empty to read all documents as they are.
        tokens: that the run reads, padding included, in place of the schedule's epochs; 0 for epochs.
        measure_tokens: of held-out documents that bits per byte are measured on, evenly spaced, about.
        points: how often bits per byte are measured on the way, on a twentieth of that.
    """

    revision: ClassVar[int] = 1
    stage: ClassVar[str] = "pretrain"
    eats: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "data": ("documents",),
        "held_out": ("documents",),
        "against": tuple(kind for kind in SCHEMAS if kind != "judgements"),
        "tokenizer": ("model",),
        "model": ("model",),
    }

    roles: tuple[str, ...] = ()
    schedule: Schedule
    seed: int = 0
    held_out: float = 0.02
    repair: bool = False
    must_improve: bool = True
    hidden: int = 128
    layers: int = 4
    heads: int = 4
    vocabulary: int = 4096
    tokenizer_bytes: int = 100_000_000
    context: int = 256
    mixture: tuple[str, ...] = ()
    tokens: int = 0
    measure_tokens: int = 100_000
    points: int = 10

    def __post_init__(self) -> None:
        packing.weights(self.mixture)
        if self.context < 2 or self.tokens < 0 or self.measure_tokens < 1 or self.points < 0:
            raise ValueError("context is at least 2, measure_tokens at least 1, tokens and points at least 0")
        if not 0 <= self.held_out < 1:
            raise ValueError(f"held_out={self.held_out}: a share from 0 to below 1")
        if min(self.hidden, self.layers, self.heads) < 1 or self.hidden % (2 * self.heads):
            raise ValueError(f"hidden={self.hidden}, heads={self.heads}: hidden is a multiple of twice the heads")

    def prepare(self, inputs: Inputs, out: Path) -> Preflight:
        """Decide about every document, train or load the tokenizer, write tokens and the order they are read in.

        Raises:
            Misuse: the mixture names a source without documents, a tokenizer is given beside a model, or the context
                is longer than the model can read.
        """
        need("transformers")
        out.mkdir(parents=True, exist_ok=True)
        shares = packing.weights(self.mixture)
        sources = tuple(shares)
        looked = fates.look(inputs, sources, self.held_out, self.repair)
        dropped, findings = fates.left_out(inputs, looked, out, self.repair)
        words = self._tokenizer(inputs, looked)
        words.save_pretrained(out / corpus.START)
        if "model" in inputs:
            self._fits(inputs.model())
            folder, parameters = inputs.model(), None
        else:
            folder, parameters = out / corpus.START, self._configured(words, out / corpus.START)
        record = corpus.write(inputs, looked, sources, tokenizer.plain(words), tokenizer.bounds(words), out)
        steps = self._ordered(record, shares, out)
        about = [one for name, one in record["shards"].items() if name != corpus.HELD_OUT_NAME]
        documents, tokens = (sum(one[key] for one in about) for key in ("documents", "tokens"))
        kept = record["shards"][corpus.HELD_OUT_NAME]["documents"]
        machine = next((tool for tool in inputs.tools if isinstance(tool, Machine)), None)
        rows = machine.micro(self.schedule)[0] if machine else self.schedule.batch_size
        return Preflight(
            read=documents + kept + sum(dropped.values()),
            train=documents,
            held_out=kept,
            dropped=dropped,
            tokens=tokens,
            learned=tokens - documents,
            longest=max(one["longest"] for one in about),
            steps=steps,
            memory=estimate(folder, rows * self.context, machine=machine, count=parameters),
            findings=findings,
        )

    def _tokenizer(self, inputs: Inputs, looked: fates.Looked) -> Any:
        if "model" in inputs and "tokenizer" in inputs:
            raise Misuse("-p tokenizer: a model that is gone on from has its own; give one of the two")
        for role in ("model", "tokenizer"):
            if role in inputs:
                return load_tokenizer(inputs.model(role))
        texts = fates.sample(inputs.table("data"), looked, self.tokenizer_bytes)
        return tokenizer.trained(texts, self.vocabulary, self.context)

    def _fits(self, folder: Path) -> None:
        from transformers import AutoConfig

        most = getattr(AutoConfig.from_pretrained(folder, local_files_only=True), "max_position_embeddings", None)
        if most is not None and self.context > most:
            raise Misuse(f"-p context={self.context}: the model reads at most {most} tokens")

    def _configured(self, words: Any, folder: Path) -> int:
        """Write the configuration of a new model; how many parameters it will have."""
        import torch
        from transformers import AutoModelForCausalLM, LlamaConfig

        start, end = tokenizer.bounds(words)
        config = LlamaConfig(
            vocab_size=len(words),
            hidden_size=self.hidden,
            intermediate_size=16 * math.ceil(self.hidden * 8 / 3 / 16),
            num_hidden_layers=self.layers,
            num_attention_heads=self.heads,
            num_key_value_heads=self.heads,
            max_position_embeddings=self.context,
            bos_token_id=start,
            eos_token_id=end,
            pad_token_id=words.pad_token_id,
            tie_word_embeddings=True,
        )
        config.save_pretrained(folder)
        auto: Any = AutoModelForCausalLM
        with torch.device("meta"):
            return int(auto.from_config(config).num_parameters())

    def _ordered(self, record: Mapping[str, Any], shares: Mapping[str, float], out: Path) -> int:
        """Write the order of the run's sequences; the steps that it takes."""
        names = [name for name in record["shards"] if name != corpus.HELD_OUT_NAME]
        counts = [corpus.mapped(out, name).sequences(self.context) for name in names]
        batch, schedule = self.schedule.batch_size, self.schedule
        if schedule.max_steps:
            total = schedule.max_steps * batch
        else:
            total = math.ceil(self.tokens / self.context) if self.tokens else math.ceil(schedule.epochs * sum(counts))
        wanted = packing.quotas(total, list(shares.values()) or [1.0])
        empty = [record["shards"][name]["source"] for name, count in zip(names, counts, strict=True) if not count]
        if empty and shares:
            raise Misuse(f"mixture: of the source {empty[0]!r} no document is left to learn from")
        np.save(out / corpus.ORDER, packing.order(counts, wanted if sum(counts) else [0] * len(counts), self.seed))
        return math.ceil(total / batch)

    def fit(self, bench: Bench) -> Outcome:
        """Learn the sequences in their order; bits per byte of held-out documents before and after."""
        from .loop import ran

        with quiet():
            run = ran(self, bench)
        how = (
            f"-log2 p of all tokens of a text, over its bytes in UTF-8; each of {len(run.bytes):,} held-out documents "
            f"alone, in windows of {self.context} tokens"
        )
        plots = (
            Plot(name="loss", title="Loss while learning, nats per token", lines=("loss",)),
            Plot(name="bits_per_byte", title="Bits per byte, some held-out documents", lines=("bits_per_byte",)),
            Plot(name="learning_rate", title="Learning rate", lines=("learning_rate",)),
            Plot(name="tokens_per_second", title="Tokens per second", lines=("tokens_per_second",)),
        )
        return Outcome(
            measures=(
                measured("bits per byte", "bits", "lower", run.before, run.after, how, run.bytes, seed=self.seed),
            ),
            curves=run.curves,
            plots=plots,
            sheets=run.sheets,
            facts=run.facts,
            notes=run.notes,
        )

    def run(self, job: Job) -> dict[str, Any]:
        return train(job, self)
