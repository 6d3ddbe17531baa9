"""What synth can tell, for the facts of any version: whether a text refuses, and whether an answer can be checked."""

import polars as pl

from .refusals import refusal
from .verify.audit import audit


def refused(texts: pl.Series) -> pl.Series:
    """Whether each text declines what was asked, wholly or in part; the same text is looked at once."""
    different = texts.unique(maintain_order=True)
    told = {text: refusal(text) != "none" for text in different.drop_nulls()}
    return texts.replace_strict(told, default=False, return_dtype=pl.Boolean)


def unchecked(rows: pl.DataFrame) -> pl.Series:
    """What keeps each row (`id, verifier, answer`) from being checked; empty where nothing does.

    Null where telling would run code out of the data: the recipe `audit` does that, when somebody asks for it.
    """
    asked = rows.filter(pl.col("verifier").ne_missing("python-tests"))
    found = audit(asked).uncheckable.select("verifier", "answer", "problem").unique()
    joined = rows.join(found, on=["verifier", "answer"], how="left", nulls_equal=True, maintain_order="left")
    problem = pl.col("problem").fill_null("")
    return joined.select(pl.when(pl.col("verifier").ne_missing("python-tests")).then(problem)).to_series()
