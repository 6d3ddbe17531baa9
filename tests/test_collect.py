"""Asking and collecting: what waits for whom, that no answer is lost or counted twice, and who decides in the end."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from annotation.adjudicate import Adjudicate
from annotation.collect import Collect, content
from annotation.desk.desk import Answer
from annotation.judged import judged
from annotation.tasks.comparisons import Comparisons
from annotation.tasks.rankings import Rankings
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Job, Waiting
from dataset_cards.versions.schemas import problems, schema
from dataset_cards.versions.table import Part, Table, from_arrow, write_parquet
from tests.desk_paper import PaperDesk

TWICE = Collect(task=Comparisons(), annotators=("a1", "a2"), overlap=2)


def pair(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": f"p{number}",
        "prompt": [{"role": "user", "content": f"Question {number}"}],
        "chosen": [{"role": "assistant", "content": f"good {number}"}],
        "rejected": [{"role": "assistant", "content": f"bad {number}"}],
        **more,
    }


def table(folder: Folder, name: str, kind: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    filled = [dict.fromkeys(schema(kind).names) | dict(row) for row in rows]
    frame = from_arrow(pa.Table.from_pylist(filled, schema=schema(kind)))
    return Table(folder, (Part(name, write_parquet(folder, name, [frame], schema(kind))),))


class Place:
    """A step's folder with its inputs, run as often as the test likes."""

    def __init__(self, path: Path, desk: PaperDesk, *inputs: Table) -> None:
        self.folder, self.desk, self.inputs = Folder.at(str(path)), desk, inputs
        self.facts: dict[str, Any] = {}

    def run(self, op: Collect | Adjudicate) -> pl.DataFrame:
        job = Job(self.inputs, self.folder, (self.desk,))
        self.facts = op.run(job)
        return judged(self.table())

    def table(self) -> Table:
        job = Job((), self.folder)
        return Table(self.folder, tuple(Part(**part) for fact in job.facts() for part in fact["parts"]))

    def rows(self) -> list[dict[str, Any]]:
        return self.table().collect().to_dicts()


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


def judgement(record: str, annotator: str, answer: str, **notes: Any) -> dict[str, Any]:
    return {
        "id": f"{record}-{annotator}",
        "record": record,
        "annotator": annotator,
        "answer": answer,
        "metadata": json.dumps(notes),
    }


SPLIT = [
    *(judgement("p0", name, "1") for name in ("a1", "a2", "a3")),
    *(judgement("p1", name, answer) for name, answer in (("a1", "1"), ("a2", "1"), ("a3", "2"))),
    *(judgement("p2", name, answer) for name, answer in (("a1", "1"), ("a2", "2"), ("a3", "tie"))),
    judgement("p3", "a1", "", discarded=True),
    judgement("g0", "a3", "2", batch="gold", gold="1"),
    *(judgement("p4", name, "2") for name in ("a1", "a2")),
]


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
