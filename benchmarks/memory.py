"""Does peak memory grow with the corpus? Runs `plain_text` over 1x, 4x and 16x of a corpus and prints the peaks.

    python benchmarks/memory.py [--documents 12000] [--workers 2]

Documents are made of sentences in Python's own manual, each with two numbers of its own; one in ten is a near-duplicate
of an earlier one. How many were kept is printed too: a corpus that is dropped at once would prove nothing. Memory is
the proportional set size (PSS) of the command and all its workers, sampled five times a second. Linux only.
"""

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from pydoc_data.topics import topics

PLAIN = re.compile(r"[A-Z][A-Za-z ,'-]{40,300}")
SHARD = 2000  # documents per input file: the corpus grows in files, as crawls do


def sentences() -> list[str]:
    """Something to make documents of: the plain English sentences in Python's own manual."""
    texts = [" ".join(text.split()) for text in topics.values()]
    parts = [part.strip() for text in texts for part in text.split(". ")]
    return sorted({f"{part}." for part in parts if PLAIN.fullmatch(part) and len(part.split()) > 10})


def write_corpus(folder: Path, documents: int, material: list[str]) -> int:
    """`documents` documents in files of SHARD; returns their bytes."""
    folder.mkdir()
    chance = random.Random(7)
    recent: list[str] = []
    size = 0
    for start in range(0, documents, SHARD):
        with (folder / f"{start:08d}.jsonl").open("w") as file:
            for number in range(start, min(start + SHARD, documents)):
                if recent and chance.random() < 0.1:
                    words = chance.choice(recent).split(" ")
                    words[chance.randrange(len(words))] = "changed"
                    text = " ".join(words)
                else:
                    picked = chance.choices(material, k=chance.randrange(5, 40))
                    text = "\n".join(f"{sentence[:-1]} {number} {n}." for n, sentence in enumerate(picked))
                recent = [*recent[-500:], text]
                line = json.dumps({"id": str(number), "text": text}) + "\n"
                size += len(line)
                file.write(line)
    return size


def tree(pid: int) -> Iterator[int]:
    """A process and everything below it."""
    yield pid
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        children += [c for t in Path(f"/proc/{pid}/task").iterdir() for c in (t / "children").read_text().split()]
    except OSError:
        return
    for child in set(children):
        yield from tree(int(child))


def pss(pid: int) -> int:
    """Bytes that the process tree would free by ending."""
    total = 0
    for one in set(tree(pid)):
        try:
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        except OSError:  # it ended meanwhile
            continue
        total += sum(int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:"))
    return total


def cpu(process: int) -> float:
    """CPU seconds of one process so far; 0 for one that is gone."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(command: list[str]) -> tuple[int, float, float, str]:
    """Peak bytes, seconds, CPU seconds of all processes, and standard error of a command."""
    used: dict[int, float] = {}
    with tempfile.TemporaryFile("w+") as errors:
        began = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
        peak = 0
        while process.poll() is None:
            peak = max(peak, pss(process.pid))
            used |= {one: max(used.get(one, 0.0), cpu(one)) for one in set(tree(process.pid))}
            time.sleep(0.2)
        seconds = time.monotonic() - began
        errors.seek(0)
        text = errors.read()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{text}")
    return peak, seconds, sum(used.values()), text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=12_000, help="documents at 1x")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--part-mb", type=int, default=8, help="input per task; small, so that even 1x has several")
    options = parser.parse_args()
    material = sentences()
    folder = Path(tempfile.mkdtemp(prefix="gristmill-memory-"))
    try:
        print(
            f"{'corpus':>6}  {'documents':>9}  {'kept':>9}  {'input':>9}  {'peak PSS':>9}  {'seconds':>8}  {'MB/s':>6}"
            f"  {'CPU-s/GB':>8}"
        )
        for times in (1, 4, 16):
            size = write_corpus(folder / f"{times}x", options.documents * times, material)
            command = [sys.executable, "-m", "gristmill", "run", "plain_text", "-p", f"input={folder / f'{times}x'}"]
            command += ["--as", "corpus@1.0.0", "--store", str(folder / f"store-{times}x")]
            command += ["--workers", str(options.workers), "--part-mb", str(options.part_mb)]
            peak, seconds, spent, text = measure(command)
            kept = int(re.findall(r"/keep +([\d,]+) rows in", text)[0].replace(",", ""))
            print(
                f"{times:>5}x  {options.documents * times:>9,}  {kept:>9,}  {size / 1e6:>6.0f} MB"
                f"  {peak / 1e6:>6.0f} MB  {seconds:>8.1f}  {size / 1e6 / seconds:>6.2f}  {spent / size * 1e9:>8.0f}",
                flush=True,
            )
            shutil.rmtree(folder / f"{times}x")
            shutil.rmtree(folder / f"store-{times}x")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
