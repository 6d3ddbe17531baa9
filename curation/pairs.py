"""Near-duplicates side by side: documents that were dropped beside the one that stays."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from .excerpts import excerpts
from .layers import Layers
from .stage import Stage

_SIDE = ("id", "source", "url", "text", "cut")
PAIRS = pl.Schema(
    {f"{side}_{name}": pl.Boolean if name == "cut" else pl.String for side in ("kept", "dropped") for name in _SIDE}
    | {"jaccard": pl.Float64, "why": pl.String}
)


def side_by_side(layers: Layers, pairs: Sequence[dict[str, Any]], veil: Sequence[Stage] = ()) -> pl.DataFrame:
    """Pairs as `ledger/pairs.parquet` holds them, in the order given.

    Args:
        pairs: `kept` and `dropped`, row numbers over the corpus; `jaccard`; `why` the pair was chosen.
        veil: stages that mask what must not be shown.
    """
    wanted = sorted({pair[side] for pair in pairs for side in ("kept", "dropped")})
    texts = _rows(layers, wanted, veil)
    chosen = pl.DataFrame(
        [{name: pair[name] for name in ("kept", "dropped", "jaccard", "why")} for pair in pairs],
        schema={"kept": pl.Int64, "dropped": pl.Int64, "jaccard": pl.Float64, "why": pl.String},
    )
    for side in ("kept", "dropped"):
        named = texts.rename({name: f"{side}_{name}" for name in _SIDE})
        chosen = chosen.join(named, left_on=side, right_on="row", how="left", maintain_order="left")
    return chosen.select(PAIRS.names())


def _rows(layers: Layers, wanted: Sequence[int], veil: Sequence[Stage]) -> pl.DataFrame:
    """Some rows by their number; only the row groups that hold any are read, one at a time."""
    found = [pl.DataFrame(schema={"row": pl.Int64} | {name: PAIRS[f"kept_{name}"] for name in _SIDE})]
    first = 0
    for part, groups in enumerate(layers.documents.groups() if wanted else []):
        for group, rows in enumerate(groups):
            here = [row for row in wanted if first <= row < first + rows]
            if here:
                index = pl.Series([row - first for row in here], dtype=pl.UInt32)
                texts = excerpts(layers, part, group, index, veil).select(_SIDE)
                found.append(texts.select(pl.Series("row", here, dtype=pl.Int64), *_SIDE))
            first += rows
    return pl.concat(found)
