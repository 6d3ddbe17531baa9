"""The steps that the recipes of annotation are put together from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from dataset_cards.versions.errors import BadRecipe
from dataset_cards.versions.step import Op, Step
from dataset_cards.versions.version import DatasetVersion

from .adjudicate import Adjudicate
from .collect import Collect
from .decide.judgements import Judgements
from .settled import Until
from .task import Task

First = Literal["highest", "lowest", "closest"]
Level = Literal["nominal", "ordinal", "ranking"]


@dataclass(frozen=True, kw_only=True)
class People:
    """Who is asked; see `collect.Collect`."""

    annotators: Sequence[str] | None
    pool: str | None
    overlap: int
    left: Sequence[str] | None
    joined: Sequence[str] | None
    enough: int | None


@dataclass(frozen=True, kw_only=True)
class Hidden:
    """What stands in the queues besides plain rows; see `collect.Collect`."""

    gold: DatasetVersion | None = None
    gold_share: float = 0.1
    calibration: int = 0
    repeat: float = 0.0


def collected(
    task: Task,
    rows: DatasetVersion,
    people: People,
    hidden: Hidden | None = None,
    *,
    first: str | None,
    first_by: First,
    most: int | None,
    seed: int,
) -> Step:
    """The step that asks.

    Raises:
        BadRecipe: the rows, or the gold, are not of a type that the task can show.
    """
    hidden = hidden or Hidden()
    inputs = (rows,) if hidden.gold is None else (rows, hidden.gold)
    for version in inputs:
        if version.kind not in task.reads:
            raise BadRecipe(f"{version.ref} holds {version.kind}; {task.name} are about {' or '.join(task.reads)}")
    op = Collect(
        task=task,
        annotators=tuple(people.annotators or ()),
        pool=people.pool,
        overlap=people.overlap,
        left=tuple(people.left or ()),
        joined=tuple(people.joined or ()),
        enough=people.enough,
        calibration=hidden.calibration,
        gold_share=hidden.gold_share,
        repeat=hidden.repeat,
        first=first,
        first_by=first_by,
        most=most,
        seed=seed,
    )
    return Step(f"{task.name}/collect", op, inputs)


def adjudicated(
    task: Task,
    rows: DatasetVersion,
    first: Step,
    adjudicators: Sequence[str] | None,
    until: Until,
    show: bool,
    min_gold: float | None,
    seed: int,
) -> Step:
    """The step that asks adjudicators, where some are named; else the `first` one.

    Raises:
        BadRecipe: something is said about adjudication that cannot come about.
    """
    if not adjudicators:
        if until != "majority" or show or min_gold is not None:
            raise BadRecipe("until, show_first and min_gold are about adjudication: add adjudicators=a1,...")
        return first
    if min_gold is not None and len(first.inputs) < 2:
        raise BadRecipe(f"min_gold={min_gold:g} looks at answers to gold, and there is none: add gold=NAME@VERSION")
    op = Adjudicate(task=task, adjudicators=tuple(adjudicators), until=until, show=show, min_gold=min_gold, seed=seed)
    return Step(f"{task.name}/adjudicate", op, (rows, first))


def then(task: Task, rows: DatasetVersion, judged: Step, op: Op) -> Step:
    """What the judgements become."""
    return Step(f"{task.name}/{type(op).__name__.lower()}", op, (rows, judged))


def raw(
    task: Task, rows: DatasetVersion, judged: Step, level: Level, seed: int, slices: tuple[str, ...] = ("source",)
) -> Step:
    """The judgements themselves."""
    return then(task, rows, judged, Judgements(task=task.name, level=level, slices=slices, seed=seed, **said(rows)))


def guided(task: Any, path: Path | None) -> Any:
    """The task with the guidelines in a file, if one is given."""
    if path is None:
        return task
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadRecipe(f"guidelines={path}: {error}") from error
    return replace(task, guidelines=text)


def cut(given: Sequence[str] | None) -> tuple[str, ...]:
    """By what agreement is reported; by the source of the rows where nothing is said."""
    return ("source",) if given is None else tuple(given)


def said(rows: DatasetVersion) -> dict[str, Any]:
    """What the card repeats of the rows that were judged."""
    return {"license": rows.json["license"], "source": rows.json.get("source")}
