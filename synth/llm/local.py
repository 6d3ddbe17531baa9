"""A transformers model in this process, on CPU or GPU: prompts of like length go through it together."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.tokenizer import tokenizer_digest

from .budget import Spent
from .cache import answer
from .courier import Books, stopped
from .decode import Row, decode
from .llm import Choice, Failed, Reply, Request, Token

AHEAD = 16  # batches that are looked at together, so that prompts of like length find each other


class Local:
    """A model and its tokenizer from a folder or the hub.

    `batch_tokens` bounds prompts times width plus what may be drawn, per batch. Sampling without a seed draws by the
    request itself, so a run repeats itself exactly on the same machine. `schema` is not held to: answers are free text.
    Requests must name this model: by `name`, so that a folder of this machine stays out of a step's identity, or as it
    was loaded; and by the same `revision`.

    Raises:
        Misuse: torch or transformers is missing, the model cannot be loaded, or it has no chat template.
    """

    taint = None

    def __init__(
        self,
        model: str,
        *,
        books: Books,
        name: str | None = None,
        revision: str | None = None,
        device: str | None = None,
        dtype: str = "auto",
        batch_tokens: int = 16_384,
        most_rows: int = 64,
    ) -> None:
        try:
            import torch
            from transformers import AutoModelForCausalLM, AutoTokenizer
        except ImportError as error:
            raise Misuse(f"a local model needs {error.name}: pip install 'gristmill[train]'") from error
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(model, revision=revision)
            loaded: Any = AutoModelForCausalLM.from_pretrained(model, revision=revision, dtype=dtype)
        except (OSError, ValueError) as error:
            raise Misuse(f"the model {model} cannot be loaded: {str(error).splitlines()[0]}") from error
        if not self._tokenizer.chat_template:
            raise Misuse(f"the tokenizer of {model} has no chat template, so messages cannot be put to it")
        place = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self._model = loaded.to(place).eval()
        self.name, self.revision, self.books = name or model, revision, books
        self._batch_tokens, self._most_rows = batch_tokens, most_rows
        given = self._model.generation_config.eos_token_id
        ends = given if isinstance(given, list) else [given]
        self._ends = frozenset(end for end in (*ends, self._tokenizer.eos_token_id) if end is not None)
        self._pad = next(
            (token for token in (self._tokenizer.pad_token_id, self._tokenizer.eos_token_id) if token is not None), 0
        )
        self._room = int(getattr(self._model.config, "max_position_embeddings", None) or 1 << 30)

    def tokenizer(self) -> str:
        """`sha256:` and 32 hex digits over what the tokenizer does, as teacher rows name it.

        Raises:
            Misuse: it does not say what it does.
        """
        try:
            return tokenizer_digest(self._tokenizer.backend_tokenizer.to_str())
        except AttributeError as error:
            raise Misuse(f"the tokenizer of {self.name} is a slow one and does not say what it does") from error

    def __repr__(self) -> str:
        return f"Local({self.name})"

    def ask(self, requests: Iterable[Request | None]) -> Iterator[tuple[Request, Reply | Failed]]:
        """As LLM.ask: reads as many requests as fill some batches, then answers those, shortest first."""
        try:
            gathered: list[Request] = []
            for request in requests:
                if request is not None:
                    tally = self.books.ledger.of(request.sampling.model)
                    tally.requests += 1
                    known = self.books.cache.get(request.key) if self.books.cache is not None else None
                    if known is not None:
                        tally.cached += 1
                        yield request, known
                        continue
                    gathered.append(request)
                elif not gathered:
                    raise RuntimeError("the requests wait for an answer, but no request is under way")
                if request is None or len(gathered) >= AHEAD * self._most_rows:
                    yield from self._answered(gathered)
                    gathered = []
            yield from self._answered(gathered)
        finally:
            if self.books.cache is not None:
                self.books.cache.keep((), self.books.ledger.run, self.books.ledger.counts())

    def _answered(self, requests: list[Request]) -> Iterator[tuple[Request, Reply | Failed]]:
        rows: list[tuple[Request, Row]] = []
        twins: dict[str, list[Request]] = {}
        for request in requests:
            twins.setdefault(request.key, []).append(request)
            if len(twins[request.key]) > 1:
                continue
            row = self._row(request)
            if isinstance(row, Failed):
                for twin in twins.pop(request.key):
                    self.books.ledger.of(twin.sampling.model).failed[row.reason] += 1
                    yield twin, row
                continue
            rows.append((request, row))
        rows.sort(key=lambda pair: len(pair[1].prompt) + pair[1].most)
        for batch in self._batches(rows):
            if self.books.purse.spent + sum(self._worst(*pair) for pair in batch) > self.books.purse.limit:
                self._stop()
            began = time.monotonic()
            decode(self._model, self._tokenizer, [row for _, row in batch], self._ends, self._pad)
            yield from self._kept(batch, twins, (time.monotonic() - began) / len(batch))

    def _row(self, request: Request) -> Row | Failed:
        sampling = request.sampling
        if (sampling.model, sampling.revision) != (self.name, self.revision):
            asked = f"{sampling.model} (revision {sampling.revision})"
            raise Misuse(f"the step asks {asked}, but {self.name} (revision {self.revision}) was loaded")
        messages = [{"role": message.role, "content": message.content} for message in request.messages]
        try:
            text = self._tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        except Exception as error:  # templates refuse roles and orders of roles with errors of their own
            return Failed(reason="rejected", detail=f"chat template: {error}", tries=1)
        prompt = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        if len(prompt) + sampling.max_tokens > self._room:
            said = f"{len(prompt)} tokens and max_tokens={sampling.max_tokens} exceed the model's {self._room}"
            return Failed(reason="rejected", detail=said, tries=1)
        seed = request.seed if request.seed is not None else int(request.key[:12], 16)
        return Row(
            prompt=prompt,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            most=sampling.max_tokens,
            seed=seed,
            stop=sampling.stop,
            choices=request.logprobs,
        )

    def _batches(self, rows: list[tuple[Request, Row]]) -> Iterator[list[tuple[Request, Row]]]:
        batch: list[tuple[Request, Row]] = []
        for pair in rows:
            width = len(pair[1].prompt) + pair[1].most
            if batch and (len(batch) >= self._most_rows or (len(batch) + 1) * width > self._batch_tokens):
                yield batch
                batch = []
            batch.append(pair)
        if batch:
            yield batch

    def _kept(
        self, batch: list[tuple[Request, Row]], twins: dict[str, list[Request]], seconds: float
    ) -> Iterator[tuple[Request, Reply]]:
        replies = [(request, self._reply(row)) for request, row in batch]
        for request, reply in replies:
            tally = self.books.ledger.of(request.sampling.model)
            tally.tries += 1
            self.books.ledger.answered(request.sampling.model, reply, seconds)
            self.books.purse.pay(request.sampling.model, reply)
        if self.books.cache is not None:
            kept = (answer(request, reply) for request, reply in replies)
            self.books.cache.keep(kept, self.books.ledger.run, self.books.ledger.counts())
        for request, reply in replies:
            first, *others = twins[request.key]
            yield first, reply
            for twin in others:
                self.books.ledger.of(twin.sampling.model).cached += 1
                yield twin, Reply(**{**reply.__dict__, "cached": True})

    def _worst(self, request: Request, row: Row) -> float:
        return self.books.purse.price(request.sampling.model, len(row.prompt), row.most)

    def _stop(self) -> None:
        counts = self.books.ledger.counts()
        raise stopped(Spent(), counts, self.books.purse, self.books.cache is not None)

    def _reply(self, row: Row) -> Reply:
        text = self._tokenizer.decode(row.tokens, skip_special_tokens=True)
        ends = [at for stop in row.stop if (at := text.find(stop)) >= 0]
        return Reply(
            text=text[: min(ends)] if ends else text,
            finish=row.finish,
            prompt_tokens=len(row.prompt),
            completion_tokens=len(row.tokens),
            logprobs=self._tokens(row) if row.choices else None,
        )

    def _tokens(self, row: Row) -> tuple[Token, ...]:
        def text(token: int) -> str:
            return str(self._tokenizer.decode([token]))

        drawn = [(text(token), token) for token in row.tokens]
        if row.end is not None:
            drawn.append(("", row.end))  # it says nothing; a student has to learn it all the same
        return tuple(
            Token(said, value, tuple(Choice(text(n), v, n) for n, v in zip(ids, values, strict=True)), token)
            for (said, token), (value, ids, values) in zip(drawn, row.logprobs, strict=True)
        )
