"""Facts on documents."""

from typing import Any

from ..versions.table import Table
from .batch import Batch
from .every import measured
from .instruments import Instruments
from .templates import Traces


class Marks:
    """`documents`: rows without a visible character, and with tokens that chat templates use."""

    def __init__(self) -> None:
        self.empty, self.traces = 0, Traces(heads=False)

    def add(self, batch: Batch) -> None:
        texts, row = batch.texts("text")
        self.empty += int((texts.str.strip_chars().str.len_bytes() == 0).sum())
        self.traces.add(texts, row)

    def json(self) -> dict[str, Any]:
        return {"documents": {"empty": self.empty, "templates": self.traces.told()}}


def documents(rows: Table, instruments: Instruments) -> dict[str, Any]:
    return measured("documents", rows, instruments, [Marks()])
