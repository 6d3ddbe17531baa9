"""A constitution: principles that people can read and write, in a Markdown file, and that every revision names.

    # Any title
    Text in front of the first principle is for readers and is shown to no model.

    ## harm: Avoid content that could cause harm
    What the principle asks for, in as many paragraphs as it takes.

A line `## id: Title` opens a principle. Ids are words of a-z and 0-9 with - between them, and unique.
"""

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dataset_cards.versions.errors import Misuse

SHIPPED = Path(__file__).parent / "constitutions" / "seed.md"
_HEADING = re.compile(r"^##(?!#)[ \t]*(.*)$", re.MULTILINE)
_NAMED = re.compile(r"([a-z0-9]+(?:-[a-z0-9]+)*):[ \t]+(\S.*)")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Principle:
    """One thing that an answer is held to; `id` is how rows name it."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Constitution:
    """The text of a constitution; all of it is part of the identity of a step, its file name is not.

    Raises:
        Misuse: no principle, a heading that is none of a principle, an id twice, or a principle without text.
    """

    text: str

    def __post_init__(self) -> None:
        if not self.principles:
            raise Misuse("a constitution has at least one line `## id: Title` with text below it")

    @classmethod
    def at(cls, path: Path | None) -> "Constitution":
        """The constitution in a file; without one, the one that comes with gristmill.

        Raises:
            Misuse: there is no such file, or it is no constitution; the message names it.
        """
        path = path or SHIPPED
        try:
            return cls(text=path.read_text(encoding="utf-8"))
        except OSError as error:
            raise Misuse(f"the constitution {path} cannot be read: {error.strerror}") from error
        except (UnicodeDecodeError, Misuse) as error:
            raise Misuse(f"{path} is no constitution: {error}") from error

    @cached_property
    def principles(self) -> tuple[Principle, ...]:
        """In the order of the file."""
        _, *rest = _HEADING.split(_COMMENT.sub("", self.text))
        found = tuple(_principle(head, text) for head, text in zip(rest[::2], rest[1::2], strict=True))
        if twice := [name for name, many in Counter(one.id for one in found).items() if many > 1]:
            raise Misuse(f"the id {twice[0]} is given to several principles")
        return found

    @property
    def fingerprint(self) -> str:
        """16 hex digits of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]

    def json_field(self) -> dict[str, str]:
        """As version.json records it."""
        return {"fingerprint": self.fingerprint, "text": self.text}

    def listed(self) -> str:
        """All principles as a prompt shows them."""
        return "\n\n".join(f"{one.title}\n{one.text}" for one in self.principles)

    def drawn(self, row: str, count: int, seed: int) -> tuple[Principle, ...]:
        """`count` principles for a row, by hash: all different as long as there are enough, then from the start again.

        A principle that is added or taken away changes the draws of others as little as possible.
        """
        order = sorted(
            self.principles,
            key=lambda one: hashlib.sha256(f"{seed}\n{one.id}\n{row}".encode("utf-8", "replace")).digest(),
        )
        return tuple(order[n % len(order)] for n in range(count))


def _principle(heading: str, text: str) -> Principle:
    named = _NAMED.fullmatch(heading.strip())
    if named is None:
        raise Misuse(f"the heading `## {heading.strip():.60}` must be `## id: Title`, the id of a-z, 0-9 and -")
    if not text.strip():
        raise Misuse(f"the principle {named[1]} has no text")
    return Principle(id=named[1], title=named[2].strip(), text=text.strip())
