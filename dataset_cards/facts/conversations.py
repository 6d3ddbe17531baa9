"""Facts on conversations."""

from typing import Any

from ..versions.table import Table
from .batch import Batch
from .every import measured
from .instruments import Instruments
from .refusals import Answers, Refusals
from .talk import Talk


class Spoken:
    """`conversations`: what messages are like, and what the assistant says or declines."""

    def __init__(self, rows: int, instruments: Instruments) -> None:
        self.talk = Talk("conversations", "messages", rows)
        self.answers = Answers("messages")
        self.refusals = Refusals("messages", rows, instruments.refused)

    def add(self, batch: Batch) -> None:
        for part in (self.talk, self.answers, self.refusals):
            part.add(batch)

    def json(self) -> dict[str, Any]:
        told = {**self.talk.told(), "answers": self.answers.told()}
        refusals = self.refusals.told()
        return {"conversations": told if refusals is None else {**told, "refusals": refusals}}


def conversations(rows: Table, instruments: Instruments) -> dict[str, Any]:
    return measured("conversations", rows, instruments, [Spoken(rows.rows, instruments)])
