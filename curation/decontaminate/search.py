"""Searching rows for items of evaluation sets: the sidecar of one part."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from curation.dedup.normalise import Bytes
from curation.dedup.shingles import buffers
from curation.kernels.overlap import Floats, Index, Ints, overlaps
from curation.layers import DROP, TEXT
from curation.marks import Funnel
from curation.rows import RowLayers
from dataset_cards.versions.job import Job
from dataset_cards.versions.table import Part, write_parquet

from .items import Looking, letters_and_digits, load, table_of

STAGE = "decontaminate"
REASON = "evaluation-text"
EXAMPLES = 20  # of dropped rows and the items in them, per part

_SAID = ("evaluation", "item", "field")  # of the item that a row holds the largest share of
_SCHEMA = pa.schema(
    [(DROP, pa.large_string()), (f"{STAGE}.overlap", pa.float64())]
    + [(f"{STAGE}.{name}", pa.large_string()) for name in _SAID]
)


@dataclass(frozen=True, kw_only=True)
class Search:
    """The items, and when one of them counts as found; fields as in `Decontaminate`."""

    index: Index
    ngram: int
    min_words: int
    max_overlap: float

    def shares(self, text: pl.Series, found: Bytes) -> tuple[Ints, Floats]:
        """Of each text the item it holds most of (-1: none) and the share it holds; sets `found`, shape (items,)."""
        data, offsets = buffers(text)
        rules = letters_and_digits()
        return overlaps(
            data,
            offsets,
            rules.kinds,
            rules.starts,
            rules.mapped,
            self.index,
            self.ngram,
            self.min_words,
            self.max_overlap,
            found,
        )

    def nothing_found(self) -> Bytes:
        return np.zeros(len(self.index.own), np.uint8)


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Task = part: its sidecar. `job` has the rows and their sidecars as inputs, `index` the items."""

    job: Job
    index: Job
    looking: Looking
    evaluations: tuple[str, ...]
    min_words: int
    max_overlap: float

    def search(self) -> Search:
        index = load(self.looking, table_of(self.index), self.index.fact(0)["digest"])
        ngram, min_words, max_overlap = self.looking.ngram, self.min_words, self.max_overlap
        return Search(index=index, ngram=ngram, min_words=min_words, max_overlap=max_overlap)

    def __call__(self, task: int) -> None:
        layers, search = RowLayers(self.job.inputs), self.search()
        items = table_of(self.index).collect(["evaluation", "item", "field"])
        items = items.with_columns(pl.Series("evaluation", self.evaluations).gather(items.get_column("evaluation")))
        found, funnel = search.nothing_found(), Funnel([STAGE])
        dropped: Counter[str] = Counter()
        examples: list[dict[str, Any]] = []

        def sidecar() -> Iterator[pl.DataFrame]:
            for frame in layers.batches(task, ("id", TEXT)):
                alive = frame.get_column(DROP).is_null()
                best, shares = search.shares(frame.get_column(TEXT).filter(alive), found)
                marks = _spread(self._marks(best, shares, items), alive)
                funnel.add(STAGE, int(alive.sum()), marks.get_column(DROP))
                gone = marks.with_columns(frame.get_column("id")).filter(pl.col(DROP).is_not_null())
                dropped.update(gone.get_column(f"{STAGE}.evaluation").to_list())
                for row in gone.head(EXAMPLES - len(examples)).iter_rows(named=True):
                    said = {name: row[f"{STAGE}.{name}"] for name in (*_SAID, "overlap")}
                    examples.append({"id": row["id"], **said})
                yield marks

        name = f"part-{task:05d}.parquet"
        rows = write_parquet(self.job.folder, name, sidecar(), _SCHEMA)
        facts = {"found": np.flatnonzero(found).tolist(), "dropped_for": dict(dropped), "examples": examples}
        self.job.finish(task, [Part(name, rows)], funnel=funnel.json(), **facts)

    def _marks(self, best: Ints, shares: Floats, items: pl.DataFrame) -> pl.DataFrame:
        """The columns of the sidecar for rows that were searched."""
        said = items.select(pl.all().gather(pl.Series(best).replace(-1, None)).name.prefix(f"{STAGE}."))
        overlap = pl.Series(f"{STAGE}.overlap", shares)
        reason = pl.when(overlap > self.max_overlap).then(pl.lit(f"{STAGE}/{REASON}")).alias(DROP)
        return pl.select(reason, overlap).hstack(said)


def _spread(marks: pl.DataFrame, alive: pl.Series) -> pl.DataFrame:
    """The marks of the rows alive laid out over all rows, null between."""
    if alive.all():
        return marks
    place = (alive.cast(pl.Int64).cum_sum() - 1).set(~alive, None)
    return marks.select(pl.all().gather(place))
