"""When the texts of a version were made, as far as their sources say."""

from collections import Counter
from typing import Any

import polars as pl

from .batch import Batch

_ISO = r"^\s*(\d{4})(?:-?(\d{2})(?:-?(\d{2}))?)?(?:[T ].*)?\s*$"


class Dates:
    """`dates` of a column: `earliest`, `latest`, rows `by_year`, `missing`, `unreadable`.

    Read are dates as ISO 8601 writes them, from the year alone to the second; time zones are not looked at.
    """

    def __init__(self, column: str) -> None:
        self.column = column
        self.missing = self.unreadable = 0
        self.years: Counter[str] = Counter()
        self.ends: list[str] = []

    def add(self, batch: Batch) -> None:
        written = batch.column(self.column)
        parts = pl.DataFrame({"written": written}).select(
            year=pl.col("written").str.extract(_ISO, 1),
            month=pl.col("written").str.extract(_ISO, 2),
            day=pl.col("written").str.extract(_ISO, 3),
        )
        # The calendar is asked for the whole date; what is told is only as exact as what was written.
        whole = pl.concat_str("year", pl.col("month").fill_null("01"), pl.col("day").fill_null("01"), separator="-")
        sound = whole.str.to_date("%Y-%m-%d", strict=False).is_not_null() & (pl.col("year") != "0000")
        read = parts.filter(sound).select("year", date=pl.concat_str(pl.all(), separator="-", ignore_nulls=True))
        self.missing += written.null_count()
        self.unreadable += written.len() - written.null_count() - read.height
        self.years.update(dict(read["year"].value_counts().iter_rows()))
        if read.height:
            dates = read["date"]
            self.ends = [min([*self.ends[:1], str(dates.min())]), max([*self.ends[1:], str(dates.max())])]

    def json(self) -> dict[str, Any]:
        earliest, latest = self.ends or (None, None)
        years = dict(sorted(self.years.items()))
        told = {"earliest": earliest, "latest": latest, "by_year": years}
        return {"dates": {self.column: {**told, "missing": self.missing, "unreadable": self.unreadable}}}
