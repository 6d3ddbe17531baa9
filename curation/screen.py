"""Screening: neighbouring row-wise stages in one pass over the documents, writing only what they measured."""

from dataclasses import dataclass, replace
from functools import partial
from itertools import repeat
from typing import Any, ClassVar

import polars as pl

from dataset_cards.versions.job import Job
from dataset_cards.versions.table import Part, Table, write_parquet

from .engine import Engine
from .layers import DROP, Layers
from .marks import Funnel, mark
from .stage import Stage

# What a stage may look at.
DOCUMENT = ("id", "text", "source", "url", "license", "created", "language", "metadata")


@dataclass(frozen=True, kw_only=True)
class Screen:
    """Marks documents with the reasons and signals of `stages`, in their order; the output is a sidecar."""

    revision: ClassVar[int] = 1
    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        names = [stage.name() for stage in self.stages]
        if len(set(names)) != len(names):
            raise ValueError(f"two stages of one screen share a name: {', '.join(names)}; put them in two screens")

    def measured(self) -> Any:
        """The stages without the fields that only decide."""
        return [{"stage": s.name(), "revision": s.revision, "fields": s.measuring()} for s in self.stages]

    def run(self, job: Job) -> dict[str, Any]:
        layers = Layers(job.inputs)
        work = partial(_screen_part, self.stages, replace(job.bare(), peers=_best(job.peers)))
        job.tool(Engine).run("screen", job, work, job.unfinished(layers.parts))
        return {"rules": [entry for stage in self.stages for entry in stage.rules()]}


def _best(peers: tuple[Table, ...]) -> tuple[Table, ...]:
    """The one earlier screening that measured the most rows: the others could only repeat it."""
    return tuple(sorted(peers, key=lambda peer: (_measured_rows(peer), peer.folder.path))[-1:])


def _measured_rows(peer: Table) -> int:
    return sum(int(frame.get_column("reached").cast(pl.UInt64).sum()) for frame in peer.frames(["reached"]))


def _screen_part(stages: tuple[Stage, ...], job: Job, part: int) -> None:
    layers = Layers(job.inputs)
    funnel = Funnel([stage.name() for stage in stages])
    known = job.peers[0].batches(part) if job.peers else repeat(None)

    def sidecars() -> Any:
        for group, (verdicts, before) in enumerate(zip(layers.batches(part, ()), known, strict=False)):
            load = partial(layers.batch, part, group, DOCUMENT)
            yield mark(stages, verdicts.get_column(DROP), load, before, funnel)

    name = f"part-{part:05d}.parquet"
    rows = write_parquet(job.folder, name, sidecars())
    job.finish(part, [Part(name, rows)], funnel=funnel.json())
