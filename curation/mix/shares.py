"""How much of each source goes into a mixture: shares of a budget, whole copies first, a seeded sample for the rest."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

Sizes = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]

_BINS = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Share:
    """What was asked of a source, and what it can give; sizes in the unit of the mixture."""

    weight: float  # of all weights, so that they add up to 1
    size: int  # of the whole source
    asked: int
    granted: int

    @property
    def copies(self) -> int:
        """How many times every row is taken."""
        return self.granted // self.size if self.size else 0

    @property
    def rest(self) -> int:
        """How much is sampled once more, after the whole copies."""
        return self.granted - self.copies * self.size


def shares(sizes: Sequence[int], weights: Sequence[float], budget: int | None, max_repeats: float) -> list[Share]:
    """The share of each source.

    Args:
        sizes: of each source, in the unit of the mixture.
        weights: of each source; without any, a source weighs as much as it holds.
        budget: of the whole mixture; None for the most that keeps to the weights and to `max_repeats`.
        max_repeats: how often a source may be used at most; it gives no more than that, whatever was asked of it.
    """
    # Exact, as the decimals were written: in floats, 5 and 9 rows without weights came out as 5 and 8.
    exact = [Fraction(str(weight)) for weight in weights] or [Fraction(size) for size in sizes]
    whole = sum(exact, Fraction(0))
    parts = [weight / whole if whole else Fraction(0) for weight in exact]
    most = [int(size * Fraction(str(max_repeats))) for size in sizes]
    if budget is None:
        budget = int(min((Fraction(limit) / part for limit, part in zip(most, parts, strict=True) if part), default=0))
    return [
        Share(weight=float(part), size=size, asked=asked, granted=min(asked, limit))
        for size, part, asked, limit in zip(sizes, parts, _split(budget, parts), most, strict=True)
    ]


def _split(budget: int, parts: Sequence[Fraction]) -> list[int]:
    """Whole numbers that add up to the budget; those that were rounded down most get one more, the first of equals."""
    asked = [int(budget * part) for part in parts]
    missing = budget - sum(asked) if any(parts) else 0
    by_loss = sorted(range(len(parts)), key=lambda n: asked[n] - budget * parts[n])
    for number in by_loss[:missing]:
        asked[number] += 1
    return asked


def keys(seed: int, name: str, use: str, rows: npt.NDArray[np.int64]) -> Keys:
    """A number for each row that looks random and is the same in every run, by SplitMix64 (Steele et al. 2014)."""
    start = hashlib.blake2b(f"{seed}\0{name}\0{use}".encode(), digest_size=8).digest()
    value = rows.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(int.from_bytes(start, "little"))
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Keys = value ^ (value >> np.uint64(31))
    return mixed


def last_key(batches: Callable[[], Iterable[tuple[Keys, Sizes]]], rest: int) -> int:
    """The largest key that is sampled: rows are taken by ascending key while those before make less than `rest`.

    Args:
        batches: gives the keys and sizes of all rows of a source; read twice, so that memory stays bounded.

    Returns:
        -1 when nothing is to be sampled.
    """
    if rest <= 0:
        return -1
    sums = np.zeros(_BINS, np.int64)
    for key, size in batches():
        np.add.at(sums, (key >> np.uint64(48)).astype(np.int64), size)
    before = np.cumsum(sums) - sums
    bin_ = int(np.searchsorted(before, rest, side="left")) - 1  # the last one that begins below `rest`
    inside = [(key[own], size[own]) for key, size in batches() if (own := (key >> np.uint64(48)) == bin_).any()]
    if not inside:
        return ((bin_ + 1) << 48) - 1
    key, size = (np.concatenate(columns) for columns in zip(*inside, strict=True))
    order = np.argsort(key, kind="stable")
    reached = before[bin_] + np.cumsum(size[order]) - size[order]
    taken = key[order][reached < rest]
    return int(taken[-1]) if len(taken) else (bin_ << 48) - 1
