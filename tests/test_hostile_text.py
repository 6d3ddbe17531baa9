"""The heuristic stages on text made to break them: giant, monotonous, right-to-left, combining, almost empty.

Decisions are datatrove's wherever datatrove can finish; beyond that a plain statement of the rule is the judge, and
time and memory are bounded by the size of the text. Ordinary messy text is in test_quality_stages.py.
"""

import resource
import subprocess
import sys

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.c4 import C4Quality
from curation.fineweb import FineWebQuality
from curation.gopher import GopherQuality, GopherRepetition
from curation.stage import Docs, Stage
from curation.words import split
from tests.test_datatrove_parity import PAIRS, REASONS, UNDEFINED, differ, judge, ours
from tests.test_quality_stages import check_repetition

STAGES: tuple[Stage, ...] = (GopherRepetition(), GopherQuality(), C4Quality(), FineWebQuality())
SENTENCE = "The miller ground the corn that his neighbours had brought, and he kept one sack in twelve."
HEBREW = "בראשית ברא אלהים את השמים ואת הארץ. והארץ היתה תהו ובהו!"
ARABIC = "الحمد لله رب العالمين؟ هذا نص من اليمين إلى اليسار."
VOWELS = "שָׁלוֹם עֲלֵיכֶם."
STACKED = "Z" + "\u0301\u0323\u0348" * 40 + "algo. e\u0301te\u0301 c\u0327a."
JOINED = "👩\u200d👩\u200d👧 family 🏳️\u200d🌈 flag. \u202eRight\u202c to left?"


def both(text: str) -> list[str]:
    """The names of the filters on which datatrove and we disagree about a text."""
    wrong = []
    for name, (filter_, stage) in PAIRS.items():
        their = judge(filter_, text, REASONS[type(stage)])
        if differ(ours(stage, [text])[0], their):
            wrong.append(f"{name}: {their[0]}")
    return wrong


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "\n", "\u2028", "\ufeff", "\x00", "a", "word", "字", "…", "...", "#", "-", "{", "[1]", "\u0301",
        "\u202e", "one\u2028two\u2029three", "one\x85two", "\r\n\r\n", "a\x1cb\x1db", "\n\n\n", "é", "a\u3000b",
    ],
)  # fmt: skip
def test_next_to_nothing_is_decided_as_by_datatrove(text: str) -> None:
    assert both(text) == []


@pytest.mark.parametrize("piece", [HEBREW, ARABIC, VOWELS, STACKED, JOINED], ids=["he", "ar", "vowels", "marks", "zwj"])
@pytest.mark.parametrize("join", ["\n", " ", "\n\n", "\u2028", "\r\n"], ids=["lf", "blank", "lf-lf", "u2028", "crlf"])
def test_other_directions_and_marks_are_decided_as_by_datatrove(piece: str, join: str) -> None:
    assert both(piece) == []
    assert both(join.join([piece, SENTENCE] * 12)) == []


# every stage meets these: line ends of all kinds, what the rules look for, scripts and marks
PARTS = st.sampled_from(
    [
        SENTENCE, HEBREW, ARABIC, VOWELS, JOINED, "the be to of and", "lorem ipsum", "JavaScript", "cookie policy", "{",
        "[1]", "[edit]", "...", "…", "#", "- item", "• item", "x" * 31, "word", "End.", "Why?", "\n", "\n\n", "\r\n",
        "\u2028", "\u2029", "\x0b", "\x0c", "\x1c", "\x85", "\t", " ", "  ", "\xa0", "\u3000", "\x00", "\ufeff",
    ]
)  # fmt: skip


@given(parts=st.lists(PARTS, max_size=80), join=st.sampled_from(["", " ", "\n"]))
@settings(max_examples=60)
def test_mixtures_are_decided_as_by_datatrove(parts: list[str], join: str) -> None:
    assert both(join.join(parts)) == []


@pytest.mark.slow
def test_copies_of_one_line_are_decided_as_by_datatrove() -> None:
    assert both(f"{SENTENCE}\n" * 5_000) == []
    assert both("ha\n" * 200_000) == []


