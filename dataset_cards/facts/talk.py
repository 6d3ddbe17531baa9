"""What messages are like: how many to a row, who says how much, system prompts, who ends, questions asked again."""

from typing import Any

import numpy as np
import polars as pl

from ..versions.schemas import ROLES
from .batch import Batch, Turns
from .repeats import Repeats
from .spread import Spread
from .tally import Tally
from .templates import Traces

MOST_TURNS = 32  # rows of more are counted together
SYSTEM_PROMPTS = 10  # told
_SHOWN = 300  # characters of each
_HELD = 20_000  # different ones in memory


class Talk:
    """`name`: facts on a column of messages.

    Args:
        rows: how many there are in all.
    """

    def __init__(self, name: str, column: str, rows: int) -> None:
        self.name, self.column = name, column
        self.rows = self.blank = 0
        self.turns = np.zeros(MOST_TURNS + 2, dtype=np.int64)
        self.roles = {role: Spread() for role in (*ROLES, "other")}
        self.begins, self.ends, self.systems = Tally(), Tally(), Tally(_HELD)
        self.questions = Repeats(rows)
        self.traces = Traces()

    def add(self, batch: Batch) -> None:
        turns = batch.turns(self.column)
        self.rows += batch.rows
        self.turns += np.bincount(np.minimum(turns.many, MOST_TURNS + 1), minlength=len(self.turns))
        self.blank += int((turns.content.str.strip_chars().str.len_bytes() == 0).sum())
        self._roles(turns)
        filled = np.flatnonzero(turns.many)
        self.begins.add(turns.role.gather(turns.ends[:-1][filled]))
        self.ends.add(turns.role.gather(turns.ends[1:][filled] - 1))
        _, first = turns.first((turns.role == "system").to_numpy())
        self.systems.add(_named(turns.content.gather(first)))
        _, first = turns.first((turns.role == "user").to_numpy())
        self.questions.add(turns.content.gather(first).hash(seed=4).to_numpy())
        self.traces.add(turns.content, turns.row)

    def _roles(self, turns: Turns) -> None:
        characters = turns.content.str.len_chars().cast(pl.Int64).to_numpy()
        known = np.zeros(len(characters), dtype=bool)
        for role in ROLES:
            own = (turns.role == role).to_numpy()
            self.roles[role].add(characters[own])
            known |= own
        self.roles["other"].add(characters[~known])

    def told(self) -> dict[str, Any]:
        counts = {str(many): int(rows) for many, rows in enumerate(self.turns[:-1]) if rows}
        return {
            "turns": {"counts": counts, "more_than": MOST_TURNS, "more": int(self.turns[-1])},
            "messages": sum(spread.values for spread in self.roles.values()),
            "empty_messages": self.blank,
            "roles": {
                role: {"characters": spread.sum, **spread.summary()}
                for role, spread in self.roles.items()
                if spread.values
            },
            "begins": self.begins.json()["counts"],
            "ends": self.ends.json()["counts"],
            "system": self._system(),
            "first_questions": self.questions.told(),
            "templates": self.traces.told(),
        }

    def _system(self) -> dict[str, Any]:
        having = self.systems.rows
        most = self.systems.json(SYSTEM_PROMPTS)
        told = {
            "rows": having,
            "share": having / self.rows if self.rows else 0.0,
            "different": most["different"],
            "most": [{"text": key.partition("\0")[2], "rows": rows} for key, rows in most["counts"].items()],
        }
        return {**told, "slack": most["slack"]} if "slack" in most else told

    def json(self) -> dict[str, Any]:
        return {self.name: self.told()}


def _named(prompts: pl.Series) -> pl.Series:
    """What tells prompts apart, in few characters: a hash of the whole, and the beginning to show."""
    frame = pl.DataFrame({"text": prompts, "hash": prompts.hash(seed=5)})
    return frame.select(
        pl.concat_str(pl.col("hash").cast(pl.String), pl.col("text").str.head(_SHOWN), separator="\0")
    ).to_series()
