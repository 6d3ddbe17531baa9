"""What is known about a training run before it costs anything: what it would eat, and what is wrong with that."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from dataset_cards.cards.plain import one_line, plural, share, size
from dataset_cards.versions.job import Refused

FEW = 30  # held-out rows below which an interval says little
EXAMPLES = 10  # ids that a finding names

# What each check found, what to do about it, and whether training stops.
CHECKS: Mapping[str, tuple[str, str, bool]] = {
    "no-trainable-token": (
        "rows in which no token is learned from",
        "raise max_length, or look at roles and template",
        True,
    ),
    "identical-after-truncation": (
        "pairs whose two answers are the same within max_length",
        "raise max_length, or leave them out",
        True,
    ),
    "prompt-mismatch": (
        "pairs whose chosen and rejected answer other questions",
        "look at how the pairs were made, or leave them out",
        True,
    ),
    "prompt-too-long": (
        "rows whose prompt leaves no room for an answer within max_length",
        "raise max_length, or leave them out",
        True,
    ),
    "template-error": (
        "rows that the chat template cannot write",
        "look at their roles and their order, or leave them out",
        True,
    ),
    "end-not-learned": (
        "rows in which the end of the assistant's turn is not learned, so that a model trained on them would not stop",
        "put the end-of-turn token between the generation markers of the chat template",
        True,
    ),
    "special-tokens-in-text": (
        "rows whose text holds special tokens of the tokenizer, which end or begin a turn wherever they stand",
        "mask them in the data, or leave the rows out",
        True,
    ),
    "other-tokenizer": (
        "rows whose token ids belong to another tokenizer than the model's",
        "take the teacher's tokenizer for the student, or learn from the teacher's text alone",
        True,
    ),
    "tokens-misaligned": (
        "rows whose stored distributions are not those of the tokens of their text",
        "make them again with `gristmill run teach`, or leave them out",
        True,
    ),
    "answer-not-verifiable": (
        "rows whose answer no verifier can check",
        "name the right verifier, or leave them out; `gristmill run audit` shows why",
        True,
    ),
    "in-evaluation": (
        "rows whose prompt also stands in the evaluation set",
        "leave them out: the evaluation would measure memory",
        True,
    ),
    "duplicate-row": ("rows that are the same as an earlier one after encoding", "leave them out", False),
    "truncated": ("rows that are cut at max_length", "raise max_length if memory allows", False),
    "empty-text": ("documents without a word", "they are left out of training", False),
    "not-in-mixture": ("documents of sources that the mixture does not name", "name them, or leave them out", False),
    "no-preference": ("pairs of which neither is preferred (margin 0)", "they are left out of training", False),
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One check that found something.

    Attributes:
        check: its name in CHECKS.
        rows: how many rows it is about.
        left_out: whether these rows are left out of training.
        blocks: whether training stops for them.
        examples: ids of the first of them.
        detail: more in words, such as what the template said; may be empty.
    """

    check: str
    rows: int
    left_out: bool
    blocks: bool
    examples: tuple[str, ...] = ()
    detail: str = ""

    def sentence(self) -> str:
        what, remedy, _ = CHECKS[self.check]
        done = "left out" if self.left_out else remedy
        first = self.first()
        shown = f" (first: {first})" if first else ""
        detail = f" [{one_line(self.detail)}]" if self.detail else ""
        return f"{self.check}: {self.rows:,} {what}{detail}{shown}: {done}"

    def first(self, most: int = 3) -> str:
        """The ids of the first rows, each on one line whatever it holds."""
        return ", ".join(one_line(name, 60) for name in self.examples[:most])


