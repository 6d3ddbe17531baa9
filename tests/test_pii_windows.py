"""The compiled scan loses nothing: what a recogniser finds in a whole text, it finds in the windows, at the same place.

Telephone numbers are in test_pii_phones.py; 20,000 real documents in benchmarks/pii.py.
"""

import re
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from curation.pii.gold import sentences
from curation.pii.recognise import KINDS, find, recognisers

TYPES = [type_ for type_ in KINDS if type_ != "PHONE_NUMBER"]
PATTERNS = [(type_, pattern.name, pattern.regex) for type_ in TYPES for pattern in recognisers()[type_].patterns]
FLAGS = re.DOTALL | re.MULTILINE | re.IGNORECASE
thorough = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

# What makes or breaks a border, and what `re.IGNORECASE` takes for a letter.
PIECES = st.sampled_from(
    [
        *(
            "@",
            ".",
            "-",
            ":",
            "::",
            "/",
            "%",
            "_",
            " ",
            "  ",
            "\n",
            "\t",
            ",",
            "(",
            ")",
            "+",
            "é",
            "日",
            "ſ",
            "K",
            "٣",
            "१",
            "🙂",
        ),
        *(
            "a",
            "b",
            "f",
            "g",
            "x",
            "1",
            "3",
            "0",
            "9",
            "12",
            "255",
            "4111",
            "1111",
            "DE89",
            "bc1",
            "ffff",
            "com",
            "co.uk",
        ),
        *(
            "a@b.com",
            "192.0.2.1",
            "2001:db8::1",
            "00:00:5e:00:53:01",
            "0000.5e00.5301",
            "912-34-5678",
            "378282246310005",
        ),
        *(
            "DE89370400440532013000",
            "4111 1111 1111 1111",
            "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",
            "\u0301",
            "\u200b",
            "'",
        ),
    ]
)
TEXTS = st.lists(PIECES, max_size=25).map("".join) | st.text(max_size=60)


def whole(text: str) -> list[tuple[str, int, int, float]]:
    """What presidio's recognisers find in the text as it is."""
    found: list[tuple[str, int, int, float]] = []
    for type_ in TYPES:
        results: list[Any] = recognisers()[type_].analyze(text, [type_], None)
        found += [(type_, one.start, one.end, one.score) for one in results]
    return sorted(found)


def windowed(text: str) -> list[tuple[str, int, int, float]]:
    found = find(pl.Series([text]), TYPES, 0.0).get(0, [])
    return sorted((one.type, one.start, one.end, one.score) for one in found)


@pytest.mark.parametrize(
    ("type_", "pattern"), [(t, p) for t, _, p in PATTERNS], ids=[f"{t}-{n}" for t, n, _ in PATTERNS]
)
def test_no_match_of_any_pattern_is_lost(type_: str, pattern: str) -> None:
    matching = st.from_regex(re.compile(pattern, FLAGS))

    @given(before=TEXTS, match=matching, after=TEXTS)
    @thorough
    def check(before: str, match: str, after: str) -> None:
        text = (before + match + after).encode("utf-8", "replace").decode()
        assert windowed(text) == whole(text)

    check()


@given(text=TEXTS)
@settings(max_examples=600, deadline=None)
@example("a@b.com@c.org x@y.z.@d.net -@e.com .@f.com a.@g.com h@i.j")
@example("x@-a.com x@a-.com x@a..com x@a.com-b.de_x@c.org é@bücher.example.de日@日.com")
@example("123-45-6788-1 1234-56-7890 a912-34-5678 912-34-5678_ 9١2-34-5678 912.34.5678.1")
@example("4111-1111 11111111x 4111 1111 1111 1111 1 1111111111111 ４111111111111111")
@example("DE89370400440532013000DE89 3704 0044 0532 0130 00 2 days xDE89370400440532013000 de89370400440532013000")
@example("::1 fe80::1%eth0 1::2::3 a::b std::vec ::ffff:192.0.2.1/24 1:2:3:4:5:6:7:8 1:2:3:4:5:6:192.0.2.1")
@example("192.0.2.1.5 192.0.2.1/33 a192.0.2.1 192.0.2.1:80 192.0.2.256 0.0.0.0")
@example("00:00:5e-00:53:01 g00:00:5e:00:53:01 00:00:5e:00:53:01:02 0000.5e00.5301.a a.0000.5e00.5301")
def test_windows_say_what_the_whole_text_says(text: str) -> None:
    assert windowed(text) == whole(text)


def test_made_up_sentences_with_all_types_side_by_side() -> None:
    texts = [one.text for one in sentences()]
    joined = [" ".join(texts[at : at + 7]) for at in range(0, len(texts), 7)]
    for text in joined:
        assert windowed(text) == whole(text)


def test_a_batch_gives_what_its_documents_give_alone() -> None:
    texts = [one.text for one in sentences()] + ["", "no", "日本"]
    together = find(pl.Series(texts), tuple(KINDS), 0.0)
    for row, text in enumerate(texts):
        assert together.get(row, []) == find(pl.Series([text]), tuple(KINDS), 0.0).get(0, [])


def test_only_wanted_types_are_looked_for() -> None:
    texts = pl.Series([one.text for one in sentences()])
    every = find(texts, tuple(KINDS), 0.0)
    for type_ in KINDS:
        alone = find(texts, (type_,), 0.0)
        assert alone == {
            row: same for row, spans in every.items() if (same := [span for span in spans if span.type == type_])
        }
