"""Passing a batch of documents through stages: score what is alive, decide, remember the first reason.

Scores of another run may be handed in (`known`): a row that a stage has measured before is not measured again. So a
changed threshold costs a comparison, and only rows that it brings back to life are measured by the stages after it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import polars as pl

from dataset_cards.versions.errors import BadRecipe

from .layers import DROP, OVERLAYS, TEXT
from .stage import Docs, Stage

# How many of the stages have measured a row.
REACHED = "reached"


@dataclass
class Funnel:
    """Row counts stage by stage, added up over the batches of a task."""

    stages: list[str]
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    alive: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(set(self.stages)) != len(self.stages):
            raise BadRecipe(f"two stages of one pass share a name: {', '.join(self.stages)}; put them in two passes")

    def add(self, stage: str, alive: int, reasons: pl.Series) -> None:
        """Count a batch: `alive` rows came in, `reasons` names the reason of each that did not go on (null: it did)."""
        self.alive[stage] = self.alive.get(stage, 0) + alive
        counts = self.counts.setdefault(stage, {})
        for reason, rows in reasons.drop_nulls().value_counts().iter_rows():
            counts[reason] = counts.get(reason, 0) + rows

    def json(self) -> list[dict[str, object]]:
        """One ledger per stage, in order."""
        entries = []
        for stage in self.stages:
            read, dropped = self.alive.get(stage, 0), dict(sorted(self.counts.get(stage, {}).items()))
            kept = read - sum(dropped.values())
            entries.append({"stage": stage, "read": read, "kept": kept, "quarantined": 0, "dropped": dropped})
        return entries


def mark(
    stages: Sequence[Stage],
    drop: pl.Series,
    load: Callable[[], pl.DataFrame],
    known: pl.DataFrame | None,
    funnel: Funnel,
) -> pl.DataFrame:
    """The sidecar of one batch.

    Args:
        stages: in the order in which they see the documents.
        drop: the reasons so far, null for rows still alive, shape (rows,).
        load: gives the documents, shape (rows, columns of a document); called only if something must be measured.
        known: the sidecar that the same stages wrote with other thresholds.
        funnel: counts what happens here.

    Returns:
        shape (rows, ...): `drop`, where a stage here drops; `reached`; and what the stages measured as
        `<stage>.<column>`, null where a row never reached the stage. `<stage>.text` is a replaced text, null where
        the stage left it as it was.
    """
    alive = drop.is_null()
    nothing = pl.Series([0] * drop.len(), dtype=pl.UInt8)
    reason = pl.Series([None] * drop.len(), dtype=pl.String)
    reached = nothing
    before = known.get_column(REACHED) if known is not None else nothing
    batch = _Batch(load, known)
    for number, stage in enumerate(stages):
        scores = batch.measure(stage, alive, before > number)
        reached = reached + alive.cast(pl.UInt8)
        verdict = verdicts(stage, scores).set(~alive, None)
        funnel.add(stage.name(), int(alive.sum()), verdict)
        reason = pl.select(pl.coalesce(reason, verdict)).to_series()
        alive = alive & verdict.is_null()
    return pl.DataFrame([reason.alias(DROP), reached.alias(REACHED), *batch.columns])


def verdicts(stage: Stage, scores: pl.DataFrame) -> pl.Series:
    """The first reason that holds for each row of the bare-named `scores`, e.g. `gopher-quality/too-short`."""
    for reason, rule in stage.drop().items():
        if rule.signal not in scores.columns:
            known = ", ".join(scores.columns) or "nothing"
            raise BadRecipe(f"{stage.name()}: the rule {reason!r} reads {rule.signal!r}, but score gives {known}")
    tests = [pl.when(rule.expr).then(pl.lit(f"{stage.name()}/{reason}")) for reason, rule in stage.drop().items()]
    if not tests:
        return pl.Series([None] * scores.height, dtype=pl.String)
    return scores.select(pl.coalesce(tests).cast(pl.String)).to_series()


class _Batch:
    """The documents of one batch on their way through the stages, loaded only when a stage has to measure."""

    def __init__(self, load: Callable[[], pl.DataFrame], known: pl.DataFrame | None) -> None:
        self.columns: list[pl.Series] = []
        self._load = load
        self._known = known
        self._edits: dict[str, pl.Series] = {}
        self._docs: Docs | None = None
        self._holds: pl.Series | None = None  # the rows of the batch that `_docs` has

    def measure(self, stage: Stage, alive: pl.Series, measured: pl.Series) -> pl.DataFrame:
        """The stage's columns under their bare names for the whole batch, null for rows that are not alive."""
        todo, ready = alive & ~measured, alive & measured
        if self._known is None:
            scores = self._score(stage, todo)
        else:
            scores = _only(_bare(self._known, stage), ready)
            if todo.any():
                fresh = self._score(stage, todo)
                scores = pl.DataFrame(
                    [pl.select(pl.coalesce(scores[c], fresh[c])).to_series().alias(c) for c in fresh.columns]
                )
        self.columns += [column.alias(f"{stage.name()}.{column.name}") for column in scores]
        for name in OVERLAYS:
            if name in scores.columns and scores.get_column(name).null_count() < scores.height:
                self._edit(name, scores.get_column(name))
        return scores

    def _score(self, stage: Stage, todo: pl.Series) -> pl.DataFrame:
        """What the stage measures on the rows where `todo` is true, laid out over all rows with nulls between."""
        scores = stage.score(self._documents(todo))
        if scores.height != todo.sum():
            raise BadRecipe(f"{stage.name()}: score gave {scores.height} rows for {todo.sum()} documents")
        return _spread(scores, todo)

    def _edit(self, name: str, new: pl.Series) -> None:
        old = self._edits.get(name)
        self._edits[name] = new if old is None else pl.select(pl.coalesce(new, old)).to_series()
        if name == TEXT:
            self._docs = None  # what was worked out about the old text does not hold for the new

    def _documents(self, rows: pl.Series) -> Docs:
        if self._docs is not None and self._holds is not None and not (rows & ~self._holds).any():
            self._docs = self._docs.filter(rows.filter(self._holds))
        else:
            frame = self._load()
            edited = [pl.coalesce(edit, pl.col(name)).alias(name) for name, edit in self._edits.items()]
            self._docs = Docs(frame.with_columns(edited).filter(rows))
        self._holds = rows
        return self._docs


def _spread(scores: pl.DataFrame, rows: pl.Series) -> pl.DataFrame:
    """Scores of the rows where `rows` is true, in their places among nulls."""
    if scores.height == rows.len():
        return scores
    place = pl.select(pl.when(rows).then(rows.cast(pl.UInt32).cum_sum() - 1)).to_series()
    return scores.select(pl.all().gather(place)) if scores.height else scores.clear(rows.len())


def _bare(known: pl.DataFrame, stage: Stage) -> pl.DataFrame:
    prefix = f"{stage.name()}."
    return known.select(pl.col(c).alias(c.removeprefix(prefix)) for c in known.columns if c.startswith(prefix))


def _only(scores: pl.DataFrame, rows: pl.Series) -> pl.DataFrame:
    return scores.with_columns(pl.when(rows).then(pl.all()).name.keep())
