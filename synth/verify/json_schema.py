"""Is the answer JSON, and valid by a schema?"""

import re
from dataclasses import dataclass

from .bounded import SECONDS, ask
from .final import spoken
from .verdict import Verdict, cannot_tell, wrong

_FENCE = re.compile(r"^[ \t]*```[ \t]*(\w*)[^\n]*\n(.*?)^[ \t]*```[ \t]*$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class JsonSchema:
    """The completion must be JSON and nothing else, or hold exactly one fenced block, which is JSON.

    NaN and Infinity are not JSON, and an object that names a key twice is wrong. `format` is not checked. A schema
    that refers to another file or address is `cannot-tell`: nothing is fetched.
    """

    seconds: float = SECONDS

    def verify(self, answer: str, reference: str) -> Verdict:
        text = spoken(answer).strip()
        if not text:
            return cannot_tell("the answer is empty")
        blocks = _FENCE.findall(text)
        if len(blocks) > 1:
            return wrong(f"holds {len(blocks)} fenced blocks where one is the answer")
        return ask("json-schema", self.seconds, answer=blocks[0][1] if blocks else text, reference=reference)

    def problem(self, reference: str) -> str:
        tried = self.verify("null", reference)
        return tried.reason if tried.outcome == "cannot-tell" else ""
