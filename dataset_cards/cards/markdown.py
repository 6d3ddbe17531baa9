"""Markdown that stays what it is whatever text is put into it: prose, code, tables."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from .plain import one_line, visible

_BAR = re.compile(r"(\\*)\|")
_ACTIVE = re.compile(r"([\\`*_\[\]<>|~#&$])")


def prose(text: object, most: int = 2000) -> str:
    """Foreign text as plain words on one line: nothing in it formats, links or opens a tag."""
    return _ACTIVE.sub(r"\\\1", one_line(text, most))


def code(text: object, most: int = 200) -> str:
    """Foreign text as a code span on one line, also inside a table."""
    shown = one_line(text, most)
    if not shown.strip():
        return "(empty)"
    mark = "`" * (_longest_run(shown) + 1)
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{mark}{pad}{shown}{pad}{mark}"


def block(text: object, language: str = "text") -> str:
    """A fenced block: the fence is longer than any run of backticks inside, so nothing inside can end it."""
    shown = visible(text)
    fence = "`" * max(3, _longest_run(shown) + 1)
    return f"{fence}{language}\n{shown}\n{fence}"


def json_block(value: Any) -> str:
    return block(json.dumps(value, indent=2, ensure_ascii=False), "json")


def table(header: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> str:
    """A table of cells made by `code`, or of numbers; the columns numbered in `right` are aligned right."""
    lines = [header, [("---:" if place in right else "---") for place in range(len(header))], *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(cell: str) -> str:
    # Inside a table even code is cut at a bar. After an odd number of backslashes all readers of Markdown take it for
    # text; on an even one they differ. A bar that `prose` escaped has an odd number already.
    return _BAR.sub(lambda found: found[0] if len(found[1]) % 2 else f"{found[1]}\\|", cell)


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
