"""Recipes and stages that people write in files of their own: the examples of the docs, run as they stand."""

import json
import re
from pathlib import Path

import pytest

from curation.engine import LocalEngine
from curation.ingest import Cut
from dataset_cards.versions.errors import BadRecipe
from dataset_cards.versions.recipe import find_recipe
from dataset_cards.versions.store import Store

DOCS = (Path(__file__).resolve().parent.parent / "docs" / "curate.md").read_text()
RECIPE, STAGE = re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)
MINE = f"""{STAGE}

from curation.ingest import Ingest
from curation.keep import Keep
from curation.screen import Screen
from dataset_cards.intake.source import Input
from dataset_cards.versions.step import Step


def quiet(input: str, max_capitals: float = 0.5) -> Step:
    read = Step("quiet/read", Ingest(input=Input.find(input)))
    screen = Step("quiet/screen", Screen(stages=(Shouting(max_capitals=max_capitals),)), (read,))
    return Step("quiet/keep", Keep(), (read, screen))
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    for number in range(4):
        rows = [{"id": f"{number}-{n}", "text": text} for n, text in enumerate(("HELLO THERE", "hello there", "12 !"))]
        (tmp_path / "in" / f"{number}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def kept(place: Path, name: str, *words: str) -> list[str]:
    store = Store.at(str(place / "store"))
    step, _ = find_recipe(f"{place}/{name}", ()).bind([f"input={place}/in", *words], store)
    tools = (LocalEngine(workers=2), Cut(slice_bytes=1, part_bytes=1))
    return store.run(step, tools).collect(["id"]).get_column("id").to_list()


def test_the_recipe_of_the_docs_runs(place: Path) -> None:
    (place / "mine.py").write_text(RECIPE)
    assert kept(place, "mine.py:prose") == [], "nothing here is long prose"


@pytest.mark.slow
def test_a_stage_in_a_recipe_file_runs_in_worker_processes(place: Path) -> None:
    (place / "mine.py").write_text(MINE)
    quiet = [f"{number}-{n}" for number in range(4) for n in (1, 2)]
    assert kept(place, "mine.py:quiet") == quiet, "a text without letters has no share of capitals and stays"


@pytest.mark.slow
def test_an_edited_stage_is_run_again(place: Path) -> None:
    (place / "mine.py").write_text(MINE)
    kept(place, "mine.py:quiet")
    (place / "mine.py").write_text(MINE.replace(r"\p{Lu}", r"\p{Ll}"))
    assert kept(place, "mine.py:quiet") == [f"{number}-{n}" for number in range(4) for n in (0, 2)]


def test_a_stage_that_cannot_be_loaded_by_a_worker_is_an_error_and_no_hang(place: Path) -> None:
    (place / "mine.py").write_text(
        MINE + "\nimport os\nif os.environ.get('POLARS_MAX_THREADS') == '1':\n    raise OSError('not here')\n"
    )
    with pytest.raises(BadRecipe, match="OSError: not here"):
        kept(place, "mine.py:quiet")
