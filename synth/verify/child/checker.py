"""The child that checks LaTeX, JSON schemas and regular expressions: a question per line in, a verdict per line out.

Its imports are inside the checks, so that each costs only its own; hostile text reaches third-party code only here.
"""

import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn

from synth.verify.verdict import Verdict, cannot_tell, right, shown, wrong

MEMORY = 2 << 30  # bytes of address space; sympy alone takes 300 MB of it
DECIMALS = 12  # what a decimal number must agree in with an exact one; math-verify's own 6 makes 0.333333 a third


class TooLong(BaseException):
    """Not an Exception: the code that is checked, and the libraries, catch those."""


def main() -> None:
    """Answer until the questions end."""
    # Libraries print; only verdicts may reach the other side.
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    signal.signal(signal.SIGALRM, _too_long)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin:
        verdict = _answered(json.loads(line))
        replies.write(json.dumps({"outcome": verdict.outcome, "reason": verdict.reason}) + "\n")
        replies.flush()


def _too_long(number: int, frame: FrameType | None) -> NoReturn:
    raise TooLong


def _answered(question: dict[str, Any]) -> Verdict:
    check = CHECKS[question.pop("check")]
    seconds = question.pop("seconds")
    try:
        check(**question, ready=True)  # imports are not the question's fault
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            return check(**question, ready=False)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except TooLong:
        return cannot_tell(f"took longer than {seconds:g} seconds")
    except (MemoryError, RecursionError) as error:
        return cannot_tell(f"is too deep or too large to check ({type(error).__name__})")
    except Exception as error:
        return cannot_tell(f"cannot be checked: {type(error).__name__}: {shown(str(error))}")


def math(answer: str, reference: str, ready: bool) -> Verdict:
    """Equal by math-verify; `answer` and `reference` are LaTeX without delimiters."""
    from latex2sympy2_extended import NormalizationConfig
    from math_verify import LatexExtractionConfig, parse, verify

    if ready:
        return right("")
    plain = NormalizationConfig(
        basic_latex=True, units=True, malformed_operators=True, nits=True, boxed="all", equations=False
    )
    config = [LatexExtractionConfig(boxed_match_priority=0, normalization_config=plain)]
    sides = []
    for name, text in (("reference", reference), ("answer", answer)):
        # Its own alarm is off: this child has one that the libraries cannot mistake for a wrong answer.
        read = parse(rf"\boxed{{{text}}}", config, parsing_timeout=None, raise_on_error=True)
        expressions = [one for one in read if not isinstance(one, str)]
        if not expressions:
            return cannot_tell(f"the {name} {shown(text)} is no LaTeX that can be read")
        sides.append(expressions)
    equal = verify(*sides, timeout_seconds=None, raise_on_error=True, float_rounding=DECIMALS)
    return right("equals the reference") if equal else wrong("does not equal the reference")


def json_schema(answer: str, reference: str, ready: bool) -> Verdict:
    """Valid by `jsonschema`, which fetches nothing from the network here."""
    import jsonschema
    import referencing
    import referencing.exceptions

    if ready:
        return right("")
    schema = json.loads(reference)
    validator = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        validator.check_schema(schema)
        problems = validator(schema, registry=referencing.Registry()).iter_errors(_strict(answer))
        first = next(iter(problems), None)
    except jsonschema.SchemaError as error:
        return cannot_tell(f"the reference is no valid schema: {shown(error.message)}")
    except Unfit as error:
        return wrong(str(error))
    if first is None:
        return right("is valid by the schema")
    return wrong(f"at {shown(first.json_path)}: {shown(first.message)}")


class Unfit(Exception):
    """Not JSON, or JSON that two readers would read in two ways."""


def _strict(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_distinct, parse_constant=_constant)
    except ValueError as error:
        raise Unfit(f"is not JSON: {shown(str(error))}") from None


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(found := dict(pairs)) < len(pairs):
        raise Unfit("has the same key twice in one object")
    return found


def _constant(name: str) -> NoReturn:
    raise Unfit(f"holds {name}, which is not JSON")


def regex(answer: str, reference: str, whole: bool, ready: bool) -> Verdict:
    """Matched by the module `regex`, in the dialect that it shares with `re`."""
    import regex as engine

    if ready:
        return right("")
    try:
        pattern = engine.compile(reference, engine.VERSION0)
    except engine.error as error:
        return cannot_tell(f"the reference is no regular expression: {shown(str(error))}")
    # The engine ends before the alarm does, which it would not hear.
    matched = (pattern.fullmatch if whole else pattern.search)(answer, timeout=signal.getitimer(signal.ITIMER_REAL)[0])
    return right("matches") if matched else wrong("does not match")


CHECKS: dict[str, Callable[..., Verdict]] = {"math": math, "json-schema": json_schema, "regex": regex}
