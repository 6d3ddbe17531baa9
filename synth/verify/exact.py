"""Is the answer the reference, word for word?"""

import re
import unicodedata
from dataclasses import dataclass

from .final import FORMS, Form, spoken, statements
from .verdict import Verdict, cannot_tell, right, wrong


@dataclass(frozen=True, kw_only=True)
class Exact:
    """The same characters, after Unicode composition (NFC) and with every run of white space as one space.

    The final answer is compared where the completion has one in a known form, else all of it. `case=False` ignores
    upper and lower case. Two different final answers are wrong.
    """

    forms: tuple[Form, ...] = FORMS
    case: bool = True

    def verify(self, answer: str, reference: str) -> Verdict:
        if problem := self.problem(reference):
            return cannot_tell(problem)
        wanted = self._folded(reference)
        whole = self._folded(spoken(answer))
        if not whole:
            return cannot_tell("the answer is empty")
        if whole == wanted:
            return right("is the reference")
        found = {self._folded(statement) for statement in statements(answer, self.forms)[1]} or {whole}
        if len(found) > 1:
            return wrong(f"gives {len(found)} different answers")
        if wanted in found or wanted.rstrip(".") in found:
            return right("is the reference")
        return wrong("is not the reference")

    def problem(self, reference: str) -> str:
        return "" if self._folded(reference) else "the reference is empty"

    def _folded(self, text: str) -> str:
        text = re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip()
        return text if self.case else text.casefold()
