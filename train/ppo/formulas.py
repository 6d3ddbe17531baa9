"""The formulas of PPO on tensors: rewards by token, advantages, clipped losses, estimates of KL, and the controller.

rows is how many answers there are, tokens how many the longest has. A mask is 1 for an answer's own tokens and 0 after
them, in floats. log is the natural logarithm, so KL and entropy are in nats.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


def token_logprobs(logits: Tensor, tokens: Tensor, temperature: float) -> Tensor:
    """log pi(token) of the tokens that were drawn.

    Args:
        logits: (rows, tokens, vocabulary).
        tokens: (rows, tokens).

    Returns:
        (rows, tokens), fp32.
    """
    scaled = logits.float() / temperature
    return scaled.gather(-1, tokens[..., None])[..., 0] - scaled.logsumexp(-1)


def entropy(logits: Tensor, temperature: float) -> Tensor:
    """-sum p log p over the vocabulary; (rows, tokens, vocabulary) -> (rows, tokens)."""
    logged = torch.log_softmax(logits.float() / temperature, -1)
    return -(logged.exp() * logged).sum(-1)


def exact_kl(logits: Tensor, reference: Tensor, temperature: float) -> Tensor:
    """KL(pi || reference) of the next token, over the vocabulary: two (rows, tokens, vocabulary) -> (rows, tokens)

    Its sum over the tokens of sampled answers estimates the KL of whole answers without bias and with less variance
    than `k1`, and is never negative (Amini, Vieira and Cotterell 2025, Better Estimation of the Kullback-Leibler
    Divergence Between Language Models, arXiv 2504.10637).
    """
    ours = torch.log_softmax(logits.float() / temperature, -1)
    theirs = torch.log_softmax(reference.float() / temperature, -1)
    return (ours.exp() * (ours - theirs)).sum(-1)


def k1(logprobs: Tensor, reference: Tensor) -> Tensor:
    """log pi - log reference of drawn tokens, of any shape: its mean is the KL; single ones may be negative."""
    return logprobs - reference


def k3(logprobs: Tensor, reference: Tensor) -> Tensor:
    """r - 1 - log r with r = reference / pi, of any shape: its mean is the KL too, and no single one is negative.

    Schulman 2020, Approximating KL Divergence (http://joschu.net/blog/kl-approx.html).
    """
    difference = reference - logprobs
    return torch.expm1(difference) - difference


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """The mean of `values` where `mask` is 1; both of one shape, the mean without any."""
    return (values * mask).sum() / mask.sum()


def whitened(values: Tensor, mask: Tensor, epsilon: float = 1e-8) -> Tensor:
    """`values` with mean 0 and variance 1 where `mask` is 1, and 0 elsewhere; (rows, tokens) each."""
    centred = (values - masked_mean(values, mask)) * mask
    return centred * torch.rsqrt(masked_mean(centred**2, mask) + epsilon)


def token_rewards(scores: Tensor, divergence: Tensor, mask: Tensor, coefficient: float) -> Tensor:
    """-coefficient * divergence at each token, and the answer's score added at its last one.

    Ziegler et al. 2019, Fine-Tuning Language Models from Human Preferences, arXiv 1909.08593, equation 2.

    Args:
        scores: (rows,).
        divergence: log pi - log reference, (rows, tokens).
        mask: (rows, tokens), with at least one 1 in each row.
    """
    rewards = -coefficient * divergence * mask
    last = mask.sum(1).long() - 1
    return rewards.scatter_add(1, last[:, None], scores[:, None].to(rewards.dtype))


def advantages(rewards: Tensor, values: Tensor, mask: Tensor, discount: float, trace: float) -> tuple[Tensor, Tensor]:
    """Generalised advantage estimates, and the returns that the value model learns: estimates plus values.

    delta_t = r_t + discount * V_{t+1} - V_t and A_t = delta_t + discount * trace * A_{t+1}, where V and A after an
    answer's last token are 0. Schulman et al. 2015, High-Dimensional Continuous Control Using Generalized Advantage
    Estimation, arXiv 1506.02438, equations 11 and 16; `trace` is their lambda.

    Args:
        rewards, values, mask: (rows, tokens); values[:, t] is of the state before token t.

    Returns:
        Two of (rows, tokens), 0 where the mask is 0.
    """
    values = values * mask
    found = torch.zeros_like(values)
    after = later = torch.zeros_like(values[:, 0])
    for place in reversed(range(values.shape[1])):
        delta = rewards[:, place] + discount * after - values[:, place]
        later = (delta + discount * trace * later) * mask[:, place]
        found[:, place] = later
        after = values[:, place]
    return found, found + values


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """What is known of answers since they were drawn, (rows, tokens) each; it stays while models learn from them."""

    tokens: Tensor
    mask: Tensor
    logprobs: Tensor
    values: Tensor
    advantages: Tensor
    returns: Tensor

    def rows(self, chosen: Tensor) -> "Drawn":
        """Only some of the answers."""
        return Drawn(**{name: value[chosen] for name, value in vars(self).items()})


@dataclass(frozen=True, kw_only=True)
class Clipping:
    """How far one batch of answers may move the models.

    Attributes:
        ratio: of new to old probability, away from 1, beyond which a token gives no more gradient.
        value: the same for a value, away from the old one.
        value_weight, entropy_weight: of these two in the whole loss.
        temperature: that answers are drawn at.
    """

    ratio: float
    value: float
    value_weight: float
    entropy_weight: float
    temperature: float


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Sums over an answer batch's tokens, each a number; `loss` is what the gradient is taken of."""

    loss: Tensor
    policy: Tensor
    value: Tensor
    entropy: Tensor
    clipped: Tensor
    ratio: Tensor


def policy_loss(ratio: Tensor, gains: Tensor, clip: float) -> Tensor:
    """-min(ratio * A, clip(ratio, 1 - clip, 1 + clip) * A) at each token; of any shape.

    Schulman et al. 2017, Proximal Policy Optimization Algorithms, arXiv 1707.06347, equation 7.
    """
    return torch.maximum(-gains * ratio, -gains * ratio.clamp(1 - clip, 1 + clip))


def value_loss(values: Tensor, old: Tensor, returns: Tensor, clip: float) -> Tensor:
    """Half the larger of two squared errors: of the value, and of the value held within `clip` of the old one."""
    held = old + (values - old).clamp(-clip, clip)
    return 0.5 * torch.maximum((values - returns) ** 2, (held - returns) ** 2)


def losses(logits: Tensor, values: Tensor, drawn: Drawn, clipping: Clipping) -> Terms:
    """The whole loss: policy + value_weight * value - entropy_weight * entropy, summed over the answers' tokens.

    Args:
        logits: (rows, tokens, vocabulary) of the policy as it is now.
        values: (rows, tokens) of the value model as it is now.
    """
    ratio = (token_logprobs(logits, drawn.tokens, clipping.temperature) - drawn.logprobs).exp()
    policy = (policy_loss(ratio, drawn.advantages, clipping.ratio) * drawn.mask).sum()
    value = (value_loss(values.float(), drawn.values, drawn.returns, clipping.value) * drawn.mask).sum()
    spread = (entropy(logits, clipping.temperature) * drawn.mask).sum()
    return Terms(
        loss=policy + clipping.value_weight * value - clipping.entropy_weight * spread,
        policy=policy,
        value=value,
        entropy=spread,
        clipped=(((ratio - 1).abs() > clipping.ratio) * drawn.mask).sum(),
        ratio=(ratio * drawn.mask).sum(),
    )


def next_coefficient(coefficient: float, divergence: float, target: float, gain: float) -> float:
    """The KL coefficient of the next step: up where answers are further than `target` from the reference, else down.

    coefficient * (1 + gain * clip(divergence / target - 1, -0.2, 0.2)); Ziegler et al. 2019, arXiv 1909.08593,
    section 2.2, where gain is 0.1.

    Args:
        divergence, target: nats per answer.
    """
    return coefficient * (1 + gain * min(0.2, max(-0.2, divergence / target - 1)))


def explained_variance(values: Tensor, returns: Tensor, mask: Tensor) -> float:
    """1 - var(returns - values) / var(returns) over tokens: 1 is a perfect value model, 0 one that knows the mean only.

    0 where all returns are the same. (rows, tokens) each.
    """
    error = returns - values
    left = masked_mean((error - masked_mean(error, mask)) ** 2, mask)
    whole = masked_mean((returns - masked_mean(returns, mask)) ** 2, mask)
    return float(1 - left / whole) if whole > 0 else 0.0
