"""The refusal tagger as a tool of a run, for what measures refusals and may not know how they are told."""

from collections.abc import Sequence
from dataclasses import dataclass

from .refusals import refusal


@dataclass(frozen=True, kw_only=True)
class Refusing:
    """Tells refusals with `refusals.refusal`, whose limits are its own: English, and what docs/generators.md says.

    Attributes:
        partial: count an answer that declines a part as a refusal too.
    """

    partial: bool = True

    def refused(self, answers: Sequence[str]) -> list[bool]:
        """For each answer, whether it declines what was asked; an answer without words does not."""
        taken = {"full", "partial"} if self.partial else {"full"}
        return [refusal(answer) in taken for answer in answers]
