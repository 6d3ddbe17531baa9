"""`facts["agreement"]` of a version: everything that is said about how far the people behind its judgements agree."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from ..judged import FIRST
from .answers import Answers, Level, cut, of_question, questions
from .behaviour import behaviour
from .pairs import natural
from .places import NOTE, by_place
from .question import measured

LABELS = 100  # different answers; more than that are texts


def agreement(
    judgements: pl.DataFrame,
    *,
    task: str,
    level: Level,
    slices: Mapping[str, Mapping[str, str]] | None = None,
    guidelines: Mapping[str, str] | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """How far people agree, as JSON-able facts; intervals are [value, low, high] at 95 %, null where undefined.

    Main and calibration answers count for agreement; gold, repeated and adjudicated ones are told apart, and discarded
    ones are counted and left out. The order of rows has no effect where answers carry their time.

    Args:
        judgements: under SCHEMA of `annotation.judged`.
        task: its name. Answers of `ratings`, and ordinal ones that are JSON objects, are measured by question;
            `demonstrations` are texts, whose agreement is not measured.
        level: `ordinal` answers are numbers; `ranking` takes `ranks`.
        slices: by name of a slice, the value of each record that has one.
        guidelines: their text by revision.
        seed: of the resamples.

    Raises:
        ValueError: an answer is not what the task and level say; the message names it.
    """
    answers = cut(judgements)
    first = answers.first
    seen = first.group_by("record").len()
    notes = _notes(judgements, answers)
    people = sorted(judgements.filter(pl.col("batch") != "adjudication")["annotator"].unique(), key=natural)
    counts = dict(first.group_by("annotator").len().iter_rows())
    facts: dict[str, Any] = {
        "task": task,
        "level": level,
        "records": seen.height,
        "judgements": first.height,
        "annotators": len(counts),
        "twice": seen.filter(pl.col("len") > 1).height,
        "discarded": answers.discarded,
        "question": None,
    }
    shown: dict[str, Any] = {}
    by_question = task == "ratings" or (level == "ordinal" and bool(first["answer"].str.starts_with("{").any()))
    if by_question:
        facts["questions"] = {}
        for name in questions([first, answers.gold, answers.repeats]):
            parts = [of_question(part, name) for part in (first, answers.gold, answers.repeats)]
            facts["questions"][name] = measured(parts, level, slices or {}, seed, f"{name}: ", notes)
        notes.append("agreement, gold accuracy and repeated answers of people stand under each question")
    elif task == "demonstrations" or (level == "nominal" and first["answer"].n_unique() > LABELS):
        notes.append("answers are texts, and whether texts agree is not measured")
    else:
        parts = [first, answers.gold, answers.repeats]
        placed = by_place(parts) if task == "comparisons" else None
        shown = measured(placed or parts, level, slices or {}, seed, "", notes)
        if placed:
            shown["labels"] = dict(sorted(first["answer"].value_counts().iter_rows()))
            notes.append(NOTE)
    people_measured = {entry["annotator"]: entry for entry in shown.pop("by_annotator", [])}
    acts = behaviour(answers.queue, people, level, notes, by_question=by_question)
    nothing: dict[str, Any] = {"agreement": None, "gold": None, "gold_items": 0, "repeat": None}
    facts |= shown
    facts["by_annotator"] = [
        {"annotator": who, "judgements": counts.get(who, 0), "reliability": None, "weight": None}
        | nothing
        | people_measured.get(who, {})
        | acts[who]
        for who in people
    ]
    facts["guidelines"] = _guidelines(first, guidelines or {})
    facts["notes"] = notes
    return facts


def _guidelines(first: pl.DataFrame, texts: Mapping[str, str]) -> list[dict[str, Any]]:
    counts = first.drop_nulls("guidelines").group_by("guidelines").len().sort("guidelines")
    return [{"revision": one, "text": texts.get(one, ""), "judgements": n} for one, n in counts.iter_rows()]


def _notes(judgements: pl.DataFrame, answers: Answers) -> list[str]:
    kept = judgements.filter(~pl.col("discarded"))
    apart = [f"{n:,} {batch}" for batch, n in sorted(kept["batch"].value_counts().iter_rows()) if batch not in FIRST]
    notes = [f"answers not counted in agreement: {', '.join(apart)}"] if apart else []
    if answers.again:
        notes.append(f"{answers.again:,} answers were left out: the same person answered the same record again later")
    return notes
