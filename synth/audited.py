"""The op that leaves out verifiable rows whose answers nothing could check, before anybody is asked or trained."""

from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Job
from dataset_cards.versions.schemas import schema
from dataset_cards.versions.table import Part, write_parquet

from .evidence import ASIDE, aside_name, gather
from .verify.audit import audit
from .verify.verifiers import VERIFIERS


@dataclass(frozen=True, kw_only=True)
class Audited:
    """Verifiable rows in, those that their verifier can check out; the others are in the ledger with the reason.

    A row without a verifier is dropped as `no-verifier`, of an unknown one as `unknown-verifier`, and one whose
    reference answer its verifier cannot read as `unreadable-reference`; what exactly is wrong stands in the examples.

    Attributes:
        verifier: stands in for rows that name none.
    """

    revision: ClassVar[int] = 1

    verifier: str | None = None
    license: str = "unknown"
    source: str | None = None

    def __post_init__(self) -> None:
        if self.verifier is not None and self.verifier not in VERIFIERS:
            raise Misuse(f"verifier={self.verifier} is none; there are {', '.join(VERIFIERS)}")

    def run(self, job: Job) -> dict[str, Any]:
        """Facts: `audit`, by verifier how many rows it has and how many of them it cannot check."""
        (rows,) = job.inputs
        if set(rows.schema().names) != set(schema("verifiable").names):
            raise Misuse("an audit is of verifiable rows, which have a prompt, an answer and a verifier")
        for task in job.unfinished(max(len(rows.parts), 1)):
            frame = pl.concat(rows.batches(task)) if rows.parts else rows.collect()
            self._audit(job, task, frame)
        gather(job)
        counts: dict[str, dict[str, int]] = {}
        for fact in job.facts():
            for name, many, bad in fact["counts"]:
                one = counts.setdefault(name or "none", {"rows": 0, "uncheckable": 0})
                one["rows"] += many
                one["uncheckable"] += bad
        return {"kind": "verifiable", "license": self.license, "source": self.source, "audit": counts}

    def _audit(self, job: Job, task: int, frame: pl.DataFrame) -> None:
        named = frame.with_columns(pl.col("verifier").fill_null(pl.lit(self.verifier, pl.String)))
        found = audit(named)
        unknown = pl.col("verifier").is_in(list(VERIFIERS)).not_()
        bad = found.uncheckable.select(
            "id",
            pl.when(pl.col("verifier").is_null())
            .then(pl.lit("audit/no-verifier"))
            .when(unknown)
            .then(pl.lit("audit/unknown-verifier"))
            .otherwise(pl.lit("audit/unreadable-reference"))
            .alias("reason"),
            pl.format("{}\n\n{}", "problem", pl.col("answer").fill_null("")).alias("text"),
        )
        # By what was judged and not by id, which two rows may share.
        judged = ["verifier", "answer"]
        kept = named.join(found.uncheckable, on=judged, how="anti", nulls_equal=True, maintain_order="left")
        write_parquet(job.folder, aside_name(task), [bad], ASIDE)
        part = f"part-{task:05d}.parquet"
        write_parquet(job.folder, part, [kept], schema("verifiable"))
        dropped = dict(sorted(bad.get_column("reason").value_counts().iter_rows()))
        funnel = {"stage": "audit", "read": frame.height, "kept": kept.height, "quarantined": 0, "dropped": dropped}
        job.finish(task, [Part(part, kept.height)], funnel=[funnel], counts=found.counts.rows())
