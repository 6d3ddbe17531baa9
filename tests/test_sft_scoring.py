"""Log-probabilities of answers against those of one row at a time, and libraries kept quiet and let talk again."""

import logging
import random
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.training import tiny_folder
from train.endings import answers, ended
from train.machine import Machine
from train.models import load_causal, load_tokenizer
from train.quiet import TALKERS, quiet
from train.scoring import LOGITS, ROWS, TOKENS, answer_logprobs, batches

Rows = list[tuple[list[int], list[int]]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with quiet():
        return tiny_folder(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def model(folder: Path) -> Any:
    with quiet():
        return load_causal(folder, Machine(device="cpu"))


@pytest.fixture(scope="module")
def rows() -> Rows:
    draw = random.Random(0)
    lengths = [draw.randint(1, 90) for _ in range(150)]
    return [([draw.randrange(3, 300) for _ in range(n)], [draw.randint(0, 1) for _ in range(n)]) for n in lengths]


def one_by_one(model: Any, rows: Rows) -> tuple[list[float], list[float]]:
    import torch

    sums, counts = [], []
    for ids, mask in rows:
        with torch.no_grad():
            found = model(input_ids=torch.tensor([ids])).logits[0].double().log_softmax(-1)
        learned = [n for n in range(1, len(ids)) if mask[n]]
        sums.append(sum(found[n - 1, ids[n]].item() for n in learned))
        counts.append(len(learned))
    return sums, counts


def test_sums_and_counts_are_those_of_each_row_alone(model: Any, rows: Rows) -> None:
    sums, counts = answer_logprobs(model, iter(rows))
    wanted, learned = one_by_one(model, rows)
    np.testing.assert_allclose(sums, wanted, rtol=2e-6, atol=1e-4)
    assert counts.tolist() == learned
    assert sums.dtype == counts.dtype == np.float64


def test_a_model_without_logits_to_keep_scores_the_same(model: Any, rows: Rows, monkeypatch: Any) -> None:
    narrow, _ = answer_logprobs(model, rows)
    plain = model.forward

    def forward(input_ids: Any = None, attention_mask: Any = None, use_cache: Any = None) -> Any:
        return plain(input_ids=input_ids, attention_mask=attention_mask, use_cache=use_cache)

    monkeypatch.setattr(model, "forward", forward)
    wide, _ = answer_logprobs(model, rows)
    np.testing.assert_allclose(wide, narrow, rtol=2e-6, atol=1e-4)


def test_the_same_each_time_in_the_order_of_the_rows_and_no_dropout(model: Any, rows: Rows) -> None:
    first, _ = answer_logprobs(model, rows)
    model.train()
    again, _ = answer_logprobs(model, rows)
    assert model.training
    model.eval()
    backwards, _ = answer_logprobs(model, rows[::-1])
    assert first.tolist() == again.tolist()
    np.testing.assert_allclose(backwards[::-1], first, rtol=1e-6, atol=1e-4)


def test_nothing_and_rows_without_anything_to_score(model: Any) -> None:
    assert [part.tolist() for part in answer_logprobs(model, [])] == [[], []]
    assert [part.tolist() for part in answer_logprobs(model, [([5, 6], [1, 0]), ([7], [1])])] == [[0, 0], [0, 0]]


def test_batches_hold_every_row_once_and_stay_small() -> None:
    draw = random.Random(1)
    lengths = [draw.randint(0, 3000) for _ in range(500)]
    found = list(batches(lengths, vocabulary=50_000))
    assert sorted(place for batch in found for place in batch) == list(range(500))
    for batch in found:
        longest = max(lengths[place] for place in batch)
        assert len(batch) == 1 or (
            len(batch) <= ROWS and len(batch) * longest <= TOKENS and len(batch) * longest * 50_000 <= LOGITS
        )


def test_greedy_answers_do_not_depend_on_their_neighbours(folder: Path, model: Any) -> None:
    import torch

    tokenizer = load_tokenizer(folder)
    prompts = [[10, 11], [20, 21, 22, 23, 24, 25], [30]]
    together = answers(model, tokenizer, prompts, 12)
    for prompt, answer in zip(prompts, together, strict=True):
        ids = list(prompt)
        for _ in range(12):
            with torch.no_grad():
                ids.append(int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
            if ids[-1] == tokenizer.eos_token_id:
                break
        assert answer == ids[len(prompt) :]


def test_only_prompts_with_a_short_answer_are_asked(folder: Path, model: Any) -> None:
    tokenizer = load_tokenizer(folder)
    short, long, first = ([7] * 9, [0] * 4 + [1] * 5), ([7] * 99, [0] * 4 + [1] * 95), ([7] * 5, [1] * 5)
    assert ended(model, tokenizer, [long, first]) == []
    assert len(ended(model, tokenizer, [long, short, first, short])) == 2


def test_what_was_set_is_set_again_after_quiet() -> None:
    import datasets
    from transformers.utils import logging as transformers

    def broken() -> None:
        with quiet():
            assert not transformers.is_progress_bar_enabled()
            assert not datasets.is_progress_bar_enabled()
            assert not logging.getLogger("transformers.modeling_utils").isEnabledFor(logging.WARNING)
            raise ZeroDivisionError

    levels = [logging.getLogger(name).level for name in TALKERS]
    datasets.disable_progress_bars()
    try:
        with pytest.raises(ZeroDivisionError):
            broken()
        assert transformers.is_progress_bar_enabled()
        assert not datasets.is_progress_bar_enabled()
    finally:
        datasets.enable_progress_bars()
    assert [logging.getLogger(name).level for name in TALKERS] == levels


def test_quiet_hides_no_other_warning() -> None:
    with pytest.warns(FutureWarning, match="mind this"), quiet():
        warnings.warn("mind this", FutureWarning, stacklevel=1)


def test_nothing_is_shown_while_a_model_is_loaded(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from transformers import AutoModelForSequenceClassification

    with quiet():
        AutoModelForSequenceClassification.from_pretrained(folder, num_labels=1)
    assert capfd.readouterr() == ("", "")
