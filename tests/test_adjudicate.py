"""Adjudication: who gets which rows, what they are shown, and what comes out beside the first answers."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from annotation.adjudicate import Adjudicate
from annotation.tasks.comparisons import Comparisons
from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Waiting
from tests.collecting import SPLIT, Place, pair, table
from tests.desk_paper import PaperDesk


@pytest.fixture
def desk() -> PaperDesk:
    return PaperDesk()


@pytest.mark.parametrize(
    ("until", "min_gold", "wanted"),
    [
        ("majority", None, {"p2", "p3"}),
        ("unanimous", None, {"p1", "p2", "p3"}),
        ("majority", 0.5, {"p0", "p1", "p2", "p3"}),
    ],
)
def test_adjudicators_get_what_is_in_doubt_and_nothing_else(
    tmp_path: Path, desk: PaperDesk, until: Any, min_gold: float | None, wanted: set[str]
) -> None:
    folder = Folder.at(str(tmp_path / "in"))
    source = table(folder, "rows.parquet", "preferences", [pair(n) for n in range(5)])
    first = table(folder, "first.parquet", "judgements", SPLIT)
    place = Place(tmp_path / "step", desk, source, first)
    op = Adjudicate(task=Comparisons(), adjudicators=("a1", "a9"), until=until, min_gold=min_gold)
    with pytest.raises(Waiting):
        place.run(op)
    for name in desk.items:
        desk.truthful(name)
    found = place.run(op)
    assert found.height == len(SPLIT) + len(wanted), "first answers stay beside the second ones"
    second = found.filter(pl.col("batch") == "adjudication")
    assert set(second.get_column("record")) == wanted
    assert set(second.get_column("annotator")) == {"a9"}, "a1 has judged every one of them"


@pytest.mark.parametrize("show", [True, False])
def test_first_answers_are_shown_without_names_or_hidden(tmp_path: Path, desk: PaperDesk, show: bool) -> None:
    folder = Folder.at(str(tmp_path / "in"))
    source = table(folder, "rows.parquet", "preferences", [pair(n) for n in range(5)])
    first = table(folder, "first.parquet", "judgements", SPLIT)
    with pytest.raises(Waiting):
        Place(tmp_path / "step", desk, source, first).run(
            Adjudicate(task=Comparisons(), adjudicators=("a9",), show=show, until="unanimous")
        )
    shown = [item.shown.get("first_answers") for item in desk.items["a9"].values()]
    assert any("(2)" in str(text) for text in shown) == show
    assert not any("a1" in str(text) for text in shown)


def test_without_a_doubt_nobody_is_asked(tmp_path: Path, desk: PaperDesk) -> None:
    folder = Folder.at(str(tmp_path / "in"))
    source = table(folder, "rows.parquet", "preferences", [pair(0)])
    first = table(folder, "first.parquet", "judgements", SPLIT[:3])
    place = Place(tmp_path / "step", desk, source, first)
    assert place.run(Adjudicate(task=Comparisons(), adjudicators=("a9",))).height == 3
    assert not desk.items


def test_what_adjudicators_were_told_names_guidelines_that_are_known(tmp_path: Path, desk: PaperDesk) -> None:
    folder = Folder.at(str(tmp_path / "in"))
    source = table(folder, "rows.parquet", "preferences", [pair(n) for n in range(5)])
    place = Place(tmp_path / "step", desk, source, table(folder, "first.parquet", "judgements", SPLIT))
    op = Adjudicate(task=Comparisons(), adjudicators=("a9",), show=True)
    with pytest.raises(Waiting):
        place.run(op)
    desk.truthful("a9")
    second = place.run(op).filter(pl.col("batch") == "adjudication")
    assert set(second.get_column("guidelines")) <= set(place.facts["guidelines"])
