"""What stands in several rows: the same pair, the same pair the other way round, the same prompt, and across splits."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ...versions.table import Table
from .keys import Hashes, mixed, prompt_keys, within
from .noted import SPLITS

Ints = npt.NDArray[np.int64]

MOST_ROWS = 5_000_000  # whose hashes are held, 20 bytes each; of larger tables a fixed part of the prompts
MOST_SPLITS = 250  # different names of one kind; more are no splits
MOST_TOLD = 10


class Repeats:
    """Hashes of prompts and pairs as rows come by.

    Attributes:
        fraction: of the prompts that are looked at, with all of their rows.
    """

    def __init__(self, rows: int) -> None:
        self.fraction = min(1.0, MOST_ROWS / rows) if rows else 1.0
        self.prompts: list[Hashes] = []
        self.pairs: list[Hashes] = []
        self.turned: list[npt.NDArray[np.int8]] = []
        self.parts: dict[str, list[npt.NDArray[np.uint8]]] = {key: [] for key in SPLITS}
        self.names: dict[str, dict[str, int]] = {key: {} for key in SPLITS}

    def add(
        self,
        prompts: Hashes,
        chosen: Hashes,
        rejected: Hashes,
        judged: npt.NDArray[np.bool_],
        said: pl.DataFrame,
    ) -> None:
        """One batch; `said` has a column for each of SPLITS, null where a row names none."""
        held = within(prompts, self.fraction)
        first, second = np.minimum(chosen, rejected), np.maximum(chosen, rejected)
        self.prompts.append(prompts[held])
        self.pairs.append(mixed(prompts, first, second)[held])
        # 0: no preference; 1 and 2: which of the two was chosen
        order = np.where(judged, 1 + (chosen > rejected), 0).astype(np.int8)
        self.turned.append(order[held])
        for key in SPLITS:
            self.parts[key].append(self._codes(key, said.get_column(key))[held])

    def _codes(self, key: str, values: pl.Series) -> npt.NDArray[np.uint8]:
        """A number for each name, from 1 in the order of their coming; 0 for none, and beyond MOST_SPLITS."""
        known = self.names[key]
        for name in values.drop_nulls().unique(maintain_order=True):
            if name not in known and len(known) <= MOST_SPLITS:
                known[name] = len(known) + 1
        codes = values.replace_strict(known, default=0, return_dtype=pl.Int64) if known else None
        found = np.zeros(values.len(), np.int64) if codes is None else codes.fill_null(0).to_numpy()
        return found.astype(np.uint8)

    def json(self) -> dict[str, Any]:
        """`prompts`, `duplicates` and `splits`."""
        prompts = _joined(self.prompts, np.uint64)
        different, times = np.unique(prompts, return_counts=True)
        pairs, turned = _joined(self.pairs, np.uint64), _joined(self.turned, np.int8)
        return {
            "prompts": {
                "rows": len(prompts),
                "fraction": round(self.fraction, 6),
                "different": len(different),
                "rows_sharing": int(times[times > 1].sum()),
                "most_rows": int(times.max(initial=0)),
            },
            "duplicates": _duplicates(pairs, turned),
            "splits": [
                told for key in SPLITS if (told := _splits(key, self.names[key], prompts, _joined(self.parts[key])))
            ],
        }


def _duplicates(pairs: Hashes, turned: npt.NDArray[np.int8]) -> dict[str, int]:
    """`repeated` rows say again what an earlier one says; `contradicting` rows have a twin with the sides swapped."""
    order = np.lexsort((turned, pairs))
    pair, side = pairs[order], turned[order]
    same_pair = pair[1:] == pair[:-1]
    repeated = int((same_pair & (side[1:] == side[:-1])).sum())
    starts = np.flatnonzero(np.concatenate([[True], ~same_pair])) if len(pair) else np.empty(0, np.int64)
    against = 0
    if len(starts):
        ones, twos = np.add.reduceat(side == 1, starts), np.add.reduceat(side == 2, starts)
        against = int((ones + twos)[(ones > 0) & (twos > 0)].sum())
    return {"rows": len(pair), "repeated": repeated, "contradicting": against}


def _splits(key: str, names: dict[str, int], prompts: Hashes, codes: npt.NDArray[np.uint8]) -> dict[str, Any] | None:
    """What prompts the parts have in common; None where metadata names fewer than two."""
    if not 2 <= len(names) <= MOST_SPLITS:
        return None
    rows = np.bincount(codes, minlength=len(names) + 1)
    largest = sorted(names, key=lambda name: (-rows[names[name]], name))[:MOST_TOLD]
    held = {name: np.unique(prompts[codes == names[name]]) for name in largest}
    met: list[dict[str, Any]] = []
    for one, other in combinations(largest, 2):
        both = len(np.intersect1d(held[one], held[other], assume_unique=True))
        if both:
            met.append({"a": one, "b": other, "prompts": both, "of_a": len(held[one]), "of_b": len(held[other])})
    met.sort(key=lambda one: (-one["prompts"], one["a"], one["b"]))
    shared_by = [np.intersect1d(held[one["a"]], held[one["b"]], assume_unique=True) for one in met]
    shared = len(np.unique(np.concatenate(shared_by))) if shared_by else 0
    return {
        "key": key,
        "parts": {name: int(rows[names[name]]) for name in largest},
        "others": len(names) - len(largest),
        "prompts": len(np.unique(prompts[codes > 0])),
        "shared": shared,
        "pairs": met[:MOST_TOLD],
    }


def leaks(a: Table, b: Table) -> dict[str, Any]:
    """Prompts of `b` that also stand in `a`, where `a` is what a model learns from and `b` what it is measured on.

    Both have the columns of a row type with prompts. Prompts are the same as in the autopsy: all messages, without
    regard to white space and case. Of tables above MOST_ROWS rows the same part of all prompts is looked at.

    Returns:
        `rows` of b that were looked at, `leaked` ones among them, `prompts` and `leaked_prompts` likewise, `fraction`.
    """
    largest = max(a.rows, b.rows)
    fraction = min(1.0, MOST_ROWS / largest) if largest else 1.0
    known = np.unique(_joined(_sampled(a, fraction), np.uint64))
    asked = _joined(_sampled(b, fraction), np.uint64)
    different, times = np.unique(asked, return_counts=True)
    leaked = np.isin(different, known, assume_unique=True)
    return {
        "rows": len(asked),
        "leaked": int(times[leaked].sum()),
        "prompts": len(different),
        "leaked_prompts": int(leaked.sum()),
        "fraction": round(fraction, 6),
    }


def _sampled(table: Table, fraction: float) -> list[Hashes]:
    found = []
    for rows in table.frames(["prompt"]):
        keys = prompt_keys(rows)
        found.append(keys[within(keys, fraction)])
    return found


def _joined(parts: Sequence[npt.NDArray[Any]], dtype: npt.DTypeLike = np.uint8) -> npt.NDArray[Any]:
    return np.concatenate(parts) if parts else np.empty(0, dtype)
