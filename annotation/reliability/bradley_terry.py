"""Strengths of things that people put in order, with a weight for each person.

Ties as in R. R. Davidson (1970), On Extending the Bradley-Terry Model to Accommodate Ties in Paired Comparison
Experiments, JASA 65(329), 317-328 (https://doi.org/10.2307/2283595): with strengths p and q, the first wins, the second
wins, or they tie in proportion to p, q and nu * sqrt(p * q). Davidson and not Rao-Kupper: the order by strength is then
the order by wins plus half the ties, when everything is compared equally often.

People as in X. Chen, P. Bennett, K. Collins-Thompson and E. Horvitz (2013), Pairwise Ranking Aggregation in a
Crowdsourced Setting, WSDM (https://doi.org/10.1145/2433396.2433420): a person says what they saw with chance eta, and
the opposite otherwise. A tie is its own opposite, so it says nothing about eta.
"""

from dataclasses import dataclass

import numpy as np

from .coded import Floats, Ints


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One entry per comparison: `annotator` says that item `first` beats item `second`, or that they tie.

    Attributes:
        items, annotators: how many there are.
        first, second, annotator: int64, numbers from 0.
        tie: bool.
    """

    items: int
    annotators: int
    first: Ints
    second: Ints
    annotator: Ints
    tie: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


@dataclass(frozen=True, kw_only=True)
class Strengths:
    """What the comparisons say.

    Attributes:
        strength: one log-strength per item; 0 is what is expected of an item that nobody compared.
        eta: one per annotator, the chance that they do not say the opposite of what they saw.
        ties: nu, how easily things tie.
        objective: after each round, the log-likelihood plus the log of the imagined comparisons; never falls.
    """

    strength: Floats
    eta: Floats
    ties: float
    objective: tuple[float, ...]


def bradley_terry(
    compared: Compared,
    *,
    weigh: bool = True,
    prior: float = 0.1,
    trust: tuple[float, float] = (10.0, 1.0),
    rounds: int = 500,
    tolerance: float = 1e-9,
    counts: Floats | None = None,
    start: Strengths | None = None,
) -> Strengths:
    """Fit by a minorisation that raises the objective in every round (Hunter 2004, https://doi.org/10.1214/aos/1079120141).

    Args:
        weigh: estimate eta; otherwise everybody says what they saw.
        prior: strengths are drawn towards 1 by Gamma(1 + prior, prior), so that one that never lost stays finite, and
            things that were never compared with each other are on one scale. Larger is stronger.
        trust: imagined answers that were right and wrong, for eta. More right than wrong keeps the order from being
            turned round altogether.
        rounds, tolerance: stop after so many, or when the objective grows by less than this share of itself.
        counts: how often each comparison counts; for resampling.
        start: begin here.
    """
    counts = np.ones(len(compared.first)) if counts is None else counts
    power = np.ones(compared.items) if start is None else np.exp(start.strength)
    eta = np.full(compared.annotators, 0.9 if weigh else 1.0) if start is None else start.eta
    nu = (0.5 if (compared.tie & (counts > 0)).any() else 0.0) if start is None else start.ties
    objective: list[float] = []
    while True:
        objective.append(_objective(compared, counts, power, eta, nu, prior, trust if weigh else None))
        grown = objective[-1] - objective[-2] if len(objective) > 1 else np.inf
        if len(objective) > rounds or grown <= tolerance * (1 + abs(objective[-1])):
            return Strengths(strength=np.log(power), eta=eta, ties=nu, objective=tuple(objective))
        meant = _meant(compared, power, eta)
        power = _stronger(compared, counts, power, meant, nu, prior)
        nu = _tied(compared, counts, power, nu)
        if weigh:
            eta = _trusted(compared, counts, meant, trust)


def _objective(
    compared: Compared,
    counts: Floats,
    power: Floats,
    eta: Floats,
    nu: float,
    prior: float,
    trust: tuple[float, float] | None,
) -> float:
    p, q, e = power[compared.first], power[compared.second], eta[compared.annotator]
    geometric = np.sqrt(p * q)
    said = np.where(compared.tie, max(nu, 1e-300) * geometric, e * p + (1 - e) * q)
    whole = float(counts @ (np.log(said) - np.log(p + q + nu * geometric)))
    drawn = prior * float((np.log(power) - power).sum())
    believed = float((trust[0] * np.log(eta) + trust[1] * np.log1p(-eta)).sum()) if trust else 0.0
    return whole + drawn + believed


def _meant(compared: Compared, power: Floats, eta: Floats) -> Floats:
    """How likely each answer is what the person saw, and not its opposite; of ties a half, which says nothing."""
    e = eta[compared.annotator]
    right, wrong = e * power[compared.first], (1 - e) * power[compared.second]
    return np.asarray(np.where(compared.tie, 0.5, right / (right + wrong)))


def _stronger(compared: Compared, counts: Floats, power: Floats, meant: Floats, nu: float, prior: float) -> Floats:
    p, q = power[compared.first], power[compared.second]
    each = counts / (p + q + nu * np.sqrt(p * q))
    size = compared.items
    wins = np.bincount(compared.first, weights=counts * meant, minlength=size)
    wins += np.bincount(compared.second, weights=counts * (1 - meant), minlength=size)
    met = np.bincount(compared.first, weights=each * (1 + nu / 2 * np.sqrt(q / p)), minlength=size)
    met += np.bincount(compared.second, weights=each * (1 + nu / 2 * np.sqrt(p / q)), minlength=size)
    if prior:
        return np.asarray((wins + prior) / (met + prior))
    stronger = np.where(met > 0, np.maximum(wins, 1e-12) / np.maximum(met, 1e-300), 1.0)
    return np.asarray(stronger / np.exp(np.log(stronger).mean()))  # only ratios mean anything without a prior


def _tied(compared: Compared, counts: Floats, power: Floats, nu: float) -> float:
    p, q = power[compared.first], power[compared.second]
    geometric = np.sqrt(p * q)
    expected = float(counts @ (geometric / (p + q + nu * geometric)))
    return float(counts @ compared.tie) / expected if expected else 0.0


def _trusted(compared: Compared, counts: Floats, meant: Floats, trust: tuple[float, float]) -> Floats:
    decided = counts * ~compared.tie
    right = np.bincount(compared.annotator, weights=decided * meant, minlength=compared.annotators)
    whole = np.bincount(compared.annotator, weights=decided, minlength=compared.annotators)
    return np.asarray((right + trust[0]) / (whole + trust[0] + trust[1]))


def eta_intervals(
    compared: Compared, groups: Ints, fitted: Strengths, *, prior: float = 0.1, draws: int = 100, seed: int = 0
) -> Floats:
    """annotators x 2, the ends of 95 % intervals of `eta`: fitted again to groups drawn with replacement.

    Args:
        groups: for each comparison, the number of the record it is about.
    """
    random = np.random.default_rng(seed)
    many = int(groups.max()) + 1 if groups.size else 0
    drawn = np.zeros((draws, compared.annotators))
    for number in range(draws):
        times = np.bincount(random.integers(0, many, many), minlength=many) if many else np.zeros(0)
        counts = times[groups].astype(np.float64)
        again = bradley_terry(compared, prior=prior, counts=counts, start=fitted, rounds=20, tolerance=1e-5)
        drawn[number] = again.eta
    return np.asarray(np.percentile(drawn, (2.5, 97.5), axis=0).T)
