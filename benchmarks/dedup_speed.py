"""What finding near-duplicates costs from Parquet to keep or drop, beside datatrove, rensa, datasketch and gaoya.

    python -m benchmarks.dedup_speed --data FOLDER [--megabytes 40] [--datatrove-megabytes 4] [--rounds 3] [--memory]

The corpus is that of `dedup_quality`: real text with planted near-duplicates. All sides use 14 x 8 permutations of word
5-grams, run one after another in every round, and are warm; CPU seconds include child processes. `--memory` instead
runs this step alone on 1, 4 and 16 times the corpus. A rival that is not installed is named and left out.
"""

import argparse
import importlib.util
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.dedup_quality import base, plant, sets_of
from benchmarks.dedup_rivals import RIVALS, datatrove
from curation.dedup.near import NearDuplicates
from curation.engine import LocalEngine
from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Job
from dataset_cards.versions.table import Part, Table, write_parquet

ROWS = 16384  # per file
GROUP = 4096
OP = NearDuplicates()
OURS, DATATROVE = "gristmill", "datatrove 0.10.1, four stages"

Find = Callable[[list[Path], Path], list[int]]  # Parquet files and an empty folder -> the rows that go


def cpu() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def write(texts: list[str], where: Path) -> list[Path]:
    """The corpus as Parquet files, as `read` would leave it and everybody can read it."""
    paths: list[Path] = []
    for first in range(0, len(texts), ROWS):
        rows = pl.Series(texts[first : first + ROWS])
        ids = pl.int_range(first, first + len(rows), eager=True).cast(pl.String)
        name = f"part-{len(paths):05d}.parquet"
        frame = pl.DataFrame({"id": ids, "text": rows})
        write_parquet(Folder.at(str(where)), name, frame.iter_slices(GROUP))
        paths.append(where / name)
    return paths


def ours(paths: list[Path], where: Path) -> list[int]:
    """The rows that go, by the whole step through one worker."""
    rows = [pl.scan_parquet(path).select(pl.len()).collect().item() for path in paths]
    parts = tuple(Part(path.name, count) for path, count in zip(paths, rows, strict=True))
    table = Table(Folder.at(str(paths[0].parent)), parts)
    OP.run(Job((table,), Folder.at(str(where)), (LocalEngine(workers=1),)))
    marks = pl.concat(pl.read_parquet(where / part.name, columns=["drop"]) for part in parts)
    return np.flatnonzero(marks.get_column("drop").is_not_null().to_numpy()).tolist()


