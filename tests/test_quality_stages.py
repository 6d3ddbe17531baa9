"""Gopher, C4 and FineWeb: one small text per drop reason, what nothing divided by nothing means, and every compiled
count against a plain statement of the rule on hostile text.

Decisions on real documents are compared with datatrove in test_datatrove_parity.py; the laws every stage obeys (row
set, batches, thresholds) are in test_stage_laws.py.
"""

import re
from collections import Counter
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from datatrove.pipeline.filters import C4QualityFilter
from datatrove.utils.text import TERMINAL_PUNCTUATION
from datatrove.utils.word_tokenizers import load_word_tokenizer
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.c4 import C4Quality
from curation.fineweb import FineWebQuality
from curation.gopher import GopherQuality, GopherRepetition
from curation.kernels.lines import line_endings, pack_endings, symbols_and_bullets
from curation.kernels.repetition import repetition
from curation.stage import Docs, Stage
from curation.words import buffers, split
from tests.test_datatrove_parity import judge, ours

PROSE = "the text be ordinary words that reads like prose does " * 5 + "end"
NO_TOP = GopherRepetition(max_top_2_gram=None, max_top_3_gram=None, max_top_4_gram=None)
ANY_LENGTH = GopherQuality(min_words=None)
ONE_LINE = FineWebQuality(min_punctuated_lines=None, max_short_lines=None)

# stage, smallest text, reason; thresholds that would speak first are off
CASES: list[tuple[Stage, str, str]] = [
    (GopherRepetition(), "", "empty"),
    (GopherRepetition(), "a\n\na", "duplicate-paragraphs"),
    (GopherRepetition(), "aaaaa\n\naaaaa\n\nb\n\nc", "duplicate-paragraph-characters"),
    (GopherRepetition(), "a\na", "duplicate-lines"),
    (GopherRepetition(), "aaaaa\naaaaa\nb\nc", "duplicate-line-characters"),
    (GopherRepetition(), "a b", "top-2-gram"),
    (replace(NO_TOP, max_top_3_gram=0.18), "a b c", "top-3-gram"),
    (replace(NO_TOP, max_top_4_gram=0.16), "a b c d", "top-4-gram"),
    (NO_TOP, "a b c d e a b c d e", "duplicate-5-grams"),
    (replace(NO_TOP, max_duplicate_5_grams=None), "a b c d e f a b c d e f", "duplicate-6-grams"),
    (GopherQuality(), "too few", "too-few-words"),
    (replace(ANY_LENGTH, max_words=2), "one two three", "too-many-words"),
    (ANY_LENGTH, "a bc", "words-too-short"),
    (ANY_LENGTH, "elevenchars", "words-too-long"),
    (ANY_LENGTH, "hash #", "too-many-hashes"),
    (ANY_LENGTH, "dots…", "too-many-ellipses"),
    (ANY_LENGTH, "- word", "too-many-bullets"),
    (ANY_LENGTH, PROSE + "...", "too-many-ellipsis-lines"),
    (ANY_LENGTH, "word 1234", "too-few-alphabetic-words"),
    (ANY_LENGTH, "the word", "too-few-stop-words"),
    (C4Quality(), "Here is lorem ipsum.", "lorem-ipsum"),
    (C4Quality(), "Here is {code}.", "curly-bracket"),
    (C4Quality(), "Only one sentence here.", "too-few-sentences"),
    (FineWebQuality(), " \n", "empty"),
    (FineWebQuality(), "no full stop", "too-few-punctuated-lines"),
    (FineWebQuality(), "Short.", "too-many-short-lines"),
    (ONE_LINE, "again\nagain", "duplicate-line-characters"),
    (ONE_LINE, "one\ntwo", "too-many-line-feeds"),
]


@pytest.mark.parametrize(("stage", "text", "reason"), CASES, ids=[f"{s.name()}/{r}" for s, _, r in CASES])
def test_the_smallest_text_for_each_reason(stage: Stage, text: str, reason: str) -> None:
    assert ours(stage, [text])[0][0] == reason


@pytest.mark.parametrize("size", [7, 8, 9, 10])
def test_repeated_long_grams_are_dropped(size: int) -> None:
    shorter: dict[str, Any] = {f"max_duplicate_{n}_grams": None for n in range(5, size)}
    text = " ".join("abcdefghij"[:size]) + " " + " ".join("abcdefghij"[:size])
    assert ours(replace(NO_TOP, **shorter), [text])[0][0] == f"duplicate-{size}-grams"


def test_prose_is_kept() -> None:
    paragraph = "Grain came to the mill by cart, and they ground it with stones that were cut from the nearby hills. "
    others = "Water turned a wheel of oak below. Its miller took no coin, but kept one sack in twelve for his trouble. "
    last = "Farmers grumbled about that share for years! Did anyone ask why? Nobody alive has ever written an answer."
    for stage in (GopherRepetition(), GopherQuality(), C4Quality(), FineWebQuality()):
        assert ours(stage, [paragraph + others + last]) == [(None, paragraph + others + last)]


