"""Which answers count: one for each person and row, and none that was not meant as one."""

import polars as pl

from ..judged import ADJUDICATION, FIRST

GOLD = ("gold",)
PERSON = ("record", "annotator")


def votes(judgements: pl.DataFrame, batches: tuple[str, ...] = FIRST) -> pl.DataFrame:
    """The answers of `batches` that count, ordered by record and annotator; columns as they come.

    A person has one vote on a row: the last answer by time. Where that is a discard there is none; where several
    answers are last (judgements from elsewhere may have no times) and differ, there is none either.
    """
    last = _last(judgements.filter(pl.col("batch").is_in(list(batches))))
    return last.filter(pl.len().over(PERSON) == 1, ~pl.col("discarded")).sort(PERSON)


def contradictions(judgements: pl.DataFrame) -> list[str]:
    """A sentence about people who have no vote because their answers differ and none is the last, if there are any."""
    twice = sum(
        _last(judgements.filter(pl.col("batch").is_in(list(batches))))
        .group_by(PERSON)
        .len()
        .filter(pl.col("len") > 1)
        .height
        for batches in (FIRST, ADJUDICATION)
    )
    if not twice:
        return []
    return [f"{twice:,} times somebody answered a row differently at the same or an unknown time; none of it counts"]


def _last(given: pl.DataFrame) -> pl.DataFrame:
    """The last answers of each person to each row, those that say the same once."""
    time = pl.col("at").fill_null("")
    last = given.filter(time == time.max().over(PERSON))
    flat = [name for name, dtype in last.schema.items() if not dtype.is_nested()]
    said = ("answer", "discarded", *(["text"] if "text" in flat else []))
    return last.sort(flat, nulls_last=True).unique([*PERSON, *said], keep="first", maintain_order=True)
