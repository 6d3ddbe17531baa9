"""Asking and collecting: what waits for whom, that no answer is lost or counted twice, and what is refused."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from annotation.collect import Collect, content
from annotation.desk.desk import Answer, Item, NoSuchPerson
from annotation.desk.memory import MemoryDesk
from annotation.desk.scripted import Scripted
from annotation.tasks.comparisons import Comparisons
from annotation.tasks.rankings import Rankings
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Job, Waiting
from dataset_cards.versions.schemas import problems
from tests.collecting import TWICE, Place, pair, table
from tests.desk_paper import PaperDesk


@pytest.fixture
def desk() -> PaperDesk:
    return PaperDesk()


@pytest.fixture
def place(tmp_path: Path, desk: PaperDesk) -> Place:
    source = table(Folder.at(str(tmp_path / "in")), "rows.parquet", "preferences", [pair(n) for n in range(5)])
    return Place(tmp_path / "step", desk, source)


def test_it_waits_and_says_how_many_rows_wait_for_whom(place: Place, desk: PaperDesk) -> None:
    with pytest.raises(Waiting, match=r"10 of 10 items are still to be answered: a1 5 of 5, a2 5 of 5\."):
        place.run(TWICE)
    desk.truthful("a1")
    with pytest.raises(Waiting, match=r"5 of 10 items are still to be answered: a2 5 of 5\."):
        place.run(TWICE)
    desk.truthful("a2")
    assert place.run(TWICE).height == 10


def test_what_comes_out_is_what_was_said_by_whom_in_what_order(place: Place, desk: PaperDesk) -> None:
    with pytest.raises(Waiting):
        place.run(TWICE)
    desk.truthful("a1")
    for item in desk.items["a2"]:
        desk.say("a2", item, {"better": "b", "strength": 2, "reason": "<b>longer</b>"})
    found = place.run(TWICE)
    assert Counter(found.get_column("annotator")) == {"a1": 5, "a2": 5}
    assert set(found.filter(pl.col("annotator") == "a1").get_column("answer")) == {"1"}
    second = found.filter(pl.col("annotator") == "a2")
    assert [order[1] + 1 for order in second.get_column("order")] == [int(a) for a in second.get_column("answer")]
    assert set(second.get_column("reason")) == {"<b>longer</b>"}
    assert second.get_column("seconds").drop_nulls().to_list() == [10.0] * 4
    assert not [wrong for row in place.rows() for wrong in problems("judgements", row)]


def test_every_judgement_names_the_guidelines_it_was_given_under(place: Place, desk: PaperDesk) -> None:
    with pytest.raises(Waiting):
        place.run(TWICE)
    desk.truthful("a1")
    desk.truthful("a2")
    (revision,) = set(place.run(TWICE).get_column("guidelines"))
    assert place.facts["guidelines"] == {revision: Comparisons().guidelines}


def test_a_discarded_item_is_an_answer_and_no_vote(place: Place, desk: PaperDesk) -> None:
    with pytest.raises(Waiting):
        place.run(TWICE)
    item = next(iter(desk.items["a1"]))
    desk.say("a1", item, {})
    desk.given["a1", item, "a1"] = replace(desk.given["a1", item, "a1"], status="discarded")
    desk.truthful("a1")
    desk.truthful("a2")
    found = place.run(TWICE)
    assert found.filter(pl.col("discarded")).get_column("answer").to_list() == [""]
    assert found.height == 10


def test_answers_to_items_that_were_added_on_the_desk_are_left_out(place: Place, desk: PaperDesk) -> None:
    with pytest.raises(Waiting):
        place.run(TWICE)
    desk.truthful("a1")
    desk.truthful("a2")
    desk.given["a1", "stranger", "a1"] = Answer(
        item="stranger", person="a1", status="submitted", values={"better": "a"}, at="2026-01-01T00:00:00.000000+00:00"
    )
    assert place.run(TWICE).height == 10


def test_more_rows_in_the_next_version_ask_nothing_again(tmp_path: Path, desk: PaperDesk) -> None:
    folder = Folder.at(str(tmp_path / "in"))
    small = table(folder, "small.parquet", "preferences", [pair(n) for n in range(5)])
    large = table(folder, "large.parquet", "preferences", [pair(n) for n in range(8)])
    with pytest.raises(Waiting):
        Place(tmp_path / "one", desk, small).run(TWICE)
    desk.truthful("a1")
    desk.truthful("a2")
    with pytest.raises(Waiting, match=r"6 of 16 items"):
        Place(tmp_path / "two", desk, large).run(TWICE)


def test_what_somebody_who_left_had_answered_counts_and_the_rest_goes_to_others(place: Place, desk: PaperDesk) -> None:
    three = replace(TWICE, annotators=("a1", "a2", "a3"))
    with pytest.raises(Waiting):
        place.run(three)
    theirs = list(desk.items["a3"])
    for item in theirs[:1]:
        desk.say("a3", item, {"better": "tie"})
    without = replace(three, left=("a3",))
    with pytest.raises(Waiting) as caught:
        place.run(without)
    assert "a3" not in str(caught.value).split(":", 3)[-1]
    desk.truthful("a1")
    desk.truthful("a2")
    found = place.run(without)
    assert Counter(found.get_column("record")) == {f"p{n}": 2 for n in range(5)}
    assert found.filter(pl.col("annotator") == "a3").get_column("answer").to_list() == ["tie"]


def test_what_one_of_a_pool_discards_is_left_to_the_others(place: Place, desk: PaperDesk) -> None:
    op = Collect(task=Comparisons(), pool="crowd", overlap=2)
    with pytest.raises(Waiting, match=r"crowd 5 of 5\. Run"):
        place.run(op)
    for item in desk.items["crowd"]:
        desk.say("crowd", item, {"better": "a"}, person="a1")
        desk.say("crowd", item, {}, person="a2")
        desk.given["crowd", item, "a2"] = replace(desk.given["crowd", item, "a2"], status="discarded")
    with pytest.raises(Waiting, match=r"crowd 5 of 5\. 5 of them would be done if discarding were .* enough=2 it is"):
        place.run(op)
    assert place.run(replace(op, enough=2)).height == 10
    for item in desk.items["crowd"]:
        desk.say("crowd", item, {"better": "b"}, person="a3")
    assert Counter(place.run(op).get_column("annotator")) == {"a1": 5, "a2": 5, "a3": 5}


def test_enough_answers_end_it_though_somebody_is_still_to_come(place: Place, desk: PaperDesk) -> None:
    with pytest.raises(Waiting):
        place.run(TWICE)
    desk.truthful("a1")
    assert place.run(replace(TWICE, enough=1)).height == 5


def test_gold_hides_in_the_queue_and_its_answer_is_noted(tmp_path: Path, desk: PaperDesk) -> None:
    folder = Folder.at(str(tmp_path / "in"))
    source = table(folder, "rows.parquet", "preferences", [pair(n) for n in range(20)])
    gold = table(folder, "gold.parquet", "preferences", [pair(100 + n) for n in range(4)])
    place, op = Place(tmp_path / "step", desk, source, gold), replace(TWICE, gold_share=0.2)
    with pytest.raises(Waiting):
        place.run(op)
    assert not [item for item in desk.items["a1"].values() if "gold" in item.id or "100" in item.id]
    desk.truthful("a1")
    desk.truthful("a2")
    found = place.run(op).filter(pl.col("batch") == "gold")
    assert set(found.get_column("gold")) == {"1"}
    assert set(found.get_column("record")) <= {f"p{100 + n}" for n in range(4)}
    assert found.height == 8


def test_a_repeated_row_stands_the_other_way_round(tmp_path: Path, desk: PaperDesk) -> None:
    source = table(Folder.at(str(tmp_path / "in")), "rows.parquet", "preferences", [pair(n) for n in range(60)])
    place, op = Place(tmp_path / "step", desk, source), replace(TWICE, repeat=0.1)
    with pytest.raises(Waiting):
        place.run(op)
    desk.truthful("a1")
    desk.truthful("a2")
    found = place.run(op)
    again = found.filter(pl.col("batch") == "repeat")
    assert again.height == 12
    for row in again.iter_rows(named=True):
        same = pl.col("record") == row["record"], pl.col("annotator") == row["annotator"], pl.col("batch") == "main"
        (before,) = found.filter(*same).iter_rows(named=True)
        assert row["order"] == before["order"][::-1]


@pytest.mark.parametrize(
    ("rows", "op", "says"),
    [
        ([pair(1), pair(1)], TWICE, "rows of one id"),
        ([pair(1), {**pair(1), "id": "copy"}], TWICE, "2 rows hold pairs"),
        ([pair(1)], replace(TWICE, overlap=3), "overlap=3 asks for 3 different people"),
        ([pair(1)], Collect(task=Rankings(), annotators=("a1",), overlap=1), "has 2 responses; rankings are of 3 to 8"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anybody_is(
    tmp_path: Path, desk: PaperDesk, rows: list[dict[str, Any]], op: Collect, says: str
) -> None:
    source = table(Folder.at(str(tmp_path / "in")), "rows.parquet", "preferences", rows)
    with pytest.raises(Misuse, match=says):
        Place(tmp_path / "step", desk, source).run(op)
    assert not desk.items


def test_mirrored_pairs_are_one_pair() -> None:
    one = pair(1)
    assert content(one) == content({**one, "chosen": one["rejected"], "rejected": one["chosen"]})
    assert content(one) != content(pair(2))


def test_somebody_who_joins_takes_over_the_rows_of_somebody_who_left(place: Place, desk: PaperDesk) -> None:
    with pytest.raises(Waiting):
        place.run(TWICE)
    desk.truthful("a1")
    desk.say("a2", next(iter(desk.items["a2"])), {"better": "tie"})
    op = replace(TWICE, left=("a2",), joined=("a4",))
    with pytest.raises(Waiting, match=r"a4 4 of 4"):
        place.run(op)
    desk.truthful("a4")
    assert Counter(place.run(op).get_column("annotator")) == {"a1": 5, "a2": 1, "a4": 4}


def test_when_nobody_can_take_over_enough_says_how_many_answers_will_do(place: Place, desk: PaperDesk) -> None:
    with pytest.raises(Waiting):
        place.run(TWICE)
    desk.truthful("a1")
    with pytest.raises(Misuse, match="somebody new who has joined"):
        place.run(replace(TWICE, left=("a2",)))
    assert place.run(replace(TWICE, left=("a2",), enough=1)).height == 5


def test_items_of_somebody_who_left_are_not_counted_as_awaited(place: Place, desk: PaperDesk) -> None:
    op = replace(TWICE, annotators=("a1", "a2", "a3"), left=("a3",))
    with pytest.raises(Waiting, match=r"10 of 10 items are still to be answered"):
        place.run(op)


def test_a_row_whose_repeat_alone_was_answered_by_somebody_who_left_goes_to_others(
    tmp_path: Path, desk: PaperDesk
) -> None:
    source = table(Folder.at(str(tmp_path / "in")), "rows.parquet", "preferences", [pair(n) for n in range(12)])
    place = Place(tmp_path / "step", desk, source)
    op = replace(TWICE, annotators=("a1", "a2", "a3"), repeat=0.5)
    with pytest.raises(Waiting):
        place.run(op)
    main = {item.id: item for item in desk.items["a3"].values()}
    texts: dict[str, list[Item]] = {}
    for item in main.values():
        texts.setdefault(str(item.shown["prompt"]), []).append(item)
    again = [max(items, key=lambda one: one.order) for items in texts.values() if len(items) == 2]
    for item in again:
        assert item.truth is not None
        desk.say("a3", item.id, item.truth)
    gone = replace(op, left=("a3",))
    with pytest.raises(Waiting):
        place.run(gone)
    desk.truthful("a1")
    desk.truthful("a2")
    found = place.run(gone).filter(pl.col("batch") == "main")
    assert Counter(found.get_column("record")) == {f"p{n}": 2 for n in range(12)}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"enough": 0}, "enough=0: answers that will do are from 1 to the overlap, 2"),
        ({"enough": 3}, "enough=3"),
        ({"most": 0}, "most=0: ask about 1 row or more"),
        ({"most": -1}, "most=-1"),
        ({"joined": ("a9",)}, "nobody is named in left"),
        ({"first_by": "closest"}, "first_by=closest needs first=NAME"),
        ({"annotators": (), "pool": "crowd", "overlap": 0}, "overlap=0"),
    ],
)
def test_settings_that_would_be_silently_ignored_are_refused(more: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        replace(TWICE, **more)


def test_a_pair_is_the_same_in_a_ranking_and_in_a_preference() -> None:
    ranked = {
        "prompt": pair(1)["prompt"],
        "responses": [{"id": "x", "content": "bad 1"}, {"id": "y", "content": "good 1"}],
    }
    assert content(ranked) == content(pair(1))


@pytest.mark.parametrize(
    ("who", "says"),
    [({"annotators": ("crowd",)}, "write pool=crowd"), ({"pool": "a1"}, "write annotators=a1")],
)
def test_a_pool_among_the_annotators_and_a_person_as_a_pool_are_refused(
    place: Place, who: dict[str, Any], says: str
) -> None:
    op = Collect(task=Comparisons(), overlap=1, **who)
    people = [Scripted(name="a1"), Scripted(name="a2", pool="crowd")]
    with pytest.raises(NoSuchPerson, match=says):
        op.run(Job(place.inputs, place.folder, (MemoryDesk(people),)))
