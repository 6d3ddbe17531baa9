"""What the line rules ask of a chunk, worked out once: how it begins and ends, and what it holds."""

import numpy as np
import numpy.typing as npt
from numba import njit

from .phrases import phrases, search
from .text import Bytes, Offsets

Ints = npt.NDArray[np.int32]

# columns of `Features.lines`
LENGTH, MARKS = 0, 1
# bits of MARKS: begins with `-` or U+2022; ends in `...` or U+2026; ends as C4 wants a line to; holds `[`; holds `{`;
# holds a word that a phrase C4 looks for cannot do without; holds `#`, `...` or U+2026
BULLET, ELLIPSIS, TERMINAL, BRACKET, CURLY, STEM, SYMBOL = 1, 2, 4, 8, 16, 32, 64

STEMS = phrases(*((1, stem) for stem in ("lorem", "javascript", "terms", "privacy", "cookie")))


@njit(cache=True, nogil=True)
def is_ellipsis(data: Bytes, start: int, end: int) -> bool:
    """True when exactly these three bytes are `...` or the character U+2026."""
    if end - start != 3:
        return False
    dots = data[start] == 46 and data[start + 1] == 46 and data[start + 2] == 46
    return bool(dots or (data[start] == 0xE2 and data[start + 1] == 0x80 and data[start + 2] == 0xA6))


@njit(cache=True, nogil=True)
def is_bullet(data: Bytes, start: int, end: int) -> bool:
    """True when `[start, end)` begins with `-` or U+2022."""
    if start < end and data[start] == 45:
        return True
    return bool(start + 2 < end and data[start] == 0xE2 and data[start + 1] == 0x80 and data[start + 2] == 0xA2)


@njit(cache=True, nogil=True)
def ends_in_punctuation(data: Bytes, start: int, end: int) -> bool:
    """True when a line ends in `.`, `?`, `!` or a quote, but not in three dots."""
    if start == end:
        return False
    last = data[end - 1]
    if last != 46:
        return bool(last == 63 or last == 33 or last == 34 or last == 39)
    return not (end - start >= 3 and data[end - 2] == 46 and data[end - 3] == 46)


@njit(cache=True, nogil=True)
def count_symbols(data: Bytes, start: int, end: int) -> tuple[int, int]:
    """How many `#`, and how many `...` (read from the left) and U+2026."""
    hashes = 0
    ellipses = 0
    at = start
    while at < end:
        hashes += data[at] == 35
        if is_ellipsis(data, at, min(at + 3, end)):
            ellipses += 1
            at += 3
        else:
            at += 1
    return hashes, ellipses


@njit(cache=True, nogil=True)
def mark_chunks(data: Bytes, ends: Offsets) -> Ints:
    """`Features.lines` of the chunks `data[ends[i]:ends[i + 1]]`, int32 of shape (chunks, 2)."""
    out = np.zeros((len(ends) - 1, 2), np.int32)
    for chunk in range(len(ends) - 1):
        start, end = ends[chunk], ends[chunk + 1]
        marks = 0
        for at in range(start, end):
            if data[at] == 91:
                marks |= BRACKET
            elif data[at] == 123:
                marks |= CURLY
        hashes, ellipses = count_symbols(data, start, end)
        marks |= BULLET * is_bullet(data, start, end) | ELLIPSIS * is_ellipsis(data, max(start, end - 3), end)
        marks |= TERMINAL * ends_in_punctuation(data, start, end) | STEM * search(data, start, end, STEMS)
        out[chunk, LENGTH] = end - start
        out[chunk, MARKS] = marks | SYMBOL * (hashes + ellipses > 0)
    return out
