"""On real documents the heuristic stages decide as datatrove 0.10.1's filters do: keep or drop, reason, edited text.

The first 3,000 characters of about 2,000 documents of every kind; `benchmarks/datatrove_parity.py` compares more than
20,000 whole ones. Not covered: other languages than English, and documents on which datatrove divides by zero.
"""

import contextlib
import io
import json
import tarfile
import zipfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import zstandard
from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)
from datatrove.utils.typeshelper import Languages
from datatrove.utils.word_tokenizers import load_word_tokenizer

from curation.c4 import C4Quality
from curation.fineweb import FineWebQuality
from curation.gopher import GopherQuality, GopherRepetition
from curation.stage import Docs, Stage

# datatrove's reason -> ours; every one of ours that datatrove can give is here
REASONS: dict[type[Stage], dict[str, str]] = {
    GopherRepetition: {
        "empty": "empty",
        "dup_para_frac": "duplicate-paragraphs",
        "dup_para_char_frac": "duplicate-paragraph-characters",
        "dup_line_frac": "duplicate-lines",
        "dup_line_char_frac": "duplicate-line-characters",
        "top_2_gram": "top-2-gram",
        "top_3_gram": "top-3-gram",
        "top_4_gram": "top-4-gram",
        "duplicated_5_n_grams": "duplicate-5-grams",
        "duplicated_6_n_grams": "duplicate-6-grams",
        "duplicated_7_n_grams": "duplicate-7-grams",
        "duplicated_8_n_grams": "duplicate-8-grams",
        "duplicated_9_n_grams": "duplicate-9-grams",
        "duplicated_10_n_grams": "duplicate-10-grams",
    },
    GopherQuality: {
        "gopher_short_doc": "too-few-words",
        "gopher_long_doc": "too-many-words",
        "gopher_below_avg_threshold": "words-too-short",
        "gopher_above_avg_threshold": "words-too-long",
        "gopher_too_many_hashes": "too-many-hashes",
        "gopher_too_many_ellipsis": "too-many-ellipses",
        "gopher_too_many_bullets": "too-many-bullets",
        "gopher_too_many_end_ellipsis": "too-many-ellipsis-lines",
        "gopher_below_alpha_threshold": "too-few-alphabetic-words",
        "gopher_enough_stop_words": "too-few-stop-words",
    },
    C4Quality: {
        "lorem_ipsum": "lorem-ipsum",
        "curly_bracket": "curly-bracket",
        "too_few_sentences": "too-few-sentences",
    },
    FineWebQuality: {
        "empty": "empty",
        "line_punct_ratio": "too-few-punctuated-lines",
        "short_line_ratio": "too-many-short-lines",
        "char_dup_ratio": "duplicate-line-characters",
        "list_ratio": "too-many-line-feeds",
    },
}
# datatrove's filter and our stage, under the name they are reported by
PAIRS: dict[str, tuple[Any, Stage]] = {
    "repetition": (GopherRepetitionFilter(), GopherRepetition()),
    "quality": (GopherQualityFilter(), GopherQuality()),
    "C4": (C4QualityFilter(), C4Quality()),
    "C4, any line end": (C4QualityFilter(filter_no_terminal_punct=False), C4Quality(end_punctuation=False)),
    "FineWeb": (FineWebQualityFilter(), FineWebQuality()),
}
CHAIN = ("repetition", "quality", "C4, any line end", "FineWeb")
# a reason (None: kept) and the text afterwards
Verdict = tuple[str | None, str]
UNDEFINED = "datatrove divides by zero"

# files of JSON rows and the fields that make up a text, biggest and oddest sources included
JSON_ROWS: dict[str, tuple[str, ...]] = {
    "web/cc_en_head_documents.jsonl.zst": ("text",),
    "web/article_ground_truth.jsonl.zst": ("articleBody",),
    "dedup/same_page_many_extractors.jsonl.zst": ("text",),
    "dedup/rust_book_two_editions.jsonl.zst": ("text",),
    "quality/spamassassin_emails.jsonl.zst": ("raw",),
    "quality/python_peps.jsonl.zst": ("text",),
    "quality/rust_rfcs.jsonl.zst": ("text",),
    "quality/ethereum_eips.jsonl.zst": ("text",),
    "quality/link_lists_multilingual.jsonl.zst": ("text",),
    "langid/tldr_pages_21.jsonl.zst": ("text",),
    "toxicity/wikipedia_comments.jsonl.zst": ("comment",),
    "toxicity/hate_offensive_tweets.jsonl.zst": ("tweet",),
    "sft/gpteacher.jsonl.zst": ("instruction", "response"),
    "preference/alpaca_eval_gpt4_judged.jsonl.zst": ("output_1", "output_2"),
    "preference/hh_rlhf_helpful.jsonl.zst": ("chosen",),
    "reasoning/gsm8k_train.jsonl.zst": ("question", "answer"),
}
ARCHIVES = (
    "quality/nltk_inaugural.zip",
    "quality/nltk_movie_reviews.zip",
    "langid/udhr2_nltk.zip",
    "web/trafilatura_cc_pages.tar.zst",
    "dedup/gutenberg_editions.tar.zst",
)
LONGEST_PIECE = 40_000
# a test must be quick; the benchmark takes documents whole
LONGEST_HERE = 3_000


