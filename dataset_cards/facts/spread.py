"""Whole numbers in any amount: their sum, ends, histogram and quantiles, in memory that does not grow."""

from typing import Any

import numpy as np

from .batch import Ints

QUANTILES = (5, 25, 50, 75, 95, 99)  # percent
_EXACT = 256  # below, each number has a bin of its own; above, each doubling has 128
_TOLD = [0, 1, *(edge for power in range(1, 62) for edge in (2 << power - 1, 3 << power - 1))]


class Spread:
    """Numbers of 0 and more, as lengths are. The sum and both ends are exact, quantiles to 1 %."""

    def __init__(self) -> None:
        self.bins = np.zeros(_EXACT + 55 * 128, dtype=np.int64)
        self.values = self.sum = self.high = 0
        self.low: int | None = None

    def add(self, numbers: Ints) -> None:
        if not len(numbers):
            return
        self.bins += np.bincount(_bin(numbers), minlength=len(self.bins))
        self.values += len(numbers)
        self.sum += int(numbers.sum(dtype=np.int64))
        self.high = max(self.high, int(numbers.max()))
        low = int(numbers.min())
        self.low = low if self.low is None else min(self.low, low)

    def quantile(self, percent: float) -> int:
        """The smallest number that so many percent of all do not exceed; of none, 0."""
        rank = max(1, -(-int(self.values * percent) // 100))
        at = int(np.searchsorted(np.cumsum(self.bins), rank))
        return max(self.low or 0, min(self.high, _lower(at)))

    def summary(self, scale: float = 1) -> dict[str, Any]:
        """`values`, `mean`, `shortest` and `longest`, `quantiles` by percent; numbers are divided by `scale`."""
        if not self.values:
            return {"values": 0}
        told = {"mean": self.sum / self.values, "shortest": self.low or 0, "longest": self.high}
        quantiles = {str(percent): self.quantile(percent) for percent in QUANTILES}
        if scale != 1:
            told = {key: value / scale for key, value in told.items()}
            return {"values": self.values, **told, "quantiles": {k: value / scale for k, value in quantiles.items()}}
        return {"values": self.values, **told, "quantiles": quantiles}

    def histogram(self) -> dict[str, Any]:
        """`edges` and `counts`, two bins to each doubling; a bin holds its lower edge and not its upper one."""
        if not self.values:
            return {"edges": [], "counts": []}
        used = np.flatnonzero(self.bins)
        place = np.searchsorted(_TOLD, [_lower(int(at)) for at in used], side="right") - 1
        start, end = int(place[0]), int(place[-1]) + 1
        counts = np.bincount(place - start, weights=self.bins[used], minlength=end - start)
        return {"edges": _TOLD[start : end + 1], "counts": [int(n) for n in counts]}


def _bin(numbers: Ints) -> Ints:
    numbers = np.maximum(numbers, 0)
    power = np.maximum(np.frexp(numbers.astype(np.float64))[1] - 1, 8).astype(np.int64)
    above = _EXACT + (power - 8) * 128 + (numbers >> (power - 7)) - 128
    return np.where(numbers < _EXACT, numbers, above)


def _lower(at: int) -> int:
    """The smallest number of a bin."""
    if at < _EXACT:
        return at
    power, step = divmod(at - _EXACT, 128)
    return (128 + step) << (power + 1)
