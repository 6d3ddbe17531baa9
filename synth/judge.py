"""Preference labels by a model: every pair shown in both orders, or every answer graded alone."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, ClassVar, Literal

from dataset_cards.versions.fingerprint import fingerprint
from dataset_cards.versions.job import Job

from .comparing import SECOND, TIE, Asking, Look, compared, grade, looks, points, ranks, same, settled
from .constitution import Constitution
from .drive import Script
from .generator import Left, Made, Row, Unreadable, generate, notes, row_id
from .judged import judged
from .llm.llm import Request, Sampling
from .material import asks, check_columns
from .prompt import Prompt, shown

By = Literal["verdict", "scores", "logprobs"]
SAME, TIED = "same-responses", "tie"

Turn = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Judge:
    """A model as judge: Zheng et al. 2023, "Judging LLM-as-a-Judge with MT-Bench and Chatbot Arena", arXiv 2306.05685
    (both orders, and a tie where they disagree: section 3.4), and Lee et al. 2023, "RLAIF", arXiv 2309.00267
    (probabilities of the verdict, mean of both orders).

    Works on preferences, whose own order is no label here, and on rankings, of which it judges all pairs or, with
    scores, every response once. The ledger counts labels: of n responses up to n (n - 1) / 2.

    Attributes:
        by: `verdict` asks which of two is better, after thinking; `logprobs` asks for the letter alone and weighs the
            probabilities of A and B; `scores` asks for a grade from 1 to 10 of each answer by itself.
        constitution: the criteria.
        give: `preferences`, ties with margin 0 and the first response as chosen; `rankings`, by grade or by pairs won;
            `judgements`, of two responses the look in an order drawn by hash as `main` and the other as `repeat`.
        ties: `drop` leaves them out of preferences.
        license, source: for the card.
    """

    revision: ClassVar[int] = 1
    name: ClassVar[str] = "judge"

    sampling: Sampling
    constitution: Constitution
    prompt: Prompt
    by: By = "verdict"
    give: Literal["preferences", "rankings", "judgements"] = "preferences"
    ties: Literal["keep", "drop"] = "keep"
    max_unreadable: float = 0.05
    license: str = "unknown"
    source: str | None = None

    @property
    def kind(self) -> str:
        return self.give

    def run(self, job: Job) -> dict[str, Any]:
        """Facts for the card; `judged` measures consistency, position bias, and agreement with the source's labels."""
        source = job.inputs[0]
        wanted = ("responses",) if self.give == "rankings" else ("chosen", "responses")
        check_columns(source, self.name, "rankings" if len(wanted) == 1 else "preferences and rankings", *wanted)
        facts = generate(job, self, source, license=self.license, prompts=shown({self.by: self.prompt}))
        found = {"by": self.by, "model": self.sampling.model, **judged(job, f"{self.name}/{TIED}")}
        return {**facts, "source": self.source, "judged": found}

    @property
    def asking(self) -> Asking:
        return Asking(prompt=self.prompt, constitution=self.constitution, sampling=self.sampling)

    def write(self, row: Row) -> Script[Sequence[Made]]:
        """Labels, rankings or judgements; each answer that could not be read stands for what would have come of it."""
        answers = responses(row)
        if not asks(row["prompt"]) or len(answers) < 2:
            return [Left(reason="nothing-to-compare", said=json.dumps(dict(row), ensure_ascii=False))]
        pairs = list(combinations(range(len(answers)), 2))
        if all(answers[a] == answers[b] for a, b in pairs):
            return [Left(reason=SAME, said=answers[0][0]["content"])]
        if self.by == "scores":
            replies = yield [self.asking.grade(row["prompt"], answer) for answer in answers]
            grades = [grade(reply) for reply in replies]
            return self._graded(row, answers, grades)
        asked = [pair for pair in pairs if answers[pair[0]] != answers[pair[1]]]
        replies = yield [request for a, b in asked for request in self._pair(row, answers[a], answers[b])]
        found = {pair: looks(replies[2 * n : 2 * n + 2], self.by == "logprobs") for n, pair in enumerate(asked)}
        return self._looked(row, answers, [(pair, found.get(pair)) for pair in pairs])

    def _pair(self, row: Row, first: Sequence[Turn], second: Sequence[Turn]) -> list[Request]:
        return self.asking.pair(row["prompt"], first, second, self.by == "logprobs")

    def _graded(self, row: Row, answers: Sequence[Sequence[Turn]], grades: Sequence[int | Unreadable]) -> list[Made]:
        known = {number: one for number, one in enumerate(grades) if isinstance(one, int)}
        unread: list[Made] = [one for one in grades if isinstance(one, Unreadable)]
        pairs = [
            compared((a, b), (known[a], known[b])) if answers[a] != answers[b] else same((a, b))
            for a, b in combinations(known, 2)
        ]
        if self.give == "preferences":
            return [*unread, *(self._preference(row, answers, one) for one in pairs)]
        if unread:
            return unread
        if self.give == "judgements" and len(answers) == 2:
            return [self._judgement(row, 0, pairs[0]["outcome"], {"pairs": pairs})]
        return [self._ordered(row, [known[n] for n in range(len(answers))], pairs)]

    def _looked(
        self,
        row: Row,
        answers: Sequence[Sequence[Turn]],
        found: Sequence[tuple[tuple[int, int], list[Look | Unreadable] | None]],
    ) -> list[Made]:
        if self.give == "judgements" and len(answers) == 2:
            return self._both(row, found[0][1] or [])
        unread: list[Made] = []
        pairs: list[dict[str, Any]] = []
        for numbers, both in found:
            read = [look for look in both or () if isinstance(look, Look)]
            if both is None:
                pairs.append(same(numbers))
            elif len(read) == 2:
                pairs.append(settled(numbers, read))
            else:
                unread.append(next(look for look in both if isinstance(look, Unreadable)))
        if self.give == "preferences":
            return [*unread, *(self._preference(row, answers, one) for one in pairs)]
        return unread or [self._ordered(row, points(len(answers), pairs), pairs)]

    def _both(self, row: Row, both: Sequence[Look | Unreadable]) -> list[Made]:
        """Two judgements of one pair, as if a person had been shown it again: first the one drawn as main."""
        read = [look for look in both if isinstance(look, Look)]
        whole: dict[str, Any] = {"pairs": [settled((0, 1), read)]} if len(read) == 2 else {}
        main = hashlib.sha256(row["id"].encode("utf-8", "replace")).digest()[0] % 2
        made: list[Made] = []
        for number, more in ((main, {"batch": "main", **whole}), (1 - main, {"batch": "repeat"})):
            look = both[number]
            if isinstance(look, Look):
                made.append(self._judgement(row, number, look.says, {"order": list(look.order), **more}))
            else:
                made.append(look)
        return made

    def _judgement(
        self, row: Row, number: int, answer: str, more: Mapping[str, Any], ranked: list[int] | None = None
    ) -> Made:
        """A row of judgements, as people's are; its order says which response stood where."""
        told = {"batch": "main", "order": None, "discarded": False, "gold": None, **more}
        return {
            "id": row_id(self.name, [row["id"]], number, answer),
            "record": row["id"],
            "annotator": self.sampling.model,
            "answer": answer,
            "ranks": ranked,
            "seconds": None,
            "guidelines": fingerprint({"prompt": self.prompt, "criteria": self.constitution}),
            "metadata": self._notes(row, {"task": "comparisons" if ranked is None else "rankings", **told}),
        }

    def _ordered(self, row: Row, found: Sequence[float], pairs: Sequence[Mapping[str, Any]]) -> Made:
        """A ranking, or what says the same as a judgement, by points or grades."""
        ranked = ranks(found)
        more = {"points": list(found), "pairs": pairs}
        if self.give == "judgements":
            return self._judgement(row, 0, json.dumps(ranked), more, ranked)
        told = self._notes(row, more)
        name = row_id(self.name, [row["id"]], 0, json.dumps(ranked))
        return {"id": name, "prompt": row["prompt"], "responses": row["responses"], "ranks": ranked, "metadata": told}

    def _preference(self, row: Row, answers: Sequence[Sequence[Turn]], pair: Mapping[str, Any]) -> Made:
        a, b = pair["pair"]
        if answers[a] == answers[b]:
            return Left(reason=SAME, said=answers[a][0]["content"])
        chosen, rejected = (b, a) if pair["outcome"] == SECOND else (a, b)
        words = {"1": "chosen" if chosen == a else "rejected", "2": "rejected" if chosen == a else "chosen"}
        votes = [words.get(look["says"], TIE) for look in pair.get("looks") or ()]
        given = row.get("responses")
        named = {"responses": [given[n]["id"] for n in (chosen, rejected)]} if given else {}
        origins = [given[n]["origin"] for n in (chosen, rejected)] if given else [row.get("origin")] * 2
        named |= {"origins": origins} if given and any(origins) else {}
        made = {
            "id": row_id(self.name, [row["id"]], 0, json.dumps([a, b])),
            "prompt": row["prompt"],
            "chosen": list(answers[chosen]),
            "rejected": list(answers[rejected]),
            "margin": pair["margin"],
            "votes": [{"annotator": self.sampling.model, "choice": one} for one in votes],
            "source": row.get("source"),
            "origin": origins[0] if origins[0] == origins[1] else None,  # a judge writes no text
            "parents": [row["id"]],
            "metadata": self._notes(row, {"pairs": [pair], **named}),
        }
        if pair["outcome"] == TIE and self.ties == "drop":
            return Left(reason=TIED, said=json.dumps(made, ensure_ascii=False))
        return made

    def _notes(self, row: Row, more: Mapping[str, Any]) -> str:
        """Metadata; each pair learns what the source itself says of it, which the judge was not told."""
        told = {"by": self.by, "constitution": self.constitution.fingerprint, **more}
        if "pairs" in more:
            told["pairs"] = [{**one, "own": _own(row, *one["pair"])} for one in more["pairs"]]
        return notes(self.name, self.sampling, self.prompt.fingerprint, **told)


def responses(row: Row) -> list[list[Turn]]:
    """What a row compares, each as messages; of preferences, chosen first."""
    if row.get("responses") is not None:
        return [[{"role": "assistant", "content": one["content"]}] for one in row["responses"]]
    return [list(row["chosen"]), list(row["rejected"])]


def _own(row: Row, a: int, b: int) -> str:
    """Which of two responses the source calls the better one."""
    if row.get("responses") is None:
        return TIE if row.get("margin") == 0 else "1"
    one, other = row["ranks"][a], row["ranks"][b]
    return TIE if one == other else "1" if one < other else "2"
