"""True labels and people's error rates, estimated together from answers alone.

A. P. Dawid and A. M. Skene (1979). Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm.
Applied Statistics 28(1), 20-28. https://doi.org/10.2307/2346806
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .coded import Coded, Floats, Ints

Model = Literal["confusion", "one-coin"]


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """What the answers say, with k labels, r records and a people.

    Attributes:
        posterior: r x k, how likely each label is the true one.
        priors: k, how frequent each label is.
        confusion: a x k x k, [person, true label, given label]; rows add up to 1.
        objective: after each round, the log-likelihood of the answers plus the log of the imagined ones; never falls.
    """

    posterior: Floats
    priors: Floats
    confusion: Floats
    objective: tuple[float, ...]

    @property
    def reliability(self) -> Floats:
        """a, the chance that a person gives the true label of a record that is picked blindly."""
        return np.asarray(np.einsum("k,akk->a", self.priors, self.confusion))


def dawid_skene(
    answers: Coded,
    *,
    model: Model = "confusion",
    truth: Mapping[str, str] | None = None,
    smoothing: float = 1.0,
    rounds: int = 200,
    tolerance: float = 1e-8,
    counts: Floats | None = None,
    start: Fitted | None = None,
) -> Fitted:
    """Fit by expectation and maximisation, from the shares of the answers.

    Args:
        model: `confusion` has a table of error rates for each person; `one-coin` has one number for each: how often
            they are right, all errors being equally likely. That is for few answers.
        truth: known labels by record; these records say nothing but how good people are. Labels that are no label of
            `answers` are not known.
        smoothing: imagined answers of each person to records of each true label. A true answer is imagined twice as
            often as any one error, so that labels cannot change places and nothing becomes impossible. With 0 it is
            the estimate of the paper.
        rounds, tolerance: stop after so many, or when the objective grows by less than this share of itself.
        counts: how often each record counts; for resampling.
        start: begin here and not from the shares.
    """
    size = len(answers.labels)
    if not answers.record.size:
        return Fitted(
            posterior=np.zeros((0, size)),
            priors=np.full(size, 1 / max(size, 1)),
            confusion=_even(answers),
            objective=(),
        )
    known = _known(answers, truth or {})
    counts = np.ones(len(answers.records)) if counts is None else counts
    pseudo = smoothing * (1 + np.eye(size)) / (size + 1)
    posterior = _shares(answers) if start is None else _expected(answers, start.priors, start.confusion)[0]
    objective: list[float] = []
    while True:
        _clamp(posterior, known)
        priors, confusion = _maximised(answers, posterior, counts, pseudo, smoothing / size, model)
        posterior, evidence = _expected(answers, priors, confusion, known)
        imagined = float((pseudo * _log(confusion)).sum() + smoothing / size * _log(priors).sum()) if smoothing else 0.0
        objective.append(float(counts @ evidence) + imagined)
        grown = objective[-1] - objective[-2] if len(objective) > 1 else np.inf
        if len(objective) >= rounds or grown <= tolerance * (1 + abs(objective[-1])):
            _clamp(posterior, known)
            return Fitted(posterior=posterior, priors=priors, confusion=confusion, objective=tuple(objective))


def intervals(
    answers: Coded,
    fitted: Fitted,
    *,
    model: Model = "confusion",
    truth: Mapping[str, str] | None = None,
    smoothing: float = 1.0,
    draws: int = 100,
    seed: int = 0,
) -> Floats:
    """a x 2, the ends of 95 % intervals of `reliability`: the model fitted again to records drawn with replacement."""
    random = np.random.default_rng(seed)
    many = len(answers.records)
    drawn = np.zeros((draws, len(answers.annotators)))
    for number in range(draws):
        counts = np.bincount(random.integers(0, many, many), minlength=many).astype(np.float64)
        again = dawid_skene(
            answers,
            model=model,
            truth=truth,
            smoothing=smoothing,
            counts=counts,
            start=fitted,
            rounds=20,  # from a good start; what is left to gain is far smaller than the interval
            tolerance=1e-5,
        )
        drawn[number] = again.reliability
    return np.asarray(np.percentile(drawn, (2.5, 97.5), axis=0).T)


def vote_weights(answers: Coded, fitted: Fitted) -> Floats:
    """a, what one answer of each person counts for: log((k - 1) p / (1 - p)) with p their reliability, at least 0.

    The sum of these weights is largest for the most likely label, if people err independently and all errors are
    equally likely (Nitzan and Paroush 1982, https://doi.org/10.2307/2526438). Somebody no better than chance counts
    for nothing; nobody counts against what they say.
    """
    right = np.clip(fitted.reliability, 1e-9, 1 - 1e-9)
    return np.asarray(np.maximum(np.log(max(len(answers.labels) - 1, 1) * right / (1 - right)), 0.0))


def _even(answers: Coded) -> Floats:
    size = len(answers.labels)
    return np.full((len(answers.annotators), size, size), 1 / max(size, 1))


def _known(answers: Coded, truth: Mapping[str, str]) -> tuple[Ints, Ints]:
    """Numbers of the records whose label is known, and their labels."""
    places = {label: number for number, label in enumerate(answers.labels)}
    found = [(n, places[truth[name]]) for n, name in enumerate(answers.records) if truth.get(name) in places]
    pairs = np.array(found, dtype=np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _clamp(posterior: Floats, known: tuple[Ints, Ints]) -> None:
    records, labels = known
    posterior[records] = 0.0
    posterior[records, labels] = 1.0


def _shares(answers: Coded) -> Floats:
    size = len(answers.labels)
    votes = np.bincount(answers.record * size + answers.label, minlength=len(answers.records) * size)
    votes = votes.reshape(-1, size).astype(np.float64)
    return np.asarray(votes / votes.sum(axis=1, keepdims=True))


def _maximised(
    answers: Coded, posterior: Floats, counts: Floats, pseudo: Floats, prior: float, model: Model
) -> tuple[Floats, Floats]:
    people, size = len(answers.annotators), len(answers.labels)
    weighed = (posterior * counts[:, None])[answers.record]
    cell = answers.annotator * size + answers.label
    seen = np.stack(
        [np.bincount(cell, weights=weighed[:, true], minlength=people * size) for true in range(size)]
    ).reshape(size, people, size)
    table = seen.transpose(1, 0, 2) + pseudo
    if model == "one-coin":
        right = np.einsum("akk->a", table) / np.maximum(table.sum(axis=(1, 2)), 1e-300)
        error = (1 - right) / max(size - 1, 1)
        eye = np.eye(size)
        confusion = right[:, None, None] * eye + error[:, None, None] * (1 - eye)
    else:
        whole = table.sum(axis=2, keepdims=True)
        confusion = np.where(whole > 1e-200, table / np.maximum(whole, 1e-200), 1 / size)  # nobody seen: nothing known
    frequent = counts @ posterior + prior
    return frequent / frequent.sum(), confusion


def _expected(
    answers: Coded, priors: Floats, confusion: Floats, known: tuple[Ints, Ints] | None = None
) -> tuple[Floats, Floats]:
    """The posterior, and the log-likelihood of the answers to each record (with its label, where that is known)."""
    people, size = len(answers.annotators), len(answers.labels)
    likelihood = _log(confusion).transpose(0, 2, 1).reshape(people * size, size)
    each = likelihood[answers.annotator * size + answers.label]
    joint = np.add.reduceat(each, answers.starts, axis=0) + _log(priors)
    most = joint.max(axis=1, keepdims=True)
    scaled = np.exp(joint - most)
    whole = scaled.sum(axis=1, keepdims=True)
    evidence = (most + np.log(whole))[:, 0]
    if known is not None:
        evidence[known[0]] = joint[known]
    return scaled / whole, evidence


def _log(values: Floats) -> Floats:
    """The logarithm; of 0, one so low that nothing makes up for it, and that is still a number."""
    return np.asarray(np.log(np.maximum(values, 1e-300)))
