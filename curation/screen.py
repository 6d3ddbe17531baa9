"""Screening: neighbouring row-wise stages in one pass over the documents, writing only what they measured."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import polars as pl

from dataset_cards.versions.fingerprint import identity
from dataset_cards.versions.job import Job
from dataset_cards.versions.store import DONE
from dataset_cards.versions.table import Part, Table, write_parquet

from .engine import Engine
from .layers import DROP, Layers
from .marks import REACHED, Funnel, mark
from .stage import Stage

# How many measurements a screening made: rows times stages.
MEASURED = "measured"
# What a stage may look at.
DOCUMENT = ("id", "text", "source", "url", "license", "created", "language", "metadata")


@dataclass(frozen=True, kw_only=True)
class Screen:
    """Marks documents with the reasons and signals of `stages`, in their order; the output is a sidecar."""

    revision: ClassVar[int] = 1
    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        Funnel([stage.name() for stage in self.stages])  # refuses two of one name

    def measured(self) -> Any:
        """The stages without the fields that only decide."""
        return [{"stage": identity(type(s)), "revision": s.revision, "fields": s.measuring()} for s in self.stages]

    def run(self, job: Job) -> dict[str, Any]:
        layers = Layers(job.inputs)
        work = partial(_screen_part, self.stages, replace(job.bare(), peers=_best(job.peers)))
        job.tool(Engine).run("screen", job, work, job.unfinished(layers.parts))
        measured = sum(task["measured"] for task in job.facts())
        rules = [entry for stage in self.stages for entry in stage.rules()]
        gold = [entry for stage in self.stages for entry in stage.gold()]
        return {"rules": rules, MEASURED: measured, **({"gold": gold} if gold else {})}


def _best(peers: tuple[Table, ...]) -> tuple[Table, ...]:
    """The one earlier screening that measured the most: the others could only repeat it."""
    return tuple(
        sorted(peers, key=lambda peer: (peer.folder.read_json(DONE)["facts"][MEASURED], peer.folder.path))[-1:]
    )


def _screen_part(stages: tuple[Stage, ...], job: Job, part: int) -> None:
    layers = Layers(job.inputs)
    funnel = Funnel([stage.name() for stage in stages])
    known = job.peers[0].batches(part) if job.peers else None
    measured = 0

    def sidecars() -> Iterator[pl.DataFrame]:
        nonlocal measured
        for group, verdicts in enumerate(layers.batches(part, ())):
            load = partial(layers.batch, part, group, DOCUMENT)
            before = next(known) if known is not None else None
            marks = mark(stages, verdicts.get_column(DROP), load, before, funnel)
            measured += int(marks.get_column(REACHED).cast(pl.UInt64).sum())
            yield marks

    name = f"part-{part:05d}.parquet"
    rows = write_parquet(job.folder, name, sidecars())
    job.finish(part, [Part(name, rows)], funnel=funnel.json(), measured=measured)
