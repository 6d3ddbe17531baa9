"""What a reward model reads of a question and an answer, and that scores belong to their texts."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training import tiny_folder
from train.chat import answer_ids
from train.machine import Machine
from train.models import load_tokenizer
from train.quiet import quiet
from train.reward.scorer import Scorer, reading, score, within


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="module")
def tokenizer(folder: Path) -> Any:
    return load_tokenizer(folder)


@pytest.fixture(scope="module")
def scorer(folder: Path) -> Scorer:
    from transformers import set_seed

    with quiet():
        set_seed(0)
        return Scorer.load(folder, Machine(device="cpu"), max_length=64)


def asked(words: int) -> list[dict[str, str]]:
    return [{"role": "user", "content": " ".join(f"w{n}" for n in range(words))}]


def answer(words: int) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": " ".join(f"a{n}" for n in range(words))}]


def test_what_fits_is_read_whole_and_ends_with_the_end_of_the_turn(tokenizer: Any) -> None:
    prompt, said = answer_ids(tokenizer, asked(3), answer(2))
    found = reading(tokenizer, asked(3), answer(2), 512)
    assert (found.ids, found.answer, found.lost) == ([*prompt, *said], len(said), 0)
    assert found.ids[-1] == tokenizer.eos_token_id


def test_a_long_question_loses_its_beginning_and_the_answer_nothing(tokenizer: Any) -> None:
    prompt, said = answer_ids(tokenizer, asked(60), answer(2))
    found = reading(tokenizer, asked(60), answer(2), 64)
    assert found.ids == [*prompt, *said][-64:]
    assert found.lost == len(prompt) + len(said) - 64


def test_a_long_answer_leaves_a_quarter_to_the_question_and_keeps_its_end_token(tokenizer: Any) -> None:
    prompt, said = answer_ids(tokenizer, asked(60), answer(60))
    found = reading(tokenizer, asked(60), answer(60), 64)
    assert found.ids == [*prompt[-16:], *said[:47], tokenizer.eos_token_id]
    assert (found.answer, found.lost) == (48, len(prompt) + len(said) - 64)


def test_a_token_that_begins_every_text_stays(folder: Path) -> None:
    tokenizer = load_tokenizer(folder)
    tokenizer.bos_token = "<|im_start|>"  # the first token of our template
    prompt, said = answer_ids(tokenizer, asked(60), answer(2))
    rest = 63 - len(said)
    assert reading(tokenizer, asked(60), answer(2), 64).ids == [prompt[0], *prompt[-rest:], *said]


@settings(max_examples=100)
@given(st.integers(0, 80), st.integers(0, 80), st.integers(16, 200), st.booleans())
def test_nothing_is_longer_than_allowed_and_the_ends_stay(
    questions: int, answers: int, most: int, begins: bool
) -> None:
    asked, answered = list(range(100, 100 + questions)), [*range(200, 200 + answers), 3]
    ids, kept = within(asked, answered, most, begins=begins and questions > 0)
    assert len(ids) == min(most, len(asked) + len(answered))
    assert ids[-1] == 3
    assert ids[-kept:-1] == answered[: kept - 1]
    if questions:
        assert ids[0] == (100 if begins else asked[-(len(ids) - kept)])
        assert len(ids) - kept >= min(questions, most // 4)
    if kept <= answers:
        assert len(ids) - kept == min(questions, most // 4)


def test_a_score_is_that_of_its_text_alone_whatever_stands_beside_it(scorer: Scorer) -> None:
    import torch

    rows = [scorer.ids(asked(n % 7), f"cat {n}") for n in range(16)]
    found = score(scorer.model, rows, batch_tokens=200)
    with torch.no_grad():
        alone = [scorer.model(input_ids=torch.tensor([row])).logits[0, 0].item() for row in rows]
    np.testing.assert_allclose(found, alone, rtol=1e-4, atol=1e-6)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, score(scorer.model, rows, batch_tokens=200))
    np.testing.assert_allclose(found, score(scorer.model, rows, batch_tokens=1), rtol=1e-4, atol=1e-6)


def test_scoring_leaves_the_mode_of_the_model_and_takes_no_rows(scorer: Scorer) -> None:
    scorer.model.train()
    assert len(score(scorer.model, [])) == 0
    assert scorer.model.training
    scorer.model.eval()


def test_a_text_that_ends_with_padding_is_no_text(scorer: Scorer) -> None:
    with pytest.raises(ValueError, match="text 1 is empty or ends with padding"):
        score(scorer.model, [[5, 6], [5, scorer.tokenizer.pad_token_id]])


def test_prompts_and_answers_go_together(scorer: Scorer) -> None:
    two = scorer([asked(2), asked(3)], ["the cat", "the dog"])
    assert two[1] == pytest.approx(scorer([asked(3)], ["the dog"])[0], rel=1e-4)
    with pytest.raises(ValueError, match="longer"):
        scorer([asked(2)], ["a", "b"])
