"""CPU seconds of the heuristic filters beside datatrove's own, both from the same zstd Parquet, decisions compared.

    python -m benchmarks.quality_speed --data FOLDER [--sample 3] [--repeats 3]

The corpus is real English text (see SOURCES: technical documents, books in one edition, web pages through one
extractor each, reviews, e-mails, speeches), shuffled. datatrove filters every n-th document of it, about `--sample`
MB, because it takes a thousand times its size; we filter the same sample, interleaved with it, and the whole corpus.
Two columns of datatrove: as it comes, and with its word splitter's memory kept from document to document, which gives
the same words faster. Ours: warm (chunks of the corpus met before), and cold (a fresh process, compiled code on disk).
Times are medians over the repeats. Exits with 1 when a decision, a reason or an edited text differs.
"""

import argparse
import io
import json
import os
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import zstandard
from loguru import logger

from curation.marks import Funnel, mark
from tests.test_datatrove_parity import (
    CHAIN,
    JSON_ROWS,
    LONGEST_PIECE,
    PAIRS,
    REASONS,
    UNDEFINED,
    Verdict,
    archive_members,
    json_rows,
    judge,
    let_datatrove_remember_words,
)

SOURCES = (
    "quality/python_peps.jsonl.zst",
    "quality/rust_rfcs.jsonl.zst",
    "quality/ethereum_eips.jsonl.zst",
    "quality/spamassassin_emails.jsonl.zst",
    "quality/nltk_movie_reviews.zip",
    "quality/nltk_inaugural.zip",
    "web/cc_en_head_documents.jsonl.zst",
    "dedup/same_page_many_extractors.jsonl.zst",
    "dedup/gutenberg_editions.tar.zst",
)
# as the store writes parts
GROUP = 2_000
TESTS: dict[str, tuple[str, ...]] = {name: (name,) for name in PAIRS if name != "C4"} | {"chain": CHAIN}


def first_extractions(path: Path) -> Iterator[str]:
    """One extraction of every page: the longest, since the shortest are empty."""
    longest: dict[str, str] = {}
    with path.open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw) as stream:
        for line in io.TextIOWrapper(stream, "utf-8", newline="\n"):
            row = json.loads(line)
            longest[row["id"]] = max(longest.get(row["id"], ""), row["text"] or "", key=len)
    yield from longest.values()


def first_editions(path: Path) -> Iterator[str]:
    """One edition of every book, in pieces."""
    seen: set[str] = set()
    with (
        path.open("rb") as raw,
        zstandard.ZstdDecompressor().stream_reader(raw) as stream,
        tarfile.open(fileobj=stream, mode="r|") as archive,
    ):
        for member in archive:
            book = member.name.split("/")[-2] if "/" in member.name else member.name
            file = archive.extractfile(member) if member.isfile() and book not in seen else None
            if file:
                seen.add(book)
                text = file.read().decode("utf-8", errors="replace")
                yield from (text[start : start + LONGEST_PIECE] for start in range(0, len(text), LONGEST_PIECE))


def texts(data: Path, source: str) -> Iterator[str]:
    """The documents of a source."""
    if source.startswith("dedup/same_page"):
        return first_extractions(data / source)
    if source.startswith("dedup/gutenberg"):
        return first_editions(data / source)
    return json_rows(data / source, JSON_ROWS[source]) if source in JSON_ROWS else archive_members(data / source)


def corpus(data: Path) -> pl.DataFrame:
    """All documents, in an order that mixes the sources."""
    frames = [pl.DataFrame({"source": source, "text": list(texts(data, source))}) for source in SOURCES]
    mixed = pl.concat(frames).sample(fraction=1.0, shuffle=True, seed=0)
    return mixed.with_columns(pl.int_range(pl.len()).cast(pl.String).alias("id"))


