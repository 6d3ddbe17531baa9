"""Repetition inside a document: duplicate paragraphs, lines and word n-grams (Rae et al. 2021, table A1)."""

import numpy as np
import numpy.typing as npt
from numba import njit

from .chunks import LEADING_WHITESPACE, Ints, chunk_number
from .dictionary import FIRST_WORD, POLYNOMIAL, WORDS
from .text import (
    HASH_MIX,
    HASH_PRIME,
    NEWLINE,
    Bytes,
    Hashes,
    Offsets,
    characters,
    hash_bytes,
    seen_before,
    skip_whitespace,
    strip_right,
    table_size,
)

# columns of what `repetition` returns
CHARACTERS, PARAGRAPHS, DUPLICATE_PARAGRAPHS, DUPLICATE_PARAGRAPH_CHARS = 0, 1, 2, 3
LINES, DUPLICATE_LINES, DUPLICATE_LINE_CHARS = 4, 5, 6
# characters of the most frequent n-gram (n = 2, 3, 4) and of all repeated n-grams (n = 5 ... 10) at column 5 + n
GRAMS = 5
COLUMNS = 16


def _powers(count: int) -> Hashes:
    powers = np.ones(count, np.uint64)
    powers[1:] = POLYNOMIAL
    return np.multiply.accumulate(powers)


POWERS = _powers(1 << 12)


@njit(cache=True, nogil=True)
def power(exponent: int) -> np.uint64:
    """POLYNOMIAL to the power of `exponent`, modulo 2^64."""
    steps = exponent // (len(POWERS) - 1)
    value = np.uint64(POWERS[exponent - steps * (len(POWERS) - 1)])
    for _ in range(steps):
        value *= POWERS[len(POWERS) - 1]
    return value


@njit(cache=True, nogil=True)
def duplicates(
    data: Bytes,
    start: int,
    end: int,
    shortest: int,
    keys: Hashes,
    stamps: npt.NDArray[np.uint32],
    stamp: int,
    mask: int,
) -> tuple[int, int, int]:
    """Pieces between runs of at least `shortest` line feeds: how many, how many came before, and their characters."""
    count = 0
    repeated = 0
    repeated_characters = 0
    at = start
    piece = start
    while True:
        run = at
        while run < end and data[run] == NEWLINE:
            run += 1
        if at >= end or run - at >= shortest:
            count += 1
            if seen_before(keys, stamps, stamp, mask, hash_bytes(data, piece, at))[1]:
                repeated += 1
                repeated_characters += characters(data, piece, at)
            if at >= end:
                return count, repeated, repeated_characters
            piece = run
        at = max(run, at + 1)


@njit(cache=True, nogil=True)
def top_gram(
    size: int,
    words: int,
    hashes: Hashes,
    sums: Offsets,
    keys: Hashes,
    stamps: npt.NDArray[np.uint32],
    stamp: int,
    mask: int,
    counts: Ints,
    firsts: Ints,
) -> int:
    """Occurrences times length (blanks between words included) of the most frequent n-gram; the first one of equals."""
    best = 0
    best_at = 0
    for at in range(words - size + 1):
        key = np.uint64(0)
        for word in range(at, at + size):
            key = (key + hashes[word]) * HASH_MIX
        slot, found = seen_before(keys, stamps, stamp, mask, key ^ (key >> np.uint64(31)))
        if not found:
            counts[slot] = 0
            firsts[slot] = at
        counts[slot] += 1
        if counts[slot] > best or (counts[slot] == best and firsts[slot] < best_at):
            best = counts[slot]
            best_at = firsts[slot]
    return int(best * (sums[best_at + size] - sums[best_at] + size - 1))


