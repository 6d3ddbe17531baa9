"""Facts on verifiable problems: whether answers can be checked, and whether they can be had without thinking."""

from typing import Any

import numpy as np
import polars as pl

from ..versions.table import Table
from .batch import Batch, Hashes
from .every import measured
from .instruments import Instruments
from .prompts import asked
from .repeats import MOST_HELD, followed
from .sample import drawn
from .shares import wilson
from .spread import Spread
from .tally import Tally

LOOKED_AT = 100_000  # answers that a verifier is asked about
PROBLEMS = 5  # of each verifier, told with one answer each
FREQUENT = 20
_SHOWN = 200  # characters of an answer or a problem
_HELD = 50_000  # different answers in memory
_NO_VERIFIER = "none"


class Checkable:
    """`verifiable`.

    Of each verifier: `rows`, how many of them were `looked_at`, how many cannot be checked (`unchecked`, with the most
    frequent `problems`), how long answers are, and how many answers stand in the question as they are (`in_prompt`).
    `answers`: the most frequent ones, and `first_share`, how often one who always gives the first is right.
    `questions`: how many are asked again, and how many of those have more than one answer.
    """

    def __init__(self, rows: int, instruments: Instruments) -> None:
        self.rows, self.unchecked = rows, instruments.unchecked
        self.verifiers: dict[str, _Verifier] = {}
        self.answers = Tally(_HELD)
        self.questions = _Questions(rows)

    def add(self, batch: Batch) -> None:
        answers = batch.column("answer").fill_null("")
        turns = batch.turns("prompt")
        asked_of = pl.DataFrame({"row": turns.row, "content": turns.content}).group_by("row", maintain_order=True)
        prompts = asked_of.agg(pl.col("content").str.join("\n"))
        whole = pl.DataFrame({"row": np.arange(batch.rows)}).join(prompts, on="row", how="left", maintain_order="left")
        frame = pl.DataFrame(
            {
                "verifier": batch.column("verifier").str.head(_SHOWN).fill_null(_NO_VERIFIER),
                "answer": answers,
                "prompt": whole["content"].fill_null(""),
                "problem": self._problems(batch),
            }
        ).with_columns(
            length=pl.col("answer").str.len_chars(),
            # A text that is empty stands in every other.
            inside=pl.col("prompt").str.contains(pl.col("answer"), literal=True) & (pl.col("answer") != ""),
        )
        for (name,), own in frame.group_by("verifier", maintain_order=True):
            self.verifiers.setdefault(str(name), _Verifier()).add(own)
        self.answers.add(answers.str.head(_SHOWN))
        self.questions.add(turns.hashes(), answers.hash(seed=7).to_numpy())

    def _problems(self, batch: Batch) -> pl.Series:
        """What keeps each row from being checked; null where nobody looked."""
        none = pl.repeat(None, batch.rows, dtype=pl.String, eager=True)
        if self.unchecked is None:
            return none
        rows = pl.Series(np.flatnonzero(drawn(batch, self.rows, LOOKED_AT)))
        if not len(rows):
            return none
        return none.scatter(rows, self.unchecked(batch.frame.select("id", "verifier", "answer")[rows]))

    def json(self) -> dict[str, Any]:
        answers = self.answers.json(FREQUENT)
        first = max(answers["counts"].values(), default=0)
        return {
            "verifiable": {
                "verifiers": {name: self.verifiers[name].told() for name in sorted(self.verifiers)},
                "answers": {**answers, "first_share": wilson(first, self.answers.rows)},
                "questions": self.questions.told(),
            }
        }


class _Verifier:
    """The rows of one verifier."""

    def __init__(self) -> None:
        self.rows = self.looked_at = self.unchecked = self.inside = 0
        self.lengths, self.problems = Spread(), Tally(1000)
        self.examples: dict[str, str] = {}

    def add(self, own: pl.DataFrame) -> None:
        self.rows += own.height
        self.inside += int(own["inside"].sum())
        self.lengths.add(own["length"].cast(pl.Int64).to_numpy())
        self.looked_at += own.height - own["problem"].null_count()
        bad = own.filter(pl.col("problem").fill_null("") != "").with_columns(pl.col("problem").str.head(_SHOWN))
        self.unchecked += bad.height
        self.problems.add(bad["problem"])
        for problem, answer in (
            bad.unique("problem", keep="first", maintain_order=True).select("problem", "answer").rows()
        ):
            if len(self.examples) < 1000:
                self.examples.setdefault(problem, answer[:_SHOWN])

    def told(self) -> dict[str, Any]:
        problems = self.problems.json(PROBLEMS)["counts"]
        return {
            "rows": self.rows,
            "looked_at": self.looked_at,
            "unchecked": self.unchecked,
            "problems": [
                {"problem": problem, "rows": rows, "answer": self.examples.get(problem)}
                for problem, rows in problems.items()
            ],
            "answer_length": self.lengths.summary(),
            "in_prompt": {"rows": self.inside, "share": wilson(self.inside, self.rows)},
        }


class _Questions:
    """Questions that occur more than once, and whether their answers agree; counted by hashes as `Repeats` does."""

    def __init__(self, rows: int) -> None:
        self.shift = max(0, (max(rows, 1) - 1) // (MOST_HELD // 2)).bit_length()
        self.held: list[tuple[Hashes, Hashes]] = []

    def add(self, questions: Hashes, answers: Hashes) -> None:
        own = followed(questions, self.shift)
        if self.shift:
            answers = answers[np.isin(questions, own)]
        self.held.append((own, answers))

    def told(self) -> dict[str, Any]:
        questions, answers = (np.concatenate(part) for part in zip(*self.held, strict=True)) if self.held else _NOTHING
        order = np.lexsort((answers, questions))
        questions, answers = questions[order], answers[order]
        other = np.r_[True, questions[1:] != questions[:-1]][: len(questions)]
        begins = np.flatnonzero(other)
        many = np.diff(np.r_[begins, len(questions)])
        new = other | np.r_[True, answers[1:] != answers[:-1]][: len(answers)]
        answers_each = np.add.reduceat(new, begins, dtype=np.int64) if len(begins) else many
        return {
            "rows": len(questions),
            "different": len(begins),
            "again": int((many > 1).sum()),
            "disagreeing": int((answers_each > 1).sum()),
            "disagreeing_rows": int(many[answers_each > 1].sum()),
            "part": 0.5**self.shift,
        }


_NOTHING = (np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.uint64))


def verifiable(rows: Table, instruments: Instruments) -> dict[str, Any]:
    gauges = (asked(rows), Checkable(rows.rows, instruments))
    return measured("verifiable", rows, instruments, gauges, others=("id", "verifier"))
