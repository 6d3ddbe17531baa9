"""The desk in memory keeps the laws of desks: nothing is there twice, nothing edited passes, answers stay the same."""

import itertools
from collections import Counter
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.desk.desk import Answer, Desk, DeskError, Field, Form, Item, NoSuchPerson, Question, Queue
from annotation.desk.memory import MemoryDesk
from annotation.desk.scripted import Scripted
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Job

FORM = Form(
    guidelines="Which is better?",
    fields=(Field(name="a", title="A"), Field(name="b", title="B")),
    questions=(Question(name="better", title="", kind="label", options=(("a", "A"), ("b", "B"), ("tie", "Tie"))),),
)
QUEUE = Queue(name="main", place="a1", form=FORM)
CROWD = Queue(name="main", place="crowd", form=FORM, overlap=2)


def items(many: int, start: int = 0) -> list[Item]:
    return [
        Item(id=f"r-{n}", shown={"a": f"one {n}", "b": f"two {n}"}, order=n, truth={"better": "b"})
        for n in range(start, start + many)
    ]


def crowd(*settings: dict[str, object]) -> MemoryDesk:
    return MemoryDesk([Scripted(name=f"a{n}", pool="crowd", **one) for n, one in enumerate(settings, 1)])


def filled(desk: MemoryDesk, queue: Queue, *batches: list[Item]) -> list[Answer]:
    for batch in batches:
        desk.put(queue, batch)
    return list(desk.answers(queue))


def test_it_is_a_desk_whose_answers_taint_what_is_made_of_them(tmp_path):
    desk = MemoryDesk([Scripted(name="a1")])
    assert isinstance(desk, Desk)
    job = Job((), Folder.at(str(tmp_path)), (desk,))
    assert job.tool(Desk) is desk
    assert job.taints == {"answers come from scripted annotators"}


def test_everything_put_is_answered_once_in_order_with_times_that_grow():
    given = filled(MemoryDesk([Scripted(name="a1")]), QUEUE, items(20)[::-1])
    assert [one.item for one in given] == [f"r-{n}" for n in range(20)]
    assert {one.values["better"] for one in given} == {"b"}
    times = [datetime.fromisoformat(one.at) for one in given]
    gaps = [(after - before).total_seconds() for before, after in itertools.pairwise(times)]
    assert all(15 <= gap <= 45 for gap in gaps)
    assert all(one.at.endswith("+00:00") and len(one.at) == len("2020-01-01T00:00:00.000000+00:00") for one in given)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 1000))
def test_putting_again_adds_only_what_is_not_there_and_changes_no_answer(first, more, seed):
    people = [Scripted(name=f"a{n}", noise=0.3, skips=0.2, pool="crowd") for n in (1, 2, 3)]
    for queue in (QUEUE, CROWD):
        desk = MemoryDesk(people, seed)
        before = filled(desk, queue, items(first))
        assert filled(desk, queue, items(first)) == before
        after = filled(desk, queue, items(first), items(more, first))
        assert {(one.item, one.person): one for one in after}.items() >= {
            (one.item, one.person): one for one in before
        }.items()
        assert len({(one.item, one.person) for one in after}) == len(after)
        assert {one.item for one in after if one.status == "submitted"} <= {f"r-{n}" for n in range(first + more)}


def test_another_desk_gives_the_same_answers_at_the_same_times():
    def once() -> list[Answer]:
        return filled(crowd({"noise": 0.2}, {"noise": 0.2}, {"pace": 3.0}), CROWD, items(50))

    assert once() == once()


def test_a_pool_answers_each_item_as_often_as_asked_and_nobody_twice():
    given = filled(crowd({}, {}, {}, {}), CROWD, items(100))
    assert Counter(one.item for one in given) == {f"r-{n}": 2 for n in range(100)}
    assert len({(one.item, one.person) for one in given}) == len(given)
    assert [one.at for one in given] == sorted(one.at for one in given)


