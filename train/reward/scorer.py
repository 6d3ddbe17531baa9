"""Scores of texts by a reward model: which tokens it reads of a question and its answer, and one number for each."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from train.chat import Messages, answer_ids, with_template
from train.machine import Machine
from train.models import load_scorer, load_tokenizer

Floats = npt.NDArray[np.float64]

PROMPT_SHARE = 4  # of max_length, one part in so many is the question's, however long the answer is
BATCH_TOKENS = 8192


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reward model reads of a question and an answer.

    Attributes:
        ids: the prompt, the answer and the end of its turn, at most max_length.
        answer: how many of `ids` are the answer's, its end among them.
        lost: tokens that were cut off.
    """

    ids: list[int]
    answer: int
    lost: int


def reading(tokenizer: Any, prompt: Messages, answer: Messages, max_length: int) -> Reading:
    """The tokens of `prompt` and `answer` within `max_length`, by rules that look at this one text only.

    A score stands at the last token, which is always the one that ends the assistant's turn. The prompt loses tokens
    at its beginning, where the oldest turns stand; a token that begins every text (BOS) stays. An answer is cut, before
    its last token, only where it leaves less than a quarter of `max_length` for a prompt that has as much.

    Raises:
        BadTemplate: the template refuses the messages.
    """
    asked, answered = answer_ids(tokenizer, prompt, answer)
    begins = bool(asked) and asked[0] == tokenizer.bos_token_id
    ids, kept = within(asked, answered, max_length, begins=begins)
    return Reading(ids, kept, len(asked) + len(answered) - len(ids))


def within(asked: list[int], answered: list[int], max_length: int, *, begins: bool) -> tuple[list[int], int]:
    """The tokens of both within `max_length`, and how many of them are the answer's; see `reading`.

    Args:
        begins: whether the first token of `asked` is one that begins every text.
    """
    room = max_length - min(len(asked), max_length // PROMPT_SHARE)
    if len(answered) > room:
        answered = [*answered[: room - 1], answered[-1]]
    if over := max(0, len(asked) + len(answered) - max_length):
        asked = [*asked[:begins], *asked[begins + over :]]
    return [*asked, *answered], len(answered)


def score(model: Any, rows: Sequence[Sequence[int]], *, batch_tokens: int = BATCH_TOKENS) -> Floats:
    """One score (n,) for each of `rows`, lists of token ids of any lengths; the model's mode is as before.

    Texts of like length go together, at most `batch_tokens` tokens with padding at a time (one text may have more).
    The same rows give the same scores; other rows beside a text can change its score by rounding only.

    Args:
        model: a sequence classifier with one label whose configuration names a padding token.

    Raises:
        ValueError: a text without tokens, or one that ends with the padding token, where no score would stand.
    """
    import torch

    pad = model.config.get_text_config().pad_token_id
    for place, row in enumerate(rows):
        if not len(row) or row[-1] == pad:
            raise ValueError(f"text {place} is empty or ends with padding, so its score has no place to stand")
    found = np.zeros(len(rows), dtype=np.float64)
    was_training, device = model.training, next(model.parameters()).device
    model.eval()
    with torch.no_grad():
        for places in _batches([len(row) for row in rows], batch_tokens):
            longest = max(len(rows[place]) for place in places)
            ids = torch.full((len(places), longest), pad, dtype=torch.long)
            mask = torch.zeros((len(places), longest), dtype=torch.long)
            for line, place in enumerate(places):
                ids[line, : len(rows[place])] = torch.tensor(rows[place])
                mask[line, : len(rows[place])] = 1
            made = model(input_ids=ids.to(device), attention_mask=mask.to(device), use_cache=False).logits
            found[places] = made.squeeze(-1).double().cpu().numpy()
    model.train(was_training)
    return found


def _batches(lengths: Sequence[int], batch_tokens: int) -> list[list[int]]:
    """Places of the texts, the shortest first, in groups whose padded size is at most `batch_tokens`."""
    groups: list[list[int]] = []
    for place in sorted(range(len(lengths)), key=lambda place: (lengths[place], place)):
        if not groups or (len(groups[-1]) + 1) * lengths[place] > batch_tokens:
            groups.append([])
        groups[-1].append(place)
    return groups


@dataclass(frozen=True, kw_only=True)
class Scorer:
    """A reward model that is ready to score.

    Attributes:
        model, tokenizer: as transformers has them; the tokenizer has a chat template.
        max_length: tokens that it reads of a text.
    """

    model: Any
    tokenizer: Any
    max_length: int

    @classmethod
    def load(cls, folder: Path, machine: Machine, max_length: int = 0) -> "Scorer":
        """The reward model in `folder`.

        Args:
            max_length: 0 for as much as it was trained with where the folder says so, else as it has places for.

        Raises:
            Damaged: there is no model or tokenizer that can be loaded.
        """
        model, tokenizer = load_scorer(folder, machine), load_tokenizer(folder)
        with_template(tokenizer, model)
        return cls(model=model, tokenizer=tokenizer, max_length=max_length or _trained_length(folder, model))

    def ids(self, prompt: Messages, answer: str) -> list[int]:
        """The tokens it reads of a prompt and what the assistant says.

        Raises:
            BadTemplate: the template refuses the messages.
        """
        return reading(self.tokenizer, prompt, [{"role": "assistant", "content": answer}], self.max_length).ids

    def __call__(self, prompts: Sequence[Messages], answers: Sequence[str]) -> Floats:
        """The scores (n,) of `answers` (n,), each to its own prompt; only their differences mean something."""
        return score(self.model, [self.ids(*both) for both in zip(prompts, answers, strict=True)])


def _trained_length(folder: Path, model: Any) -> int:
    record = folder / "training.json"
    if record.exists():
        said = json.loads(record.read_bytes()).get("parameters", {}).get("max_length", 0)
        if isinstance(said, int) and said > 0:
            return said
    return int(model.config.get_text_config().max_position_embeddings)
