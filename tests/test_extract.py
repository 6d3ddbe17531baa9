"""The extract stage: main text of real pages, what each failure is called, and hostile pages.

How extractors compare is measured by benchmarks/extraction.py, not here; the laws of every stage are in
test_stage_laws.py. Hostile pages are large enough that an extractor whose work grows with a square would not end.
"""

import gzip
import io
import json
import re
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import trafilatura
import zstandard

from curation.extract import Extract
from curation.rule import Rule
from curation.stage import Docs

SENTENCE = "The council voted on Tuesday to repair the old bridge before the winter sets in."
ARTICLE = f"<article>{f'<p>{SENTENCE}</p>' * 3}</article>"


def pages(*texts: str, html: bool | None = True) -> Docs:
    return Docs(
        pl.DataFrame({"text": texts, "html": [html] * len(texts)}, schema={"text": pl.String, "html": pl.Boolean})
    )


def facts(text: str, **fields: Any) -> dict[str, Any]:
    return Extract(**fields).score(pages(text)).row(0, named=True)


def unpack(path: Path) -> bytes:
    with path.open("rb") as file:
        return zstandard.ZstdDecompressor().stream_reader(file).read()


@pytest.fixture(scope="module")
def articles(shared_data: Path) -> list[tuple[str, str]]:
    """HTML and true text of every second article."""
    rows = [json.loads(row) for row in unpack(shared_data / "web/article_ground_truth.jsonl.zst").decode().splitlines()]
    with tarfile.open(fileobj=io.BytesIO(unpack(shared_data / "web/article_html.tar.zst"))) as archive:
        files = {member.name.split("/")[-1]: member for member in archive if member.isfile()}
        return [
            (gzip.decompress(archive.extractfile(files[f"{row['id']}.html.gz"]).read()).decode(), row["articleBody"])  # type: ignore[union-attr]
            for row in rows[::2]
        ]


def test_articles_come_out_whole_and_alone(articles: list[tuple[str, str]]) -> None:
    found = Extract().score(pages(*(html for html, _ in articles)))
    assert not found["failed"].any()
    assert not found["no_content"].any()
    precision, recall = [], []
    for text, (_, true) in zip(found["text"], articles, strict=True):
        ours, theirs = Counter(re.findall(r"\w+", text)), Counter(re.findall(r"\w+", true))
        precision.append((ours & theirs).total() / ours.total())
        recall.append((ours & theirs).total() / theirs.total())
    assert sum(precision) / len(precision) > 0.95
    assert sum(recall) / len(recall) > 0.96


def words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text))


def test_the_rules_find_what_trafilatura_finds(articles: list[tuple[str, str]]) -> None:
    docs = pages(*(html for html, _ in articles))
    ours, theirs = (Extract(method=method).score(docs)["text"] for method in ("rules", "trafilatura"))  # type: ignore[arg-type]
    shares = [
        2 * (words(a) & words(b)).total() / (words(a).total() + words(b).total())
        for a, b in zip(ours, theirs, strict=True)
    ]
    assert sum(shares) / len(shares) > 0.98
    assert sum(share > 0.99 for share in shares) > 0.8 * len(shares)


def test_trafilatura_is_asked_as_it_stands(articles: list[tuple[str, str]]) -> None:
    some = [html for html, _ in articles[:12]]
    for favor in ("recall", "balance", "precision"):
        ours = Extract(method="trafilatura", favor=favor).score(pages(*some))["text"].to_list()  # type: ignore[arg-type]
        options = {"favor_recall": favor == "recall", "favor_precision": favor == "precision"}
        theirs = [trafilatura.extract(html, fast=True, include_comments=False, **options) for html in some]  # type: ignore[arg-type]
        assert ours == theirs


def test_a_page_in_which_the_rules_find_too_little_is_left_to_trafilatura() -> None:
    body = " ".join(SENTENCE for _ in range(5))
    hidden = json.dumps({"@type": "NewsArticle", "articleBody": body})
    page = f'<html><head><script type="application/ld+json">{hidden}</script></head><body><p>Loading.</p></body></html>'
    assert facts(page)["text"] == facts(page, method="trafilatura")["text"] == body


