"""An indented tree as text for a terminal of 80 columns."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from ..cards.plain import one_line

WIDTH = 80
MOST = 1000  # characters of one entry
LONGEST = 20_000  # of a command


@dataclass(frozen=True)
class Twig:
    """One entry and what hangs below it. A `command` is not broken into lines, so that it can be pasted."""

    said: str
    below: tuple["Twig", ...] = ()
    command: bool = False


def drawn(twigs: Sequence[Twig], depth: int = 0) -> str:
    """The twigs, two blanks deeper at each level; what is longer than a line goes on further in."""
    lines: list[str] = []
    for twig in twigs:
        start = "  " * min(depth, 20)
        if twig.command or not twig.said:
            lines.append(start + one_line(twig.said, LONGEST) if twig.said else "")
            continue
        said = one_line(twig.said, MOST)
        wrapped = textwrap.wrap(
            said,
            WIDTH,
            initial_indent=start,
            subsequent_indent=f"{start}      ",
            break_on_hyphens=False,
            break_long_words=any(len(word) > WIDTH for word in said.split()),  # a digest stays whole
        )
        lines += [*wrapped, *(drawn(twig.below, depth + 1).splitlines() if twig.below else ())]
    return "\n".join(lines)
