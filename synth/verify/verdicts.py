"""The verifiers as a tool of a training run: many answers at once, each checked as its row says."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from .verdict import Outcome
from .verifiers import VERIFIERS

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class VerifierVerdicts:
    """Verdicts by the verifiers of this package; see docs/verify.md for those there are.

    Attributes:
        threads: checks that run at the same time; 0 for one per core. Those that run code or LaTeX wait for a process
            of their own, so threads are enough.
    """

    threads: int = 0

    def verdicts(self, verifiers: Sequence[str], references: Sequence[str], answers: Sequence[str]) -> list[Outcome]:
        """One verdict for each answer, in order; by a verifier that there is none of, `cannot-tell`.

        Raises:
            ValueError: the columns are not of one length.
        """
        return self._each(_verdict, verifiers, references, answers)

    def problems(self, verifiers: Sequence[str], references: Sequence[str]) -> list[str]:
        """For each pair why no answer could be checked by it; empty where one can.

        Raises:
            ValueError: the columns are not of one length.
        """
        return self._each(_problem, verifiers, references)

    def _each(self, check: Callable[..., T], *columns: Sequence[str]) -> list[T]:
        if len({len(column) for column in columns}) > 1:
            raise ValueError(f"columns of different lengths: {', '.join(str(len(column)) for column in columns)}")
        if len(columns[0]) < 2:
            return list(map(check, *columns))
        with ThreadPoolExecutor(self.threads or os.cpu_count() or 1) as pool:
            return list(pool.map(check, *columns))


def _verdict(name: str, reference: str, answer: str) -> Outcome:
    return VERIFIERS[name].verify(answer, reference).outcome if name in VERIFIERS else "cannot-tell"


def _problem(name: str, reference: str) -> str:
    if name not in VERIFIERS:
        return f"{name!r} is no verifier; there are {', '.join(VERIFIERS)}"
    return VERIFIERS[name].problem(reference)
