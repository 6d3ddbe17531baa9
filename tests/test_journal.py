"""The journal of answers: clocks, changed answers, deleted accounts, and trials on scripted annotators."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from annotation.collect import Collect
from annotation.desk.memory import MemoryDesk
from annotation.desk.scripted import Scripted
from annotation.tasks.comparisons import Comparisons
from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Job, Waiting
from tests.collecting import TWICE, Place, pair, table
from tests.desk_paper import PaperDesk


@pytest.fixture
def desk() -> PaperDesk:
    return PaperDesk()


@pytest.fixture
def place(tmp_path: Path, desk: PaperDesk) -> Place:
    source = table(Folder.at(str(tmp_path / "in")), "rows.parquet", "preferences", [pair(n) for n in range(5)])
    return Place(tmp_path / "step", desk, source)


def test_an_answer_that_was_changed_counts_once_in_its_last_form(place: Place, desk: PaperDesk) -> None:
    with pytest.raises(Waiting):
        place.run(TWICE)
    desk.truthful("a1")
    item, right = next((item.id, item.truth) for item in desk.items["a1"].values())
    with pytest.raises(Waiting):
        place.run(TWICE)
    assert right is not None
    desk.say("a1", item, {"better": "tie"})
    desk.truthful("a2")
    found = place.run(TWICE)
    assert found.height == 10
    assert found.filter(pl.col("annotator") == "a1").get_column("answer").to_list().count("tie") == 1
    assert place.facts["changed"] == 1


def test_answers_that_were_read_survive_a_desk_that_loses_them(place: Place, desk: PaperDesk) -> None:
    with pytest.raises(Waiting):
        place.run(TWICE)
    desk.truthful("a1")
    with pytest.raises(Waiting):
        place.run(TWICE)
    desk.given.clear()
    desk.truthful("a2")
    assert Counter(place.run(TWICE).get_column("annotator")) == {"a1": 5, "a2": 5}


def test_an_account_that_was_deleted_is_not_counted_as_another_person(tmp_path: Path, desk: PaperDesk) -> None:
    source = table(Folder.at(str(tmp_path / "in")), "rows.parquet", "preferences", [pair(1), pair(2)])
    place, op = Place(tmp_path / "step", desk, source), Collect(task=Comparisons(), pool="crowd", overlap=2)
    with pytest.raises(Waiting, match=r"crowd 2 of 2"):
        place.run(op)
    first, second = desk.items["crowd"]
    for item in (first, second):
        desk.say("crowd", item, {"better": "a"}, person="a1")
    with pytest.raises(Waiting):
        place.run(op)
    desk.given = {
        (where, item, "gone-5a17"): replace(answer, person="gone-5a17")
        for (where, item, _), answer in desk.given.items()
    }
    desk.say("crowd", first, {"better": "b"}, person="a2")
    with pytest.raises(Waiting, match=r"1 of 2 items"):
        place.run(op)
    desk.say("crowd", second, {"better": "b"}, person="a3")
    assert Counter(place.run(op).get_column("annotator")) == {"a1": 2, "a2": 1, "a3": 1}


def test_answers_of_a_trial_never_pass_for_what_people_said(place: Place, desk: PaperDesk) -> None:
    half = [Scripted(name=name, done=0.5) for name in ("a1", "a2")]
    with pytest.raises(Waiting, match=r"4 of 10 items"):
        TWICE.run(Job(place.inputs, place.folder, (MemoryDesk(half),)))
    with pytest.raises(Waiting, match=r"10 of 10 items"):
        place.run(TWICE)
    with pytest.raises(Waiting, match=r"4 of 10 items"):
        TWICE.run(Job(place.inputs, place.folder, (MemoryDesk(half),)))


def test_the_answer_on_the_desk_counts_though_its_clock_was_set_back(place: Place, desk: PaperDesk) -> None:
    with pytest.raises(Waiting):
        place.run(TWICE)
    desk.truthful("a1")
    with pytest.raises(Waiting):
        place.run(TWICE)
    item = next(iter(desk.items["a1"]))
    desk.given["a1", item, "a1"] = replace(
        desk.given["a1", item, "a1"], values={"better": "both-bad"}, at="2025-12-31T00:00:00.000000+00:00"
    )
    desk.truthful("a2")
    assert place.run(TWICE).filter(pl.col("annotator") == "a1").get_column("answer").to_list().count("both-bad") == 1


def test_an_answer_changed_within_one_tick_of_the_clock_is_kept_when_the_desk_loses_it(
    place: Place, desk: PaperDesk
) -> None:
    with pytest.raises(Waiting):
        place.run(TWICE)
    desk.truthful("a1")
    with pytest.raises(Waiting):
        place.run(TWICE)
    item = next(iter(desk.items["a1"]))
    desk.given["a1", item, "a1"] = replace(desk.given["a1", item, "a1"], values={"better": "both-bad"})
    with pytest.raises(Waiting):
        place.run(TWICE)
    desk.given.clear()
    desk.truthful("a2")
    assert place.run(TWICE).filter(pl.col("annotator") == "a1").get_column("answer").to_list().count("both-bad") == 1
