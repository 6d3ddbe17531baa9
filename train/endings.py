"""Whether a model knows when to stop: greedy answers to a few prompts, and which of them end by themselves."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

PROMPTS = 32  # at most
ASKED = 512  # tokens of a prompt, at most
EXPECTED = 48  # tokens of the answer that belongs to it, at most


def ended(model: Any, tokenizer: Any, rows: Iterable[tuple[Sequence[int], Sequence[int]]]) -> list[float]:
    """1.0 for each prompt whose greedy answer ends, else 0.0; empty if no row is short enough.

    A model may take twice the tokens of the longest answer that belongs to one of the prompts.

    Args:
        rows: (ids, mask) of conversations, 1 for each token that the assistant has to produce; the first answer of a
            row is asked for again.
    """
    prompts, longest = [], 0
    room = getattr(model.config.get_text_config(), "max_position_embeddings", None) or math.inf
    for ids, mask in rows:
        start = next((place for place, learned in enumerate(mask) if learned), 0)
        length = next((n for n, learned in enumerate(mask[start:]) if not learned), len(mask) - start)
        if 0 < start <= ASKED and length <= EXPECTED and start < room:
            prompts.append(list(ids[:start]))
            longest = max(longest, length)
        if len(prompts) == PROMPTS:
            break
    left = room - max(map(len, prompts), default=0)  # a model with learned positions breaks beyond them
    made = answers(model, tokenizer, prompts, int(min(2 * longest, left)))
    return [float(tokenizer.eos_token_id in answer) for answer in made]


def answers(model: Any, tokenizer: Any, prompts: Sequence[Sequence[int]], tokens: int) -> list[list[int]]:
    """The likeliest next token again and again, up to `tokens` of them; each answer with its end if it has one."""
    import torch

    if not prompts:
        return []
    size, pad = max(map(len, prompts)), tokenizer.pad_token_id
    padded = torch.tensor([[pad] * (size - len(ids)) + list(ids) for ids in prompts], device=model.device)
    present = torch.tensor([[0] * (size - len(ids)) + [1] * len(ids) for ids in prompts], device=model.device)
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            made = model.generate(
                input_ids=padded,
                attention_mask=present,
                max_new_tokens=tokens,
                do_sample=False,
                temperature=None,
                top_p=None,
                top_k=None,
                eos_token_id=tokenizer.eos_token_id,
                pad_token_id=pad,
            )
    finally:
        model.train(training)
    found = []
    for row in made[:, size:].tolist():
        end = row.index(tokenizer.eos_token_id) + 1 if tokenizer.eos_token_id in row else len(row)
        found.append(row[:end])
    return found
