"""Row types: which rows are sound, which are not and what is said about them, and that ids are stable."""

import io
import json
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_cards.versions.schemas import CONTENT, ROLES, SCHEMAS, content_id, problems, schema

USER = {"role": "user", "content": "What colour is the sky?"}
BLUE = {"role": "assistant", "content": "It is blue."}
GREEN = {"role": "assistant", "content": "It is green."}

SOUND: dict[str, dict[str, Any]] = {
    "documents": {"id": "a", "text": "", "url": None, "metadata": '{"page": 3}'},
    "conversations": {"id": "a", "messages": [USER, BLUE, USER], "origin": "human", "parents": ["x", "y"]},
    "prompts": {"id": "a", "prompt": [{"role": "system", "content": ""}, USER], "source": "people"},
    "preferences": {
        "id": "a",
        "prompt": [USER],
        "chosen": [BLUE, USER, BLUE],
        "rejected": [GREEN],
        "margin": 1,
        "votes": [{"annotator": "p1", "choice": "chosen"}, {"annotator": None, "choice": "tie"}],
    },
    "rankings": {
        "id": "a",
        "prompt": [USER],
        "responses": [{"id": "1", "content": "blue", "origin": "m"}, {"id": "2", "content": "", "origin": None}],
        "ranks": [1, 1],
    },
    "judgements": {"id": "a", "record": "r", "annotator": "p1", "answer": "", "ranks": [2, 1], "seconds": 3.5},
    "verifiable": {"id": "a", "prompt": [USER], "answer": "blue", "verifier": None},
    "teacher": {
        "id": "a",
        "prompt": [USER],
        "completion": [BLUE],
        "topk_ids": [[5, 6], [7, 8]],
        "topk_logprobs": [[-0.1, -2.5], [0.0, -9]],
        "tokenizer": "f00d",
    },
}

WRONG: list[tuple[str, dict[str, Any], list[str]]] = [
    ("documents", {"id": " "}, ["id: empty"]),
    ("documents", {"id": None, "text": None}, ["id: missing", "text: missing"]),
    (
        "documents",
        {"text": 5, "url": True},
        ["text: int 5 where text belongs", "url: true or false where text belongs"],
    ),
    ("documents", {"text": "ab\ud800"}, ["text: half a surrogate pair at character 2, which UTF-8 cannot hold"]),
    ("documents", {"metadata": "[1]"}, ["metadata: not a JSON object"]),
    ("documents", {"metadata": "{"}, ["metadata: not a JSON object"]),
    ("documents", {"messages": []}, ["messages: documents rows have no such field"]),
    ("conversations", {"messages": []}, ["messages: no messages"]),
    ("conversations", {"messages": "hi"}, ["messages: text where a list belongs"]),
    ("conversations", {"messages": [None]}, ["messages[0]: null where an object belongs"]),
    (
        "conversations",
        {"messages": [{"role": "user"}, {**BLUE, "name": "x"}]},
        ["messages[0].content: null where text belongs", "messages[1].name: no such field"],
    ),
    (
        "conversations",
        {"messages": [USER, BLUE, {"role": "bot", "content": ""}]},
        ['messages[2].role: "bot" is not one of system, user, assistant, tool'],
    ),
    (
        "conversations",
        {"messages": [USER, {"role": "assistant", "content": " \n"}]},
        ["messages[1].content: the assistant says nothing"],
    ),
    (
        "conversations",
        {"messages": [USER]},
        ["messages: no message of the assistant, so there is nothing to learn; as a question it belongs in prompts"],
    ),
    ("conversations", {"parents": ["a", 1]}, ["parents[1]: int 1 where text belongs"]),
    (
        "prompts",
        {"prompt": [USER, BLUE]},
        ["prompt[1].role: ends with the assistant; what it says belongs to the answer"],
    ),
    ("prompts", {"prompt": [{"role": "user", "content": " "}]}, ["prompt: empty"]),
    (
        "preferences",
        {"chosen": [USER, BLUE], "rejected": [USER, GREEN]},
        [
            'chosen[0].role: "user" is not assistant; what precedes the answer belongs in prompt',
            'rejected[0].role: "user" is not assistant; what precedes the answer belongs in prompt',
        ],
    ),
    ("preferences", {"chosen": [BLUE, USER]}, ['chosen[1].role: "user" is not assistant']),
    ("preferences", {"rejected": []}, ["rejected: no messages"]),
    (
        "preferences",
        {"rejected": [{"role": "assistant", "content": ""}]},
        ["rejected[0].content: the assistant says nothing"],
    ),
    ("preferences", {"chosen": [GREEN]}, ["rejected: the same as chosen, so nothing is preferred"]),
    ("preferences", {"margin": float("nan")}, ["margin: nan where a finite number belongs"]),
    ("preferences", {"margin": -0.5}, ["margin: -0.5 is negative, which says that rejected is the better one"]),
    (
        "preferences",
        {"votes": [{"annotator": "p", "choice": "A"}]},
        ['votes[0].choice: "A" is not one of chosen, rejected, tie'],
    ),
    ("rankings", {"ranks": [1, 2, 3]}, ["ranks: 3 for 2 responses"]),
    ("rankings", {"ranks": [1, True]}, ["ranks[1]: true or false where a whole number of 64 bits belongs"]),
    ("rankings", {"ranks": [1, 2**63]}, [f"ranks[1]: int {2**63} where a whole number of 64 bits belongs"]),
    (
        "rankings",
        {"responses": [{"id": "1", "content": "x"}], "ranks": [1]},
        ["responses: 1 where a ranking needs two or more"],
    ),
    (
        "rankings",
        {"responses": [{"id": "1", "content": "x"}, {"id": "1", "content": "y"}]},
        ['responses[1].id: "1" twice'],
    ),
    ("judgements", {"annotator": ""}, ["annotator: empty"]),
    ("judgements", {"seconds": -1}, ["seconds: -1 is negative"]),
    ("verifiable", {"answer": " "}, ["answer: empty"]),
    ("teacher", {"topk_ids": [[5, 6]]}, ["topk_logprobs: 2 positions, but topk_ids has 1"]),
    ("teacher", {"topk_ids": [[5, 6], [7]]}, ["topk_logprobs[1]: 2 values for 1 token ids"]),
    (
        "teacher",
        {"topk_logprobs": [[-1, 0.5], [0, 0]]},
        ["topk_logprobs[0]: 0.5 is above 0, so it is no log-probability"],
    ),
    ("teacher", {"topk_logprobs": [[1e39, 0], [0, 0]]}, ["topk_logprobs[0][0]: 1e+39 where a finite number belongs"]),
]


