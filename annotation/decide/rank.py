"""The op that turns several people's rankings of the same responses into one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Job

from ..judged import judged
from .orders import ByRank, Order, orders, weigh
from .rows import Dropped, Kept, Made, Row, decided_facts, inputs, keep_judgements, kind_of, noted, write_rows
from .told import agreement_facts

STAGE = "rank"


@dataclass(frozen=True, kw_only=True)
class Rank:
    """Inputs: rankings, and judgements with `ranks` for their responses; out come rankings with the ranks of people.

    The source's own ranks are replaced. `metadata` says how each row was `decided`, by how many `judges`, and the
    `mean_ranks` of the responses.

    Attributes:
        by: see `orders`.
        slices, license, source: as in `Prefer`.
    """

    revision: ClassVar[int] = 1

    by: ByRank = "mean"
    slices: tuple[str, ...] = ("source",)
    license: str = "unknown"
    source: str | None = None
    seed: int = 0

    def run(self, job: Job) -> dict[str, Any]:
        """Facts for the card.

        Raises:
            Misuse: a judgement ranks another number of responses than its row has.
        """
        source, table = inputs(job, "Rank")
        kind_of(source, ("rankings",), "Rank")
        judgements = judged(table)
        weighed = weigh(judgements, seed=self.seed)
        found = orders(judgements, by=self.by, weighed=weighed)
        shown = set(judgements.get_column("record"))

        def make(row: Row) -> Iterator[Made]:
            yield _made(row, found.get(row["id"]), row["id"] in shown)

        write_rows(job, source, kind="rankings", stage=STAGE, make=make, units=lambda row: 1)
        keep_judgements(job, table)
        facts = agreement_facts(
            table,
            judgements,
            task="rankings",
            level="ranking",
            source=source,
            slices=self.slices,
            decided=decided_facts(job),
            reliability=weighed.reliability,
            weight=weighed.weight if self.by == "bradley-terry" else None,
            seed=self.seed,
        )
        return {"kind": "rankings", "license": self.license, "source": self.source, "agreement": facts}


def _made(row: Row, order: Order | None, shown: bool) -> Made:
    if order is None:
        return Dropped(id=row["id"], reason=silence(shown))
    check_size(row, order)
    notes = {"decided": order.how, "judges": len(order.given), "mean_ranks": order.means()}
    return Kept(row={**row, "ranks": order.ranks, "metadata": noted(row["metadata"], notes)}, how=order.how)


def silence(shown: bool) -> str:
    """Why nobody has a vote: nobody was asked, or whoever was asked would not or could not say."""
    return "all-discarded" if shown else "no-votes"


def check_size(row: Row, order: Order) -> None:
    """Raises Misuse where people ranked another number of responses than the row has."""
    if len(order.ranks) != len(row["responses"]):
        raise Misuse(
            f"record {row['id']!r} has {len(row['responses'])} responses, but {order.given[0][0]} ranked "
            f"{len(order.ranks)}; are these judgements about this source?"
        )
