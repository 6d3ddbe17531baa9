"""What a verifier says, and what it takes to be one."""

from dataclasses import dataclass
from typing import Literal, Protocol

Outcome = Literal["right", "wrong", "cannot-tell"]

SHOWN = 80  # characters of hostile text in a reason


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """An outcome and its reason in words. Only `right` is ever a reward.

    `wrong` means that an answer was read and is not the reference's. Whatever could not be read, or could not be
    decided in time, is `cannot-tell`: nothing is known about it, so it is neither a reward nor a negative example.
    """

    outcome: Outcome
    reason: str


class Verifier(Protocol):
    """Pure: the same two texts always get the same outcome, but for limits on time that a busy machine can reach."""

    def verify(self, answer: str, reference: str) -> Verdict:
        """Judge a model's whole completion by a row's reference. Never raises for what either text holds."""
        ...

    def problem(self, reference: str) -> str:
        """Why no answer could be checked by this reference; empty where one can."""
        ...


def right(reason: str) -> Verdict:
    return Verdict(outcome="right", reason=reason)


def wrong(reason: str) -> Verdict:
    return Verdict(outcome="wrong", reason=reason)


def cannot_tell(reason: str) -> Verdict:
    return Verdict(outcome="cannot-tell", reason=reason)


def shown(text: str) -> str:
    """Hostile text for a reason: one short line, quoted, without control characters."""
    line = " ".join(text.split())
    line = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line)
    return f"“{line[:SHOWN]}…”" if len(line) > SHOWN else f"“{line}”"