@pytest.mark.parametrize("stage", [GopherRepetition, GopherQuality, C4Quality, FineWebQuality])
def test_a_rule_without_a_limit_is_off(stage: type[Stage]) -> None:
    limits: dict[str, Any] = {name: None for name in stage.__dataclass_fields__ if name.startswith(("min_", "max_"))}
    assert set(stage(**limits).drop()) <= {"empty", "lorem-ipsum", "curly-bracket"}


def test_a_ratio_of_nothing_is_null_and_drops_nothing() -> None:
    frame = pl.DataFrame({"text": ["", " "]})
    scores = GopherQuality().score(Docs(frame))
    assert scores.select("word-length", "hash-ratio", "alphabetic-words").null_count().row(0) == (2, 2, 2)
    assert scores["bullet-lines"].to_list() == [None, 0.0]
    assert ours(GopherQuality(min_words=None, min_stop_words=None), ["", " "]) == [(None, ""), (None, " ")]


def test_no_documents_give_no_rows_of_the_same_columns() -> None:
    none, some = pl.DataFrame({"text": []}, schema={"text": pl.String}), pl.DataFrame({"text": ["Some text."]})
    for stage in (GopherRepetition(), GopherQuality(), C4Quality(), FineWebQuality()):
        assert stage.score(Docs(none)).schema == stage.score(Docs(some)).schema
        assert stage.score(Docs(none)).height == 0


def test_unpunctuated_documents_can_be_spared() -> None:
    spared = FineWebQuality(spare_unpunctuated=True, max_short_lines=None)
    assert ours(spared, ["no full stop", "\n".join(["no"] * 9) + "\nOne."])[0][0] is None
    assert ours(replace(spared, spare_unpunctuated=False), ["no full stop"])[0][0] == "too-few-punctuated-lines"


def test_an_empty_ending_is_an_error() -> None:
    with pytest.raises(ValueError, match="none of them empty"):
        FineWebQuality(endings=("", "."))


# every line break and blank of Python, what the rules look for, and what merely resembles it
MESS = [
    "a", "b", "c", "A", "é", "日", "\x00", "\u200b", "\u0301", ".", "...", "…", "#", "-", "•", "!", "?", "。", '"',
    " ", "  ", "\n", "\n\n", "\n\n\n", "\r", "\r\n", "\t", "\x0b", "\x0c", "\x1c", "\x1f", "\x85", "\xa0", "\u2028",
    "\u2029", "\u2003", "\u3000", "\u1680", "line one", "word",
]  # fmt: skip
messy = st.lists(st.lists(st.sampled_from(MESS), max_size=25).map("".join), min_size=1, max_size=4)


def repeated(pieces: list[str]) -> tuple[int, int]:
    """How many pieces came before, and their characters."""
    again = [piece for place, piece in enumerate(pieces) if piece in pieces[:place]]
    return len(again), sum(map(len, again))


def plain_repetition(text: str, words: list[str]) -> list[int]:
    """The counts of `repetition`, by strings."""
    paragraphs, lines = re.split(r"\n{2,}", text.strip()), re.split(r"\n+", text)
    counts = [len(text), len(paragraphs), *repeated(paragraphs), len(lines), *repeated(lines)]
    for size in (2, 3, 4):
        grams = [" ".join(words[at : at + size]) for at in range(len(words) - size + 1)]
        counts.append(next((len(gram) * count for gram, count in Counter(grams).most_common(1)), 0))
    for size in range(5, 11):
        seen, total, at = set(), 0, 0
        while at + size <= len(words):
            gram = "".join(words[at : at + size])
            if gram in seen:
                total += len(gram)
                at += size
            else:
                seen.add(gram)
                at += 1
        counts.append(total)
    return counts


def check_repetition(documents: list[str]) -> None:
    words, splitter = split(pl.Series(documents), "en"), load_word_tokenizer("en")
    known = words.features
    counts = repetition(
        words.data, words.offsets, words.chunks, words.starts, known.chunk, known.lines,
        known.hashes, known.characters, known.bytes,
    )  # fmt: skip
    assert counts.tolist() == [plain_repetition(text, splitter.word_tokenize(text)) for text in documents]


@given(documents=messy)
@settings(max_examples=200, deadline=None)
def test_repetition_of_messy_text(documents: list[str]) -> None:
    check_repetition(documents)


@given(documents=st.lists(st.text("ab ", max_size=200), min_size=1, max_size=3))
@settings(max_examples=200, deadline=None)
def test_repetition_of_repetitive_text(documents: list[str]) -> None:
    check_repetition(documents)


# words that join to the same text in several ways, and phrases of every length up to five times eight bytes and more
PHRASES = ["a b c d e", "ab c de", "a bc d e", "the cat sat on the mat", "one two three four five six seven", "n o t"]
JOINING = st.sampled_from(
    ["a", "b", "ab", "ba", "abab", "a" * 7, "a" * 8, "b" * 9, "ab" * 8, "x" * 41, "é", "日本", *PHRASES]
)