@pytest.mark.parametrize("kind", SCHEMAS)
def test_a_sound_row_has_no_problems(kind: str) -> None:
    assert problems(kind, SOUND[kind]) == []


@pytest.mark.parametrize(("kind", "changes", "expected"), WRONG)
def test_a_wrong_row_says_what_and_where(kind: str, changes: dict[str, Any], expected: list[str]) -> None:
    assert problems(kind, SOUND[kind] | changes) == expected


@pytest.mark.parametrize("kind", SCHEMAS)
def test_every_field_of_its_content_is_needed(kind: str) -> None:
    for name in ("id", *CONTENT[kind]):
        assert problems(kind, SOUND[kind] | {name: None}) == [f"{name}: missing"]


def test_all_problems_are_told_at_once() -> None:
    row = {"id": "a", "prompt": [USER, BLUE], "chosen": [{"role": "assistant", "content": ""}], "rejected": [USER]}
    places = [problem.split(":")[0] for problem in problems("preferences", row)]
    assert places == ["prompt[1].role", "chosen[0].content", "rejected[0].role"]


def test_an_unknown_kind_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'dialogues' is no row type; there are documents, conversations"):
        schema("dialogues")


@pytest.mark.parametrize("kind", SCHEMAS)
def test_a_sound_row_comes_back_from_parquet_as_it_was(kind: str) -> None:
    row = dict.fromkeys(schema(kind).names) | SOUND[kind]
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([row], schema=schema(kind)), file)
    assert pq.read_schema(io.BytesIO(file.getvalue())).equals(schema(kind))
    (back,) = pl.read_parquet(io.BytesIO(file.getvalue())).to_dicts()
    floats = back.pop("topk_logprobs", None), row.pop("topk_logprobs", None)
    assert back == row
    if floats[1]:
        assert [pytest.approx(values) for values in floats[0]] == floats[1]


def test_every_kind_ends_with_metadata_and_begins_with_id() -> None:
    for kind in SCHEMAS:
        assert (schema(kind).names[0], schema(kind).names[-1]) == ("id", "metadata")


def test_the_fields_are_those_that_trainers_look_for() -> None:
    assert str(schema("conversations").field("messages").type) in (
        "list<item: struct<role: string, content: string>>",
        "list<element: struct<role: string, content: string>>",
    )
    assert {"prompt", "chosen", "rejected"} < set(schema("preferences").names)
    assert {"prompt", "completion"} < set(schema("teacher").names)


text = st.text(st.characters(exclude_categories=["Cs"]))
messages = st.lists(st.fixed_dictionaries({"role": st.sampled_from([*ROLES, "bot"]), "content": text}), max_size=4)


@given(messages, messages, messages)
def test_whatever_passes_keeps_the_prompt_out_of_the_answers(prompt: Any, chosen: Any, rejected: Any) -> None:
    row = {"id": "a", "prompt": prompt, "chosen": chosen, "rejected": rejected}
    if not problems("preferences", row):
        assert prompt[-1]["role"] != "assistant"
        for answer in (chosen, rejected):
            assert answer[0]["role"] == answer[-1]["role"] == "assistant"
            assert all(message["content"].strip() for message in answer if message["role"] == "assistant")


@given(
    st.sampled_from(list(SCHEMAS)),
    st.dictionaries(
        st.sampled_from(["id", "text", "prompt", "ranks", "x"]), st.none() | text | st.integers() | messages
    ),
)
def test_no_row_makes_the_check_itself_fail(kind: str, row: dict[str, Any]) -> None:
    assert isinstance(problems(kind, SOUND[kind] | row), list)


def test_the_id_of_a_row_depends_on_its_content_alone() -> None:
    row = SOUND["preferences"]
    same = {**row, "id": "other", "margin": 9.0, "source": "x"}
    assert content_id("preferences", row) == content_id("preferences", same)
    assert content_id("preferences", row) != content_id("preferences", {**row, "chosen": [GREEN]})
    assert content_id("prompts", SOUND["prompts"]) == "sha256:9cfa40836fb4bc9e10fb05d67a7eb368"


def test_a_document_is_called_by_the_hash_of_its_text() -> None:
    assert content_id("documents", {"text": "abc"}) == "sha256:ba7816bf8f01cfea414140de5dae2223"


def test_metadata_may_hold_any_json_object() -> None:
    assert problems("documents", SOUND["documents"] | {"metadata": json.dumps({"a": [1, {"b": None}]})}) == []
