"""One label for each record out of what several people said about it. All of it is pure."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import polars as pl

from dataset_cards.versions.errors import Misuse

from ..judged import ADJUDICATION, FIRST
from .trust import Trust, trust
from .votes import votes

By = Literal["majority", "weighted", "dawid-skene", "adjudicated"]
EVEN = 1e-9  # sums of weights nearer than this are equal

DECIDED: Mapping[str, Any] = {
    "record": pl.String,
    "label": pl.String,  # null where nothing won
    "how": pl.String,  # unanimous, majority, weighted, adjudicated, tie; null where nothing can be decided
    "votes": pl.Int64,  # the answers that decided; where there are adjudications, those
    "margin": pl.Float64,  # of the label over the next one, as a share of all that counted, 0 to 1
    "reason": pl.String,  # why there is no decision: no-votes, all-discarded, not-adjudicated
}


def decide(
    judgements: pl.DataFrame,
    *,
    by: By = "majority",
    weights: Mapping[str, float] | None = None,
    trusted: Trust | None = None,
) -> pl.DataFrame:
    """One row under DECIDED for every record that anything was said about in a voting batch, ordered by record.

    Adjudications stand over first answers. What everybody says stands. Otherwise the label wins that

    * `majority`: more people gave than any other;
    * `weighted`: has the largest sum of weights, see `vote_weights`; an answer never counts against itself;
    * `dawid-skene`: is the most likely one in the model with a table of errors for each person. There an answer may
      speak for another label, when its author is known to mix the two up;
    * `adjudicated`: nobody's; such a record is not decided.

    Where two are level, nothing won: `how` is `tie` and `label` is null.

    Args:
        judgements: under `judged.SCHEMA`; gold and repeats are no votes, discarded answers neither.
        weights: by annotator, for `weighted`, in place of estimated ones; at least 0.
        trusted: what `trust` said of these judgements, where it is there already.
    """
    first, second = votes(judgements), votes(judgements, ADJUDICATION)
    second_records = second.get_column("record").unique().implode()
    first = first.filter(~pl.col("record").is_in(second_records))
    one = pl.lit(1.0).alias("weight")
    parts = [_named(_won(second.with_columns(one)), "adjudicated")]
    same = first.filter(pl.col("answer").n_unique().over("record") == 1)
    split = first.filter(pl.col("answer").n_unique().over("record") > 1)
    parts.append(_named(_won(same.with_columns(one)), "unanimous"))
    if by == "majority":
        parts.append(_named(_won(split.with_columns(one)), "majority"))
    elif by == "weighted":
        given = (trusted or trust(judgements, draws=0)).weight if weights is None else _checked(weights, split)
        told = pl.DataFrame({"annotator": list(given), "weight": list(given.values())}, _WEIGHTS)
        parts.append(_named(_won(split.join(told, on="annotator", how="left")), "weighted"))
    elif by == "dawid-skene":
        model = (trusted or trust(judgements, model="confusion", draws=0)) if not split.is_empty() else None
        parts.append(_named(_likely(split, model), "weighted"))
    else:
        records = split.group_by("record").agg(pl.len().cast(pl.Int64).alias("votes"))
        parts.append(_undecided(records, "not-adjudicated"))
    decided = pl.concat(parts)
    return pl.concat([decided, _silent(judgements, decided)]).sort("record")


_WEIGHTS = {"annotator": pl.String(), "weight": pl.Float64()}


def _checked(weights: Mapping[str, float], split: pl.DataFrame) -> Mapping[str, float]:
    people = set(split.get_column("annotator"))
    if missing := sorted(people - set(weights)):
        raise Misuse(f"weights: none for {', '.join(missing[:5])}; give one for everybody who answered")
    if negative := sorted(name for name, weight in weights.items() if not weight >= 0):
        raise Misuse(f"weights: {', '.join(negative[:5])} below 0; an answer cannot count against what it says")
    return weights


def _won(counted: pl.DataFrame) -> pl.DataFrame:
    """Per record the label with the largest sum of `weight`, null where two are level; its margin; the votes."""
    sums = counted.group_by("record", "answer").agg(pl.col("weight").sum(), pl.len())
    ranked = sums.sort("record", "weight", "answer", descending=[False, True, False])
    best = ranked.group_by("record", maintain_order=True).agg(
        pl.col("answer").first().alias("label"),
        (pl.col("weight").first() - pl.col("weight").slice(1, 1).sum()).alias("lead"),
        pl.col("weight").sum().alias("whole"),
        pl.col("len").sum().cast(pl.Int64).alias("votes"),
    )
    level = pl.col("lead") <= EVEN
    return best.select(
        "record",
        pl.when(level).then(None).otherwise("label").alias("label"),
        "votes",
        pl.when(level).then(0.0).otherwise(pl.col("lead") / pl.col("whole")).round(6).alias("margin"),
    )


def _likely(split: pl.DataFrame, model: Trust | None) -> pl.DataFrame:
    """Per record the most likely label, null where two are equally likely; how far it is ahead; the votes."""
    many = split.group_by("record").agg(pl.len().cast(pl.Int64).alias("votes")).sort("record")
    if model is None:
        return _won(split.with_columns(pl.lit(1.0).alias("weight")))
    place = {name: n for n, name in enumerate(model.answers.records)}
    likely = model.fitted.posterior[[place[record] for record in many.get_column("record")]]
    order = np.argsort(-likely, axis=1, kind="stable")
    lead = np.take_along_axis(likely, order[:, :1], 1)[:, 0] - np.take_along_axis(likely, order[:, 1:2], 1)[:, 0]
    labels = [
        model.answers.labels[number] if ahead > EVEN else None for number, ahead in zip(order[:, 0], lead, strict=True)
    ]
    return many.with_columns(
        pl.Series("label", labels, dtype=pl.String), pl.Series("margin", np.where(lead > EVEN, lead, 0.0)).round(6)
    )


def _named(won: pl.DataFrame, how: str) -> pl.DataFrame:
    said = pl.when(pl.col("label").is_null()).then(pl.lit("tie")).otherwise(pl.lit(how))
    return won.with_columns(said.alias("how"), pl.lit(None, dtype=pl.String).alias("reason")).select(
        pl.col(name).cast(dtype) for name, dtype in DECIDED.items()
    )


def _undecided(records: pl.DataFrame, reason: str) -> pl.DataFrame:
    empty = [pl.lit(None).alias(name) for name in ("label", "how")]
    return records.with_columns(*empty, pl.lit(0.0).alias("margin"), pl.lit(reason).alias("reason")).select(
        pl.col(name).cast(dtype) for name, dtype in DECIDED.items()
    )


def _silent(judgements: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
    """Records that somebody was shown and nobody has a vote on."""
    shown = judgements.filter(
        pl.col("batch").is_in([*FIRST, *ADJUDICATION]),
        ~pl.col("record").is_in(decided.get_column("record").implode()),
    )
    records = shown.group_by("record").agg(pl.col("discarded").all(), pl.lit(0, dtype=pl.Int64).alias("votes"))
    return pl.concat(
        [
            _undecided(records.filter("discarded"), "all-discarded"),
            _undecided(records.filter(~pl.col("discarded")), "no-votes"),
        ]
    )
