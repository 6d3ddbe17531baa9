"""What outside rows become: nothing of them is lost, and what cannot be kept is refused with a reason.

What is wrong with a row of a kind is in test_schemas.py.
"""

import datetime
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_cards.adopt.fields import Unmappable
from dataset_cards.adopt.recognise import recognise
from dataset_cards.adopt.shapes import SHAPES, Shape
from dataset_cards.versions.schemas import content_id, problems, schema
from tests.adopting import EXAMPLES, answer, one, said

# Rows


def test_scores_become_ranks_and_stay() -> None:
    row = {"prompt": "q", "responses": ["a", "b", "c", "d"], "scores": [0.5, 2, 0.5, -1]}
    found = one(row, "rankings")
    assert found["ranks"] == [2, 1, 2, 4]
    assert json.loads(found["metadata"]) == {"scores": [0.5, 2, 0.5, -1]}


def test_a_prompt_that_the_answers_repeat_is_taken_off_them() -> None:
    system = {"role": "system", "content": "s"}
    row = {"prompt": "u", "chosen": [system, *said("u", "a")], "rejected": [system, *said("u", "b", "v", "c")]}
    found = one(row, "preferences")
    assert found["prompt"] == [system, *said("u")]
    assert (found["chosen"], found["rejected"]) == (answer("a"), said("u", "b", "v", "c")[1:])
    with pytest.raises(Unmappable, match="do not both begin with the prompt"):
        recognise([row]).map({**row, "prompt": "w"}, {})


def test_an_unpaired_completion_is_a_judgement_of_the_conversation_it_belongs_to() -> None:
    found = one({"prompt": "q", "completion": "a", "label": True, "annotator": "p9"}, "judgements")
    assert (found["annotator"], found["answer"]) == ("p9", "true")
    assert found["record"] == one({"prompt": "q", "completion": "a"}, "conversations")["id"]


def test_a_gsm8k_answer_is_its_last_number_and_the_way_is_kept() -> None:
    row = {"question": "q", "answer": "1+1=2\n#### 1,002", "solution": "own"}
    found = one(row, "verifiable")
    assert (found["answer"], found["verifier"]) == ("1,002", "number")
    assert json.loads(found["metadata"]) == {"adopted.solution": row["answer"], "solution": "own"}


def test_fields_without_a_place_survive_in_metadata() -> None:
    row = {
        "text": "t",
        "url": 5,
        "license": "MIT",
        "created": datetime.datetime(2024, 1, 2, 3, 4),
        "tags": ["a", {"b": None}],
        "score": float("nan"),
        "metadata": {"tags": 1, "k": datetime.date(2024, 1, 2)},
    }
    found = one(row, "documents")
    assert (found["url"], found["license"], found["created"]) == (None, "MIT", "2024-01-02T03:04:00")
    assert json.loads(found["metadata"]) == {
        "url": 5,
        "tags": ["a", {"b": None}],
        "score": "NaN",
        "metadata.tags": 1,
        "k": "2024-01-02",
    }


@pytest.mark.parametrize(
    ("given", "expected"), [("a7", "a7"), (12, "12"), (None, None), (" ", None), ("sha256:x", "sha256:x")]
)
def test_a_row_keeps_its_own_id_or_is_called_by_its_content(given: Any, expected: str | None) -> None:
    found = one({"id": given, "prompt": "q"}, "prompts")
    assert found["id"] == (expected or content_id("prompts", found))


