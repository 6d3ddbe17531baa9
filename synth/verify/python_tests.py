"""Does the program pass its unit tests?"""

import re
from dataclasses import dataclass

from .final import spoken
from .sandbox import DEFAULT, Limits, examine, unguarded
from .verdict import Verdict, cannot_tell

_FENCE = re.compile(r"^[ \t]*```[ \t]*([\w+-]*)[^\n]*\n(.*?)(?:^[ \t]*```[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_PYTHON = ("python", "py", "python3")
LONGEST = 1_000_000  # characters of code


@dataclass(frozen=True, kw_only=True)
class PythonTests:
    """The reference is Python: asserts, `test...` functions, or unittest cases, about names the answer defines.

    The code is what stands in blocks fenced as Python, one after the other; where none is, in blocks without a name;
    where there are no blocks, the completion itself. `limits` are those of the sandbox.
    """

    limits: Limits = DEFAULT

    def verify(self, answer: str, reference: str) -> Verdict:
        text = spoken(answer)
        blocks = _FENCE.findall(text)
        named = [code for name, code in blocks if name.casefold() in _PYTHON]
        code = "\n".join(named or [code for name, code in blocks if not name]) if blocks else text
        if not code.strip():
            return cannot_tell("the answer holds no code")
        if len(code) > LONGEST:
            return cannot_tell(f"the code is longer than {LONGEST:,} characters")
        return examine(code, reference, fenced=bool(blocks), limits=self.limits)

    def problem(self, reference: str) -> str:
        """Tests that do not run, that check nothing, or that an empty program passes, tell nothing of an answer."""
        if reason := unguarded():
            return reason
        tried = examine("pass", reference, limits=self.limits)
        if tried.outcome == "right":
            return "an empty program passes the tests"
        return tried.reason if tried.outcome == "cannot-tell" else ""
