"""What a teacher model answers: texts to learn from and, of a local model, its likeliest tokens at every place."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Job, Refused

from .drive import Script
from .generator import Left, Made, Row, Unreadable, generate, notes, row_id
from .llm.llm import LLM, Reply, Request, Sampling, Token
from .llm.local import Local
from .material import asks, check_columns, messages, opening
from .tags import whole

LOCAL = "use --llm local:MODEL, or -p give=conversations for the texts alone"
AS_GIVEN = "as-given"  # in place of a prompt's fingerprint: the row itself is what is asked


@dataclass(frozen=True, kw_only=True)
class Teach:
    """Sequence-level distillation (Kim and Rush 2016, "Sequence-Level Knowledge Distillation", arXiv 1606.07947) with
    `conversations`; with `teacher`, also the top-k distributions that word-level distillation needs (Hinton et al.
    2015, arXiv 1503.02531).

    A `teacher` row has one place more than its text has tokens: the last is the one that ends the answer, without which
    a student never learns to stop.

    Works on prompts, and on whatever comes before the last answer of a conversation; nothing is put around it.

    Attributes:
        n: answers to each prompt; those that say the same are kept once.
        thinking: `keep` leaves what a model thinks before it answers in the text, between `<think>` and `</think>`.
        top_k: likeliest tokens kept at each place; natural log-probabilities of the model itself, before temperature.
        license, source: for the card.
    """

    revision: ClassVar[int] = 2
    name: ClassVar[str] = "teach"

    sampling: Sampling
    give: Literal["conversations", "teacher"] = "conversations"
    n: int = 1
    thinking: Literal["drop", "keep"] = "drop"
    top_k: int = 20
    max_unreadable: float = 0.05
    license: str = "unknown"
    source: str | None = None

    def __post_init__(self) -> None:
        if self.n < 1 or self.top_k < 1:
            raise ValueError(f"n={self.n}, top_k={self.top_k}: at least one")
        if self.n > 1 and self.sampling.temperature == 0:
            raise ValueError(f"temperature=0 draws the same answer {self.n} times; give one above 0")
        if self.give == "teacher" and self.sampling.stop:
            raise ValueError("give=teacher takes no stop texts: they would cut the text and not the tokens")

    @property
    def kind(self) -> str:
        return self.give

    def run(self, job: Job) -> dict[str, Any]:
        """Facts for the card.

        Raises:
            Misuse: `teacher` rows are wanted of a model that is not in this process.
        """
        source = job.inputs[0]
        check_columns(source, self.name, "prompts and conversations", "prompt", "messages")
        said = {"license": self.license, "source": self.source}
        if self.give == "conversations":
            return {**generate(job, self, source), **said}
        llm = job.tool(LLM)
        if not isinstance(llm, Local):
            raise Misuse(
                f"give=teacher needs ids and log-probabilities of tokens, and this model gives no ids; {LOCAL}"
            )
        tokenizer = llm.tokenizer()
        facts = generate(job, _Teacher(teach=self, tokenizer=tokenizer), source)
        return {**facts, **said, "teacher": {"model": self.sampling.model, "top_k": self.top_k, "tokenizer": tokenizer}}

    def write(self, row: Row) -> Script[Sequence[Made]]:
        """Conversations, one per answer."""
        asked, _ = opening(row)
        if not asks(asked):
            return [Left(reason="no-prompt", said="")]
        replies = yield self.requests(asked)
        made: list[Made] = []
        seen: set[str] = set()
        for number, reply in enumerate(replies):
            text = whole(reply) if self.thinking == "drop" else _thoughts(reply)
            if isinstance(text, Unreadable):
                made.append(text)
            elif text in seen:
                made.append(Left(reason="same-answer", said=text))
            else:
                seen.add(text)
                turns = [*asked, {"role": "assistant", "content": text}]
                made.append({**self.common(row, number, text), "messages": turns, **self._whence(row)})
        return made

    def requests(self, asked: Sequence[dict[str, str]], logprobs: int = 0) -> list[Request]:
        """What a row asks, n times."""
        first = Request(messages=messages(asked), sampling=self.sampling, logprobs=logprobs)
        return [replace(first, nth=number) for number in range(self.n)]

    def common(self, row: Row, number: int, text: str, **more: Any) -> dict[str, Any]:
        """Id and metadata of a made row."""
        told = notes(self.name, self.sampling, AS_GIVEN, record=row["id"], **more)
        return {"id": row_id(self.name, [row["id"]], number, text), "metadata": told}

    def _whence(self, row: Row) -> dict[str, Any]:
        return {"source": row.get("source"), "origin": self.sampling.model, "parents": [row["id"]]}


@dataclass(frozen=True, kw_only=True)
class _Teacher:
    """The half of Teach that keeps tokens."""

    revision: ClassVar[int] = Teach.revision
    name: ClassVar[str] = Teach.name
    kind: ClassVar[str] = "teacher"

    teach: Teach
    tokenizer: str

    @property
    def max_unreadable(self) -> float:
        return self.teach.max_unreadable

    def write(self, row: Row) -> Script[Sequence[Made]]:
        """Teacher rows, one per answer; `tokens` in the metadata are the ids that were drawn, the end too.

        Raises:
            Refused: the model gives no ids of tokens.
        """
        asked, _ = opening(row)
        if not asks(asked):
            return [Left(reason="no-prompt", said="")]
        replies = yield self.teach.requests(asked, self.teach.top_k)
        made: list[Made] = []
        seen: set[str] = set()
        for number, reply in enumerate(replies):
            tokens = _tokens(reply)
            if isinstance(read := whole(reply), Unreadable):
                made.append(read)
            elif reply.text in seen:
                made.append(Left(reason="same-answer", said=reply.text))
            else:
                seen.add(reply.text)
                made.append(self._made(row, asked, number, reply.text, tokens))
        return made

    def _made(self, row: Row, asked: list[dict[str, str]], number: int, text: str, tokens: Sequence[Token]) -> Made:
        drawn = [token.id for token in tokens]
        # A float may round a certainty to a little above it.
        kept = [[one for one in token.top if one.logprob > float("-inf")] for token in tokens]
        return {
            **self.teach.common(row, number, text, tokens=drawn),
            "prompt": asked,
            "completion": [{"role": "assistant", "content": text}],
            "topk_ids": [[one.id for one in top] for top in kept],
            "topk_logprobs": [[min(one.logprob, 0.0) for one in top] for top in kept],
            "tokenizer": self.tokenizer,
        }


def _tokens(reply: Reply) -> Sequence[Token]:
    """The tokens of a reply, with their ids.

    Raises:
        Refused: there are none.
    """
    tokens = reply.logprobs
    if tokens is None or any(token.id is None or any(one.id is None for one in token.top) for token in tokens):
        raise Refused(
            f"an answer came without the ids of its tokens, perhaps from the cache of a run over HTTP; {LOCAL}"
        )
    return tokens


def _thoughts(reply: Reply) -> str | Unreadable:
    """The whole answer with what was thought before it, also where a server keeps that apart."""
    if isinstance(read := whole(reply), Unreadable):
        return read
    text = reply.text.strip()
    return f"<think>\n{reply.reasoning.strip()}\n</think>\n\n{text}" if reply.reasoning else text
