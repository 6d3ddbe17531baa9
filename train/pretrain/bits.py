"""Bits per byte: how well a language model foretells texts, in a unit that does not depend on its tokenizer.

The bits of a text are the negative log-probabilities (base 2) of its tokens, the first one too, which follows the token
that begins a document; the token that ends one is not counted. They are divided by the bytes of the text in UTF-8 (Gao
et al. 2020, The Pile, arXiv 2101.00027, section 3.1). A text is read alone, in windows of the model's context that
overlap by one token, so each token is foretold from what precedes it in its window.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import corpus
from .packing import IGNORED, Ints, Shard

Floats = npt.NDArray[np.float64]

LOGITS = 1 << 22  # numbers that the logits of one batch may have


@dataclass(frozen=True)
class Measured:
    """Documents to measure by.

    Attributes:
        rows: numbers of the documents in the shard.
        bytes: of the text of each, in UTF-8.
    """

    shard: Shard
    rows: Ints
    bytes: Ints

    def thinned(self, tokens: int) -> "Measured":
        """As many of them, evenly spaced, as have about `tokens` tokens together; one at least."""
        whole = int(_lengths(self.shard.ends)[self.rows].sum())
        keep = max(1, math.ceil(len(self.rows) * min(1.0, tokens / max(1, whole))))
        kept = np.linspace(0, len(self.rows) - 1, keep).round().astype(np.int64)
        return Measured(self.shard, self.rows[kept], self.bytes[kept])


def held_out(rows: Path) -> Measured:
    """All held-out documents that corpus.write wrote into `rows`."""
    shard = corpus.mapped(rows, corpus.HELD_OUT_NAME)
    size = np.load(rows / f"{corpus.HELD_OUT_NAME}.bytes.npy")
    return Measured(shard, np.arange(len(size)), size)


def bits(model: Any, documents: Measured, context: int) -> Floats:
    """Bits of each text, without the token that ends it (documents,). Deterministic; the model is left as it was."""
    windows = [
        (place, one) for place, row in enumerate(documents.rows) for one in _windows(documents.shard, int(row), context)
    ]
    windows.sort(key=lambda window: len(window[1]))  # rows of one length need no padding
    room = max(1, LOGITS // (context * int(model.get_input_embeddings().num_embeddings)))
    found = np.zeros(len(documents.rows))
    was_training = model.training
    model.eval()
    for first in range(0, len(windows), room):
        batch = windows[first : first + room]
        np.add.at(found, [place for place, _ in batch], _nats(model, [ids for _, ids in batch]))
    model.train(was_training)
    return found / math.log(2)


def _lengths(ends: Ints) -> Ints:
    return np.diff(ends, prepend=0)


def _windows(shard: Shard, row: int, context: int) -> list[Ints]:
    """The tokens of a document without its last, which ends it, cut into windows."""
    first = int(shard.ends[row - 1]) if row else 0
    ids = shard.tokens[first : int(shard.ends[row]) - 1].astype(np.int64)
    return [ids[start : start + context] for start in range(0, len(ids) - 1, context - 1)]


def _nats(model: Any, rows: Sequence[Ints]) -> Floats:
    """The sum over each row of -log p of every token but the first (rows,)."""
    import torch

    width = max(map(len, rows))
    ids = torch.zeros((len(rows), width), dtype=torch.long)
    there = torch.zeros((len(rows), width), dtype=torch.long)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = torch.from_numpy(row)
        there[number, : len(row)] = 1
    following = torch.full_like(ids, IGNORED)
    following[:, :-1] = torch.where(there[:, 1:] == 1, ids[:, 1:], IGNORED)
    ids, there, following = (one.to(model.device) for one in (ids, there, following))
    with torch.no_grad():
        logits = model(input_ids=ids, attention_mask=there, use_cache=False).logits.float()
        lost = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), following.flatten(), reduction="none", ignore_index=IGNORED
        )
    summed: Floats = lost.double().view(len(rows), width).sum(dim=1).cpu().numpy()
    return summed
