"""What can go wrong with one try of a request, and what is to be done about it."""

from dataclasses import dataclass


@dataclass(eq=False)
class Fault(Exception):
    """One try that brought no answer.

    `again`: another try may bring one. `after`: seconds the server asked to be left alone. `paid`: the model may have
    worked and be paid for it although nothing arrived. `fatal`: no other request would fare better.
    """

    reason: str
    detail: str
    again: bool = True
    after: float | None = None
    paid: bool = False
    fatal: bool = False

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


THROTTLED = "throttled"
UNREACHABLE = "unreachable"
