"""Questions and answers from documents, each with the words that support it, and these words checked to be there."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, NamedTuple

from dataset_cards.versions.job import Job

from .drive import Script
from .generator import Left, Made, Row, Unreadable, generate, notes, row_id
from .listed import listed
from .llm.llm import Reply, Request, Sampling
from .material import check_columns, mark
from .novelty import words
from .outcome import outcomes
from .passage import Span, quoted, unknown_name, unknown_number, windows
from .prompt import Prompt, shown
from .tags import part, parts

LEAST = 200  # characters of a window; less is a headline
NONE = "none"  # what is answered to a question that the passage does not answer


class Found(NamedTuple):
    """A pair with its support, whose span is in the document."""

    window: Span
    span: Span
    question: str
    answer: str


@dataclass(frozen=True, kw_only=True)
class Ground:
    """Roundtrip consistency: Alberti et al. 2019, "Synthetic QA Corpora Generation with Roundtrip Consistency", arXiv
    1906.05416. There three models take turns; here one model writes pairs with a quotation, code checks the quotation,
    and with `roundtrip` the model answers the question again without its first answer.

    Works on documents. What is checked of an answer without asking anybody is cheap and partial: its quotation stands
    in the passage, its numbers and names stand in the passage or the question. An answer of plain words that says the
    opposite of the passage passes; `roundtrip` is against that.

    Attributes:
        questions: asked for of each window; the model may give fewer, and more are left out (`too-many`).
        characters: of a window; it ends where a paragraph does, if it can.
        max_windows: of a document, spread evenly over it; 0 takes all.
        names: whether words with capitals inside a sentence have to be known. For languages that write all nouns so,
            turn it off.
        context: `none` asks the question alone, as to a model that should know; `passage` puts the window in front, as
            a system message, as to a model that should read.
        roundtrip: keeps a pair if the second answer shares words with the first: F1 of words at least `agree`, as
            SQuAD counts them (Rajpurkar et al. 2016, arXiv 1606.05250). The paper wants the same span.
        license, source: for the card.
    """

    revision: ClassVar[int] = 1
    name: ClassVar[str] = "ground"

    sampling: Sampling
    ask: Prompt
    answer: Prompt
    shows: Prompt
    questions: int = 3
    characters: int = 6000
    max_windows: int = 4
    names: bool = True
    context: Literal["none", "passage"] = "none"
    roundtrip: bool = False
    agree: float = 0.5
    give: Literal["conversations", "prompts"] = "conversations"
    max_unreadable: float = 0.05
    license: str = "unknown"
    source: str | None = None

    def __post_init__(self) -> None:
        if self.questions < 1 or self.max_windows < 0 or self.characters < 2 * LEAST:
            raise ValueError(f"questions are at least 1, max_windows at least 0, characters at least {2 * LEAST}")
        if not 0 < self.agree <= 1:
            raise ValueError(f"agree={self.agree:g}: above 0, at most 1")

    @property
    def kind(self) -> str:
        return self.give

    def run(self, job: Job) -> dict[str, Any]:
        """Facts for the card; `ground` says how many documents gave how many pairs."""
        source = job.inputs[0]
        check_columns(source, self.name, "documents", "text")
        prompts = {"ask": self.ask, **({"answer": self.answer} if self.roundtrip else {})}
        prompts |= {"context": self.shows} if self.context == "passage" else {}
        facts = generate(job, self, source, license=self.license, prompts=shown(prompts))
        pairs = Counter(told["document"] for told in outcomes(job))
        grounded = {"documents": source.rows, "answered": len(pairs), "pairs": pairs.total()}
        return {**facts, "source": self.source, "ground": {**grounded, "roundtrip": self.roundtrip}}

    def write(self, row: Row) -> Script[Sequence[Made]]:
        """What became of each pair, window by window, in the order of the answers."""
        text = row["text"]
        cut = [one for one in windows(text, self.characters) if len(text[slice(*one)].strip()) >= LEAST]
        if not cut:
            return [Left(reason="too-short", said=text)]
        if self.max_windows and len(cut) > self.max_windows:
            cut = [cut[n * len(cut) // self.max_windows] for n in range(self.max_windows)]
        replies = yield [self.question(text[slice(*one)]) for one in cut]
        made: list[Made | Found] = []
        asked: set[tuple[str, ...]] = set()
        for window, reply in zip(cut, replies, strict=True):
            made += self._read(text, window, reply, asked)
        found = [one for one in made if isinstance(one, Found)]
        again: dict[Found, Made | None] = {}
        if self.roundtrip and found:
            replies = yield [self.retry(text[slice(*one.window)], one.question) for one in found]
            again = {one: self._differs(one, reply) for one, reply in zip(found, replies, strict=True)}
        return [
            (again.get(one) or self._made(row, text, number, one)) if isinstance(one, Found) else one
            for number, one in enumerate(made)
        ]

    def question(self, passage: str) -> Request:
        """The question for pairs."""
        gaps = {"mark": mark(passage), "passage": passage, "count": str(self.questions)}
        return Request(messages=self.ask.fill(gaps), sampling=self.sampling)

    def retry(self, passage: str, question: str) -> Request:
        """The question for an answer, without the one there is. It is drawn at temperature 0."""
        gaps = {"mark": mark(passage, question), "passage": passage, "question": question}
        return Request(messages=self.answer.fill(gaps), sampling=replace(self.sampling, temperature=0.0))

    def _read(self, text: str, window: Span, reply: Reply, asked: set[tuple[str, ...]]) -> list[Made | Found]:
        items = listed(reply, "item")
        if isinstance(items, Unreadable):
            return [items]
        made: list[Made | Found] = []
        for number, item in enumerate(items):
            if number >= self.questions:
                made.append(Left(reason="too-many", said=item))
                continue
            read = parts(Reply(text=item, finish="stop", prompt_tokens=0, completion_tokens=0), *_PARTS)
            made.append(read if isinstance(read, Unreadable) else self._checked(text, window, read, asked))
        return made

    def _checked(self, text: str, window: Span, read: tuple[str, ...], asked: set[tuple[str, ...]]) -> Left | Found:
        question, answer, quote = read
        said = json.dumps({"question": question, "answer": answer, "quote": quote}, ensure_ascii=False)
        passage = text[slice(*window)]
        key = tuple(words(question)) or (question,)
        if key in asked:
            return Left(reason="same-question", said=said)
        asked.add(key)
        if (span := quoted(passage, quote)) is None:
            return Left(reason="quote-not-found", said=said)
        known = f"{passage}\n{question}"
        if unknown_number(answer, known) is not None:
            return Left(reason="number-not-found", said=said)
        if self.names and unknown_name(answer, known) is not None:
            return Left(reason="name-not-found", said=said)
        return Found(window, Span(window.start + span.start, window.start + span.end), question, answer)

    def _differs(self, one: Found, reply: Reply) -> Made | None:
        """Why a pair does not come through the second asking; None where it does."""
        second = part(reply, "answer")
        if isinstance(second, Unreadable):
            return second
        said = json.dumps({"question": one.question, "answer": one.answer, "second": second}, ensure_ascii=False)
        if second.casefold().strip(" .") == NONE:
            return Left(reason="not-answerable", said=said)
        return None if agreement(one.answer, second) >= self.agree else Left(reason="answers-differ", said=said)

    def _made(self, row: Row, text: str, number: int, one: Found) -> Made:
        told = notes(
            self.name,
            self.sampling,
            self.ask.fingerprint,
            document=row["id"],
            window=list(one.window),
            span=list(one.span),
            quote=text[slice(*one.span)],
            **({"origin": self.sampling.model, "parents": [row["id"]]} if self.give == "prompts" else {}),
        )
        asked = [{"role": "user", "content": one.question}]
        if self.context == "passage":
            passage = text[slice(*one.window)]
            turns = self.shows.fill({"mark": mark(passage), "passage": passage})
            asked = [*({"role": turn.role, "content": turn.content} for turn in turns), *asked]
        name = row_id(self.name, [row["id"]], number, json.dumps([one.question, one.answer], ensure_ascii=False))
        common = {"id": name, "source": row.get("url") or row.get("source"), "metadata": told}
        if self.give == "prompts":
            return {**common, "prompt": asked}
        talk = [*asked, {"role": "assistant", "content": one.answer}]
        return {**common, "messages": talk, "origin": self.sampling.model, "parents": [row["id"]]}


_PARTS = ("question", "answer", "quote")


def agreement(one: str, other: str) -> float:
    """F1 of the words that two answers share, counted as often as they stand there; of short answers, the better of
    this and the share of the shorter one that the longer one holds, since a second answer may be a whole sentence.
    """
    first, second = Counter(words(one)), Counter(words(other))
    if not first or not second:
        return float(one.strip() == other.strip())
    shared = (first & second).total()
    f1 = 2 * shared / (first.total() + second.total())
    shorter = min(first.total(), second.total())
    return max(f1, shared / shorter) if shorter <= 5 else f1
