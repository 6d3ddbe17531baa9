"""Is the final number the reference's? Compared exactly, as fractions."""

from dataclasses import dataclass
from fractions import Fraction

from .final import FORMS, Form, given, statements
from .quantity import NotOneNumber, Quantity, quantity
from .verdict import Verdict, cannot_tell, right, shown, wrong


class Unread(ValueError):
    """No number can be taken from a text."""


@dataclass(frozen=True, kw_only=True)
class Number:
    """One number, in one of the `forms` of a final answer.

    `tolerance` is absolute and 0 unless asked for: 0.333 is not 1/3. A text that gives two different numbers as its
    answer is wrong whatever they are, so that listing many answers earns nothing.
    """

    forms: tuple[Form, ...] = FORMS
    tolerance: Fraction = Fraction(0)

    def verify(self, answer: str, reference: str) -> Verdict:
        try:
            wanted = _read(given(reference, self.forms))
        except Unread as error:
            return cannot_tell(f"the reference {error}")
        if len(wanted) > 1:
            return cannot_tell("the reference gives different numbers")
        try:
            found = _numbers(answer, self.forms)
        except Unread as error:
            return cannot_tell(f"the answer {error}")
        if len(found) > 1:
            return wrong(f"gives {len(found)} different answers: {', '.join(map(str, list(found)[:4]))}")
        return self._compared(*found.values(), *wanted.values())

    def _compared(self, found: Quantity, wanted: Quantity) -> Verdict:
        if found.unit and wanted.unit and found.unit != wanted.unit:
            return cannot_tell(f"is in {shown(found.unit)}, the reference in {shown(wanted.unit)}")
        if abs(found.value - wanted.value) <= self.tolerance:
            return right("is the reference's number")
        if {found.value, found.also} & {wanted.value, wanted.also}:
            return cannot_tell("is the reference's number only if it is read in another way (%, dozen, million)")
        return wrong("is another number than the reference's")

    def problem(self, reference: str) -> str:
        try:
            wanted = _read(given(reference, self.forms))
        except Unread as error:
            return f"the reference {error}"
        return "the reference gives different numbers" if len(wanted) > 1 else ""


def _numbers(text: str, forms: tuple[Form, ...]) -> dict[Fraction, Quantity]:
    """The different numbers that a text gives as its answer, by value; at least one.

    Raises:
        Unread: it gives none, or one of the statements is no number.
    """
    form, found = statements(text, forms)
    if form == "phrase":  # "The answer is easy to find." answers nothing
        found = [statement for statement in found if any(map(str.isdigit, statement))]
    return _read(found)


def _read(found: list[str]) -> dict[Fraction, Quantity]:
    if not found:
        raise Unread("has no final answer in a known form")
    values: dict[Fraction, Quantity] = {}
    for statement in found:
        try:
            one = quantity(statement)
        except NotOneNumber as error:
            raise Unread(f"{shown(statement)} {error}") from None
        values[one.value] = one
    return values
