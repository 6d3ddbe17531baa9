"""The kernels behind decontamination against a plain statement of the rule, over random texts and items."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from curation.decontaminate.items import hash_all, index_of
from curation.decontaminate.search import Search
from tests.test_shingles import texts as any_text
from tests.test_shingles import word_hash, words_of

WORDS = st.sampled_from(["a", "b", "c", "dog", "7"])
TEXT = st.lists(WORDS, max_size=25).map(" ".join)


def words_and_numbers(text: str) -> list[str]:
    """As `words_of`, but digits are letters: written in ASCII, and far from every letter that stands for itself."""
    letters = {str(digit): chr(0xE000 + digit) for digit in range(10)}
    plain = "".join(letters[str(int(c))] if unicodedata.category(c) == "Nd" else c for c in text)
    back = {ord(letter): digit for digit, letter in letters.items()}
    return [word.translate(back) for word in words_of(plain)]


@given(any_text.filter(lambda text: not re.search("[\ue000-\ue009]", text)))
@example("1,234.56 and ٣ and １２ x7y")
@example("第3章 Straße")
def test_words_keep_the_value_of_their_numbers(text: str) -> None:
    words, bounds = hash_all(pl.Series([text, "", text]))
    wanted = [word_hash(word) for word in words_and_numbers(text)]
    assert words.tolist() == wanted + wanted
    assert bounds.tolist() == [0, len(wanted), len(wanted), 2 * len(wanted)]


def test_every_digit_of_every_script_is_the_digit_it_means() -> None:
    digits = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Nd"]
    words, _ = hash_all(pl.Series(digits))
    assert words.tolist() == [word_hash(str(int(digit))) for digit in digits]


def runs(words: Sequence[str], n: int) -> list[tuple[str, ...]]:
    """Every run of n words; of fewer words, all of them; of none, nothing."""
    return [tuple(words[at : at + n]) for at in range(max(1, len(words) - n + 1))] if words else []


def stated(
    texts: Sequence[str], items: Sequence[str], n: int, min_words: int, max_items: int
) -> list[tuple[int, float]]:
    """The rule of Decontaminate, word for word: the item of which each text holds most, and the share."""
    split = [words_and_numbers(item) for item in items]
    holders = Counter(run for words in split for run in set(runs(words, n)))
    own: list[set[int]] = []
    for words in split:
        length = min(n, len(words))
        rare = [at for at, run in enumerate(runs(words, n)) if holders[run] <= max_items]
        own.append({word for at in rare for word in range(at, at + length)})
    found = []
    for text in texts:
        best, share = -1, 0.0
        for number, words in enumerate(split):
            length = min(n, len(words))
            if not own[number]:
                continue
            there = set(runs(words_and_numbers(text), length)) if len(words_and_numbers(text)) >= length else set()
            hits = [at for at, run in enumerate(runs(words, n)) if run in there and holders[run] <= max_items]
            common = len({word for at in hits for word in range(at, at + length)})
            if common >= min(min_words, len(own[number])) and common / len(own[number]) > share:
                best, share = number, common / len(own[number])
        found.append((best, share))
    return found


def measured(
    texts: Sequence[str], items: Sequence[str], n: int, min_words: int, max_items: int, max_overlap: float = 0.5
) -> tuple[list[tuple[int, float]], list[int]]:
    words, bounds = hash_all(pl.Series(items, dtype=pl.String))
    index = index_of(words, bounds, n, max_items)
    search = Search(index=index, ngram=n, min_words=min_words, max_overlap=max_overlap)
    found = search.nothing_found()
    best, shares = search.shares(pl.Series(texts, dtype=pl.String), found)
    return list(zip(best.tolist(), shares.tolist(), strict=True)), np.flatnonzero(found).tolist()


@settings(max_examples=300)
@given(
    texts=st.lists(TEXT, min_size=1, max_size=6),
    items=st.lists(TEXT, min_size=1, max_size=6),
    n=st.integers(1, 6),
    min_words=st.integers(1, 8),
    max_items=st.integers(1, 3),
)
@example(texts=["a b c dog", "x a b y"], items=["a b", "a b"], n=2, min_words=1, max_items=1)
@example(texts=["a b c a b c a b c"], items=["a b c a b c", ""], n=3, min_words=2, max_items=10)
def test_shares_are_those_of_the_plain_statement(
    texts: list[str], items: list[str], n: int, min_words: int, max_items: int
) -> None:
    assert measured(texts, items, n, min_words, max_items)[0] == stated(texts, items, n, min_words, max_items)


@given(
    texts=st.lists(TEXT, min_size=1, max_size=5), items=st.lists(TEXT, min_size=1, max_size=5), limit=st.floats(0, 0.99)
)
def test_an_item_is_found_when_any_text_alone_holds_more_of_it_than_allowed(
    texts: list[str], items: list[str], limit: float
) -> None:
    _, found = measured(texts, items, 2, 2, 10, limit)
    wanted = [number for number, item in enumerate(items) if any(_share(text, item, items) > limit for text in texts)]
    assert found == wanted


def _share(text: str, item: str, items: list[str]) -> float:
    """The share of one item alone; templates are those of all items, of which there are too few to make any."""
    assert len(items) <= 10
    return stated([text], [item], 2, 2, 10)[0][1]


@given(
    texts=st.lists(TEXT, min_size=2, max_size=8), items=st.lists(TEXT, min_size=1, max_size=4), cut=st.integers(1, 7)
)
def test_a_text_is_judged_alike_in_any_company(texts: list[str], items: list[str], cut: int) -> None:
    whole, _ = measured(texts, items, 3, 3, 10)
    pieces = [measured(half, items, 3, 3, 10)[0] if half else [] for half in (texts[:cut], texts[cut:])]
    assert whole == pieces[0] + pieces[1]


def test_a_long_text_that_repeats_an_item_is_read_once_per_run() -> None:
    item = " ".join(f"w{number}" for number in range(40))
    (best, share), *_ = measured([f"{item} " * 20_000], [item, "other words"], 8, 10, 10)[0]
    assert (best, share) == (0, 1.0)


def test_equal_hashes_of_different_runs_are_told_apart_by_their_words() -> None:
    words, bounds = hash_all(pl.Series(["one two three four", "five six seven eight"]))
    index = index_of(words, bounds, 4, 10)
    # The run of the second item is made to lie under the hash of the first.
    places = index.places.copy()
    places[:] = places.max()
    forged = index._replace(places=places)
    search = Search(index=forged, ngram=4, min_words=1, max_overlap=0.5)
    best, _ = search.shares(pl.Series(["one two three four"]), search.nothing_found())
    assert best.tolist() == [-1]


@pytest.mark.parametrize("texts", [[], [""], [None], ["", "a b c"]])
def test_empty_texts_and_no_items_hold_nothing(texts: list[str]) -> None:
    assert measured(texts, [], 8, 10, 10) == ([(-1, 0.0)] * len(texts), [])
    assert measured(texts, ["", "!"], 8, 10, 10) == ([(-1, 0.0)] * len(texts), [])
