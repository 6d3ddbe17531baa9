"""The op that makes a version of the judgements themselves."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Job
from dataset_cards.versions.schemas import schema

from ..judged import judged
from .orders import weigh
from .rows import kind_of
from .told import agreement_facts
from .trust import trust


@dataclass(frozen=True, kw_only=True)
class Judgements:
    """Inputs: judgements, or the source they are about and then the judgements; out come all judgements as they are.

    Attributes:
        task: which task was done, e.g. `comparisons`.
        level: what answers are: labels, numbers by question, or rankings.
        slices: as in `Prefer`, where the source is given.
        license, source: for the card.
    """

    revision: ClassVar[int] = 1

    task: str
    level: Literal["nominal", "ordinal", "ranking"] = "nominal"
    slices: tuple[str, ...] = ("source",)
    license: str = "unknown"
    source: str | None = None
    seed: int = 0

    def run(self, job: Job) -> dict[str, Any]:
        """Facts for the card."""
        if not 1 <= len(job.inputs) <= 2:
            raise Misuse(
                f"Judgements needs judgements, and perhaps their source; it was given {len(job.inputs)} inputs"
            )
        table = job.inputs[-1]
        kind_of(table, ("judgements",), "Judgements")
        for task in job.unfinished(len(table.parts)):
            rows = table.parts[task].rows
            funnel = {"stage": "judgements", "read": rows, "kept": rows, "quarantined": 0, "dropped": {}}
            job.write(task, table.batches(task), schema=schema("judgements"), funnel=[funnel])
        found = judged(table)
        people: dict[str, Any] = {}
        if self.level == "ranking":
            people = {"reliability": weigh(found, seed=self.seed).reliability}
        elif self.level == "nominal" and self.task != "demonstrations":
            people = {"reliability": trust(found, seed=self.seed).reliability}
        facts = agreement_facts(
            table,
            found,
            task=self.task,
            level=self.level,
            source=job.inputs[0] if len(job.inputs) == 2 else None,
            slices=self.slices,
            seed=self.seed,
            **people,
        )
        return {"kind": "judgements", "license": self.license, "source": self.source, "agreement": facts}
