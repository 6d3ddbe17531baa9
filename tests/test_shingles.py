"""Kernels from text to shingles, sets and MinHash sketches, each against a plain-Python statement."""

import re
import unicodedata
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from curation.dedup.normalise import UNSPACED, characters
from curation.dedup.sets import shingle_sets
from curation.dedup.shingles import Hashes, buffers, hash_words, room
from curation.dedup.signatures import MinHash
from curation.dedup.sketches import collision_probability, permutations

M = (1 << 64) - 1


def words_of(text: str) -> list[str]:
    """Letters without case and accents; numbers as 0; unspaced scripts letter by letter."""
    out = [""]
    for character in re.sub(r"\d(?:[.,]?\d)*", "0", text):
        category = unicodedata.category(character)
        if category in ("Mn", "Me", "Cf"):
            continue
        if category[0] not in "LMN" and category not in ("Cn", "Co"):
            out.append("")
            continue
        folded = unicodedata.normalize("NFD", unicodedata.normalize("NFD", character).casefold())
        plain = "".join(c for c in folded if unicodedata.category(c) not in ("Mn", "Me"))
        if any(first <= ord(character) <= last for first, last in UNSPACED) and category != "Nd":
            out += [plain, ""]
        else:
            out[-1] += plain
    return [word for word in out if word]


def mixed(value: int) -> int:
    for _ in range(2):
        value = ((value ^ value >> 32) * 0xD6E8FEB86659FD93) & M
    return value ^ value >> 32


def word_hash(word: str) -> int:
    data, value = word.encode(), 0
    for start in range(0, len(data) + 1, 8):
        value = mixed(value ^ int.from_bytes(data[start : start + 8], "little"))
    return value


def shingles_of(text: str, n: int) -> list[int]:
    hashes = [word_hash(word) for word in words_of(text)]
    out = []
    for at in range(max(1, len(hashes) - n + 1)) if hashes else ():
        value = 0
        for word in hashes[at : at + n]:
            value = (value * 0x9FB21C651E98DF25 + word) & M
        out.append(mixed(value))
    return out


def bands_of(shingles: list[int], bands: int, rows: int, seed: int) -> list[int]:
    multipliers, addends = permutations(bands * rows, seed)
    out = []
    for band in range(bands):
        value = ((band + 1) * 0x9E3779B97F4A7C15) & M
        for row in range(band * rows, (band + 1) * rows):
            lanes = ((int(multipliers[row]) * (shingle >> 32) + int(addends[row])) % 2**32 for shingle in shingles)
            least = min(lanes)
            value = (mixed(value ^ least) * 0x9FB21C651E98DF25) & M
        out.append(value)
    return out


def kernel_words(text: str) -> list[int]:
    data, offsets = buffers(pl.Series([text]))
    words: Hashes = np.zeros(room(offsets), np.uint64)
    table = characters()
    count = hash_words(data, offsets[0], offsets[1], table.kinds, table.starts, table.mapped, words)
    assert count <= len(words)
    return [int(word) for word in words[:count]]


tricky = st.text(
    st.sampled_from("aZé\u0301ßİς\u00ad\u200d 1٣.,-_'中ไทย々ｱ가한\u1112ⅷ²🙂\ue000\n\x00\u0378"), max_size=60
)
texts = st.one_of(tricky, st.text(max_size=60), st.text(st.sampled_from("ab cd"), max_size=60))


@settings(deadline=None)  # the first call compiles
@given(texts)
@example("1,234.56 and 1..2 and 3, and x7y")
@example("Straße STRASSE ΣΑΣ σας")
@example("中文字abc字")
def test_words_are_those_of_the_plain_statement(text: str) -> None:
    assert kernel_words(text) == [word_hash(word) for word in words_of(text)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Crème Brûlée, 1,299.50 EUR!", ["creme", "brulee", "0", "eur"]),
        ("soft\u00adhyphen zero\u200bwidth", ["softhyphen", "zerowidth"]),
        ("日本語 text", ["日", "本", "語", "text"]),
        ("don't e-mail", ["don", "t", "e", "mail"]),
        ("--- *** 🙂", []),
    ],
)
def test_words_in_examples(text: str, words: list[str]) -> None:
    assert words_of(text) == words
    assert kernel_words(text) == [word_hash(word) for word in words]


@pytest.mark.slow
def test_every_code_point_reads_as_in_the_plain_statement() -> None:
    wrong = []
    for start in range(0, 0x110000, 64):
        letters = [chr(code) for code in range(start, start + 64) if not 0xD800 <= code < 0xE000]
        # an x on either side shows whether the character joins, parts or stands alone
        text = "".join(f"x{letter}x " for letter in letters)
        if kernel_words(text) != [word_hash(word) for word in words_of(text)]:
            wrong.append(hex(start))
    assert wrong == []


