"""How texts differ from one another: words that come back, compression, openings, and what they are about."""

import hashlib

import numpy as np
import numpy.typing as npt
import polars as pl
import zstandard

from .grams import WORD, Words, grams

BLOCK = 10_000  # n-grams of which distinct-n is taken
COMPRESSED = 5 << 20  # bytes
OPENINGS = 10
TOPIC_ROWS = 5000
TOPIC_PLACES = 512


def distinct(words: Words, n: int) -> float | None:
    """Distinct-n: different n-grams as a share of all (Li et al. 2016, arXiv 1510.03055, section 5); None without any.

    More text repeats more, so the share is taken of blocks of BLOCK n-grams in a row, and averaged: figures of data of
    any size can be compared (the trouble, and another cure, in Liu et al. 2022, arXiv 2202.13587). What is left behind
    the last whole block does not count, unless there is no whole one.
    """
    codes = grams(words, n).codes
    if not codes.size:
        return None
    blocks = np.split(codes, range(BLOCK, codes.size, BLOCK))
    whole = [block for block in blocks if block.size == BLOCK] or blocks
    return round(float(np.mean([np.unique(block).size / block.size for block in whole])), 4)


def compression(texts: pl.Series) -> float | None:
    """Bytes by compressed bytes of the first COMPRESSED bytes of all texts; more is more alike (Shaib et al. 2024,
    "Standardizing the Measurement of Text Diversity", arXiv 2403.00553). They use gzip, which looks back 32 kB; this is
    zstd, which looks back over all, so that copies far apart are seen.
    """
    data = "\n".join(texts.fill_null("").to_list()).encode("utf-8", "surrogatepass")[:COMPRESSED]
    if not data.strip():
        return None
    settings = zstandard.ZstdCompressionParameters.from_level(3, window_log=23, source_size=len(data))
    return round(len(data) / len(zstandard.ZstdCompressor(compression_params=settings).compress(data)), 2)


def openings(texts: pl.Series) -> list[tuple[str, int]]:
    """The most frequent first three words, and how many texts begin with them."""
    first = texts.fill_null("").str.slice(0, 200).str.to_lowercase().str.extract_all(WORD).list.head(3).list.join(" ")
    counted = first.filter(first != "").rename("opening").value_counts(name="rows")
    return list(counted.sort(["rows", "opening"], descending=[True, False]).head(OPENINGS).rows())


def topics(words: Words) -> float | None:
    """The Vendi score: how many texts that have nothing in common would be as varied (Friedman and Dieng 2022, arXiv
    2210.02410). 1 for texts all about the same, at most TOPIC_PLACES.

    The exponential of the entropy of the eigenvalues of the texts' similarities. Similarity is the cosine of words
    weighted by rarity and hashed into TOPIC_PLACES places with signs (Weinberger et al. 2009, arXiv 0902.2206); the
    eigenvalues are those of a matrix of that size, whatever the number of texts. Of the first TOPIC_ROWS texts.
    """
    sizes = np.diff(words.offsets)[:TOPIC_ROWS]
    codes = words.codes[: words.offsets[min(TOPIC_ROWS, words.offsets.size - 1)]]
    if not codes.size:
        return None
    owners = np.repeat(np.arange(sizes.size), sizes)
    known, code = np.unique(codes, return_inverse=True)
    pairs, times = np.unique(owners * known.size + code, return_counts=True)
    text, word = np.divmod(pairs, known.size)
    texts = np.unique(text).size
    # Rarity of a word that all texts hold is still above nothing, so texts that are all the same have a direction.
    rarity = np.log((1 + texts) / (1 + np.bincount(word, minlength=known.size))) + 1e-3
    weight = (1 + np.log(times)) * rarity[word]
    place, sign = known % np.uint64(TOPIC_PLACES), np.where(known >> np.uint64(63), 1.0, -1.0)
    flat = np.bincount(
        text * TOPIC_PLACES + place[word].astype(np.int64), weight * sign[word], minlength=sizes.size * TOPIC_PLACES
    )
    rows = flat.reshape(sizes.size, TOPIC_PLACES)
    lengths = np.linalg.norm(rows, axis=1)
    return _vendi(rows[lengths > 0] / lengths[lengths > 0, None])


def _vendi(rows: npt.NDArray[np.float64]) -> float | None:
    if not rows.shape[0]:
        return None
    texts, places = rows.shape
    values = np.linalg.eigvalsh((rows @ rows.T if texts < places else rows.T @ rows) / texts)  # the same but for zeros
    values = values[values > 1e-12]
    return round(float(np.exp(-np.sum(values * np.log(values)))), 1)


def drawn_by(name: str) -> int:
    """The place of a row in the order by which samples are drawn: a hash of its id."""
    return int.from_bytes(hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest())