def closest_kept(texts: list[str], gone: list[int]) -> np.ndarray:
    """For every dropped document its highest Jaccard index with any that stays, by the words of `normalise`."""
    sets = sets_of(texts, OP)
    sizes = np.array([len(one) for one in sets])
    dropped = np.zeros(len(texts), bool)
    dropped[gone] = True
    rows = np.repeat(np.arange(len(texts)), sizes)
    frame = pl.DataFrame({"row": rows, "shingle": np.concatenate(sets)})
    wanted = frame.filter(pl.Series(dropped[rows]))
    stays = frame.filter(pl.Series(~dropped[rows])).join(wanted.select("shingle").unique(), on="shingle", how="semi")
    best = np.zeros(len(texts))
    for some in np.array_split(np.array(gone), max(1, len(gone) // 500)):  # shared phrases make long lists of pairs
        mine = wanted.filter(pl.col("row").is_in(pl.Series(some).implode()))
        pairs = mine.join(stays, on="shingle").group_by("row", "row_right").len()
        one, other, common = (pairs.get_column(name).to_numpy() for name in ("row", "row_right", "len"))
        np.maximum.at(best, one, common / (sizes[one] + sizes[other] - common))
    return best[gone]


@dataclass(frozen=True, kw_only=True)
class Corpus:
    texts: list[str]
    paths: list[Path]
    gigabytes: float


def corpus(texts: list[str], megabytes: float, where: Path) -> Corpus:
    """The first documents, so many that they have this size, as Parquet files too."""
    sizes = np.cumsum([len(text.encode()) for text in texts])
    rows = min(len(texts), int(np.searchsorted(sizes, megabytes * 1e6)) + 1)
    return Corpus(texts=texts[:rows], paths=write(texts[:rows], where), gigabytes=float(sizes[rows - 1]) / 1e9)


def installed() -> dict[str, Find]:
    """This step and the rivals at hand, datatrove last."""
    sides = {OURS: ours}
    for package, named in RIVALS.items():
        if importlib.util.find_spec(package.split("==")[0]) is None:
            print(f"{package} is not installed and left out: pip install '{package}'")
        else:
            sides |= named
    return {**sides, DATATROVE: datatrove}


def compare(data: Path, megabytes: float, datatrove_megabytes: float, rounds: int) -> None:
    texts, _ = plant(base(data), OP)
    sides = installed()
    with tempfile.TemporaryDirectory() as name:
        where = Path(name)
        large = corpus(texts, megabytes, where / "large")
        small = corpus(texts, datatrove_megabytes, where / "small")
        given = {side: small if side == DATATROVE else large for side in sides}
        warm = corpus(texts, 0.1, where / "warm")
        for number, find in enumerate(sides.values()):
            find(warm.paths, where / f"warm-{number}")
        spent: dict[str, list[tuple[float, float]]] = {side: [] for side in sides}
        gone: dict[str, list[int]] = {}
        for turn in range(rounds):
            for number, (side, find) in enumerate(sides.items()):
                before, start = cpu(), time.perf_counter()
                gone[side] = find(given[side].paths, where / f"run-{turn}-{number}")
                spent[side].append((cpu() - before, time.perf_counter() - start))
        print(f"{len(large.texts):,} documents, {1000 * large.gigabytes:.1f} MB; ", end="")
        print(
            f"datatrove: the first {len(small.texts):,}, {1000 * small.gigabytes:.1f} MB; medians of {rounds} rounds\n"
        )
        print("| side | CPU-s/GB | wall s/GB | CPU against ours | dropped | below 0.7 | below 0.5 |")
        print("|---|---|---|---|---|---|---|")
        medians = {
            side: [statistics.median(one) / given[side].gigabytes for one in zip(*spent[side], strict=True)]
            for side in sides
        }
        for side, (seconds, wall) in medians.items():
            likeness = closest_kept(given[side].texts, gone[side])
            print(
                f"| {side} | {seconds:,.1f} | {wall:,.1f} | {seconds / medians[OURS][0]:.1f} | {len(gone[side]):,} ",
                end="",
            )
            print(f"| {int((likeness < 0.7).sum()):,} | {int((likeness < 0.5).sum()):,} |")


def grow(data: Path, megabytes: float) -> None:
    """Peak memory and CPU seconds at 1, 4 and 16 times the corpus, each in a process of its own."""
    print(
        "| corpus | documents | MB | CPU-s | CPU-s/GB | peak MB | of it before the run |\n|---|---|---|---|---|---|---|"
    )
    for times in (1, 4, 16):
        command = [sys.executable, "-m", "benchmarks.dedup_speed", "--data", str(data), "--megabytes", str(megabytes)]
        subprocess.run([*command, "--times", str(times)], check=True)


def alone(data: Path, megabytes: float, times: int) -> None:
    """One line of `grow`: every copy of the corpus has other words (its letters shifted), so only the size changes."""
    with tempfile.TemporaryDirectory() as name:
        # Made in another process, whose memory does not count.
        made = subprocess.run(
            [sys.executable, "-c", _MAKE, str(data), str(megabytes), str(times), name], check=True, capture_output=True
        )
        documents, size = map(int, made.stdout.split()[-2:])
        paths = sorted((Path(name) / "corpus").glob("*.parquet"))
        small = write(["a b c d e f g", "a b c d e f g", "h"], Path(name) / "small")
        ours(small, Path(name) / "warm")
        idle, before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, cpu()
        ours(paths, Path(name) / "run")
        spent, peak = cpu() - before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"| {times}x | {documents:,} | {size / 1e6:,.0f} | {spent:.1f} | {spent / size * 1e9:.1f} ", end="")
        print(f"| {peak:,.0f} | {idle:,.0f} |", flush=True)


_MAKE = """
import sys
from pathlib import Path
from benchmarks.dedup_speed import make
make(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
"""


def make(data: Path, megabytes: float, times: int, where: Path) -> None:
    texts, _ = plant(base(data), OP)
    rows = int(np.searchsorted(np.cumsum([len(text.encode()) for text in texts]), megabytes * 1e6))
    latin = [text for text in texts[:rows] if sum(map(str.isascii, text[:200])) > 150 or text.isascii()]
    letters = "abcdefghijklmnopqrstuvwxyz"
    shifts = (str.maketrans(letters, letters[by:] + letters[:by]) for by in range(times))
    grown = [text.lower().translate(shift) for shift in shifts for text in latin]
    write(grown, where / "corpus")
    print(len(grown), sum(len(text.encode()) for text in grown))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--megabytes", type=float, default=40)
    parser.add_argument("--datatrove-megabytes", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--times", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.times:
        alone(given.data, given.megabytes, given.times)
    elif given.memory:
        grow(given.data, given.megabytes)
    else:
        compare(given.data, given.megabytes, given.datatrove_megabytes, given.rounds)


if __name__ == "__main__":
    main()
