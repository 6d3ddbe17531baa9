r"""The final answer of a completion: what stands after `####`, in `\boxed{}`, or after "the answer is".

Nothing is guessed: a number somewhere in the text is no answer. `docs/verify.md` has the rules as a table.
"""

import re
from typing import Literal

Form = Literal["####", "boxed", "phrase", "whole"]
FORMS: tuple[Form, ...] = ("####", "boxed", "phrase", "whole")

WHOLE = 300  # characters: a longer text is an essay, not an answer that stands alone

# `#### Step 1` and `#### 2. Solve` are headings, which chat models write too.
_HASHES = re.compile(r"^[ \t]*####[ \t]*(?!\d+[.):][ \t]+[^\W\d])([^\sA-Za-z#].*)$", re.MULTILINE)
_BOX = re.compile(r"\\f?boxed\s*\{")
_PHRASE = re.compile(
    r"\banswer(?:[ ]to[ ]the[ ](?:question|problem))?"
    r"(?:[ \t]*[:=][ \t]*|[ \t]+(?:is|was|equals|would[ ]be|should[ ]be|will[ ]be|must[ ]be)\b[ \t]*:?[ \t]*)",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?;](?=\s|$)|\n")
_REASON = re.compile(r",?\s+(?:because|since|as|so|which|thus|hence|therefore)\b|,\s+(?:when|where|for|that|meaning)\b")
_DISPLAYS = (("\\[", "\\]"), ("$$", "$$"))
_MARKS = re.compile(r"\*\*|__|`")


def spoken(completion: str) -> str:
    """A completion without what the model thinks aloud; empty where the thinking never ends."""
    before, closing, after = completion.rpartition("</think>")
    if closing:
        return after
    return "" if "<think>" in after else before + after


def statements(completion: str, forms: tuple[Form, ...] = FORMS) -> tuple[Form, list[str]]:
    """Everything the completion gives as its answer, in the strongest of `forms` that it uses.

    `####` and `boxed` are equally strong and are given together; then `phrase`; then `whole`, which is the text itself
    where it is one line. The list is empty where there is none of them.
    """
    text = spoken(completion)
    found = _HASHES.findall(text) if "####" in forms else []
    if "boxed" in forms:
        found += boxes(text)
    if found:
        return "boxed", [_trimmed(one) for one in found]
    if "phrase" in forms and (found := _phrases(text)):
        return "phrase", found
    line = text.strip()
    if "whole" in forms and line and "\n" not in line and len(line) <= WHOLE:
        return "whole", [_trimmed(line)]
    return "whole", []


def given(reference: str, forms: tuple[Form, ...] = FORMS) -> list[str]:
    """What a reference gives as its answer: a final answer if it has one in a known form, else all of it."""
    line = " ".join(reference.split())
    return statements(reference, forms)[1] or ([line] if line else [])


def boxes(text: str) -> list[str]:
    r"""What stands in each outermost `\boxed{}`; one that never closes is given as it stands, and nobody reads it."""
    found = []
    at = 0
    while opening := _BOX.search(text, at):
        depth, at = 1, opening.end()
        for brace in re.finditer(r"\\.|[{}]", text[at:], re.DOTALL):
            depth += {"{": 1, "}": -1}.get(brace[0], 0)
            if not depth:
                found.append(text[at : at + brace.start()])
                at += brace.end()
                break
        else:
            found.append(text[opening.start() :][:WHOLE])
            break
    return found


def _phrases(text: str) -> list[str]:
    found = []
    plain = _MARKS.sub("", text)
    for phrase in _PHRASE.finditer(plain):
        rest = plain[phrase.end() : phrase.end() + 2 * WHOLE].lstrip()
        for opening, closing in _DISPLAYS:
            if rest.startswith(opening) and (end := rest.find(closing, len(opening))) > 0:
                found.append(rest[len(opening) : end].strip())
                break
        else:
            end_of_sentence = _SENTENCE_END.search(rest)
            sentence = rest[: end_of_sentence.start()] if end_of_sentence else rest
            found.append(_trimmed(_REASON.split(sentence, maxsplit=1)[0]))
    return [statement for statement in found if statement]


def _trimmed(statement: str) -> str:
    return _MARKS.sub("", statement).strip().rstrip(".").strip()
