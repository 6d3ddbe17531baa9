"""Recipes by name: which files and functions can be one, how words become parameters, and whose fault an error is."""

import json
import math
import os
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dataset_cards.versions.errors import BadRecipe
from dataset_cards.versions.fingerprint import identity
from dataset_cards.versions.recipe import find_recipe
from dataset_cards.versions.recipe_file import loaded_files
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from tests.shell import furnish, gristmill

HEAD = """
from __future__ import annotations
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal
from dataset_cards.versions.step import Step

@dataclass(frozen=True, kw_only=True)
class Given:
    revision: ClassVar[int] = 1
    value: Any
    def run(self, job): ...
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty current folder; modules that are imported in it are forgotten again."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None)
        if file and Path(file).is_relative_to(tmp_path):
            del sys.modules[name]


def bind(code: str, *words: str, name: str = "one") -> tuple[Step, dict[str, Any]]:
    Path("mine.py").write_text(HEAD + code)
    return find_recipe(f"mine.py:{name}", ()).bind(words, Store.at("store"))


def value_of(kind: str, text: str) -> Any:
    step, _ = bind(f"def one(x: {kind}) -> Step:\n    return Step('one', Given(value=[x]))\n", f"x={text}")
    return step.op.value[0]  # type: ignore[attr-defined]


def line_of(words: str) -> int:
    return Path("mine.py").read_text().split(words)[0].count("\n") + 1


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("str", "nan", "nan"),
        ("int", "-3", -3),
        ("float", "1e-3", 0.001),
        ("bool", "False", False),
        ("int | None", "none", None),
        ("int | None", "4", 4),
        ("tuple[int, ...]", "1, 2", (1, 2)),
        ("list[str]", "ab,c", ["ab", "c"]),
        ("Literal['text', 'url']", "url", "url"),
        ("Literal[1, 2]", "2", 2),
    ],
)
def test_words_are_read_as_the_type_says(place: Path, kind: str, text: str, value: Any) -> None:
    found = value_of(kind, text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        ("float", "nan", "-p x=nan: write a finite number"),
        ("float", "-inf", "write a finite number"),
        ("float", "1e400", "write a finite number"),
        ("tuple[float, ...]", "1,inf", "write a finite number"),
        ("int", "1.5", "this is no int"),
        ("bool", "yes", "write true or false"),
        ("Literal['text', 'url']", "id", "write one of text, url"),
        ("dict[str, int]", "a", "a parameter of type dict[str, int] cannot be given"),
        ("dict", "a", "a parameter of type dict cannot be given"),
        ("int | str", "a", "cannot be given"),
        ("tuple[int, int]", "1,2", "cannot be given"),
        ("Any", "1", "cannot be given"),
    ],
)
def test_words_that_are_no_such_value_are_refused(place: Path, kind: str, text: str, says: str) -> None:
    with pytest.raises(BadRecipe) as error:
        value_of(kind, text)
    assert says in str(error.value)


def test_a_path_is_read_and_recorded_as_text(place: Path) -> None:
    code = "def one(x: Path) -> Step:\n    return Step('one', Given(value=str(x)))\n"
    _, record = bind(code, "x=a/b")
    assert record == {"name": "one", "function": "mine.py:one", "parameters": {"x": "a/b"}}


@pytest.mark.parametrize(
    ("signature", "says"),
    [
        ("x", "the parameter x has no type; write one, such as x: str"),
        ("x: Nowhere", "its types cannot be read: NameError: name 'Nowhere'"),
        ("*x: str", "*x: 'str' is not passed by name"),
        ("**x: str", "**x: 'str' is not passed by name"),
        ("x: str, /", "x: 'str' is not passed by name"),
        ("x: object = object()", "mine.py:one: x cannot be recorded"),
    ],
)
def test_a_function_whose_parameters_cannot_be_told_is_refused(place: Path, signature: str, says: str) -> None:
    with pytest.raises(BadRecipe) as error:
        bind(f"def one({signature}) -> Step:\n    return Step('one', Given(value=1))\n")
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("code", "mark", "says"),
    [
        ("def one( -> Step: ...\n", "def one(", "SyntaxError: "),
        (
            "import nothing_of_the_kind\n",
            "import nothing",
            "ModuleNotFoundError: No module named 'nothing_of_the_kind'",
        ),
        ("from math import nothing\n", "from math", "ImportError: cannot import name 'nothing'"),
        ("import sys\nsys.exit(0)\n", "sys.exit", "SystemExit: 0"),
        ("TABLE = {}\nTABLE['en']\n", "TABLE['en']", "KeyError: 'en'"),
        ("def one() -> Step:\n    return {}['en']\n", "return {}", "KeyError: 'en'"),
        ("def one() -> Step:\n    assert False\n", "assert", "AssertionError; GRISTMILL_DEBUG=1"),
        ("def one() -> Step:\n    exit(0)\n", "exit(", "SystemExit: 0"),
        ("def one() -> Step:\n    open('gone')\n", "open(", "FileNotFoundError: "),
        ("def one() -> Step:\n    return Step('A b', Given(value=1))\n", "return", "ValueError: 'A b' is no name for"),
    ],
)
def test_what_fails_in_a_recipe_file_is_told_with_its_line(place: Path, code: str, mark: str, says: str) -> None:
    with pytest.raises(BadRecipe) as error:
        bind(code)
    assert str(error.value).startswith(f"mine.py, line {line_of(mark)}: ")
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("def one() -> Step: ...\n", "mine.py:one returned NoneType and not a Step"),
        ("def one() -> Step:\n    return Given(value=1)\n", "mine.py:one returned Given and not a Step"),
        ("def one() -> Step:\n    return Step('one', Given(value=lambda: 1))\n", "a function has no identity"),
        ("def one() -> Step:\n    return Step('one', 3)\n", "mine.py:one: a step cannot be told from others"),
        ("one = 3\n", "mine.py has no function 'one'; its functions: none"),
        ("class one: ...\n", "mine.py has no function 'one'"),
    ],
)
def test_what_is_no_recipe_is_refused(place: Path, code: str, says: str) -> None:
    with pytest.raises(BadRecipe) as error:
        bind(code)
    assert says in str(error.value)


def test_a_recipe_file_imports_its_neighbours_and_an_error_there_is_told_with_its_line(place: Path) -> None:
    (place / "beside.py").write_text("NAME = 'two'\ndef fail():\n    raise ValueError('not like this')\n")
    step, _ = bind("import beside\ndef one() -> Step:\n    return Step(beside.NAME, Given(value=1))\n")
    assert step.name == "two"
    with pytest.raises(BadRecipe, match=r"^beside\.py, line 3: ValueError: not like this"):
        bind("import beside\ndef one() -> Step:\n    return beside.fail()\n")


def test_a_neighbour_is_known_by_its_content(place: Path) -> None:
    (place / "beside.py").write_text("class Own: ...\n")
    bind("import beside\ndef one() -> Step:\n    return Step('one', Given(value=1))\n")
    before = identity(sys.modules["beside"].Own)
    del sys.modules["beside"]
    (place / "beside.py").write_text("class Own: ...\n\n# another\n")
    bind("import beside\n\ndef one() -> Step:\n    return Step('one', Given(value=1))\n")
    assert identity(sys.modules["beside"].Own) != before


def test_a_quick_edit_of_the_same_size_is_seen(place: Path) -> None:
    code = "def one() -> Step:\n    return Step('one', Given(value={}))\n"
    first, _ = bind(code.format(1))
    when = (place / "mine.py").stat().st_mtime
    (place / "mine.py").write_text(HEAD + code.format(2))
    os.utime(place / "mine.py", (when, when))
    second, _ = find_recipe("mine.py:one", ()).bind([], Store.at("store"))
    assert (first.op.value, second.op.value) == (1, 2)  # type: ignore[attr-defined]


def test_two_files_of_one_name_do_not_get_in_each_others_way(place: Path) -> None:
    values = []
    for folder in ("a", "b"):
        (place / folder).mkdir()
        code = f"def one() -> Step:\n    return Step('one', Given(value={folder!r}))\n"
        (place / folder / "json.py").write_text(HEAD + code)
        step, _ = find_recipe(f"{folder}/json.py:one", ()).bind([], Store.at("store"))
        values.append(step.op.value)  # type: ignore[attr-defined]
    assert values == ["a", "b"]
    assert sys.modules["json"] is json


class _MakesUpAttributes(types.ModuleType):
    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"there is no class {name}")


def test_a_module_that_fails_at_unknown_attributes_is_no_recipe_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "like_torch_classes", _MakesUpAttributes("like_torch_classes"))
    assert "like_torch_classes" not in loaded_files()


def test_a_module_in_the_current_folder_is_found_by_its_name(place: Path) -> None:
    (place / "modular.py").write_text(HEAD + "def one() -> Step:\n    return Step('one', Given(value=1))\n")
    sys.path[:] = [path for path in sys.path if path not in ("", str(place))]
    _, record = find_recipe("modular:one", ()).bind([], Store.at("store"))
    assert record["function"] == "modular:one"
    (place / "broken.py").write_text("import nothing_of_the_kind\n")
    with pytest.raises(BadRecipe, match=r"^broken\.py, line 1: ModuleNotFoundError"):
        find_recipe("broken:one", ())


@pytest.mark.parametrize("name", [":one", "..up:one", "mine.py:", "gone.py:one"])
def test_a_name_that_names_nothing_is_refused(place: Path, name: str) -> None:
    (place / "mine.py").write_text(HEAD)
    with pytest.raises(BadRecipe):
        find_recipe(name, ())


def test_the_command_shows_a_traceback_only_when_it_is_asked_for(tmp_path: Path) -> None:
    place = furnish(tmp_path)
    (place / "bad.py").write_text("def one() -> int:\n    return 1 / 0\n")
    done = gristmill(place, "run", "bad.py:one")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("gristmill: bad.py, line 2: ZeroDivisionError: division by zero; GRISTMILL_DEBUG=1")
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" in gristmill(place, "run", "bad.py:one", GRISTMILL_DEBUG="1").stderr


STAGE = """
from dataclasses import dataclass
import polars as pl
from curation.rule import above
from curation.stage import Stage, decides


