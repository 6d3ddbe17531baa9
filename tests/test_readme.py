"""The README cannot lie: its commands exist, and its demonstration prints what it shows.

Counts differ between machines, so lines are compared with their numbers, and rare reasons, left out.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from dataset_cards.versions.recipe import built_ins

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
COMMANDS = re.findall(r"^\$ (gristmill .*|make .*)$", README, re.MULTILINE)


def shape(line: str) -> str:
    """A line without its numbers and without the place of the command."""
    line = re.sub(r"\S*gristmill (?=sample|verify|run)", "gristmill ", line)
    return " ".join(re.sub(r"[\d,.]+", "#", line).split())


def stages(text: str) -> list[str]:
    """The lines of a funnel that stand for a stage, and everything after it."""
    lines = [line for line in text.splitlines() if line.strip() and not re.match(r"\s+[\d,]+  \S", line)]
    start = next(n for n, line in enumerate(lines) if line.startswith("stage "))
    return [shape(line) for line in lines[start:]]


def test_every_make_target_and_command_of_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    helped = subprocess.run([sys.executable, "-m", "gristmill", "--help"], capture_output=True, text=True, check=True)
    assert {command.split()[1] for command in COMMANDS} >= {"demo", "test", "run", "diff"}
    for command in COMMANDS:
        word = command.split()[1]
        assert f"\n{word}:" in makefile if command.startswith("make") else f"\n  {word} " in helped.stdout, command


def test_every_document_that_is_linked_exists() -> None:
    for document in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for link in re.findall(r"\]\(([^)#:]+\.md)[^)]*\)", document.read_text()):
            assert (document.parent / link).is_file(), f"{document.name} links to {link}"


def test_every_parameter_that_a_document_gives_a_recipe_is_one_it_takes() -> None:
    """Commands of the pages, also those that go on over a line."""
    recipes = built_ins(("curation", "annotation", "synth", "train"))
    given = re.compile(r"gristmill (?:run|preflight|plan) ([a-z_]+) ((?:[^\n`]|\\\n)*)")
    wrong, seen = [], 0
    for document in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for recipe, words in given.findall(document.read_text()):
            for key in re.findall(r"-p ([a-z_]+)=", words) if recipe in recipes else ():
                seen += 1
                if key not in recipes[recipe].parameters():
                    wrong.append(f"{document.name}: {recipe} -p {key}")
    assert seen > 50
    assert not wrong


@pytest.mark.slow
def test_the_demonstration_prints_what_the_readme_shows(tmp_path: Path) -> None:
    shown = re.search(r"```text\n(.*?)```", README, re.DOTALL)
    assert shown is not None
    command = [sys.executable, "-m", "gristmill", "demo"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert stages(done.stdout) == stages(shown[1])
    paths = [line.split()[-1] for line in done.stdout.splitlines() if line.startswith(("version ", "card ", "report "))]
    assert len(paths) == 3
    assert all((tmp_path / path).exists() for path in paths)
