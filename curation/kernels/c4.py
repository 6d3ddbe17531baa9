"""The line rules of C4 (Raffel et al. 2020, section 2.2), and where sentences end within lines.

Lines are walked chunk by chunk: what a rule asks of most lines (words, how they end, sentences) was worked out when
their chunks were first met, so only lines that hold `[` or a suspicious word are read letter by letter.
"""

import sys

import numpy as np
import numpy.typing as npt
from numba import njit

from .chunks import LEADING_WHITESPACE, Ints, chunk_number
from .dictionary import BREAKS, EDGES, OTHER, STOP
from .lines import in_line
from .marks import BRACKET, CURLY, LENGTH, MARKS, STEM, TERMINAL, ends_in_punctuation
from .phrases import phrases, search
from .text import NEWLINE, Bytes, Offsets, characters, skip_whitespace, strip_right

# switches of `edit`
CITATIONS, TERMINAL_PUNCTUATION, LOREM_IPSUM, JAVASCRIPT, CURLY_BRACKET, POLICY = 1, 2, 4, 8, 16, 32
# verdicts of `edit`
HAS_LOREM_IPSUM, HAS_CURLY_BRACKET = 1, 2

# each holds one of the STEMS of marks.py
PHRASES = phrases(
    (LOREM_IPSUM, "lorem ipsum"),
    (JAVASCRIPT, "javascript"),
    (POLICY, "terms of use"),
    (POLICY, "privacy policy"),
    (POLICY, "cookie policy"),
    (POLICY, "uses cookies"),
    (POLICY, "use of cookies"),
    (POLICY, "use cookies"),
)
EDIT_MARK = np.frombuffer(b"[edit]", np.uint8).copy()
CITATION_MARK = np.frombuffer(b"[citation needed]", np.uint8).copy()
# `\d` is any decimal digit; they come in runs of ten, and these are the zeros
ZEROS = np.array(
    [code for code in range(sys.maxunicode + 1) if chr(code).isdecimal() and int(chr(code)) == 0], np.int64
)


@njit(cache=True, nogil=True)
def digit_bytes(data: Bytes, at: int) -> int:
    """Length in bytes of the decimal digit at `at`; 0 when it is none."""
    byte = np.int64(data[at])
    if byte < 0x80:
        return 1 if 48 <= byte <= 57 else 0
    width = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
    code = byte & (0x7F >> width)
    for more in range(1, width):
        code = code << 6 | (data[at + more] & 0x3F)
    zero = np.searchsorted(ZEROS, code, side="right") - 1
    return width if zero >= 0 and code - ZEROS[zero] < 10 else 0


@njit(cache=True, nogil=True)
def stands_at(data: Bytes, at: int, end: int, mark: Bytes) -> bool:
    """True when `mark` stands at `at`."""
    if end - at < len(mark):
        return False
    same = 0
    while same < len(mark) and data[at + same] == mark[same]:
        same += 1
    return same == len(mark)


@njit(cache=True, nogil=True)
def citation_bytes(data: Bytes, at: int, end: int) -> int:
    """Length of the mark (`[12]`, `[]`, `[edit]`, `[citation needed]`) that begins with the `[` at `at`; 0 for none."""
    stop = at + 1
    while stop < end:
        width = digit_bytes(data, stop)
        if width == 0:
            break
        stop += width
    if stop < end and data[stop] == 93:
        return stop + 1 - at
    if stands_at(data, at, end, EDIT_MARK):
        return len(EDIT_MARK)
    return len(CITATION_MARK) if stands_at(data, at, end, CITATION_MARK) else 0


@njit(cache=True, nogil=True)
def without_citations(data: Bytes, start: int, end: int, out: Bytes, at: int) -> int:
    """Copy `[start, end)` to `out` from `at` on, without citation marks; returns where the copy ends."""
    while start < end:
        if data[start] == 91:
            mark = citation_bytes(data, start, end)
            if mark:
                start += mark
                continue
        out[at] = data[start]
        at += 1
        start += 1
    return at


