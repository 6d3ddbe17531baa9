"""Everything two people said about the same row, as one frame from which people, pairs and slices are measured."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from .interval import Floats, Measured, mean_share, proportion, undefined
from .rankings import Signs, same_order, signs, tau_b
from .two import Weights, cohen_kappa

PAIRS = 300  # pairs of people that are shown; a pool of a hundred has 4,950


def pairs(answers: pl.DataFrame) -> pl.DataFrame:
    """One row for every record and two people who judged it.

    Args:
        answers: `record`, `annotator`, and `code` (a label's number) or `ranks`; a person judges a record once.

    Returns:
        `record`, `a`, `b` (people), `first`, `second` (codes; null for rankings), `same` (1 or 0; for rankings the
        share of pairs of responses in the same order), `tau` (null where undefined, and for labels).

    Raises:
        ValueError: two rankings of one record are of different lengths.
    """
    ranked = "ranks" in answers.columns
    numbered = answers.select("record", "annotator", *([] if ranked else ["code"])).with_row_index("row")
    both = numbered.join(numbered, on="record", suffix="_b").filter(pl.col("row") < pl.col("row_b"))
    frame = both.select(
        "record",
        a="annotator",
        b="annotator_b",
        first=pl.lit(None, pl.Int64) if ranked else pl.col("code"),
        second=pl.lit(None, pl.Int64) if ranked else pl.col("code_b"),
        same=pl.lit(None, pl.Float64) if ranked else (pl.col("code") == pl.col("code_b")).cast(pl.Float64),
        tau=pl.lit(None, pl.Float64),
    )
    if not ranked:
        return frame
    same, tau = compared(answers["ranks"].to_list(), both["row"].to_numpy(), both["row_b"].to_numpy())
    return frame.with_columns(same=pl.Series(same).fill_nan(None), tau=pl.Series(tau).fill_nan(None))


def compared(rankings: Sequence[Sequence[int]], one: Any, other: Any) -> tuple[Any, Any]:
    """Same order (share of pairs of responses) and tau-b of rankings `one[i]` and `other[i]`; NaN where undefined."""
    lengths = np.array([len(ranks) for ranks in rankings], dtype=np.int64)
    unlike = np.flatnonzero(lengths[one] != lengths[other])
    if len(unlike):
        left, right = rankings[int(one[unlike[0]])], rankings[int(other[unlike[0]])]
        raise ValueError(
            f"two rankings of one record have {len(left)} and {len(right)} ranks: {left} and {right}; "
            "each must have one rank for every response"
        )
    same, tau = np.full(len(one), np.nan), np.full(len(one), np.nan)
    for length in np.unique(lengths[lengths >= 2]):
        where = np.flatnonzero(lengths == length)
        order: Signs = signs(np.array([rankings[int(at)] for at in where], dtype=np.float64))
        place = np.full(len(lengths), -1)
        place[where] = np.arange(len(where))
        mine = np.flatnonzero(lengths[one] == length)
        left_order, right_order = order[place[one[mine]]], order[place[other[mine]]]
        same[mine], tau[mine] = same_order(left_order, right_order), tau_b(left_order, right_order)
    return same, tau


def by_annotator(found: pl.DataFrame, seed: int) -> dict[str, Measured]:
    """How often each person agrees with the others: the share of them, averaged over the records they share."""
    sides = [found.select("record", "same", who=side) for side in ("a", "b")]
    shares = pl.concat(sides).group_by("who", "record").agg(pl.col("same").mean()).drop_nulls().sort("who", "record")
    return {
        str(who): mean_share(part["same"].to_numpy(), seed=seed, resamples=1000)
        for (who,), part in shares.group_by("who", maintain_order=True)
    }


def by_pair(found: pl.DataFrame, labels: int, weights: Weights | Floats, seed: int) -> tuple[list[dict[str, Any]], int]:
    """One entry for each two people with records in common, and how many more there are than are shown.

    Of more than 300 pairs, those with the most records in common are shown.
    """
    groups = found.group_by("a", "b").len().sort(["len", "a", "b"], descending=[True, False, False])
    shown = groups.head(PAIRS).select("a", "b")
    entries = []
    parts = found.join(shown, on=["a", "b"], how="semi").sort("a", "b", "record")
    for (a, b), part in parts.group_by("a", "b", maintain_order=True):
        entry: dict[str, Any] = {"a": a, "b": b, "records": part.height, "kappa": None, "tau": None}
        if labels:
            entry["agreement"] = proportion(int(part["same"].sum()), part.height).triple()
            measure = cohen_kappa(part["first"], part["second"], labels, weights, seed=seed, resamples=1000)
            entry["kappa"] = measure.triple()
        else:
            entry["agreement"] = mean_share(part["same"].drop_nulls().to_numpy(), seed=seed, resamples=1000).triple()
            taus = part["tau"].drop_nulls().to_numpy()
            measure = mean_share(taus, seed=seed, resamples=1000, lowest=-1.0)
            entry["tau"] = measure.triple()
        entries.append({**entry, **({"why": measure.why} if measure.why else {})})
    entries.sort(key=lambda one: (natural(one["a"]), natural(one["b"])))
    return entries, groups.height - shown.height


def by_record(found: pl.DataFrame, column: str) -> Mapping[str, float]:
    """The mean of `same` or `tau` over the pairs of people of each record that has one."""
    means = found.drop_nulls(column).group_by("record").agg(pl.col(column).mean()).sort("record")
    return dict(zip(means["record"], means[column], strict=True))


def repeated(shares: Sequence[float], seed: int) -> Measured:
    """The share of answers that were right, or the same again; Wilson's interval where each is right or wrong."""
    if not shares:
        return undefined(0, "there is nothing to count")
    if all(share in (0.0, 1.0) for share in shares):
        return proportion(int(sum(shares)), len(shares))
    return mean_share(shares, seed=seed, resamples=1000)


def natural(name: str) -> tuple[int, str]:
    """Sorts a2 before a10."""
    return len(name), name
