"""Which shape outside rows are taken for, when that is refused, and how a mapping overrides it."""

import json
from pathlib import Path
from typing import Any

import pytest

from dataset_cards.adopt.fields import Unmappable
from dataset_cards.adopt.recognise import NoShape, recognise
from dataset_cards.adopt.shapes import SHAPES
from dataset_cards.versions.schemas import problems
from tests.adopting import EXAMPLES, answer, lines, one, said, step


@pytest.mark.parametrize(("shape", "kind", "row"), EXAMPLES)
def test_every_example_in_the_manual_has_the_shape_it_stands_for(shape: str, kind: str, row: dict[str, Any]) -> None:
    found = recognise([row], kind)
    assert (found.name, found.kind) == (shape, kind)
    assert problems(kind, found.map(row, {})) == []


def test_the_manual_shows_every_shape_there_is() -> None:
    assert {(shape, kind) for shape, kind, _ in EXAMPLES} == {(shape.name, shape.kind) for shape in SHAPES}


def test_rows_that_fit_two_kinds_need_to_be_told_which() -> None:
    row = {"instruction": "i", "input": "", "output": "o", "chosen": "c", "rejected": "r"}
    with pytest.raises(NoShape, match=r"fit several shapes: alpaca \(conversations.*alpaca-chosen-rejected \(pref"):
        recognise([row])
    assert recognise([row], "preferences").name == "alpaca-chosen-rejected"
    assert recognise([row], "conversations").name == "alpaca"


def test_two_shapes_of_one_kind_are_never_chosen_between_without_a_mapping() -> None:
    row = {"messages": said("a", "b"), "prompt": "a", "completion": "c"}
    with pytest.raises(
        NoShape, match=r"fit several shapes: messages .* and prompt-completion (.|\n)*messages=messages"
    ):
        recognise([row], "conversations")
    assert recognise([row], "conversations", {"messages": "messages"}).name == "messages"


def test_the_shape_that_reads_more_fields_wins() -> None:
    assert recognise([{"prompt": "a", "completion": "b"}]).name == "prompt-completion"
    assert recognise([{"prompt": "a", "completion": "b"}], "prompts").name == "prompt"


def test_unknown_rows_are_refused_with_fields_shapes_and_what_to_do() -> None:
    with pytest.raises(NoShape) as refused:
        recognise([{"q": "a", "a": 3}, {"q": "b", "a": None}], "verifiable")
    assert str(refused.value).splitlines() == [
        "these rows as verifiable have no shape that is known here",
        "fields seen:",
        "  q: text, 2 of 2 rows",
        "  a: number, 1 of 2 rows",
        "  a: null, 1 of 2 rows",
        "shapes tried (fields they need):",
        "  prompt-answer: prompt, answer",
        "  question-answer: question, answer",
        "  gsm8k: question, answer",
        "name the fields with a mapping from target to source, such as prompt=FIELD answer=FIELD (a.b reaches inside "
        "a)",
    ]


def test_the_refusal_names_the_kind_that_would_fit() -> None:
    with pytest.raises(NoShape, match="they would fit unpaired-label, which is of kind judgements"):
        recognise([{"prompt": "a", "completion": "b", "label": False}], "conversations")


def test_answers_whose_prompt_is_not_marked_are_refused() -> None:
    with pytest.raises(NoShape, match="no shape that is known"):
        recognise([{"chosen": "The sky is blue.", "rejected": "The sky is green."}], "preferences")


def test_a_few_odd_rows_do_not_hide_the_shape() -> None:
    rows = [{"prompt": "a", "completion": "b"}] * 3 + [{"prompt": "a"}] * 2
    shape = recognise(rows, "conversations")
    with pytest.raises(Unmappable) as odd:
        shape.map(rows[-1], {})
    assert odd.value.reason == "missing-field"


# Mapping


def test_a_mapping_moves_fields_and_reaches_inside() -> None:
    row = {"id": 3, "meta": {"id": "u7", "n": [{"t": "no"}]}, "answer_a": "yes", "q.x": "why?"}
    found = one(row, "preferences", prompt="q.x", chosen="answer_a", rejected="meta.n.0.t", id="meta.id")
    assert found["prompt"] == said("why?")
    assert (found["id"], found["chosen"], found["rejected"]) == ("u7", answer("yes"), answer("no"))
    assert json.loads(found["metadata"]) == {"id": 3, "meta": row["meta"]}


def test_a_mapping_to_a_field_that_is_not_there_is_an_error_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(NoShape, match=r"mapping: prompts has no promt; targets are .*prompt"):
        step(lines(tmp_path, {"prompt": "a"}), "prompts", promt="a")
    with pytest.raises(ValueError, match="'prompt' is no row type"):
        step(lines(tmp_path, {"prompt": "a"}), "prompt")


def test_a_mapping_from_a_field_that_no_row_has_is_an_error() -> None:
    with pytest.raises(NoShape, match=r"mapping: prompt is to come from q, which no row has\nfields seen:\n  p: text"):
        recognise([{"p": "a"}], "prompts", {"prompt": "q"})


def test_the_same_mapping_written_in_another_order_is_the_same_step(tmp_path: Path) -> None:
    path = lines(tmp_path, {"a": "x", "b": "y"})
    first, second = (
        step(path, "conversations", prompt="a", completion="b"),
        step(path, "conversations", completion="b", prompt="a"),
    )
    assert (
        first.fingerprint == second.fingerprint != step(path, "conversations", prompt="b", completion="a").fingerprint
    )


@pytest.mark.parametrize(
    ("winner", "ranks"), [(1, [1, 2]), (2.0, [2, 1]), ("A", [1, 2]), ("b", [2, 1]), (1.5, [1, 1]), ("tie", [1, 1])]
)
def test_the_winner_of_a_pair_ranks_first(winner: Any, ranks: list[int]) -> None:
    row = {"prompt": "q", "first": "x", "second": "y", "winner": winner}
    assert one(row, "rankings")["ranks"] == ranks
    if ranks == [1, 1]:
        with pytest.raises(Unmappable, match="neither answer won"):
            one(row, "preferences")
    else:
        assert one(row, "preferences")["chosen"] == answer("x" if ranks == [1, 2] else "y")


def test_winners_of_zero_and_one_are_not_guessed_at() -> None:
    rows = [{"prompt": "q", "first": "x", "second": "y", "winner": n} for n in (0, 1, 1)]
    with pytest.raises(NoShape, match="0 may mean a tie or the first answer"):
        recognise(rows, "rankings")
    assert recognise([*rows, {**rows[0], "winner": 2}], "rankings").map(rows[0], {})["ranks"] == [1, 1]