@dataclass(frozen=True, kw_only=True)
class Preflight:
    """The report of one look at the data, with the trainer's own encoding.

    Attributes:
        read: rows looked at.
        train, held_out: rows that the trainer learns from, and those it is measured by.
        dropped: rows left out, by check.
        tokens: that the model reads of `train`, in one epoch; `learned` of them carry loss, `lost` were cut off.
        longest: tokens of the longest row, whether learned from or measured by.
        steps: optimiser steps of the run.
        memory: estimated bytes at the peak, by what they are for.
        findings: what was found, the blocking ones first.
    """

    read: int
    train: int
    held_out: int
    dropped: Mapping[str, int] = field(default_factory=dict)
    tokens: int = 0
    learned: int = 0
    lost: int = 0
    longest: int = 0
    steps: int = 0
    memory: Mapping[str, int] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    def json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "Preflight":
        """Back from `json()`."""
        findings = tuple(Finding(**{**one, "examples": tuple(one["examples"])}) for one in record["findings"])
        return cls(**{**record, "findings": findings})

    def funnel(self) -> dict[str, Any]:
        """This look as a stage of the run's ledger."""
        dropped = {f"preflight/{check}": rows for check, rows in sorted(self.dropped.items())}
        return {
            "stage": "preflight",
            "read": self.read,
            "kept": self.train + self.held_out,
            "quarantined": 0,
            "dropped": dropped,
        }

    def text(self) -> str:
        """The report for a terminal: what goes where, what it takes, what is wrong, and whether training would begin.

        Ids and details stand on one line each; who prints them makes hidden characters visible.
        """
        gone = sum(self.dropped.values())
        parts = [("to learn from", self.train), ("to measure by", self.held_out), ("left out", gone)]
        wide = len(f"{self.read:,}")
        lines = [f"rows     {self.read:>{wide},}"]
        lines += [
            f"         {n:>{wide},}  {what} ({share(n, self.read)})" for what, n in parts if n or what != "left out"
        ]
        lines.append(
            f"tokens   {self.tokens:,} in an epoch, {self.learned:,} of them learned from "
            f"({share(self.learned, self.tokens)}), {self.lost:,} cut off; the longest row has {self.longest:,}"
        )
        lines += [f"steps    {self.steps:,}"] if self.steps else []
        if self.memory:
            told = ", ".join(f"{name} {size(n)}" for name, n in self.memory.items() if n)
            lines.append(f"memory   about {size(sum(self.memory.values()))} ({told}), and what Python itself takes")
        for one in self.findings:
            what, remedy, _ = CHECKS[one.check]
            lines += ["", f"{'STOP' if one.blocks else 'note'}     {one.check} ({one.rows:,}): {what}"]
            lines += [f"         said: {one_line(one.detail)}"] if one.detail else []
            lines += [f"         first: {one.first()}"] if one.examples else []
            lines.append(f"         {'left out' if one.left_out else 'to do: ' + remedy}")
        return "\n".join([*lines, "", *self._verdict()])

    def _verdict(self) -> list[str]:
        """What would happen if training were begun."""
        stops = sum(one.blocks for one in self.findings)
        if stops:
            return [f"training would not begin ({plural(stops, 'STOP')}); -p repair=true leaves such rows out"]
        if empty := self._empty():
            return [f"training would not begin: {empty}"]
        few = f"; {plural(self.held_out, 'row')} to measure by will give wide intervals" if self.held_out < FEW else ""
        return [f"training would begin{few}"]

    def _empty(self) -> str:
        """Which side has no row, and what to do about it; empty if both have some."""
        if not self.train:
            return f"of {plural(self.read, 'row')} none is left to learn from"
        if not self.held_out:
            return (
                f"of {plural(self.read, 'row')} none is left to measure by; hold out a larger share, or name rows to "
                "measure by with -p held_out=NAME@VERSION"
            )
        return ""

    def check(self, stage: str) -> None:
        """Stop a run that would learn from what is wrong.

        Raises:
            Refused: naming every blocking finding, or that nothing is left to learn from or to measure by.
        """
        blocking = [one.sentence() for one in self.findings if one.blocks]
        if blocking:
            raise Refused(
                f"{stage} was not begun: preflight found\n  " + "\n  ".join(blocking) + "\n"
                "-p repair=true leaves such rows out and says so in the model card"
            )
        if empty := self._empty():
            raise Refused(f"{stage} was not begun: {empty}; `gristmill preflight` shows what became of them")
