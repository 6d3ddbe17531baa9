"""What a trainer hands back: measures, curves, and everything the model's documents say about the run."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from .measure import Measure


@dataclass(frozen=True, kw_only=True)
class Plot:
    """One picture: values of the curves over the steps, or one of them against another.

    Attributes:
        name: of the file, without its ending.
        title: what it shows.
        lines: names of the values drawn.
        over: the value of the horizontal axis.
    """

    name: str
    title: str
    lines: tuple[str, ...]
    over: str = "step"


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """One table of the model card, such as accuracy by slice."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a training run.

    Attributes:
        measures: on held-out rows. The first is the one that has to become better.
        curves: one mapping per logged step, each with `step`; values are finite numbers.
        plots: the pictures to draw of them.
        sheets: tables for the model card.
        facts: whatever else is to be known, as JSON.
        notes: sentences for whoever reads the card.
    """

    measures: tuple[Measure, ...]
    curves: Sequence[Mapping[str, float]]
    plots: tuple[Plot, ...] = ()
    sheets: tuple[Sheet, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "Outcome":
        """Back from `json()`."""
        return cls(
            measures=tuple(Measure.of(one) for one in record["measures"]),
            curves=record["curves"],
            plots=tuple(Plot(**{**one, "lines": tuple(one["lines"])}) for one in record["plots"]),
            sheets=tuple(
                Sheet(**{**one, "header": tuple(one["header"]), "rows": tuple(map(tuple, one["rows"]))})
                for one in record["sheets"]
            ),
            facts=record["facts"],
            notes=tuple(record["notes"]),
        )
