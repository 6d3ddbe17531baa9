"""The normalize stage: what it rewrites, what it must leave alone, and that once is enough.

The laws of every stage are in test_stage_laws.py.
"""

import sys
import unicodedata
from pathlib import Path

import polars as pl
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.normalize import _DIRTY, _MAY_COMPOSE, Normalize, clean
from curation.stage import Docs


def score(*texts: str) -> pl.DataFrame:
    return Normalize().score(Docs(pl.DataFrame({"text": texts}, schema={"text": pl.String})))


def normal(text: str) -> str:
    """The text after the stage."""
    after = score(text).item(0, "text")
    return text if after is None else str(after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("e\u0301tude", "étude"),  # NFC
        ("\u212bngstr\u00f6m", "Ångström"),
        ("one\r\ntwo\rthree\u2028four\x0bfive\x0csix", "one\ntwo\nthree\nfour\nfive\nsix"),
        ("a\x00b\x07c\x7fd\x1b[0m", "abcd[0m"),
        ("\ufeffa\u200bb\u2060c\u00add", "abcd"),
        ("It\x92s \x93quoted\x94 \x96 and so on\x85", "It’s “quoted” – and so on…"),
        ("a\x81\x8d\x8f\x90\x9db", "ab"),
        ("one  \ntwo\t\nthree\u00a0", "one\ntwo\nthree"),
        ("one\n\n\n\n\ntwo\n \n\t\nthree", "one\n\ntwo\n\nthree"),
        ("e\u200b\u0301", "é"),  # what was taken out kept them apart
        ("a \u200b \n\x00\n\r\n b", "a\n\n b"),
    ],
)
def test_rewrites(before: str, after: str) -> None:
    assert normal(before) == after


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Plain words, on one line.\n",
        "    indented = code\n\treturn it\n\nnext",
        "می‌خواهم",  # U+200C spells the Persian word
        "क्‍ष",  # U+200D shapes the Hindi one
        "👩‍👩‍👧 🏳️‍🌈",
        "\u202bשלום\u202c, \u200fעולם\u200e!",
        "ﬁne ² ½ Ｗｉｄｅ “quotes” — dashes … ™",  # NFKC would rewrite these
        "Zalgo z\u0335\u0320\u0353",
        "한국어 日本語 中文 ไทย தமிழ்",
        "lost \ufffd letters",
        "cafÃ© isnâ€™t repaired",
    ],
)
def test_leaves_alone(text: str) -> None:
    assert score(text).item(0, "text") is None


@given(st.text(max_size=60) | st.text("a \n\r\t\u00a0\u200b\u0301\x00\x85e\u212b\u1100\u1161", max_size=30))
@settings(max_examples=500, deadline=None)
def test_twice_is_once_and_the_result_is_clean(text: str) -> None:
    once = normal(text)
    assert normal(once) == once
    assert unicodedata.is_normalized("NFC", once) or any(unicodedata.category(char) == "Cn" for char in once)
    assert "\r" not in once
    assert "\x00" not in once
    assert "\n\n\n" not in once
    assert all(line == line.rstrip(" \t\u00a0") for line in once.split("\n"))


@given(st.text(max_size=60))
@settings(max_examples=500, deadline=None)
def test_the_first_look_misses_nothing(text: str) -> None:
    column = pl.Series([text])
    if not column.str.contains(_DIRTY).item():
        assert clean(column).item() == text


def test_every_character_that_nfc_may_change_is_looked_for() -> None:
    changed, joined = set(), set()
    for code in range(sys.maxunicode + 1):
        if 0xD800 <= code < 0xE000:
            continue
        char = chr(code)
        if not unicodedata.is_normalized("NFC", char):
            changed.add(char)
        parts = unicodedata.decomposition(char).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            joined.add(chr(int(parts[1], 16)))  # the second half of a pair that may be joined
        if unicodedata.combining(char):
            joined.add(char)
    joined |= {chr(code) for code in (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))}  # Hangul is joined by rule
    suspects = pl.Series(sorted(changed | joined))
    assert suspects.len() > 2_000
    assert suspects.filter(~suspects.str.contains(_MAY_COMPOSE)).to_list() == []


def test_signals_count_what_was_seen() -> None:
    found = score("caf\ufffd \ufffd", "cafÃ© isnâ€™t â€œoneâ€\x9d", "São Tomé, PÂTÉ, naïve", " \n\t\u3000")
    assert found["replacement_characters"].to_list() == [2, 0, 0, 0]
    assert found["mojibake"].to_list() == [0, 4, 0, 0]
    assert found["empty"].to_list() == [False, False, False, True]
    assert score("e\u0301\r\n")["characters"].to_list() == [2]


def test_nothing_but_blanks_is_dropped() -> None:
    rule = Normalize().drop()["empty"]
    assert score("", "\ufeff", " \n", "a").select(rule.expr).to_series().to_list() == [True, True, True, False]


def test_real_prose_of_many_languages_keeps_its_letters(shared_data: Path) -> None:
    with (shared_data / "langid" / "tldr_pages_21.jsonl.zst").open("rb") as file:
        rows = zstandard.ZstdDecompressor().stream_reader(file).read().decode().splitlines()
    texts = pl.Series(rows).str.json_path_match("$.text")
    after = score(*texts).get_column("text")
    changed = after.is_not_null()
    assert changed.sum() < 0.02 * len(texts)
    for before, now in zip(texts.filter(changed), after.filter(changed), strict=True):
        kept = [char for char in unicodedata.normalize("NFC", before) if unicodedata.category(char)[0] not in "CZ"]
        assert [char for char in now if unicodedata.category(char)[0] not in "CZ"] == kept
