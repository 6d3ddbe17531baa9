"""Rows that hold runs of words of other texts: evaluation sets, and the prompts that asked for them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from .grams import Codes, coded, grams

LONG, SHORT = 13, 8  # words; 13 as in Brown et al. 2020, "Language Models are Few-Shot Learners", arXiv 2005.14165


@dataclass(frozen=True, kw_only=True)
class Runs:
    """The runs of `size` words of some texts: `codes` ascending and each once, `texts` the number of texts with one."""

    size: int
    codes: Codes
    texts: int

    def held(self, texts: pl.Series) -> npt.NDArray[np.bool_]:
        """Which texts hold one of the runs."""
        found = grams(coded(texts), self.size)
        hit = np.zeros(len(texts), dtype=bool)
        if self.codes.size:
            place = np.minimum(np.searchsorted(self.codes, found.codes), self.codes.size - 1)
            hit[found.texts[self.codes[place] == found.codes]] = True
        return hit


def runs(texts: Iterable[pl.Series], size: int) -> Runs:
    """The runs of `size` words of texts that come in batches; shorter texts have none."""
    codes: list[Codes] = []
    long = 0
    for batch in texts:
        found = grams(coded(batch), size)
        codes.append(np.unique(found.codes))
        long += np.unique(found.texts).size
    return Runs(size=size, codes=np.unique(np.concatenate(codes)) if codes else np.empty(0, np.uint64), texts=long)


def either(hits: Sequence[npt.NDArray[np.bool_]]) -> int:
    """How many rows were hit in any of their parts."""
    return int(np.logical_or.reduce(hits).sum()) if hits else 0
