"""Personal data: the same answers as presidio called per document, how much sooner, and how good the answers are.

    python -m benchmarks.pii --data FOLDER [--documents 20000]

Real documents (long ones cut) go through presidio's own AnalyzerEngine one by one, and through `curation.pii` in
batches, turn by turn in one process; every type, place and score must be equal, or the exit code is 1. Both sides look
for the same eight types. Then both sets of labelled sentences: presidio-research's templates, and wnut17's tweets,
whose names nothing here looks for. Nothing is fetched: presidio's list of domains is the one that tldextract carries.
"""

import argparse
import io
import json
import os
import random
import sys
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import zstandard

from curation.measures import precision_recall_f1, proportion
from curation.pii.recognise import KINDS, Span, find
from curation.pii.stage import Pii

BATCH = 500
LEAST_RATIO = 20.0
# Sources, the field with the text, at most how many pieces, and where a long text is cut, in characters.
SOURCES = (
    ("quality/spamassassin_emails", "raw", 4000, 10_000),
    ("quality/python_peps", "text", 2500, 4_000),
    ("quality/rust_rfcs", "text", 1500, 4_000),
    ("quality/ethereum_eips", "text", 1500, 4_000),
    ("quality/link_lists_multilingual", "text", 300, 4_000),
    ("quality/sms_spam", "text", 3400, 4_000),
    ("toxicity/wikipedia_comments", "comment", 1500, 4_000),
    ("toxicity/hate_offensive_tweets", "tweet", 2000, 4_000),
    ("preference/hh_rlhf_helpful", "chosen", 1500, 4_000),
    ("preference/hh_rlhf_harmless", "chosen", 1500, 4_000),
    ("web/article_ground_truth", "articleBody", 300, 4_000),
    ("web/cc_en_head_documents", "text", 100, 4_000),
    ("langid/tldr_pages_21", "text", 20_000, 4_000),  # many languages; as many as are still wanted
)
PAGES = ("web/trafilatura_cc_pages.tar.zst", 600, 6_000)


def rows(path: Path) -> Iterator[dict[str, Any]]:
    with zstandard.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def pieces(texts: Iterator[str], length: int) -> Iterator[str]:
    for text in texts:
        yield from (text[at : at + length] for at in range(0, len(text), length))


def pages(path: Path) -> Iterator[str]:
    with tarfile.open(fileobj=io.BytesIO(zstandard.open(path).read())) as archive:
        for member in archive:
            if member.isfile():
                yield archive.extractfile(member).read().decode("utf-8", "replace")  # type: ignore[union-attr]


def documents(data: Path, wanted: int) -> list[str]:
    """Real documents and pieces of long ones, shuffled by a fixed seed."""
    path, most, length = PAGES
    found = list(pieces(pages(data / path), length))[:most]
    for name, field, most, length in SOURCES:
        texts = (row[field] for row in rows(data / f"{name}.jsonl.zst"))
        found += list(pieces(texts, length))[:most]
    found = found[:wanted]
    random.Random(20261121).shuffle(found)
    return found


def analyzer() -> Any:
    """presidio as it comes, with a blank spaCy pipeline, for no model can be had."""
    import spacy
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    engine = SpacyNlpEngine(models=[{"lang_code": "en", "model_name": "blank"}])
    engine.nlp = {"en": spacy.blank("en")}
    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"], nlp_engine=engine)
    return AnalyzerEngine(registry=registry, nlp_engine=engine)


