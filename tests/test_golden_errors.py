"""What the command says of mistakes, word for word, as golden/errors.txt shows it.

Places are written <here>, times <time> and hashes <hash>. The words are for people, so they may change; that they say
what happened, where, and what to do is read here and not asserted.
"""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shell import RECIPE

TRANSCRIPT = (Path(__file__).parent / "golden" / "errors.txt").read_text(encoding="utf-8")
BLOCKS = {block.partition("\n")[0]: block.partition("\n")[2] for block in re.split(r"^# ", TRANSCRIPT, flags=re.M)[1:]}


def gristmill(place: Path, *words: str) -> str:
    command = [sys.executable, "-m", "gristmill", *words]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=300)
    text = (done.stdout + done.stderr).replace(str(place), "<here>")
    for pattern, shown in (
        (r" +\d+\.\d s\b", " <time>"),
        (r"-[0-9a-f]{16}\b", "-<hash>"),
        (r"\b[0-9a-f]{12,}", "<hash>"),
    ):
        text = re.sub(pattern, shown, text)
    return f"{text}(exit code {done.returncode})\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recipe, some inputs, and two versions of which one was damaged."""
    place = tmp_path_factory.mktemp("errors")
    (place / "mine.py").write_text(RECIPE)
    (place / "failing.py").write_text("def small(input: str) -> None:\n    {}['en']\n\ndef nothing() -> None: ...\n")
    rows = [json.dumps({"id": f"r{n}", "text": f"text number {n}" if n else " "}) for n in range(20)]
    inputs = {"in": rows, "grown": [*rows, '{"id": "r20", "text": "one more"}'], "broken": [*rows[:9], "{broken", "[]"]}
    for name, lines in inputs.items():
        (place / name).mkdir()
        (place / name / "rows.jsonl").write_text("".join(f"{line}\n" for line in lines))
    (place / "pictures").mkdir()
    (place / "pictures" / "a.png").write_bytes(b"\x89PNG")
    for version in ("rows@1.0.0", "damaged@1.0.0"):
        gristmill(place, "run", "mine.py:small", "-p", "input=in", "--as", version, "--workers", "1")
    damaged = place / "gristmill-store" / "versions" / "damaged" / "1.0.0"
    data = bytearray((damaged / "data" / "train-00000-of-00001.parquet").read_bytes())
    data[len(data) // 2] ^= 1
    (damaged / "data" / "train-00000-of-00001.parquet").write_bytes(data)
    (damaged / "ledger" / "rows.parquet").unlink()
    for store in ("gristmill-store", "bad"):
        cut = place / store / "versions" / "cut" / "1.0.0"
        cut.mkdir(parents=True)
        (cut / "version.json").write_text('{"name": ')
    return place


@pytest.mark.parametrize("mistake", BLOCKS)
def test_the_command_says_of(mistake: str, place: Path) -> None:
    command, _, said = BLOCKS[mistake].strip("\n").partition("\n")
    assert command.startswith("$ gristmill ")
    assert gristmill(place, *shlex.split(command)[2:]) == f"{said}\n"
