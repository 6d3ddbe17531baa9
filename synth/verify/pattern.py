"""Does the answer match a regular expression?"""

from dataclasses import dataclass

from .bounded import ask
from .final import spoken
from .verdict import Verdict, cannot_tell


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """All of the completion (without thinking and outer white space) must match, or with `whole=False` some of it.

    A pattern that backtracks for more than `seconds` is `cannot-tell`, whoever is to blame.
    """

    whole: bool = True
    seconds: float = 1.0

    def verify(self, answer: str, reference: str) -> Verdict:
        if not reference:
            return cannot_tell("the reference is empty")
        return ask("regex", self.seconds, answer=spoken(answer).strip(), reference=reference, whole=self.whole)

    def problem(self, reference: str) -> str:
        empty = self.verify("", reference)
        if empty.outcome == "right":
            return "an empty answer matches the reference"
        return empty.reason if empty.outcome == "cannot-tell" else ""
