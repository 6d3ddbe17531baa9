"""YAML read as plain text values, each with its line: nothing is built, guessed or repeated from it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

Path = tuple[str | int, ...]

LARGEST = 100_000  # bytes; what people write is far smaller, and larger files take seconds to read
DEEPEST = 12  # levels
_NULL = "tag:yaml.org,2002:null"


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Something in a line that cannot be read as it stands: what, and what to write."""

    line: int
    path: Path
    what: str
    mend: str


@dataclass(kw_only=True)
class Read:
    """What a file says: texts, lists and mappings of them; what is empty is left out.

    Attributes:
        lines: of each path the line it begins in, counted from 1; also of what is empty.
        broken: whether the file could not be read to its end; `values` is then empty.
    """

    values: dict[str, Any] = field(default_factory=dict)
    lines: dict[Path, int] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)
    broken: bool = False

    def line(self, path: Path) -> int:
        """The line of what is at `path`, or of the nearest thing it is part of."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def trouble(self, line: int, what: str, mend: str, path: Path = ()) -> None:
        self.troubles.append(Trouble(line=line, path=path, what=what, mend=mend))


def read(content: bytes) -> Read:
    """Everything in the file, with everything that is wrong with its form."""
    found = Read()
    text = _text(content, found)
    if text is None:
        return _broken(found)
    try:
        if not _harmless(text, found):
            return _broken(found)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        found.trouble(line, f"holds the character U+{int(error.character):04X}", "take it out")
        return _broken(found)
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark or error.context_mark
        found.trouble(at.line + 1 if at else 1, *_explained(error))
        return _broken(found)
    if isinstance(root, yaml.MappingNode):
        found.values = _mapping(root, (), found)
    elif root is not None and not _is_empty(root):
        found.trouble(1, "is no list of fields", "write each field as `name: text` on a line of its own")
        return _broken(found)
    return found


def _broken(found: Read) -> Read:
    found.broken = True
    return found


def _text(content: bytes, found: Read) -> str | None:
    if len(content) > LARGEST:
        found.trouble(1, f"is larger than {LARGEST // 1000} kB", "write only what people have to say of the data")
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found.trouble(line, f"holds the byte 0x{content[error.start]:02X}, which is no UTF-8", "save it as UTF-8")
        return None


def _harmless(text: str, found: Read) -> bool:
    """Whether the file can be composed: nothing in it is endless, nested without need, or asks for a Python type."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.DocumentStartEvent):
            documents += 1
        if depth > DEEPEST:
            found.trouble(line, f"is nested more than {DEEPEST} levels deep", "write it as `gristmill card new` shows")
            return False
        if documents > 1:
            found.trouble(line, "begins a second document", "take out the line `---`")
            return False
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            found.trouble(line, "uses an anchor or alias (& or *)", "write the text out, or put it in quotes")
        elif getattr(event, "tag", None):
            found.trouble(line, "names a type (!)", "write the text alone, or put it in quotes")
    return not found.troubles


def _explained(error: yaml.MarkedYAMLError) -> tuple[str, str]:
    """What is wrong with the form, and what to write, for the mistakes that people make."""
    problem = error.problem or "cannot be read"
    if "mapping values are not allowed" in problem:
        mend = "put the text in quotes, or if this is a field of its own, indent it as the one above"
        return "has a colon inside a text", mend
    if "'\\t'" in problem:
        return "is indented with a tab", "indent with spaces"
    if "cannot start any token" in problem:
        return (
            f"begins a text with the {problem.partition(' that ')[0].removeprefix('found ')}",
            "put the text in quotes",
        )
    if "expected a comment or a line break" in problem:
        return "has text beside the mark `>-` or `|`", "begin the text on the next line, indented"
    if "end of stream" in problem or "stream end" in problem:
        began = f" in line {error.context_mark.line + 1}" if error.context_mark else ""
        return f"ends inside a quotation or bracket that begins{began}", "close it"
    if "expected <block end>, but found '<scalar>'" in problem:
        mend = "begin the text on the next line after `>-`, or write twice each quotation mark that is part of it"
        return "goes on after a quotation or bracket is closed", mend
    if "expected <block end>" in problem:
        return "does not stand in line with what is above it", "indent it as the other fields of its section"
    return f"is not YAML: {problem}", "put texts in quotes, and indent with two spaces"


def _value(node: yaml.Node, path: Path, found: Read) -> Any:
    """The text, list or mapping; None where there is nothing."""
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, found) or None
    if isinstance(node, yaml.SequenceNode):
        items: list[Any] = []
        for item in node.value:
            here = (*path, len(items))
            found.lines.setdefault(here, item.start_mark.line + 1)
            value = _value(item, here, found)
            if value is not None:
                found.lines[here] = item.start_mark.line + 1
                items.append(value)
        # `[]` says that there is nothing; a dash with nothing after it says nothing yet.
        return items if items or not node.value else None
    return None if _is_empty(node) else str(node.value)


def _mapping(node: yaml.MappingNode, path: Path, found: Read) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in _pairs(node, path, found):
        found.lines[*path, key] = value[0]
        inside = _value(value[1], (*path, key), found)
        if inside is not None:
            values[key] = inside
    return values


def _pairs(node: yaml.MappingNode, path: Path, found: Read) -> Iterator[tuple[str, tuple[int, yaml.Node]]]:
    """Each name once, with its line and what stands there."""
    first: dict[str, int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            found.trouble(line, "has a list or section where the name of a field is due", "write `name: text`", path)
        elif key.value in first:
            was = f"is here a second time; the first is in line {first[key.value]}"
            found.trouble(line, was, "keep one of them", (*path, key.value))
        else:
            first[key.value] = line
            yield key.value, (line, value)


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and (node.tag == _NULL or not node.value.strip())
