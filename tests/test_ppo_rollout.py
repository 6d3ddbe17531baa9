"""Drawing answers: which token a number draws, where an answer ends, and that padding on the left changes nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from train.ppo.formulas import token_logprobs
from train.ppo.rollout import Rollout, answer_logits, drawn, left_padded, noise, positions, sample, up_to_end

from .training import tiny_folder

END, PAD = 2, 0


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from transformers import AutoModelForCausalLM

    from train.quiet import quiet

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with quiet():
        path: Path = tiny_folder(tmp_path_factory.mktemp("model"))
        yield AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()
    torch.set_num_threads(threads)


def answered(model: Any, prompts: list[list[int]], tokens: int = 6, luck: torch.Tensor | None = None) -> Rollout:
    numbers = noise((7,), len(prompts), tokens) if luck is None else luck
    return sample(model, left_padded(prompts, PAD), numbers, end=END, pad=PAD, temperature=1.0)


def test_prompts_end_at_the_same_place() -> None:
    ids, mask = left_padded([[5, 6, 7], [8]], PAD)
    assert ids.tolist() == [[5, 6, 7], [0, 0, 8]]
    assert mask.tolist() == [[1, 1, 1], [0, 0, 1]]


def test_positions_count_from_the_first_token_that_is_one() -> None:
    assert positions(torch.tensor([[0, 0, 1, 1, 1], [1, 1, 1, 1, 0]])).tolist() == [[0, 0, 0, 1, 2], [0, 1, 2, 3, 3]]


def test_a_mask_goes_up_to_and_including_the_first_end() -> None:
    tokens = torch.tensor([[5, END, 6, END], [END, END, END, END], [5, 6, 7, 8], [5, 6, 7, END]])
    assert up_to_end(tokens, END).tolist() == [[1, 1, 0, 0], [1, 0, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1]]


def test_a_number_draws_the_token_whose_share_of_0_to_1_it_falls_into() -> None:
    logits = torch.tensor([0.5, 0.0, 0.25, 0.25]).log().expand(6, 4)
    luck = torch.tensor([0.0, 0.49, 0.51, 0.74, 0.76, 0.9999]).double()
    assert drawn(logits, luck, 1.0).tolist() == [0, 0, 2, 2, 3, 3]


def test_what_is_impossible_is_never_drawn_not_by_0_either() -> None:
    logits = torch.tensor([[-torch.inf, 0.0, 0.0, -torch.inf]]).expand(2, 4)
    assert drawn(logits, torch.tensor([0.0, 1.0 - 2**-53], dtype=torch.float64), 1.0).tolist() == [1, 2]


def test_many_numbers_draw_each_token_as_often_as_it_is_likely() -> None:
    logits = torch.tensor([1.0, 0.0, -1.0])
    found = np.bincount(drawn(logits.expand(20_000, 3), noise((1,), 20_000, 1)[:, 0], 0.5), minlength=3) / 20_000
    np.testing.assert_allclose(found, torch.softmax(logits / 0.5, -1), atol=0.01)


def test_numbers_are_the_same_for_the_same_seed_and_others_for_another() -> None:
    assert torch.equal(noise((1, 2), 3, 4), noise((1, 2), 3, 4))
    assert not torch.equal(noise((1, 2), 3, 4), noise((1, 3), 3, 4))


def test_an_answer_ends_with_its_first_end_and_what_follows_is_padding(model: Any) -> None:
    rollout = answered(model, [[5, 6, 7], [8]] * 40, tokens=40, luck=noise((3,), 80, 40))
    ends = rollout.ended
    assert ends.any()
    assert not ends.all()
    assert torch.equal(rollout.answered.long(), up_to_end(rollout.tokens, END))
    for row in range(80):
        taken = int(rollout.answered[row].sum())
        assert bool(rollout.tokens[row, taken - 1] == END) is bool(ends[row])
        assert (rollout.tokens[row, taken:] == PAD).all()
        assert END not in rollout.answers()[row]
        assert len(rollout.answers()[row]) == taken - int(ends[row])


def test_answers_are_drawn_from_what_the_model_holds_possible_given_all_before(model: Any) -> None:
    """Token by token with a cache, against one pass without: each number falls into its token's share."""
    luck = noise((5,), 2, 6)
    rollout = answered(model, [[5, 6, 7, 9], [8]], luck=luck)
    with torch.no_grad():
        cumulative = torch.softmax(answer_logits(model, rollout).double(), -1).cumsum(-1)
    for row, place in zip(*np.nonzero(rollout.answered.numpy()), strict=True):
        token, number = int(rollout.tokens[row, place]), float(luck[row, place])
        below = float(cumulative[row, place, token - 1]) if token else 0.0
        assert below - 1e-6 <= number <= float(cumulative[row, place, token]) + 1e-6


def test_log_probabilities_under_padding_are_those_without_it(model: Any) -> None:
    prompts = [[5, 6, 7, 9, 11, 4], [8], [30, 31]]
    rollout = answered(model, prompts).trimmed()
    with torch.no_grad():
        together = token_logprobs(answer_logits(model, rollout), rollout.tokens, 1.0)
        for row, prompt in enumerate(prompts):
            length = int(rollout.answered[row].sum())
            answer = rollout.tokens[row, :length]
            alone = model(torch.tensor([[*prompt, *answer.tolist()]])).logits[:, len(prompt) - 1 : -1]
            torch.testing.assert_close(
                together[row, :length], token_logprobs(alone, answer[None], 1.0)[0], rtol=1e-4, atol=1e-5
            )


def test_an_answer_does_not_depend_on_the_prompts_beside_it(model: Any) -> None:
    prompts, luck = [[5, 6, 7, 9, 11, 4], [8], [30, 31]], noise((9,), 3, 6)
    together = answered(model, prompts, luck=luck)
    for row, prompt in enumerate(prompts):
        alone = answered(model, [prompt], luck=luck[row : row + 1])
        assert alone.answers()[0] == together.answers()[row]


def test_trimming_takes_away_only_what_nobody_said(model: Any) -> None:
    rollout = Rollout(
        ids=torch.tensor([[5, 6, END, 0, 0], [7, 8, 9, END, 0]]),
        mask=torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 0]]),
        prompt=1,
        end=END,
    )
    assert rollout.trimmed().ids.shape == (2, 4)
    assert rollout.trimmed().answers() == rollout.answers() == [[6], [8, 9]]
    assert rollout.rows(torch.tensor([1])).answers() == [[8, 9]]
