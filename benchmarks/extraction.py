"""Quality and speed of main-text extractors on real pages with hand-made truth.

Usage: python benchmarks/extraction.py DATA_FOLDER

DATA_FOLDER holds `web/` with `article_html.tar.zst` and `article_ground_truth.jsonl.zst` (104 news articles; precision,
recall and F1 over 4-word shingles, averaged over pages, as in scrapinghub's article-extraction-benchmark), and
`trafilatura_cc_pages.tar.zst` and `trafilatura_cc_labels.jsonl.zst` (46 pages, mostly German; segments that must and
must not be in the text). Intervals are 95 % bootstrap over pages, `against` is the paired difference in F1 to the
stage's default, and times are CPU seconds of this process. Extractors that are not installed are left out.
"""

import gzip
import io
import json
import logging
import re
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import justext
import numpy as np
import polars as pl
import trafilatura
import zstandard

from curation.extract import Extract
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


def gristmill(pages: list[str]) -> list[str | None]:
    return Extract().score(Docs(pl.DataFrame({"text": pages, "html": True}))).get_column("text").to_list()


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


def main(folder: Path) -> None:
    logging.disable(logging.CRITICAL)
    truth = {row["id"]: row["articleBody"] for row in rows(folder / "article_ground_truth.jsonl.zst")}
    packed = pages(folder / "article_html.tar.zst")
    articles = {key: gzip.decompress(packed[f"{key}.html.gz"]).decode() for key in truth}
    labels = rows(folder / "trafilatura_cc_labels.jsonl.zst")
    labelled = {name: decoded(data) for name, data in pages(folder / "trafilatura_cc_pages.tar.zst").items()}
    size = sum(len(html.encode()) for html in articles.values())
    print(f"{len(articles)} articles of {size / len(articles):,.0f} bytes, {len(labelled)} labelled pages\n")
    print("| extractor | precision | recall | F1 | 95 % | against | segments F1 | pages per CPU s |")
    print("|---|---|---|---|---|---|---|---|")
    chosen: np.ndarray | None = None
    for name, extract in [("gristmill", gristmill), *extractors()]:
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
        for label, said in zip(labels, extract([labelled[label["file"]] for label in labels]), strict=True):
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


if __name__ == "__main__":
    main(Path(sys.argv[1]) / "web")
