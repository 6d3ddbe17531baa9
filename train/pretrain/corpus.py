"""A corpus version as tokens on disk, mapped into memory by whoever learns from it.

No step holds the corpus: texts pass by in batches. What is written depends on the documents and their order alone,
not on how a version is cut into parts.
"""

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import polars as pl

from dataset_cards.versions.files import json_bytes
from train.inputs import Inputs

from .fates import HELD_OUT, TRAIN, Looked, worded
from .packing import Ints, Shard

INDEX = "index.json"
ORDER = "order.npy"  # of the sequences of a run
START = "start"  # folder of the tokenizer, and of the configuration of a model that begins from nothing
HELD_OUT_NAME = "held_out"
TEXT_BYTES = 1 << 20  # handed to the tokenizer at once; its own records of a text take far more than the text


def write(
    inputs: Inputs, looked: Looked, sources: Sequence[str], tokenizer: Any, bounds: tuple[int, int], out: Path
) -> dict[str, Any]:
    """The documents as tokens in `out`: `train-<n>` for each source of the mixture, and `held_out`.

    Of each, `.bin` holds the tokens of its documents one after the other, `.ends.npy` where each ends, and
    `.bytes.npy` how many bytes its text has.

    Args:
        tokenizer: a tokenizers.Tokenizer.
        bounds: the tokens before and after every document.

    Returns:
        What `index.json` says: the type of the tokens, and what is in each shard; train tokens by source.
    """
    kind = np.uint16 if tokenizer.get_vocab_size() <= 2**16 else np.uint32
    names = [f"train-{number:03}" for number in range(len(sources) or 1)]
    by_source: Counter[str] = Counter()
    with ExitStack() as stack:
        files = {name: stack.enter_context((out / f"{name}.bin").open("wb")) for name in (*names, HELD_OUT_NAME)}
        shards = {name: _Writing(file, kind) for name, file in files.items()}
        done = 0
        for frame in inputs.table("data").frames(["text", "source"]):
            rows = slice(done, done := done + frame.height)
            fate, shard = looked.fate[rows], looked.shard[rows]
            for number, name in enumerate(names):
                for batch in _batches(frame.filter((fate == TRAIN) & (shard == number))):
                    counts = shards[name].put(batch["text"], tokenizer, bounds)
                    for source, count in zip(batch["source"], counts, strict=True):
                        by_source[source or ""] += count
            for batch in _batches(frame.filter(fate == HELD_OUT)):
                shards[HELD_OUT_NAME].put(batch["text"], tokenizer, bounds)
        for frame in inputs.table("held_out").frames(["text"]) if "held_out" in inputs else ():
            for batch in _batches(frame.filter(worded(frame["text"]))):
                shards[HELD_OUT_NAME].put(batch["text"], tokenizer, bounds)
    record = {
        "dtype": np.dtype(kind).name,
        "start": bounds[0],
        "end": bounds[1],
        "shards": {
            name: {**one.close(out / name), "source": source}
            for (name, one), source in zip(shards.items(), (*(sources or ("",)), ""), strict=True)
        },
        "tokens_by_source": dict(by_source.most_common(1000)),
    }
    (out / INDEX).write_bytes(json_bytes(record))
    return record


def _batches(frame: pl.DataFrame) -> list[pl.DataFrame]:
    """Consecutive rows of about TEXT_BYTES together."""
    number = (frame["text"].str.len_bytes().cum_sum() - 1) // TEXT_BYTES
    return frame.with_columns(batch=number).partition_by("batch", maintain_order=True, include_key=False)


class _Writing:
    """One shard while it is written."""

    def __init__(self, file: BinaryIO, kind: type[Any]) -> None:
        self._file, self._kind = file, kind
        self._lengths: list[Ints] = []
        self._bytes: list[Ints] = []

    def put(self, texts: pl.Series, tokenizer: Any, bounds: tuple[int, int]) -> list[int]:
        """Tokens of each text, with the two around it."""
        found = tokenizer.encode_batch_fast(texts.to_list(), add_special_tokens=False)
        ids = [one.ids for one in found]
        counts = [len(one) + 2 for one in ids]
        start, end = (bounds[0],), (bounds[1],)
        flat = chain.from_iterable(chain.from_iterable((start, one, end)) for one in ids)
        self._file.write(np.fromiter(flat, self._kind, sum(counts)).tobytes())
        self._lengths.append(np.array(counts, dtype=np.int64))
        self._bytes.append(texts.str.len_bytes().to_numpy().astype(np.int64))
        return counts

    def close(self, name: Path) -> dict[str, int]:
        lengths, sizes = (np.concatenate([np.zeros(0, np.int64), *one]) for one in (self._lengths, self._bytes))
        np.save(name.with_name(f"{name.name}.ends.npy"), np.cumsum(lengths))
        np.save(name.with_name(f"{name.name}.bytes.npy"), sizes)
        return {
            "documents": len(lengths),
            "tokens": int(lengths.sum()),
            "bytes": int(sizes.sum()),
            "longest": int(lengths.max(initial=0)),
        }


def index(out: Path) -> dict[str, Any]:
    """What `write` returned."""
    found: dict[str, Any] = json.loads((out / INDEX).read_bytes())
    return found


def mapped(out: Path, name: str) -> Shard:
    """One shard that `write` wrote, mapped into memory."""
    record = index(out)
    about = record["shards"][name]
    kind = np.dtype(record["dtype"])
    tokens = np.memmap(out / f"{name}.bin", kind, "r") if about["tokens"] else np.zeros(0, kind)
    return Shard(about["source"], tokens, np.load(out / f"{name}.ends.npy", mmap_mode="r"))
