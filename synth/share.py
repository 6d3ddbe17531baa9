"""Shares with their 95 % intervals, as the facts of a step tell them."""

import math
from statistics import NormalDist

_Z = NormalDist().inv_cdf(0.975)


def share(hits: float, of: int) -> list[float] | None:
    """`[hits / of, low, high]` with Wilson's score interval (Wilson 1927, JASA 22); None where nothing was counted.

    `hits` may be a sum of `of` values between 0 and 1. Such values vary less than yes and no do, so the interval is at
    least as wide as it needs to be.
    """
    if not of:
        return None
    value, room = hits / of, _Z**2 / of
    middle = (value + room / 2) / (1 + room)
    half = _Z * math.sqrt(value * (1 - value) / of + room / (4 * of)) / (1 + room)
    low, high = min(max(middle - half, 0.0), value), max(min(middle + half, 1.0), value)
    return [round(number, 6) for number in (value, low, high)]