def json_rows(path: Path, fields: tuple[str, ...]) -> Iterator[str]:
    """One text per row."""
    with path.open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw) as stream:
        for line in io.TextIOWrapper(stream, "utf-8", newline="\n"):
            row = json.loads(line)
            yield "\n\n".join(row[field] or "" for field in fields)


def archive_members(path: Path) -> Iterator[str]:
    """One text per member, whole books in pieces."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            contents = [archive.read(name) for name in archive.namelist() if not name.endswith("/")]
    else:
        with (
            path.open("rb") as raw,
            zstandard.ZstdDecompressor().stream_reader(raw) as stream,
            tarfile.open(fileobj=stream, mode="r|") as archive,
        ):
            files = (archive.extractfile(member) for member in archive if member.isfile())
            contents = [file.read() for file in files if file]
    for content in contents:
        text = content.decode("utf-8", errors="replace")
        for start in range(0, max(1, len(text)), LONGEST_PIECE):
            yield text[start : start + LONGEST_PIECE]


def documents(data: Path, each: int, characters: int) -> Iterator[tuple[str, str]]:
    """Source and text of up to `each` documents, or about so many characters, of every source."""
    sources = {name: json_rows(data / name, fields) for name, fields in JSON_ROWS.items()}
    sources |= {name: archive_members(data / name) for name in ARCHIVES}
    for name, texts in sources.items():
        left = characters
        for text in islice(texts, each):
            yield name, text
            left -= len(text)
            if left < 0:
                break


def let_datatrove_remember_words() -> None:
    """Let the English splitter of datatrove's filters remember chunks: the same words, faster."""
    # the filters ask for Languages.english, which is another splitter than that of "en"
    splitter: Any = load_word_tokenizer(Languages.english)
    splitter.tokenizer.memory_zone = contextlib.nullcontext
    splitter.tokenizer.tokenizer.max_cache_size = 400_000


def judge(filter_: Any, text: str, reasons: dict[str, str]) -> Verdict:
    """What datatrove says of a text, its reason in our words."""
    document = Document(text=text, id="document")
    try:
        answer = filter_.filter(document)
    except ZeroDivisionError:
        return UNDEFINED, text
    return (reasons[answer[1]] if isinstance(answer, tuple) else None), document.text


def theirs(text: str) -> dict[str, Verdict]:
    """datatrove's verdict under every name of PAIRS, and under "chain" (see CHAIN)."""
    names = {name: REASONS[type(stage)] for name, (_, stage) in PAIRS.items()}
    verdicts = {name: judge(filter_, text, names[name]) for name, (filter_, _) in PAIRS.items()}
    chain: Verdict = (None, text)
    for name in CHAIN:
        reason, new = verdicts[name] if chain[1] == text else judge(PAIRS[name][0], chain[1], names[name])
        chain = (f"{name}: {reason}" if reason else None), new
        if reason:
            break
    return {**verdicts, "chain": chain}


def ours(stage: Stage, texts: list[str]) -> list[Verdict]:
    """Our verdicts on texts."""
    frame = pl.DataFrame({"text": texts}, schema={"text": pl.String})
    scores = stage.score(Docs(frame))
    verdicts = [pl.when(rule.expr).then(pl.lit(reason)) for reason, rule in stage.drop().items()]
    reasons = scores.select(pl.coalesce(verdicts)).to_series().to_list()
    if "text" in scores.columns:
        texts = pl.select(pl.coalesce(scores["text"], frame["text"])).to_series().to_list()
    return list(zip(reasons, texts, strict=True))


def ours_in_chain(texts: list[str]) -> list[Verdict]:
    """Our verdicts when each stage sees only what the ones before it kept."""
    chain: list[Verdict] = [(None, text) for text in texts]
    for name in CHAIN:
        alive = [place for place, (reason, _) in enumerate(chain) if reason is None]
        verdicts = ours(PAIRS[name][1], [chain[place][1] for place in alive])
        for place, (reason, text) in zip(alive, verdicts, strict=True):
            chain[place] = (f"{name}: {reason}" if reason else None), text
    return chain


def differ(our: Verdict, their: Verdict) -> bool:
    """True when reasons differ, or texts that both keep; texts that datatrove fails on count as equal."""
    if their[0] is not None and their[0].endswith(UNDEFINED):
        return False
    return our[0] != their[0] or (our[0] is None and our[1] != their[1])


@pytest.fixture(scope="module")
def texts(shared_data: Path) -> list[str]:
    return [text[:LONGEST_HERE] for _, text in documents(shared_data, 100, 10**8)]


@pytest.fixture(scope="module")
def reference(texts: list[str]) -> list[dict[str, Verdict]]:
    let_datatrove_remember_words()
    return [theirs(text) for text in texts]


@pytest.mark.parametrize("name", [*PAIRS, "chain"])
def test_decides_as_datatrove(name: str, texts: list[str], reference: list[dict[str, Verdict]]) -> None:
    assert len(texts) > 1_700
    verdicts = ours_in_chain(texts) if name == "chain" else ours(PAIRS[name][1], texts)
    pairs = [(text, our, their[name]) for text, our, their in zip(texts, verdicts, reference, strict=True)]
    assert [pair for pair in pairs if differ(*pair[1:])] == []
    assert sum(our[0] is None for our in verdicts) > 100
    assert sum(our[0] is not None for our in verdicts) > 100


@pytest.mark.parametrize("stage", REASONS)
def test_every_reason_is_datatroves_in_its_order(stage: type[Stage]) -> None:
    assert list(stage().drop()) == list(REASONS[stage].values())
