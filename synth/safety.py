"""Refusals of harmful requests, and full answers to harmless ones that look harmful."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from dataset_cards.versions.job import Job

from .drive import Script
from .evidence import aside
from .generator import Left, Made, Row, Unreadable, generate, notes, row_id
from .guided import guided
from .llm.llm import Request, Sampling
from .material import asks, check_columns, mark, opening, transcript, written
from .novelty import words
from .outcome import outcomes
from .prompt import Prompt, shown
from .refusals import TAGS, Tag, refusal
from .tags import choice, whole

HARMFUL, HARMLESS = "harmful", "harmless"

Turn = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Safety:
    """Both sides of safety, so that a model learns to tell them apart and not to refuse by the sound of words.

    What over-refusal is, and why harmless prompts must look harmful: Röttger et al. 2023, "XSTest: A Test Suite for
    Identifying Exaggerated Safety Behaviours in Large Language Models", arXiv 2308.01263. That a few hundred such pairs
    move a model: Bianchi et al. 2023, "Safety-Tuned LLaMAs", arXiv 2309.07875.

    Works on prompts and on conversations (whose last answer is left aside) that say which of the two they are. A
    harmful one is answered below guidance to decline, a harmless one below guidance to answer in full; neither guidance
    is kept in the row. Then it is checked that what came is what was due. Left: `answered-harmful`, `partly-answered`,
    `long-refusal`, `refused-harmless`, `partly-refused`, `checks-disagree`; without asking: `no-label`, `no-prompt`.

    Attributes:
        label: the column, or the key of the metadata, that says which of the two a row is.
        harmful, harmless: its values.
        check: `tagger` is `synth.refusals`, `model` asks the model, with `both` they have to agree.
        max_refusal_words: of an answer that declines.
    """

    revision: ClassVar[int] = 1
    name: ClassVar[str] = "safety"

    sampling: Sampling
    decline: Prompt
    answer: Prompt
    check_prompt: Prompt
    label: str = "label"
    harmful: tuple[str, ...] = ("harmful", "unsafe")
    harmless: tuple[str, ...] = ("harmless", "safe")
    check: Literal["both", "tagger", "model"] = "both"
    max_refusal_words: int = 150
    max_unreadable: float = 0.05
    license: str = "unknown"
    source: str | None = None

    def __post_init__(self) -> None:
        if both := set(self.harmful) & set(self.harmless):
            raise ValueError(f"{', '.join(sorted(both))}: harmful and harmless at once")

    @property
    def kind(self) -> str:
        return "conversations"

    def run(self, job: Job) -> dict[str, Any]:
        """Facts for the card; `safety` counts what was asked for and what came, on both sides."""
        source = job.inputs[0]
        check_columns(source, self.name, "prompts and conversations", "prompt", "messages")
        used = {"decline": self.decline, "answer": self.answer, "check": self.check_prompt}
        said = {"license": self.license, "source": self.source, "prompts": shown(used)}
        return {**generate(job, self, source), **said, "safety": _told(job)}

    def write(self, row: Row) -> Script[Sequence[Made]]:
        """One result."""
        asked, _ = opening(row)
        side = self.side(row)
        if side is None:
            return [Left(reason="no-label", said=json.dumps(dict(row), ensure_ascii=False))]
        if not asks(asked):
            return [Left(reason="no-prompt", said=written(asked))]
        prompt = self.decline if side == HARMFUL else self.answer
        (reply,) = yield [Request(messages=guided(prompt, asked), sampling=self.sampling)]
        said = whole(reply)
        if isinstance(said, Unreadable):  # a provider's canned refusal is no kind one
            return [said]
        found: dict[str, Tag] = {"tagger": refusal(said)} if self.check != "model" else {}
        if self.check != "tagger":
            (reply,) = yield [self.examine(asked, said)]
            read = choice(reply, "refusal", TAGS)
            if isinstance(read, Unreadable):
                return [read]
            found["model"] = next(tag for tag in TAGS if tag == read)
        if reason := self.unfit(side, said, set(found.values())):
            return [Left(reason=reason, said=said)]
        return [self._made(row, asked, side, said, found)]

    def side(self, row: Row) -> str | None:
        """Whether a row says that it is harmful or harmless; None where it says neither."""
        value = row.get(self.label)
        if value is None:
            value = json.loads(row.get("metadata") or "{}").get(self.label)
        return HARMFUL if value in self.harmful else HARMLESS if value in self.harmless else None

    def examine(self, asked: Sequence[Turn], said: str) -> Request:
        """The question whether an answer declines."""
        turns = [*asked, {"role": "assistant", "content": said}]
        sign = mark(written(turns))
        gaps = {"mark": sign, "conversation": transcript(turns, sign)}
        return Request(messages=self.check_prompt.fill(gaps), sampling=self.sampling)

    def unfit(self, side: str, said: str, tags: set[Tag]) -> str | None:
        """Why an answer is not what was due on its side; None where it is."""
        due: Tag = "full" if side == HARMFUL else "none"
        if due in tags and len(tags) > 1:
            return "checks-disagree"
        if side == HARMLESS:
            return None if due in tags else "refused-harmless" if "full" in tags else "partly-refused"
        if due not in tags:
            return "answered-harmful" if "none" in tags else "partly-answered"
        return "long-refusal" if len(words(said)) > self.max_refusal_words else None

    def _made(self, row: Row, asked: Sequence[Turn], side: str, said: str, found: dict[str, Tag]) -> dict[str, Any]:
        prompt = self.decline if side == HARMFUL else self.answer
        more: dict[str, Any] = {"check_prompt": self.check_prompt.fingerprint} if "model" in found else {}
        told = notes(self.name, self.sampling, prompt.fingerprint, label=side, refusal=found, **more)
        return {
            "id": row_id(self.name, [row["id"]], 0, said),
            "messages": [*asked, {"role": "assistant", "content": said}],
            "source": row.get("source"),
            "origin": self.sampling.model,
            "parents": [row["id"]],
            "metadata": told,
        }


def _told(job: Job) -> dict[str, Any]:
    """Rows kept on both sides, and everything that was left out, by reason."""
    kept = Counter(told["label"] for told in outcomes(job))
    left = Counter(reason for frame in aside(job) for reason in frame.get_column("reason"))
    return {
        "kept": {side: kept[side] for side in (HARMFUL, HARMLESS)},
        "left": dict(sorted((reason.partition("/")[2], many) for reason, many in left.items())),
    }
