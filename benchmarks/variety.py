"""What novelty and variety cost: ROUGE-L of 10,000 tasks against 50,000, and every measure on 50,000 rows.

python -m benchmarks.variety            made of the words of the instructions under ../shared/data/sft
"""

import io
import json
import os
import random
import resource
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import zstandard

from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Job
from dataset_cards.versions.schemas import schema
from dataset_cards.versions.table import Part, Table, from_arrow, write_parquet
from synth.novelty import Pool
from synth.variety import Variety

DATA = Path(os.environ.get("GRISTMILL_TEST_DATA", "../shared/data")) / "sft"


def rows(name: str) -> list[dict[str, Any]]:
    with (DATA / name).open("rb") as file:
        lines = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8")
        return [json.loads(line) for line in lines]


def made(texts: list[str], count: int, seed: int) -> list[str]:
    """Texts of the lengths of real ones, and of words drawn as often as they stand there: none repeats another."""
    draw = random.Random(seed)
    words = [word for text in texts for word in text.split()]
    return [" ".join(draw.choices(words, k=len(draw.choice(texts).split()) or 1)) for _ in range(count)]


def timed(what: str, work: Callable[[], object]) -> Any:
    cpu = time.process_time()
    found = work()
    print(f"{what}: {time.process_time() - cpu:.1f} CPU s, peak {peak():,} MB", flush=True)
    return found


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def table(folder: Path, asked: list[str], said: list[str]) -> Table:
    place = Folder.at(str(folder))
    written = [
        {
            "id": f"r{n}",
            "messages": [{"role": "user", "content": one}, {"role": "assistant", "content": two}],
            "metadata": json.dumps({"round": 1 + n % 3}),
        }
        for n, (one, two) in enumerate(zip(asked, said, strict=True))
    ]
    columns = schema("conversations")
    whole = [{**dict.fromkeys(columns.names), **row} for row in written]
    frames: list[pl.DataFrame] = [
        from_arrow(pa.Table.from_pylist(whole[first : first + 8192], schema=columns))
        for first in range(0, len(whole), 8192)
    ]
    return Table(place, (Part("rows.parquet", write_parquet(place, "rows.parquet", frames, columns)),))


def main() -> None:
    dolly = rows("dolly_human_subset.jsonl.zst")
    instructions, answers = ([row[key] for row in dolly] for key in ("instruction", "response"))
    there, new = made(instructions, 50_000, 1), made(instructions, 10_000, 2)
    pool = Pool(0.7)
    timed("index of 50,000 tasks", lambda: pool.extend(there))
    hits = timed("10,000 new tasks against them", lambda: sum(pool.nearest(text) is not None for text in new))
    print(f"  {hits:,} too similar; {sum(map(len, there)) // len(there)} characters on average")
    with tempfile.TemporaryDirectory() as place:
        for what, asked, said in (
            ("drawn words", there, made(answers, 50_000, 3)),
            (
                "one template",
                [f"Write a short poem about {text.split()[0]}." for text in there],
                (answers * 250)[: len(there)],
            ),
        ):
            source = table(Path(place) / what, asked, said)
            job = Job((source,), Folder.at(f"{place}/{what}/step"))
            found = timed(f"variety of 50,000 conversations, {what}", partial(Variety().run, job))["variety"]
            for part, one in found["parts"].items():
                keep = ("words", "distinct", "self_similar", "compression", "topics")
                print(f"  {part}: { ({key: one[key] for key in keep}) }")


if __name__ == "__main__":
    main()
