"""Prompts as files: what is said to a model, with named gaps that a row's texts are put into."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from dataset_cards.versions.errors import Misuse

from .llm.llm import Message

SHIPPED = Path(__file__).parent / "prompts"
_TURN = re.compile(r"^=== (system|user|assistant)\n", re.MULTILINE)
_GAP = re.compile(r"\{\{([a-z_]+)\}\}")


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """One prompt. Its text is part of the identity of a step; its name is not.

    The text is cut into turns by lines `=== system`, `=== user`, `=== assistant`; `{{name}}` is a gap. Single braces
    mean nothing, so JSON stands in a prompt as it is.
    """

    text: str

    def __post_init__(self) -> None:
        if not self.turns:
            raise Misuse("a prompt starts with a line `=== user` or `=== system`")

    @classmethod
    def at(cls, path: Path) -> "Prompt":
        """The prompt in a file.

        Raises:
            Misuse: there is no such file, or it is no prompt.
        """
        try:
            return cls(text=path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise Misuse(f"there is no prompt {path}") from error
        except (UnicodeDecodeError, Misuse) as error:
            raise Misuse(f"{path} is no prompt: {error}") from error

    @cached_property
    def turns(self) -> list[tuple[str, str]]:
        """Role and text of each turn, without the empty lines around it."""
        head, *rest = _TURN.split(self.text)
        return [] if head.strip() else [(role, text.strip()) for role, text in zip(rest[::2], rest[1::2], strict=True)]

    @cached_property
    def gaps(self) -> frozenset[str]:
        return frozenset(_GAP.findall(self.text))

    @property
    def fingerprint(self) -> str:
        """16 hex digits of the text, as rows record it."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]

    def json_field(self) -> dict[str, str]:
        """As version.json records it."""
        return {"fingerprint": self.fingerprint, "text": self.text}

    def fill(self, values: Mapping[str, str]) -> tuple[Message, ...]:
        """The turns with every gap filled. What is put in is never read again: a gap in a row's text stays text.

        Raises:
            Misuse: a gap without a value, or a value without a gap.
        """
        if self.gaps != set(values):
            gaps, given = ", ".join(sorted(self.gaps)) or "none", ", ".join(sorted(values)) or "none"
            raise Misuse(f"the prompt has the gaps {gaps}, but is given {given}")
        return tuple(Message(role, _GAP.sub(lambda gap: values[gap[1]], text)) for role, text in self.turns)


def prompts(folder: Path | None, generator: str, *names: str) -> dict[str, Prompt]:
    """The named prompts of a generator: from `folder` where it has them, else those that come with gristmill.

    Raises:
        Misuse: `folder` is none, or holds something that no prompt of this generator is called.
    """
    found = {name: Prompt.at(SHIPPED / generator / f"{name}.txt") for name in names}
    if folder is None:
        return found
    if not folder.is_dir():
        raise Misuse(f"prompts={folder} is no folder; write one with files such as {names[0]}.txt")
    own = {path.stem: path for path in sorted(folder.glob("*.txt"))}
    if unknown := sorted(set(own) - set(names)):
        raise Misuse(f"{folder} has {', '.join(unknown)}, but the prompts of {generator} are {', '.join(names)}")
    for name, path in own.items():
        mine = Prompt.at(path)
        if mine.gaps != found[name].gaps:
            raise Misuse(f"{path} must have exactly the gaps {', '.join(sorted(found[name].gaps)) or '(none)'}")
        found[name] = mine
    return found


def shown(found: Mapping[str, Prompt]) -> dict[str, Any]:
    """Prompts as a step's facts tell them."""
    return {name: prompt.json_field() for name, prompt in sorted(found.items())}
