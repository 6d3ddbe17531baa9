"""How far each person is trusted when labels are decided."""

from dataclasses import dataclass

import polars as pl

from ..judged import ADJUDICATION
from ..reliability.coded import Coded, Floats, coded
from ..reliability.dawid_skene import Fitted, Model, dawid_skene, intervals, vote_weights
from .votes import GOLD, votes

MIN_RECORDS = 20


@dataclass(frozen=True, kw_only=True)
class Trust:
    """What Dawid and Skene's model says of the answers, and by annotator:

    Attributes:
        reliability: how likely their answer is the true one, with the ends of a 95 % interval; empty where fewer than
            MIN_RECORDS records were judged: the model then explains them perfectly, and says it is sure.
        weight: what one answer counts for, at least 0; see `vote_weights`.
    """

    answers: Coded
    fitted: Fitted
    reliability: dict[str, list[float]]
    weight: dict[str, float]


def trust(judgements: pl.DataFrame, *, model: Model = "one-coin", draws: int = 100, seed: int = 0) -> Trust:
    """Estimated from votes and gold items together; gold answers and what adjudicators agreed on are taken as true.

    Args:
        draws: fits to records drawn again, for the intervals; of none, the intervals have no width.
    """
    first = pl.concat([votes(judgements), votes(judgements, GOLD)])
    known = known_labels(judgements)
    answers = coded(first, labels=tuple(sorted({*first.get_column("answer"), *known.values()})))
    fitted = dawid_skene(answers, model=model, truth=known)
    ends = _ends(answers, fitted, model, known, draws, seed)
    weights = vote_weights(answers, fitted)
    enough = len(answers.records) >= MIN_RECORDS
    return Trust(
        answers=answers,
        fitted=fitted,
        reliability={
            name: [round(float(value), 4) for value in (fitted.reliability[n], *ends[n])]
            for n, name in enumerate(answers.annotators)
            if enough
        },
        weight={name: round(float(weights[n]), 4) for n, name in enumerate(answers.annotators)},
    )


def known_labels(judgements: pl.DataFrame) -> dict[str, str]:
    """Labels by record that are not to be estimated: of gold items, and where all adjudicators say the same."""
    second = votes(judgements, ADJUDICATION).group_by("record").agg(pl.col("answer").unique())
    agreed = {record: answers[0] for record, answers in second.iter_rows() if len(answers) == 1}
    gold = judgements.filter(pl.col("batch") == "gold", pl.col("gold").is_not_null())
    return agreed | dict(gold.select("record", "gold").iter_rows())


def _ends(
    answers: Coded, fitted: Fitted, model: Model, known: dict[str, str], draws: int, seed: int
) -> list[tuple[float, float]]:
    if not answers.records or not draws:
        return [(float(value), float(value)) for value in fitted.reliability]
    ends: Floats = intervals(answers, fitted, model=model, truth=known, draws=draws, seed=seed)
    # The interval of drawn fits may just miss the fit itself when few records were judged.
    return [
        (min(float(low), float(value)), max(float(high), float(value)))
        for (low, high), value in zip(ends, fitted.reliability, strict=True)
    ]
