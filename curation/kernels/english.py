"""spaCy's English words of ASCII chunks, compiled; what would take one of spaCy's rarer patterns is declined.

The rules are those of `Restated` in rules.py, written out for single bytes: which characters are split off at the
ends and inside, which units after digits, which abbreviations and contractions are special. A chunk is declined when
it holds anything but ASCII, when it may be an address of four numbers, or when pieces of it join to an emoticon.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from .chunks import Ints, same_bytes
from .text import Bytes, Offsets, hash_bytes, table_size
from .urls import UNSURE, is_url

DECLINED = -1
# what a character may be: split off before or after, the end of a word that a dot is split from, the last one of a unit
BEFORE, AFTER, DOTTED, UNIT_END = 1, 2, 4, 8
LOWER, UPPER, DIGIT, QUOTE = 16, 32, 64, 128
LETTER, ALPHANUMERIC = LOWER | UPPER, LOWER | UPPER | DIGIT
# quotes, and the comma, that count as letters around a dot inside a chunk
QUOTES = "'\"`,"


class Strings(NamedTuple):
    """A set of strings: string i is `data[ends[i]:ends[i + 1]]`; `slots` finds i by hash; none is longer than `most`.

    Its words are `lengths[firsts[i]:firsts[i + 1]]` bytes long; `joins` tells whether words found apart become it.
    """

    data: Bytes
    ends: Offsets
    slots: Ints
    most: int
    firsts: Offsets
    lengths: Ints
    joins: npt.NDArray[np.bool_]


class Tables(NamedTuple):
    """What the compiled rules look up: the classes of all bytes, special cases, units of measurement."""

    classes: Bytes
    special: Strings
    units: Strings


def strings(words: dict[str, list[str]], joining: set[str]) -> Strings:
    """`words` (each string and the words it is made of) as a set to search."""
    encoded = [string.encode() for string in words]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    data = np.frombuffer(b"".join(encoded) + bytes(8), np.uint8).copy()
    slots = np.full(table_size(2 * len(encoded)), -1, np.int32)
    for place in range(len(encoded)):
        slot = int(hash_bytes(data, ends[place], ends[place + 1])) >> 20 & len(slots) - 1
        while slots[slot] >= 0:
            slot = slot + 1 & len(slots) - 1
        slots[slot] = place
    firsts = np.cumsum([0, *map(len, words.values())], dtype=np.int64)
    lengths = np.array([len(word.encode()) for parts in words.values() for word in parts], np.int32)
    joins = np.array([string in joining for string in words], np.bool_)
    return Strings(data, ends, slots, max(map(len, encoded)), firsts, lengths, joins)


def tables(tokenizer: Any, special: dict[str, list[str]], joining: set[str]) -> Tables:
    """The tables of an English spaCy tokenizer; `joining` are the special cases that it finds among finished words."""
    from spacy.lang.char_classes import CURRENCY, UNITS

    units = [unit.replace("\\", "") for unit in f"{UNITS}|{CURRENCY}".split("|") if unit.isascii()]
    classes = np.zeros(256, np.uint8)
    for code in range(128):
        character = chr(code)
        classes[code] |= BEFORE * (tokenizer.find_prefix(character + "a") == 1)
        classes[code] |= AFTER * (tokenizer.find_suffix("\x7f" + character) == 1)
        classes[code] |= DOTTED * (tokenizer.find_suffix("\x7f" + character + ".") == 1)
        classes[code] |= UNIT_END * any(unit[-1] == character for unit in units)
        classes[code] |= LOWER * character.islower() + UPPER * character.isupper() + DIGIT * character.isdigit()
        classes[code] |= QUOTE * (character in QUOTES)
    ascii_only = {chunk: parts for chunk, parts in special.items() if chunk.isascii()}
    return Tables(classes, strings(ascii_only, joining), strings({unit: [unit] for unit in units}, set()))


@njit(cache=True, nogil=True)
def find(data: Bytes, start: int, end: int, among: Strings) -> int:
    """Which of the strings `[start, end)` is; -1 for none."""
    if not 0 < end - start <= among.most:
        return -1
    mask = len(among.slots) - 1
    slot = np.int64(hash_bytes(data, start, end) >> np.uint64(20)) & mask
    while among.slots[slot] >= 0:
        place = among.slots[slot]
        at = among.ends[place]
        if among.ends[place + 1] - at == end - start and same_bytes(data, start, end, among.data, at):
            return int(place)
        slot = (slot + 1) & mask
    return -1


@njit(cache=True, nogil=True)
def dots_from(data: Bytes, start: int, end: int) -> int:
    """Length of the run of dots at `start`."""
    at = start
    while at < end and data[at] == 46:
        at += 1
    return at - start


@njit(cache=True, nogil=True)
def prefix_length(data: Bytes, start: int, end: int, classes: Bytes) -> int:
    """Bytes that a prefix pattern takes off `[start, end)`, which is not empty."""
    byte = data[start]
    if classes[byte] & BEFORE:
        # a plus stays with its number
        return 0 if byte == 43 and start + 1 < end and classes[data[start + 1]] & DIGIT else 1
    if byte == 46:
        dots = dots_from(data, start, end)
        return dots if dots > 1 else 0
    # US$, C$ and A$
    if byte == 85 and end - start > 2 and data[start + 1] == 83 and data[start + 2] == 36:
        return 3
    return 2 if (byte == 67 or byte == 65) and end - start > 1 and data[start + 1] == 36 else 0


@njit(cache=True, nogil=True)
def suffix_length(data: Bytes, start: int, end: int, table: Tables) -> int:
    """Bytes that a suffix pattern takes off `[start, end)`."""
    if start >= end:
        return 0
    classes = table.classes
    last = data[end - 1]
    if classes[last] & AFTER:
        return 1
    previous = data[end - 2] if end - start > 1 else np.uint8(0)
    if last == 46:
        at = end - 1
        while at > start and data[at - 1] == 46:
            at -= 1
        if end - at > 1:
            return end - at
        if classes[previous] & DOTTED:
            return 1
        return 1 if classes[previous] & UPPER and end - start > 2 and classes[data[end - 3]] & UPPER else 0
    if (last == 115 or last == 83) and previous == 39:
        return 2
    if last == 43:
        return 1 if classes[previous] & DIGIT else 0
    if classes[last] & UNIT_END:
        for length in range(1, min(table.units.most, end - start - 1) + 1):
            if classes[data[end - length - 1]] & DIGIT:
                return length if find(data, end - length, end, table.units) >= 0 else 0
    return 0


@njit(cache=True, nogil=True)
def infix_length(data: Bytes, start: int, at: int, end: int, classes: Bytes) -> int:
    """Bytes of the infix at `at` of the core `[start, end)`; 0 when there is none."""
    byte = data[at]
    before = classes[data[at - 1]] if at > start else np.uint8(0)
    after = classes[data[at + 1]] if at + 1 < end else np.uint8(0)
    if byte == 46:
        dots = dots_from(data, at, end)
        return dots if dots > 1 else 1 if before & (LOWER | QUOTE) and after & (UPPER | QUOTE) else 0
    if byte == 44:
        return 1 if before & LETTER and after & LETTER else 0
    if byte == 58 or byte == 60 or byte == 61 or byte == 62 or byte == 47 or byte == 126:
        return 1 if before & ALPHANUMERIC and after & LETTER else 0
    signed = at + 1 < end and (after & DIGIT or data[at + 1] == 45)
    if before & DIGIT and signed and (byte == 43 or byte == 45 or byte == 42 or byte == 94):
        return 1
    if byte == 45 and before & ALPHANUMERIC:
        # one to three hyphens before a letter
        for length in range(1, min(3, end - at - 1) + 1):
            if classes[data[at + length]] & LETTER:
                return length
            if data[at + length] != 45:
                return 0
    return 0


@njit(cache=True, nogil=True)
def add(lengths: Ints, used: int, place: int, among: Strings) -> int:
    """Append the words of string `place`; returns how many lengths there are then."""
    for part in range(among.firsts[place], among.firsts[place + 1]):
        lengths[used] = among.lengths[part]
        used += 1
    return used


@njit(cache=True, nogil=True)
def joins(data: Bytes, start: int, lengths: Ints, first: int, last: int, special: Strings) -> bool:
    """True when some of the words would join to a special case that has other words; they begin at `start`."""
    for word in range(first, last):
        end = start
        for more in range(word, last):
            end += lengths[more]
            if end - start > special.most:
                break
            place = find(data, start, end, special)
            if place < 0 or not special.joins[place]:
                continue
            parts = special.firsts[place + 1] - special.firsts[place]
            if parts != more + 1 - word:
                return True
            for part in range(parts):
                if special.lengths[special.firsts[place] + part] != lengths[word + part]:
                    return True
        start += lengths[word]
    return False


@njit(cache=True, nogil=True)
def split_chunk(data: Bytes, start: int, end: int, table: Tables, lengths: Ints, used: int, behind: Ints) -> int:
    """Append the lengths of the words of `[start, end)`; returns how many lengths there are then, or DECLINED."""
    classes, special = table.classes, table.special
    place = find(data, start, end, special)
    if place >= 0:
        return add(lengths, used, place, special)
    first, begin, waiting = used, start, 0
    while start < end and find(data, start, end, special) < 0:
        front = prefix_length(data, start, end, classes)
        if front and find(data, start + front, end, special) >= 0:
            lengths[used] = front
            used += 1
            start += front
            break
        back = suffix_length(data, start + front, end, table)
        if back and find(data, start, end - back, special) >= 0:
            behind[waiting] = back
            waiting += 1
            end -= back
            break
        if front:
            lengths[used] = front
            used += 1
            start += front
        if back:
            behind[waiting] = back
            waiting += 1
            end -= back
        if not front and not back:
            break
    place = find(data, start, end, special)
    if place >= 0:
        used = add(lengths, used, place, special)
    elif start < end:
        url = is_url(data, start, end)
        if url == UNSURE:
            return DECLINED
        at = end if url else start
        word = start
        while at < end:
            length = 0 if classes[data[at]] & ALPHANUMERIC else infix_length(data, start, at, end, classes)
            # spaCy passes over an infix at the very beginning
            if length and at > start:
                if at > word:
                    lengths[used] = at - word
                    used += 1
                lengths[used] = length
                used += 1
                word = at + length
            at += max(length, 1)
        if word < end:
            lengths[used] = end - word
            used += 1
    while waiting:
        waiting -= 1
        lengths[used] = behind[waiting]
        used += 1
    if used - first > 1 and joins(data, begin, lengths, first, used, special):
        return DECLINED
    return used


@njit(cache=True, nogil=True)
def split_chunks(data: Bytes, ends: Offsets, table: Tables) -> tuple[Ints, Ints]:
    """Words of the chunks `data[ends[i]:ends[i + 1]]`: how many (DECLINED for some), and all their lengths in bytes."""
    counts = np.empty(len(ends) - 1, np.int32)
    longest = 0
    for chunk in range(len(counts)):
        longest = max(longest, ends[chunk + 1] - ends[chunk])
    lengths, behind = np.empty(ends[-1] - ends[0] + 1, np.int32), np.empty(longest + 1, np.int32)
    used = 0
    for chunk in range(len(counts)):
        start, end = ends[chunk], ends[chunk + 1]
        plain = True
        for at in range(start, end):
            plain &= data[at] < 0x80
        after = split_chunk(data, start, end, table, lengths, used, behind) if plain else DECLINED
        counts[chunk] = DECLINED if after == DECLINED else after - used
        used = max(used, after)
    return counts, lengths[:used].copy()
