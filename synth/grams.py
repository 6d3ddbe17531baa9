"""Texts as columns of word codes, and the n-grams of words in them, without a loop over texts."""

import hashlib
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

Codes = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]

# As synth.novelty.words: scripts without spaces count by character.
_DENSE = (
    r"\u{e00}-\u{eff}\u{1000}-\u{109f}\u{1780}-\u{17ff}\u{3040}-\u{30ff}\u{3400}-\u{9fff}\u{f900}-\u{faff}"
    r"\u{20000}-\u{3ffff}"
)
WORD = rf"[{_DENSE}]|[\p{{Alphabetic}}\p{{M}}\p{{N}}&&[^{_DENSE}]]+"
CHUNK = 4096  # texts whose words are held as text at a time
_ODD = np.uint64(0x9E3779B97F4A7C15)


class Words(NamedTuple):
    """`codes` of all words, of shape (words,); text t has those from `offsets[t]` to `offsets[t + 1]`."""

    codes: Codes
    offsets: Places


class Grams(NamedTuple):
    """A code for each n-gram, and the number of its text, in the order of the texts."""

    codes: Codes
    texts: Places


def coded(texts: pl.Series) -> Words:
    """The words of each text; equal words have equal codes on every machine."""
    some = [_coded(texts.slice(first, CHUNK)) for first in range(0, len(texts), CHUNK)]
    sizes = np.concatenate([np.empty(0, np.int64), *(found for _, found in some)])
    codes = np.concatenate([np.empty(0, np.uint64), *(found for found, _ in some)])
    return Words(codes, np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64))


def _coded(texts: pl.Series) -> tuple[Codes, Places]:
    """The codes of all words, and how many each text has."""
    found = texts.fill_null("").str.to_lowercase().str.extract_all(WORD)
    words = found.list.explode(empty_as_null=False).rename("word")
    known = words.unique()
    hashes = [int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest()) for word in known.to_list()]
    table = pl.DataFrame([known.cast(pl.String), pl.Series("code", hashes, dtype=pl.UInt64)])
    joined = words.cast(pl.String).to_frame().join(table, on="word", how="left", maintain_order="left")
    return joined.get_column("code").to_numpy().astype(np.uint64), found.list.len().to_numpy().astype(np.int64)


def grams(words: Words, n: int, whole: bool = False) -> Grams:
    """Every run of `n` words; with `whole`, a shorter text that has words is one run of all it has."""
    sizes = np.diff(words.offsets)
    starts = np.maximum(sizes - n + 1, np.minimum(sizes, 1) if whole else 0)
    texts = np.repeat(np.arange(sizes.size), starts)
    first = np.repeat(words.offsets[:-1] - np.concatenate([[0], np.cumsum(starts)[:-1]]), starts) + np.arange(
        texts.size
    )
    ends = words.offsets[1:][texts]
    codes = np.zeros(texts.size, dtype=np.uint64)
    last = max(words.codes.size - 1, 0)
    for step in range(n):
        place = first + step
        word = words.codes[np.minimum(place, last)] if words.codes.size else codes
        codes = (codes ^ np.where(place < ends, word, np.uint64(0))) * _ODD
        codes ^= codes >> np.uint64(29)
    return Grams(codes, texts.astype(np.int64))


def sets(found: Grams, texts: int) -> Words:
    """The different n-grams of each text, ascending, in the form of `Words`."""
    order = np.lexsort((found.codes, found.texts))
    codes, owners = found.codes[order], found.texts[order]
    fresh = np.ones(codes.size, dtype=bool)
    fresh[1:] = (codes[1:] != codes[:-1]) | (owners[1:] != owners[:-1])
    counts = np.bincount(owners[fresh], minlength=texts)
    return Words(codes[fresh], np.concatenate([[0], np.cumsum(counts)]).astype(np.int64))
