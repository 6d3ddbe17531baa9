"""Step-by-step solutions of problems with a known answer, sampled several times and kept by a verifier."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from dataset_cards.versions.job import Job

from .drive import Script
from .generator import Left, Made, Row, Unreadable, generate, notes, row_id
from .guided import guided
from .llm.llm import Reply, Request, Sampling
from .material import asks, check_columns, mark, transcript, written
from .prompt import Prompt, shown
from .reasoned import reasoned
from .solutions import same_solution
from .tags import whole
from .verify.final import given
from .verify.verdict import Outcome, Verdict
from .verify.verifiers import VERIFIERS

FORMS: Mapping[str, str] = {
    "number": "hashes",
    "gsm8k": "hashes",
    "boxed": "boxed",
    "math": "boxed",
    "choice": "choice",
    "exact": "words",
}
PLAIN = "plain"  # of every other verifier: the form is the task's own

Turn = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Rejection sampling of solutions: Yuan et al. 2023, "Scaling Relationship on Learning Mathematical Reasoning with
    Large Language Models" (RFT), arXiv 2308.01825; with `hints`, the rationalisation of Zelikman et al.
    2022, "STaR: Bootstrapping Reasoning With Reasoning", arXiv 2203.14465, section 3.2.

    Works on verifiable rows. Each problem is sent as it is, below guidance in which form its verifier reads an answer.
    Only what the verifier calls right is kept. Left: `wrong`, `cannot-tell`, `same-solution` (as one that is kept),
    `enough` (right, but more than `keep`); without asking: `no-verifier`, `no-reference` (the reference cannot be
    checked), `no-prompt`.

    Attributes:
        samples: solutions asked for per problem; they differ only if the temperature is above 0.
        keep: different right solutions kept per problem.
        hints: where no sample is right, so often the answer is told and a solution that leads to it is asked for. These
            are marked in the metadata and never count towards a pass rate.
        max_likeness: share of runs of three words in common, above which two solutions are the same.
        verifier: of rows that name none.
        give: `conversations` are the problems with their solutions; `verifiable` the problems themselves under their
            own ids, with what came of the samples in metadata["reason"]; hints are not asked for there.
        min_pass, max_pass: shares of right samples, with give=verifiable; others are Left, `too-hard` and `too-easy`.
    """

    revision: ClassVar[int] = 1
    name: ClassVar[str] = "reason"

    sampling: Sampling
    hashes: Prompt
    boxed: Prompt
    choice: Prompt
    words: Prompt
    plain: Prompt
    hint: Prompt
    samples: int = 4
    keep: int = 4
    hints: int = 0
    max_likeness: float = 0.9
    verifier: str | None = None
    give: Literal["conversations", "verifiable"] = "conversations"
    min_pass: float = 0.0
    max_pass: float = 1.0
    max_unreadable: float = 0.05
    license: str = "unknown"
    source: str | None = None

    def __post_init__(self) -> None:
        if self.samples < 1 or self.keep < 1:
            raise ValueError(f"samples={self.samples}, keep={self.keep}: at least one each")
        if self.verifier is not None and self.verifier not in VERIFIERS:
            raise ValueError(f"verifier={self.verifier} is none; there are {', '.join(VERIFIERS)}")

    @property
    def kind(self) -> str:
        return self.give

    @property
    def prompts(self) -> dict[str, Prompt]:
        names = (*dict.fromkeys(FORMS.values()), PLAIN, *(("hint",) if self.hints else ()))
        return {name: getattr(self, name) for name in names}

    def run(self, job: Job) -> dict[str, Any]:
        """Facts for the card; `reasoned` counts problems and solutions and gives the pass rate."""
        source = job.inputs[0]
        check_columns(source, self.name, "verifiable rows", "answer")
        said = {"license": self.license, "source": self.source, "prompts": shown(self.prompts)}
        return {**generate(job, self, source), **said, "reasoned": reasoned(job, self.give)}

    def write(self, row: Row) -> Script[Sequence[Made]]:
        """A result per sample; with give=verifiable, one for the problem and one per unreadable sample."""
        name = str(row.get("verifier") or self.verifier)
        if reason := self.uncheckable(row, name):
            return [Left(reason=reason, said=json.dumps(dict(row), ensure_ascii=False))]
        replies = yield [self.solve(row, name, nth) for nth in range(self.samples)]
        judged = [_judged(reply, row, name) for reply in replies]
        if self.give == "verifiable":
            return self._measured(row, name, judged)
        made = self._kept(row, name, judged, False)
        if self.hints and not any(isinstance(one, dict) for one in made):
            replies = yield [self.tell(row, name, nth) for nth in range(self.hints)]
            made += self._kept(row, name, [_judged(reply, row, name) for reply in replies], True)
        return made

    def uncheckable(self, row: Row, name: str) -> str | None:
        """Why no solution of a row could be checked, so that none is paid for."""
        if name not in VERIFIERS:
            return "no-verifier"
        if not asks(row["prompt"]):
            return "no-prompt"
        return "no-reference" if VERIFIERS[name].problem(row["answer"]) else None

    def form(self, name: str) -> Prompt:
        """The guidance for answers that a verifier reads."""
        return self.prompts[FORMS.get(name, PLAIN)]

    def solve(self, row: Row, name: str, nth: int) -> Request:
        """The problem, to be solved."""
        return Request(messages=guided(self.form(name), row["prompt"]), sampling=self.sampling, nth=nth)

    def tell(self, row: Row, name: str, nth: int) -> Request:
        """The problem with its answer, for a solution that leads there."""
        answer = given(row["answer"])[-1] if name in FORMS else row["answer"]  # references are solutions sometimes
        sign = mark(written(row["prompt"]), answer)
        form = "\n\n".join(text for _, text in self.form(name).turns)
        gaps = {"mark": sign, "conversation": transcript(row["prompt"], sign), "answer": answer, "form": form}
        return Request(messages=self.hint.fill(gaps), sampling=self.sampling, nth=nth)

    def _kept(
        self, row: Row, name: str, judged: Sequence[tuple[str, Verdict] | Unreadable], hinted: bool
    ) -> list[Made]:
        kept: list[str] = []
        made: list[Made] = []
        for nth, one in enumerate(judged):
            if isinstance(one, Unreadable):
                made.append(one)
                continue
            solution, verdict = one
            if verdict.outcome != "right":
                made.append(_left(verdict.outcome, f"{solution}\n\n[{verdict.reason}]", hinted))
            elif any(same_solution(solution, other, self.max_likeness) for other in kept):
                made.append(_left("same-solution", solution, hinted))
            elif len(kept) == self.keep:
                made.append(_left("enough", solution, hinted))
            else:
                kept.append(solution)
                made.append(self._solved(row, name, nth, solution, verdict, hinted))
        return made

    def _solved(self, row: Row, name: str, nth: int, solution: str, verdict: Verdict, hinted: bool) -> dict[str, Any]:
        prompt = self.hint if hinted else self.form(name)
        told = notes(
            self.name,
            self.sampling,
            prompt.fingerprint,
            sample=nth,
            hinted=hinted,
            verifier=name,
            verdict=verdict.reason,
        )
        return {
            "id": row_id(self.name, [row["id"]], nth, json.dumps([hinted, solution], ensure_ascii=False)),
            "messages": [*row["prompt"], {"role": "assistant", "content": solution}],
            "source": row.get("source"),
            "origin": self.sampling.model,
            "parents": [row["id"]],
            "metadata": told,
        }

    def _measured(self, row: Row, name: str, judged: Sequence[tuple[str, Verdict] | Unreadable]) -> list[Made]:
        made: list[Made] = [one for one in judged if isinstance(one, Unreadable)]
        found: list[Outcome] = [one[1].outcome for one in judged if not isinstance(one, Unreadable)]
        if not found:
            return made
        passed = found.count("right") / len(found)
        counts = {
            "right": found.count("right"),
            "wrong": found.count("wrong"),
            "cannot_tell": found.count("cannot-tell"),
            "pass_rate": round(passed, 6),
        }
        own = json.loads(row.get("metadata") or "{}")
        told = {**own, self.name: json.loads(notes(self.name, self.sampling, self.form(name).fingerprint, **counts))}
        one = {
            "id": row["id"],
            "prompt": row["prompt"],
            "answer": row["answer"],
            "verifier": name,
            "metadata": json.dumps(told, ensure_ascii=False, sort_keys=True),
        }
        if self.min_pass <= passed <= self.max_pass:
            return [*made, one]
        reason = "too-hard" if passed < self.min_pass else "too-easy"
        return [*made, Left(reason=reason, said=json.dumps(one, ensure_ascii=False))]


def _left(reason: str, said: str, hinted: bool) -> Left:
    return Left(reason=f"hinted-{reason}" if hinted else reason, said=said)


def _judged(reply: Reply, row: Row, name: str) -> tuple[str, Verdict] | Unreadable:
    """A solution and its verdict. The thinking in front of it is no part of it."""
    solution = whole(reply)
    if isinstance(solution, Unreadable):
        return solution
    return solution, VERIFIERS[name].verify(solution, row["answer"])