def compare(texts: list[str], min_score: float) -> bool:
    """Whether every document has the same answers, and the ratio is reached."""
    types, stock = tuple(KINDS), analyzer()
    find(pl.Series(texts[:100]), types, min_score)  # compiles
    for text in texts[:100]:
        stock.analyze(text, language="en", entities=list(types), score_threshold=min_score)
    ours = theirs = 0.0
    spans: Counter[str] = Counter()
    different = []
    for first in range(0, len(texts), BATCH):
        part = texts[first : first + BATCH]
        at = time.process_time()
        mine = find(pl.Series(part), types, min_score)
        middle = time.process_time()
        answers = [stock.analyze(t, language="en", entities=list(types), score_threshold=min_score) for t in part]
        theirs += time.process_time() - middle
        ours += middle - at
        for row, answer in enumerate(answers):
            expected = sorted(Span(one.start, one.end, one.entity_type, one.score) for one in answer)
            spans.update(one.type for one in expected)
            if expected != mine.get(row, []):
                different.append((first + row, set(expected) ^ set(mine.get(row, []))))
    size = sum(len(text.encode()) for text in texts)
    ratio = theirs / ours
    print(f"{len(texts):,} documents, {size / 1e6:.1f} MB, score >= {min_score}: {spans.total():,} spans")
    print("  " + ", ".join(f"{type_} {count:,}" for type_, count in sorted(spans.items())))
    print(f"  presidio per document {len(texts) / theirs:>8,.0f} documents/s  {theirs / size * 1e9:>8,.0f} CPU-s/GB")
    print(f"  curation.pii          {len(texts) / ours:>8,.0f} documents/s  {ours / size * 1e9:>8,.0f} CPU-s/GB")
    print(
        f"  ratio {ratio:.1f} (at least {LEAST_RATIO:.0f} is wanted); documents with another answer: {len(different)}"
    )
    for row, spans_ in different[:10]:
        print(f"    document {row}: {sorted(spans_)}")
    return not different and ratio >= LEAST_RATIO


def labelled(data: Path) -> None:
    """Precision, recall and F1 by type on presidio-research's sentences; any overlap of the same type counts."""
    sentences = list(rows(data / "pii" / "presidio_synthetic_spans.jsonl.zst"))
    stage = Pii()
    texts = pl.Series([row["full_text"] for row in sentences])
    found = find(texts, tuple(KINDS), stage.min_score, stage.min_phone_digits)
    right: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    false: Counter[str] = Counter()
    unseen: Counter[str] = Counter()
    for number, row in enumerate(sentences):
        spans = found.get(number, [])
        wanted = [(one["entity_type"], one["start_position"], one["end_position"]) for one in row["spans"]]
        for label, start, end in wanted:
            if label not in KINDS:
                unseen[label] += 1
            elif any(span.type == label and span.start < end and span.end > start for span in spans):
                right[label] += 1
            else:
                missed[label] += 1
        for span in spans:
            if not any(label == span.type and span.start < end and span.end > start for label, start, end in wanted):
                false[span.type] += 1
    print(f"\npresidio-research, {len(sentences):,} sentences, as the stage does by default:")
    for label in sorted({*right, *missed, *false}):
        figures = precision_recall_f1(right[label], false[label], missed[label])
        print(
            f"  {label:<14}{right[label] + missed[label]:>5}  "
            + "  ".join(f"{k} {shown(v)}" for k, v in figures.items())
        )
    print(f"  not looked for, {unseen.total():,}: " + ", ".join(f"{k} {v}" for k, v in unseen.most_common()))


def names(data: Path) -> None:
    """How many of the names in wnut17's tweets any span touches: what no model for names means."""
    texts, wanted = [], []
    for file in ("wnut17_emerging.dev.conll.zst", "wnut17_wnut17train.conll.zst"):
        with zstandard.open(data / "pii" / file, "rt", encoding="utf-8") as lines:
            for block in lines.read().split("\n\n"):
                text, places = "", []
                for line in block.splitlines():
                    token, _, tag = line.partition("\t")
                    if tag.strip() not in ("", "O"):
                        places.append((tag.strip()[2:], len(text), len(text) + len(token)))
                    text += token + " "
                texts.append(text)
                wanted.append(places)
    found = find(pl.Series(texts), tuple(KINDS), 0.4)
    total: Counter[str] = Counter()
    touched: Counter[str] = Counter()
    for number, places in enumerate(wanted):
        for label, start, end in places:
            total[label] += 1
            touched[label] += any(span.start < end and span.end > start for span in found.get(number, []))
    print(f"\nwnut17, {len(texts):,} tweets and posts; words of names that some span touches:")
    for label, count in total.most_common():
        print(f"  {label:<16}{touched[label]:>5} of {count:<6}{shown(proportion(touched[label], count))}")


def shown(triple: list[float] | None) -> str:
    return "-" if triple is None else f"{triple[0]:.3f} ({triple[1]:.3f} to {triple[2]:.3f})"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--min-score", type=float, default=0.0, help="0 compares every answer that presidio has")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TLDEXTRACT_CACHE"], os.environ["TLDEXTRACT_PUBLIC_SUFFIX_LIST_URLS"] = folder, ""
        same = compare(documents(given.data, given.documents), given.min_score)
        labelled(given.data)
        names(given.data)
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
