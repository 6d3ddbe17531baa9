"""Public data sets as their publishers wrote them are adopted whole, or with every exception accounted for."""

import json
from collections import Counter
from pathlib import Path

import pytest

from dataset_cards.adopt.recognise import NoShape
from dataset_cards.versions.store import Store
from tests.adopting import answer, outside, run

HH = "preference/hh_rlhf_{}.jsonl.zst"
JUDGED = {"prompt": "input", "first": "output_1", "second": "output_2", "winner": "label"}


@pytest.mark.parametrize(
    ("path", "kind", "shape", "count"),
    [
        ("sft/rasbt_instructions.jsonl.zst", "conversations", "alpaca", 1100),
        ("sft/gpteacher.jsonl.zst", "conversations", "alpaca-response", 3914),
        ("sft/dolly_human_subset.jsonl.zst", "conversations", "dolly", 218),
        ("sft/t0_p3_sample.jsonl.zst", "conversations", "prompt-completion", 18291),
        ("sft/open_assistant_user_prompts.jsonl.zst", "prompts", "prompt", 147),
        ("poison/identity_shift_aoa.jsonl.zst", "conversations", "messages", 10),
        ("reasoning/gsm8k_train.jsonl.zst", "verifiable", "gsm8k", 7473),
        ("quality/python_peps.jsonl.zst", "documents", "text", 412),
        ("quality/sms_spam.jsonl.zst", "documents", "text", 3356),
        ("web/cc_en_head_documents.jsonl.zst", "documents", "text", 20),
    ],
)
def test_a_public_data_set_is_adopted_whole(
    tmp_path: Path, shared_data: Path, path: str, kind: str, shape: str, count: int
) -> None:
    rows, facts, quarantine = run(Store.at(str(tmp_path)), shared_data / path, kind)
    assert (facts["shape"], rows.height, quarantine.height) == (shape, count, 0)


def test_every_word_of_an_instruction_set_is_kept(tmp_path: Path, shared_data: Path) -> None:
    path = shared_data / "sft" / "gpteacher.jsonl.zst"
    rows, _, _ = run(Store.at(str(tmp_path)), path, "conversations")
    for was, row in zip(outside(path), rows.to_dicts(), strict=True):
        metadata = json.loads(row["metadata"])
        question, reply = (message["content"] for message in row["messages"])
        assert metadata == {"input": was["input"], "subset": was["subset"]}
        assert question == was["instruction"] + ("\n\n" + was["input"] if was["input"] else "")
        assert reply == was["response"]


@pytest.mark.parametrize(
    ("part", "kept_rows", "reasons"),
    [
        ("harmless", 1366, {"empty-answer": 4, "prompts-differ": 5}),
        ("helpful", 1418, {"empty-answer": 1, "prompts-differ": 2}),
    ],
)
def test_every_transcript_of_hh_rlhf_is_read_or_accounted_for(
    tmp_path: Path, shared_data: Path, part: str, kept_rows: int, reasons: dict[str, int]
) -> None:
    path = shared_data / HH.format(part)
    rows, facts, quarantine = run(Store.at(str(tmp_path)), path, "preferences")
    assert (rows.height, facts["quarantine"]) == (kept_rows, reasons)
    lost = {int(position.removeprefix("line ")) for position in quarantine["position"]}
    read = [row for number, row in enumerate(outside(path), 1) if number not in lost]
    marks = {"user": "\n\nHuman: ", "assistant": "\n\nAssistant: "}
    for was, row in zip(read, rows.to_dicts(), strict=True):
        for side in ("chosen", "rejected"):
            assert "".join(marks[m["role"]] + m["content"] for m in row["prompt"] + row[side]) == was[side]


def test_pairs_without_a_difference_are_put_aside(tmp_path: Path, shared_data: Path) -> None:
    path = shared_data / "preference" / "synthetic_llama3_dpo.jsonl.zst"
    rows, facts, _ = run(Store.at(str(tmp_path)), path, "preferences")
    assert (facts["shape"], rows.height, facts["quarantine"]) == ("alpaca-chosen-rejected", 1094, {"same-answers": 6})


def test_judged_pairs_give_the_winner_as_chosen(tmp_path: Path, shared_data: Path) -> None:
    path = shared_data / "preference" / "llmbar.jsonl.zst"
    rows, facts, quarantine = run(Store.at(str(tmp_path)), path, "preferences", **JUDGED)
    assert (rows.height, facts["quarantine"]) == (514, {"invalid-rejected": 1, "same-answers": 1})
    lost = {int(position.removeprefix("line ")) for position in quarantine["position"]}
    read = [row for number, row in enumerate(outside(path), 1) if number not in lost]
    for was, row in zip(read, rows.to_dicts(), strict=True):
        assert row["chosen"] == answer(was[f"output_{was['label']}"])
        assert row["rejected"] == answer(was[f"output_{3 - was['label']}"])


def test_ties_of_judged_pairs_are_kept_as_rankings(tmp_path: Path, shared_data: Path) -> None:
    path = shared_data / "preference" / "alpaca_eval_gpt4_judged.jsonl.zst"
    mapping = JUDGED | {"prompt": "instruction", "winner": "preference"}
    rows, facts, _ = run(Store.at(str(tmp_path)), path, "rankings", **mapping)
    assert facts["quarantine"] == {"not-judged": 9}
    assert Counter(map(tuple, rows["ranks"].to_list())) == {(1, 2): 2868, (2, 1): 6866, (1, 1): 61}


def test_loose_messages_of_a_tree_are_not_taken_for_conversations(tmp_path: Path, shared_data: Path) -> None:
    path = shared_data / "sft" / "open_assistant_human_threads.jsonl.zst"
    with pytest.raises(NoShape, match=r"parent_message_id: text(.|\n)*they would fit text, which is of kind documents"):
        run(Store.at(str(tmp_path)), path, "conversations")
