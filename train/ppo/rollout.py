"""Answers drawn from a policy, and what it thinks of them: prompts padded on the left, masks up to the first end."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """Prompts and the answers that were drawn to them.

    Attributes:
        ids: prompts, padded on the left, and answers, padded on the right; (rows, prompt + tokens).
        mask: 1 for every token that is one, else 0; (rows, prompt + tokens), whole numbers.
        prompt: places of the longest prompt; the answers stand after them.
        end: the token that ends an answer.
    """

    ids: Tensor
    mask: Tensor
    prompt: int
    end: int

    @property
    def tokens(self) -> Tensor:
        """The answers, (rows, tokens)."""
        return self.ids[:, self.prompt :]

    @property
    def answered(self) -> Tensor:
        """1 for the tokens of an answer up to and including its first end, else 0; (rows, tokens), floats."""
        return self.mask[:, self.prompt :].float()

    @property
    def ended(self) -> Tensor:
        """Whether an answer ended before there was no more room, (rows,)."""
        return ((self.tokens == self.end) & (self.answered > 0)).any(1)

    def answers(self) -> list[list[int]]:
        """The tokens of each answer, without its end."""
        taken = (self.answered > 0) & (self.tokens != self.end)
        return [row[kept].tolist() for row, kept in zip(self.tokens, taken, strict=True)]

    def trimmed(self) -> "Rollout":
        """Without the places after the longest answer."""
        longest = self.prompt + int(self.answered.sum(1).max())
        return Rollout(ids=self.ids[:, :longest], mask=self.mask[:, :longest], prompt=self.prompt, end=self.end)

    def rows(self, chosen: Tensor) -> "Rollout":
        """Only some of the rows, padded as all are."""
        return Rollout(ids=self.ids[chosen], mask=self.mask[chosen], prompt=self.prompt, end=self.end)


def left_padded(prompts: Sequence[Sequence[int]], pad: int) -> tuple[Tensor, Tensor]:
    """Prompts of any lengths as (rows, longest) token ids that end at the same place, and the mask of what is one."""
    longest = max(len(prompt) for prompt in prompts)
    ids = torch.full((len(prompts), longest), pad, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, prompt in enumerate(prompts):
        ids[row, longest - len(prompt) :] = torch.tensor(prompt)
        mask[row, longest - len(prompt) :] = 1
    return ids, mask


def positions(mask: Tensor) -> Tensor:
    """Where each token stands in its own row, as if there were no padding before it; (rows, places)."""
    return (mask.cumsum(-1) - 1).clamp(min=0)


def up_to_end(tokens: Tensor, end: int) -> Tensor:
    """1 up to and including each row's first `end`, 0 after it; (rows, tokens), whole numbers."""
    ends = (tokens == end).long()
    return (ends.cumsum(1) - ends == 0).long()


def noise(seed: Sequence[int], rows: int, tokens: int) -> Tensor:
    """Numbers from 0 to 1 that decide what is drawn, (rows, tokens); the same for the same seed on every machine."""
    return torch.from_numpy(np.random.default_rng(list(seed)).random((rows, tokens)))


def drawn(logits: Tensor, luck: Tensor, temperature: float) -> Tensor:
    """One token for each row: the first whose cumulative probability is above the row's number.

    The same numbers give the same tokens in any order and any share of rows, and like tokens to models that are alike,
    so that two models can be compared on the same luck.

    Args:
        logits: (rows, vocabulary).
        luck: (rows,), from 0 to below 1.
    """
    cumulative = torch.softmax(logits.double() / temperature, -1).cumsum(-1)
    return torch.searchsorted(cumulative, luck[:, None] * cumulative[:, -1:], right=True)[:, 0]


@torch.no_grad()
def sample(
    model: Any, prompts: tuple[Tensor, Tensor], luck: Tensor, *, end: int, pad: int, temperature: float
) -> Rollout:
    """An answer to each prompt, drawn token by token from all that the model holds possible: no top-k, no penalties.

    Args:
        model: a causal language model of transformers, in eval mode; with gradient checkpointing in training mode it
            would keep no cache.
        prompts: ids and mask from `left_padded`, on the model's device.
        luck: (rows, tokens) from `noise`; as many tokens are drawn at most.
        end: the token that ends an answer.

    Returns:
        Answers of exactly as many places as `luck` has, padded after their end.
    """
    ids, mask = prompts
    prompt, room = ids.shape[1], luck.shape[1]
    going = torch.ones(len(ids), dtype=torch.bool, device=ids.device)
    read, cache = ids, None
    for place in range(room):
        where = positions(mask)[:, -read.shape[1] :]
        made = model(
            input_ids=read,
            attention_mask=mask,
            position_ids=where,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        cache = made.past_key_values
        token = drawn(made.logits[:, -1], luck[:, place], temperature)
        read = torch.where(going, token, pad)[:, None]
        ids, mask = torch.cat([ids, read], 1), torch.cat([mask, going[:, None].long()], 1)
        going = going & (token != end)
        if not going.any():
            break
    missing = prompt + room - ids.shape[1]
    ids = torch.nn.functional.pad(ids, (0, missing), value=pad)
    return Rollout(ids=ids, mask=torch.nn.functional.pad(mask, (0, missing)), prompt=prompt, end=end)


def answer_logits(model: Any, rollout: Rollout) -> Tensor:
    """What a model holds possible at each place of the answers, (rows, tokens, vocabulary): the logits before it."""
    kept = rollout.tokens.shape[1] + 1
    made = model(
        input_ids=rollout.ids,
        attention_mask=rollout.mask,
        position_ids=positions(rollout.mask),
        use_cache=False,
        logits_to_keep=kept,
    )
    return made.logits[:, -kept:-1]  # type: ignore[no-any-return]
