"""Shares and their 95 % intervals."""

import math

Z = 1.959964


def wilson(hits: int, of: int) -> list[float] | None:
    """The share and the ends of Wilson's 95 % score interval (Wilson 1927); None of nothing."""
    if not of:
        return None
    share, z2 = hits / of, Z * Z
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = math.sqrt(z2 * share * (1 - share) / of + z2 * z2 / (4 * of * of)) / (1 + z2 / of)
    # Rounding must not push the share itself out of its interval.
    return [share, min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half))]
