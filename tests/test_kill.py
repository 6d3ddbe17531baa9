"""kill -9 at random moments of a run: the rerun ends with the bytes of an undisturbed run.

Four kills of a run over 10,000 documents every time, ten of one over 50,000 with `make prove`.
"""

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

WORDS = [
    "the",
    "of",
    "and",
    "to",
    "in",
    "is",
    "that",
    "it",
    "was",
    "for",
    "on",
    "are",
    "with",
    "as",
    "his",
    "they",
    "be",
    "at",
    "one",
    "have",
    "this",
    "from",
    "or",
    "had",
    "by",
    "hot",
    "but",
    "some",
    "what",
    "there",
    "we",
    "can",
    "out",
    "other",
    "were",
    "all",
    "your",
    "when",
    "up",
    "use",
    "word",
    "how",
    "said",
    "an",
    "each",
    "she",
    "which",
    "do",
    "their",
    "time",
    "if",
    "will",
    "way",
    "about",
    "many",
    "then",
    "them",
    "would",
    "write",
    "like",
    "so",
    "these",
    "her",
    "long",
    "make",
    "thing",
    "see",
    "him",
    "two",
    "has",
    "look",
    "more",
    "day",
    "could",
    "go",
    "come",
    "did",
    "my",
    "sound",
    "no",
    "most",
    "number",
    "who",
    "over",
    "know",
    "water",
    "than",
    "call",
    "first",
    "people",
    "may",
    "down",
    "side",
    "been",
    "now",
    "find",
    "any",
    "new",
    "work",
    "part",
    "take",
]


def write_documents(path: Path, documents: int) -> None:
    """Documents of every fate: kept, too short, repeated, nearly repeated, no JSON at all."""
    chance = random.Random(1)
    texts: list[str] = []
    with path.open("w") as file:
        for number in range(documents):
            fate = chance.random()
            if fate < 0.05 and texts:
                text = chance.choice(texts)
            elif fate < 0.10 and texts:
                words = chance.choice(texts).split(" ")
                words[chance.randrange(len(words))] = chance.choice(WORDS)
                text = " ".join(words)
            else:
                sentences = range(chance.randrange(1, 16))
                text = " ".join(" ".join(chance.choices(WORDS, k=12)).capitalize() + "." for _ in sentences)
            if len(texts) < 2000:
                texts.append(text)
            file.write(json.dumps({"id": f"doc-{number}", "text": text}) + "\n")
            if number % 5000 == 7:
                file.write('{"id": "broken", "text": \n')


def start(folder: Path, store: str, errors: Any = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "gristmill", "run", "plain_text", "-p", f"input={folder / 'in'}", "--part-mb", "1"]
    command += ["-p", "min_words=40", "--as", "text@1.0.0", "--store", str(folder / store), "--workers", "2"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)


def finish(folder: Path, store: str) -> float:
    began = time.monotonic()
    process = start(folder, store, subprocess.PIPE)
    _, errors = process.communicate(timeout=900)
    assert process.returncode == 0, errors.decode()
    return time.monotonic() - began


def contents(folder: Path, store: str) -> dict[str, bytes]:
    version = folder / store / "versions" / "text" / "1.0.0"
    files = [path for part in ("data", "ledger") for path in sorted((version / part).iterdir())]
    found = {path.relative_to(version).as_posix(): path.read_bytes() for path in files}
    record = json.loads((version / "version.json").read_bytes())
    kept = {key: value for key, value in record.items() if key not in ("created", "seal")}
    return {**found, "version.json": json.dumps(kept, sort_keys=True).encode()}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("documents", "kills", "each"), [(10_000, 4, 500), pytest.param(50_000, 10, 2500, marks=pytest.mark.proof)]
)
def test_kills_leave_no_trace(tmp_path: Path, documents: int, kills: int, each: int) -> None:
    (tmp_path / "in").mkdir()
    write_documents(tmp_path / "all.jsonl", documents)
    lines = (tmp_path / "all.jsonl").read_text().splitlines(keepends=True)
    for number in range(0, len(lines), each):  # many files, so that a run has many parts to lose
        (tmp_path / "in" / f"{number:06d}.jsonl").write_text("".join(lines[number : number + each]))
    seconds = finish(tmp_path, "undisturbed")
    chance = random.Random()
    killed = 0
    moments = []
    while killed < kills:
        process = start(tmp_path, "killed")
        moment = chance.uniform(0.2, 0.6 * seconds)
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed += 1
            moments.append(round(moment, 2))
        else:  # it came to its end before its moment: begin again, so that all kills hit a run at work
            shutil.rmtree(tmp_path / "killed")
    finish(tmp_path, "killed")
    assert contents(tmp_path, "killed") == contents(tmp_path, "undisturbed"), f"killed after {moments} s"
