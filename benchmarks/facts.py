"""What measuring the rows of a large version costs: `python -m benchmarks.facts [--rows 1000000] [documents ...]`.

Rows are made of words that are drawn at random, with a share of equal ones; every instrument is at hand, as at
`gristmill adopt`. Printed are CPU seconds and the memory that measuring took more than making the rows, in a process of
its own for each kind.
"""

import argparse
import cProfile
import multiprocessing
import pstats
import resource
import tempfile
import time
from collections.abc import Iterator

import numpy as np
import polars as pl

from dataset_cards.facts.measure import measure
from dataset_cards.versions.files import Folder
from dataset_cards.versions.schemas import schema
from dataset_cards.versions.table import GROUP_ROWS, Part, Table, write_parquet
from gristmill import _instruments

WORDS = [f"{begin}{middle}{end}" for begin in "bcdfgst" for middle in ("a", "ee", "oul") for end in ("d", "ning", "t")]
PART_ROWS = 100_000


def texts(draw: np.random.Generator, many: int, low: int, high: int) -> pl.Series:
    """Texts of `low` to `high` words; each has a number, so that hardly two are the same."""
    lengths = draw.integers(low, high, many)
    words = pl.Series(WORDS).gather(draw.integers(0, len(WORDS), int(lengths.sum())))
    row = pl.Series(np.repeat(np.arange(many), lengths))
    joined = pl.DataFrame({"row": row, "word": words}).group_by("row", maintain_order=True).agg(pl.col("word"))
    numbers = pl.Series(draw.integers(0, 1 << 40, many)).cast(pl.String)
    return joined["word"].list.join(" ") + " " + numbers


def documents(draw: np.random.Generator, many: int) -> pl.DataFrame:
    """About 1.5 kB each; one in ten is there twice, ten thousand sites, no language stated."""
    text = texts(draw, many, 150, 450)
    again = draw.integers(0, many, many)
    place = np.where(draw.random(many) < 0.1, again, np.arange(many))
    sites = pl.Series(draw.integers(0, 10_000, many)).cast(pl.String)
    return pl.DataFrame(
        {
            "text": text.gather(place),
            "source": "crawl-" + pl.Series(draw.integers(0, 500, many)).cast(pl.String),
            "url": "https://www.site" + sites + ".co.uk/page?" + sites,
            "license": pl.Series(["CC-BY-4.0", "MIT", None]).gather(draw.integers(0, 3, many)),
            "created": pl.Series(draw.integers(2000, 2026, many)).cast(pl.String) + "-05-17",
        }
    )


def conversations(draw: np.random.Generator, many: int) -> pl.DataFrame:
    """A system prompt, two questions, two answers: about 1 kB each."""
    roles = ("system", "user", "assistant", "user", "assistant")
    systems = pl.Series([f"You are assistant number {n}." for n in range(100)])
    said = [systems.gather(draw.integers(0, 100, many))]
    said += [texts(draw, many, *((10, 40) if role == "user" else (50, 120))) for role in roles[1:]]
    messages = [pl.struct(pl.lit(role).alias("role"), pl.col(f"m{n}").alias("content")) for n, role in enumerate(roles)]
    frame = pl.DataFrame({f"m{n}": one for n, one in enumerate(said)})
    return frame.select(messages=pl.concat_list(messages), source=pl.lit("chats"), origin=pl.lit("model-7b"))


MADE = {"documents": documents, "conversations": conversations}


def write(kind: str, rows: int, folder: Folder) -> Table:
    parts = []
    for number, first in enumerate(range(0, rows, PART_ROWS)):

        def groups(number: int = number, first: int = first) -> Iterator[pl.DataFrame]:
            draw = np.random.default_rng(number)
            for start in range(first, min(first + PART_ROWS, rows), GROUP_ROWS):
                many = min(GROUP_ROWS, first + PART_ROWS - start, rows - start)
                frame = MADE[kind](draw, many).with_columns(id=pl.int_range(start, start + many).cast(pl.String))
                absent = [name for name in schema(kind).names if name not in frame.columns]
                yield frame.with_columns(pl.lit(None).alias(name) for name in absent).select(schema(kind).names)

        name = f"part-{number:05d}.parquet"
        parts.append(Part(name, write_parquet(folder, name, groups(), schema(kind))))
    return Table(folder, tuple(parts))


def run(kind: str, folder: str, parts: tuple[Part, ...], profile: bool) -> None:
    """Measure in this process and print."""
    table = Table(Folder.at(folder), parts)
    instruments = _instruments()
    measure(kind, Table(table.folder, table.parts[:1]), instruments)  # kernels are compiled, models are read
    held, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    profiled = cProfile.Profile()
    if profile:
        profiled.enable()
    facts = measure(kind, table, instruments)
    spent = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    profiled.disable()
    size = sum(one["bytes"] for one in facts["lengths"].values())
    print(
        f"{kind:14} {table.rows:>10,} rows  {size / 1e9:6.2f} GB of text  {spent:7.1f} CPU s"
        f"  {spent / size * 1e9:5.1f} CPU s/GB  {1e6 * spent / table.rows:5.0f} us a row"
        f"  peak {peak / 1024:,.0f} MB, {(peak - held) / 1024:,.0f} MB of it after the first part",
        flush=True,
    )
    if profile:
        pstats.Stats(profiled).sort_stats("cumulative").print_stats(25)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", default=list(MADE), help=", ".join(MADE))
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--profile", action="store_true", help="print where the time goes")
    options = parser.parse_args()
    for kind in options.kinds:
        with tempfile.TemporaryDirectory(prefix="gristmill-facts-") as scratch:
            table = write(kind, options.rows, Folder.at(scratch))
            process = multiprocessing.get_context("spawn").Process(
                target=run, args=(kind, scratch, table.parts, options.profile)
            )
            process.start()
            process.join()
            if process.exitcode:
                raise SystemExit(f"measuring {kind} ended with {process.exitcode}")


if __name__ == "__main__":
    main()
