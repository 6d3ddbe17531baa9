"""Answers to prompts that an earlier step made: the answers' facts stand beside those of the prompts."""

from dataclasses import dataclass
from typing import Any, ClassVar

from dataset_cards.versions.job import Job

from .carry import before, carry
from .teach import Teach


@dataclass(frozen=True, kw_only=True)
class Answered:
    """`Teach` on the rows of a step, with everything that step says of itself and all that it left out."""

    revision: ClassVar[int] = 1

    teach: Teach

    def run(self, job: Job) -> dict[str, Any]:
        """`generated` is about the prompts, `answered` about their answers."""
        source = job.inputs[0]
        theirs, own = before(source), self.teach.run(job)
        carry(job, source)
        if "generated" not in theirs:
            return own
        return {**theirs, "kind": own["kind"], "answered": own["generated"]}
