"""Comparisons told by where a response stood and not by where its row has it."""

from collections.abc import Sequence

import polars as pl

NOTE = (
    "Chance-corrected measures compare answers by the place, A or B, where the responses of a row stood, which a hash "
    "decides: told by the order in the source they would count as agreement by chance where it lists the better "
    "response first."
)
SWAPPED = {"1": "2", "2": "1"}


def by_place(parts: Sequence[pl.DataFrame]) -> list[pl.DataFrame] | None:
    """First answers, gold and repeats with 1 for the response that stood first and 2 for the other, in all of them.

    A source of preferences has its better response first, so nearly all answers are `1` and two careful people agree
    no more than two who always say `1` (Feinstein & Cicchetti 1990 on kappa and prevalence). The place is drawn anew
    for each row, and counts for everybody alike: of a record that stood in several orders, its first one.

    Returns None where an order of a first answer is unknown; then answers stay as they are.
    """
    if parts[0]["order"].null_count() or not parts[0].height:
        return None
    orders = pl.concat(part.select("record", swap=pl.col("order").list.first() == 1) for part in parts)
    swaps = orders.drop_nulls().unique("record", keep="first", maintain_order=True)
    found = []
    for part in parts:
        swap = part.select("record").join(swaps, on="record", how="left", maintain_order="left")["swap"]
        both = [
            pl.when(swap).then(pl.col(name).replace(SWAPPED)).otherwise(pl.col(name)) for name in ("answer", "gold")
        ]
        found.append(part.with_columns(*both))
    return found
