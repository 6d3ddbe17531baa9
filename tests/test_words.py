"""Words are spaCy's, whatever the chunk, the batch, or what was split before.

English chunks are compared with spaCy itself on hostile strings, other languages on real sentences. The words of whole
real documents are compared through the decisions of test_datatrove_parity.py.
"""

import io
import json
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import spacy
import zstandard
from datatrove.utils.word_tokenizers import load_word_tokenizer
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.kernels import dictionary
from curation.kernels.chunks import LEADING_WHITESPACE, chunk_number
from curation.kernels.dictionary import FIRST_WORD, WORDS
from curation.kernels.rules import Restated, Rules
from curation.words import Splitter, Words, buffers, distinct_words, split

# letters, affixes, infixes, units, emoticons, URLs, quotes and signs that English rules look at, and some that none do
AFFIXES = "abSkmDTUC08.,:;'\"-_/()[]<>=+~*^@#$%&!?…’‘“”—£€°²éßİ½日ー\u200b\u0301\ufeff\x00😀"
PIECES = ["don't", "a.m.", "e.g.", "US$", "10km", "www.a.com", "http://b.org/c", ":-)", "it's", "and/or", "..."]
chunks = st.lists(st.sampled_from([*AFFIXES, *PIECES]), min_size=1, max_size=9).map("".join)
BLANKS = [" ", "  ", "\n", "\n\n", "\t", "\r\n", "\x0b", "\x1c", "\x85", "\xa0", "\u2028", "\u3000"]
texts = st.lists(
    st.sampled_from(["word", "it's", "End.", "3km", "«été»", "日本", "a\x00b", "\u200b", "x" * 40, "…", *BLANKS]),
    max_size=30,
).map("".join)


def words_in(words: Words) -> list[list[tuple[int, int]]]:
    """Hash and length of every word of every document."""
    known = words.features
    found = []
    for start, end in zip(words.starts, words.starts[1:], strict=False):
        rows = [known.chunk[chunk_number(code)] for code in words.chunks[start:end] if code != LEADING_WHITESPACE]
        indexes = [place for row in rows for place in range(row[FIRST_WORD], row[FIRST_WORD] + row[WORDS])]
        found.append([(int(known.hashes[place]), int(known.characters[place])) for place in indexes])
    return found


@pytest.fixture(scope="module")
def spacy_english() -> Any:
    return spacy.blank("en").tokenizer


@pytest.fixture(scope="module")
def english() -> Restated:
    return Restated("en")


@given(chunk=chunks)
@settings(max_examples=1500, deadline=None)
def test_english_chunks_have_spacys_words(chunk: str, english: Restated, spacy_english: Any) -> None:
    chunk = "".join(chunk.split())
    if chunk:
        assert list(english.words(chunk)) == [word.text for word in spacy_english(chunk)]


def compiled_words(chunks: list[str], language: str = "en") -> list[list[str]]:
    """The words of chunks, cut out by the lengths that the dictionary is told."""
    encoded = [chunk.encode() for chunk in chunks]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    counts, lengths = Rules(language).lengths(np.frombuffer(b"".join(encoded), np.uint8), ends)
    assert lengths.sum() == ends[-1]
    bounds = iter(np.cumsum([0, *lengths]).tolist())
    joined, start = b"".join(encoded), next(bounds)
    found: list[list[str]] = []
    for count in counts:
        stops = [next(bounds) for _ in range(count)]
        found.append([joined[a:b].decode() for a, b in pairwise([start, *stops])])
        start = stops[-1]
    return found


def test_every_chunk_of_one_or_two_ascii_characters_has_spacys_words(spacy_english: Any) -> None:
    letters = [chr(code) for code in range(128) if not chr(code).isspace()]
    some = [*letters, *(a + b for a in letters for b in letters)]
    assert compiled_words(some) == [[word.text for word in spacy_english(chunk)] for chunk in some]


