"""What a large version costs from freezing to publishing: `python -m benchmarks.publish [--rows 10000000]`.

Short documents of about 60 characters, so that the number of rows weighs and not their length. Each command is the real
one, in a process of its own; printed are its CPU seconds, how long it took and its peak memory.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl

from dataset_cards.freeze import freeze
from dataset_cards.versions.job import Job
from dataset_cards.versions.schemas import schema
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from dataset_cards.versions.table import GROUP_ROWS

from .facts import texts

PART_ROWS = 1_000_000
ABOUT = Path(__file__).resolve().parent.parent / "tests" / "documented_about" / "corpus.yaml"
REF = "large@1.0.0"


@dataclass(frozen=True, kw_only=True)
class Large:
    """Rows that are drawn by their number."""

    revision: ClassVar[int] = 1
    rows: int

    def run(self, job: Job) -> dict[str, Any]:
        for part in job.unfinished(-(-self.rows // PART_ROWS)):
            first, last = part * PART_ROWS, min((part + 1) * PART_ROWS, self.rows)
            many = last - first
            funnel = {"stage": "make", "read": many, "kept": many, "quarantined": 0, "dropped": {}}
            job.write(part, batches(first, last), schema("documents"), funnel=[funnel])
        return {"kind": "documents", "license": "CC-BY-4.0", "source": "Words drawn at random"}


def batches(first: int, last: int) -> Iterator[pl.DataFrame]:
    draw = np.random.default_rng(first)
    for start in range(first, last, GROUP_ROWS):
        many = min(GROUP_ROWS, last - start)
        frame = pl.DataFrame(
            {
                "id": pl.int_range(start, start + many, eager=True).cast(pl.String),
                "text": texts(draw, many, 6, 12),
                "source": "list-" + pl.Series(draw.integers(0, 500, many)).cast(pl.String),
                "language": pl.Series(["en"]).extend_constant("en", many - 1),
            }
        )
        absent = [name for name in schema("documents").names if name not in frame.columns]
        yield frame.with_columns(pl.lit(None).alias(name) for name in absent).select(schema("documents").names)


def make(address: str, rows: int) -> None:
    from gristmill import _instruments

    store, step = Store.at(address), Step("make", Large(rows=rows))
    store.run(step)
    freeze(store, step, REF, {"name": "large", "function": "benchmarks.publish", "parameters": {}}, _instruments())


def measured(what: str, command: list[str]) -> None:
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    said = process.stdout.read().decode()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{what} failed:\n{said}")
    show(what, used, time.monotonic() - began)


def show(what: str, used: resource.struct_rusage, wall: float) -> None:
    spent = used.ru_utime + used.ru_stime
    print(f"{what:28} {spent:8.1f} CPU s  {wall:8.1f} s  peak {used.ru_maxrss / 1024:6,.0f} MB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as scratch:
        store = f"{scratch}/store"
        began = time.monotonic()
        process = get_context("spawn").Process(target=make, args=(store, rows))
        process.start()
        process.join()
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        if process.exitcode:
            sys.exit("the version could not be made")
        show(f"make and freeze {rows:,} rows", used, time.monotonic() - began)
        command = [sys.executable, "-m", "gristmill"]
        more = ["--store", store]
        measured("verify", [*command, "verify", REF, *more])
        measured("card check", [*command, "card", "check", REF, "--about", str(ABOUT), *more])
        measured("card render", [*command, "card", "render", REF, "--about", str(ABOUT), *more])
        measured("card publish to a folder", [*command, "card", "publish", REF, "--to", f"{scratch}/out", *more])
        measured("card publish again", [*command, "card", "publish", REF, "--to", f"{scratch}/out", *more])
        measured("trace a row", [*command, "trace", REF, str(rows // 2), *more])


if __name__ == "__main__":
    main()