@pytest.mark.parametrize(
    ("row", "kind", "reason"),
    [
        ({"prompt": "q", "id": 1.5}, "prompts", "mistyped-id"),
        ({"prompt": "q", "raw": b"\x00"}, "prompts", "not-json"),
        ({"prompt": "  "}, "prompts", "invalid-prompt"),
        ({"text": "a\x00b"}, "documents", "null-byte"),
        ({"text": "a", "url": "b\x00"}, "documents", "null-byte"),
        ({"messages": said("a", "b\x00")}, "conversations", "null-byte"),
        ({"prompt": "q", "responses": ["a", "\x00b"], "ranks": [1, 2]}, "rankings", "null-byte"),
        ({"messages": [{"role": "assistant", "content": "", "tool_calls": [{}]}]}, "conversations", "tool-calls"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "conversations", "content-not-text"),
        ({"messages": [{"role": "bot", "content": "hi"}]}, "conversations", "invalid-messages"),
        ({"conversations": [{"from": "function_call", "value": "f"}]}, "conversations", "unknown-speaker"),
        ({"instruction": "i", "output": "o", "history": [["a"]]}, "conversations", "mistyped-field"),
        ({"instruction": "i", "output": "o", "history": 3}, "conversations", "mistyped-field"),
        ({"instruction": "i", "output": "o", "input": {"a": 1}}, "conversations", "mistyped-field"),
        ({"instruction": "i", "output": " "}, "conversations", "invalid-messages"),
        ({"prompt": "q", "chosen": "a", "rejected": "a"}, "preferences", "same-answers"),
        ({"chosen": said("a", "b"), "rejected": said("c", "b")}, "preferences", "prompts-differ"),
        ({"chosen": said("a", "b", "c", "d"), "rejected": said("a", "b", "x", "d")}, "preferences", "prompts-differ"),
        ({"prompt": "q", "first": "a", "second": "b", "winner": None}, "preferences", "not-judged"),
        ({"prompt": "q", "first": "a", "second": "b", "winner": 1.2}, "preferences", "unknown-winner"),
        ({"prompt": "q", "responses": ["a", "b"], "ranks": [1]}, "rankings", "invalid-ranks"),
        ({"prompt": "q", "responses": ["a", {"content": "b", "x": 1}], "ranks": [1, 2]}, "rankings", "mistyped-field"),
    ],
)
def test_a_row_that_would_lose_or_break_something_is_refused(row: dict[str, Any], kind: str, reason: str) -> None:
    with pytest.raises(Unmappable) as refused:
        one(row, kind)
    assert refused.value.reason == reason


# Transcripts


@pytest.mark.parametrize(
    ("chosen", "rejected", "reason"),
    [
        ("Hi\n\nHuman: a\n\nAssistant: b", "\n\nHuman: a\n\nAssistant: c", "text-before-first-turn"),
        ("\n\nAssistant: b", "\n\nHuman: a\n\nAssistant: c", "no-human-turn"),
        ("\n\nHuman: a\n\nAssistant: b", "\n\nHuman: a\n\nAssistant: b\n\nHuman: c", "ends-with-human"),
        ("\n\nHuman: a\n\nAssistant:", "\n\nHuman: a\n\nAssistant: c", "empty-answer"),
        ("\n\nHuman: a\n\nAssistant: b", "\n\nHuman: a \n\nAssistant: c", "prompts-differ"),
        ("\n\nHuman: a\n\nAssistant: b", "\n\nHuman: a\n\nAssistant: b", "same-answers"),
        ("\n\nHuman: a\n\nAssistant: x\n\nAssistant: b", "\n\nHuman: a\n\nAssistant: x\n\nAssistant: c", "no-question"),
    ],
)
def test_a_transcript_that_cannot_be_read_says_why(chosen: str, rejected: str, reason: str) -> None:
    with pytest.raises(Unmappable) as refused:
        one({"chosen": chosen, "rejected": rejected}, "preferences")
    assert refused.value.reason == reason


def test_only_a_marker_after_an_empty_line_begins_a_turn() -> None:
    start = "\n\nHuman: He said\nHuman: hi  Assistant: no\n\nHuman:x\n\nHuman: a\n\n \n\nAssistant: "
    found = one({"chosen": start + "b\n\nc ", "rejected": start + "d"}, "preferences")
    assert found["prompt"] == [
        {"role": "user", "content": "He said\nHuman: hi  Assistant: no\n\nHuman:x"},
        {"role": "user", "content": "a\n\n "},
    ]
    assert found["chosen"] == answer("b\n\nc ")


def test_an_open_transcript_as_prompt_is_read_as_turns() -> None:
    row = {"prompt": "\n\nHuman: a\n\nAssistant: b\n\nHuman: c\n\nAssistant:", "chosen": " d", "rejected": " e"}
    assert one(row, "preferences")["prompt"] == said("a", "b", "c")


# Laws

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
spoken = text.filter(str.strip)
value = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | text,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(text, inner, max_size=2),
    max_leaves=4,
)
others = st.dictionaries(st.sampled_from(["note", "metadata", "source", "n", "origin", "from"]), value, max_size=3)


def kept(row: dict[str, Any], known: dict[str, Any]) -> None:
    """Every other field is in its column or in the metadata."""
    metadata = json.loads(row["metadata"])
    for name, item in known.items():
        if name == "metadata":
            continue
        assert row.get(name) == item or metadata[name] == item


