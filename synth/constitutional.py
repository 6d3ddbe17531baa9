"""Answers, criticised and revised by the principles of a constitution: better answers, or pairs with the old ones."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from dataset_cards.versions.job import Job

from .constitution import Constitution, Principle
from .drive import Script
from .generator import Left, Made, Row, Unreadable, generate, notes, row_id
from .llm.llm import Request, Sampling
from .material import asks, check_columns, mark, messages, opening, transcript, written
from .outcome import outcomes
from .prompt import Prompt, shown
from .tags import part, parts, whole

CRITIQUE_KEPT = 1000  # characters of each critique that rows keep
YES, NO = "yes", "no"
UNCHANGED = "unchanged"

Turn = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Constitutional:
    """Constitutional AI, its supervised part: Bai et al. 2022, "Constitutional AI: Harmlessness from AI Feedback",
    arXiv 2212.08073, section 3.

    Works on prompts, whose answer the model drafts first, and on conversations, whose last answer is the draft. Each
    round criticises the answer by one principle and, where the critique asks for it, revises it. That an answer may
    stand is ours; the paper always revises.

    Attributes:
        rounds: with `drawn`, principles per row; with `all`, how often one goes through the whole constitution.
        pick: `drawn` takes principles by hash of row and seed, all different while there are enough; `all` takes all,
            in the order of the file.
        give: `conversations` end with the last revision; `preferences` hold it as chosen and the draft as rejected,
            and leave out drafts that came through as they were (`unchanged`).
        license, source: for the card.
    """

    revision: ClassVar[int] = 1
    name: ClassVar[str] = "constitutional"

    sampling: Sampling
    constitution: Constitution
    critique: Prompt
    revise: Prompt
    rounds: int = 2
    pick: Literal["drawn", "all"] = "drawn"
    give: Literal["conversations", "preferences"] = "conversations"
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

    def run(self, job: Job) -> dict[str, Any]:
        """Facts for the card; `constitutional` says how often each principle was applied and changed something."""
        source = job.inputs[0]
        check_columns(source, self.name, "prompts and conversations", "prompt", "messages")
        said = {"license": self.license, "source": self.source}
        prompts = shown({"critique": self.critique, "revise": self.revise})
        facts = generate(job, self, source, prompts=prompts)
        return {**facts, **said, "constitutional": self._told(job)}

    def write(self, row: Row) -> Script[Sequence[Made]]:
        """One result: the row, Left, or the first answer that could not be read."""
        asked, draft = opening(row)
        if not asks(asked):
            return [Left(reason="no-prompt", said=draft or "")]
        drafted = draft is None
        if draft is None:
            (reply,) = yield [Request(messages=messages(asked), sampling=self.sampling)]
            said = whole(reply)
            if isinstance(said, Unreadable):
                return [said]
            draft = said
        answer, steps = draft, []
        for principle in self.principles(row["id"]):
            (reply,) = yield [self.criticise(asked, answer, principle)]
            read = parts(reply, "critique", "change")
            if isinstance(read, Unreadable):
                return [read]
            critique, change = read[0], read[1].casefold()
            if change not in (YES, NO):
                return [Unreadable(reason="no-choice", said=reply.text)]
            before = answer
            if change == YES:
                (reply,) = yield [self.rewrite(asked, answer, principle, critique)]
                revised = part(reply, "revision")
                if isinstance(revised, Unreadable):
                    return [revised]
                answer = before if revised == before.strip() else revised
            steps.append(_step(principle, critique, answer != before))
        return [self._made(row, asked, draft, answer, steps, drafted)]

    def principles(self, row: str) -> tuple[Principle, ...]:
        """What the answer of a row is held to, round by round."""
        if self.pick == "all":
            return self.constitution.principles * self.rounds
        return self.constitution.drawn(row, self.rounds, self.seed)

    def criticise(self, asked: Sequence[Turn], answer: str, principle: Principle) -> Request:
        """The question what in an answer goes against a principle."""
        turns = [*asked, {"role": "assistant", "content": answer}]
        sign = mark(written(turns))
        gaps = {"title": principle.title, "principle": principle.text, "conversation": transcript(turns, sign)}
        return Request(messages=self.critique.fill({**gaps, "mark": sign}), sampling=self.sampling)

    def rewrite(self, asked: Sequence[Turn], answer: str, principle: Principle, critique: str) -> Request:
        """The question for an answer that follows the principle."""
        turns = [*asked, {"role": "assistant", "content": answer}]
        sign = mark(written(turns), critique)
        gaps = {"title": principle.title, "principle": principle.text, "conversation": transcript(turns, sign)}
        return Request(messages=self.revise.fill({**gaps, "critique": critique, "mark": sign}), sampling=self.sampling)

    def _made(
        self,
        row: Row,
        asked: Sequence[Turn],
        draft: str,
        answer: str,
        steps: Sequence[Mapping[str, Any]],
        drafted: bool,
    ) -> Made:
        told = notes(
            self.name,
            self.sampling,
            self.revise.fingerprint,
            critique_prompt=self.critique.fingerprint,
            constitution=self.constitution.fingerprint,
            steps=steps,
            principles=[step["principle"] for step in steps if step["changed"]],
            draft_origin=self.sampling.model if drafted else row.get("origin"),
        )
        common = {"source": row.get("source"), "origin": self.sampling.model, "parents": [row["id"]], "metadata": told}
        last = [{"role": "assistant", "content": answer}]
        name = row_id(self.name, [row["id"]], 0, json.dumps([draft, answer], ensure_ascii=False))
        if self.give == "conversations":
            return {"id": name, "messages": [*asked, *last], **common}
        pair = {"chosen": last, "rejected": [{"role": "assistant", "content": draft}], "margin": None, "votes": None}
        made = {"id": name, "prompt": list(asked), **pair, **common}
        return Left(reason=UNCHANGED, said=json.dumps(made, ensure_ascii=False)) if answer == draft else made

    def _told(self, job: Job) -> dict[str, Any]:
        applied: Counter[str] = Counter()
        changed: Counter[str] = Counter()
        rows = touched = 0
        for told in outcomes(job, f"{self.name}/{UNCHANGED}"):
            rows += 1
            touched += bool(told["principles"])
            applied.update(step["principle"] for step in told["steps"])
            changed.update(told["principles"])
        return {
            "constitution": self.constitution.json_field(),
            "principles": [
                {"id": one.id, "title": one.title, "applied": applied[one.id], "changed": changed[one.id]}
                for one in self.constitution.principles
            ],
            "answers": rows,
            "changed": touched,
        }


def _step(principle: Principle, critique: str, changed: bool) -> dict[str, Any]:
    cut = len(critique) > CRITIQUE_KEPT
    said = {"principle": principle.id, "critique": critique[:CRITIQUE_KEPT], "changed": changed}
    return {**said, "cut": True} if cut else said
