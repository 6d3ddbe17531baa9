"""Which of several solutions of a problem are the same solution in other words."""

import re

from .likeness import likeness

_NUMBER = r"-?(?:[.,]?\d++)++"
# A chain of numbers is taken whole, with a result or without, so that a long one is not read again from each number.
_CALCULATION = re.compile(rf"{_NUMBER}(?:(?:\s*[-+*/×÷·^]\s*\(?{_NUMBER}\)?)++(\s*=\s*{_NUMBER})?)?")
_PLAIN = {ord("×"): "*", ord("·"): "*", ord("÷"): "/", ord("$"): None, ord(","): None}
_ANNOTATION = re.compile(r"<<[^<>]*>>")


def calculations(solution: str) -> tuple[str, ...]:
    """The calculations in a solution, such as `9*2=18`, in their order and without spaces and thousands commas."""
    plain = _ANNOTATION.sub("", solution).translate(_PLAIN)
    return tuple(re.sub(r"[\s()]", "", found[0]) for found in _CALCULATION.finditer(plain) if found[1])


def same_solution(one: str, other: str, max_likeness: float) -> bool:
    """Whether two solutions calculate the same in the same order, or have nearly the same words.

    The first is how Yuan et al. 2023 (arXiv 2308.01825) tell reasoning paths apart; the second is for
    solutions in which nothing is calculated in digits, or not alike.
    """
    mine, others = calculations(one), calculations(other)
    if mine and mine == others:
        return True
    return one.split() == other.split() or likeness(one, other, 3) > max_likeness