@njit(cache=True, nogil=True)
def repeated_grams(
    size: int,
    words: int,
    prefixes: Hashes,
    byte_sums: Offsets,
    sums: Offsets,
    keys: Hashes,
    stamps: npt.NDArray[np.uint32],
    stamp: int,
    mask: int,
) -> int:
    """Characters of n-grams that occurred before, read from left to right, stepping over each one found.

    N-grams are compared as joined text, so `ab c` equals `a bc`: the hash of a span of bytes comes from two prefixes.
    """
    total = 0
    at = 0
    while at + size <= words:
        length = byte_sums[at + size] - byte_sums[at]
        scale = POWERS[length] if length < len(POWERS) else power(length)
        key = (prefixes[at + size] - prefixes[at] * scale) * HASH_PRIME
        if seen_before(keys, stamps, stamp, mask, key ^ (key >> np.uint64(29)))[1]:
            total += sums[at + size] - sums[at]
            at += size
        else:
            at += 1
    return total


@njit(cache=True, nogil=True)
def most_entries(data: Bytes, offsets: Offsets, chunks: Ints, starts: Offsets, chunk_features: Ints) -> int:
    """The most words, or line feeds plus two, that any document has."""
    most = 2
    for document in range(len(offsets) - 1):
        words = 0
        for at in range(starts[document], starts[document + 1]):
            if chunks[at] != LEADING_WHITESPACE:
                words += chunk_features[chunk_number(chunks[at]), WORDS]
        feeds = 2
        for at in range(offsets[document], offsets[document + 1]):
            feeds += data[at] == NEWLINE
        most = max(most, words, feeds)
    return most


@njit(cache=True, nogil=True)
def repetition(
    data: Bytes,
    offsets: Offsets,
    chunks: Ints,
    starts: Offsets,
    chunk_features: Ints,
    word_hashes: Hashes,
    word_polynomials: Hashes,
    word_characters: Ints,
    word_bytes: Ints,
) -> npt.NDArray[np.int64]:
    """Counts per document, int64 of shape (documents, COLUMNS); the columns are named at the top of this module."""
    documents = len(offsets) - 1
    out = np.zeros((documents, COLUMNS), np.int64)
    most = most_entries(data, offsets, chunks, starts, chunk_features)
    size = table_size(most)
    keys, stamps, stamp = np.empty(size, np.uint64), np.zeros(size, np.uint32), 0
    counts, firsts = np.empty(size, np.int32), np.empty(size, np.int32)
    hashes, prefixes = np.empty(most + 1, np.uint64), np.zeros(most + 1, np.uint64)
    sums, byte_sums = np.zeros(most + 1, np.int64), np.zeros(most + 1, np.int64)
    for document in range(documents):
        start, end = offsets[document], offsets[document + 1]
        row = out[document]
        row[CHARACTERS] = characters(data, start, end)
        feeds = 2
        for at in range(start, end):
            feeds += data[at] == NEWLINE
        mask = table_size(feeds) - 1
        first = skip_whitespace(data, start, end)
        last = strip_right(data, first, end)
        row[1], row[2], row[3] = duplicates(data, first, last, 2, keys, stamps, stamp + 1, mask)
        row[4], row[5], row[6] = duplicates(data, start, end, 1, keys, stamps, stamp + 2, mask)
        stamp += 2
        words = 0
        for at in range(starts[document], starts[document + 1]):
            if chunks[at] == LEADING_WHITESPACE:
                continue
            chunk = chunk_number(chunks[at])
            for word in range(
                chunk_features[chunk, FIRST_WORD], chunk_features[chunk, FIRST_WORD] + chunk_features[chunk, WORDS]
            ):
                length = word_bytes[word]
                scale = POWERS[length] if length < len(POWERS) else power(length)
                prefixes[words + 1] = prefixes[words] * scale + word_polynomials[word]
                byte_sums[words + 1] = byte_sums[words] + length
                sums[words + 1] = sums[words] + word_characters[word]
                hashes[words] = word_hashes[word]
                words += 1
        mask = table_size(words) - 1
        for gram in range(2, 11):
            stamp += 1
            if words < gram:
                continue
            if gram < 5:
                row[GRAMS + gram] = top_gram(gram, words, hashes, sums, keys, stamps, stamp, mask, counts, firsts)
            else:
                row[GRAMS + gram] = repeated_grams(gram, words, prefixes, byte_sums, sums, keys, stamps, stamp, mask)
    return out
