"""What reinforcement learning with verifiable rewards needs from outside: who tells right answers from wrong ones."""

from collections.abc import Sequence
from typing import Literal, Protocol, runtime_checkable

Verdict = Literal["right", "wrong", "cannot-tell"]
VERDICTS: tuple[Verdict, ...] = ("right", "wrong", "cannot-tell")


@runtime_checkable
class Verdicts(Protocol):
    """Checks answers by the verifier and the reference that stand in a verifiable row; a tool of the run.

    The same texts must always get the same verdicts, or two runs with one seed learn different things.
    """

    def verdicts(self, verifiers: Sequence[str], references: Sequence[str], answers: Sequence[str]) -> list[Verdict]:
        """One verdict for each answer, in order; never raises for what a text holds.

        Args:
            verifiers, references: of the row that each answer answers; as many as answers.
        """
        ...

    def problems(self, verifiers: Sequence[str], references: Sequence[str]) -> list[str]:
        """For each pair why no answer could be checked by it, in words; empty where one can."""
        ...