def test_a_page_reads_the_same_whatever_was_read_before(articles: list[tuple[str, str]]) -> None:
    some = [html for html, _ in articles[:6]]
    assert Extract().score(pages(*some, *some))["text"].to_list() == 2 * Extract().score(pages(*some))["text"].to_list()


def test_paragraphs_and_items_are_lines() -> None:
    page = (
        f"<html><body><article><p>{SENTENCE}</p><p>Second.</p><ul><li>one</li><li>two</li></ul></article></body></html>"
    )
    assert facts(page)["text"] == f"{SENTENCE}\nSecond.\n- one\n- two"


@pytest.mark.parametrize(
    ("page", "text"),
    [
        (f"<ul><li>one</li><li>two<ul><li>inner</li></ul></li></ul>{ARTICLE}", "- one\n- two\n  - inner"),
        (
            f"<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td><p>2</p></td></tr></table>{ARTICLE}",
            "| a | b |\n| 1 | 2 |",
        ),
        (f"<pre><code>def f():\n    <span>return</span> 1\n</code></pre>{ARTICLE}", "def f():\n    return 1"),
        (f"<p>one<br>two <b>bold</b>ly <a href=x>linked</a></p>{ARTICLE}", "one\ntwo boldly linked"),
        (f"<blockquote><p>first</p><p>second</p></blockquote>{ARTICLE}", "first\nsecond"),
        (f"<h2>A <i>heading</i></h2>{ARTICLE}", "A heading"),
    ],
)
def test_each_kind_of_block_has_its_lines(page: str, text: str) -> None:
    long = "".join(f"<p>{number}. {SENTENCE}</p>" for number in range(12))
    found = facts(f"<html><body><main>{page.replace(ARTICLE, long)}</main></body></html>")["text"]
    assert found.startswith(f"{text}\n0. {SENTENCE}\n1.")


@pytest.mark.parametrize(
    "around",
    [
        "<nav><p>Menu of this place</p></nav>",
        "<div class='sidebar'><p>Menu of this place</p></div>",
        "<p style='display: none'>Menu of this place</p>",
        "<div aria-hidden='true'><p>Menu of this place</p></div>",
        "<div id='comments'><p>Menu of this place</p></div>",
        "<form><p>Menu of this place</p></form>",
        "<div><a href=1>Menu of</a> <a href=2>this place</a></div>",
    ],
)
def test_what_stands_around_the_main_text_is_left_out(around: str) -> None:
    long = "".join(f"<p>{number}. {SENTENCE}</p>" for number in range(12))
    for page in (f"<main>{around}{long}</main>", f"{around}{long}"):
        found = facts(f"<html><body>{page}</body></html>")["text"]
        assert found.count(SENTENCE) == 12
        assert "Menu" not in found


def test_a_page_that_is_all_unwanted_is_kept() -> None:
    long = "".join(f"<p>{number}. {SENTENCE}</p>" for number in range(12))
    assert facts(f"<html><body><div class='widget'>{long}</div></body></html>")["text"].count(SENTENCE) == 12


def test_rows_that_are_no_html_pass_unchanged() -> None:
    for html in (False, None):
        found = Extract().score(pages("<p>a tag in prose</p>", html=html))
        assert all(value is None for value in found.row(0))
    mixed = Docs(pl.DataFrame({"text": ["plain", f"<html><body>{ARTICLE}</body></html>"], "html": [False, True]}))
    plain, page = Extract().score(mixed).rows()
    assert all(value is None for value in plain)
    assert SENTENCE in page[0]
    assert all(value is None for value in Extract().score(Docs(pl.DataFrame({"text": ["plain"]}))).row(0))


@pytest.mark.parametrize(
    "page", ["", " \n ", "<html><body></body></html>", "<html><head><title>t</title></head><body><script>x</script>"]
)
def test_a_page_without_text_has_no_content(page: str) -> None:
    found = facts(page)
    assert (found["text"], found["no_content"], found["failed"], found["error"]) == (None, True, False, None)


