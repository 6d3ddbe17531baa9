"""What a decided version says about the people behind it."""

import json
from collections.abc import Mapping
from typing import Any, Literal

import polars as pl

from dataset_cards.versions.store import DONE
from dataset_cards.versions.table import Table

from .votes import contradictions

Level = Literal["nominal", "ordinal", "ranking"]


def agreement_facts(
    table: Table,
    judgements: pl.DataFrame,
    *,
    task: str,
    level: Level,
    source: Table | None = None,
    slices: tuple[str, ...] = (),
    decided: Mapping[str, int] | None = None,
    reliability: Mapping[str, list[float]] | None = None,
    weight: Mapping[str, float] | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """`facts["agreement"]`: how far people agree, how far each is trusted, and how the labels came about.

    Args:
        table: where the judgements lie; what was said about them there (the texts of the guidelines) is taken along.
        slices: names of columns or of metadata of the source by whose values agreement is reported.
        reliability, weight: by annotator.
    """
    from ..agreement.facts import agreement

    facts = agreement(
        judgements,
        task=task,
        level=level,
        slices=slice_values(source, judgements, slices) if source is not None else {},
        guidelines=_guidelines(table),
        seed=seed,
    )
    people = [
        {
            **one,
            "reliability": (reliability or {}).get(one["annotator"]),
            "weight": (weight or {}).get(one["annotator"]),
        }
        for one in facts.get("by_annotator", [])
    ]
    found = {**facts, "by_annotator": people} if people else dict(facts)
    if decided is not None:
        found["decided"] = dict(decided)
    strangers = _strangers(source, judgements) if source is not None else []
    if notes := [*facts.get("notes", []), *contradictions(judgements), *strangers]:
        found["notes"] = notes
    return found


def slice_values(source: Table, judgements: pl.DataFrame, slices: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """By slice, then by record that was judged: its value, of a column or of the metadata; absent where it has none."""
    found: dict[str, dict[str, str]] = {name: {} for name in slices}
    columns = source.schema().names
    wanted = [name for name in ("id", "metadata", *slices) if name in columns]
    seen = judgements.get_column("record").unique().implode()
    for frame in source.frames(wanted):
        for row in frame.filter(pl.col("id").is_in(seen)).iter_rows(named=True):
            notes = json.loads(row["metadata"] or "{}")
            for name in slices:
                value = row.get(name) if row.get(name) is not None else notes.get(name)
                if isinstance(value, str | int | bool):
                    found[name][row["id"]] = str(value)
    return {name: values for name, values in found.items() if values}


def _strangers(source: Table, judgements: pl.DataFrame) -> list[str]:
    """A sentence about judgements of records that the source does not have."""
    about = judgements.filter(pl.col("batch") != "gold").get_column("record")
    unknown = set(about)
    for frame in source.frames(["id"]):
        unknown -= set(frame.get_column("id"))
    many = about.is_in(list(unknown)).sum()
    return [f"{many:,} judgements are about records that the source does not have; they decide nothing"] if many else []


def _guidelines(table: Table) -> dict[str, str]:
    """Texts by revision."""
    facts = remembered(table)
    said = facts.get("guidelines") or facts.get("agreement", {}).get("guidelines") or {}
    if isinstance(said, Mapping):
        return dict(said)
    return {one["revision"]: one["text"] for one in said if one.get("text")}


def remembered(table: Table) -> dict[str, Any]:
    """The facts of the step or version whose rows these are; of a table by itself, none."""
    for name in (DONE, "version.json"):
        if table.folder.exists(name):
            facts: dict[str, Any] = table.folder.read_json(name).get("facts", {})
            return facts
    return {}
