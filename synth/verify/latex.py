r"""Is the final answer mathematically equal to the reference? Numbers exactly, all else through math-verify."""

import re
from dataclasses import dataclass

from .bounded import SECONDS, ask
from .final import FORMS, Form, given, statements
from .quantity import NotOneNumber, quantity
from .verdict import Verdict, cannot_tell, right, shown, wrong

_SIZES = re.compile(r"\\(?:left|right|bigg?[lr]?|Bigg?[lr]?|displaystyle|limits|[,;:! ])|[\s~$]")
_WRAPPED = re.compile(r"^(?:\\text|\\textbf|\\mathrm|\\mbox)\{([^{}]*)\}$")
_FRACTION = re.compile(r"\\[dtc]frac")
_BRACKETS = {"(": "()", "[": "[]", "\\{": "{}"}
# Left to calculate: what a number may still hold are roots, fractions, powers of nothing but a base, and constants.
_WORK = re.compile(
    r"\\(?:cdot|times|div|sum|prod|binom|int|log|ln|sin|cos|tan|gcd|max|min|[lr]?floor|[lr]?ceil|[bp]?mod|pm|mp"
    r"|operatorname)\b|[*!^]|\d\s*[+-]\s*\d"
)
_BASE = re.compile(r"\d_\{?(\d+)")  # of a number such as 204_5, which math-verify reads as 204


@dataclass(frozen=True, kw_only=True)
class Math:
    r"""LaTeX in one of the `forms` of a final answer, against a reference in LaTeX or a solution that ends in one.

    Two plain numbers are compared as `Number` does. Else math-verify decides, within `seconds`, in a process of its
    own. What it takes as equal and is not, is `cannot-tell`: brackets of another kind, and a calculation left undone
    where the reference is a number (asked for 2^{10}, `\boxed{2^{10}}` answers nothing).
    """

    forms: tuple[Form, ...] = FORMS
    seconds: float = SECONDS

    def verify(self, answer: str, reference: str) -> Verdict:
        wanted = _different(given(reference, self.forms))
        if len(wanted) != 1:
            return cannot_tell(f"the reference gives {len(wanted) or 'no'} answers")
        found = _different(statements(answer, self.forms)[1])
        if not found:
            return cannot_tell("the answer has no final answer in a known form")
        verdicts = [self._compared(one, wanted[0]) for one in found[:4]]
        if len(found) > 4 or (len(verdicts) > 1 and any(one.outcome == "wrong" for one in verdicts)):
            return wrong(f"gives {len(found)} different answers: {', '.join(map(shown, found[:4]))}")
        return next((one for one in verdicts if one.outcome == "cannot-tell"), verdicts[0])

    def _compared(self, found: str, wanted: str) -> Verdict:
        if _bare(found) == _bare(wanted):
            return right("is the reference")
        try:
            goal = quantity(wanted)
        except NotOneNumber:
            goal = None
        if goal is not None:
            try:
                reached = quantity(found)
            except NotOneNumber:
                pass
            else:
                if reached.value == goal.value:
                    return right("is the reference's number")
                if not {reached.value, reached.also} & {goal.value, goal.also}:
                    return wrong("is another number than the reference's")
                return cannot_tell("is the reference's number only if it is read in another way (%, dozen, million)")
        verdict = ask("math", self.seconds, answer=found, reference=wanted)
        if verdict.outcome != "right":
            return verdict
        if goal is not None and _WORK.search(found):
            return cannot_tell("equals the reference, but is left as a calculation")
        if _BASE.findall(found) != _BASE.findall(wanted):
            return cannot_tell("equals the reference but for the base of its digits")
        if _bracket(found) and _bracket(wanted) and _bracket(found) != _bracket(wanted):
            return cannot_tell(f"equals the reference but for its brackets {_bracket(found)}")
        return verdict

    def problem(self, reference: str) -> str:
        wanted = _different(given(reference, self.forms))
        if len(wanted) != 1:
            return f"the reference gives {len(wanted) or 'no'} answers"
        try:
            quantity(wanted[0])
        except NotOneNumber:
            # A reference that does not equal itself can be met by nothing but its own characters.
            itself = ask("math", self.seconds, answer=wanted[0], reference=wanted[0])
            return "" if itself.outcome == "right" else f"the reference {itself.reason}"
        return ""


def _different(found: list[str]) -> list[str]:
    return list({_bare(statement): statement for statement in found if statement}.values())


def _bare(latex: str) -> str:
    """LaTeX without what only changes how it looks."""
    bare = _FRACTION.sub(r"\\frac", _SIZES.sub("", latex)).rstrip(".")
    wrapped = _WRAPPED.match(bare)
    return wrapped[1] if wrapped else bare


def _bracket(latex: str) -> str:
    bare = _bare(latex)
    return next((kind for opening, kind in _BRACKETS.items() if bare.startswith(opening)), "")