@settings(deadline=None)  # the first call compiles
@given(st.binary(max_size=40), st.binary(max_size=8), st.binary(max_size=8))
def test_broken_utf8_is_read_within_its_bounds(inside: bytes, before: bytes, after: bytes) -> None:
    def read(data: bytes, start: int, end: int) -> list[int]:
        array = np.frombuffer(data + b"\0", np.uint8)
        words = np.zeros(len(inside) // 2 + 1, np.uint64)
        table = characters()
        count = hash_words(array, start, end, table.kinds, table.starts, table.mapped, words)
        assert count <= len(words)
        return [int(word) for word in words[:count]]

    alone = read(inside, 0, len(inside))
    assert read(before + inside + after, len(before), len(before) + len(inside)) == alone


@settings(deadline=None)  # the first call compiles
@given(st.lists(texts, max_size=5), st.integers(1, 6))
def test_sets_hold_each_shingle_once_in_order_of_appearance(documents: list[str], n: int) -> None:
    data, offsets = buffers(pl.Series(documents, dtype=pl.String))
    table = characters()
    bounds, values = shingle_sets(data, offsets, table.kinds, table.starts, table.mapped, n)
    found = [[int(value) for value in values[start:end]] for start, end in pairwise(bounds)]
    assert found == [list(dict.fromkeys(shingles_of(text, n))) for text in documents]


@settings(deadline=None)  # the first call compiles
@given(st.lists(texts, max_size=4), st.integers(1, 5), st.integers(1, 3), st.integers(1, 3), st.integers(0, 2**70))
def test_sketches_are_those_of_the_plain_statement(
    documents: list[str], n: int, bands: int, rows: int, seed: int
) -> None:
    minhash = MinHash(ngram=n, bands=bands, rows=rows, seed=seed)
    hashes, counts = minhash.sign(pl.Series(documents, dtype=pl.String))
    for text, sketch, count in zip(documents, hashes.tolist(), counts.tolist(), strict=True):
        shingles = shingles_of(text, n)
        assert count == len(shingles)
        assert not shingles or sketch == bands_of(shingles, bands, rows, seed)
    assert minhash.sign_sets(*minhash.sets(pl.Series(documents, dtype=pl.String))).tolist() == hashes.tolist()


def test_fewer_words_than_a_shingle_make_one_and_no_words_none() -> None:
    _, counts = MinHash(ngram=5, bands=1, rows=1, seed=1).sign(
        pl.Series(["a b", "a b c d e", "a b c d e f", " ...", None])
    )
    assert counts.tolist() == [1, 1, 2, 0, 0]


@settings(deadline=None)  # the first call compiles
@given(st.lists(st.one_of(st.none(), texts), max_size=8), st.integers(0, 4), st.integers(0, 4))
def test_buffers_of_a_slice_hold_its_rows(values: list[str | None], skip: int, take: int) -> None:
    data, offsets = buffers(pl.Series(values, dtype=pl.String).slice(skip, take))
    found = [bytes(data[start:end]).decode() for start, end in pairwise(offsets)]
    assert found == [value or "" for value in values[skip : skip + take]]


def test_permutations_are_fixed_for_good() -> None:
    multipliers, addends = permutations(2, 1)
    assert [hex(value) for value in (*multipliers.tolist(), *addends.tolist())] == [
        "0x910a2ded",
        "0xbeeb8da1",
        "0xf893a2ee",
        "0x71c18690",
    ]


@pytest.mark.parametrize(("bands", "rows"), [(14, 8), (20, 6)])
@pytest.mark.parametrize("jaccard", [0.5, 0.6, 0.7, 0.8, 0.9])
def test_planted_pairs_share_a_band_as_often_as_the_s_curve_says(jaccard: float, bands: int, rows: int) -> None:
    """2,000 pairs of sets of 100 words; the rate lies within four standard errors of the analytic probability."""
    pairs, size = 2000, 100
    common = round(2 * size * jaccard / (1 + jaccard))
    letters = str.maketrans("0123456789", "abcdefghij")
    name = iter(f"w{number:07d}".translate(letters) for number in range(pairs * 2 * size))
    documents = []
    for _ in range(pairs):
        shared = [next(name) for _ in range(common)]
        documents += [" ".join(shared + [next(name) for _ in range(size - common)]) for _ in range(2)]
    hashes, _ = MinHash(ngram=1, bands=bands, rows=rows, seed=1).sign(pl.Series(documents))
    rate = (hashes[0::2] == hashes[1::2]).any(axis=1).mean()
    expected = collision_probability(common / (2 * size - common), bands, rows)
    assert abs(rate - expected) <= 4 * (expected * (1 - expected) / pairs) ** 0.5 + 1e-9
