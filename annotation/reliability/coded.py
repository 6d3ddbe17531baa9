"""Answers as numbers: what the estimates compute with."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Coded:
    """One entry per answer, ordered by record and then annotator; names are sorted, numbers point into them.

    Attributes:
        record, annotator, label: int64, one per answer.
        starts: for each record, the place of its first answer; every record has one.
    """

    records: tuple[str, ...]
    annotators: tuple[str, ...]
    labels: tuple[str, ...]
    record: Ints
    annotator: Ints
    label: Ints
    starts: Ints


def coded(answers: pl.DataFrame, labels: tuple[str, ...] = ()) -> Coded:
    """Columns `record`, `annotator` and `answer` as numbers; one person may answer a record several times.

    Args:
        labels: that count as possible though nobody gave them.
    """
    answers = answers.select("record", "annotator", "answer").sort("record", "annotator", "answer")
    names = [sorted(answers.get_column(name).unique().to_list()) for name in answers.columns]
    names[2] = sorted({*names[2], *labels})
    numbers = [
        answers.get_column(column).cast(pl.Enum(own)).to_physical().cast(pl.Int64).to_numpy()
        if own
        else np.zeros(0, dtype=np.int64)
        for column, own in zip(answers.columns, names, strict=True)
    ]
    return Coded(
        records=tuple(names[0]),
        annotators=tuple(names[1]),
        labels=tuple(names[2]),
        record=numbers[0],
        annotator=numbers[1],
        label=numbers[2],
        starts=np.searchsorted(numbers[0], np.arange(len(names[0]))).astype(np.int64),
    )
