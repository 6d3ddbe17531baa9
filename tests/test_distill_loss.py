"""Divergences of a student from its teacher: closed forms, bounds, temperatures, gradients, which place is whose."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="distillation needs the extra train")
pytest.importorskip("trl", reason="distillation needs the extra train")
pytestmark = pytest.mark.slow

from train.distill.loop import Collator  # noqa: E402
from train.distill.loss import (  # noqa: E402
    divergence,
    learned_logits,
    negative_log_likelihood,
    topk_divergence,
    unstored,
)


def softmax(logits: Any, temperature: float = 1.0) -> Any:
    raised = np.exp(np.asarray(logits) / temperature)
    return raised / raised.sum(-1, keepdims=True)


def kl(p: Any, q: Any) -> Any:
    return (p * (np.log(p) - np.log(q))).sum(-1)


def drawn(places: int, vocabulary: int, seed: int = 0, spread: float = 2.0) -> tuple[Any, Any]:
    random = np.random.default_rng(seed)
    student, teacher = random.normal(scale=spread, size=(2, places, vocabulary))
    return torch.tensor(student), torch.tensor(teacher)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_with_the_whole_vocabulary_stored_it_is_the_forward_kl_times_the_temperature_squared(
    temperature: float,
) -> None:
    student, teacher = drawn(5, 11)
    ids = torch.stack([torch.randperm(11, generator=torch.Generator().manual_seed(n)) for n in range(5)])
    logprobs = teacher.log_softmax(-1).gather(-1, ids)
    found = topk_divergence(student, ids, logprobs, temperature).numpy()
    expected = temperature**2 * kl(softmax(teacher, temperature), softmax(student, temperature))
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_with_k_stored_it_is_the_kl_over_them_and_the_rest() -> None:
    student, teacher = drawn(6, 20)
    values, ids = teacher.log_softmax(-1).topk(4)
    p, q = (np.take_along_axis(softmax(one), ids.numpy(), -1) for one in (teacher, student))
    p, q = (np.concatenate([one, 1 - one.sum(-1, keepdims=True)], -1) for one in (p, q))
    np.testing.assert_allclose(topk_divergence(student, ids, values).numpy(), kl(p, q), rtol=1e-9)


def test_a_temperature_acts_inside_the_stored_tokens_where_it_is_exact() -> None:
    student, teacher = drawn(6, 20)
    values, ids = teacher.log_softmax(-1).topk(4)
    p, q = (np.take_along_axis(softmax(one), ids.numpy(), -1).sum(-1) for one in (teacher, student))
    hot_p, hot_q = (np.take_along_axis(softmax(one, 2.0), ids.numpy(), -1) for one in (teacher, student))
    hot_p, hot_q = (one / one.sum(-1, keepdims=True) for one in (hot_p, hot_q))
    expected = p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q)) + 4 * p * kl(hot_p, hot_q)
    np.testing.assert_allclose(topk_divergence(student, ids, values, 2.0).numpy(), expected, rtol=1e-9)


@settings(max_examples=60, deadline=None)
@given(
    vocabulary=st.integers(2, 30),
    share=st.floats(0.0, 1.0),
    seed=st.integers(0, 10_000),
    spread=st.floats(0.01, 8.0),
)
def test_it_is_never_below_zero_nor_above_the_kl_over_the_whole_vocabulary(
    vocabulary: int, share: float, seed: int, spread: float
) -> None:
    student, teacher = drawn(4, vocabulary, seed, spread)
    known = teacher.log_softmax(-1)
    k = max(1, round(share * vocabulary))
    values, ids = known.topk(k)
    less = topk_divergence(student, ids[:, : max(1, k // 2)], values[:, : max(1, k // 2)])
    some, whole = topk_divergence(student, ids, values), divergence(student, teacher)
    slack = 1e-4  # a rest below NOISE is not counted
    assert (some >= -slack).all()
    assert (less <= some + slack).all(), "more of the teacher tells more"
    assert (some <= whole + slack).all()


def test_with_the_words_that_are_drawn_the_whole_kl_has_the_same_gradient_in_expectation() -> None:
    student, teacher = drawn(4, 9)
    values, ids = teacher.log_softmax(-1).topk(3)
    mine, whole = student.clone().requires_grad_(), student.clone().requires_grad_()
    stored = topk_divergence(mine, ids, values)
    words = [unstored(mine, ids, torch.full((4,), word)) for word in range(9)]
    expected = stored + sum(p * lost for p, lost in zip(teacher.softmax(-1).T, words, strict=True))
    expected.sum().backward()
    divergence(whole, teacher).sum().backward()
    assert mine.grad is not None
    np.testing.assert_allclose(mine.grad, whole.grad, atol=1e-9)
    in_stored = torch.stack([words[int(one)][n] for n, one in enumerate(ids[:, 2])])
    assert float(in_stored.detach().abs().max()) == 0.0


def test_gradients_are_those_of_finite_differences() -> None:
    student, teacher = drawn(3, 9)
    values, ids = teacher.log_softmax(-1).topk(4)
    values = values.clone()
    values[1, 2:] = float("-inf")  # fewer are stored here
    ids = ids.clone()
    ids[1, 2:] = ids[1, 0]
    for temperature in (1.0, 2.0):
        assert torch.autograd.gradcheck(
            lambda logits, t=temperature: topk_divergence(logits, ids, values, t), (student.clone().requires_grad_(),)
        )


def test_a_student_that_says_the_same_has_lost_nothing_and_gets_no_gradient() -> None:
    _, teacher = drawn(4, 15)
    values, ids = teacher.log_softmax(-1).topk(5)
    student = (teacher + 7.0).requires_grad_()
    lost = topk_divergence(student, ids, values)
    lost.sum().backward()
    assert float(lost.detach().abs().max()) < 1e-12
    assert student.grad is not None
    assert float(student.grad.abs().max()) < 1e-12


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_one_token_of_certainty_is_the_loss_of_text(temperature: float) -> None:
    student, _ = drawn(4, 15)
    tokens = torch.tensor([3, 0, 14, 7])
    found = topk_divergence(student, tokens[:, None], torch.zeros(4, 1), temperature)
    np.testing.assert_allclose(found, negative_log_likelihood(student, tokens), rtol=1e-12)
    np.testing.assert_allclose(found, torch.nn.functional.cross_entropy(student, tokens, reduction="none"), rtol=1e-12)


def test_places_with_fewer_tokens_are_as_if_they_stood_alone() -> None:
    student, teacher = drawn(2, 12)
    values, ids = teacher.log_softmax(-1).topk(5)
    short = topk_divergence(student[:1], ids[:1, :2], values[:1, :2])
    rows = [
        {
            "input_ids": [1, 2],
            "labels": [-100, 2],
            "topk_ids": [ids[0, :2].tolist()],
            "topk_logprobs": [values[0, :2].tolist()],
        },
        {
            "input_ids": [1, 2, 3],
            "labels": [-100, -100, 3],
            "topk_ids": [ids[1].tolist()],
            "topk_logprobs": [values[1].tolist()],
        },
    ]
    batch = Collator(0)(rows)
    assert batch["topk_ids"].shape == (2, 5)
    both = topk_divergence(student, batch["topk_ids"], batch["topk_logprobs"])
    np.testing.assert_allclose(both[:1], short, rtol=1e-6)


def test_a_certain_teacher_and_a_student_that_is_sure_of_another_word_give_a_finite_loss() -> None:
    student = torch.full((1, 6), -60.0)
    student[0, 5] = 60.0
    student.requires_grad_()
    lost = topk_divergence(student, torch.tensor([[2, 1]]), torch.tensor([[0.0, -80.0]]))
    lost.sum().backward()
    assert math.isclose(float(lost.detach()), 120.0, rel_tol=1e-5)
    assert student.grad is not None
    assert bool(student.grad.isfinite().all())


def test_each_distribution_meets_the_logits_that_say_its_token_and_no_padding() -> None:
    """Two rows of unlike length: the logits before each labelled token are the teacher's own, all others are not."""
    rows, logits = [], torch.randn((2, 6, 13), generator=torch.Generator().manual_seed(0))
    for line, (length, first) in enumerate([(6, 3), (4, 2)]):
        known = logits[line].log_softmax(-1)
        values, ids = known[first - 1 : length - 1].topk(4)
        tokens = list(range(1, length + 1))
        rows.append(
            {
                "input_ids": tokens,
                "labels": [-100] * first + tokens[first:],
                "topk_ids": ids.tolist(),
                "topk_logprobs": values.tolist(),
            }
        )
    batch = Collator(0)(rows)
    assert batch["attention_mask"].tolist() == [[1] * 6, [1] * 4 + [0] * 2]
    assert batch["labels"].tolist() == [[-100, -100, -100, 4, 5, 6], [-100, -100, 3, 4, -100, -100]]
    here = learned_logits(logits, batch["labels"])
    assert float(topk_divergence(here, batch["topk_ids"], batch["topk_logprobs"]).abs().max()) < 1e-5
    for off in (-1, 1):
        there = learned_logits(logits.roll(off, dims=1), batch["labels"])
        assert float(topk_divergence(there, batch["topk_ids"], batch["topk_logprobs"]).min()) > 0.1


