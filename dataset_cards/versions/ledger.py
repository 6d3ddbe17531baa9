"""Conservation: every row read ends as kept, as dropped with one reason, or in quarantine."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


class Unbalanced(RuntimeError):
    """Rows went in that did not come out; the step must not be trusted."""


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """Row counts of one part, one step or one version; ledgers of parts add up."""

    read: int = 0
    kept: int = 0
    quarantined: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: "Ledger") -> "Ledger":
        reasons = sorted({*self.dropped, *other.dropped})
        return Ledger(
            read=self.read + other.read,
            kept=self.kept + other.kept,
            quarantined=self.quarantined + other.quarantined,
            dropped={reason: self.dropped.get(reason, 0) + other.dropped.get(reason, 0) for reason in reasons},
        )

    def check(self, where: str) -> "Ledger":
        """This ledger, once it adds up.

        Raises:
            Unbalanced: when rows are missing or counted twice.
        """
        gone = sum(self.dropped.values())
        if self.read != self.kept + gone + self.quarantined:
            raise Unbalanced(
                f"{where}: {self.read} rows read, but {self.kept} kept + {gone} dropped + "
                f"{self.quarantined} quarantined = {self.kept + gone + self.quarantined}; this is a bug in the step, "
                "its output was not marked as done"
            )
        return self

    def json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> "Ledger":
        return cls(**value)


def total(ledgers: Iterable[Ledger]) -> Ledger:
    """The sum of the ledgers; of none, an empty one."""
    result = Ledger()
    for ledger in ledgers:
        result += ledger
    return result


def overall(funnel: Sequence[Mapping[str, Any]]) -> Ledger:
    """One ledger over stages that follow on from each other: what the first read, what the last kept."""
    stages = [Ledger.of({key: value for key, value in entry.items() if key != "stage"}) for entry in funnel]
    if not stages:
        return Ledger()
    gone = total(stages)
    return Ledger(read=stages[0].read, kept=stages[-1].kept, quarantined=gone.quarantined, dropped=gone.dropped)
