"""Where in each document a recogniser can match at all: one compiled pass over the UTF-8 bytes of a batch.

Every window is wide enough that a recogniser that sees only the window finds in it exactly what it finds there in the
whole document. Each kind says why. A kind that is too generous costs time; one that is too strict would lose matches,
which `tests/test_pii_windows.py` looks for.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .classes import ALNUM, DIGIT, HEX, JOINT, LOCAL, PHONE, SEPARATOR, TOKEN, WORD

EMAILS, PHONES, CARDS, SOCIALS, IBANS, ADDRESSES, MACS, WALLETS = 1, 2, 4, 8, 16, 32, 64, 128

Windows = NDArray[np.int64]  # one row each: document, kind, first and last (exclusive) code point
_Points = NDArray[np.int32]
_Bits = NDArray[np.uint16]


@njit(cache=True, nogil=True)
def windows(data: NDArray[np.uint8], offsets: NDArray[np.int64], kinds: int, table: _Bits) -> Windows:
    """The windows of the wanted kinds (a sum of them), by document, then kind, then place."""
    longest = 1
    for row in range(offsets.size - 1):
        longest = max(longest, offsets[row + 1] - offsets[row])
    points, bits = np.empty(longest, np.int32), np.empty(longest, np.uint16)
    found, size = np.empty((1024, 4), np.int64), 0
    for row in range(offsets.size - 1):
        length, digits, ats, colons, dashes = _decode(data[offsets[row] : offsets[row + 1]], table, points, bits)
        if kinds & EMAILS and ats:
            found, size = _emails(points, bits, length, row, found, size)
        if kinds & PHONES and digits >= 4:
            found, size = _phones(points, bits, length, row, found, size)
        if kinds & (CARDS | SOCIALS) and digits >= 9:
            found, size = _digits(points, bits, length, row, kinds, found, size)
        if kinds & IBANS and digits >= 2:
            found, size = _ibans(points, bits, length, row, found, size)
        if kinds & (ADDRESSES | MACS | WALLETS) and (digits >= 1 or colons >= 2 or dashes >= 5):
            found, size = _tokens(points, bits, length, row, kinds, found, size)
    return found[:size].copy()


@njit(cache=True, nogil=True)
def _decode(data: NDArray[np.uint8], table: _Bits, points: _Points, bits: _Bits) -> tuple[int, int, int, int, int]:
    """Code points and their classes; how many there are, and of those digits, `@`, `:` and `-`."""
    at, n, digits, ats, colons, dashes = 0, 0, 0, 0, 0, 0
    while at < data.size:
        lead = np.int32(data[at])
        if lead < 0x80:
            point, at = lead, at + 1
        elif lead < 0xE0:
            point, at = (lead & 0x1F) << 6 | data[at + 1] & 0x3F, at + 2
        elif lead < 0xF0:
            point, at = (lead & 0xF) << 12 | (data[at + 1] & 0x3F) << 6 | data[at + 2] & 0x3F, at + 3
        else:
            point = (lead & 7) << 18 | (data[at + 1] & 0x3F) << 12 | (data[at + 2] & 0x3F) << 6 | data[at + 3] & 0x3F
            at += 4
        points[n], bits[n] = point, table[point]
        digits += bits[n] & DIGIT
        ats += point == 64
        colons += point == 58
        dashes += point == 45
        n += 1
    return n, digits, ats, colons, dashes


@njit(cache=True, nogil=True)
def _put(found: Windows, size: int, row: int, kind: int, start: int, end: int) -> tuple[Windows, int]:
    if size == found.shape[0]:
        wider = np.empty((2 * size, 4), np.int64)
        wider[:size] = found
        found = wider
    found[size, 0], found[size, 1], found[size, 2], found[size, 3] = row, kind, start, end
    return found, size + 1


@njit(cache=True, nogil=True)
def _emails(points: _Points, bits: _Bits, n: int, row: int, found: Windows, size: int) -> tuple[Windows, int]:
    """Each `@` with a local part before and a word after it: where the run of local characters begins, and the `@`.

    No match reaches left of that run, for all of it but the `@` is local characters; `recognise` finds the other end.
    """
    start = 0
    for i in range(n):
        if points[i] == 64:
            if i > start and points[i - 1] != 46 and i + 1 < n and bits[i + 1] & WORD:
                found, size = _put(found, size, row, EMAILS, start, i)
            start = i + 1
        elif not bits[i] & LOCAL:
            start = i + 1
    return found, size


@njit(cache=True, nogil=True)
def _phones(points: _Points, bits: _Bits, n: int, row: int, found: Windows, size: int) -> tuple[Windows, int]:
    """Runs of what telephone numbers are written with, if enough digits stand together, and one character either side.

    phonenumbers goes from left to right, takes its pattern's leftmost match and goes on behind it; no match leaves a
    run, so runs do not meddle with each other. It looks at one character before and after. The digits of one number
    have nothing but joints between them, and are six or more, but for German pagers: 16 and two or three more, perhaps
    after a 0. A word for an extension, `int`, may be taken for digits dialled by letters, behind three others.
    """
    i = 0
    while i < n:
        if not bits[i] & PHONE:
            i += 1
            continue
        start, digits, pager, possible = i, 0, False, False
        while i < n and bits[i] & PHONE:
            if bits[i] & DIGIT:
                if i == start or not bits[i - 1] & DIGIT:
                    pager = pager or _begins_pager(points, bits, i, n)
                digits += 1
                possible = possible or digits >= 6 or (digits >= 4 and pager)
            elif not bits[i] & JOINT:
                spelt = points[i] | 32 == 105 and i + 2 < n and points[i + 1] | 32 == 110 and points[i + 2] | 32 == 116
                possible = possible or (spelt and digits >= 3)
                digits, pager = 0, False
            i += 1
        if possible:
            found, size = _put(found, size, row, PHONES, start - (start > 0), min(n, i + 1))
    return found, size


@njit(cache=True, nogil=True)
def _begins_pager(points: _Points, bits: _Bits, i: int, n: int) -> bool:
    """Whether digits begin with 0 or 16; those of other scripts may mean either."""
    if points[i] > 127:
        return True
    return points[i] == 48 or (
        points[i] == 49 and i + 1 < n and (points[i + 1] == 54 or not bits[i + 1] & DIGIT or points[i + 1] > 127)
    )


@njit(cache=True, nogil=True)
def _digits(
    points: _Points, bits: _Bits, n: int, row: int, kinds: int, found: Windows, size: int
) -> tuple[Windows, int]:
    """Digits with at most one space, dot or hyphen between two, and one character more either side for `\\b`.

    A match begins and ends with a digit and has no two separators in a row. Cards have 13 digits or more, social
    security numbers nine.
    """
    i = 0
    while i < n:
        if not bits[i] & DIGIT:
            i += 1
            continue
        start, digits = i, 0
        while i < n and (bits[i] & DIGIT or (bits[i] & SEPARATOR and i + 1 < n and bits[i + 1] & DIGIT)):
            digits += bits[i] & DIGIT
            i += 1
        if kinds & SOCIALS and digits >= 9:
            found, size = _put(found, size, row, SOCIALS, start - (start > 0), min(n, i + 1))
        if kinds & CARDS and digits >= 13:
            found, size = _put(found, size, row, CARDS, start - (start > 0), min(n, i + 1))
    return found, size


@njit(cache=True, nogil=True)
def _ibans(points: _Points, bits: _Bits, n: int, row: int, found: Windows, size: int) -> tuple[Windows, int]:
    """Two letters, two digits and two groups of four, not behind a letter or digit: from one before to the longest end.

    The longest match has 43 characters, and one more is looked at. Places in the window that are no such beginning
    cannot begin a match in the whole text either: the two groups lie before the window's end.
    """
    last = -1
    for i in range(n - 11):
        if not (bits[i + 2] & bits[i + 3] & DIGIT and points[i + 2] < 128 and points[i + 3] < 128):
            continue
        letters = bits[i] & bits[i + 1] & ALNUM and not (bits[i] | bits[i + 1]) & DIGIT
        if not letters or (i > 0 and bits[i - 1] & ALNUM):
            continue
        at, groups = i + 4, 0
        while groups < 2:
            if at < n and (points[at] == 32 or points[at] == 45):
                at += 1
            if at + 4 > n or not bits[at] & bits[at + 1] & bits[at + 2] & bits[at + 3] & ALNUM:
                break
            at, groups = at + 4, groups + 1
        if groups == 2:
            start, end = i - (i > 0), min(n, i + 44)
            if start < last:
                found[size - 1, 3] = end
            else:
                found, size = _put(found, size, row, IBANS, start, end)
            last = end
    return found, size


@njit(cache=True, nogil=True)
def _tokens(
    points: _Points, bits: _Bits, n: int, row: int, kinds: int, found: Windows, size: int
) -> tuple[Windows, int]:
    """Runs of word characters and `: . % / -` with the dots, colons or hyphens of an address; long letters and digits.

    No address has another character, and one that is none ends a run as the end of the text does: it is no word
    character, colon or dot. IPv4 has a dot between digits three times, IPv6 `::` or seven colons. MAC has five colons
    or hyphens between hexadecimal digits, or two dots after just four of them. A wallet needs no such border: it is
    any `1` or `3` (also that of `bc1`) with 25 letters or digits behind it.
    """
    i = 0
    while i < n:
        if not bits[i] & TOKEN:
            i += 1
            continue
        start, dots, colons, double, joints, fours, hexes = i, 0, 0, False, 0, 0, 0
        word, one = i, -1  # where letters and digits began without a break, and the first 1 or 3 among them
        while i < n and bits[i] & TOKEN:
            point = points[i]
            if bits[i] & ALNUM:
                one = i if one < 0 and (point == 49 or point == 51) else one
            else:
                if kinds & WALLETS and one >= 0 and i - one > 25:
                    found, size = _put(found, size, row, WALLETS, word, i)
                word, one = i + 1, -1
            between = i > start and i + 1 < n
            if point == 46:
                dots += between and bits[i - 1] & bits[i + 1] & DIGIT
                fours += hexes == 4
            elif point == 58 or point == 45:
                joints += between and (bits[i - 1] & bits[i + 1] & HEX) != 0
                colons += point == 58
                double = double or (point == 58 and i + 1 < n and points[i + 1] == 58)
            hexes = hexes + 1 if bits[i] & HEX else 0
            i += 1
        if kinds & WALLETS and one >= 0 and i - one > 25:
            found, size = _put(found, size, row, WALLETS, word, i)
        if kinds & ADDRESSES and (dots >= 3 or double or colons >= 7):
            found, size = _put(found, size, row, ADDRESSES, start, i)
        if kinds & MACS and (joints >= 5 or fours >= 2):
            found, size = _put(found, size, row, MACS, start, i)
    return found, size
