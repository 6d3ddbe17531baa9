"""Repetition inside a document: duplicate paragraphs, lines and word n-grams (Rae et al. 2021, table A1)."""

import numpy as np
import numpy.typing as npt
from numba import njit

from .chunks import LEADING_WHITESPACE, Ints, chunk_number
from .dictionary import FIRST_WORD, WORDS
from .eight import AHEAD, fetch_ahead, put_eight_bytes
from .grams import BEYOND, bitmap_size, repeated_words, repeating_places, top_grams
from .marks import LENGTH
from .text import (
    FEWEST,
    NEWLINE,
    Bytes,
    Hashes,
    Offsets,
    characters,
    few_bytes,
    hash_bytes,
    next_newline,
    room_for_more,
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


@njit(cache=True, nogil=True)
def duplicates(data: Bytes, start: int, end: int, shortest: int, keys: Hashes) -> tuple[int, int, int, Hashes]:
    """Pieces between runs of at least `shortest` line feeds: how many, how many came before, and their characters.

    Returns `keys` as well, the room for a set, which may have grown.
    """
    mask = FEWEST - 1
    keys[:FEWEST] = 0
    count = 0
    repeated = 0
    repeated_characters = 0
    at = start
    piece = start
    while True:
        at = next_newline(data, at, end)
        run = at
        while run < end and data[run] == NEWLINE:
            run += 1
        if at == end or run - at >= shortest:
            count += 1
            if seen_before(keys, mask, hash_bytes(data, piece, at)):
                repeated += 1
                repeated_characters += characters(data, piece, at)
            else:
                keys, mask = room_for_more(keys, mask, count - repeated)
            if at == end:
                return count, repeated, repeated_characters, keys
            piece = run
        at = run


@njit(cache=True, nogil=True)
def most_words(offsets: Offsets, chunks: Ints, starts: Offsets, chunk_features: Ints) -> tuple[int, int]:
    """The most words, and the most bytes, that any document has."""
    words_of_any = 0
    bytes_of_any = 0
    for document in range(len(offsets) - 1):
        words = 0
        for at in range(starts[document], starts[document + 1]):
            if chunks[at] != LEADING_WHITESPACE:
                words += chunk_features[chunk_number(chunks[at]), WORDS]
        words_of_any = max(words_of_any, words)
        bytes_of_any = max(bytes_of_any, offsets[document + 1] - offsets[document])
    return words_of_any, bytes_of_any


@njit(cache=True, nogil=True)
def lay_out(
    data: Bytes, start: int, end: int, chunks: Ints, chunk_features: Ints, chunk_lines: Ints, word_hashes: Hashes,
    word_bytes: Ints, hashes: Hashes, known: Ints, bounds: Offsets, stream: Bytes,
) -> int:  # fmt: skip
    """Write the words of a document one after the other; returns how many.

    Fills `hashes` and `known` (the words' numbers in the dictionary), `stream` (their bytes, without the whitespace
    between them) and `bounds` (where each begins in it).
    """
    words = 0
    at = skip_whitespace(data, start, end)
    used = 0
    for place, code in enumerate(chunks):
        # what is known about a chunk lies anywhere in megabytes, so ask for it early: first its row, then its words
        if place + 2 * AHEAD < len(chunks):
            ahead = chunk_number(chunks[place + 2 * AHEAD])
            fetch_ahead(chunk_features, ahead * chunk_features.shape[1])
            fetch_ahead(chunk_lines, ahead * chunk_lines.shape[1])
            ahead = chunk_features[chunk_number(chunks[place + AHEAD]), FIRST_WORD]
            fetch_ahead(word_hashes, ahead)
            fetch_ahead(word_bytes, ahead)
        if code == LEADING_WHITESPACE:
            continue
        chunk = chunk_number(code)
        first = chunk_features[chunk, FIRST_WORD]
        for word in range(first, first + chunk_features[chunk, WORDS]):
            hashes[words] = word_hashes[word]
            known[words] = word
            words += 1
            bounds[words] = bounds[words - 1] + word_bytes[word]
        stop = at + chunk_lines[chunk, LENGTH]
        # what is written beyond the chunk, the next one overwrites
        for more in range(0, stop - at, 8):
            put_eight_bytes(stream, used + more, few_bytes(data, at + more, min(at + more + 8, stop)))
        used += stop - at
        at = stop + 1 if code >= 0 else skip_whitespace(data, stop, end)
    return words


@njit(cache=True, nogil=True)
def repetition(
    data: Bytes, offsets: Offsets, chunks: Ints, starts: Offsets, chunk_features: Ints, chunk_lines: Ints,
    word_hashes: Hashes, word_characters: Ints, word_bytes: Ints,
) -> npt.NDArray[np.int64]:  # fmt: skip
    """Counts per document, int64 of shape (documents, COLUMNS); the columns are named at the top of this module."""
    documents = len(offsets) - 1
    out = np.zeros((documents, COLUMNS), np.int64)
    most, longest = most_words(offsets, chunks, starts, chunk_features)
    keys = np.empty(FEWEST, np.uint64)
    hashes, grams, known = np.empty(most, np.uint64), np.empty(most, np.uint64), np.empty(most, np.int32)
    bounds, stream = np.zeros(most + 1, np.int64), np.zeros(longest + BEYOND, np.uint8)
    once, twice = np.empty(bitmap_size(2 * most), np.uint64), np.empty(bitmap_size(2 * most), np.uint64)
    places, firsts, counts = np.empty(most, np.int32), np.empty(most, np.int32), np.empty(most, np.int32)
    slots, levels = np.empty(table_size(most), np.int32), counts
    for document in range(documents):
        start, end = offsets[document], offsets[document + 1]
        row = out[document]
        row[CHARACTERS] = characters(data, start, end)
        first = skip_whitespace(data, start, end)
        last = strip_right(data, first, end)
        row[1], row[2], row[3], keys = duplicates(data, first, last, 2, keys)
        row[4], row[5], row[6], keys = duplicates(data, start, end, 1, keys)
        words = lay_out(
            data, start, end, chunks[starts[document] : starts[document + 1]], chunk_features, chunk_lines,
            word_hashes, word_bytes, hashes, known, bounds, stream,
        )  # fmt: skip
        best = top_grams(words, hashes, grams, once, twice, places, slots, counts, firsts)
        for gram in range(2, 5):
            if words < gram:
                continue
            times, at = best[gram - 2]
            length = gram - 1
            for word in range(at, at + gram):
                length += word_characters[known[word]]
            row[GRAMS + gram] = times * length
        found = repeating_places(words, stream, bounds, once, twice, grams, places, levels)
        for gram in range(5, 11):
            repeats, keys = repeated_words(gram, words, stream, bounds, places, levels, found, keys, firsts)
            for repeat in range(repeats):
                for word in range(firsts[repeat], firsts[repeat] + gram):
                    row[GRAMS + gram] += word_characters[known[word]]
    return out
