"""Which judgements count for agreement, and what each of them says, one value for each question."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from ..judged import ADJUDICATION, FIRST

Level = Literal["nominal", "ordinal", "ranking"]


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Judgements of one task, cut by what they are good for.

    Attributes:
        first: what agreement is measured on, one row for each person and record, sorted.
        gold: answers to items whose answer is known.
        repeats: second answers of a person to a record, under another order.
        queue: all answers of people in their own queues, in the order of time, for flags.
        discarded: how many looked at a row and would not answer.
        again: how many answers of `first` were left out because the same person answered the same record later.
    """

    first: pl.DataFrame
    gold: pl.DataFrame
    repeats: pl.DataFrame
    queue: pl.DataFrame
    discarded: int
    again: int


def cut(judgements: pl.DataFrame) -> Answers:
    """Judgements under SCHEMA of `annotation.judged`, cut. Of two answers to one row the later counts."""
    numbered = judgements.with_row_index("place")
    kept = numbered.filter(~pl.col("discarded"))
    first = kept.filter(pl.col("batch").is_in(FIRST))
    # Where no time is known, the later row is the later answer.
    last = first.sort("at", "place", nulls_last=False).unique(["record", "annotator"], keep="last", maintain_order=True)
    return Answers(
        first=last.sort("record", pl.col("annotator").str.len_chars(), "annotator"),  # a2 before a10
        gold=kept.filter(pl.col("batch") == "gold", pl.col("gold").is_not_null()).sort("annotator", "record", "place"),
        repeats=kept.filter(pl.col("batch") == "repeat").sort("annotator", "record", "place"),
        # Adjudicators look at rows that were picked, in a queue of their own.
        queue=kept.filter(~pl.col("batch").is_in(ADJUDICATION)).sort("annotator", "at", "place"),
        discarded=numbered.filter(pl.col("discarded") & pl.col("batch").is_in(FIRST)).height,
        again=first.height - last.height,
    )


def questions(frames: Sequence[pl.DataFrame]) -> list[str]:
    """The names of the questions in answers that are JSON objects, sorted.

    Raises:
        ValueError: an answer is no JSON object; it says whose and about what.
    """
    names: set[str] = set()
    for frame in frames:
        for row in frame.select("record", "annotator", "answer").iter_rows():
            names.update(_object(*row))
    return sorted(names)


def of_question(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """The answers to one question in place of the whole answers; rows without one are left out."""
    rows = frame.select("record", "annotator", "answer").iter_rows()
    answers = pl.Series("answer", [_text(_object(*row).get(name)) for row in rows], dtype=pl.String)
    known = [None if text is None else json.loads(text) for text in frame["gold"]]
    gold = [_text(one.get(name)) if isinstance(one, dict) else None for one in known]
    return frame.with_columns(answers, pl.Series("gold", gold, dtype=pl.String)).filter(pl.col("answer").is_not_null())


def coded(first: pl.DataFrame, level: Level) -> tuple[pl.DataFrame, list[str]]:
    """The answers with `code`, the number of the label; and the labels, ascending where they are numbers.

    Raises:
        ValueError: the level is ordinal and a label is no number.
    """
    labels = sorted(first["answer"].unique().to_list(), key=number if level == "ordinal" else None)
    codes = {label: code for code, label in enumerate(labels)}
    return first.with_columns(code=pl.col("answer").replace_strict(codes, return_dtype=pl.Int64)), labels


def as_numbers(frame: pl.DataFrame) -> pl.DataFrame:
    """The same number always written the same, so that 4 and 4.0 are one answer, in `answer` and `gold`."""
    texts = {text for name in ("answer", "gold") for text in frame[name].drop_nulls().unique()}
    same = {text: f"{number(text):.12g}" for text in sorted(texts)}
    return frame.with_columns(pl.col("answer", "gold").replace(same))


def number(label: str) -> float:
    """The number an ordinal label stands for."""
    try:
        value = float(label)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(
            f"the answer {label[:60]!r} is no number, and ordinal answers are; measure labels without order as nominal"
        )
    return value


def _object(record: str, annotator: str, answer: str) -> Mapping[str, Any]:
    try:
        value = json.loads(answer)
    except json.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise ValueError(
            f"the ratings of {annotator} about {record} are {answer[:60]!r}; "
            "they must be a JSON object with one rating for each question"
        )
    return value


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)
