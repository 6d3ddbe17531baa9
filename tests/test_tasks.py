"""Each task alone: what is shown, that it says nothing of who wrote it, and how every answer is read."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.task import Task, order_of
from annotation.tasks.comparisons import Comparisons
from annotation.tasks.demonstrations import Demonstrations
from annotation.tasks.rankings import Rankings
from annotation.tasks.ratings import Ratings
from annotation.tasks.review import Review
from dataset_cards.versions.errors import Misuse

PROMPT = [{"role": "user", "content": "Hi"}]
PAIR: dict[str, Any] = {
    "id": "p1",
    "prompt": PROMPT,
    "chosen": [{"role": "assistant", "content": "good"}],
    "rejected": [{"role": "assistant", "content": "bad"}],
}
FOUR: dict[str, Any] = {
    "id": "r1",
    "prompt": PROMPT,
    "responses": [{"id": str(n), "content": f"text {n}", "origin": f"secret-model-{n}"} for n in range(4)],
    "ranks": [2, 1, 2, 3],
}
TALK: dict[str, Any] = {"id": "c1", "messages": [*PROMPT, {"role": "assistant", "content": "Hello"}]}
TASKS: list[tuple[Task, dict[str, Any]]] = [
    (Comparisons(), PAIR),
    (Rankings(), FOUR),
    (Ratings(), TALK),
    (Review(), TALK),
    (Demonstrations(), TALK),
]


def test_either_response_stands_first_about_equally_often() -> None:
    first = Counter(order_of(f"row {n}", 0, 2)[0] for n in range(4000))
    assert abs(first[0] - 2000) < 4 * 31.6  # four standard deviations


@given(st.text(), st.integers(0, 9), st.integers(1, 8))
def test_an_order_is_a_permutation_and_the_same_every_time(record: str, seed: int, many: int) -> None:
    assert sorted(order_of(record, seed, many)) == list(range(many))
    assert order_of(record, seed, many) == order_of(record, seed, many)


@pytest.mark.parametrize(("task", "row"), TASKS, ids=lambda one: getattr(one, "name", ""))
def test_nothing_shown_says_who_wrote_it(task: Task, row: dict[str, Any]) -> None:
    sheet = task.sheet(row, tuple(range(task.responses(row))))
    assert "secret-model" not in json.dumps([dict(sheet.shown), dict(sheet.drafts)])
    assert set(sheet.shown) <= {field.name for field in sheet.form.fields}
    assert all(field.name in sheet.shown for field in sheet.form.fields if field.required)


@pytest.mark.parametrize(("task", "row"), TASKS, ids=lambda one: getattr(one, "name", ""))
def test_drafts_stand_in_text_questions_only(task: Task, row: dict[str, Any]) -> None:
    sheet = task.sheet(row, tuple(range(task.responses(row))))
    texts = {question.name for question in sheet.form.questions if question.kind == "text"}
    assert set(sheet.drafts) <= texts


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("clicked", ["a", "b"])
def test_a_comparison_is_read_in_terms_of_the_row(order: tuple[int, ...], clicked: str) -> None:
    task = Comparisons()
    shown = task.sheet(PAIR, order).shown[clicked]
    reading = task.read(PAIR, order, {"better": clicked, "strength": 3, "reason": ""})
    assert reading.answer == ("1" if shown == "good" else "2")
    assert reading.ranks == ([1, 2] if shown == "good" else [2, 1])
    assert reading.notes == {"strength": 3}


@pytest.mark.parametrize("answer", ["tie", "both-bad"])
def test_a_tie_and_both_bad_stay_what_they_are(answer: str) -> None:
    reading = Comparisons().read(PAIR, (1, 0), {"better": answer})
    assert (reading.answer, reading.ranks) == (answer, [1, 1])


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_truth_of_a_pair_is_the_chosen_one_wherever_it_stands(order: tuple[int, ...]) -> None:
    task = Comparisons()
    truth = task.truth(PAIR, order)
    assert truth is not None
    assert task.read(PAIR, order, truth).answer == "1"


@given(st.permutations(range(4)), st.lists(st.integers(1, 4), min_size=4, max_size=4))
def test_ranks_and_ties_survive_any_order_on_the_screen(order: list[int], slots: list[int]) -> None:
    task, places = Rankings(), [f"response_{letter}" for letter in "abcd"]
    reading = task.read(FOUR, tuple(order), {"ranking": dict(zip(places, slots, strict=True))})
    assert reading.ranks is not None
    assert json.loads(reading.answer) == reading.ranks
    assert set(reading.ranks) == set(range(1, len(set(slots)) + 1)), "dense ranks from 1"
    for p in range(4):
        for q in range(4):
            assert (slots[p] < slots[q]) == (reading.ranks[order[p]] < reading.ranks[order[q]])


@given(st.permutations(range(4)))
def test_the_truth_of_a_ranking_is_its_own_ranks(order: list[int]) -> None:
    truth = Rankings().truth(FOUR, tuple(order))
    assert truth is not None
    assert Rankings().read(FOUR, tuple(order), truth).ranks == FOUR["ranks"]


def test_a_ranking_that_leaves_a_response_out_is_refused_by_name() -> None:
    with pytest.raises(Misuse, match="no rank to response_c, response_d"):
        Rankings().read(FOUR, (0, 1, 2, 3), {"ranking": {"response_a": 1, "response_b": 2}})


@pytest.mark.parametrize(
    ("pressed", "text", "answer", "mended"),
    [
        ("accept", "Hello", "accept", None),
        ("accept", "Hello!", "fix", "Hello!"),
        ("fix", "Hello!", "fix", "Hello!"),
        ("fix", "Hello", "accept", None),
        ("fix", "  ", "accept", None),
        ("reject", "Hello!", "reject", None),
    ],
)
def test_a_review_is_read_by_what_was_done_to_the_text(
    pressed: str, text: str, answer: str, mended: str | None
) -> None:
    reading = Review().read(TALK, (0,), {"verdict": pressed, "text": text})
    assert (reading.answer, reading.notes.get("text")) == (answer, mended)
    assert reading.notes.get("pressed") == (pressed if pressed != answer else None)


def test_ratings_are_read_by_scale() -> None:
    reading = Ratings().read(TALK, (0,), {"helpful": 4, "honest": 5, "harmless": 5, "reason": "short"})
    assert json.loads(reading.answer) == {"helpful": 4, "honest": 5, "harmless": 5}
    assert reading.notes == {"reason": "short"}


def test_a_demonstration_is_the_text_to_the_letter() -> None:
    text = "  <script>alert(1)</script>\n\u202ekept "
    assert Demonstrations().read(TALK, (0,), {"response": text}).answer == text


def test_what_others_said_is_told_in_letters_of_the_screen() -> None:
    assert Comparisons().retell(PAIR, (1, 0), ["1", "1", "2", "tie"]) == "B is better (2), A is better (1), tie (1)"
    assert Rankings().retell(FOUR, (1, 0, 2, 3), ["[2, 1, 2, 3]"]) == "A, B = C, D"


@pytest.mark.parametrize(
    ("task", "row", "says"),
    [
        (Comparisons(), FOUR, "has 4 responses; comparisons are of two"),
        (Comparisons(), TALK, "has no responses to compare"),
        (Rankings(), PAIR, "has 2 responses; rankings are of 3 to 8"),
    ],
)
def test_rows_that_a_task_cannot_show_are_refused_by_id(task: Task, row: dict[str, Any], says: str) -> None:
    with pytest.raises(Misuse, match=says) as caught:
        task.responses(row)
    assert repr(row["id"]) in str(caught.value)


def test_other_words_are_another_revision_of_the_form() -> None:
    forms = [Comparisons(guidelines=text).sheet(PAIR, (0, 1)).form.revision for text in ("Be kind.", "Be kind!")]
    assert forms[0] != forms[1]


@pytest.mark.parametrize(
    ("task", "answers", "majority", "unanimous"),
    [
        (Comparisons(), ["1", "1", "1"], True, True),
        (Comparisons(), ["1", "1", "2"], True, False),
        (Comparisons(), ["1", "2"], False, False),
        (Comparisons(), [], False, False),
        (Rankings(), ["[1, 2, 3]", "[1, 2, 3]"], True, True),
        (Rankings(), ["[1, 2, 3]", "[1, 2, 3]", "[1, 3, 2]"], True, False),
        (Rankings(), ["[1, 2, 3]", "[1, 3, 2]"], False, False),
        (Ratings(), ['{"helpful": 4}', '{"helpful": 5}', '{"helpful": 4}'], True, True),
        (Ratings(), ['{"helpful": 1}', '{"helpful": 5}', '{"helpful": 5}'], True, False),
        (Ratings(), ['{"helpful": 1}', '{"helpful": 5}'], False, False),
    ],
)
def test_what_leaves_a_row_in_doubt(task: Task, answers: list[str], majority: bool, unanimous: bool) -> None:
    assert task.settled(answers, "majority") == majority
    assert task.settled(answers, "unanimous") == unanimous