def test_in_a_pool_the_fast_do_more():
    done = Counter(one.person for one in filled(crowd({}, {}, {"pace": 10.0}), CROWD, items(100)))
    # The two others start together and take the first item between them; no later one escapes the fast.
    assert done["a3"] == 99
    assert done["a1"] + done["a2"] == 101


def test_an_item_that_one_member_discards_is_left_to_the_others():
    given = filled(crowd({"skips": 1.0}, {}, {}), CROWD, items(30))
    submitted = Counter(one.item for one in given if one.status == "submitted")
    assert submitted == {f"r-{n}": 2 for n in range(30)}
    assert all(one.person == "a1" and one.values == {} for one in given if one.status == "discarded")


@given(st.floats(0, 1), st.floats(0, 1))
def test_who_has_done_more_has_done_everything_from_before(less, more):
    less, more = sorted((less, more))
    before, after = (filled(MemoryDesk([Scripted(name="a1", done=done)]), QUEUE, items(40)) for done in (less, more))
    assert after[: len(before)] == before


def test_somebody_who_is_half_done_has_answered_the_front_of_their_queue():
    given = filled(MemoryDesk([Scripted(name="a1", done=0.5)]), QUEUE, items(9))
    assert [one.item for one in given] == ["r-0", "r-1", "r-2", "r-3", "r-4"]


def test_queues_of_one_name_in_two_places_are_two_queues():
    desk = MemoryDesk([Scripted(name="a1"), Scripted(name="a2")])
    other = Queue(name="main", place="a2", form=FORM)
    assert {one.person for one in filled(desk, QUEUE, items(3))} == {"a1"}
    assert {one.person for one in filled(desk, other, items(3))} == {"a2"}


def test_a_person_or_pool_nobody_knows_is_named_with_those_there_are():
    desk = crowd({}, {})
    stranger = Queue(name="main", place="a9", form=FORM)
    with pytest.raises(NoSuchPerson, match=r"nobody scripted is called 'a9'; there are a1, a2, and the pools crowd"):
        desk.put(stranger, [])
    with pytest.raises(DeskError, match=r"there is no queue 'main' of 'a9'"):
        list(desk.answers(stranger))


def test_a_queue_that_was_never_put_is_gone():
    with pytest.raises(DeskError, match=r"there is no queue 'main' of 'a1'"):
        list(MemoryDesk([Scripted(name="a1")]).answers(QUEUE))


def test_another_form_under_the_same_name_is_refused():
    desk = MemoryDesk([Scripted(name="a1")])
    desk.put(QUEUE, items(2))
    changed = Form(guidelines="Which is worse?", fields=FORM.fields, questions=FORM.questions)
    with pytest.raises(DeskError, match=r"is there with another form"):
        desk.put(Queue(name="main", place="a1", form=changed), [])


def test_an_item_with_other_text_is_refused_and_nothing_of_that_call_is_added():
    desk = MemoryDesk([Scripted(name="a1")])
    desk.put(QUEUE, items(2))
    with pytest.raises(DeskError, match=r"item r-1 is there with other text"):
        desk.put(QUEUE, [*items(1, 5), Item(id="r-1", shown={"a": "edited", "b": "two 1"})])
    assert [one.item for one in desk.answers(QUEUE)] == ["r-0", "r-1"]


def test_more_answers_than_members_can_give_are_refused():
    with pytest.raises(DeskError, match=r"2 answers per item cannot come from 1 in 'crowd'"):
        crowd({}).put(CROWD, items(1))


def test_names_that_could_be_mistaken_are_refused():
    with pytest.raises(Misuse, match=r"two scripted annotators have the same name"):
        MemoryDesk([Scripted(name="a1"), Scripted(name="a1", noise=0.5)])
    with pytest.raises(Misuse, match=r"'a2' is the name of a pool and of a scripted annotator"):
        MemoryDesk([Scripted(name="a1", pool="a2"), Scripted(name="a2")])
