"""What a generator says to a language model and what comes back, whichever model it is."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, Protocol, runtime_checkable

import orjson

# What `extra` may not set: fields that a request has of its own, and forms of answers that nobody here reads.
_OURS = ("model", "messages", "stop", "seed", "response_format", "logprobs", "top_logprobs", "n", "best_of", "stream")
_DRAWN = ("temperature", "top_p", "max_tokens")  # may be left out, with null, and not be set
_LIMIT = "max_completion_tokens"  # what newer models of OpenAI call max_tokens


class Message(NamedTuple):
    """One turn: `role` is system, user, assistant or tool."""

    role: str
    content: str


class Choice(NamedTuple):
    """A token that could have stood here; its log-probability is a natural logarithm, `id` is None over HTTP."""

    text: str
    logprob: float
    id: int | None = None


class Token(NamedTuple):
    """A token of an answer, and the likeliest tokens at its place, likeliest first."""

    text: str
    logprob: float
    top: tuple[Choice, ...]
    id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """Which model answers and how it draws. Part of a step's identity; where the model runs is not.

    `revision` names the weights where the model's name does not; it is not sent. `extra` is a JSON object of fields
    that only some servers know, such as `{"top_k": 20}`, put into the request beside the others. Where it says null,
    the field is left out: `{"max_tokens": null, "max_completion_tokens": 1024}`.

    Raises:
        ValueError: no model, a number out of its range, or an `extra` that is no object or sets what is set elsewhere.
    """

    model: str
    revision: str | None = None
    temperature: float = 1.0
    top_p: float = 1.0
    max_tokens: int = 1024
    stop: tuple[str, ...] = ()
    seed: int | None = None
    extra: str | None = None

    def __post_init__(self) -> None:
        if not self.model.strip():
            raise ValueError("model: which one? it has no name")
        if self.max_tokens < 1:
            raise ValueError(f"max_tokens={self.max_tokens}: at least one")
        if not (self.temperature >= 0 and 0 < self.top_p <= 1):
            raise ValueError(f"temperature={self.temperature}, top_p={self.top_p}: at least 0, and above 0 up to 1")
        try:
            more = orjson.loads(self.extra or "{}")
        except ValueError as error:
            raise ValueError(f"extra={self.extra}: this is no JSON ({error})") from error
        if not isinstance(more, dict):
            raise ValueError(f'extra={self.extra}: write a JSON object, such as {{"top_k": 20}}')
        if taken := sorted(
            name for name, value in more.items() if name in _OURS or (name in _DRAWN and value is not None)
        ):
            raise ValueError(f"extra={self.extra}: {', '.join(taken)} is not for extra to set")
        most = more.get(_LIMIT, 1)
        if not isinstance(most, int) or not 1 <= most <= self.max_tokens:  # budgets rest on max_tokens
            raise ValueError(f"extra={self.extra}: {_LIMIT} must be from 1 to max_tokens={self.max_tokens}")


@dataclass(frozen=True, kw_only=True)
class Request:
    """One question. `schema` is a JSON schema as JSON text; `logprobs` asks for that many choices per token.

    `nth` tells several samples of one question apart: each has its own cache entry and, where there is a seed, its own.
    """

    messages: tuple[Message, ...]
    sampling: Sampling
    schema: str | None = None
    logprobs: int = 0
    nth: int = 0

    @cached_property
    def body(self) -> bytes:
        """The request as it is sent, byte for byte.

        Raises:
            ValueError: `schema` is no JSON, or a text holds half a surrogate pair.
        """
        sampling = self.sampling
        fields: dict[str, Any] = {
            "model": sampling.model,
            "messages": [{"role": message.role, "content": message.content} for message in self.messages],
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": sampling.max_tokens,
        }
        if sampling.stop:
            fields["stop"] = sampling.stop
        if sampling.seed is not None:
            fields["seed"] = self.seed
        if self.schema is not None:
            form = {"name": "answer", "schema": orjson.loads(self.schema), "strict": True}
            fields["response_format"] = {"type": "json_schema", "json_schema": form}
        if self.logprobs:
            fields |= {"logprobs": True, "top_logprobs": self.logprobs}
        if sampling.extra is not None:
            fields |= orjson.loads(sampling.extra)
            fields = {name: value for name, value in fields.items() if value is not None}
        try:
            return orjson.dumps(fields)
        except TypeError as error:  # orjson's word for what UTF-8 cannot hold
            raise ValueError(f"the request cannot be sent as JSON: {error}") from error

    @property
    def seed(self) -> int | None:
        """The seed of this sample: the given one for the first, a hash of it for every other."""
        if self.sampling.seed is None or self.nth == 0:
            return self.sampling.seed
        digest = hashlib.sha256(f"{self.sampling.seed} {self.nth}".encode()).digest()
        return int.from_bytes(digest[:4]) >> 1

    @cached_property
    def key(self) -> str:
        """Names the answer to this request: a hash of what is sent, of the weights' revision, and of `nth`."""
        tail = orjson.dumps([self.sampling.revision, self.nth])
        return hashlib.sha256(self.body + b"\n" + tail).hexdigest()

    def without_schema(self) -> "Request":
        """The same question for a server that has no structured output."""
        return replace(self, schema=None)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer. `finish` is "stop", "length" (cut at max_tokens), "refusal", or the server's own word.

    `text` may be empty: what to make of that is for who asked. `reasoning` is what a server keeps apart from the text.
    `cached` says that nothing was paid for it now.
    """

    text: str
    finish: str
    prompt_tokens: int
    completion_tokens: int
    logprobs: tuple[Token, ...] | None = None
    reasoning: str | None = None
    cached: bool = False


@dataclass(frozen=True, kw_only=True)
class Failed:
    """No answer, after `tries` tries. Never cached: the next run asks again.

    `reason` is the last try's: server-error, timeout, unreachable, dropped, cut-off, unreadable, rejected (the server
    will not take this request), unsendable (it is no JSON), expired (in a batch).
    """

    reason: str
    detail: str
    tries: int


@runtime_checkable
class LLM(Protocol):
    """A model that a run was given: `job.tool(LLM)`."""

    @property
    def taint(self) -> str | None:
        """Why what it says may only become a draft; None for a real model."""
        ...

    def ask(self, requests: Iterable[Request | None]) -> Iterator[tuple[Request, Reply | Failed]]:
        """Each request once with what became of it, as they finish and in any order.

        `requests` is read in the caller's thread and only a bounded number ahead of what is yielded, so it may be
        endless. Where the next request depends on answers that are not yielded yet, it gives None: then it is read
        again after the next answer.

        Raises:
            Refused: stopped on purpose: budget spent, server down, key refused. What was answered is kept.
            Waiting: the provider needs more time; run again later.
        """
        ...