# pieces of ASCII that the compiled rules look at: affixes, units, contractions, abbreviations, emoticons, URLs
ASCII = [
    *"aZ19skmU$.,:;!?'\"`-_/()[]{}<>=+~*^@#%&|\\\x00", "don't", "it's", "a.m.", "Mr.", "e.g.", "US$", "C$", "km/h",
    "10km", "GB", "...", "--", "---", "://", "www.", ".com", ".co.uk", "http://", "mailto:", ":80", "@b.org", "?q=1",
    "127.0.0.1", ":-)", "o.O", "(c)", "and/or", "Cause", "x" * 63, "o'clock", "10-12", "A.B",
]  # fmt: skip


@given(some=st.lists(st.lists(st.sampled_from(ASCII), min_size=1, max_size=8).map("".join), min_size=20, max_size=60))
@settings(max_examples=60, deadline=None)
def test_compiled_english_has_spacys_words(some: list[str], spacy_english: Any) -> None:
    assert compiled_words(some) == [[word.text for word in spacy_english(chunk)] for chunk in some]


@given(some=st.lists(chunks, min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_chunks_of_all_kinds_keep_their_order(some: list[str], english: Restated) -> None:
    some = ["".join(chunk.split()) or "x" for chunk in some]
    assert compiled_words(some) == [list(english.words(chunk)) for chunk in some]


def test_chunks_of_another_language_are_cut_by_its_rules() -> None:
    some = ["z.B.", "Straße,", "don't", "(日本)", "日本"]
    assert compiled_words(some, "de") == [list(words) for words in Rules("de")(some)]
    assert compiled_words(some, "cmn")[-1] == ["日", "本"]


@given(documents=st.lists(texts, min_size=1, max_size=6))
@settings(max_examples=100, deadline=None)
def test_documents_have_datatroves_words(documents: list[str]) -> None:
    expected = [load_word_tokenizer("en").word_tokenize(document) for document in documents]
    words = split(pl.Series(documents), "en")
    assert words.count.tolist() == [len(some) for some in expected]
    assert [[length for _, length in some] for some in words_in(words)] == [list(map(len, some)) for some in expected]
    assert words.alphabetic.tolist() == [sum(any(map(str.isalpha, word)) for word in some) for some in expected]


@given(documents=st.lists(texts, min_size=1, max_size=6), cut=st.integers(0, 6))
@settings(max_examples=15, deadline=None)
def test_a_batch_may_be_cut_anywhere(documents: list[str], cut: int) -> None:
    fresh = Splitter("en")
    whole = words_in(fresh(*buffers(pl.Series(documents))))
    first, rest = pl.Series(documents[:cut], dtype=pl.String), pl.Series(documents[cut:], dtype=pl.String)
    assert words_in(split(rest, "en")) == whole[cut:]
    assert words_in(split(first, "en")) == whole[:cut]


@given(documents=st.lists(texts, min_size=1, max_size=6), seed=st.randoms())
@settings(max_examples=50, deadline=None)
def test_filtered_words_are_the_words_of_filtered_documents(documents: list[str], seed: Any) -> None:
    keep = np.array([seed.random() < 0.5 for _ in documents])
    filtered = split(pl.Series(documents), "en").filter(keep)
    again = split(pl.Series([text for text, kept in zip(documents, keep, strict=True) if kept], dtype=pl.String), "en")
    assert words_in(filtered) == words_in(again)
    assert filtered.data[: filtered.offsets[-1]].tobytes() == again.data[: again.offsets[-1]].tobytes()


def test_a_dictionary_that_starts_afresh_gives_the_same_words(monkeypatch: pytest.MonkeyPatch) -> None:
    documents = [f"word{n} it's {n}km" for n in range(50)]
    expected = words_in(split(pl.Series(documents), "en"))
    monkeypatch.setattr(dictionary, "MOST_CHUNKS", 3)
    forgetful = Splitter("en")
    assert [words_in(forgetful(*buffers(pl.Series([text]))))[0] for text in documents] == expected


def test_a_dictionary_grows_within_a_batch() -> None:
    many = " ".join(f"w{n}x" for n in range(70_000))
    words = Splitter("en")(*buffers(pl.Series([many, "y" * 3_000_000, many])))
    assert words.count.tolist() == [70_000, 1, 70_000]
    assert words_in(words)[0] == words_in(words)[2]


def test_earlier_words_stay_true_when_the_dictionary_grows() -> None:
    splitter = Splitter("en")
    first = splitter(*buffers(pl.Series(["some words, here"])))
    before = words_in(first)
    splitter(*buffers(pl.Series([" ".join(f"q{n}" for n in range(100_000))])))
    assert words_in(first) == before


def test_long_chunks_of_brackets_end() -> None:
    # spaCy takes quadratic time: half a minute for the first
    words = split(pl.Series(["）" * 20_000, "(" * 100_000]), "en")
    assert words.count.tolist() == [20_000, 100_000]


def test_no_document_and_empty_documents() -> None:
    assert split(pl.Series([], dtype=pl.String), "en").count.tolist() == []
    assert split(pl.Series(["", " \n", "\u3000"]), "en").count.tolist() == [0, 0, 0]


def test_a_slice_of_a_column_is_split_as_itself() -> None:
    column = pl.Series(["one two", "three", "four five six"])
    assert split(column[1:], "en").count.tolist() == [1, 3]


def test_a_null_text_is_an_error() -> None:
    with pytest.raises(ValueError, match="1 nulls"):
        split(pl.Series(["a", None]), "en")


def test_an_unknown_language_is_an_error() -> None:
    with pytest.raises(ValueError, match="no word rules for language 'qqq'"):
        split(pl.Series(["a"]), "qqq")


def test_wanted_words_are_counted_once_and_as_written() -> None:
    words = split(pl.Series(["the be be", "The", "", "to to-be (that)"]), "en")
    assert distinct_words(words, ("the", "be", "to", "that", "the")).tolist() == [2, 0, 0, 3]


def real_sentences(shared_data: Path, code: str, most: int) -> list[str]:
    with (shared_data / "langid/lingua_sentences_75.jsonl.zst").open("rb") as raw:
        rows = map(json.loads, io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(raw), "utf-8", newline="\n"))
        return list(islice((row["text"] for row in rows if row["lang"] == code), most))


def split_otherwise(sentences: list[str], name: str) -> int:
    """How many of the sentences have other words here than in datatrove."""
    expected = [list(map(len, load_word_tokenizer(name).word_tokenize(sentence))) for sentence in sentences]
    found = [[length for _, length in words] for words in words_in(split(pl.Series(sentences), name))]
    return sum(ours != theirs for ours, theirs in zip(found, expected, strict=True))


@pytest.mark.parametrize("language", ["deu_Latn", "fr", "pl", "hu", "xx_none"])
def test_other_languages_have_datatroves_words_on_real_sentences(language: str, shared_data: Path) -> None:
    code = {"deu_Latn": "de", "xx_none": "sw"}.get(language, language)
    sentences = real_sentences(shared_data, code, 200)
    assert len(sentences) == 200
    assert split_otherwise(sentences, {"xx_none": "swh"}.get(language, language)) == 0


# The ten languages whose rules have words with a blank inside, which are two words here (docs/words.md).
BLANKS_INSIDE = {"ar": 0, "bg": 0, "el": 0, "es": 0, "fa": 0, "id": 0, "mk": 1, "ms": 0, "ru": 0, "sr": 0}


@pytest.mark.parametrize("language", BLANKS_INSIDE)
def test_sentences_split_otherwise_on_purpose_are_counted(language: str, shared_data: Path) -> None:
    sentences = real_sentences(shared_data, language, 500)
    assert len(sentences) == 500
    name = {"ms": "zsm_Latn"}.get(language, language)  # datatrove gives the code `ms` itself to Thai
    assert split_otherwise(sentences, name) == BLANKS_INSIDE[language]


def test_a_word_with_a_blank_inside_is_two_words_here() -> None:
    assert split_otherwise(["Vive en EE. UU. desde 2010.", "Vive en Madrid."], "es") == 1


def test_scripts_without_blanks_fall_back_to_characters() -> None:
    assert [list(words) for words in Rules("cmn")(["我爱Python3。", "hello,"])] == [
        ["我", "爱", "Python3", "。"],
        ["hello", ","],
    ]
    assert [list(words) for words in Rules("th")(["น้ำดี"])] == [["น้", "ำ", "ดี"]]
