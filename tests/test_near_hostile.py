"""Corpora made to hurt a search for near-duplicates: copies without end, huge documents, marks without letters.

Damaged and missing files of a half-done search, and a disk without room, are covered in test_near_damage.
"""

import itertools
import string
import unicodedata

import pytest

from curation.dedup.near import NearDuplicates
from tests.test_near import search


def test_a_hundred_thousand_copies_cost_one_comparison_each() -> None:
    text = "the same page over and over again"
    drops, facts, _ = search(NearDuplicates(), [text] * 100_000, (30_000, 8192))
    assert drops == [(row, 0, 1.0) for row in range(1, 100_000)]
    assert (facts["pairs_verified"], facts["capped"]) == (99_999, 0)
    assert [cluster["size"] for cluster in facts["clusters"]] == [100_000]


def test_documents_without_words_and_of_one_word_among_many() -> None:
    texts = ["", " ", "\n\t", "...", "\u0301\u0301", "\u200b\u200d\ufeff", "🙂🙂", "\x00\x01"] * 500 + [
        "word",
        "other",
    ] * 500
    drops, _, _ = search(NearDuplicates(), texts)
    assert drops == [(row, 4000 + row % 2, 1.0) for row in range(4002, 5000)]


def test_a_line_said_a_million_times_is_the_set_of_its_shingles() -> None:
    line = "buy cheap watches here today\n"
    drops, _, _ = search(NearDuplicates(), [line * 1_000_000, "nothing like it", line * 3], (2, 1))
    assert drops == [(2, 0, 1.0)]


def test_one_word_of_a_million_letters_and_a_million_words_of_one_letter() -> None:
    long, short = "x" * 1_000_000, "x " * 1_000_000
    assert search(NearDuplicates(), [long, short, long, short, long + "x"])[0] == [(2, 0, 1.0), (3, 1, 1.0)]


@pytest.mark.parametrize(
    ("plain", "marked"),
    [
        ("في البدء خلق الله السماوات والأرض وكانت الأرض خربة", "فِي ٱلْبَدْءِ خَلَقَ ٱللهُ ٱلسَّمَاوَاتِ وَٱلْأَرْضَ وَكَانَتِ ٱلْأَرْضُ خَرِبَةً"),
        ("בראשית ברא אלהים את השמים ואת הארץ", "בְּרֵאשִׁית בָּרָא אֱלֹהִים אֵת הַשָּׁמַיִם וְאֵת הָאָרֶץ"),
        ("tieng Viet co nhieu dau thanh", "tiếng Việt có nhiều dấu thanh"),
        ("every letter of this has marks", "".join(c + "\u0300\u0316" * 50 for c in "every letter of this has marks")),
        ("left to right and back again", "\u202bleft \u202eto right\u202c and\u200f back \u2067again\u2069"),
    ],
)
def test_marks_and_directions_make_no_other_document(plain: str, marked: str) -> None:
    # Quranic spelling has letters of its own (wasla), which are other letters.
    texts = [plain, marked.replace("ٱ", "ا"), unicodedata.normalize("NFD", marked.replace("ٱ", "ا"))]
    assert search(NearDuplicates(), texts)[0] == [(1, 0, 1.0), (2, 0, 1.0)]


@pytest.mark.slow
def test_documents_of_a_hundred_megabytes_are_compared_whole() -> None:
    letters = string.ascii_lowercase
    words = ["".join(four) for four in itertools.product(letters, repeat=4)]
    text = " ".join(itertools.chain.from_iterable(words[at::step] for at, step in enumerate(range(40, 82))))
    text = "\n".join([text] * (100_000_000 // len(text) + 1))
    other = text[: len(text) // 2] + " and an end of its own"
    drops, facts, _ = search(NearDuplicates(), [text, "short", other], (3, 1))
    assert [(row, kept) for row, kept, _ in drops] == [(2, 0)]
    assert 0.99 < drops[0][2] < 1
    assert facts["pairs_verified"] == 1
