"""Several answers to each prompt, graded by a judge: rankings, pairs of the best and the worst, or the best alone."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from dataset_cards.versions.job import Job

from .comparing import Asking, grade, ranks
from .constitution import Constitution
from .drive import Script
from .generator import Left, Made, Row, Unreadable, generate, notes, row_id
from .llm.llm import Request, Sampling
from .material import asks, check_columns, messages, opening
from .outcome import outcomes
from .prompt import Prompt, shown
from .tags import whole

TIED = "tie"


@dataclass(frozen=True, kw_only=True)
class BestOfN:
    """Best-of-n sampling: Stiennon et al. 2020, "Learning to summarize from human feedback", arXiv 2009.01325, and
    Nakano et al. 2021, "WebGPT", arXiv 2112.09332, section 3.2; the grades are a judge's, as in `Judge`.

    Works on prompts, and on whatever comes before the last answer of a conversation. Candidates that say the same are
    merged and graded once. A candidate, or a grade, that cannot be read is counted, and the others go on.

    Attributes:
        sampling: who answers, and how warm. A seed gives each candidate one of its own.
        judge: who grades.
        n: candidates of each prompt.
        constitution: the criteria of the grades.
        give: `rankings` hold every candidate, best first, with ties; `preferences` the best and the worst, with the
            difference of their grades as margin; `conversations` the best. Of equals the one drawn first is taken.
        license, source: for the card.
    """

    revision: ClassVar[int] = 1
    name: ClassVar[str] = "best-of-n"

    sampling: Sampling
    judge: Sampling
    constitution: Constitution
    prompt: Prompt
    n: int = 4
    give: Literal["rankings", "preferences", "conversations"] = "rankings"
    max_unreadable: float = 0.05
    license: str = "unknown"
    source: str | None = None

    def __post_init__(self) -> None:
        if self.n < 2:
            raise ValueError(f"n={self.n}: the best of fewer than two answers is no choice")
        if self.sampling.temperature == 0:
            raise ValueError(f"temperature=0 draws the same answer {self.n} times; give one above 0")

    @property
    def kind(self) -> str:
        return self.give

    @property
    def needed(self) -> int:
        """Candidates that must be left; a single one is still the best of all."""
        return 1 if self.give == "conversations" else 2

    def run(self, job: Job) -> dict[str, Any]:
        """Facts for the card; `best_of_n` tells how far candidates and grades differ."""
        source = job.inputs[0]
        check_columns(source, self.name, "prompts and conversations", "prompt", "messages")
        facts = generate(job, self, source, license=self.license, prompts=shown({"score": self.prompt}))
        return {**facts, "source": self.source, "best_of_n": self._told(job)}

    def write(self, row: Row) -> Script[Sequence[Made]]:
        """A row or Left, after everything that could not be read."""
        asked, _ = opening(row)
        if not asks(asked):
            return [Left(reason="no-prompt", said="")]
        drawn = Request(messages=messages(asked), sampling=self.sampling)
        replies = yield [replace(drawn, nth=number) for number in range(self.n)]
        read = [whole(reply) for reply in replies]
        lost: list[Made] = [one for one in read if isinstance(one, Unreadable)]
        copies: dict[str, list[int]] = {}
        for number, text in enumerate(read):
            if isinstance(text, str):
                copies.setdefault(text, []).append(number)
        texts = list(copies)
        if len(texts) < self.needed:
            return [*lost, *self._alone(texts)]
        asking = Asking(prompt=self.prompt, constitution=self.constitution, sampling=self.judge)
        replies = yield [asking.grade(asked, [{"role": "assistant", "content": text}]) for text in texts]
        graded: list[tuple[str, int]] = []
        for text, reply in zip(texts, replies, strict=True):
            if isinstance(one := grade(reply), Unreadable):
                lost.append(one)
            else:
                graded.append((text, one))
        if len(graded) < self.needed:
            return [*lost, *self._alone([text for text, _ in graded])]
        return [*lost, self._made(row, asked, sorted(graded, key=lambda pair: -pair[1]), copies)]

    def _alone(self, texts: Sequence[str]) -> list[Made]:
        return [Left(reason="one-candidate", said=text) for text in texts]

    def _made(
        self, row: Row, asked: list[dict[str, str]], graded: list[tuple[str, int]], copies: dict[str, list[int]]
    ) -> Made:
        grades = [one for _, one in graded]
        told = notes(
            self.name,
            self.sampling,
            self.prompt.fingerprint,
            judge={"model": self.judge.model, "temperature": self.judge.temperature},
            constitution=self.constitution.fingerprint,
            scores=grades,
            drawn=[copies[text] for text, _ in graded],
        )
        name = row_id(self.name, [row["id"]], 0, json.dumps([text for text, _ in graded], ensure_ascii=False))
        common = {"source": row.get("source"), "origin": self.sampling.model, "parents": [row["id"]], "metadata": told}
        best, worst = _said(graded[0][0]), _said(graded[grades.index(grades[-1])][0])
        if self.give == "conversations":
            return {"id": name, "messages": [*asked, *best], **common}
        if self.give == "rankings":
            answers = [
                {"id": str(copies[text][0]), "content": text, "origin": self.sampling.model} for text, _ in graded
            ]
            return {"id": name, "prompt": asked, "responses": answers, "ranks": ranks(grades), "metadata": told}
        margin = float(grades[0] - grades[-1])
        made = {"id": name, "prompt": asked, "chosen": best, "rejected": worst, "margin": margin, "votes": None}
        if not margin:
            return Left(reason=TIED, said=json.dumps({**made, **common}, ensure_ascii=False))
        return {**made, **common}

    def _told(self, job: Job) -> dict[str, Any]:
        """How often each grade was given, and in how many sets of candidates the best was alone at the top."""
        given: Counter[int] = Counter()
        sets = alone = drawn = 0
        for told in outcomes(job, f"{self.name}/{TIED}"):
            given.update(told["scores"])
            sets += 1
            drawn += sum(map(len, told["drawn"]))
            alone += told["scores"].count(told["scores"][0]) == 1
        told = {"judge": self.judge.model, "n": self.n, "prompts": sets, "candidates": drawn, "distinct": given.total()}
        return {**told, "one_best": alone, "scores": {str(one): given[one] for one in sorted(given)}}


def _said(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]
