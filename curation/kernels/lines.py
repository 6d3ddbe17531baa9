"""Counts over the lines of documents, for the Gopher and FineWeb quality rules."""

import numpy as np
import numpy.typing as npt
from numba import njit

from .chunks import LEADING_WHITESPACE, Ints, chunk_number
from .marks import BULLET, ELLIPSIS, LENGTH, MARKS, SYMBOL, count_symbols
from .text import (
    FEWEST,
    NEWLINE,
    Bytes,
    Offsets,
    characters,
    hash_bytes,
    next_newline,
    room_for_more,
    seen_before,
    skip_whitespace,
    whitespace_bytes,
)


@njit(cache=True, nogil=True)
def break_bytes(data: Bytes, at: int, end: int) -> int:
    """Length in bytes of the line break (by `str.splitlines`) at `at`; 0 when there is none."""
    byte = data[at]
    if byte == 13:
        return 2 if at + 1 < end and data[at + 1] == NEWLINE else 1
    if 10 <= byte <= 12 or 0x1C <= byte <= 0x1E:
        return 1
    if byte == 0xC2:
        return 2 if data[at + 1] == 0x85 else 0
    separator = byte == 0xE2 and data[at + 1] == 0x80 and (data[at + 2] == 0xA8 or data[at + 2] == 0xA9)
    return 3 if separator else 0


@njit(cache=True, nogil=True)
def in_line(data: Bytes, at: int, end: int) -> tuple[int, int]:
    """Go on over whitespace to a line break, a chunk or the end: the position, and the width of the line break."""
    while at < end:
        width = whitespace_bytes(data, at, end)
        if width == 0:
            break
        line_break = break_bytes(data, at, end)
        if line_break:
            return at, line_break
        at += width
    return at, 0


@njit(cache=True, nogil=True)
def symbols_and_bullets(
    data: Bytes, offsets: Offsets, chunks: Ints, starts: Offsets, chunk_lines: Ints
) -> npt.NDArray[np.int64]:
    """Per document: `#`, ellipses, lines, lines that begin with a bullet, lines that end in an ellipsis.

    Shape (5, documents). Lines are those of `str.splitlines`; a bullet is `-` or U+2022. The documents are given as in
    `Words`.
    """
    out = np.zeros((5, len(offsets) - 1), np.int64)
    for document in range(len(offsets) - 1):
        at, end = offsets[document], offsets[document + 1]
        place = starts[document]
        if place < starts[document + 1] and chunks[place] == LEADING_WHITESPACE:
            place += 1
        while at < end:
            out[2, document] += 1
            at, width = in_line(data, at, end)
            marks = 0
            first = True
            while width == 0 and at < end:
                code = chunks[place]
                place += 1
                marks = chunk_lines[chunk_number(code), MARKS]
                stop = at + chunk_lines[chunk_number(code), LENGTH]
                if marks & SYMBOL:
                    hashes, ellipses = count_symbols(data, at, stop)
                    out[0, document] += hashes
                    out[1, document] += ellipses
                out[3, document] += first and (marks & BULLET) != 0
                first = False
                at = stop
                if code >= 0:
                    at += at < end
                else:
                    at, width = in_line(data, at, end)
            out[4, document] += (marks & ELLIPSIS) != 0
            at += width
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
    keys = np.empty(FEWEST, np.uint64)
    for document in range(documents):
        at, end = offsets[document], offsets[document + 1]
        mask = FEWEST - 1
        keys[:FEWEST] = 0
        known = 0
        while True:
            stop = next_newline(data, at, end)
            length = characters(data, at, stop)
            out[5, document] += length
            if skip_whitespace(data, at, stop) < stop:
                out[0, document] += 1
                out[1, document] += ends_with(data, at, stop, endings, bounds, by_last)
                out[2, document] += length <= short
                if seen_before(keys, mask, hash_bytes(data, at, stop)):
                    out[3, document] += length
                else:
                    known += 1
                    keys, mask = room_for_more(keys, mask, known)
            if stop == end:
                break
            out[4, document] += 1
            at = stop + 1
    return out
