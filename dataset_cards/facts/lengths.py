"""How long the texts of a version are: characters, bytes, words."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from .batch import Batch, Ints
from .spread import Spread

_SPACE = np.isin(np.arange(256), list(b" \t\n\r\x0b\x0c"))


class Lengths:
    """`lengths`: of each text column, what one row holds; of messages and responses, all of a row together.

    Words are what white space separates, which says little of languages that are written without.
    """

    def __init__(self, columns: Iterable[str]) -> None:
        self.spreads = {name: Spread() for name in columns}
        self.sums = {name: dict.fromkeys(("missing", "bytes", "words"), 0) for name in self.spreads}

    def add(self, batch: Batch) -> None:
        for name, spread in self.spreads.items():
            held = batch.column(name).is_not_null().to_numpy()
            texts, _ = batch.texts(name)
            characters = texts.str.len_chars().cast(pl.Int64).to_numpy()
            if not batch.is_plain(name):
                characters = batch.turns(name).sums(characters)
            spread.add(characters[held])
            sums = self.sums[name]
            sums["missing"] += int((~held).sum())
            sums["bytes"] += int(texts.str.len_bytes().cast(pl.Int64).sum())
            sums["words"] += int(words(texts).sum())

    def json(self) -> dict[str, Any]:
        return {
            "lengths": {
                name: {"characters": spread.sum, **self.sums[name], **spread.summary(), **spread.histogram()}
                for name, spread in self.spreads.items()
            }
        }


def words(texts: pl.Series) -> Ints:
    """How many words each text has that ASCII white space separates. No nulls."""
    array = texts.to_arrow(compat_level=pl.CompatLevel.oldest())
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    _, places, data = array.buffers()
    if data is None or not data.size:
        return np.zeros(len(texts), dtype=np.int64)
    offsets = np.frombuffer(places, dtype=np.int64)[array.offset : array.offset + len(array) + 1]
    start, end = int(offsets[0]), int(offsets[-1])
    visible = ~_SPACE[np.frombuffer(data, dtype=np.uint8)[start:end]]
    begins = visible.copy()
    begins[1:] &= ~visible[:-1]
    firsts = offsets[:-1][np.diff(offsets) > 0] - start
    begins[firsts] = visible[firsts]  # a word of the text before does not go on in this one
    return np.diff(np.searchsorted(np.flatnonzero(begins), offsets - start))