@pytest.mark.slow
def test_a_long_line_is_decided_as_by_datatrove() -> None:
    assert both(" ".join(f"{SENTENCE[:-1]} {number}," for number in range(4_000))) == []


@pytest.mark.slow
def test_one_line_of_five_megabytes_is_counted_as_the_rules_say() -> None:
    # ten copies of half a megabyte, in which nearly nothing repeats
    half = " ".join(f"{number} {SENTENCE[number % 60 :]} x{number * 7919 % 100_003}" for number in range(8_000))
    check_repetition([" ".join([half] * 10)])


def test_a_million_copies_of_a_line_are_one_line_repeated() -> None:
    copies = 1_000_000
    line = "The same line again."
    docs = Docs(pl.DataFrame({"text": [f"{line}\n" * copies]}))
    repetition = GopherRepetition().score(docs).row(0, named=True)
    # text ends in a line feed, so an empty line ends it
    assert repetition["duplicate-lines"] == (copies - 1) / (copies + 1)
    assert repetition["duplicate-line-characters"] == (copies - 1) * len(line) / (copies * (len(line) + 1))
    assert repetition["duplicate-paragraphs"] == 0
    # the first of each 10-gram is new, and grams begin at five places of the line before one repeats
    assert 0.8 < repetition["duplicate-10-grams"] < 0.85
    quality = GopherQuality().score(docs).row(0, named=True)
    assert (quality["words"], quality["word-length"]) == (4 * copies, 4.0)
    assert C4Quality().score(docs).row(0, named=True)["sentences"] == copies
    assert FineWebQuality().score(docs).row(0, named=True)["line-feeds-per-word"] == 0.2


@pytest.mark.parametrize(
    "text",
    [
        ")" * 300_000,
        "x" * 5_000_000,
        "." * 2_000_000,
        "@a." * 300_000,
        "a-" * 300_000,
        "\n" * 5_000_000,
        "字" * 500_000,
    ],
    ids=["brackets", "one-word", "dots", "addresses", "hyphens", "line-feeds", "ideographs"],
)
def test_megabytes_without_a_blank_take_linear_time(text: str) -> None:
    docs = Docs(pl.DataFrame({"text": [text]}))
    for stage in STAGES:
        assert stage.score(docs).height == 1
    assert int(docs.words("en").features.bytes.sum()) >= len(text.strip().encode())


PROGRAM = """
import resource, sys
import polars as pl
from curation.stage import Docs
from tests.test_hostile_text import STAGES, SENTENCE
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
def score(text):
    docs = Docs(pl.DataFrame({"text": [text]}))
    for stage in STAGES:
        stage.score(docs)
score("Load and compile. It's [1] fine")
before = peak()
lines = "".join(f"{SENTENCE[:-1]}, said {number} of them.\\n" for number in range(1000))
text = lines * (int(sys.argv[1]) // len(lines) + 1)
score(text)
print((peak() - before) / len(text))
"""


@pytest.mark.slow
def test_memory_of_a_document_of_100_megabytes_is_a_multiple_of_it() -> None:
    # docs/speed.md has what was measured for this and for worse texts
    ran = subprocess.run([sys.executable, "-c", PROGRAM, "100000000"], capture_output=True, text=True, check=True)
    assert float(ran.stdout) < 30
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 < 30 * 10**8 + 10**9


def test_a_word_of_every_length_around_the_short_ones_is_told_from_its_neighbours() -> None:
    words = ["x" * length for length in range(1, 40)] + ["x" * length + "\0" for length in range(1, 40)]
    text = " ".join(words)
    found = split(pl.Series([text, text]), "en")
    chunks = found.chunks.reshape(2, -1)
    assert len(set(chunks[0].tolist())) == len(words)
    assert (chunks[0] == chunks[1]).all()


def test_where_datatrove_divides_by_zero_nothing_is_decided_on_nothing() -> None:
    filter_, stage = PAIRS["quality"]
    assert judge(filter_, "\n", REASONS[type(stage)])[0] in (UNDEFINED, "too-few-words")
    assert ours(stage, ["\n"])[0][0] == "too-few-words"
