"""What becomes of each document of a corpus: learned from, measured by, or left out, decided before it costs anything.

Of each document 50 bytes stay in memory, and of the texts one batch. The decisions depend on the documents and their
order alone, not on how a version is cut into parts.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.files import Folder
from dataset_cards.versions.side_files import GONE
from dataset_cards.versions.table import Table, write_parquet
from train.chat import question
from train.encode import LEFT_OUT, digest
from train.inputs import Inputs
from train.preflight import CHECKS, EXAMPLES, Finding

from .packing import Ints

# The names after the first two are preflight's checks.
FATES = ("train", "held-out", "in-evaluation", "duplicate-row", "empty-text", "not-in-mixture")
TRAIN, HELD_OUT, LEAKED, TWICE, EMPTY, UNNAMED = range(len(FATES))


@dataclass(frozen=True)
class Looked:
    """The documents of a version, each (documents,), in order.

    Attributes:
        fate: index into FATES.
        shard: index into the sources of the mixture; 0 without one.
        twice: the same text stands earlier; left out only where the run repairs.
        draw: a number from its text, evenly spread, independent of the one that chose the held-out rows.
        bytes: of its text in UTF-8.
    """

    fate: npt.NDArray[np.uint8]
    shard: npt.NDArray[np.uint16]
    twice: npt.NDArray[np.bool_]
    draw: npt.NDArray[np.uint64]
    bytes: Ints


def look(inputs: Inputs, sources: Sequence[str], held_out: float, repair: bool) -> Looked:
    """Decide about every document of the role `data`, by the rules of encode.encode.

    Held out is a share of `held_out`, chosen by a hash of the text; none where there is a role `held_out` to measure
    by. Documents whose text also stands in `held_out` or `against` leak.

    Args:
        sources: those of the mixture; empty to take all as one.
        repair: leave out what stands there twice.

    Raises:
        Misuse: a source of the mixture has no document.
    """
    known = {digest(question(one)) for role in ("held_out", "against") if role in inputs for one in inputs.rows(role)}
    place = {source: number for number, source in enumerate(sources)}
    nothing = pl.DataFrame(schema={"text": pl.String, "source": pl.String})
    parts = [_one_look(nothing, known, place)]
    parts += [_one_look(frame, known, place) for frame in inputs.table("data").frames(["text", "source"])]
    keys, texts, shard, fate, size = (np.concatenate(column) for column in zip(*parts, strict=True))
    missing = [source for number, source in enumerate(sources) if not (shard == number).any()]
    if missing:
        raise Misuse(f"mixture: no document has the source {missing[0]!r}; see `gristmill show` for those there are")
    fine = np.flatnonzero(fate == TRAIN)
    twice = np.zeros(len(fate), dtype=np.bool_)
    twice[fine] = _seen_before(texts[fine])
    if repair:
        fate[twice] = TWICE
    if "held_out" not in inputs:
        limit = min(int(np.ceil(held_out * 2.0**64)), 2**64 - 1)
        fate[(fate == TRAIN) & (keys[:, 0] < np.uint64(limit))] = HELD_OUT
    return Looked(fate, shard, twice, keys[:, 1], size)


def _one_look(frame: pl.DataFrame, known: set[bytes], place: Mapping[str, int]) -> tuple[npt.NDArray[Any], ...]:
    """Of a batch: the hash of what it asks and of its text, both (rows, 2), its shard, its fate so far, its bytes."""
    asked = [question({"text": text}) for text in frame["text"]]
    keys = [digest(one) for one in asked]
    fate = np.full(frame.height, TRAIN, dtype=np.uint8)
    fate[np.fromiter((key in known for key in keys), np.bool_, frame.height)] = LEAKED
    fate[~worded(frame["text"])] = EMPTY
    shard = np.zeros(frame.height, dtype=np.uint16)
    if place:
        named = np.fromiter((place.get(one or "", -1) for one in frame["source"]), np.int64, frame.height)
        fate[named < 0] = UNNAMED
        shard = np.where(named < 0, len(place), named).astype(np.uint16)
    texts = b"".join(digest(text) for text in frame["text"])
    size = frame["text"].str.len_bytes().to_numpy().astype(np.int64)
    return _numbers(b"".join(keys)), _numbers(texts), shard, fate, size


def worded(texts: pl.Series) -> npt.NDArray[np.bool_]:
    """Which texts hold more than white space."""
    return np.fromiter((bool(text) and not text.isspace() for text in texts), np.bool_, len(texts))


def _numbers(digests: bytes) -> npt.NDArray[np.uint64]:
    return np.frombuffer(digests, dtype=">u8").astype(np.uint64).reshape(-1, 2)


def _seen_before(texts: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    by_text = np.lexsort((texts[:, 1], texts[:, 0]))  # stable: of the same text, the first document comes first
    again = np.zeros(len(texts), dtype=np.bool_)
    again[1:] = (texts[by_text][1:] == texts[by_text][:-1]).all(axis=1)
    found = np.zeros(len(texts), dtype=np.bool_)
    found[by_text] = again
    return found


def left_out(inputs: Inputs, looked: Looked, out: Path, repair: bool) -> tuple[dict[str, int], tuple[Finding, ...]]:
    """Write the ledger of what is left out, `gone.parquet`; how many documents by check, and what was found."""
    rows = {FATES[fate]: int((looked.fate == fate).sum()) for fate in range(LEAKED, len(FATES))}
    about = {**rows, FATES[TWICE]: int(looked.twice.sum())}
    shown: dict[str, list[str]] = {check: [] for check in rows}

    def gone(frame: pl.DataFrame, fate: npt.NDArray[np.uint8], twice: npt.NDArray[np.bool_]) -> pl.DataFrame:
        for number, check in enumerate(FATES[LEAKED:], LEAKED):
            names = frame["id"].filter(twice if number == TWICE else fate == number)
            shown[check] += names.head(EXAMPLES - len(shown[check])).to_list()
        reasons = pl.Series("reason", [FATES[one] for one in fate], pl.String)
        named = frame.with_columns(reasons, stage=pl.lit("preflight"), duplicate_of=pl.lit(None, pl.String))
        return named.filter(fate > HELD_OUT).select(GONE.names)

    def batches() -> Iterator[pl.DataFrame]:
        done = 0
        for frame in inputs.table("data").frames(["id", "source"]):
            places = slice(done, done := done + frame.height)
            yield gone(frame, looked.fate[places], looked.twice[places])
        for frame in inputs.table("held_out").frames(["id", "source", "text"]) if "held_out" in inputs else ():
            fate = np.where(worded(frame["text"]), HELD_OUT, EMPTY).astype(np.uint8)
            for counts in (rows, about):
                counts[FATES[EMPTY]] += int((fate == EMPTY).sum())
            yield gone(frame.drop("text"), fate, np.zeros(frame.height, dtype=np.bool_))

    write_parquet(Folder.at(str(out)), LEFT_OUT, batches(), GONE)
    found = [
        Finding(
            check=check,
            rows=count,
            left_out=rows[check] > 0 and (repair or not CHECKS[check][2]),
            blocks=CHECKS[check][2] and not repair,
            examples=tuple(shown[check]),
        )
        for check, count in about.items()
        if count
    ]
    dropped = {check: count for check, count in rows.items() if count}
    return dropped, tuple(sorted(found, key=lambda one: not one.blocks))


def sample(table: Table, looked: Looked, limit: int) -> Iterator[str]:
    """Texts to train a tokenizer on: of the documents that are learned from, about `limit` bytes, drawn by a hash."""
    mine = looked.fate == TRAIN
    share = min(1.0, limit / max(1, int(looked.bytes[mine].sum())))
    drawn = mine & (looked.draw <= np.uint64(min(int(share * 2.0**64), 2**64 - 1)))
    done = 0
    for frame in table.frames(["text"]):
        yield from frame["text"].filter(drawn[done : done + frame.height])
        done += frame.height
