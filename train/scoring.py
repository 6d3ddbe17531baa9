"""How likely a model finds given answers: log-probabilities by row, in small batches, the same each time."""

import inspect
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Row = tuple[Sequence[int], Sequence[int]]  # token ids; 1 for each that counts, else 0

WINDOW = 4096  # rows that are sorted by length together
ROWS = 64  # of one batch, at most
TOKENS = 8192  # of one batch, padding included
LOGITS = 1 << 26  # numbers, 256 MB in fp32


def answer_logprobs(model: Any, rows: Iterable[Row]) -> tuple[Floats, Floats]:
    """Sums of the natural log-probabilities of the tokens that count, and how many count, by row (n,) each.

    Each token is given what stands before it; the first of a row is given nothing, and never counts. Batches hold rows
    of like length, padded on the right, so a row's number does not depend on its neighbours but for rounding. The model
    is put into eval mode for as long as it takes. In a run of several processes each computes all rows.

    Args:
        model: a causal language model of transformers, also with adapters.
        rows: (ids, mask), of one length each; read a window at a time.
    """
    import torch

    sums: list[Floats] = []
    counts: list[Floats] = []
    narrow = "logits_to_keep" in inspect.signature(_forward(model)).parameters
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            for window in _windows(rows):
                total, count = np.zeros(len(window)), np.zeros(len(window))
                for places in batches([len(ids) for ids, _ in window], model.config.get_text_config().vocab_size):
                    batch = [window[place] for place in places]
                    total[places], count[places] = _scored(model, batch, narrow)
                sums.append(total)
                counts.append(count)
    finally:
        model.train(training)
    return np.concatenate([*sums, np.zeros(0)]), np.concatenate([*counts, np.zeros(0)])


def batches(lengths: Sequence[int], vocabulary: int) -> Iterator[list[int]]:
    """Places of rows to score together, longest first: the largest batch comes at once, not after hours."""
    order = sorted(range(len(lengths)), key=lambda place: (-lengths[place], place))
    start = 0
    while start < len(order):
        longest = max(1, lengths[order[start]])
        rows = max(1, min(ROWS, TOKENS // longest, LOGITS // (longest * vocabulary)))
        yield order[start : start + rows]
        start += rows


def _windows(rows: Iterable[Row]) -> Iterator[list[Row]]:
    left = iter(rows)
    while window := list(islice(left, WINDOW)):
        yield window


def _forward(model: Any) -> Any:
    """The forward that names its arguments, below adapters."""
    return (model.get_base_model() if hasattr(model, "get_base_model") else model).forward


def _scored(model: Any, batch: Sequence[Row], narrow: bool) -> tuple[Floats, Floats]:
    """The log-probabilities of one batch; `narrow` computes logits only where some row has a token that counts."""
    import torch

    size = max(1, max(len(ids) for ids, _ in batch))
    tokens, present, counted = (np.zeros((len(batch), size), dtype=np.int64) for _ in range(3))
    for number, (ids, mask) in enumerate(batch):
        tokens[number, : len(ids)], present[number, : len(ids)], counted[number, : len(ids)] = ids, 1, mask
    counted[:, 0] = 0
    places = np.flatnonzero(counted.any(axis=0))
    if not len(places):
        return np.zeros(len(batch)), np.zeros(len(batch))
    ids_, present_, before = (torch.from_numpy(one).to(model.device) for one in (tokens, present, places - 1))
    kept = {"logits_to_keep": before} if narrow else {}
    logits = model(input_ids=ids_, attention_mask=present_, use_cache=False, **kept).logits
    logits = (logits if narrow else logits[:, before]).float()
    wanted = ids_[:, before + 1]
    found = logits.gather(-1, wanted[..., None])[..., 0] - logits.logsumexp(-1)
    weight = torch.from_numpy(counted[:, places]).to(model.device).bool()
    total = found.double().masked_fill(~weight, 0.0).sum(-1)
    return total.cpu().numpy(), weight.sum(-1).double().cpu().numpy()
