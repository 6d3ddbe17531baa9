"""The command as people type it: help that teaches, errors that say what to do, exit codes, --json everywhere.

A small recipe of the test's own keeps these runs short; the built-in recipes run in test_corpus.py.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(RECIPE)
    (tmp_path / "in").mkdir()
    rows = [{"id": f"r{n}", "text": f"text number {n}"} for n in range(20)]
    (tmp_path / "in" / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def gristmill(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gristmill", *words]
    return subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=300)


def ran(place: Path, *words: str) -> str:
    done = gristmill(place, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_small(place: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return gristmill(place, "run", "mine.py:small", "-p", "input=in", "--workers", "1", *more)


def test_help_names_every_command_and_the_exit_codes() -> None:
    text = ran(Path.cwd(), "--help")
    for command in ("demo", "recipes", "plan", "run", "adopt", "list", "show", "sample", "diff", "verify"):
        assert f"\n  {command} " in text
    assert "3 waiting for people" in text


@pytest.mark.parametrize("command", ["plan", "run", "adopt", "list", "show", "sample", "diff", "verify", "recipes"])
def test_every_command_says_what_its_options_do_and_offers_json(command: str) -> None:
    text = ran(Path.cwd(), command, "--help")
    assert "--json" in text
    options = [line for line in text.splitlines() if line.strip().startswith("-")]
    assert all(len(line.split()) > 2 for line in options), "an option without a word of help"


def test_a_run_is_frozen_listed_shown_sampled_and_verified(place: Path) -> None:
    done = run_small(place, "--as", "rows@1.0.0")
    assert done.returncode == 0, done.stderr
    assert "rows@1.0.0: 20 read = 20 kept + 0 dropped + 0 quarantined" in done.stdout
    paths = [line.split()[-1] for line in done.stdout.splitlines() if line.startswith(("card", "report"))]
    assert [Path(path).is_file() for path in paths] == [True, True]
    assert [entry["ref"] for entry in json.loads(ran(place, "list", "--json"))] == ["rows@1.0.0"]
    assert json.loads(ran(place, "show", "rows@1.0.0", "--json"))["ledger"]["kept"] == 20
    assert len(json.loads(ran(place, "sample", "rows@1.0.0", "-n", "3", "--json"))) == 3
    assert "is as frozen" in ran(place, "verify", "rows@1.0.0")


def test_a_second_run_does_nothing_and_says_so(place: Path) -> None:
    run_small(place)
    assert "nothing to do: every step was done before" in run_small(place).stderr


def test_plan_shows_what_would_run_and_runs_nothing(place: Path) -> None:
    planned = json.loads(ran(place, "plan", "mine.py:small", "-p", "input=in", "--json"))
    assert [(step["step"], step["done"]) for step in planned] == [("small/read", False), ("small/keep", False)]
    assert not (place / "gristmill-store").exists()


def test_a_damaged_file_is_named_and_fails(place: Path) -> None:
    run_small(place, "--as", "rows@1.0.0")
    file = place / "gristmill-store/versions/rows/1.0.0/data/train-00000-of-00001.parquet"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    done = gristmill(place, "verify", "rows@1.0.0")
    assert done.returncode == 1
    assert "data/train-00000-of-00001.parquet is damaged" in done.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("run", "web_txt", "-p", "input=in"), "no built-in recipe 'web_txt'; built in: plain_text, web_text"),
        (("run", "mine.py:small", "-p", "inptu=in"), "has no parameter 'inptu'; it has input: str"),
        (("run", "mine.py:small"), "needs -p input=..."),
        (("run", "mine.py:small", "-p", "input"), "write it as key=value"),
        (("run", "mine.py:small", "-p", "input=nowhere"), "there is nothing at nowhere"),
        (("run", "mine.py:large", "-p", "input=in"), "mine.py has no function 'large'"),
        (("run", "nothere:small", "-p", "input=in"), "no module 'nothere'"),
        (("run", "mine.py:small", "-p", "input=in", "--as", "rows"), "'rows' names no version; write rows@VERSION"),
        (("run", "mine.py:small", "-p", "input=in", "--as", "Rows@1"), "is no name for a dataset"),
        (("show", "rows@1.0.0"), "there is no rows@1.0.0: the store"),
        (("verify", "rows"), "names no version"),
        (("plan", "web_text", "-p", "input=in", "-p", "min_words=many"), "-p min_words=many: this is no int"),
    ],
)
def test_misuse_ends_with_code_2_and_a_sentence(place: Path, words: tuple[str, ...], says: str) -> None:
    done = gristmill(place, *words)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_too_much_bad_input_fails_names_it_and_can_be_accepted(place: Path) -> None:
    with (place / "in" / "rows.jsonl").open("a") as file:
        file.write("{broken\n")
    done = run_small(place, "--as", "rows@1.0.0")
    assert done.returncode == 1
    assert "1 of 21 rows (4.8%) could not be read" in done.stderr
    assert "rows.jsonl, line 21: broken-json" in done.stderr
    accepted = run_small(place, "--as", "rows@1.0.0", "--max-quarantined", "0.1")
    assert accepted.returncode == 0
    assert "21 read = 20 kept + 0 dropped + 1 quarantined" in accepted.stdout


def test_other_rows_under_a_used_name_fail(place: Path) -> None:
    run_small(place, "--as", "rows@1.0.0")
    with (place / "in" / "rows.jsonl").open("a") as file:
        file.write('{"text": "one more"}\n')
    done = run_small(place, "--as", "rows@1.0.0")
    assert done.returncode == 1
    assert "rows@1.0.0 is frozen with other rows" in done.stderr


def test_a_dropped_reason_that_does_not_exist_lists_those_that_do(place: Path) -> None:
    with (place / "in" / "rows.jsonl").open("a") as file:
        file.write('{"text": "   "}\n')
    run_small(place, "--as", "rows@1.0.0")
    done = gristmill(place, "sample", "rows@1.0.0", "--reason", "gopher/short")
    assert done.returncode == 2
    assert "the reasons are: normalize/empty (1)" in done.stderr


def test_corpus_text_cannot_control_the_terminal(place: Path) -> None:
    (place / "in" / "rows.jsonl").write_text(json.dumps({"id": "\x1b[31m", "text": "red\x1b]0;title\x07"}) + "\n")
    run_small(place, "--as", "rows@1.0.0")
    assert "\x1b" not in ran(place, "sample", "rows@1.0.0")