@given(spoken, st.none() | text, spoken, others)
def test_an_alpaca_row_can_be_read_back(instruction: str, added: str | None, output: str, rest: dict[str, Any]) -> None:
    row = {"instruction": instruction, "output": output, **({} if added is None else {"input": added}), **rest}
    found = one(row, "conversations")
    metadata = json.loads(found["metadata"])
    assert metadata.get("input") == added
    tail = f"\n\n{added}" if added else ""
    question, reply = (message["content"] for message in found["messages"])
    assert question.removesuffix(tail) == instruction if tail else question == instruction
    assert reply == output
    kept(found, rest)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["human", "gpt", "user", "chatgpt", "system", "tool", "observation"]), spoken, others
        ),
        min_size=1,
    ),
    others,
)
def test_a_sharegpt_row_can_be_read_back(turns: list[tuple[str, str, dict[str, Any]]], rest: dict[str, Any]) -> None:
    turns.append(("gpt", "bye", {}))
    said_by = [{**more, "from": name, "value": content} for name, content, more in turns]
    row = {"conversations": said_by, **rest}
    found = one(row, "conversations")
    metadata = json.loads(found["metadata"])
    notes = metadata.get("conversations", {})
    names = {"user": "human", "assistant": "gpt", "system": "system", "tool": "tool"}
    back = [
        {"from": names[message["role"]], "value": message["content"], **notes.get(str(n), {})}
        for n, message in enumerate(found["messages"])
    ]
    assert back == [{name: item for name, item in turn.items() if item is not None} for turn in said_by]
    kept(found, rest)


@given(
    st.lists(st.tuples(st.sampled_from(["user", "assistant", "system", "tool"]), spoken, others), min_size=1), others
)
def test_an_openai_row_can_be_read_back(turns: list[tuple[str, str, dict[str, Any]]], rest: dict[str, Any]) -> None:
    turns.append(("assistant", "bye", {}))
    messages = [{**more, "role": role, "content": content} for role, content, more in turns]
    found = one({"messages": messages, **rest}, "conversations")
    notes = json.loads(found["metadata"]).get("messages", {})
    back = [{**message, **notes.get(str(n), {})} for n, message in enumerate(found["messages"])]
    assert back == [{name: item for name, item in message.items() if item is not None} for message in messages]
    kept(found, rest)


turn = spoken.filter(
    lambda content: not re.search(r"\n\n(Human|Assistant):|\n\Z", content) and not content.startswith("\n")
)


@given(st.lists(st.tuples(turn, turn)), turn, turn, turn)
def test_a_transcript_can_be_read_back(before: list[tuple[str, str]], question: str, good: str, bad: str) -> None:
    start = "".join(f"\n\nHuman: {asked}\n\nAssistant: {given}" for asked, given in before) + f"\n\nHuman: {question}"
    row = {"chosen": f"{start}\n\nAssistant: {good}", "rejected": f"{start}\n\nAssistant: {bad}"}
    if good == bad:
        return
    found = one(row, "preferences")
    marks = {"user": "\n\nHuman: ", "assistant": "\n\nAssistant: "}
    for side in ("chosen", "rejected"):
        assert "".join(marks[m["role"]] + m["content"] for m in found["prompt"] + found[side]) == row[side]


@given(
    st.sampled_from(SHAPES),
    st.dictionaries(st.sampled_from(sorted({n for s in SHAPES for n in (*s.needs, *s.may)})), value | st.lists(value)),
)
def test_every_row_is_mapped_to_a_sound_one_or_refused_with_a_reason(shape: Shape, row: dict[str, Any]) -> None:
    whole = {**next(example for name, kind, example in EXAMPLES if (name, kind) == (shape.name, shape.kind)), **row}
    try:
        found = shape.map(whole, {})
    except Unmappable as refused:
        reason = refused.reason
    else:
        reason = "none"
        assert problems(shape.kind, found) == []
        assert list(found) == schema(shape.kind).names
    assert re.fullmatch(r"[a-z]+(-[a-z_]+)*", reason)


@pytest.mark.parametrize(("shape", "kind", "row"), EXAMPLES)
def test_adopting_what_was_adopted_changes_nothing(shape: str, kind: str, row: dict[str, Any]) -> None:
    first = one({**row, "note": [1, {"a": 2.5}]}, kind)
    assert one(first, kind) == first
