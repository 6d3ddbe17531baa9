"""What curation can tell of a text, for the facts of any version: its language, and secrets in it."""

import polars as pl

from .lid import identify
from .secrets.find import anchored
from .secrets.find import secrets as secrets_in

SURE = 0.65  # the probability from which a language is believed, as in the stage `Language`


def language(texts: pl.Series) -> pl.Series:
    """ISO 639 codes; null where the model is not sure or the text has no word."""
    found, probability = identify(texts)
    return pl.select(pl.when(probability >= SURE).then(found)).to_series()


def secrets(texts: pl.Series) -> pl.Series:
    """The kinds of secrets in each text, List(String), in order of place."""
    offsets = anchored(texts)
    rows = offsets.is_not_null().arg_true()  # few: no other text becomes a Python one
    held = zip(texts.gather(rows), offsets.gather(rows).to_list(), strict=True)
    kinds = [[], *([one.kind for one in secrets_in(text, at)] for text, at in held)]
    place = pl.zeros(len(texts), dtype=pl.UInt32, eager=True).scatter(rows, pl.int_range(1, len(kinds), eager=True))
    return pl.Series("secrets", kinds, dtype=pl.List(pl.String)).gather(place)
