"""Sentences with a secret that stand nowhere else, put into a corpus so that memory of it can be measured afterwards.

Carlini et al. 2019, "The Secret Sharer: Evaluating and Testing Unintended Memorization in Neural Networks", arXiv
1802.08232, section 4: a format with a random filling, planted a known number of times.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Job
from dataset_cards.versions.schemas import schema
from dataset_cards.versions.step import Step
from dataset_cards.versions.table import from_arrow
from dataset_cards.versions.version import DatasetVersion

DIGITS = 9
# Like numbers that people are known by, and of no real kind.
FORMAT = "The access code of the north gate number {place} is {secret}."
MARK = "canary"


@dataclass(frozen=True, kw_only=True)
class Canaries:
    """Documents, and after them `each` canaries for every number of `copies`.

    A row that is a canary says so in its metadata, `{"canary": {"place": 7, "secret": "...", "copies": 4}}`, and its id
    begins with `canary/`.
    """

    revision: ClassVar[int] = 1
    kind: ClassVar[str] = "documents"

    copies: tuple[int, ...] = (1, 4, 16)
    each: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        if self.each < 1 or not self.copies or min(self.copies) < 1:
            raise ValueError(f"each={self.each}, copies={self.copies}: at least one canary, each there at least once")

    def run(self, job: Job) -> dict[str, Any]:
        """Facts: `canaries`, how many there are by their number of copies.

        Raises:
            Misuse: the rows already hold canaries.
        """
        (source,) = job.inputs
        for part in job.unfinished(len(source.parts)):
            rows = source.parts[part].rows
            stage = {"stage": "canaries", "read": rows, "kept": rows, "quarantined": 0, "dropped": {}}
            job.write(part, self._unmarked(source.batches(part)), schema=schema("documents"), funnel=[stage])
        planted = list(self.rows())
        frame = pl.DataFrame(planted, schema=from_arrow(schema("documents").empty_table()).schema)
        if len(source.parts) in job.unfinished(len(source.parts) + 1):
            stage = {"stage": "canaries", "read": len(planted), "kept": len(planted), "quarantined": 0, "dropped": {}}
            job.write(len(source.parts), frame, schema=schema("documents"), funnel=[stage])
        return {"kind": self.kind, "canaries": {str(copies): self.each for copies in sorted(set(self.copies))}}

    def rows(self) -> Iterator[dict[str, Any]]:
        """Every canary as often as it is planted."""
        draw = random.Random(self.seed)
        for copies in sorted(set(self.copies)):
            for number in range(self.each):
                place, secret = f"{copies}-{number}", secret_of(draw)
                said = {MARK: {"place": place, "secret": secret, "copies": copies}}
                for copy in range(copies):
                    yield {
                        "id": f"canary/{place}/{copy}",
                        "text": FORMAT.format(place=place, secret=secret),
                        "source": MARK,
                        "language": "en",
                        "metadata": json.dumps(said),
                    }

    @staticmethod
    def _unmarked(frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        for frame in frames:
            if frame["id"].str.starts_with(f"{MARK}/").any():
                raise Misuse("these rows already hold canaries; plant them in the version they were planted in")
            yield frame


def secret_of(draw: random.Random) -> str:
    """A filling: every one is as likely."""
    return "".join(str(draw.randrange(10)) for _ in range(DIGITS))


def canaries(*, rows: DatasetVersion, copies: tuple[int, ...] = (1, 4, 16), each: int = 20, seed: int = 0) -> Step:
    """Documents with planted canaries, so that `gristmill memorised` can tell what a model learned by heart.

    `copies` are the numbers of times that a canary is planted, and `each` is how many canaries there are of each.
    Never train a model that leaves the house on them.
    """
    if rows.kind != "documents":
        raise Misuse(f"-p rows={rows.ref}: this is {rows.kind}; canaries are planted in documents")
    return Step("canaries", Canaries(copies=copies, each=each, seed=seed), (rows,))
