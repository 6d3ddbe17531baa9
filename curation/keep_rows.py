"""Keeping rows of any type: those still alive, in shards that do not depend on how the run was cut."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import polars as pl

from dataset_cards.versions.job import Job
from dataset_cards.versions.schemas import schema
from dataset_cards.versions.side_files import GONE, QUARANTINE
from dataset_cards.versions.store import DONE
from dataset_cards.versions.table import Part, Table, write_parquet

from .engine import Engine
from .evidence import add_facts, kept_facts, shard_facts
from .examples import choose
from .keep import SHARD_BYTES, Shard, alive, regroup, shards_of
from .layers import DROP, TEXT, Layers
from .moves import moves
from .rows import RowLayers
from .screen import MEASURED
from .signals import categories, histograms

_COUNTED = ("language", "license", "source")


@dataclass(frozen=True, kw_only=True)
class KeepRows:
    """The last step over rows of one type: alive rows with all their columns, and the evidence of the others.

    The inputs are rows (a dataset version, or a step) and their sidecars. Columns that rows of this type do not have
    are left behind. `license` and `source` are for the card.
    """

    revision: ClassVar[int] = 2

    kind: str = "documents"
    license: str = "unknown"
    source: str | None = None

    def __post_init__(self) -> None:
        schema(self.kind)  # refuses what is no row type

    def run(self, job: Job) -> dict[str, Any]:
        """Facts for the card: those of the sidecars, `signals` and `moves` of their rules, and the kept `text`."""
        layers = RowLayers(job.inputs)
        shards = shards_of(layers, SHARD_BYTES)
        work = partial(_write_shard, self.kind, shards, job.bare())
        job.tool(Engine).run("keep", job, work, job.unfinished(len(shards)))
        said = {"kind": self.kind, "license": self.license, "source": self.source}
        return {**said, **_evidence(job, layers), **kept_facts(job, schema(self.kind).names)}


def _write_shard(kind: str, shards: list[Shard], job: Job, number: int) -> None:
    shard, layers, columns = shards[number], RowLayers(job.inputs), schema(kind)
    facts: list[dict[str, Any]] = []

    def frames() -> Iterator[pl.DataFrame]:
        wanted = (*columns.names, TEXT, *_COUNTED)
        for frame in regroup(alive(layers, shard, wanted)):
            facts.append(shard_facts(frame))
            yield frame.select(columns.names)

    name = f"part-{number:05d}.parquet"
    rows = write_parquet(job.folder, name, frames(), columns)
    funnel = {"stage": "keep", "read": shard.last - shard.first, "kept": rows, "quarantined": 0, "dropped": {}}
    job.finish(number, [Part(name, rows)], funnel=[funnel], **add_facts(facts))


def _evidence(job: Job, layers: RowLayers) -> dict[str, Any]:
    """Write `ledger/rows.parquet` and `ledger/examples.parquet`; return what the sidecars said about the rows."""
    told = [_told(table) for table in layers.tables[1:]]
    rules = [rule for facts in told for rule in facts.get("rules", [])]
    ledger = job.folder / "ledger"
    write_parquet(ledger, "rows.parquet", _gone(layers), GONE)
    write_parquet(ledger, "quarantine.parquet", [], QUARANTINE)  # rows of a version were all read before
    write_parquet(ledger, "examples.parquet", [choose(layers, rules)])
    found: dict[str, Any] = {"signals": [], "categories": [], "moves": []}
    for number, facts in enumerate(told):
        own, one = facts.get("rules", []), Layers((layers.tables[number + 1],))
        last = all("rules" in later and not later["rules"] for later in told[number + 1 :])
        found["signals"] += histograms(one, own)
        found["categories"] += categories(one, own)
        found["moves"] += moves(layers, number + 1, own, last) if own else []
        found.update({key: value for key, value in facts.items() if key not in ("rules", "gold", MEASURED)})
    if gold := [entry for facts in told for entry in facts.get("gold", [])]:
        found["gold"] = gold
    return found


def _told(sidecar: Table) -> dict[str, Any]:
    facts: dict[str, Any] = sidecar.folder.read_json(DONE)["facts"]
    return facts


def _gone(layers: RowLayers) -> Iterator[pl.DataFrame]:
    """Every row that was dropped, in order."""
    for part in range(layers.parts):
        for frame in layers.batches(part, ("id", "source", "duplicate_of")):
            if "duplicate_of" in frame.columns:
                raise NotImplementedError("KeepRows cannot say of which row another is a duplicate; use Keep")
            gone = frame.filter(pl.col(DROP).is_not_null())
            yield gone.select(
                "id",
                "source",
                pl.col(DROP).str.replace(r"/.*$", "").alias("stage"),
                pl.col(DROP).str.replace(r"^[^/]*/", "").alias("reason"),
                pl.lit(None, dtype=pl.String).alias("duplicate_of"),
            )
