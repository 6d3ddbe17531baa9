"""Prompts made harder, or different, round by round; optionally with an answer to each."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

from dataset_cards.versions.job import Job

from .drive import Script
from .generator import Left, Made, Row, Unreadable, generate, notes, row_id
from .likeness import likeness, shingles
from .llm.llm import Reply, Request, Sampling
from .material import asks, check_columns, mark, messages, opening, transcript, written
from .novelty import words
from .prompt import Prompt, shown
from .refusals import refusal
from .tags import choice, part, whole

DEPTH = ("constraints", "deepen", "concretise", "reasoning", "complicate")
BREADTH = "breadth"
COPIED_WORDS = 6  # a run of so many words that stands in the prompt file and not in the task is copied from there
PHRASES = ("harder version", "new version", "rewritten task", "rewritten prompt", "given prompt", "last turn")

Turn = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Evolve:
    """Evol-Instruct: Xu et al. 2023, "WizardLM: Empowering Large Language Models to Follow Complex Instructions",
    arXiv 2304.12244, section 3.2. The wording of the prompts is ours.

    Works on prompts and on conversations, whose last answer is left aside. The last message of the person is what
    evolves; the turns before it stay. What is eliminated (the paper's section 3.2, "Elimination Evolving") is Left and
    the next round starts from the last prompt that was kept:

    * `no-gain`: as good as the same words as before, or the model says that it asks for the same;
    * `copied-instructions`: it holds words of the prompt file;
    * `too-long`: more than `max_characters`; ours, since a task grows with every round;
    * with answers, `refused`: the answer declines; `says-nothing`: it has no words.

    Attributes:
        rounds: how often each prompt evolves.
        how: `depth` makes it harder in one of five ways, `breadth` makes another of its kind, `both` draws from all six
            evenly, as the paper does; which one it is depends on the row's id, the round, and `seed`.
        give: `conversations` asks for an answer to each new prompt.
        max_likeness: share of pairs of words in common with the prompt before, above which nothing was gained.
        ask_gain: also ask the model whether something was gained; a request more each time.
    """

    revision: ClassVar[int] = 1
    name: ClassVar[str] = "evolve"

    sampling: Sampling
    constraints: Prompt
    deepen: Prompt
    concretise: Prompt
    reasoning: Prompt
    complicate: Prompt
    breadth: Prompt
    gain: Prompt
    rounds: int = 4
    how: Literal["both", "depth", "breadth"] = "both"
    give: Literal["prompts", "conversations"] = "prompts"
    max_likeness: float = 0.9
    max_characters: int = 8000
    ask_gain: bool = True
    seed: int = 0
    max_unreadable: float = 0.05
    license: str = "unknown"
    source: str | None = None

    def __post_init__(self) -> None:
        if self.rounds < 1:
            raise ValueError(f"rounds={self.rounds}: at least one")

    @property
    def kind(self) -> str:
        return self.give

    @cached_property
    def operations(self) -> dict[str, Prompt]:
        """What can be drawn in a round."""
        names = {"both": (*DEPTH, BREADTH), "depth": DEPTH, "breadth": (BREADTH,)}[self.how]
        return {name: getattr(self, name) for name in names}

    def run(self, job: Job) -> dict[str, Any]:
        """Facts for the card."""
        source = job.inputs[0]
        check_columns(source, self.name, "prompts and conversations", "prompt", "messages")
        used = {**self.operations, **({"gain": self.gain} if self.ask_gain else {})}
        said = {"license": self.license, "source": self.source, "prompts": shown(used)}
        return {**generate(job, self, source), **said}

    def write(self, row: Row) -> Script[Sequence[Made]]:
        """At most one row per round; each that is kept is made from the one before."""
        asked, _ = opening(row)
        if not asks(asked):
            return [Left(reason="no-prompt", said=written(asked))]
        made: list[Made] = []
        parent = str(row["id"])
        for number in range(self.rounds):
            operation = self.operation(row["id"], number)
            (reply,) = yield [self.rewrite(asked, operation)]
            task = part(reply, "task")
            if isinstance(task, Unreadable):
                made.append(task)
                continue
            before = asked[-1]["content"]
            if reason := self.eliminated(asked, task, operation):
                made.append(Left(reason=reason, said=task))
                continue
            if self.ask_gain and operation != BREADTH:
                (reply,) = yield [self.compare(before, task)]
                verdict = choice(reply, "verdict", ("same", "different"))
                if verdict != "different":
                    made.append(Left(reason="no-gain", said=task) if verdict == "same" else _unread(verdict))
                    continue
            turns = [*asked[:-1], {"role": asked[-1]["role"], "content": task}]
            answer = None
            if self.give == "conversations":
                (reply,) = yield [Request(messages=messages(turns), sampling=self.sampling)]
                read = _answer(reply)
                if not isinstance(read, str):
                    made.append(read)
                    continue
                answer = read
            one = self._made(row, parent, number, operation, turns, answer)
            made.append(one)
            asked, parent = turns, one["id"]
        return made

    def operation(self, row: str, number: int) -> str:
        """What is done with a row in a round, drawn by hash."""
        digest = hashlib.sha256(f"{self.seed}\n{number}\n{row}".encode("utf-8", "replace")).digest()
        return list(self.operations)[int.from_bytes(digest[:8]) % len(self.operations)]

    def rewrite(self, asked: Sequence[Turn], operation: str) -> Request:
        """The question for a new task in the place of the last turn."""
        sign = mark(written(asked))
        gaps = {"mark": sign, "conversation": transcript(asked, sign)}
        return Request(messages=self.operations[operation].fill(gaps), sampling=self.sampling)

    def compare(self, before: str, after: str) -> Request:
        """The question whether two tasks ask for the same."""
        gaps = {"mark": mark(before, after), "first": before, "second": after}
        return Request(messages=self.gain.fill(gaps), sampling=self.sampling)

    def eliminated(self, asked: Sequence[Turn], task: str, operation: str) -> str | None:
        """Why a new task is not used, as far as can be told without asking."""
        if len(task) > self.max_characters:
            return "too-long"
        own, sign = written(asked), mark(written(asked))
        if sign in task or any(phrase in task.casefold() and phrase not in own.casefold() for phrase in PHRASES):
            return "copied-instructions"
        told = self.operations[operation].text
        if (shingles(task, COPIED_WORDS) & shingles(told, COPIED_WORDS)) - shingles(own, COPIED_WORDS):
            return "copied-instructions"
        before = asked[-1]["content"]
        return "no-gain" if task == before or likeness(before, task) > self.max_likeness else None

    def _made(
        self, row: Row, parent: str, number: int, operation: str, turns: Sequence[Turn], answer: str | None
    ) -> dict[str, Any]:
        told = notes(
            self.name,
            self.sampling,
            self.operations[operation].fingerprint,
            operation=operation,
            round=number + 1,
            root=row["id"],
            parents=[parent],
            origin=self.sampling.model,
        )
        content = json.dumps([turns[-1]["content"], answer], ensure_ascii=False)
        common = {"source": row.get("source"), "metadata": told}
        name = row_id(self.name, [parent], number, content)
        if answer is None:
            return {"id": name, "prompt": list(turns), **common}
        whole_talk = [*turns, {"role": "assistant", "content": answer}]
        return {"id": name, "messages": whole_talk, "origin": self.sampling.model, "parents": [parent], **common}


def _answer(reply: Reply) -> str | Left | Unreadable:
    """A complete answer that answers; what declines is Left, as it tells of a prompt that cannot be answered."""
    said = whole(reply)
    if isinstance(said, Unreadable):
        return Left(reason="refused", said=said.said) if said.reason == "refused" else said
    if not words(said):
        return Left(reason="says-nothing", said=said)
    return Left(reason="refused", said=said) if refusal(said) == "full" else said


def _unread(verdict: str | Unreadable) -> Unreadable:
    assert isinstance(verdict, Unreadable)
    return verdict
