"""Quality and speed of main-text extractors on real pages with hand-made truth.

Usage: python -m benchmarks.extraction --data FOLDER [--html FOLDER ...]

FOLDER holds `web/` with `article_html.tar.zst` and `article_ground_truth.jsonl.zst` (104 news articles; precision,
recall and F1 over 4-word shingles, averaged over pages, as in scrapinghub's article-extraction-benchmark), and
`trafilatura_cc_pages.tar.zst` and `trafilatura_cc_labels.jsonl.zst` (46 pages, mostly German; segments that must and
must not be in the text). Intervals are 95 % bootstrap over pages, `against` is the paired difference in F1 to the
stage's default, and times are CPU seconds of this process. Extractors that are not installed are left out. Four of
them are then timed again, in three turns, and their F1 is given for the articles of either half of the domains.

Last, the stage's own rules are compared with trafilatura page by page: how many of their words they share (F1 of
words), on the pages above and on up to 25 pages below each folder given by `--html`, and how many pages the rules leave
to it.
"""

import argparse
import gzip
import io
import json
import logging
import re
import tarfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import justext
import numpy as np
import polars as pl
import trafilatura
import zstandard

from curation.extract import Extract
from curation.extract.main_text import main_text, parse
from curation.stage import Docs

Extractor = Callable[[list[str]], list[str | None]]
WORD = re.compile(r"\w+")


def unpack(path: Path) -> bytes:
    with path.open("rb") as file:
        return zstandard.ZstdDecompressor().stream_reader(file).read()


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in unpack(path).decode().split("\n") if line]


def pages(path: Path) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(unpack(path))) as archive:
        return {member.name.split("/")[-1]: archive.extractfile(member).read() for member in archive if member.isfile()}


def shingles(text: str) -> Counter[tuple[str, ...]]:
    words = WORD.findall(text)
    return Counter(tuple(words[at : at + 4]) for at in range(max(1, len(words) - 3))) if words else Counter()


def matches(true: str, found: str) -> tuple[int, int, int]:
    """Shingles in both, in the truth, and in what was found."""
    left, right = shingles(true), shingles(found)
    return (left & right).total(), left.total(), right.total()


def summary(counts: np.ndarray) -> tuple[float, float, float]:
    """Mean precision over pages where something was found, mean recall, and their F1."""
    found = counts[counts[:, 2] > 0]
    precision, recall = (found[:, 0] / found[:, 2]).mean(), (counts[:, 0] / counts[:, 1]).mean()
    return precision, recall, 2 * precision * recall / (precision + recall)


def draws(number: int, times: int = 1_000) -> np.ndarray:
    return np.random.default_rng(0).integers(0, number, (times, number))


def gristmill(**fields: Any) -> Extractor:
    stage = Extract(**fields)
    return lambda pages: stage.score(Docs(pl.DataFrame({"text": pages, "html": True}))).get_column("text").to_list()


def each(extract: Callable[[str], str | None]) -> Extractor:
    return lambda pages: [extract(page) for page in pages]


def trafila(**options: Any) -> Extractor:
    return each(lambda html: trafilatura.extract(html, include_comments=False, **options))


def extractors() -> Iterator[tuple[str, Extractor]]:
    for favor in ("recall", "balance", "precision"):
        for fast in (True, False):
            options = {"favor_recall": favor == "recall", "favor_precision": favor == "precision", "fast": fast}
            yield f"trafilatura, {favor}{', fast' if fast else ''}", trafila(**options)
    yield "datatrove's Trafilatura", trafila(favor_precision=True, deduplicate=True)
    try:
        from resiliparse.extract.html2text import extract_plain_text

        quiet = dict.fromkeys(("alt_texts", "links", "noscript", "form_fields", "comments", "list_bullets"), False)
        yield "resiliparse, main content", each(lambda html: extract_plain_text(html, main_content=True, **quiet))
    except ImportError:
        print("resiliparse is not installed")
    try:
        from lxml.html import fromstring
        from readability import Document

        yield "readability-lxml", each(lambda html: fromstring(Document(html).summary()).text_content())
    except ImportError:
        print("readability-lxml is not installed")
    english = justext.get_stoplist("English")

    def just(html: str) -> str:
        parts = justext.justext(html.encode(), english, encoding="utf-8")
        return "\n".join(part.text for part in parts if not part.is_boilerplate)

    yield "jusText, English", each(just)
    try:
        from boilerpy3.extractors import ArticleExtractor

        yield "boilerpy3, article", each(ArticleExtractor(raise_on_failure=False).get_content)
    except ImportError:
        print("boilerpy3 is not installed")


def decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def compared(left: str, right: str) -> float:
    """The share of words that two texts have in common."""
    ours, theirs = Counter(WORD.findall(left)), Counter(WORD.findall(right))
    return 2 * (ours & theirs).total() / (ours.total() + theirs.total()) if ours or theirs else 1.0


