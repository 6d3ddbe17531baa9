"""What metadata says of a pair: which answer stood first where it was judged, and which split it belongs to."""

import polars as pl

FIRST, SECOND = ("1", "1.0", "a"), ("2", "2.0", "b")  # how a winner is named
SPLITS = ("split", "subset")  # keys of metadata that name a part of the data set


def noted(metadata: pl.Series, key: str) -> pl.Series:
    """The value under a key of each JSON object as text; null where there is none, or no sound JSON."""
    column = pl.DataFrame({"metadata": metadata.cast(pl.String)})
    # Most rows lack most keys, and looking for the word is much cheaper than reading the JSON.
    has = pl.col("metadata").str.contains(f'"{key}"', literal=True)
    some = column.with_row_index("row").filter(has)
    values = some.select("row", pl.col("metadata").str.json_path_match(f"$.{key}").alias("value"))
    rows = column.with_row_index("row").join(values, on="row", how="left", maintain_order="left")
    return rows.get_column("value").cast(pl.String)


def shown_first(metadata: pl.Series) -> pl.Series:
    """1 where the chosen answer stood first, -1 where the rejected one did, 0 where nobody noted it (Int64).

    Adopting a judged pair notes its `winner`: 1 or A is the first of the two. Where people judged the pair again, their
    `outcome` counts from another order, and what was noted before says nothing any more.
    """
    said = pl.DataFrame({"winner": noted(metadata, "winner").str.to_lowercase(), "outcome": noted(metadata, "outcome")})
    place = pl.col("winner").is_in(FIRST).cast(pl.Int64) - pl.col("winner").is_in(SECOND).cast(pl.Int64)
    return said.select(pl.when(pl.col("outcome").is_null()).then(place).otherwise(0).fill_null(0)).to_series()