@given(documents=st.lists(st.lists(JOINING, max_size=60).map(" ".join), min_size=1, max_size=3))
@settings(max_examples=300, deadline=None)
def test_repetition_of_words_that_join_alike(documents: list[str]) -> None:
    check_repetition(documents)


@given(documents=st.lists(st.text("ab", max_size=60).map(" ".join), min_size=1, max_size=3), glue=st.booleans())
@settings(max_examples=200, deadline=None)
def test_repetition_of_words_of_one_letter(documents: list[str], glue: bool) -> None:
    check_repetition([text.replace("a a", "aa") if glue else text for text in documents])


def test_repetition_of_words_of_any_length() -> None:
    giant = "y" * 70_000
    check_repetition([f"{giant} a b c {giant} d " * 4, "x " * 5_000])


@given(documents=messy)
@settings(max_examples=300, deadline=None)
def test_symbols_and_bullets_of_messy_text(documents: list[str]) -> None:
    def plain(text: str) -> list[int]:
        lines = text.splitlines()
        bullets = sum(line.lstrip().startswith(("•", "-")) for line in lines)
        trailing = sum(line.rstrip().endswith(("...", "…")) for line in lines)
        return [text.count("#"), text.count("...") + text.count("…"), len(lines), bullets, trailing]

    words = split(pl.Series(documents), "en")
    counts = symbols_and_bullets(words.data, words.offsets, words.chunks, words.starts, words.features.lines)
    assert counts.T.tolist() == [plain(text) for text in documents]


@given(documents=messy, endings=st.sampled_from([tuple(TERMINAL_PUNCTUATION), ("a.", "日", "...", "\r", "x\u200b")]))
@settings(max_examples=300, deadline=None)
def test_line_endings_of_messy_text(documents: list[str], endings: tuple[str, ...]) -> None:
    def plain(text: str) -> list[int]:
        lines = [line for line in text.split("\n") if line.strip()]
        punctuated, short = sum(line.endswith(endings) for line in lines), sum(len(line) <= 3 for line in lines)
        return [len(lines), punctuated, short, repeated(lines)[1], text.count("\n"), len(text.replace("\n", ""))]

    data, offsets = buffers(pl.Series(documents))
    counts = line_endings(data, offsets, 3, *pack_endings(endings))
    assert counts.T.tolist() == [plain(text) for text in documents]


C4_PIECES = [
    "Lorem Ipsum", "JavaScript", "{", "uses cooKies", "Use of Cookies", "terms  of use", "cookie policy", "[1]", "[]",
    "[٣٤]", "[𝟡]", "[edit]", "[citation needed]", "[citation", "[a]", "[[2]]", "x" * 21, "é" * 20, "One two three.",
    "Four five six seven!", "It is so... ", "End.' (Next", "\n", "\n", *MESS,
]  # fmt: skip
SWITCHES = {
    "citations": "remove_citations",
    "end_punctuation": "filter_no_terminal_punct",
    "lorem_ipsum": "filter_lorem_ipsum",
    "javascript": "filter_javascript",
    "curly_bracket": "filter_curly_bracket",
    "policy": "filter_policy",
}


@given(
    documents=st.lists(st.lists(st.sampled_from(C4_PIECES), max_size=30).map("".join), min_size=1, max_size=4),
    chosen=st.fixed_dictionaries({name: st.booleans() for name in SWITCHES}),
    words=st.sampled_from([None, 1, 3]),
    longest=st.sampled_from([None, 0, 20]),
    sentences=st.sampled_from([None, 0, 1, 2, 3, 5]),
)
@settings(max_examples=400, deadline=None)
def test_c4_edits_and_decides_as_datatrove_on_messy_text(
    documents: list[str], chosen: dict[str, Any], words: int | None, longest: int | None, sentences: int | None
) -> None:
    stage = C4Quality(words_per_line=words, longest_word=longest, min_sentences=sentences, **chosen)
    numbers = {"min_words_per_line": words, "max_word_length": longest, "min_num_sentences": sentences}
    filter_ = C4QualityFilter(
        **{SWITCHES[name]: on for name, on in chosen.items()},
        **{name: -1 if number is None else number for name, number in numbers.items()},
    )
    names = {"lorem_ipsum": "lorem-ipsum", "curly_bracket": "curly-bracket", "too_few_sentences": "too-few-sentences"}
    for (reason, text), document in zip(ours(stage, documents), documents, strict=True):
        expected_reason, expected_text = judge(filter_, document, names)
        assert reason == expected_reason
        if reason is None:
            assert text == expected_text


def test_c4_gives_a_text_only_where_it_changed_one() -> None:
    same = "This line is kept."
    texts = [same, f"{same}\nMenu", f"{same} {{.", f" {same} "]
    assert C4Quality(min_sentences=None).score(Docs(pl.DataFrame({"text": texts})))["text"].to_list() == [
        None,
        same,
        None,
        same,
    ]