def ours(path: Path, names: tuple[str, ...]) -> list[pl.DataFrame]:
    """What the pass that a recipe runs writes about every row group of a file."""
    stages = [PAIRS[name][1] for name in names]
    funnel = Funnel([stage.name() for stage in stages])
    file = pq.ParquetFile(path)
    marks = []
    for group in range(file.num_row_groups):

        def load(group: int = group) -> pl.DataFrame:
            frame = pl.from_arrow(file.read_row_group(group, columns=["id", "text"], use_threads=False))
            assert isinstance(frame, pl.DataFrame)
            return frame

        rows = file.metadata.row_group(group).num_rows
        marks.append(mark(stages, pl.Series([None] * rows, dtype=pl.String), load, None, funnel))
    return marks


def our_verdicts(path: Path, names: tuple[str, ...], marks: list[pl.DataFrame]) -> list[Verdict]:
    """Reasons and texts, from what `ours` gave."""
    table = pl.concat(marks)
    given = pl.read_parquet(path, columns=["text"])["text"]
    for name in names:
        column = f"{PAIRS[name][1].name()}.text"
        if column in table.columns:
            given = pl.select(pl.coalesce(table[column], given)).to_series()
    return list(zip(table["drop"].to_list(), given.to_list(), strict=True))


def theirs(path: Path, names: tuple[str, ...]) -> list[Verdict]:
    """datatrove's filters one after the other on every document of a file."""
    verdicts: list[Verdict] = []
    for batch in pq.ParquetFile(path).iter_batches(columns=["text"]):
        for text in batch.column(0).to_pylist():
            reason = None
            for name in names:
                filter_, stage = PAIRS[name]
                reason, text = judge(filter_, text, REASONS[type(stage)])
                if reason:
                    reason = reason if reason == UNDEFINED else f"{stage.name()}/{reason}"
                    break
            verdicts.append((reason, text))
    return verdicts


def start_worker(remember: bool) -> None:
    """Prepare a process of datatrove's; `remember` keeps its words between documents."""
    logger.remove()
    judge(PAIRS["quality"][0], "Load the tokenizer first.", REASONS[type(PAIRS["quality"][1])])
    if remember:
        let_datatrove_remember_words()


def timed(work: Callable[..., Any], *given: Any) -> tuple[Any, float, float]:
    """What `work` returns, CPU seconds (all threads) and wall seconds."""
    cpu, wall = time.process_time(), time.perf_counter()
    answer = work(*given)
    return answer, time.process_time() - cpu, time.perf_counter() - wall


def differ(our: Verdict, their: Verdict) -> bool:
    """True when reasons differ, or texts that both keep; where datatrove divides by zero nothing is compared."""
    return their[0] != UNDEFINED and (our[0] != their[0] or (our[0] is None and our[1] != their[1]))


