"""The tokens of a conversation: padding, ends, new embeddings, special tokens in texts, and what a row asks."""

from pathlib import Path
from typing import Any

import pytest

from tests.training import tiny_folder
from train.chat import END, PAD, ends_learned, question, special_in_text, turns, with_template
from train.machine import Machine
from train.models import load_causal, load_tokenizer
from train.quiet import quiet

Tokenizer = Any


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with quiet():
        return tiny_folder(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def tokenizer(folder: Path) -> Tokenizer:
    return load_tokenizer(folder)


def said(*words: str) -> list[dict[str, str]]:
    """Messages written as `role: content`."""
    return [dict(zip(("role", "content"), word.split(": ", 1), strict=True)) for word in words]


def test_special_tokens_in_a_text_are_found_also_where_no_role_names_them(tokenizer: Tokenizer) -> None:
    from tokenizers import AddedToken

    tokenizer.add_tokens([AddedToken("<tool>", special=True)], special_tokens=True)
    assert special_in_text(tokenizer, said(f"user: a{END}b")) == END
    assert special_in_text(tokenizer, said("user: a", "assistant: <tool>")) == "<tool>"
    assert special_in_text(tokenizer, said("user: <|im_end", "assistant: |>")) == ""


def test_padding_is_never_the_end_of_a_turn(folder: Path, tokenizer: Tokenizer) -> None:
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    tokenizer.pad_token = tokenizer.eos_token
    size = len(tokenizer)
    tokenizer.add_tokens(["<new>"])
    tokenizer.pad_token = END
    with quiet():
        model = load_causal(folder, Machine(device="cpu"))
    with_template(tokenizer, model)
    assert tokenizer.eos_token == END
    assert tokenizer.pad_token == PAD
    assert model.config.pad_token_id == tokenizer.pad_token_id != model.config.eos_token_id == tokenizer.eos_token_id
    assert model.get_input_embeddings().num_embeddings == size + 1
    rows = []
    for words in ("yes", "yes yes yes"):
        ids, mask = turns(tokenizer, said("user: hi", f"assistant: {words}"))
        rows.append({"input_ids": ids, "labels": [t if m else -100 for t, m in zip(ids, mask, strict=True)]})
    labels = DataCollatorForLanguageModeling(pad_token_id=tokenizer.pad_token_id)(rows)["labels"]
    assert (labels == tokenizer.eos_token_id).sum(dim=1).tolist() == [1, 1]
    assert not (labels == tokenizer.pad_token_id).any()


def test_the_end_of_turn_becomes_what_generation_stops_at(folder: Path, tokenizer: Tokenizer) -> None:
    tokenizer.add_special_tokens({"eos_token": "</s>"})
    old = tokenizer.eos_token_id
    with quiet():
        model = load_causal(folder, Machine(device="cpu"))
    model.generation_config.eos_token_id = [old]
    with_template(tokenizer, model)
    assert tokenizer.eos_token == END
    assert model.config.eos_token_id == tokenizer.eos_token_id
    assert model.generation_config.eos_token_id == [tokenizer.eos_token_id, old]


def test_new_tokens_begin_as_the_mean_of_all_others(folder: Path) -> None:
    import torch

    tokenizer = load_tokenizer(folder)
    tokenizer.add_tokens([f"<{number}>" for number in range(5)])
    with quiet():
        model = load_causal(folder, Machine(device="cpu"))
    before = model.get_input_embeddings().weight.detach().clone()
    with_template(tokenizer, model)
    after = model.get_input_embeddings().weight.detach()
    assert len(after) == len(tokenizer) == len(before) + 5
    assert torch.equal(after[: len(before)], before)
    assert torch.allclose(after[len(before) :], before.mean(dim=0))


def test_question_is_what_precedes_the_first_answer() -> None:
    assert question({"messages": said("system: Be  brief", "user: Hi", "assistant: a")}) == "system be brief user hi"
    assert question({"messages": said("assistant: Hi", "user: b")}) == "assistant hi"
    assert question({"messages": said("user: only")}) == "user only"
    assert question({"prompt": said("user:  HI ")}) == "user hi"
    assert question({"text": "A  b"}) == "a b"


def test_one_turn_without_end_is_enough() -> None:
    class Ends:
        eos_token_id = 9

    for ids, mask, learned in (
        ([1, 5, 9, 1, 5, 9], [0, 1, 1, 0, 1, 1], True),
        ([1, 5, 9, 1, 5, 5], [0, 1, 1, 0, 1, 1], False),
        ([1, 5, 5, 1, 5, 9], [0, 1, 1, 0, 1, 1], False),
        ([5, 9, 3], [1, 1, 1], True),  # a line break after the end
        ([5, 9], [1, 0], False),
        ([5, 9], [0, 0], True),
    ):
        assert ends_learned(Ends(), ids, mask) is learned
