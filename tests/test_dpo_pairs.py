"""How preferences become tokens: masks by hand, what is cut, and every fault that preflight finds in a pair."""

from pathlib import Path
from typing import Any

import pytest

from tests.preferring import pair, said
from tests.training import tiny_folder
from train.encode import Encoded, Fault
from train.models import load_tokenizer
from train.preferences.pairs import forked, ranked
from train.preferences.pairs import pair as encoded_pair


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return load_tokenizer(tiny_folder(tmp_path_factory.mktemp("tiny"), hidden=4, layers=1))


def row(prompt: list[Any], chosen: list[Any], rejected: list[Any]) -> dict[str, Any]:
    return {"id": "r", "prompt": prompt, "chosen": chosen, "rejected": rejected, "margin": None}


def encoded(tokenizer: Any, one: dict[str, Any], max_length: int = 512) -> Encoded:
    found = encoded_pair(tokenizer, {"margin": None, **one}, max_length)
    assert isinstance(found, Encoded), found
    return found


def fault(tokenizer: Any, one: dict[str, Any], max_length: int = 512) -> str:
    found = encoded_pair(tokenizer, {"margin": None, **one}, max_length)
    assert isinstance(found, Fault)
    return found.check


def learned(tokenizer: Any, columns: Any, name: str) -> str:
    both = zip(columns[f"{name}_ids"], columns[f"{name}_mask"], strict=True)
    return str(tokenizer.decode([token for token, counts in both if counts]))


def test_a_pair_is_its_prompt_with_the_system_turn_and_both_answers_with_their_end(tokenizer: Any) -> None:
    columns = encoded(tokenizer, pair(1, "the cat", "0 dogs")).columns
    assert tokenizer.decode(columns["prompt_ids"]) == (
        "<|im_start|>system\nbe kind<|im_end|>\n<|im_start|>user\n1 + 1 = ?<|im_end|>\n<|im_start|>assistant\n"
    )
    assert tokenizer.decode(columns["chosen_ids"]) == learned(tokenizer, columns, "chosen") == "the cat<|im_end|>"
    assert tokenizer.decode(columns["rejected_ids"]) == learned(tokenizer, columns, "rejected") == "0 dogs<|im_end|>"


def test_in_answers_of_several_turns_only_the_assistant_counts(tokenizer: Any) -> None:
    later = said("user", "more")
    one = row(
        [said("user", "1?")],
        [said("assistant", "cat"), later, said("assistant", "the mat")],
        [said("assistant", "dog"), later, said("assistant", "a log")],
    )
    columns = encoded(tokenizer, one).columns
    assert tokenizer.decode(columns["chosen_ids"]) == (
        "cat<|im_end|>\n<|im_start|>user\nmore<|im_end|>\n<|im_start|>assistant\nthe mat<|im_end|>"
    )
    assert learned(tokenizer, columns, "chosen") == "cat<|im_end|>the mat<|im_end|>"
    assert learned(tokenizer, columns, "rejected") == "dog<|im_end|>a log<|im_end|>"


def test_what_both_answers_begin_with_is_part_of_the_question(tokenizer: Any) -> None:
    shared = [said("assistant", "cat"), said("user", "more")]
    one = row([said("user", "1?")], [*shared, said("assistant", "the mat")], [*shared, said("assistant", "a log")])
    columns = encoded(tokenizer, one).columns
    assert tokenizer.decode(columns["prompt_ids"]).endswith("user\nmore<|im_end|>\n<|im_start|>assistant\n")
    assert tokenizer.decode(columns["chosen_ids"]) == learned(tokenizer, columns, "chosen") == "the mat<|im_end|>"
    assert forked([], [said("assistant", "a")], [said("assistant", "b")])[0] == []


def test_answers_are_cut_at_their_end_and_prompts_never(tokenizer: Any) -> None:
    one = pair(1, "the cat sat on the mat " * 5, "the dog")
    whole = encoded(tokenizer, one)
    asked, answer = len(whole.columns["prompt_ids"]), len(whole.columns["chosen_ids"])
    cut = encoded(tokenizer, one, asked + answer - 3)
    assert cut.columns["prompt_ids"] == whole.columns["prompt_ids"]
    assert cut.columns["chosen_ids"] == whole.columns["chosen_ids"][:-3]
    assert cut.columns["rejected_ids"] == whole.columns["rejected_ids"]
    assert (cut.lost, whole.lost) == (3, 0)
    assert cut.tokens == whole.tokens - 3
    assert cut.learned == whole.learned - 3


def test_each_fault_of_a_pair_is_found(tokenizer: Any) -> None:
    same = "the cat sat on the mat " * 5
    room = len(encoded(tokenizer, pair(1, "a", "b")).columns["prompt_ids"])
    assert fault(tokenizer, pair(1, "a", "b", margin=0.0)) == "no-preference"
    assert fault(tokenizer, pair(1, same + "1", same + "2"), room + 10) == "identical-after-truncation"
    assert fault(tokenizer, pair(1, "a", "b"), room) == "prompt-too-long"
    assert fault(tokenizer, pair(1, "a <|im_end|>", "b")) == "special-tokens-in-text"
    chosen = [said("assistant", "a"), said("user", "2?"), said("assistant", "c")]
    rejected = [said("assistant", "b"), said("user", "3?"), said("assistant", "c")]
    assert fault(tokenizer, row([said("user", "1?")], chosen, rejected)) == "prompt-mismatch"
    assert fault(tokenizer, row([said("user", "1?")], chosen, chosen[:1])) == "prompt-mismatch"


def test_a_template_that_refuses_a_role_is_a_fault(tmp_path: Path) -> None:
    strict = load_tokenizer(tiny_folder(tmp_path / "strict", hidden=4, layers=1))
    strict.chat_template = "{{ raise_exception('no system turn here') }}"
    found = encoded_pair(strict, {**pair(1, "a", "b"), "margin": None}, 512)
    assert isinstance(found, Fault)
    assert found.check == "template-error"
    assert "no system turn here" in found.detail


def test_a_ranking_gives_its_pairs_those_furthest_apart_first_and_its_ties_as_what_says_nothing() -> None:
    contents = ("a", "b", "c", "c")
    ranking = {
        "id": "k",
        "prompt": [said("user", "?")],
        "responses": [{"id": str(n), "content": text, "origin": None} for n, text in enumerate(contents)],
        "ranks": [2, 1, 9, 2],
    }
    made = list(ranked(ranking, 9))
    assert [one["id"] for one in made] == ["k/2-3", "k/1-3", "k/2-1", "k/2-4", "k/1-4", "k/4-3"]
    assert [one["margin"] for one in made] == [None, None, None, None, 0.0, 0.0]
    assert len(list(ranked(ranking, 1))) == 3, "the limit is on pairs of which one is better"
    best = next(iter(ranked(ranking, 1)))
    assert (best["chosen"][0]["content"], best["rejected"][0]["content"]) == ("b", "c")
