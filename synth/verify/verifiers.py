"""The verifiers by the name that a row's column `verifier` holds."""

from collections.abc import Mapping

from dataset_cards.versions.errors import Misuse

from .choice import Choice
from .exact import Exact
from .json_schema import JsonSchema
from .latex import Math
from .number import Number
from .pattern import Pattern
from .python_tests import PythonTests
from .verdict import Verifier

VERIFIERS: Mapping[str, Verifier] = {
    "number": Number(),
    "exact": Exact(),
    "gsm8k": Number(forms=("####",)),
    "boxed": Math(forms=("boxed",)),
    "math": Math(),
    "choice": Choice(),
    "json-schema": JsonSchema(),
    "regex": Pattern(),
    "python-tests": PythonTests(),
}


def verifier(name: str) -> Verifier:
    """The verifier of a row.

    Raises:
        Misuse: naming those there are.
    """
    if name not in VERIFIERS:
        raise Misuse(f"{name!r} is no verifier; there are {', '.join(VERIFIERS)}")
    return VERIFIERS[name]
