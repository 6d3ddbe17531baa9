"""What a model is asked about answers, and its verdict: which of two is better, or how good one is."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dataset_cards.versions.job import Refused

from .constitution import Constitution
from .generator import Unreadable
from .llm.llm import Reply, Request, Sampling
from .material import Turns, mark, transcript, written
from .prompt import Prompt
from .tags import choice, score

FIRST, SECOND, TIE = "1", "2", "tie"  # the first or the second of the pair is better, wherever it was shown
LOW, HIGH = 1, 10  # of grades
CHOICES = 20  # likeliest tokens asked for; servers of the OpenAI protocol give no more


@dataclass(frozen=True, kw_only=True)
class Look:
    """One answer about a pair. `order[p]` is the response at place p, `first` the probability that 1 is better."""

    order: tuple[int, int]
    says: str
    first: float | None = None

    def json(self) -> dict[str, Any]:
        return {"order": list(self.order), "says": self.says}


@dataclass(frozen=True, kw_only=True)
class Asking:
    """A prompt, the criteria it is filled with, and who is asked."""

    prompt: Prompt
    constitution: Constitution
    sampling: Sampling

    def pair(self, asked: Turns, first: Turns, second: Turns, logprobs: bool = False) -> list[Request]:
        """Which of two answers is better: in their order, and the other way round."""
        sign = mark(written(asked), written(first), written(second))
        shown = [_body(first, sign), _body(second, sign)]
        gaps = {"mark": sign, "conversation": transcript(asked, sign), "criteria": self.constitution.listed()}
        filled = [self.prompt.fill({**gaps, "first": one, "second": other}) for one, other in (shown, shown[::-1])]
        choices = CHOICES if logprobs else 0
        return [Request(messages=messages, sampling=self.sampling, logprobs=choices) for messages in filled]

    def grade(self, asked: Turns, answer: Turns) -> Request:
        """How good one answer is."""
        sign = mark(written(asked), written(answer))
        gaps = {"mark": sign, "conversation": transcript(asked, sign), "criteria": self.constitution.listed()}
        return Request(messages=self.prompt.fill({**gaps, "answer": _body(answer, sign)}), sampling=self.sampling)


def _body(answer: Turns, sign: str) -> str:
    """An answer of one message is its text; of several, a transcript."""
    return answer[0]["content"] if len(answer) == 1 else transcript(answer, sign)


def looks(replies: Sequence[Reply], logprobs: bool = False) -> list[Look | Unreadable]:
    """The verdicts in the two replies to `Asking.pair`."""
    read = _likelier if logprobs else _verdict
    return [read(reply, order) for reply, order in zip(replies, ((0, 1), (1, 0)), strict=True)]


def grade(reply: Reply) -> int | Unreadable:
    """The grade in the reply to `Asking.grade`."""
    return score(reply, "score", LOW, HIGH)


def _verdict(reply: Reply, order: tuple[int, int]) -> Look | Unreadable:
    said = choice(reply, "verdict", ("A", "B", TIE))
    if isinstance(said, Unreadable):
        return said
    return Look(order=order, says=TIE if said == TIE else (FIRST, SECOND)[order["AB".index(said)]])


def _likelier(reply: Reply, order: tuple[int, int]) -> Look | Unreadable:
    """By the probabilities of A and B as the first token, as Lee et al. 2023 do (arXiv 2309.00267, section 2.1).

    Raises:
        Refused: the server gives no log-probabilities.
    """
    if reply.finish == "refusal":
        return Unreadable(reason="refused", said=reply.text)
    if reply.logprobs is None and not reply.text.strip():
        return Unreadable(reason="empty", said=reply.text)  # of nothing there are no probabilities
    if reply.logprobs is None or (reply.logprobs and not reply.logprobs[0].top):
        raise Refused("the server gave no log-probabilities; use one that does, --llm local:MODEL, or -p by=verdict")
    weight = {"A": 0.0, "B": 0.0}
    token = next((one for one in reply.logprobs if one.text.strip()), None)
    for one in token.top if token is not None else ():
        if one.text.strip() in weight:
            weight[one.text.strip()] += math.exp(one.logprob)
    if token is None or token.text.strip() not in weight or not sum(weight.values()):
        return Unreadable(reason="no-choice", said=reply.text)
    ahead = weight["A"] / sum(weight.values())
    first = ahead if order == (0, 1) else 1.0 - ahead
    says = TIE if ahead == 0.5 else FIRST if first > 0.5 else SECOND
    return Look(order=order, says=says, first=first)


def settled(numbers: tuple[int, int], found: Sequence[Look]) -> dict[str, Any]:
    """What two looks at the responses `numbers` come to, as metadata tells it; looks that disagree make a tie.

    `margin` is 1 for a verdict, and how far the mean probability is from even odds (0 to 1) where there are some.
    """
    agree = found[0].says == found[1].says
    outcome = found[0].says if agree else TIE
    told: dict[str, Any] = {"pair": list(numbers), "outcome": outcome, "looks": [look.json() for look in found]}
    given = [look.first for look in found if look.first is not None]
    margin = 0.0 if outcome == TIE else 1.0
    if given:
        mean = sum(given) / len(given)
        told["probability"] = round(mean, 6)
        margin = 0.0 if outcome == TIE else round(abs(2 * mean - 1), 6)
    return {**told, "margin": margin}


def compared(numbers: tuple[int, int], grades: tuple[int, int]) -> dict[str, Any]:
    """What the grades of two responses come to, in the form of `settled`."""
    outcome = TIE if grades[0] == grades[1] else FIRST if grades[0] > grades[1] else SECOND
    return {
        "pair": list(numbers),
        "outcome": outcome,
        "scores": list(grades),
        "margin": float(abs(grades[0] - grades[1])),
    }


def same(numbers: tuple[int, int]) -> dict[str, Any]:
    """Two responses that say the same, which nobody was asked about."""
    return {"pair": list(numbers), "outcome": TIE, "margin": 0.0}


def ranks(points: Sequence[float]) -> list[int]:
    """1 for the most points; the same for the same points, and then numbers are left out."""
    return [1 + sum(other > one for other in points) for one in points]


def points(size: int, settled_pairs: Sequence[Mapping[str, Any]]) -> list[float]:
    """Pairs won, and half of those that ended in a tie, of each of `size` responses (Copeland's method)."""
    found = [0.0] * size
    for one in settled_pairs:
        for number, side in zip(one["pair"], (FIRST, SECOND), strict=True):
            found[number] += 0.5 if one["outcome"] == TIE else float(one["outcome"] == side)
    return found
