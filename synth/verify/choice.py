"""Which letter of a multiple choice was picked, and is it the reference's?"""

import re
from dataclasses import dataclass

from .final import boxes, spoken
from .verdict import Verdict, cannot_tell, right, shown, wrong

_CALLED = r"[\s:=.*_()\[\]–-]{0,12}"
_LETTER = r"(?P<letter>[A-Z]|(?<=\()[a-z](?=\)))(?![\w'’])(?P<tail>.*)"
_ANSWER = re.compile(
    rf"\b(?i:answer|ans)\b{_CALLED}(?:(?i:is|would be|should be|must be)\b{_CALLED})?"
    rf"(?:(?i:option|choice)\b{_CALLED})?{_LETTER}"
)
_OPTION = re.compile(rf"\b(?i:option|choice)\b{_CALLED}(?:(?i:is)\b{_CALLED})?{_LETTER}")
_PRAISED = re.compile(
    r"(?<![\w'’])\(?(?P<letter>[A-Z])(?P<tail>\)?\s+is\s+(?:the\s+)?(?:correct|right|answer)\b(?!\s+(?:only|if)).*)"
)
_ALONE = re.compile(rf"(?:####)?[\s(*\[]*{_LETTER}")
# After the letter its punctuation, or a reason. "A train" is an article, "A or B" is two.
_TAIL = re.compile(r"[*_\s]*(?:$|[).:,;\]}–-]|(?:because|since|as|so|is (?:the )?(?:correct|right|answer))\b)")
_SECOND = re.compile(
    r"[*_\s).\]]*(?:and|or|&|/|,|\bnot\b)[\s*(]*(?:not\s+)?[\s*(]*[A-Z]\b(?!\s+[a-z])"
    r"|[*_\s).:;,\]–-]+[A-Z](?:[*_\s]*[).:;,\]]|[*_\s]+[–-]|[*_\s]*$)|[*_\s).:;,\]–-]*\([A-Z]\)"
)
_DENIED = re.compile(r"[*_\s).:\]]*(?:is|are|was|be|would be|seems)\s*(?:n['’]t|not|never|wrong|incorrect|false|out)\b")
_RULED_OUT = re.compile(
    r"(?:\b(?:not|never|neither|except|without|rul(?:e|ed|es|ing) out|(?:exclud|eliminat|reject|dismiss|discard)\w*)"
    r"|n['’]t)\b[^.:;]*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Choice:
    r"""A capital letter out of `letters`.

    Read, in this order: `\boxed{B}` and `#### B`; "answer is (B)", "Answer: B) 600", "ANS:B"; in the last line "option
    B", "choice B" or "B is correct"; the last line where it is the letter alone, or the letter and its option:
    `B) 600`. Two different letters are wrong. The text of an option without its letter is not read.
    """

    letters: str = "ABCDEFGHIJ"

    def verify(self, answer: str, reference: str) -> Verdict:
        if problem := self.problem(reference):
            return cannot_tell(problem)
        wanted = reference.strip(" ().").upper()
        found = self._picked(spoken(answer))
        if not found:
            return cannot_tell("the answer names no letter in a known form")
        if unread := found - set(self.letters):
            return cannot_tell(f"the answer {shown(min(unread))} is not one letter of {self.letters}")
        if len(found) > 1:
            return wrong(f"picks several: {', '.join(sorted(found))}")
        return right(f"picks {wanted}") if found == {wanted} else wrong(f"picks {min(found)}, not {wanted}")

    def problem(self, reference: str) -> str:
        letter = reference.strip(" ().").upper()
        known = len(letter) == 1 and letter in self.letters
        return "" if known else f"the reference {shown(reference)} is not one letter of {self.letters}"

    def _picked(self, text: str) -> set[str]:
        lines = [line for line in text.splitlines() if line.strip()] or [""]
        marked = [box.replace("\\text{", "").replace("\\textbf{", "").rstrip("}") for box in boxes(text)]
        marked += [line for line in lines if re.match(r"\s*####\s*\(?[A-Z]\b", line)]
        if marked:
            return {_letter(found) if (found := _ALONE.match(one.strip())) else one for one in marked}
        # What follows one statement may hold the next: "Answer: A. Or rather, the answer is B."
        named = [match for line in lines for match in _everywhere(_ANSWER, line)]
        named += _everywhere(_PRAISED, lines[-1])
        options = _everywhere(_OPTION, lines[-1])
        named = named or [one for one in options if not _RULED_OUT.search(lines[-1][: one.start()])]
        if not named and (alone := _ALONE.match(lines[-1].strip())):
            named = [alone]
        return {letter for match in named if (letter := _letter(match))}


def _everywhere(pattern: re.Pattern[str], line: str) -> list[re.Match[str]]:
    found, at = [], 0
    while match := pattern.search(line, at):
        found.append(match)
        at = match.start("tail")
    return found


def _letter(match: re.Match[str]) -> str:
    """The letter; with all that follows where it is not the only one; nothing where it is a word."""
    tail = match["tail"]
    if _SECOND.match(tail):
        return match["letter"] + tail
    if _DENIED.match(tail):
        return ""
    return match["letter"].upper() if _TAIL.match(tail) else ""
