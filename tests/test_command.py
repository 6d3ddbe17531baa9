"""The command as people type it: help that teaches, plans, versions to look at, --json everywhere.

A small recipe of the test's own keeps these runs short; the built-in recipes run in test_corpus.py, and what the
command says of mistakes is in test_command_errors.py.
"""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shell import furnish, gristmill, ran, run_small


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return furnish(tmp_path)


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
    assert [(place / path).is_file() for path in paths] == [True, True]
    assert [entry["ref"] for entry in json.loads(ran(place, "list", "--json"))] == ["rows@1.0.0"]
    assert json.loads(ran(place, "show", "rows@1.0.0", "--json"))["ledger"]["kept"] == 20
    assert len(json.loads(ran(place, "sample", "rows@1.0.0", "-n", "3", "--json"))) == 3
    assert "is as frozen" in ran(place, "verify", "rows@1.0.0")


def test_a_second_run_does_nothing_and_says_so(place: Path) -> None:
    run_small(place)
    assert "nothing to do: every step was done before" in run_small(place).stderr


def test_plan_shows_what_would_run_and_runs_nothing(place: Path) -> None:
    planned = json.loads(ran(place, "plan", "mine.py:small", "-p", "input=in", "--json"))
    assert planned["estimate"]["proposal"]["workers"] >= 1
    assert [(step["step"], step["done"]) for step in planned["steps"]] == [("small/read", False), ("small/keep", False)]
    assert not (place / "gristmill-store").exists()


def test_the_record_of_a_recipe_file_does_not_say_where_it_lay(place: Path) -> None:
    run_small(place, "--as", "rows@1.0.0")
    recipe = json.loads(ran(place, "show", "rows@1.0.0", "--json"))["recipe"]
    assert (recipe["name"], recipe["function"]) == ("small", "mine.py:small")


def test_paths_with_blanks_are_printed_as_a_shell_reads_them(place: Path) -> None:
    done = run_small(place, "--as", "rows@1.0.0", "--store", "my store; rm x")
    assert done.returncode == 0, done.stderr
    said = [shlex.split(line) for line in done.stdout.splitlines() if line.startswith(("card", "report"))]
    assert all(len(words) == 2 and (place / words[1]).is_file() for words in said), said
    assert len(said) == 2


def test_text_that_no_terminal_can_show_is_printed_all_the_same(place: Path) -> None:
    (place / "in" / "rows.jsonl").write_text('{"id": "a", "text": "日本語"}\n')
    run_small(place, "--as", "rows@1.0.0")
    done = gristmill(place, "sample", "rows@1.0.0", PYTHONIOENCODING="latin-1")
    assert (done.returncode, "\\u65e5" in done.stdout) == (0, True), done.stderr


def test_starting_the_command_loads_nothing_heavy() -> None:
    heavy = "numba", "torch", "pydantic", "datasets", "spacy", "argilla", "openai"
    code = f"import sys, gristmill; print([name for name in {heavy} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
