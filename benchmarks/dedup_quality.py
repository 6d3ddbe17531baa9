"""How well, and at what cost, near-duplicates are found in real text: `python -m benchmarks.dedup_quality DATA`.

DATA holds the public test data. Prints recall on planted near-duplicates beside what the S-curve promises, what was
dropped below the threshold (must be nothing), natural clusters (one page through many extractors), and CPU seconds.
"""

import io
import itertools
import json
import random
import sys
import tarfile
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import zstandard

from curation.dedup.exact import ExactDuplicates
from curation.dedup.near import NearDuplicates
from curation.dedup.signatures import MinHash
from curation.dedup.sketches import collision_probability
from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Job
from dataset_cards.versions.table import Part, Table, write_parquet

BINS = ((0.7, 0.75), (0.75, 0.8), (0.8, 0.85), (0.9, 0.92), (0.95, 0.97), (1.0, 1.01))
PER_BIN = 400


class Timed:
    """An engine that does every task in this process and adds up CPU seconds by phase."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    def run(self, label: str, job: Job, work: Callable[[int], None], tasks: Sequence[int]) -> None:
        start = time.process_time()
        for task in tasks:
            work(task)
        self.seconds[label] += time.process_time() - start


def lines(path: Path) -> Iterator[dict[str, str]]:
    with zstandard.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def books(path: Path) -> Iterator[str]:
    """Every edition of five books, in pieces."""
    with zstandard.open(path, "rb") as packed, tarfile.open(fileobj=io.BytesIO(packed.read())) as archive:
        for member in archive:
            if (file := archive.extractfile(member)) is not None:
                yield from pieces(file.read().decode("utf-8", "replace"))


def pieces(text: str) -> Iterator[str]:
    """At most 400 words each."""
    words = text.split(" ")
    return (" ".join(words[at : at + 400]) for at in range(0, len(words), 400))


def base(data: Path) -> list[str]:
    texts = list(books(data / "dedup" / "gutenberg_editions.tar.zst"))
    for name in ("dedup/rust_book_two_editions", "langid/tldr_pages_21", "toxicity/stormfront_sentences"):
        texts += [row["text"] for row in lines(data / f"{name}.jsonl.zst")]
    for path in sorted((data / "quality").glob("*.jsonl.zst")):
        texts += [piece for row in lines(path) if isinstance(row.get("text"), str) for piece in pieces(row["text"])]
    texts += [row["text"] or "" for row in lines(data / "dedup" / "same_page_many_extractors.jsonl.zst")]
    return texts


def edited(text: str, jaccard: float, kind: str, vocabulary: list[str], rng: random.Random) -> str:
    """A copy that shares about `jaccard` of its word 5-grams with `text`."""
    words = text.split(" ")
    if kind == "substituted":
        for at in rng.sample(range(len(words)), round(len(words) * (1 - jaccard) / (1 + jaccard) / 5)):
            words[at] = rng.choice(vocabulary)
        return " ".join(words)
    if kind == "surrounded":
        more = [rng.choice(vocabulary) for _ in range(round(len(words) * (1 / jaccard - 1)))]
        return " ".join(more[: len(more) // 2] + words + more[len(more) // 2 :])
    return " ".join(words[: round(len(words) * jaccard)])


def similarity(one: np.ndarray, other: np.ndarray) -> float:
    common = len(np.intersect1d(one, other))
    return common / (len(one) + len(other) - common)


def sets_of(texts: Sequence[str], op: NearDuplicates) -> list[np.ndarray]:
    bounds, values = MinHash(ngram=op.ngram, bands=op.bands, rows=op.rows, seed=op.seed).sets(pl.Series(texts))
    return [values[start:end] for start, end in itertools.pairwise(bounds)]


def plant(texts: Sequence[str], op: NearDuplicates) -> tuple[list[str], list[tuple[int, int, float]]]:
    """Texts with planted copies, shuffled; and (row, row, true Jaccard) of every planted pair."""
    rng = random.Random(20261121)
    vocabulary = sorted({word for text in texts[::50] for word in text.split() if word.isalpha()})
    bands, _ = MinHash(ngram=op.ngram, bands=op.bands, rows=op.rows, seed=op.seed).sign(pl.Series(texts))
    _, place, shared = np.unique(bands, return_inverse=True, return_counts=True)
    # A natural near-duplicate, or a second planted one, would give a pair another chance to be resolved.
    alone = (shared[place].reshape(bands.shape) == 1).all(axis=1)
    long = [row for row, text in enumerate(texts) if alone[row] and 150 <= text.count(" ") <= 3000]
    planted: list[tuple[int, str, float]] = []
    for low, high in BINS:
        found = 0
        while found < PER_BIN:
            rows = rng.sample(long, PER_BIN)
            kinds = [rng.choice(("substituted", "surrounded", "truncated")) for _ in rows]
            if low == 1:
                copies = [texts[row].upper().replace("\n", " \n\n") for row in rows]
            else:
                aims = [rng.uniform(low, high) for _ in rows]
                jobs = zip(rows, aims, kinds, strict=True)
                copies = [edited(texts[row], aim, kind, vocabulary, rng) for row, aim, kind in jobs]
            sets = sets_of([texts[row] for row in rows] + copies, op)
            for at, row in enumerate(rows):
                jaccard = similarity(sets[at], sets[at + len(rows)])
                if low <= jaccard < high and found < PER_BIN:
                    planted.append((row, copies[at], jaccard))
                    long.remove(row)
                    found += 1
    order = list(range(len(texts) + len(planted)))
    rng.shuffle(order)
    new = {old: place for place, old in enumerate(order)}
    both = [*texts, *(copy for _, copy, _ in planted)]
    pairs = [(new[row], new[len(texts) + at], jaccard) for at, (row, _, jaccard) in enumerate(planted)]
    return [both[old] for old in order], pairs


def search(
    op: NearDuplicates | ExactDuplicates, texts: Sequence[str], where: Path
) -> tuple[pl.DataFrame, Timed, dict[str, Any]]:
    """The sidecar in one frame, the CPU seconds, and the facts."""
    documents = Folder.at(str(where / "documents"))
    parts: list[Part] = []
    for first in range(0, len(texts), 16384):
        rows = pl.Series(texts[first : first + 16384])
        frame = pl.DataFrame({"text": rows, "drop": pl.Series([None] * len(rows), dtype=pl.String)})
        name = f"part-{len(parts):05d}.parquet"
        parts.append(Part(name, write_parquet(documents, name, frame.iter_slices(4096))))
    engine = Timed()
    job = Job((Table(documents, tuple(parts)),), Folder.at(str(where / "marks")), (engine,))
    facts = op.run(job)
    return pl.concat(pl.read_parquet(where / "marks" / part.name) for part in parts), engine, facts


def planted_copies(data: Path, op: NearDuplicates, where: Path) -> None:
    texts, pairs = plant(base(data), op)
    size = sum(len(text.encode()) for text in texts)
    print(f"{len(texts):,} documents, {size / 1e6:.0f} MB; {op}\n")
    marks, engine, facts = search(op, texts, where / "near")
    gone = marks.get_column("drop").is_not_null().to_numpy()
    print("| planted Jaccard | pairs | resolved | S-curve |\n|---|---|---|---|")
    for low, high in BINS:
        inside = [(a, b, j) for a, b, j in pairs if low <= j < high]
        recall = np.mean([gone[a] or gone[b] for a, b, _ in inside])
        promised = np.mean([collision_probability(jaccard, op.bands, op.rows) for _, _, jaccard in inside])
        print(f"| {low:.2f} to {min(high, 1):.2f} | {len(inside)} | {recall:.3f} | {promised:.3f} |")
    kept = marks.get_column("duplicate_of").to_numpy(allow_copy=True)
    rows = np.flatnonzero(gone)
    keepers = kept[rows].astype(int)
    sets = sets_of(texts, op)
    likeness = [similarity(sets[row], sets[keeper]) for row, keeper in zip(rows, keepers, strict=True)]
    below, lost = sum(j < op.min_jaccard for j in likeness), int(gone[keepers].sum())
    print(f"\ndropped {len(rows):,}; below {op.min_jaccard}: {below}; whose keeper went too: {lost}; ", end="")
    facts = facts["near_duplicates"]
    print(f"pairs verified {facts['pairs_verified']:,}; capped {facts['capped']}; clusters {len(facts['clusters'])}\n")
    _, exact, _ = search(ExactDuplicates(), texts, where / "exact")
    print("| phase | CPU-s/GB |\n|---|---|")
    for name, timed in (("exact", exact), ("near", engine)):
        for label, seconds in timed.seconds.items():
            print(f"| {name}: {label} | {seconds / size * 1e9:.1f} |")
        print(f"| {name}: all | {sum(timed.seconds.values()) / size * 1e9:.1f} |")


def natural_clusters(data: Path, op: NearDuplicates, where: Path) -> None:
    rows = list(lines(data / "dedup" / "same_page_many_extractors.jsonl.zst"))
    texts, pages = [row["text"] or "" for row in rows], [row["id"] for row in rows]
    marks, _, _ = search(op, texts, where / "pages")
    drops = {row: keeper for row, keeper in enumerate(marks.get_column("duplicate_of").to_list()) if keeper is not None}
    right = sum(pages[row] == pages[keeper] for row, keeper in drops.items())
    sets = sets_of(texts, op)
    stays: dict[str, list[int]] = defaultdict(list)
    findable = 0
    for row, page in enumerate(pages):
        if len(sets[row]) and any(similarity(sets[row], sets[old]) >= op.min_jaccard for old in stays[page]):
            findable += 1
        else:
            stays[page].append(row)
    print(f"\n{len(rows):,} extractions of {len(stays)} pages: dropped {len(drops)}, same page {right} ", end="")
    print(f"(precision {right / len(drops):.4f}); by comparing all pairs of a page {findable} ", end="")
    print(f"({right / findable:.3f} of them found)")


def main() -> None:
    data, op = Path(sys.argv[1]), NearDuplicates()
    with tempfile.TemporaryDirectory() as name:
        where = Path(name)
        compile_first = ["a b c d e f", "a b c d e f g", "a b c d e f"] * 2
        search(op, compile_first, where / "warm-near")
        search(ExactDuplicates(), compile_first, where / "warm-exact")
        planted_copies(data, op, where)
        natural_clusters(data, op, where)


if __name__ == "__main__":
    main()
