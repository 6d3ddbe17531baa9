"""Mixing versions: each gives its share of a budget, and the rows come out in one seeded random order."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl
import pyarrow as pa

from curation.engine import Engine
from curation.evidence import kept_facts
from curation.rows import kind_of, text_of
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Job
from dataset_cards.versions.schemas import schema
from dataset_cards.versions.side_files import GONE
from dataset_cards.versions.table import Part, Table, write_parquet

from .shares import Keys, Share, Sizes, keys, last_key, shares
from .shuffle import SAMPLE, SIZE, Gather, Scatter, Taken, left_rows, part_sizes
from .tokens import Tokenizer, counts

Unit = Literal["rows", "characters", "tokens"]
REASON = "mix/beyond-budget"
BYTES = "bytes"
SHARD_BYTES = 256 << 20
MOST_REPEATS = 1_000_000  # what is counted stays within 64 bits


@dataclass(frozen=True, kw_only=True)
class Mix:
    """Rows of several versions of one type, in shares.

    A source whose share is larger than it is gives all its rows several times; what is left of a share is a sample of
    its rows; the row that crosses the line is taken. Which rows those are depends on `seed`, the name of the source
    and the place of the row in it; not on the other sources, nor on how the rows lie in files. Copies keep their id.
    Of several versions of one name, the version decides too: with the same numbers their rows would lie side by side.

    `names` are the sources as `name@version`, `weights` their shares of the `budget`, which counts in `unit`; see
    `shares`. Tokens are those of what a row says, without a chat template.
    """

    revision: ClassVar[int] = 2
    names: tuple[str, ...]
    weights: tuple[float, ...] = ()
    unit: Unit = "rows"
    budget: int | None = None
    max_repeats: float = 1.0
    seed: int = 1
    tokenizer: Tokenizer | None = None
    license: str = "unknown"

    def __post_init__(self) -> None:
        if len({*self.names}) != len(self.names):
            raise ValueError(
                f"Mix: a source is named twice in {', '.join(self.names)}; give it a larger weight instead"
            )
        if self.weights and len(self.weights) != len(self.names):
            raise ValueError(
                f"Mix: {len(self.weights)} weights for {len(self.names)} sources; give one for each or none"
            )
        if any(weight < 0 for weight in self.weights) or (self.weights and not sum(self.weights)):
            raise ValueError("Mix: weights must be 0 or more, and one of them more")
        if self.budget is not None and self.budget < 1:
            raise ValueError(f"Mix: a budget of {self.budget} leaves no row; give 1 or more, or none for no limit")
        if not 0 < self.max_repeats <= MOST_REPEATS:
            raise ValueError(f"Mix: max_repeats must be above 0 and at most {MOST_REPEATS:,}, not {self.max_repeats}")
        if (self.unit == "tokens") != (self.tokenizer is not None):
            raise ValueError("Mix: tokens are counted with a tokenizer, and a tokenizer is needed for nothing else")

    def run(self, job: Job) -> dict[str, Any]:
        engine = job.tool(Engine)
        kind = _one_kind(self.names, job.inputs)
        places = [(source, part) for source, table in enumerate(job.inputs) for part in range(len(table.parts))]
        sizes = Job(job.inputs, job.folder / "sizes")
        engine.run("measure", sizes, partial(_measure, self, kind, places, sizes), sizes.unfinished(len(places)))
        measured = sizes.facts()
        totals = _by_source(measured, places, len(self.names), SIZE)
        weights = _by_source(measured, places, len(self.names), BYTES)
        found = shares(totals, self.weights, self.budget, self.max_repeats)
        if not any(share.granted for share in found):
            raise Misuse(self._nothing(found))
        taken = tuple(self._taken(source, share, sizes, places) for source, share in enumerate(found))
        expected = sum(
            weight * share.granted / share.size for weight, share in zip(weights, found, strict=True) if share.size
        )
        buckets = int(expected // SHARD_BYTES) + 1
        runs = Job(job.inputs, job.folder / f"runs-{buckets}")
        scatter = Scatter(
            kind=kind, seed=self.seed, taken=taken, places=tuple(places), buckets=buckets, sizes=sizes, job=runs
        )
        engine.run("scatter", runs, scatter, runs.unfinished(len(places)))
        facts = runs.facts()
        gather = Gather(kind=kind, runs=runs, job=job.bare(), dropped={REASON: sum(fact["left"] for fact in facts)})
        engine.run("gather", job, gather, job.unfinished(buckets))
        left = (frame for task in range(len(places)) for frame in left_rows(runs, task, REASON))
        write_parquet(job.folder / "ledger", "rows.parquet", left, GONE)
        said = {"kind": kind, "license": self.license, "mixture": self._account(found, facts, places, job.inputs)}
        runs.folder.remove()
        return said | kept_facts(job, schema(kind).names)

    def _taken(self, source: int, share: Share, sizes: Job, places: list[tuple[int, int]]) -> Taken:
        """How often each row of a source is taken."""
        name = key_names(self.names)[source]

        def batches() -> Iterator[tuple[Keys, Sizes]]:
            first = 0
            for task, (of, _) in enumerate(places):
                if of == source:
                    size = part_sizes(sizes, task)
                    yield keys(self.seed, name, SAMPLE, np.arange(first, first + len(size), dtype=np.int64)), size
                    first += len(size)

        return Taken(name=name, copies=share.copies, last=last_key(batches, share.rest))

    def _nothing(self, found: list[Share]) -> str:
        """Why the mixture would have no row, and what to do."""
        empty = [name for name, share in zip(self.names, found, strict=True) if share.weight and not share.size]
        if empty and len(empty) < len(found):
            why = f"{', '.join(empty)} holds no {self.unit}; leave it out"
        elif all(not share.size for share in found):
            why = f"no source holds any {self.unit}; look at them with `gristmill show`"
        else:
            why = "max_repeats allows less than one; raise it"
        return f"the mixture would be empty: {why}"

    def _account(
        self, found: list[Share], facts: list[dict[str, Any]], places: list[tuple[int, int]], tables: tuple[Table, ...]
    ) -> dict[str, Any]:
        """What was asked and what was got, source by source, for the card."""
        got = [[fact for fact, place in zip(facts, places, strict=True) if place[0] == n] for n in range(len(tables))]
        sources = [
            {
                "source": name, "weight": share.weight, "rows": table.rows, "size": share.size, "asked": share.asked,
                "got": sum(fact["got"] for fact in own), "got_rows": sum(fact["rows"] for fact in own),
            }
            for name, share, table, own in zip(self.names, found, tables, got, strict=True)
        ]  # fmt: skip
        tokenizer = self.tokenizer.json_field() if self.tokenizer else None
        return {"unit": self.unit, "budget": self.budget, "seed": self.seed, "tokenizer": tokenizer, "sources": sources}


def key_names(names: tuple[str, ...]) -> list[str]:
    """What the numbers of each source's rows are drawn from: its name, or all of `name@version` if it is not alone."""
    bare = [name.partition("@")[0] for name in names]
    return [short if bare.count(short) == 1 else name for short, name in zip(bare, names, strict=True)]


