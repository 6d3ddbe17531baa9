"""Texts and prompts in other words, checked to mean the same."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from dataset_cards.versions.job import Job

from .drive import Script
from .generator import Left, Made, Row, Unreadable, generate, notes, row_id
from .kept import lost
from .likeness import likeness
from .llm.llm import Request, Sampling
from .material import asks, check_columns, mark, opening, transcript, written
from .prompt import Prompt, shown
from .tags import choice, part

STYLES = ("easy", "medium", "hard", "qa")
Style = Literal["easy", "medium", "hard", "qa"]
PROMPT: Literal["prompt"] = "prompt"
_BREAK = re.compile(r"\n[ \t]*\n|(?<=[.!?。！？])\s+")

Turn = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Rephrase:
    """WRAP: Maini et al. 2024, "Rephrasing the Web: A Recipe for Compute and Data-Efficient Language Modeling", arXiv
    2401.16380, section 3: documents in four styles, in pieces, as longer ones lose information. The
    wording of the prompts, and every check, is ours.

    Works on documents, and on prompts and conversations, where the last message of the person is put into other words
    and an answer stays. Left: `lost-number`, `new-number`, `lost-address`, `lost-code`, `lost-name` (`synth.kept`),
    `too-short`, `too-long` (against the original), `unchanged`, `same-as-another`, `not-the-same` (the model says so);
    without asking: `short-piece`, `no-prompt`.

    Attributes:
        of: the kind of rows; what comes out is of the same kind.
        styles: for documents; each piece is written in each.
        samples: of each style, and of each prompt.
        characters: a document is cut at paragraphs and sentences into pieces of at most so many, unless a sentence
            is longer; a piece below `min_characters` is not worth asking about.
        min_names: share of the names that are still there; easy words replace some.
        min_length, max_length: characters against the original's.
        max_likeness: share of pairs of words in common, above which it is the old text.
        ask_same: also ask the model whether it means the same.
    """

    revision: ClassVar[int] = 1
    name: ClassVar[str] = "rephrase"

    sampling: Sampling
    easy: Prompt
    medium: Prompt
    hard: Prompt
    qa: Prompt
    prompt: Prompt
    same: Prompt
    of: Literal["documents", "prompts", "conversations"] = "documents"
    styles: tuple[Style, ...] = ("medium",)
    samples: int = 1
    characters: int = 2000
    min_characters: int = 100
    min_names: float = 0.8
    min_length: float = 0.3
    max_length: float = 3.0
    max_likeness: float = 0.9
    ask_same: bool = True
    max_unreadable: float = 0.05
    license: str = "unknown"
    source: str | None = None

    def __post_init__(self) -> None:
        if not self.styles or not set(self.styles) <= set(STYLES):
            raise ValueError(f"styles={', '.join(self.styles)}: one or more of {', '.join(STYLES)}")
        if self.samples < 1:
            raise ValueError(f"samples={self.samples}: at least one")

    @property
    def kind(self) -> str:
        return self.of

    @property
    def used(self) -> dict[str, Prompt]:
        """The prompts that are asked with."""
        names: tuple[str, ...] = self.styles if self.of == "documents" else (PROMPT,)
        return {name: getattr(self, name) for name in (*names, *(("same",) if self.ask_same else ()))}

    def run(self, job: Job) -> dict[str, Any]:
        """Facts for the card."""
        source = job.inputs[0]
        column = {"documents": "text", "prompts": "prompt", "conversations": "messages"}[self.of]
        check_columns(source, f"{self.name} of {self.of}", self.of, column)
        said = {"license": self.license, "source": self.source, "prompts": shown(self.used)}
        return {**generate(job, self, source), **said}

    def write(self, row: Row) -> Script[Sequence[Made]]:
        """A result for each piece, style and sample, in this order."""
        if self.of != "documents":
            return (yield from self._prompt(row))
        cut = pieces(row["text"], self.characters)
        made: list[Made] = []
        for number, piece in enumerate(cut):
            if len(piece) < self.min_characters:
                made.append(Left(reason="short-piece", said=piece))
                continue
            asked = [(style, nth) for style in self.styles for nth in range(self.samples)]
            gaps = {"mark": mark(piece), "text": piece}
            messages = {style: self.used[style].fill(gaps) for style in self.styles}
            found = yield from self._reworded(
                [Request(messages=messages[style], sampling=self.sampling, nth=nth) for style, nth in asked], piece
            )
            for (style, nth), one in zip(asked, found, strict=True):
                place = {"piece": number, "pieces": len(cut)}
                made.append(self._document(row, style, nth, one, place) if isinstance(one, str) else one)
        return made

    def _prompt(self, row: Row) -> Script[Sequence[Made]]:
        asked, answer = opening(row)
        if not asks(asked):
            return [Left(reason="no-prompt", said=written(asked))]
        sign = mark(written(asked))
        messages = self.prompt.fill({"mark": sign, "conversation": transcript(asked, sign)})
        found = yield from self._reworded(
            [Request(messages=messages, sampling=self.sampling, nth=nth) for nth in range(self.samples)],
            asked[-1]["content"],
        )
        return [
            self._talk(row, asked, answer, nth, one) if isinstance(one, str) else one for nth, one in enumerate(found)
        ]

    def _reworded(self, requests: Sequence[Request], original: str) -> Script[list[str | Unreadable | Left]]:
        """What each request gives, where it passes every check."""
        replies = yield requests
        found: list[str | Unreadable | Left] = []
        for reply in replies:
            said = part(reply, "rewritten")
            reason = self.unfit(original, said, found) if isinstance(said, str) else None
            found.append(said if isinstance(said, Unreadable) or reason is None else Left(reason=reason, said=said))
        fit = [n for n, one in enumerate(found) if isinstance(one, str)]
        if self.ask_same and fit:
            replies = yield [self.compare(original, str(found[n])) for n in fit]
            for n, reply in zip(fit, replies, strict=True):
                verdict = choice(reply, "verdict", ("same", "different"))
                if isinstance(verdict, Unreadable):
                    found[n] = verdict
                elif verdict == "different":
                    found[n] = Left(reason="not-the-same", said=str(found[n]))
        return found

    def unfit(self, original: str, said: str, others: Sequence[object]) -> str | None:
        """Why a rewording is of no use, as far as can be told without asking."""
        if len(said) < self.min_length * len(original):
            return "too-short"
        if len(said) > self.max_length * len(original):
            return "too-long"
        if likeness(said, original) > self.max_likeness:
            return "unchanged"
        if any(isinstance(other, str) and likeness(said, other) > self.max_likeness for other in others):
            return "same-as-another"
        return lost(original, said, self.min_names)

    def compare(self, original: str, said: str) -> Request:
        """The question whether two texts say the same."""
        gaps = {"mark": mark(original, said), "original": original, "rewritten": said}
        return Request(messages=self.same.fill(gaps), sampling=self.sampling)

    def _document(self, row: Row, style: Style, nth: int, text: str, place: dict[str, int]) -> dict[str, Any]:
        told = notes(
            self.name,
            self.sampling,
            self.used[style].fingerprint,
            style=style,
            sample=nth,
            origin=self.sampling.model,
            parents=[row["id"]],
            **place,
        )
        kept = {name: row.get(name) for name in ("source", "url", "license", "created", "language")}
        name = row_id(self.name, [row["id"], style, str(place["piece"])], nth, text)
        return {"id": name, "text": text, **kept, "metadata": told}

    def _talk(self, row: Row, asked: Sequence[Turn], answer: str | None, nth: int, text: str) -> dict[str, Any]:
        more: dict[str, Any] = {} if self.of == "conversations" else {"parents": [row["id"]]}
        more |= {"origin": self.sampling.model} if self.of == "prompts" else {"prompt_origin": self.sampling.model}
        told = notes(self.name, self.sampling, self.prompt.fingerprint, sample=nth, **more)
        turns = [*asked[:-1], {"role": asked[-1]["role"], "content": text}]
        common = {"id": row_id(self.name, [row["id"]], nth, text), "source": row.get("source"), "metadata": told}
        if self.of == "prompts":
            return {**common, "prompt": turns}
        last = [] if answer is None else [{"role": "assistant", "content": answer}]
        return {**common, "messages": [*turns, *last], "origin": row.get("origin"), "parents": [row["id"]]}


def pieces(text: str, characters: int) -> list[str]:
    """A text cut at empty lines and behind sentences, into pieces of at most `characters` where its sentences allow."""
    cuts = [found.end() for found in _BREAK.finditer(text)]
    found, start, last = [], 0, 0
    for end in (*cuts, len(text)):
        if end - start > characters and last > start:
            found.append(text[start:last])
            start = last
        last = end
    found.append(text[start:])
    return [piece.strip() for piece in found if piece.strip()]
