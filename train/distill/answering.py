"""A model's own answers to prompts, and what they are worth: sampled, or the likeliest word by word."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from train.grpo.verdicts import VERDICTS, Verdict, Verdicts

Ids = Sequence[int]
SEQUENCES = 64  # that are generated at once, whatever the machine: it decides which random numbers each one gets


@dataclass(frozen=True, kw_only=True)
class Answered:
    """Answers to prompts, `samples` to each.

    Attributes:
        verdicts: (prompts, samples).
        lengths: in tokens, the one that ends the turn among them (prompts, samples).
        unfinished: whether an answer was cut before it ended (prompts, samples).
    """

    verdicts: list[list[Verdict]]
    lengths: npt.NDArray[np.int64]
    unfinished: npt.NDArray[np.bool_]

    def share(self, verdict: Verdict) -> npt.NDArray[np.float64]:
        """Of each prompt's answers (prompts,)."""
        return np.array([sum(one == verdict for one in row) / len(row) for row in self.verdicts])

    def solved(self) -> npt.NDArray[np.float64]:
        """1 for a prompt with at least one right answer, else 0 (prompts,)."""
        return np.array([float("right" in row) for row in self.verdicts])

    def shares(self) -> dict[str, float]:
        """Of all answers: each verdict, and those that were cut."""
        found: dict[str, float] = {verdict: float(self.share(verdict).mean()) for verdict in VERDICTS}
        return {**found, "unfinished": float(self.unfinished.mean()), "length": float(self.lengths.mean())}


def answered(
    model: Any,
    tokenizer: Any,
    rows: Sequence[Mapping[str, Any]],
    tool: Verdicts,
    *,
    samples: int,
    longest: int,
    temperature: float,
    seed: int,
    unfinished: Verdict,
) -> Answered:
    """Ask `model` every row's prompt `samples` times and let the row's verifier judge.

    Args:
        rows: with prompt_ids, answer, verifier.
        longest: tokens of an answer.
        temperature: 0 takes the likeliest token at each place.
        unfinished: the verdict on an answer that is cut at `longest`.
    """
    said = generated(
        model,
        tokenizer,
        [row["prompt_ids"] for row in rows],
        samples=samples,
        longest=longest,
        temperature=temperature,
        seed=seed,
    )
    flat = [(ids, row) for row, some in zip(rows, said, strict=True) for ids in some]
    found = judged(
        tool,
        tokenizer,
        [ids for ids, _ in flat],
        [row["verifier"] for _, row in flat],
        [row["answer"] for _, row in flat],
        unfinished,
    )
    return Answered(
        verdicts=[found[start : start + samples] for start in range(0, len(found), samples)],
        lengths=np.array([[len(ids) for ids in some] for some in said]),
        unfinished=np.array([[not ended(tokenizer, ids) for ids in some] for some in said]),
    )


def judged(
    tool: Verdicts,
    tokenizer: Any,
    said: Sequence[Ids],
    verifiers: Sequence[str],
    references: Sequence[str],
    unfinished: Verdict,
) -> list[Verdict]:
    """The verdict on each answer, given as tokens. What never ended is not read: `#### 1` may be half of `#### 12`."""
    texts = tokenizer.batch_decode([list(ids) for ids in said], skip_special_tokens=True)
    found = tool.verdicts(verifiers, references, texts)
    return [one if ended(tokenizer, ids) else unfinished for one, ids in zip(found, said, strict=True)]


def ended(tokenizer: Any, ids: Ids) -> bool:
    """Whether an answer ends with the token that ends a turn."""
    return bool(ids) and ids[-1] == tokenizer.eos_token_id


def generated(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Ids],
    *,
    samples: int,
    longest: int,
    temperature: float,
    seed: int,
) -> list[list[list[int]]]:
    """`samples` answers to each prompt as tokens, up to and with the one that ends the turn.

    The same seed gives the same answers, and the caller's random numbers stay as they were.
    """
    import torch
    from transformers import GenerationConfig

    config = GenerationConfig(  # type: ignore[no-untyped-call]
        max_new_tokens=longest,
        do_sample=temperature > 0,
        **({"temperature": temperature, "top_k": 0, "top_p": 1.0} if temperature > 0 else {}),
        num_return_sequences=samples,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        disable_compile=True,
    )
    own, training = model.generation_config, model.training
    model.generation_config = config  # generate() would fill what `config` leaves at a default from the model's own
    model.eval()
    made: list[list[list[int]]] = []
    at_once = max(1, SEQUENCES // samples)
    try:
        with torch.random.fork_rng(), torch.inference_mode():
            torch.manual_seed(seed)
            for start in range(0, len(prompts), at_once):
                ids, mask = _left_padded(prompts[start : start + at_once], tokenizer.pad_token_id, model.device)
                out = model.generate(input_ids=ids, attention_mask=mask, generation_config=config)
                new = [_until(row, tokenizer.eos_token_id) for row in out[:, ids.shape[1] :].tolist()]
                made += [new[first : first + samples] for first in range(0, len(new), samples)]
    finally:
        model.generation_config = own
        model.train(training)
    return made


def _left_padded(prompts: Sequence[Ids], pad: int, device: Any) -> tuple[Any, Any]:
    import torch

    width = max(map(len, prompts))
    ids = torch.tensor([[pad] * (width - len(one)) + list(one) for one in prompts], device=device)
    mask = torch.tensor([[0] * (width - len(one)) + [1] * len(one) for one in prompts], device=device)
    return ids, mask


def _until(ids: list[int], end: int) -> list[int]:
    return ids[: ids.index(end) + 1] if end in ids else ids
