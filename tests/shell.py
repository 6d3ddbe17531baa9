"""What tests of the command share: a recipe file, a folder with a little input, and ways to type a command."""

import json
import os
import subprocess
import sys
from pathlib import Path

RECIPE = '''
"""A recipe file as a user would write it."""
from curation.ingest import Ingest
from curation.keep import Keep
from curation.normalize import Normalize
from dataset_cards.intake.source import Input
from dataset_cards.versions.step import Step


def small(input: str, license: str = "CC0-1.0") -> Step:
    """Everything that can be read."""
    read = Step("small/read", Ingest(input=Input.find(input), stages=(Normalize(),)))
    return Step("small/keep", Keep(license=license), (read,))
'''


def furnish(folder: Path) -> Path:
    """`mine.py` with the recipe `small`, and `in/rows.jsonl` with twenty rows."""
    (folder / "mine.py").write_text(RECIPE)
    (folder / "in").mkdir()
    rows = [{"id": f"r{n}", "text": f"text number {n}"} for n in range(20)]
    (folder / "in" / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def gristmill(place: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gristmill", *words]
    around = {key: value for key, value in os.environ.items() if not key.startswith("GRISTMILL_")} | environment
    return subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=300, env=around)


def ran(place: Path, *words: str) -> str:
    done = gristmill(place, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_small(place: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return gristmill(place, "run", "mine.py:small", "-p", "input=in", "--workers", "1", *more)
