"""What people said, as Markdown in which it stays text."""

import re
from collections.abc import Iterable, Sequence

from ..cards.markdown import prose
from ..cards.plain import plural
from .about import About, Creator, Origin
from .statements import LONGEST

# What would begin a list, a heading or a rule at the start of a line.
_LEADING = re.compile(r"^([-+=]|\d+(?=[.)]))")
NAMED = 3  # creators in a sentence


def paragraphs(text: str) -> list[str]:
    """One for each that an empty line divides; other line ends count as spaces, since people wrap lines anywhere."""
    parts = (" ".join(part.split()) for part in re.split(r"\n\s*\n", text))
    return [line(part) for part in parts if part]


def line(text: object) -> str:
    """Foreign text as one paragraph of plain words, also at the start of a line."""
    shown = prose(" ".join(str(text).split()), LONGEST)
    found = _LEADING.match(shown)
    if not found:
        return shown
    # A number cannot be escaped; the point or bracket after it can.
    at = found.end() if found[1].isdigit() else 0
    return f"{shown[:at]}\\{shown[at:]}"


def items(texts: Iterable[str]) -> list[str]:
    """A list, as one paragraph; none of nothing."""
    found = "\n".join(f"- {line(text)}" for text in texts)
    return [found] if found else []


def listed(names: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else ""


def creators(about: About) -> str:
    """Their names as plain text; of many, the first."""
    names = [one.name for one in about.creators]
    if len(names) > NAMED:
        return f"{', '.join(names[: NAMED - 1])} and {plural(len(names) - NAMED + 1, 'other')}"
    return listed(names)


def creator(one: Creator) -> str:
    beside = [one.affiliation, f"ORCID {one.orcid}" if one.orcid else None]
    shown = ", ".join(text for text in beside if text)
    return f"{one.name} ({shown})" if shown else one.name


def origin(one: Origin) -> str:
    """A source in one item, as plain text."""
    days = f"collected {one.begin or 'from a day not recorded'} to {one.end or 'a day not recorded'}"
    told = [
        f"kind {one.kind}",
        f"versions {', '.join(one.versions)}" if one.versions else "",
        days if one.begin or one.end else "",
        f"crawler: {one.crawler}" if one.crawler else "",
        f"model: {one.model}" if one.model else "",
        {"yes": "bought or licensed from its owner", "no": "neither bought nor licensed"}.get(one.licensed, ""),
        one.url or "",
    ]
    return f"{one.name}: {one.how} ({'; '.join(part.rstrip('.') for part in told if part)})"
