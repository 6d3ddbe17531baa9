"""Compare the heuristic stages with datatrove's own filters, document by document, on more than 20,000 real documents.

    python -m benchmarks.datatrove_parity --data FOLDER [--each 3000] [--characters 5000000] [--workers 2]

Prints, per filter and for the chain repetition > quality > C4 (any line end) > FineWeb: documents, what was dropped by
which reason, mismatches in reason or edited text, and rough CPU seconds per gigabyte of both sides. datatrove is run
with its word cache kept between documents, which gives the same words 2.5 times faster than its default.
Exits with 1 when anything differs.
"""

import argparse
import sys
import time
from collections import Counter
from multiprocessing import get_context
from pathlib import Path

import polars as pl
from loguru import logger

from curation.stage import Docs
from curation.words import split
from tests.test_datatrove_parity import (
    PAIRS,
    UNDEFINED,
    Verdict,
    differ,
    documents,
    let_datatrove_remember_words,
    ours,
    ours_in_chain,
    theirs,
)

BATCH = 500


def reference(texts: list[str]) -> tuple[list[dict[str, Verdict]], float]:
    """datatrove's verdicts on a batch and the CPU seconds they took."""
    logger.remove()
    let_datatrove_remember_words()
    before = time.process_time()
    return [theirs(text) for text in texts], time.process_time() - before


def cost_of_each_stage(texts: list[str]) -> dict[str, float]:
    """CPU seconds of splitting and of every stage alone, when every chunk is known and everything is compiled."""
    frame = pl.DataFrame({"text": texts})
    seconds: dict[str, float] = {}
    for turn in range(2):
        before = time.process_time()
        words = split(frame["text"], "en")
        seconds["split, all chunks new" if turn == 0 else "split"] = time.process_time() - before
    for _ in range(2):
        for name, (_, stage) in PAIRS.items():
            docs = Docs(frame)
            docs._words["en"] = words
            before = time.process_time()
            stage.score(docs)
            seconds[name] = time.process_time() - before
    return seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the real documents")
    parser.add_argument("--each", type=int, default=3000, help="at most this many documents of every source")
    parser.add_argument("--characters", type=int, default=5_000_000, help="and about this many characters of each")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()

    found = list(documents(arguments.data, arguments.each, arguments.characters))
    texts = [text for _, text in found]
    gigabytes = sum(len(text.encode()) for text in texts) / 1e9
    print(f"{len(texts):,} documents, {gigabytes * 1000:.1f} MB, from {len({name for name, _ in found})} sources")

    ours(PAIRS["quality"][1], ["compile first"])
    seconds = cost_of_each_stage(texts)
    verdicts = {name: ours(stage, texts) for name, (_, stage) in PAIRS.items()}
    verdicts["chain"] = ours_in_chain(texts)

    # whole books come together, so deal documents out
    order = [place for first in range(BATCH) for place in range(first, len(texts), BATCH)]
    batches = [order[first : first + BATCH] for first in range(0, len(order), BATCH)]
    expected: dict[int, dict[str, Verdict]] = {}
    spent = 0.0
    with get_context("spawn").Pool(arguments.workers) as pool:
        answers = pool.imap(reference, [[texts[place] for place in batch] for batch in batches])
        for batch, (answer, cpu) in zip(batches, answers, strict=True):
            expected.update(zip(batch, answer, strict=True))
            spent += cpu

    mismatches = 0
    for name, given in verdicts.items():
        wrong = [place for place in range(len(texts)) if differ(given[place], expected[place][name])]
        undefined = sum((expected[place][name][0] or "").endswith(UNDEFINED) for place in range(len(texts)))
        mismatches += len(wrong)
        print(f"\n{name}: {len(texts):,} documents, {len(wrong)} mismatches, {undefined} where {UNDEFINED}")
        for reason, count in Counter(reason or "kept" for reason, _ in given).most_common():
            print(f"  {count:7,} {reason}")
        for place in wrong[:5]:
            print(f"  differs: {found[place][0]} ours {given[place][0]!r} theirs {expected[place][name][0]!r}")

    print(f"\nCPU seconds per gigabyte, ours: { ({name: round(cpu / gigabytes, 1) for name, cpu in seconds.items()}) }")
    print(f"CPU seconds per gigabyte, datatrove (all filters, words remembered): {spent / gigabytes:.0f}")
    return 1 if mismatches else 0


if __name__ == "__main__":
    sys.exit(main())
