"""`--on ray` on a real Ray that is started on this machine: the same bytes, the same sentences, nothing left behind.

Ray runs under the command, never in this process. The stage of the recipe does what the file `mood` beside it says.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from tests.test_engine import wait

pytest.importorskip("ray", reason="the extra gristmill[ray] is not installed")
pytestmark = pytest.mark.slow

RECIPE = '''
"""Read, measure, drop what was there before, keep."""
import os
import signal
import time
from pathlib import Path

import polars as pl

from curation.dedup.exact import ExactDuplicates
from curation.ingest import Ingest
from curation.keep import Keep
from curation.screen import Screen
from curation.stage import Docs, Stage
from dataset_cards.intake.source import Input
from dataset_cards.versions.step import Step


class Moody(Stage):
    """Measures the length, if it feels like it."""

    def score(self, docs: Docs) -> pl.DataFrame:
        mood = Path(__file__).with_name("mood").read_text()
        if mood == "raise":
            raise ValueError("not today")
        if mood == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if mood == "wait":
            Path(__file__).with_name("waiting").touch()
            time.sleep(600)
        return pl.DataFrame([docs.text.str.len_chars().alias("length")])


def moody(input: str) -> Step:
    read = Step("moody/read", Ingest(input=Input.find(input)))
    screen = Step("moody/screen", Screen(stages=(Moody(),)), (read,))
    exact = Step("moody/exact", ExactDuplicates(), (read, screen))
    return Step("moody/keep", Keep(license="CC0-1.0"), (read, screen, exact))
'''


LINE = 1 + RECIPE.splitlines().index('            raise ValueError("not today")')
NOT_TODAY = f"gristmill: mine.py, line {LINE}: ValueError: not today; set GRISTMILL_DEBUG=1 to see how it came to that"


def furnish(place: Path, mood: str) -> Path:
    (place / "mine.py").write_text(RECIPE)
    (place / "mood").write_text(mood)
    (place / "in").mkdir()
    for number in range(3):
        rows = [{"id": f"{number}-{n}", "text": f"text {n * (number + 1)}"} for n in range(40)]
        (place / "in" / f"{number}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + "{broken\n")
    return place


class Run:
    """A command whose processes can be found: all that it started have its mark in their environment."""

    def __init__(self, place: Path, on: str, store: str) -> None:
        self._mark = f"GRISTMILL_TEST_MARK={uuid.uuid4().hex}"
        command = [sys.executable, "-m", "gristmill", "run", "mine.py:moody", "-p", "input=in", "--as", "rows@1.0.0"]
        command += ["--on", on, "--workers", "2", "--store", store, "--max-quarantined", "0.1", "--part-mb", "1"]
        name, _, value = self._mark.partition("=")
        around = {key: text for key, text in os.environ.items() if key != "RAY_ADDRESS"} | {name: value}
        self.process = subprocess.Popen(
            command, cwd=place, env=around, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )

    def end(self) -> tuple[int, str]:
        """The exit code and the last line; by then nothing of it may be left."""
        _, errors = self.process.communicate(timeout=300)
        assert wait(lambda: not self.left(), 30), f"left behind: {self.left()}"
        return self.process.returncode, errors.strip().rpartition("\n")[2]

    def left(self) -> list[str]:
        """The commands of its processes that still live."""
        found = []
        for process in Path("/proc").iterdir():
            try:
                if process.name.isdigit() and self._mark.encode() in (process / "environ").read_bytes():
                    found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:  # another user's, or it ended meanwhile
                continue
        return found


def contents(place: Path, store: str) -> dict[str, bytes]:
    """The files of the version; version.json without what tells when it was made."""
    version = place / store / "versions" / "rows" / "1.0.0"
    files = [path for part in ("data", "ledger") for path in sorted((version / part).iterdir())]
    record = json.loads((version / "version.json").read_bytes())
    kept = {key: value for key, value in record.items() if key not in ("created", "seal")}
    found = {path.relative_to(version).as_posix(): path.read_bytes() for path in files}
    return {**found, "version.json": json.dumps(kept, sort_keys=True).encode()}


def test_ray_gives_the_bytes_of_a_local_run_and_leaves_nothing_behind(tmp_path: Path) -> None:
    place = furnish(tmp_path, "good")
    assert Run(place, "local", "a").end()[0] == 0
    assert Run(place, "ray", "b").end()[0] == 0
    assert contents(place, "a") == contents(place, "b")
    assert b'"rows": 79,' in contents(place, "b")["version.json"], "120 rows, but texts come twice"
    assert not [path for runs in (place / "b").rglob("runs") for path in runs.iterdir()]


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = furnish(tmp_path_factory.mktemp("once"), "raise")
    assert Run(place, "local", "store").end() == (1, NOT_TODAY)
    return place


@pytest.fixture
def read(once: Path, tmp_path: Path) -> Path:
    """A place where the first step of the store is done."""
    return Path(shutil.copytree(once, tmp_path / "place"))


def test_the_error_of_a_task_is_the_sentence_of_a_local_run(read: Path) -> None:
    assert Run(read, "ray", "store").end() == (1, NOT_TODAY)


def test_a_killed_worker_is_told_and_a_rerun_finishes(read: Path) -> None:
    (read / "mood").write_text("die")
    code, said = Run(read, "ray", "store").end()
    assert code == 1
    assert "its process was killed (SIGKILL)" in said
    (read / "mood").write_text("good")
    assert Run(read, "local", "store").end()[0] == 0, "what runs on Ray is taken up anywhere"


@pytest.mark.parametrize(("word", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130)])
def test_a_run_that_is_stopped_takes_ray_with_it(read: Path, word: signal.Signals, code: int) -> None:
    (read / "mood").write_text("wait")
    run = Run(read, "ray", "store")
    assert wait(lambda: (read / "waiting").exists()), run.left()
    run.process.send_signal(word)
    assert run.end()[0] == code
