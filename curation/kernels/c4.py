"""The line rules of C4 (Raffel et al. 2020, section 2.2), and where sentences end within lines."""

import sys

import numpy as np
import numpy.typing as npt
from numba import njit

from .chunks import LEADING_WHITESPACE, Ints, chunk_number
from .dictionary import BREAKS, EDGES, OTHER, STOP
from .text import NEWLINE, Bytes, Offsets, characters, line_break, skip_whitespace, strip_right, whitespace_bytes

# switches of `edit`
CITATIONS, TERMINAL_PUNCTUATION, LOREM_IPSUM, JAVASCRIPT, CURLY_BRACKET, POLICY = 1, 2, 4, 8, 16, 32
# verdicts of `edit`
HAS_LOREM_IPSUM, HAS_CURLY_BRACKET = 1, 2

PHRASES = (
    (LOREM_IPSUM, "lorem ipsum"),
    (JAVASCRIPT, "javascript"),
    (POLICY, "terms of use"),
    (POLICY, "privacy policy"),
    (POLICY, "cookie policy"),
    (POLICY, "uses cookies"),
    (POLICY, "use of cookies"),
    (POLICY, "use cookies"),
)
_KINDS = np.array([kind for kind, _ in PHRASES], np.int64)
_LETTERS = np.frombuffer("".join(phrase for _, phrase in PHRASES).encode(), np.uint8).copy()
_BOUNDS = np.cumsum([0, *(len(phrase) for _, phrase in PHRASES)], dtype=np.int64)
_STARTS = np.zeros(256, np.bool_)
_STARTS[[ord(letter) for _, phrase in PHRASES for letter in (phrase[0], phrase[0].upper())]] = True

EDIT_MARK = np.frombuffer(b"[edit]", np.uint8).copy()
CITATION_MARK = np.frombuffer(b"[citation needed]", np.uint8).copy()
# `\d` is any decimal digit; they come in runs of ten, and these are the zeros
ZEROS = np.array(
    [code for code in range(sys.maxunicode + 1) if chr(code).isdecimal() and int(chr(code)) == 0], np.int64
)


@njit(cache=True, nogil=True)
def phrases(data: Bytes, start: int, end: int) -> int:
    """Which kinds of `PHRASES` `[start, end)` holds, whatever their case: a sum of switches."""
    found = 0
    for first in range(start, end):
        if not _STARTS[data[first]]:
            continue
        for phrase in range(len(_KINDS)):
            letter = _BOUNDS[phrase]
            at = first
            while letter < _BOUNDS[phrase + 1] and at < end:
                byte = data[at]
                width = 1
                if 65 <= byte <= 90:
                    byte |= 32
                elif byte == 0xE2 and at + 2 < end and data[at + 1] == 0x84 and data[at + 2] == 0xAA:
                    # the Kelvin sign is the one other character that str.lower() turns into a letter of these phrases
                    byte, width = np.uint8(107), 3
                if byte != _LETTERS[letter]:
                    break
                letter += 1
                at += width
            if letter == _BOUNDS[phrase + 1]:
                found |= _KINDS[phrase]
    return found


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
def same_bytes(data: Bytes, at: int, end: int, mark: Bytes) -> bool:
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
    if same_bytes(data, at, end, EDIT_MARK):
        return len(EDIT_MARK)
    return len(CITATION_MARK) if same_bytes(data, at, end, CITATION_MARK) else 0


@njit(cache=True, nogil=True)
def count_words(data: Bytes, start: int, end: int, longest: int) -> int:
    """Words of a stripped line by `str.split`; -1 when one has more than `longest` characters (never if negative)."""
    count = 0
    at = start
    while at < end:
        word = at
        while at < end and whitespace_bytes(data, at, end) == 0:
            at += 1
        if longest >= 0 and at - word > longest and characters(data, word, at) > longest:
            return -1
        count += 1
        at = skip_whitespace(data, at, end)
    return count


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
def edit(
    data: Bytes, offsets: Offsets, switches: int, min_words: int, longest_word: int
) -> tuple[Bytes, Offsets, npt.NDArray[np.int64], npt.NDArray[np.int8]]:
    """Keep the lines that the rules allow, joined by line feeds; the result is not stripped.

    Returns bytes, offsets, and per document the number of lines kept and a verdict: HAS_LOREM_IPSUM or
    HAS_CURLY_BRACKET, whichever came first, with the text left empty; else 0.
    """
    documents = len(offsets) - 1
    # each kept line is no longer than before, and its line feed replaces a line break
    out = np.empty(offsets[-1] - offsets[0] + documents + 1, np.uint8)
    bounds = np.zeros(documents + 1, np.int64)
    lines = np.zeros(documents, np.int64)
    verdicts = np.zeros(documents, np.int8)
    used = 0
    for document in range(documents):
        at, end = offsets[document], offsets[document + 1]
        while at < end:
            stop, width = line_break(data, at, end)
            start = skip_whitespace(data, at, stop)
            last = strip_right(data, start, stop)
            at = stop + width
            words = count_words(data, start, last, longest_word)
            if words < 0:
                continue
            line = used + 1 if lines[document] else used
            tip = line
            curly = False
            while start < last:
                if switches & CITATIONS and data[start] == 91:
                    mark = citation_bytes(data, start, last)
                    if mark:
                        start += mark
                        continue
                curly |= data[start] == 123
                out[tip] = data[start]
                tip += 1
                start += 1
            if switches & TERMINAL_PUNCTUATION and not ends_in_punctuation(out, line, tip):
                continue
            if words < min_words:
                continue
            found = phrases(out, line, tip) & switches
            if found & LOREM_IPSUM:
                verdicts[document] = HAS_LOREM_IPSUM
                break
            if found & JAVASCRIPT:
                continue
            if curly and switches & CURLY_BRACKET:
                verdicts[document] = HAS_CURLY_BRACKET
                break
            if found & POLICY:
                continue
            if lines[document]:
                out[line - 1] = NEWLINE
            lines[document] += 1
            used = tip
        if verdicts[document]:
            used = bounds[document]
        bounds[document + 1] = used
    return out[:used].copy(), bounds, lines, verdicts


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
def sentence_breaks(
    data: Bytes, offsets: Offsets, chunks: Ints, starts: Offsets, chunk_features: Ints, ends: Offsets
) -> npt.NDArray[np.int64]:
    """Places per document where spaCy's sentencizer cuts a line (between line feeds), each line on its own.

    It cuts before the first word after a stop that is not punctuation itself. A run of whitespace counts as such a
    word, except for one blank after a word.
    """
    out = np.zeros(len(offsets) - 1, np.int64)
    for document in range(len(offsets) - 1):
        end = offsets[document + 1]
        at = offsets[document]
        count = 0
        any_word = False
        previous = 0
        for place in range(starts[document], starts[document + 1]):
            if chunks[place] != LEADING_WHITESPACE:
                chunk = chunk_number(chunks[place])
                first, last = chunk_features[chunk, EDGES] % 4, chunk_features[chunk, EDGES] // 4
                count += chunk_features[chunk, BREAKS] + (previous == STOP and first == OTHER)
                previous = last if last else previous
                any_word = True
                at += ends[chunk + 1] - ends[chunk]
            stop = skip_whitespace(data, at, end)
            while at < stop:
                feed = at
                while feed < stop and data[feed] != NEWLINE:
                    feed += 1
                if feed > at and not (any_word and feed == at + 1 and data[at] == 32):
                    count += previous == STOP
                    previous = OTHER
                    any_word = True
                at = feed
                if feed < stop:
                    any_word = False
                    previous = 0
                    at = feed + 1
        out[document] = count
    return out
