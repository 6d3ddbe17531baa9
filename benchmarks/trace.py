"""What tracing and forgetting cost on a large version: CPU seconds and peak memory of the whole command.

    python -m benchmarks.trace [--rows 2000000]

The version has documents of about 220 characters under ids that are hashes, so that no row group can be ruled out; the
same rows under ids in order are measured beside it. A second version keeps half of the rows and has the other half in
its ledger. Each command runs in a process of its own; what starting it costs is printed first.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from dataset_cards.versions.files import Folder
from dataset_cards.versions.schemas import schema
from dataset_cards.versions.side_files import GONE
from dataset_cards.versions.table import GROUP_ROWS, write_parquet
from dataset_cards.versions.version import content_digest, seal, sha256

PART = 250_000  # rows of one file
RUN = "from dataset_cards.lineage.commands import lineage; lineage()"


def name(number: int, hashed: bool) -> str:
    return "sha256:" + hashlib.sha256(str(number).encode()).hexdigest()[:32] if hashed else f"row-{number:09d}"


def batches(first: int, last: int, hashed: bool, step: int) -> Iterator[pl.DataFrame]:
    """Rows `first`, `first + step`, ... in row groups; every text is another one."""
    blank = dict.fromkeys(schema("documents").names)
    for start in range(first, last, GROUP_ROWS * step):
        numbers = range(start, min(start + GROUP_ROWS * step, last), step)
        words = np.random.default_rng(start).integers(0, 1 << 32, (len(numbers), 24))
        text = [
            f"{number} " + " ".join(f"{word:x}" for word in some) for number, some in zip(numbers, words, strict=True)
        ]
        ids = [name(number, hashed) for number in numbers]
        rows = pl.DataFrame({**blank, "id": ids, "text": text}, schema_overrides=dict.fromkeys(blank, pl.String))
        yield rows.select(schema("documents").names)


def gone(rows: int, hashed: bool) -> Iterator[pl.DataFrame]:
    """The odd rows, as the ledger has them."""
    for start in range(1, rows, 2 * GROUP_ROWS):
        ids = [name(number, hashed) for number in range(start, min(start + 2 * GROUP_ROWS, rows), 2)]
        told = {"id": ids, "source": None, "stage": "mix", "reason": "beyond-budget", "duplicate_of": None}
        yield pl.DataFrame(told, schema=dict.fromkeys(GONE.names, pl.String))


def version(
    store: Folder, ref: str, rows: int, hashed: bool, step: int, parents: list[dict[str, Any]]
) -> dict[str, Any]:
    """Write a version as freezing would, without measuring its rows; returns its record."""
    label, number = ref.split("@")
    folder = store / "versions" / label / number
    files = []
    for part, first in enumerate(range(0, rows, PART * step)):
        path = f"data/train-{part:05d}.parquet"
        last = min(first + PART * step, rows)
        count = write_parquet(folder, path, batches(first, last, hashed, step), schema("documents"))
        files.append({"path": path, "rows": count})
    if step > 1:
        count = write_parquet(folder, "ledger/rows.parquet", gone(rows, hashed), GONE)
        files.append({"path": "ledger/rows.parquet", "rows": count})
    for file in files:
        with folder.open(str(file["path"])) as opened:
            file |= {"sha256": sha256(opened), "bytes": folder.size(str(file["path"]))}
    kept = sum(int(file["rows"]) for file in files if str(file["path"]).startswith("data/"))
    book = {"read": rows, "kept": kept, "quarantined": 0, "dropped": {"mix/beyond-budget": rows - kept}}
    said = {"name": label, "version": number, "kind": "documents", "created": "2026-11-21T00:00:00Z", "rows": kept}
    record: dict[str, Any] = {
        **said,
        "digest": content_digest(files),
        "bytes": sum(int(file["bytes"]) for file in files),
        "license": "unknown",
        "source": None,
        "languages": {},
        "schema": [],
        "files": files,
        "parents": parents,
        "ancestors": [],
        "recipe": {"name": "mixture", "function": "mixture", "parameters": {}, "steps": []},
        "ledger": book,
        "funnel": [{"stage": "mix", **book}],
        "facts": {},
        "tainted": [],
    }
    folder.write_json("version.json", {**record, "seal": seal(record)})
    return record


def measured(folder: Path, *words: str) -> tuple[float, float]:
    """CPU seconds and peak memory in MB of one command."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "2"}
    command = [sys.executable, "-c", RUN, *words]
    if words[:1] != ("--help",):
        command += ["--store", str(folder / "store")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
    assert process.stderr is not None
    errors = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(words)} ended with {status}:\n{errors.decode()}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_000_000)
    rows = parser.parse_args().rows
    folder = Path(tempfile.mkdtemp(prefix="gristmill-trace-"))
    store = Folder.at(str(folder / "store"))
    try:
        for label, hashed in (("hashed", True), ("ordered", False)):
            record = version(store, f"{label}@1", rows, hashed, 1, [])
            parent = {"name": label, "version": "1", "digest": record["digest"]}
            version(store, f"{label}-half@1", rows, hashed, 2, [parent])
            size = record["bytes"]
        some = rows // 2 // 2 * 2  # even: both versions have it
        (folder / "ids.txt").write_text("".join(f"{name(number, True)}\n" for number in range(0, rows, rows // 1000)))
        print(f"{rows:,} rows, {size / 1e6:,.0f} MB of Parquet; the version below it has half of them")
        for what, words in {
            "start the command": ("--help",),
            "tree of a version": ("trace", "hashed@1"),
            "row, ids are hashes": ("trace", "hashed@1", name(some, True)),
            "row, ids in order": ("trace", "ordered@1", name(some, False)),
            "dropped row, ids are hashes": ("trace", "hashed-half@1", name(some + 1, True)),
            "text that one row has": ("trace", "ordered@1", "--text", f"{some} "),
            "forget 1,000 rows": (
                *("forget", "hashed@1", "--ids", str(folder / "ids.txt"), "--as", "hashed@2", "--reason", "asked for"),
            ),
        }.items():
            spent, peak = measured(folder, *words)
            print(f"{what:<28}  {spent:6.1f} CPU-s  {peak:6.0f} MB", flush=True)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