def _one_kind(names: tuple[str, ...], tables: tuple[Table, ...]) -> str:
    kinds = [kind_of(table.schema().names) for table in tables]
    if len({*kinds}) > 1:
        listed = ", ".join(f"{name} holds {kind}" for name, kind in zip(names, kinds, strict=True))
        raise Misuse(f"a mixture has rows of one type, but {listed}")
    return kinds[0]


def _measure(op: Mix, kind: str, places: list[tuple[int, int]], job: Job, task: int) -> None:
    source, part = places[task]
    loaded = op.tokenizer.load() if op.tokenizer else None
    total = weight = 0

    def sizes() -> Iterator[pl.DataFrame]:
        nonlocal total, weight
        for frame in job.inputs[source].batches(part):
            text = text_of(frame, kind)
            if loaded is not None:
                size = counts(loaded, text)
            elif op.unit == "characters":
                size = text.str.len_chars().cast(pl.Int64).fill_null(0)
            else:
                size = pl.repeat(1, frame.height, dtype=pl.Int64, eager=True)
            total += int(size.sum())
            weight += int(text.str.len_bytes().cast(pl.Int64).sum())
            yield pl.DataFrame([size.alias(SIZE)])

    name = f"part-{task:05d}.parquet"
    rows = write_parquet(job.folder, name, sizes(), pa.schema([(SIZE, pa.int64())]))
    job.finish(task, [Part(name, rows)], size=total, bytes=weight)


def _by_source(facts: list[dict[str, Any]], places: list[tuple[int, int]], sources: int, what: str) -> list[int]:
    """A fact of the tasks, added up over the parts of each source."""
    totals = [0] * sources
    for fact, (source, _) in zip(facts, places, strict=True):
        totals[source] += fact[what]
    return totals
