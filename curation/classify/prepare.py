"""Text as a classifier sees it, the same in training and in use: lower case, marks and words apart, digits alike."""

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray

from curation.words import buffers

# What a model says of how its text was prepared; another way of doing it gets another name.
WORDS_1 = "words-1"
AS_IT_IS = "as-it-is"

Prepared = tuple[NDArray[np.uint8], NDArray[np.int64]]


def prepared(text: pl.Series, way: str) -> Prepared:
    """The bytes of the texts (uint8) and where each begins (int64, one more than texts), ready for fastText.

    `words-1`: lower case (Unicode), every digit as 0, blanks around each ASCII mark and each character of the block
    of general punctuation (U+2000 to U+207F, such as quotes and dashes). `as-it-is`: nothing, for models that were
    trained elsewhere. fastText takes blanks, tabs, newlines and NUL for the ends of words.

    Raises:
        ValueError: the way is not known here.
    """
    if way == AS_IT_IS:
        return buffers(text)
    if way != WORDS_1:
        raise ValueError(f"text is prepared as {WORDS_1!r} or {AS_IT_IS!r}, not as {way!r}; update gristmill")
    return spaced(*buffers(text.str.to_lowercase()))


def _kinds() -> NDArray[np.uint8]:
    kinds = np.zeros(256, dtype=np.uint8)
    for code in range(33, 127):
        kinds[code] = 0 if chr(code).isalnum() else 1
    kinds[[ord(digit) for digit in "0123456789"]] = 2
    return kinds


KINDS = _kinds()  # 1: a mark, 2: a digit


@njit(cache=True, nogil=True)
def spaced(data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> Prepared:
    """The same texts with blanks around marks and 0 for every digit."""
    marks = 0
    for at in range(offsets[0], offsets[-1]):
        marks += KINDS[data[at]] == 1 or _general_punctuation(data, at, offsets[-1])
    out = np.empty(offsets[-1] - offsets[0] + 2 * marks + 1, dtype=np.uint8)
    starts = np.zeros(offsets.size, dtype=np.int64)
    to = 0
    for t in range(offsets.size - 1):
        at, end = offsets[t], offsets[t + 1]
        while at < end:
            width = 3 if _general_punctuation(data, at, end) else int(KINDS[data[at]] == 1)
            if width:
                out[to] = 32
                out[to + 1 : to + 1 + width] = data[at : at + width]
                out[to + 1 + width] = 32
                to += width + 2
                at += width
            else:
                out[to] = 48 if KINDS[data[at]] == 2 else data[at]
                to += 1
                at += 1
        starts[t + 1] = to
    return out[:to], starts


@njit(cache=True, nogil=True, inline="always")
def _general_punctuation(data: NDArray[np.uint8], at: int, end: int) -> bool:
    return data[at] == 0xE2 and at + 2 < end and 0x80 <= data[at + 1] <= 0x81
