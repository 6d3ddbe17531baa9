"""Drawing tokens from a transformers model: a batch of prompts, each row with its own sampling, seed and end."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@dataclass(kw_only=True)
class Row:
    """One prompt on its way. `tokens` and `logprobs` grow; `finish` is empty until it is over.

    Each entry of `logprobs` is (natural log-probability of the drawn token, ids of the likeliest, theirs), of the
    model itself: before temperature and top-p. A row that stopped by itself has one for `end`, the token it stopped
    with, behind those of `tokens`.
    """

    prompt: list[int]
    temperature: float
    top_p: float
    most: int  # tokens to draw
    seed: int
    stop: tuple[str, ...] = ()
    choices: int = 0
    tokens: list[int] = field(default_factory=list)
    logprobs: list[tuple[float, list[int], list[float]]] = field(default_factory=list)
    finish: str = ""
    end: int | None = None


def decode(model: Any, tokenizer: Any, rows: Sequence[Row], ends: frozenset[int], pad: int) -> None:
    """Draw until every row has ended. The same row gives the same draws in any batch, up to rounding of the model.

    Rows that have ended leave the batch once they are half of it.
    """
    import torch

    draws = {id(row): random.Random(row.seed) for row in rows}
    alive = list(rows)
    with torch.inference_mode():
        width = max(len(row.prompt) for row in alive)
        ids = [[pad] * (width - len(row.prompt)) + row.prompt for row in alive]
        step = torch.tensor(ids, device=model.device)
        mask = torch.tensor(
            [[0] * (width - len(row.prompt)) + [1] * len(row.prompt) for row in alive], device=model.device
        )
        place = (mask.cumsum(-1) - 1).clamp(min=0)
        cache: Any = None
        while True:
            out = model(
                input_ids=step,
                attention_mask=mask,
                position_ids=place,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
            cache = out.past_key_values
            logits = out.logits[:, -1, :].float().cpu()
            drawn = _draw(logits, alive, draws)
            for n, row in enumerate(alive):
                if not row.finish:
                    _take(row, int(drawn[n]), logits[n], ends, tokenizer)
            if all(row.finish for row in alive):
                return
            step = drawn.to(model.device)[:, None]
            mask = torch.cat([mask, mask.new_ones((len(alive), 1))], dim=1)
            place = place[:, -1:] + 1
            keep = [n for n, row in enumerate(alive) if not row.finish]
            if 2 * len(keep) <= len(alive):
                chosen = torch.tensor(keep, device=model.device)
                cache.batch_select_indices(chosen)
                step, mask, place = step[chosen], mask[chosen], place[chosen]
                alive = [alive[n] for n in keep]


def _draw(logits: torch.Tensor, rows: Sequence[Row], draws: dict[int, random.Random]) -> torch.Tensor:
    """One token per row: the likeliest at temperature 0, else by nucleus sampling (Holtzman et al. 2020)."""
    import torch

    best = logits.argmax(-1)
    hot = [n for n, row in enumerate(rows) if row.temperature > 0 and not row.finish]
    if not hot:
        return best
    heat = torch.tensor([rows[n].temperature for n in hot], dtype=torch.float64)
    top = torch.tensor([rows[n].top_p for n in hot], dtype=torch.float64)
    shares, order = torch.softmax(logits[hot].double() / heat[:, None], dim=-1).sort(
        dim=-1, descending=True, stable=True
    )
    before = shares.cumsum(-1) - shares
    shares = torch.where(before < top[:, None], shares, torch.zeros_like(shares))
    shares[:, 0] = torch.clamp(shares[:, 0], min=1e-300)
    sums = shares.cumsum(-1)
    at = torch.tensor([draws[id(rows[n])].random() for n in hot], dtype=torch.float64)[:, None] * sums[:, -1:]
    place = (sums <= at).sum(-1, keepdim=True).clamp(max=sums.shape[-1] - 1)
    best[torch.tensor(hot)] = order.gather(-1, place)[:, 0]
    return best


def _take(row: Row, token: int, logits: torch.Tensor, ends: frozenset[int], tokenizer: Any) -> None:
    """Add a drawn token to a row, and see whether that ends it."""
    if row.choices:
        known = logits.double().log_softmax(-1)
        top = known.topk(row.choices)
        row.logprobs.append((float(known[token]), top.indices.tolist(), top.values.tolist()))
    if token in ends:
        row.finish, row.end = "stop", token
        return
    row.tokens.append(token)
    # Only the last tokens can have brought a stop text, and a token may hold less than a character.
    if row.stop:
        tail = tokenizer.decode(row.tokens[-(max(len(stop) for stop in row.stop) + 8) :])
        if any(stop in tail for stop in row.stop):
            row.finish = "stop"
            return
    if len(row.tokens) >= row.most:
        row.finish = "length"
