"""Documents packed into sequences of one length, and the order in which a run reads them.

A shard is one long row of tokens, document after document. Sequence n of it begins with the last token of sequence
n - 1, so that every token that has one before it in its own document is predicted exactly once in a pass. Positions
count from 0 at each document, from which transformers derives attention that stays inside of it, and the first token
of a document carries no label.
"""

import inspect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dataset_cards.versions.errors import Misuse

Ints = npt.NDArray[np.int64]

IGNORED = -100  # a label that carries no loss


@dataclass(frozen=True)
class Shard:
    """The documents of one source as tokens, mapped into memory.

    Attributes:
        source: their `source`; empty where all sources are read as one.
        tokens: (tokens,), uint16 or uint32.
        ends: where each document ends (documents,).
    """

    source: str
    tokens: npt.NDArray[Any]
    ends: Ints

    def sequences(self, context: int) -> int:
        """How many sequences of `context` tokens one pass over it takes; the last one may be shorter."""
        return max(0, math.ceil((len(self.tokens) - 1) / (context - 1)))


def piece(shard: Shard, number: int, context: int, pad: int) -> dict[str, Ints]:
    """Sequence `number` of a shard: `input_ids`, `position_ids` and `labels`, each (context,).

    Args:
        pad: fills the last sequence, as a document of its own without labels.
    """
    start = number * (context - 1)
    ids = shard.tokens[start : start + context].astype(np.int64)
    low = np.searchsorted(shard.ends, start, side="right")
    high = np.searchsorted(shard.ends, start + len(ids), side="left")
    firsts = np.asarray(shard.ends[low:high]) - start
    labels = ids.copy()
    labels[0] = IGNORED
    labels[firsts] = IGNORED
    missing = context - len(ids)
    if missing:
        firsts = np.append(firsts, len(ids))
        ids = np.append(ids, np.full(missing, pad))
        labels = np.append(labels, np.full(missing, IGNORED))
    begun = np.zeros(context, dtype=np.int64)
    begun[firsts] = firsts
    return {
        "input_ids": ids,
        "position_ids": np.arange(context, dtype=np.int64) - np.maximum.accumulate(begun),
        "labels": labels,
    }


@dataclass(frozen=True)
class Packed:
    """The sequences of a run in its order, as torch reads a data set: length and items.

    Attributes:
        order: number of the sequence at each place (sequences of the run,), counted through all shards.
        positions: whether the model takes positions.
    """

    shards: tuple[Shard, ...]
    order: Ints
    context: int
    pad: int
    positions: bool = True

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, place: int) -> dict[str, Ints]:
        number = int(self.order[place])
        for shard in self.shards:
            count = shard.sequences(self.context)
            if number < count:
                made = piece(shard, number, self.context, self.pad)
                return made if self.positions else {key: made[key] for key in ("input_ids", "labels")}
            number -= count
        raise IndexError(f"there is no sequence {int(self.order[place])}")


def weights(mixture: Sequence[str]) -> dict[str, float]:
    """`web=0.7` and so on as shares by source that sum to 1.

    Raises:
        Misuse: one is not written so, is not above 0, or a source stands there twice.
    """
    found: dict[str, float] = {}
    for word in mixture:
        source, equals, share = word.rpartition("=")
        try:
            value = float(share)
        except ValueError:
            value = math.nan
        if not equals or not 0 < value < math.inf:
            raise Misuse(f"mixture {word!r}: write SOURCE=SHARE with a share above 0, such as web=0.7")
        if source in found:
            raise Misuse(f"mixture: {source!r} stands there twice")
        found[source] = value
    return {source: value / sum(found.values()) for source, value in found.items()}


def quotas(total: int, shares: Sequence[float]) -> list[int]:
    """`total` divided by shares, to whole numbers with that sum; the largest remainders are rounded up."""
    exact = [total * share for share in shares]
    whole = [math.floor(value) for value in exact]
    by_remainder = sorted(range(len(exact)), key=lambda n: (whole[n] - exact[n], n))
    for n in by_remainder[: total - sum(whole)]:
        whole[n] += 1
    return whole


def order(counts: Sequence[int], wanted: Sequence[int], seed: int) -> Ints:
    """The order of a run: shard n gives `wanted[n]` of its `counts[n]` sequences, evenly spread over the run.

    A shard is read in passes. Each pass is another permutation of all its sequences, so a sequence is seen again only
    after all others of its shard. Nothing but the arguments decides the order, no library's random numbers either.
    """
    places, numbers, first = [], [], 0
    for shard, (count, want) in enumerate(zip(counts, wanted, strict=True)):
        passes = (
            [permutation(count, seed, shard, n)[: want - n * count] for n in range(-(-want // count))] if want else []
        )
        numbers += [first + one for one in passes]
        places.append((np.arange(want) + 0.5) / max(want, 1))
        first += count
    if not numbers:
        return np.zeros(0, dtype=np.int64)
    found: Ints = np.concatenate(numbers)
    return found if len(counts) == 1 else found[np.argsort(np.concatenate(places), kind="stable")]


def permutation(count: int, *key: int) -> Ints:
    """0 to count - 1 in an order that depends on nothing but `key`: sorted by a hash (splitmix64, Steele, Lea and
    Flood 2014, Fast Splittable Pseudorandom Number Generators)."""
    state = np.uint64(0)
    for part in key:
        state = _mixed(np.asarray([state ^ np.uint64(part % 2**64)], dtype=np.uint64))[0]
    return np.argsort(_mixed(np.arange(count, dtype=np.uint64) ^ state), kind="stable").astype(np.int64)


def _mixed(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    found = values + np.uint64(0x9E3779B97F4A7C15)
    found = (found ^ (found >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    found = (found ^ (found >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: npt.NDArray[np.uint64] = found ^ (found >> np.uint64(31))
    return mixed


def takes_positions(model: Any) -> bool:
    return "position_ids" in inspect.signature(model.forward).parameters


def isolated(model: Any) -> bool:
    """Whether one document of a packed sequence is blind to the one before it, tried on this very model.

    Two sequences that differ in their first document only are read together; the second document's logits must agree.
    """
    import torch

    half, known = 8, model.get_input_embeddings().num_embeddings
    if not takes_positions(model):
        return False
    ids = torch.arange(2 * half).repeat(2, 1) % known
    ids[1, :half] = (ids[1, :half] + half) % known
    positions = torch.arange(half).repeat(2, 2)
    was_training = model.training
    model.eval()
    with torch.no_grad():
        logits = model(input_ids=ids.to(model.device), position_ids=positions.to(model.device), use_cache=False).logits[
            :, half:
        ]
    model.train(was_training)
    return bool(torch.allclose(logits[0].float(), logits[1].float(), rtol=1e-4, atol=1e-5))
