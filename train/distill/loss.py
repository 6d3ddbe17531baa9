"""What a student loses against its teacher at each place: divergences of next-token distributions, as pure functions.

A teacher's stored distribution is its k likeliest tokens; what becomes of the rest decides what is learned. Here the
rest is one more outcome, so that a student is told how much may fall outside of the k, and nothing about where. By the
chain rule of relative entropy, with S the k tokens, m = p(S) and s = q(S),

    KL over k + 1 outcomes  =  m ln(m/s) + (1-m) ln((1-m)/(1-s))  +  m KL(p(.|S) || q(.|S))

which by the data-processing inequality is never above KL(p || q) over the whole vocabulary, and is equal to it at
k = vocabulary. What it leaves out is (1-m) KL(p(.|not S) || q(.|not S)). There, the word that was drawn is all that is
known: where it is none of the k, its negative log-likelihood among the others is added to the loss (`unstored`). Of
words drawn at temperature 1 the two have the gradient of the whole KL in expectation, with the part of the k exact.

A temperature T acts inside S alone, where the softmax of ln p / T is exactly the teacher's tempered
distribution given S; what the tempered rest would weigh, the k log-probabilities do not say. As Hinton et al. 2015
(Distilling the Knowledge in a Neural Network, arXiv 1503.02531, section 2) that part is multiplied by T^2, which keeps
the size of its gradients.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

TINY = -1e4  # in place of minus infinity, whose gradients are no numbers
NOISE = 1e-6  # a rest that is smaller comes from rounding log-probabilities to 32 bits


def learned_logits(logits: Tensor, labels: Tensor) -> Tensor:
    """The logits that say the labelled tokens, one place before each, row after row: (places, vocabulary).

    Args:
        logits: (rows, tokens, vocabulary).
        labels: (rows, tokens); -100 where nothing is learned.
    """
    return logits[:, :-1][labels[:, 1:] != -100].float()


def topk_divergence(logits: Tensor, ids: Tensor, logprobs: Tensor, temperature: float = 1.0) -> Tensor:
    """Forward KL, teacher from student, over k stored tokens and the rest: (places,), in nats where temperature is 1.

    A place with one token of log-probability 0 gives that token's negative log-likelihood, at any temperature.

    Args:
        logits: of the student, (places, vocabulary).
        ids: the teacher's likeliest tokens (places, k), each once; a place that has fewer repeats one of them.
        logprobs: natural logarithms of the teacher's own probabilities (places, k), before temperature; minus infinity
            where `ids` repeats.
    """
    import torch

    there = logprobs > float("-inf")
    mass = logprobs.double().logsumexp(-1).clamp(max=0.0)  # ln m; rounding may lift a certainty above it
    rest = -torch.expm1(mass)
    rest = torch.where(rest < NOISE, 0.0, rest)
    scale = logits.logsumexp(-1)
    inside = logits.gather(-1, ids).masked_fill(~there, TINY)
    outside = logits.scatter(-1, ids, TINY).logsumexp(-1)
    between = mass.exp() * (mass - (inside.logsumexp(-1) - scale)) + torch.special.xlogy(rest, rest)
    between = between - rest * (outside - scale)
    teacher, student = ((one / temperature).masked_fill(~there, TINY).log_softmax(-1) for one in (logprobs, inside))
    within = torch.where(there, teacher.exp() * (teacher - student), 0.0).sum(-1)
    found: Tensor = (between + mass.exp() * temperature**2 * within).to(logits.dtype)
    return found


def unstored(logits: Tensor, ids: Tensor, tokens: Tensor) -> Tensor:
    """Negative log-likelihood of the drawn words among all that are not stored, 0 for those that are: (places,).

    Args:
        logits, ids: as of `topk_divergence`.
        tokens: that were drawn, (places,).
    """
    import torch

    outside = logits.scatter(-1, ids, TINY)
    return torch.where((ids == tokens[:, None]).any(-1), 0.0, negative_log_likelihood(outside, tokens))


def divergence(student: Tensor, teacher: Tensor, beta: float = 0.0, temperature: float = 1.0) -> Tensor:
    """Generalised Jensen-Shannon divergence of whole distributions: (places,), in nats.

    Agarwal et al. 2023 (On-Policy Distillation of Language Models, arXiv 2306.13649, equation 1), with the mixture
    M = beta * teacher + (1 - beta) * student: beta * KL(teacher || M) + (1 - beta) * KL(student || M). At 0 it is read
    as the forward KL(teacher || student), at 1 as the reverse KL(student || teacher), which are the limits of the
    divergence over beta and 1 - beta.

    Args:
        student, teacher: logits (places, vocabulary).
    """
    import torch

    ours, theirs = ((one / temperature).log_softmax(-1) for one in (student, teacher))
    if beta == 0:
        return (theirs.exp() * (theirs - ours)).sum(-1)
    if beta == 1:
        return (ours.exp() * (ours - theirs)).sum(-1)
    share = torch.tensor(beta, dtype=ours.dtype, device=ours.device)
    mixture = torch.logaddexp(theirs + share.log(), ours + (1 - share).log())
    forward, reverse = (theirs.exp() * (theirs - mixture)).sum(-1), (ours.exp() * (ours - mixture)).sum(-1)
    return share * forward + (1 - share) * reverse


def negative_log_likelihood(logits: Tensor, tokens: Tensor) -> Tensor:
    """Of the token at each place, (places,), in nats."""
    return logits.logsumexp(-1) - logits.gather(-1, tokens[:, None])[:, 0]