def below(folder: Path, most: int = 25) -> list[str]:
    """Up to `most` pages of a folder, evenly picked."""
    found = [path for path in sorted(folder.rglob("*.htm*")) if path.is_file() and 2000 < path.stat().st_size < 4e5]
    return [path.read_text(errors="replace") for path in found[:: max(1, len(found) // most)][:most]]


def table(articles: dict[str, str], truth: dict[str, str], labels: list[dict[str, Any]], cc: dict[str, str]) -> None:
    """How well each extractor does."""
    print("| extractor | precision | recall | F1 | 95 % | against | segments F1 | pages per CPU s |")
    print("|---|---|---|---|---|---|---|---|")
    chosen: np.ndarray | None = None
    for name, extract in [("gristmill", gristmill()), *extractors()]:
        extract(list(articles.values())[:2])
        start = time.process_time()
        found = extract(list(articles.values()))
        spent = time.process_time() - start
        counts = np.array([matches(true, text or "") for true, text in zip(truth.values(), found, strict=True)])
        chosen = counts if chosen is None else chosen
        picks = draws(len(counts))
        f1 = np.array([summary(counts[pick])[2] for pick in picks])
        low, high = np.percentile(f1, [2.5, 97.5])
        less, more = np.percentile(f1 - [summary(chosen[pick])[2] for pick in picks], [2.5, 97.5])
        there = absent = unwanted = 0
        for label, said in zip(labels, extract([cc[label["file"]] for label in labels]), strict=True):
            text = said or ""
            there += sum(segment in text for segment in label["with"])
            absent += sum(segment not in text for segment in label["with"])
            unwanted += sum(segment in text for segment in label["without"])
        segments = 2 * there / (2 * there + absent + unwanted)
        quality = " | ".join(f"{value:.3f}" for value in summary(counts))
        print(
            f"| {name} | {quality} | {low:.3f}-{high:.3f} | {less:+.3f} to {more:+.3f} "
            f"| {segments:.3f} | {len(articles) / spent:,.0f} |",
            flush=True,
        )


def turns(articles: dict[str, str], truth: dict[str, str], domains: list[str]) -> None:
    """Speed in three turns, and F1 on each half of the domains."""
    some = {
        "gristmill": gristmill(),
        "gristmill, trafilatura": gristmill(method="trafilatura"),
        "datatrove's Trafilatura": trafila(favor_precision=True, deduplicate=True),
    }
    half = np.array([sha256(domain.encode()).digest()[0] % 2 == 0 for domain in domains])
    spent: dict[str, list[float]] = {name: [] for name in some}
    counts = {}
    for _ in range(3):
        for name, extract in some.items():
            start = time.process_time()
            found = extract(list(articles.values()))
            spent[name].append(time.process_time() - start)
            counts[name] = np.array([matches(t, text or "") for t, text in zip(truth.values(), found, strict=True)])
    for name, seconds in spent.items():
        speeds = ", ".join(f"{len(articles) / one:,.0f}" for one in seconds)
        halves = " and ".join(f"{summary(counts[name][part])[2]:.3f}" for part in (half, ~half))
        print(f"{name}: {speeds} pages per CPU s; F1 {halves} on {half.sum()} and {(~half).sum()} articles", flush=True)


def agreement(name: str, pages: list[str]) -> None:
    """Whether the rules find what trafilatura finds."""
    ours, theirs = (gristmill(method=method)(pages) for method in ("rules", "trafilatura"))
    shares = sorted(compared(a or "", b or "") for a, b in zip(ours, theirs, strict=True))
    left = sum(not main_text(tree, True) for page in pages if (tree := parse(page)) is not None)
    print(
        f"{name}: {len(pages)} pages, words in common {np.mean(shares):.3f}, least {shares[0]:.2f}, "
        f"below 0.9 in {sum(share < 0.9 for share in shares)}; {left} left to trafilatura",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the real documents")
    parser.add_argument("--html", type=Path, nargs="*", default=[], help="folders of more pages")
    parser.add_argument("--few", action="store_true", help="without the table of all extractors")
    options = parser.parse_args()
    folder = options.data / "web"
    logging.disable(logging.CRITICAL)
    known = rows(folder / "article_ground_truth.jsonl.zst")
    truth = {row["id"]: row["articleBody"] for row in known}
    packed = pages(folder / "article_html.tar.zst")
    articles = {key: gzip.decompress(packed[f"{key}.html.gz"]).decode() for key in truth}
    labels = rows(folder / "trafilatura_cc_labels.jsonl.zst")
    labelled = {name: decoded(data) for name, data in pages(folder / "trafilatura_cc_pages.tar.zst").items()}
    size = sum(len(html.encode()) for html in articles.values())
    print(f"{len(articles)} articles of {size / len(articles):,.0f} bytes, {len(labelled)} labelled pages\n")
    if not options.few:
        table(articles, truth, labels, labelled)
    turns(articles, truth, [urlsplit(row["url"]).netloc for row in known])
    agreement("articles", list(articles.values()))
    agreement("labelled pages", list(labelled.values()))
    for place in options.html:
        agreement(str(place), below(place))


if __name__ == "__main__":
    main()