@njit(cache=True, nogil=True)
def edit(
    data: Bytes, offsets: Offsets, chunks: Ints, starts: Offsets, chunk_features: Ints, chunk_lines: Ints,
    switches: int, min_words: int, longest_word: int,
) -> tuple[
    Bytes, Offsets, npt.NDArray[np.int64], npt.NDArray[np.int8], tuple[Bytes, Offsets, npt.NDArray[np.int64]]
]:  # fmt: skip
    """Keep the lines that the rules allow, joined by line feeds; the result is not stripped.

    Args:
        data, offsets, chunks, starts, chunk_features, chunk_lines: documents as in `Words`.
        switches: the sum of those above that are on.
        min_words: fewer in a line, and it goes.
        longest_word: more characters in a word of a line, and the line goes; negative for any number.

    Returns:
        bytes and offsets of the texts; per document the sentences in the lines kept, and a verdict: HAS_LOREM_IPSUM
        or HAS_CURLY_BRACKET, whichever came first, with the text left empty; else 0. And the lines that lost a
        citation (bytes, offsets, document): they have other words now and count as one sentence each, so what
        `sentence_breaks` finds in them is to be added.
    """
    documents = len(offsets) - 1
    # each kept line is no longer than before, and its line feed replaces a line break
    out = np.empty(offsets[-1] - offsets[0] + documents + 1, np.uint8)
    bounds = np.zeros(documents + 1, np.int64)
    sentences = np.zeros(documents, np.int64)
    verdicts = np.zeros(documents, np.int8)
    cited = [(0, 0, 0) for _ in range(0)]
    used = 0
    for document in range(documents):
        at, end = offsets[document], offsets[document + 1]
        place = starts[document]
        if place < starts[document + 1] and chunks[place] == LEADING_WHITESPACE:
            place += 1
        kept = 0
        cited_before = len(cited)
        while at < end:
            at, width = in_line(data, at, end)
            start = at
            last = at
            words = 0
            marks = 0
            ending = 0
            count = 1
            previous = 0
            too_long = False
            while width == 0 and at < end:
                code = chunks[place]
                place += 1
                chunk = chunk_number(code)
                words += 1
                ending = chunk_lines[chunk, MARKS]
                marks |= ending
                last = at + chunk_lines[chunk, LENGTH]
                if 0 <= longest_word < last - at:
                    too_long |= characters(data, at, last) > longest_word
                edges = chunk_features[chunk, EDGES]
                count += chunk_features[chunk, BREAKS] + (previous == STOP and edges % 4 == OTHER)
                previous = edges // 4 if edges // 4 else previous
                at = last
                if code >= 0:
                    at += at < end
                    continue
                at, width = in_line(data, at, end)
                # whitespace other than one blank is a word to spaCy
                if width == 0 and at < end:
                    count += previous == STOP
                    previous = OTHER
            at += width
            if too_long:
                continue
            line = used + 1 if kept else used
            tip = line
            changed = False
            if switches & CITATIONS and marks & BRACKET:
                tip = without_citations(data, start, last, out, line)
                changed = tip - line != last - start
            if switches & TERMINAL_PUNCTUATION and not (
                ends_in_punctuation(out, line, tip) if changed else ending & TERMINAL
            ):
                continue
            if words < min_words:
                continue
            found = 0
            if changed:
                found = search(out, line, tip, PHRASES) & switches
            elif marks & STEM:
                found = search(data, start, last, PHRASES) & switches
            if found & LOREM_IPSUM:
                verdicts[document] = HAS_LOREM_IPSUM
                break
            if found & JAVASCRIPT:
                continue
            if marks & CURLY and switches & CURLY_BRACKET:
                verdicts[document] = HAS_CURLY_BRACKET
                break
            if found & POLICY:
                continue
            if changed:
                cited.append((line, tip, document))
                count = 1
            else:
                tip = line + last - start
                out[line:tip] = data[start:last]
            if kept:
                out[line - 1] = NEWLINE
            kept += 1
            sentences[document] += count
            used = tip
        if verdicts[document]:
            used = bounds[document]
            while len(cited) > cited_before:
                cited.pop()
        bounds[document + 1] = used
    return out[:used].copy(), bounds, sentences, verdicts, pieces(out, cited)


@njit(cache=True, nogil=True)
def pieces(data: Bytes, ranges: list[tuple[int, int, int]]) -> tuple[Bytes, Offsets, npt.NDArray[np.int64]]:
    """Bytes, offsets and documents of pieces of `data`, given as (start, end, document)."""
    bounds, documents = np.zeros(len(ranges) + 1, np.int64), np.empty(len(ranges), np.int64)
    for piece, (start, end, document) in enumerate(ranges):
        bounds[piece + 1] = bounds[piece] + end - start
        documents[piece] = document
    out = np.empty(bounds[-1] + 1, np.uint8)
    for piece, (start, end, _) in enumerate(ranges):
        out[bounds[piece] : bounds[piece + 1]] = data[start:end]
    return out, bounds, documents


@njit(cache=True, nogil=True)
def strip_all(data: Bytes, offsets: Offsets) -> tuple[Bytes, Offsets]:
    """Every document without whitespace at its ends."""
    out = np.empty(len(data), np.uint8)
    bounds = np.zeros(len(offsets), np.int64)
    for document in range(len(offsets) - 1):
        start = skip_whitespace(data, offsets[document], offsets[document + 1])
        end = strip_right(data, start, offsets[document + 1])
        bounds[document + 1] = bounds[document] + end - start
        out[bounds[document] : bounds[document + 1]] = data[start:end]
    return out[: bounds[-1]].copy(), bounds


@njit(cache=True, nogil=True)
def sentence_breaks(chunks: Ints, starts: Offsets, chunk_features: Ints) -> npt.NDArray[np.int64]:
    """Places per line where spaCy's sentencizer cuts it.

    It cuts before the first word after a stop that is not punctuation itself. A run of whitespace counts as such a
    word, except for one blank after a word.
    """
    out = np.zeros(len(starts) - 1, np.int64)
    for line in range(len(starts) - 1):
        previous = 0
        for code in chunks[starts[line] : starts[line + 1]]:
            if code != LEADING_WHITESPACE:
                edges = chunk_features[chunk_number(code), EDGES]
                out[line] += chunk_features[chunk_number(code), BREAKS] + (previous == STOP and edges % 4 == OTHER)
                previous = edges // 4 if edges // 4 else previous
            if code < 0:
                out[line] += previous == STOP
                previous = OTHER
    return out
