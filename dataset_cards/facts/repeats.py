"""What occurs more than once: rows with the same content, questions that are asked again, in bounded memory."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .batch import Batch, Hashes, mixed

MOST_HELD = 1 << 24  # hashes in memory, 8 bytes each


class Repeats:
    """Counts equal contents by a hash of 64 bits, exactly where there are at most `most` rows.

    Of more, one content in 2, 4, 8, ... is followed, drawn by its hash: all rows with it, and none of the others. The
    shares then are those of a random sample of contents, and `part` says of how large a one.

    Args:
        rows: how many there will be at most.
    """

    def __init__(self, rows: int, most: int = MOST_HELD) -> None:
        self.shift = max(0, (max(rows, 1) - 1) // most).bit_length()
        self.held: list[Hashes] = []

    def add(self, hashes: Hashes) -> None:
        self.held.append(followed(hashes, self.shift))

    def told(self) -> dict[str, Any]:
        """`rows` looked at, `different` contents, `repeated` rows (all but the first of each), and the `largest`.

        `groups` are the contents that occur more than once.
        """
        held = np.concatenate(self.held) if self.held else np.zeros(0, dtype=np.uint64)
        self.held = []
        held.sort()
        many = np.diff(np.flatnonzero(np.r_[True, held[1:] != held[:-1], True])) if held.size else held
        return {
            "rows": len(held),
            "different": len(many),
            "repeated": len(held) - len(many),
            "groups": int((many > 1).sum()),
            "largest": int(many.max(initial=0)),
            "part": 0.5**self.shift,
        }


def followed(hashes: Hashes, shift: int) -> Hashes:
    """The hashes whose contents are followed."""
    if not shift:
        return hashes
    return np.asarray(hashes[mixed(hashes) >> np.uint64(64 - shift) == 0])


class Duplicates:
    """`duplicates`: rows with the same content as another, byte for byte; `fields` says what of them was compared."""

    def __init__(self, rows: int, fields: Sequence[str]) -> None:
        self.fields, self.repeats = tuple(fields), Repeats(rows)

    def add(self, batch: Batch) -> None:
        self.repeats.add(batch.hashes(self.fields))

    def json(self) -> dict[str, Any]:
        return {"duplicates": {"fields": list(self.fields), **self.repeats.told()}}