def cold(path: Path) -> float:
    """CPU seconds of a fresh process that passes a file through the chain."""
    program = (
        "import pathlib, sys; from benchmarks import quality_speed as q; q.ours(pathlib.Path(sys.argv[1]), q.CHAIN)"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", program, str(path)], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(sample: Path, whole: Path, repeats: int) -> tuple[dict[str, dict[str, list[tuple[float, float]]]], int]:
    """(CPU, wall) seconds per test and side, and how many decisions differ."""
    seconds: dict[str, dict[str, list[tuple[float, float]]]] = {}
    wrong = 0
    context = get_context("spawn")
    with context.Pool(1, start_worker, (False,)) as stock, context.Pool(1, start_worker, (True,)) as remembering:
        for turn in range(repeats):
            for test, names in TESTS.items():
                sides = seconds.setdefault(test, {"theirs": [], "remembering": [], "ours": [], "whole": []})
                marks, *spent = timed(ours, sample, names)
                sides["ours"].append((spent[0], spent[1]))
                expected, *spent = stock.apply(timed, (theirs, sample, names))
                sides["theirs"].append((spent[0], spent[1]))
                again, *spent = remembering.apply(timed, (theirs, sample, names))
                sides["remembering"].append((spent[0], spent[1]))
                _, *spent = timed(ours, whole, names)
                sides["whole"].append((spent[0], spent[1]))
                given = our_verdicts(sample, names, marks)
                bad = [place for place in range(len(given)) if differ(given[place], expected[place])]
                wrong += len(bad) + (again != expected)
                if turn == 0:
                    dropped = sum(reason is not None for reason, _ in given)
                    print(f"  {test}: {len(given):,} documents, {dropped:,} dropped, {len(bad)} decided otherwise")
                    for place in bad[:3]:
                        print(f"    ours {given[place][0]!r}, theirs {expected[place][0]!r}: document {place}")
    return seconds, wrong


def report(seconds: dict[str, dict[str, list[tuple[float, float]]]], small: float, large: float) -> None:
    """Print medians per gigabyte; `small` and `large` are the gigabytes of sample and corpus."""

    def middle(entries: list[tuple[float, float]], which: int, size: float) -> float:
        return median(entry[which] for entry in entries) / size

    print("\nCPU seconds per GB (wall seconds in brackets), medians; ratio of CPU seconds on the same sample")
    print(f"{'':18}{'datatrove':>16}{'kept words':>16}{'ours':>14}{'ratio':>8}{'ratio kept':>12}{'ours, whole':>16}")
    for test, sides in seconds.items():
        stock, kept, own = (middle(sides[side], 0, small) for side in ("theirs", "remembering", "ours"))
        row = f"{test:18}"
        for side, size, width in (
            ("theirs", small, 16),
            ("remembering", small, 16),
            ("ours", small, 14),
        ):
            cell = f"{middle(sides[side], 0, size):,.1f} ({middle(sides[side], 1, size):,.0f})"
            row += f"{cell:>{width}}"
        cell = f"{middle(sides['whole'], 0, large):,.1f} ({middle(sides['whole'], 1, large):,.0f})"
        print(row + f"{stock / own:>8.0f}{kept / own:>12.0f}{cell:>16}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the real documents")
    parser.add_argument("--sample", type=float, default=3, help="MB that datatrove filters")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        whole, sample = Path(folder, "whole.parquet"), Path(folder, "sample.parquet")
        frame = corpus(arguments.data)
        sizes = frame["text"].str.len_bytes()
        large = float(sizes.sum() or 0) / 1e9
        some = frame.gather_every(max(1, round(large * 1000 / arguments.sample)))
        small = float(some["text"].str.len_bytes().sum() or 0) / 1e9
        for table, path in ((frame, whole), (some, sample)):
            table.write_parquet(path, compression="zstd", row_group_size=GROUP)
        for source, rows, size in frame.group_by("source").agg(
            pl.len(), pl.col("text").str.len_bytes().sum()
        ).sort("source").iter_rows():  # fmt: skip
            print(f"  {source}: {rows:,} documents, {size / 1e6:.1f} MB")
        print(f"corpus {frame.height:,} documents, {large * 1000:.1f} MB; sample {small * 1000:.2f} MB")

        ours(whole, CHAIN)  # compile, and meet every chunk
        seconds, wrong = measure(sample, whole, arguments.repeats)
        report(seconds, small, large)
        one = Path(folder, "one.parquet")
        frame.head(1).write_parquet(one, compression="zstd")
        starts, passes = zip(*((cold(one), cold(whole)) for _ in range(arguments.repeats)), strict=True)
        start = median(starts)
        print(f"\nchain, fresh process: {start:.1f} CPU-s to start (one document), then", end=" ")
        print(f"{(median(passes) - start) / large:.1f} CPU-s/GB, all chunks new")
        warm = median(cpu for cpu, _ in seconds["chain"]["whole"]) / large
        print(f"chain, warm: {warm:.1f} CPU-s/GB; cores of this machine: {os.cpu_count()}")
    print(f"{wrong} decisions differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
