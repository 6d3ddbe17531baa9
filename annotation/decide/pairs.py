"""The op that turns rankings into pairs of a better and a worse response."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, ClassVar, Literal

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Job

from ..judged import judged
from .orders import Order, midranks, orders, weigh
from .rank import check_size, silence
from .rows import (
    Dropped,
    Kept,
    Made,
    Row,
    decided_facts,
    even_rows,
    keep_judgements,
    kind_of,
    noted,
    source_of,
    write_rows,
)
from .told import agreement_facts

STAGE = "pairs"


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Inputs: rankings, and perhaps the judgements behind them; out come preferences, one per pair of responses.

    Without judgements the ranks of the rows decide. With them the ranks that people gave do, by their mean, and each
    pair has the vote of everybody. The ledger counts pairs: of n responses there are n (n - 1) / 2.

    Attributes:
        min_gap: pairs whose (mean) ranks are nearer than this are dropped; ties are not asked.
        ties: pairs of equal ranks. Kept, they have margin 0 and the response that comes first as chosen.
        most: at most so many pairs of one ranking, those with the largest gap, of equals the first; null for all.
        slices, license, source: as in `Prefer`.
    """

    revision: ClassVar[int] = 1

    min_gap: float = 0.0
    ties: Literal["keep", "drop"] = "keep"
    most: int | None = None
    slices: tuple[str, ...] = ("source",)
    license: str = "unknown"
    source: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.most is not None and self.most < 1:
            raise ValueError(f"most={self.most}: at least one pair of each ranking, or None for all")

    def run(self, job: Job) -> dict[str, Any]:
        """Facts for the card; `agreement` only where there are judgements.

        Raises:
            Misuse: the source holds no rankings, or a judgement ranks another number of responses than its row has.
        """
        if not 1 <= len(job.inputs) <= 2:
            raise Misuse(f"Pairs needs rankings, and perhaps judgements; it was given {len(job.inputs)} inputs")
        source = job.inputs[0]
        kind_of(source, ("rankings",), "Pairs")
        judgements = judged(job.inputs[1]) if len(job.inputs) == 2 else None
        found = orders(judgements) if judgements is not None else {}
        shown = set(judgements.get_column("record")) if judgements is not None else set()

        def make(row: Row) -> Iterator[Made]:
            own = Order(ranks=row["ranks"], scores=midranks(row["ranks"]), how="", given=())
            order = own if judgements is None else found.get(row["id"])
            if order is None:
                reason = silence(row["id"] in shown)
                yield from (Dropped(id=_name(row, a, b), reason=reason) for a, b in _all(row))
                return
            check_size(row, order)
            yield from self._made(row, order)

        write_rows(job, source, kind="preferences", stage=STAGE, make=make, units=_units)
        facts: dict[str, Any] = {"kind": "preferences", "license": self.license, "source": self.source}
        facts["ties"] = even_rows(job)
        if judgements is None:
            return facts
        keep_judgements(job, job.inputs[1])
        facts["agreement"] = agreement_facts(
            job.inputs[1],
            judgements,
            task="rankings",
            level="ranking",
            source=source,
            slices=self.slices,
            decided=decided_facts(job),
            reliability=weigh(judgements, seed=self.seed).reliability,
            seed=self.seed,
        )
        return facts

    def _made(self, row: Row, order: Order) -> Iterator[Made]:
        size, scores = len(order.scores), order.scores
        gaps = {(a, b): round(abs(scores[a] - scores[b]), 6) for a, b in _all(row)}
        reasons = {pair: self._reason(row, pair, gap) for pair, gap in gaps.items()}
        wanted = [pair for pair, reason in reasons.items() if reason is None]
        taken = set(sorted(wanted, key=lambda pair: -gaps[pair])[: self.most])
        for (a, b), gap in gaps.items():
            if (reason := reasons[a, b]) or (a, b) not in taken:
                yield Dropped(id=_name(row, a, b), reason=reason or "over-limit", how=order.how or None)
                continue
            better, worse = (a, b) if scores[a] <= scores[b] else (b, a)
            yield Kept(row=_pair(row, order, better, worse, round(gap / (size - 1), 6)), how=order.how or None)

    def _reason(self, row: Row, pair: tuple[int, int], gap: float) -> str | None:
        first, second = (row["responses"][number]["content"] for number in pair)
        if first == second:
            return "same-responses"
        if gap == 0:
            return "tie" if self.ties == "drop" else None
        return "small-gap" if gap < self.min_gap else None


def _all(row: Row) -> Sequence[tuple[int, int]]:
    return list(combinations(range(len(row["responses"])), 2))


def _units(row: Row) -> int:
    return math.comb(len(row["responses"]), 2)


def _name(row: Row, a: int, b: int) -> str:
    """The id of a pair does not depend on which is better: the row, and the places of the responses in it, from 1."""
    return f"{row['id']}/{min(a, b) + 1}-{max(a, b) + 1}"


def _pair(row: Row, order: Order, better: int, worse: int, margin: float) -> dict[str, Any]:
    first, second = row["responses"][better], row["responses"][worse]
    origins = [first["origin"], second["origin"]]
    notes = {
        "ranking": row["id"],
        "responses": [first["id"], second["id"]],
        "origins": origins if any(origins) else None,
        "ranks": [order.ranks[better], order.ranks[worse]],
        "decided": order.how or None,
    }
    return {
        "id": _name(row, better, worse),
        "prompt": row["prompt"],
        "chosen": [{"role": "assistant", "content": first["content"]}],
        "rejected": [{"role": "assistant", "content": second["content"]}],
        "margin": margin,
        "votes": [{"annotator": name, "choice": _choice(ranks[better], ranks[worse])} for name, ranks in order.given],
        "source": source_of(row),
        "origin": first["origin"] if first["origin"] == second["origin"] else None,
        "parents": [row["id"]],
        "metadata": noted(row["metadata"], notes),
    }


def _choice(chosen: int, rejected: int) -> str:
    if chosen == rejected:
        return "tie"
    return "chosen" if chosen < rejected else "rejected"
