"""PPO's formulas against their closed forms: by hand, by enumeration, in numpy, and by finite differences."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from train.ppo.formulas import (
    Clipping,
    Drawn,
    advantages,
    entropy,
    exact_kl,
    explained_variance,
    k1,
    k3,
    losses,
    masked_mean,
    next_coefficient,
    policy_loss,
    token_logprobs,
    token_rewards,
    value_loss,
    whitened,
)

MASK = torch.tensor([[1.0, 1.0, 1.0, 0.0], [1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]])


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape)).double()


def gae_by_hand(rewards: np.ndarray, values: np.ndarray, length: int, discount: float, trace: float) -> list[float]:
    """Schulman et al. 2015, equation 16 as it is written: a discounted sum of the deltas ahead."""
    after = [*values[1:length], 0.0]
    deltas = [rewards[t] + discount * after[t] - values[t] for t in range(length)]
    return [sum((discount * trace) ** (s - t) * deltas[s] for s in range(t, length)) for t in range(length)]


@pytest.mark.parametrize(("discount", "trace"), [(1.0, 0.95), (0.9, 0.5), (1.0, 0.0), (1.0, 1.0), (0.9, 1.0)])
def test_advantages_are_the_discounted_sum_of_the_deltas_ahead(discount: float, trace: float) -> None:
    rewards, values = numbers(3, 4), numbers(3, 4, seed=1)  # what stands after an answer's end must not count
    found, returns = advantages(rewards, values, MASK, discount, trace)
    for row, length in enumerate((3, 1, 4)):
        wanted = gae_by_hand(rewards[row].numpy(), values[row].numpy(), length, discount, trace)
        np.testing.assert_allclose(found[row, :length], wanted, rtol=1e-12)
        assert not found[row, length:].any()
    torch.testing.assert_close(returns, found + values * MASK)


def test_with_lambda_0_an_advantage_is_one_step_of_temporal_difference() -> None:
    rewards, values = numbers(1, 4), numbers(1, 4, seed=1)
    found, _ = advantages(rewards, values, torch.ones(1, 4), 0.9, 0.0)
    after = torch.cat([values[:, 1:], torch.zeros(1, 1)], 1)
    torch.testing.assert_close(found, rewards + 0.9 * after - values)


def test_with_lambda_1_a_return_is_the_discounted_reward_to_go_whatever_the_values() -> None:
    rewards = numbers(1, 4)
    _, returns = advantages(rewards, numbers(1, 4, seed=1), torch.ones(1, 4), 0.9, 1.0)
    wanted = [sum(0.9 ** (s - t) * float(rewards[0, s]) for s in range(t, 4)) for t in range(4)]
    np.testing.assert_allclose(returns[0], wanted)


def test_the_score_stands_at_the_last_token_and_the_penalty_at_each() -> None:
    divergence = torch.full((3, 4), 0.5)
    found = token_rewards(torch.tensor([10.0, 20.0, 30.0]), divergence, MASK, 0.1)
    wanted = [[-0.05, -0.05, 9.95, 0.0], [19.95, 0.0, 0.0, 0.0], [-0.05, -0.05, -0.05, 29.95]]
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


@pytest.mark.parametrize("gain", [2.0, -2.0])
@pytest.mark.parametrize("ratio", [0.5, 0.8, 0.9, 1.0, 1.1, 1.2, 1.5])
def test_the_clipped_loss_is_schulmans(ratio: float, gain: float) -> None:
    found = policy_loss(torch.tensor([ratio]), torch.tensor([gain]), 0.2)
    assert float(found) == pytest.approx(-min(ratio * gain, float(np.clip(ratio, 0.8, 1.2)) * gain))


@pytest.mark.parametrize(
    ("ratio", "gain", "pulls"), [(1.5, 2.0, False), (1.5, -2.0, True), (0.5, 2.0, True), (0.5, -2.0, False)]
)
def test_only_what_moved_too_far_the_wanted_way_gives_no_gradient(ratio: float, gain: float, pulls: bool) -> None:
    moved = torch.tensor(ratio, requires_grad=True)
    policy_loss(moved, torch.tensor(gain), 0.2).backward()
    assert moved.grad is not None
    assert bool(moved.grad != 0) is pulls


@pytest.mark.parametrize(
    ("value", "wanted"),
    [(1.1, 0.5 * 1.9**2), (2.0, 0.5 * 1.8**2), (0.0, 0.5 * 3.0**2), (4.0, 0.5 * 1.8**2), (6.0, 0.5 * 3.0**2)],
)
def test_the_value_loss_is_the_larger_of_free_and_held(value: float, wanted: float) -> None:
    old, target = torch.tensor([1.0]), torch.tensor([3.0])  # held within 0.2 of the old one
    assert float(value_loss(torch.tensor([value]), old, target, 0.2)) == pytest.approx(wanted)


def test_both_estimates_have_the_exact_kl_as_their_mean_and_k3_is_never_negative() -> None:
    """All outcomes of one draw, each weighed with its probability: no sampling, so no tolerance for it."""
    logits, reference = numbers(1, 1, 5), numbers(1, 1, 5, seed=1)
    tokens = torch.arange(5)[None, :]
    ours = token_logprobs(logits.expand(1, 5, 5), tokens, 1.0)
    theirs = token_logprobs(reference.expand(1, 5, 5), tokens, 1.0)
    p, q = (torch.softmax(one[0, 0], -1) for one in (logits, reference))
    exact = float((p * (p / q).log()).sum())
    assert float((p * k1(ours, theirs)[0]).sum()) == pytest.approx(exact, rel=1e-5)
    assert float((p * k3(ours, theirs)[0]).sum()) == pytest.approx(exact, rel=1e-5)
    assert float(exact_kl(logits, reference, 1.0)) == pytest.approx(exact, rel=1e-5)
    assert (k3(ours, theirs) >= 0).all()
    assert (k1(ours, theirs) < 0).any()


@given(st.floats(-20, 20), st.floats(-20, 20))
def test_k3_is_never_negative(ours: float, theirs: float) -> None:
    assert float(k3(torch.tensor(ours).double(), torch.tensor(theirs).double())) >= 0


def test_estimates_of_a_model_against_itself_are_0() -> None:
    logits = numbers(2, 3, 5).float()
    logprobs = token_logprobs(logits, torch.zeros(2, 3, dtype=torch.long), 1.0)
    assert not k1(logprobs, logprobs).any()
    assert not k3(logprobs, logprobs).any()
    assert not exact_kl(logits, logits, 1.0).any()


def test_logprobs_and_entropy_are_those_of_the_distribution_that_is_drawn_from() -> None:
    logits, tokens = numbers(2, 3, 5), torch.tensor([[0, 1, 2], [3, 4, 0]])
    p = torch.softmax(logits / 0.7, -1)
    wanted = p.log().gather(-1, tokens[..., None])[..., 0]
    torch.testing.assert_close(token_logprobs(logits, tokens, 0.7), wanted.float(), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(entropy(logits, 0.7), -(p * p.log()).sum(-1).float(), rtol=1e-5, atol=1e-6)
    assert float(entropy(torch.zeros(1, 1, 8), 1.0)) == pytest.approx(np.log(8))


def test_whitened_values_have_mean_0_and_variance_1_over_the_mask_and_nothing_else_counts() -> None:
    values = numbers(3, 4)
    found = whitened(values, MASK)
    inside = found[MASK > 0]
    assert float(inside.mean()) == pytest.approx(0, abs=1e-12)
    assert float(inside.var(unbiased=False)) == pytest.approx(1)
    assert not found[MASK == 0].any()
    torch.testing.assert_close(whitened(torch.where(MASK > 0, values, 1e6), MASK), found)
    assert not whitened(torch.full((3, 4), 7.0), MASK).any()


def test_a_masked_mean_counts_only_what_the_mask_keeps() -> None:
    assert float(masked_mean(torch.tensor([1.0, 2.0, 90.0]), torch.tensor([1.0, 1.0, 0.0]))) == 1.5


def test_the_coefficient_follows_ziegler_and_never_moves_by_more_than_2_percent() -> None:
    assert next_coefficient(0.5, 6.0, 6.0, 0.1) == 0.5
    assert next_coefficient(0.5, 6.6, 6.0, 0.1) == pytest.approx(0.5 * 1.01)
    assert next_coefficient(0.5, 5.4, 6.0, 0.1) == pytest.approx(0.5 * 0.99)
    assert next_coefficient(0.5, 600.0, 6.0, 0.1) == pytest.approx(0.5 * 1.02)
    assert next_coefficient(0.5, -5.0, 6.0, 0.1) == pytest.approx(0.5 * 0.98)


def test_the_coefficient_brings_a_kl_that_it_sets_to_the_target() -> None:
    """Where KL is 1 / coefficient, as for a policy that is best for its reward and penalty."""
    coefficient = 1.0
    for _ in range(400):
        coefficient = next_coefficient(coefficient, 1 / coefficient, 5.0, 0.1)
    assert 1 / coefficient == pytest.approx(5.0, rel=0.01)


def test_explained_variance_is_1_for_the_returns_and_0_for_their_mean() -> None:
    returns = numbers(3, 4)
    mean = torch.full((3, 4), float(masked_mean(returns, MASK))).double()
    assert explained_variance(torch.where(MASK > 0, returns, 5.0), returns, MASK) == pytest.approx(1)
    assert explained_variance(mean, returns, MASK) == pytest.approx(0)
    assert explained_variance(-returns, returns, MASK) < 0
    assert explained_variance(returns, torch.ones(3, 4), MASK) == 0


def toy() -> tuple[torch.Tensor, torch.Tensor, Drawn, Clipping]:
    """Logits and values that have moved since the answers were drawn, some beyond the clips on either side."""
    logits, values = numbers(3, 4, 6) * 0.5, numbers(3, 4, seed=1)
    tokens = torch.from_numpy(np.random.default_rng(2).integers(0, 6, (3, 4)))
    drawn = Drawn(
        tokens=tokens,
        mask=MASK.double(),
        logprobs=token_logprobs(logits + 0.6 * numbers(3, 4, 6, seed=3), tokens, 0.8).double(),
        values=values + 0.5 * numbers(3, 4, seed=4),
        advantages=numbers(3, 4, seed=5),
        returns=numbers(3, 4, seed=6),
    )
    clipping = Clipping(ratio=0.2, value=0.2, value_weight=0.5, entropy_weight=0.05, temperature=0.8)
    return logits, values, drawn, clipping


def loss_in_numpy(logits: np.ndarray, values: np.ndarray, drawn: Drawn, clipping: Clipping) -> float:
    """The whole loss in numpy and fp64, token by token."""
    total = 0.0
    for row, place in zip(*np.nonzero(drawn.mask.numpy()), strict=True):
        scaled = logits[row, place] / clipping.temperature
        logged = scaled - np.log(np.exp(scaled).sum())
        ratio = np.exp(logged[drawn.tokens[row, place]] - float(drawn.logprobs[row, place]))
        gain, old = float(drawn.advantages[row, place]), float(drawn.values[row, place])
        held = old + np.clip(values[row, place] - old, -clipping.value, clipping.value)
        target = float(drawn.returns[row, place])
        total -= min(ratio * gain, np.clip(ratio, 1 - clipping.ratio, 1 + clipping.ratio) * gain)
        total += clipping.value_weight * 0.5 * max((values[row, place] - target) ** 2, (held - target) ** 2)
        total += clipping.entropy_weight * (np.exp(logged) * logged).sum()
    return float(total)


def test_the_whole_loss_is_the_sum_of_its_formulas() -> None:
    logits, values, drawn, clipping = toy()
    found = losses(logits, values, drawn, clipping)
    assert 0 < float(found.clipped) < float(drawn.mask.sum())
    assert float(found.loss) == pytest.approx(loss_in_numpy(logits.numpy(), values.numpy(), drawn, clipping), rel=1e-5)


def test_the_gradient_of_the_whole_loss_is_that_of_finite_differences() -> None:
    logits, values, drawn, clipping = toy()
    leaves = logits.clone().requires_grad_(), values.clone().requires_grad_()
    losses(*leaves, drawn, clipping).loss.backward()
    width = 1e-6
    for which, leaf in enumerate(leaves):
        wanted = np.zeros(leaf.shape)
        for place in np.ndindex(*leaf.shape):
            sides = []
            for sign in (1, -1):
                moved = [logits.numpy().copy(), values.numpy().copy()]
                moved[which][place] += sign * width
                sides.append(loss_in_numpy(*moved, drawn, clipping))
            wanted[place] = (sides[0] - sides[1]) / (2 * width)
        assert leaf.grad is not None
        np.testing.assert_allclose(leaf.grad, wanted, rtol=1e-3, atol=1e-5)


def test_rows_of_what_was_drawn_stay_together() -> None:
    _, _, drawn, _ = toy()
    some = drawn.rows(torch.tensor([2, 0]))
    assert torch.equal(some.tokens[0], drawn.tokens[2])
    assert torch.equal(some.returns[1], drawn.returns[0])