@dataclass(frozen=True, kw_only=True)
class Odd(Stage):
    most: float = decides(1.0)

    def score(self, docs):
        return pl.DataFrame({"odd": docs.frame.select(ODD).to_series()})

    def drop(self):
        return {"too-odd": above("odd", self.most)}
"""
SCREENED = """
from beside import Odd
from curation.ingest import Ingest
from curation.keep import Keep
from curation.screen import Screen
from dataset_cards.intake.source import Input
from dataset_cards.versions.step import Step


def odd(input: str) -> Step:
    read = Step("odd/read", Ingest(input=Input.find(input)))
    screen = Step("odd/screen", Screen(stages=(Odd(),)), (read,))
    return Step("odd/keep", Keep(), (read, screen))
"""


def screened(place: Path, odd: str) -> Any:
    """A run of a stage in a neighbour of the recipe file, with two workers."""
    (place / "own.py").write_text(SCREENED)
    (place / "beside.py").write_text(STAGE.replace("ODD", odd))
    for number in range(3):
        (place / "in" / f"{number}.txt").write_text("x" * 1_100_000)
    words = ("-p", "input=in", "--workers", "2", "--part-mb", "1", "--as", "odd@1.0.0")
    return gristmill(place, "run", "own.py:odd", *words)


@pytest.mark.slow
def test_an_error_in_a_stage_of_a_neighbour_is_told_with_its_line_also_by_workers(tmp_path: Path) -> None:
    done = screened(furnish(tmp_path), "'no such column'")
    assert done.returncode == 1
    assert "gristmill: beside.py, line 13: ColumnNotFoundError" in done.stderr
    assert "fault in gristmill" not in done.stderr


@pytest.mark.slow
def test_a_signal_that_is_infinite_or_no_number_is_survived_to_the_report(tmp_path: Path) -> None:
    numbers = (math.nan, math.inf, -math.inf, 0.5)
    written = ", ".join(f"float('{number}')" for number in numbers)
    odd = f"pl.int_range(pl.len()).replace_strict([0, 1, 2, 3], [{written}], default=0.0)"
    done = screened(furnish(tmp_path), odd)
    assert done.returncode == 0, done.stderr
    assert "odd/too-odd" in done.stdout
    sampled = gristmill(tmp_path, "sample", "odd@1.0.0", "--reason", "odd/too-odd", "--json").stdout
    assert [row["value"] for row in json.loads(sampled, parse_constant=pytest.fail)] == [None]
