"""Counts over the lines of documents, for the Gopher and FineWeb quality rules."""

import numpy as np
import numpy.typing as npt
from numba import njit

from .text import (
    NEWLINE,
    Bytes,
    Offsets,
    characters,
    hash_bytes,
    line_break,
    seen_before,
    skip_whitespace,
    strip_right,
    table_size,
)


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
def symbols_and_bullets(data: Bytes, offsets: Offsets) -> npt.NDArray[np.int64]:
    """Per document: `#`, ellipses, lines, lines that begin with a bullet, lines that end in an ellipsis.

    Shape (5, documents). Lines are those of `str.splitlines`; a bullet is `-` or U+2022.
    """
    out = np.zeros((5, len(offsets) - 1), np.int64)
    for document in range(len(offsets) - 1):
        at, end = offsets[document], offsets[document + 1]
        while at < end:
            out[0, document] += data[at] == 35
            if is_ellipsis(data, at, min(at + 3, end)):
                out[1, document] += 1
                at += 3
            else:
                at += 1
        at = offsets[document]
        while at < end:
            stop, width = line_break(data, at, end)
            out[2, document] += 1
            first = skip_whitespace(data, at, stop)
            out[3, document] += is_bullet(data, first, stop)
            last = strip_right(data, first, stop)
            out[4, document] += is_ellipsis(data, max(first, last - 3), last)
            at = stop + width
    return out


@njit(cache=True, nogil=True)
def ends_with(data: Bytes, start: int, end: int, endings: Bytes, bounds: Offsets, by_last: Offsets) -> bool:
    """True when `[start, end)` ends with one of `endings`, which are sorted by their last byte (see `pack_endings`)."""
    if start == end:
        return False
    last = data[end - 1]
    for ending in range(by_last[last], by_last[last + 1]):
        length = bounds[ending + 1] - bounds[ending]
        if length > end - start:
            continue
        same = 0
        while same < length and endings[bounds[ending] + same] == data[end - length + same]:
            same += 1
        if same == length:
            return True
    return False


def pack_endings(endings: tuple[str, ...]) -> tuple[Bytes, Offsets, Offsets]:
    """Endings as `ends_with` takes them: their bytes, where each begins, and the first one of every last byte."""
    encoded = sorted((ending.encode() for ending in endings), key=lambda ending: (ending[-1], ending))
    bounds = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    by_last = np.searchsorted([ending[-1] for ending in encoded], np.arange(257)).astype(np.int64)
    return np.frombuffer(b"".join(encoded) + b"\0", np.uint8), bounds, by_last


@njit(cache=True, nogil=True)
def line_endings(
    data: Bytes, offsets: Offsets, short: int, endings: Bytes, bounds: Offsets, by_last: Offsets
) -> npt.NDArray[np.int64]:
    """Per document: non-blank lines, those that end with an ending, those of at most `short` characters, characters of
    lines that came before, line feeds, and characters other than line feeds. Shape (6, documents).
    """
    documents = len(offsets) - 1
    out = np.zeros((6, documents), np.int64)
    most = 1
    for document in range(documents):
        for at in range(offsets[document], offsets[document + 1]):
            out[4, document] += data[at] == NEWLINE
        most = max(most, out[4, document] + 1)
    size = table_size(most)
    keys, stamps = np.empty(size, np.uint64), np.zeros(size, np.uint32)
    for document in range(documents):
        at, end = offsets[document], offsets[document + 1]
        mask = table_size(out[4, document] + 1) - 1
        while at <= end:
            stop = at
            while stop < end and data[stop] != NEWLINE:
                stop += 1
            length = characters(data, at, stop)
            out[5, document] += length
            if skip_whitespace(data, at, stop) < stop:
                out[0, document] += 1
                out[1, document] += ends_with(data, at, stop, endings, bounds, by_last)
                out[2, document] += length <= short
                if seen_before(keys, stamps, document + 1, mask, hash_bytes(data, at, stop))[1]:
                    out[3, document] += length
            at = stop + 1
    return out
