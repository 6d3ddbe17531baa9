"""Conversations of several turns between a person, played by a model, and an assistant."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Job

from .drive import Script
from .generator import Left, Made, Row, Unreadable, generate, notes, row_id
from .likeness import likeness
from .llm.llm import Request, Sampling
from .material import asks, check_columns, mark, messages, opening, transcript, written
from .novelty import words
from .prompt import Prompt, shown
from .refusals import refusal
from .tags import part, whole

PERSONAS = Path(__file__).parent / "data" / "personas.txt"
END = "END"
SAME = 0.9  # likeness of two messages that are the same
SHORT_WORDS = 3  # a shorter message, such as "Yes, please", may come again
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)  # `user:` in a file is no turn
_AS_PERSON = re.compile(r"^[ \t]*[*\[(]*(?:user|human|person)[*\])]*\s*:", re.IGNORECASE | re.MULTILINE)
_AS_ASSISTANT = re.compile(
    r"^[ \t]*[*\[(]*(?:assistant|ai|bot|chatbot)[*\])]*\s*:"
    r"|\bas an ai\b|\bi(?:'m| am) (?:just )?an? (?:ai|language model)\b|\bhow (?:can|may) i (?:help|assist) you\b",
    re.IGNORECASE | re.MULTILINE,
)

Turn = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Simulate:
    """Two models talk. That one model can play both sides: Xu et al. 2023, "Baize: An Open-Source Chat Model with
    Parameter-Efficient Tuning on Self-Chat Data", arXiv 2304.01196, section 3; people made from texts: Ge et al. 2024,
    "Scaling Synthetic Data Creation with 1,000,000,000 Personas" (Persona Hub), arXiv 2406.20094, section 2.1.

    Works on prompts and conversations: their messages open the talk, and the person is drawn from `personas` by hash of
    row and seed; and on documents: the person is made from the text and opens by himself. Who plays the person sees
    what is said and never what the assistant was told (`system`, or the row's own system message).

    A talk ends after `turns` messages of the person, or when who plays the person writes END. Left: `too-few-turns`,
    `roles-swapped` (one of the two speaks for the other), `repeats` (a message of either comes again), `refused` (the
    assistant declines); without asking: `no-prompt`, `empty`.

    Attributes:
        sampling: the assistant, whose model is the row's origin.
        person: who plays the person.
        turns, min_turns: messages of the person; the assistant answers each.
        characters: of a document that is shown.
    """

    revision: ClassVar[int] = 1
    name: ClassVar[str] = "simulate"

    sampling: Sampling
    person: Sampling
    persona: Prompt
    open: Prompt
    next: Prompt
    personas: tuple[str, ...]
    system: str | None = None
    turns: int = 4
    min_turns: int = 2
    characters: int = 4000
    seed: int = 0
    max_unreadable: float = 0.05
    license: str = "unknown"
    source: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.min_turns <= self.turns:
            raise ValueError(
                f"turns={self.turns}, min_turns={self.min_turns}: at least 1, and min_turns not above turns"
            )
        if not self.personas:
            raise ValueError("personas: at least one")

    @property
    def kind(self) -> str:
        return "conversations"

    def run(self, job: Job) -> dict[str, Any]:
        """Facts for the card."""
        source = job.inputs[0]
        check_columns(source, self.name, "prompts, conversations and documents", "prompt", "messages", "text")
        used = {"persona": self.persona, "open": self.open, "next": self.next}
        said = {"license": self.license, "source": self.source, "prompts": shown(used)}
        return {**generate(job, self, source), **said}

    def write(self, row: Row) -> Script[Sequence[Made]]:
        """One result."""
        if "text" in row:
            return (yield from self._from_text(row))
        asked, _ = opening(row)
        if not asks(asked) or asked[-1]["role"] != "user":
            return [Left(reason="no-prompt", said=written(asked))]
        return (yield from self._talk(row, self.drawn(row["id"]), self._told(asked)))

    def drawn(self, row: str) -> str:
        """The person of a row."""
        digest = hashlib.sha256(f"{self.seed}\n{row}".encode("utf-8", "replace")).digest()
        return self.personas[int.from_bytes(digest[:8]) % len(self.personas)]

    def _told(self, asked: Sequence[Turn]) -> list[Turn]:
        """The messages that open a talk, with what the assistant is told in front."""
        if self.system is None or asked[0]["role"] == "system":
            return list(asked)
        return [{"role": "system", "content": self.system}, *asked]

    def _from_text(self, row: Row) -> Script[Sequence[Made]]:
        text = row["text"][: self.characters]
        if not text.strip():
            return [Left(reason="empty", said=row["text"])]
        (reply,) = yield [Request(messages=self.persona.fill({"mark": mark(text), "text": text}), sampling=self.person)]
        who = part(reply, "persona")
        if isinstance(who, Unreadable):
            return [who]
        gaps = {"mark": mark(who, text), "persona": who, "occasion": text}
        (reply,) = yield [Request(messages=self.open.fill(gaps), sampling=self.person)]
        said = part(reply, "message")
        if isinstance(said, Unreadable):
            return [said]
        if _AS_ASSISTANT.search(said):
            return [Left(reason="roles-swapped", said=said)]
        return (yield from self._talk(row, who, self._told([{"role": "user", "content": said}])))

    def _talk(self, row: Row, who: str, opened: Sequence[Turn]) -> Script[Sequence[Made]]:
        """From a message of the person to the end."""
        talk = list(opened)
        ended = "turns"
        for number in range(self.turns):
            if number:
                (reply,) = yield [self.follow(who, talk)]
                said = part(reply, "message")
                if isinstance(said, Unreadable):
                    return [said]
                if said == END:
                    ended = "end"
                    break
                talk.append({"role": "user", "content": said})
                if reason := _amiss(talk, _AS_ASSISTANT):
                    return [Left(reason=reason, said=_json(talk))]
            (reply,) = yield [Request(messages=messages(talk), sampling=self.sampling)]
            answer = whole(reply)
            if isinstance(answer, Unreadable):
                return [answer]
            talk.append({"role": "assistant", "content": answer})
            if reason := "refused" if refusal(answer) == "full" else _amiss(talk, _AS_PERSON):
                return [Left(reason=reason, said=_json(talk))]
        spoken = sum(turn["role"] == "user" for turn in talk[len(opened) - 1 :])
        if spoken < self.min_turns:
            return [Left(reason="too-few-turns", said=_json(talk))]
        return [self._made(row, who, talk, spoken, ended)]

    def follow(self, who: str, talk: Sequence[Turn]) -> Request:
        """The question for the person's next message; what the assistant was told is not in it."""
        heard = [turn for turn in talk if turn["role"] != "system"]
        sign = mark(who, written(heard))
        gaps = {"mark": sign, "persona": who, "conversation": transcript(heard, sign)}
        return Request(messages=self.next.fill(gaps), sampling=self.person)

    def _made(self, row: Row, who: str, talk: Sequence[Turn], spoken: int, ended: str) -> dict[str, Any]:
        person: dict[str, Any] = {"model": self.person.model, "temperature": self.person.temperature}
        told = notes(
            self.name, self.sampling, self.next.fingerprint, persona=who, person=person, turns=spoken, ended=ended
        )
        return {
            "id": row_id(self.name, [row["id"]], 0, _json(talk)),
            "messages": list(talk),
            "source": row.get("source"),
            "origin": self.sampling.model,
            "parents": [row["id"]],
            "metadata": told,
        }


def read_personas(path: Path | None) -> tuple[str, ...]:
    """One person per line; without a file, those that come with gristmill.

    Raises:
        Misuse: the file cannot be read, or has no line that is not empty and does not begin with #.
    """
    path = path or PERSONAS
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except OSError as error:
        raise Misuse(f"the personas {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Misuse(f"the personas {path} are no text in UTF-8: {error}") from error
    found = tuple(dict.fromkeys(line for line in lines if line and not line.startswith("#")))
    if not found:
        raise Misuse(f"{path} describes nobody; write one person per line")
    return found


def _amiss(talk: Sequence[Mapping[str, str]], other: re.Pattern[str]) -> str | None:
    """What is wrong with the last message: it speaks for the other side, or says again what somebody said."""
    last = talk[-1]["content"]
    if other.search(_FENCED.sub("", last)):
        return "roles-swapped"
    if len(words(last)) < SHORT_WORDS:
        return None
    before = [turn["content"] for turn in talk[:-1] if turn["role"] != "system"]
    return "repeats" if any(text == last or likeness(text, last) > SAME for text in before) else None


def _json(talk: Sequence[Mapping[str, str]]) -> str:
    return json.dumps(list(talk), ensure_ascii=False)