@pytest.mark.parametrize("beta", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_the_loss_of_trl_that_is_used_on_policy_equals_the_closed_form(beta: float, temperature: float) -> None:
    from trl.trainer.distillation_trainer import _chunked_divergence_loss

    random = torch.Generator().manual_seed(0)
    ours, theirs = torch.randn((2, 5, 8), generator=random), torch.randn((2, 5, 16), generator=random)
    heads = torch.randn((21, 8), generator=random), torch.randn((21, 16), generator=random)
    mask = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    loss, _, counted = _chunked_divergence_loss(ours, theirs, *heads, mask, beta, temperature=temperature)
    student, teacher = (hidden @ head.T for hidden, head in zip((ours, theirs), heads, strict=True))
    expected = divergence(student[mask == 1].double(), teacher[mask == 1].double(), beta, temperature)
    assert int(counted) == 8
    assert math.isclose(float(loss), float(expected.mean()), rel_tol=1e-5)


def test_the_generalised_divergence_is_the_papers() -> None:
    student, teacher = drawn(4, 9)
    p, q = softmax(teacher), softmax(student)
    mixture = 0.3 * p + 0.7 * q
    np.testing.assert_allclose(
        divergence(student, teacher, 0.3), 0.3 * kl(p, mixture) + 0.7 * kl(q, mixture), rtol=1e-9
    )
    np.testing.assert_allclose(divergence(student, teacher, 0.0), kl(p, q), rtol=1e-9)
    np.testing.assert_allclose(divergence(student, teacher, 1.0), kl(q, p), rtol=1e-9)