@pytest.mark.parametrize(
    ("page", "fields", "error"),
    [
        ("no mark-up at all", {}, "NotHtml"),
        ("\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + "\0\xff" * 500, {}, "NotHtml"),
        (f"<html><body>{ARTICLE}</body></html>", {"max_bytes": 100}, "TooLarge"),
        (f"<html><body>{ARTICLE * 50}</body></html>", {"max_elements": 100}, "TooLarge"),
        (f"<html><body><p>{'<a href=x>word</a> ' * 30_000}", {}, "TooLarge"),
        (f"<html><body><p>{'<span>word</span> ' * 30_000}", {"method": "trafilatura"}, "TooLarge"),
        (f"<html><body><div {' '.join(f'a{n}=x' for n in range(30_000))}>{ARTICLE}", {}, "TooLarge"),
    ],
)
def test_a_page_that_cannot_be_read_says_why(page: str, fields: dict[str, Any], error: str) -> None:
    found = facts(page, **fields)
    assert (found["text"], found["no_content"], found["failed"], found["error"]) == (None, False, True, error)
    assert found["html_bytes"] == len(page.encode())


@pytest.mark.parametrize(
    "page",
    [
        "<div>" * 100_000 + SENTENCE + "</div>" * 100_000,
        "<table><tr><td>" * 30_000,
        "<ul><li>item " * 30_000,
        "<" * 500_000,
        "<!--" + "-" * 500_000,
        "&amp;&#x41;&bogus;&#xD800;&#x110000;" * 10_000,
        "\0" * 50_000 + ARTICLE + "\0" * 50_000,
        "word " * 200_000,
        "<p>" + "w" * 1_000_000,
        "<script>" + "</scr" * 100_000,
        '<script type="application/ld+json">' + '{"a":[' * 50_000 + "</script>" + ARTICLE,
        "<main><p>" + "word " * 390_000,
        "<main>" + "<div>words</div>" * 49_000,
        "<main>" + "<div><a href=x>word</a></div>" * 20_000 + "<div class=menu>x</div>" * 8_000,
        "<main>" + "<div id=comments><article>word</article>" * 120 + "</div>" * 120 + "<ul><li>word" * 15_000,
        "<article><p>" + "<b>word</b> tail " * 45_000,
        "".join(f"<div class='{'menu' * 100}{n}'>word</div>" for n in range(4_000)),
        "<form>words</form>" * 40_000,
        "<div>" * 250 + "<p>word <a href=x>word</a></p>" * 15_000,
    ],
    ids=lambda page: page[:12].replace("\0", "NUL"),
)
def test_a_hostile_page_ends_in_text_or_a_reason(page: str) -> None:
    found = facts(f"<html><body>{page}</body></html>")
    assert (found["text"] is not None) + found["no_content"] + found["failed"] == 1


def test_the_rules_read_what_is_too_much_for_trafilatura() -> None:
    assert facts(f"<html><body><p>{'<span>word</span> ' * 30_000}")["characters"] == 149_999


def test_a_bad_page_spoils_no_other() -> None:
    good = f"<html><body>{ARTICLE}</body></html>"
    found = Extract().score(pages(good, "no mark-up", good))
    assert found["failed"].to_list() == [False, True, False]
    assert found["text"][0] == found["text"][2] is not None


def test_title_and_date_are_what_the_head_states() -> None:
    head = '<meta property="og:title" content=" A  bridge ">'
    head += '<meta property="article:published_time" content="2019-11-20T10:00Z">'
    found = facts(f"<html><head><title>Site</title>{head}</head><body>{ARTICLE}</body></html>")
    assert (found["title"], found["date"]) == ("A bridge", "2019-11-20")
    found = facts(
        f'<html><head><title>Site</title><meta name="date" content="20 Nov"></head><body>{ARTICLE}</body></html>'
    )
    assert (found["title"], found["date"]) == ("Site", None)


def test_a_page_with_a_declared_encoding_is_read() -> None:
    assert facts(f'<?xml version="1.0" encoding="utf-16"?><html><body>{ARTICLE}</body></html>')["characters"] > 50


def test_each_failure_has_its_reason() -> None:
    assert Extract().drop() == {"unparsable": Rule("failed", "flagged"), "no-content": Rule("no_content", "flagged")}


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ValueError, match="favor is 'speed'"):
        Extract(favor="speed")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="method is 'guess'"):
        Extract(method="guess")  # type: ignore[arg-type]
