"""Reading about.yaml: all of it, or every gap at once, each with its line and what to write there."""

import difflib
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from ..cards.plain import count, one_line, visible
from ..versions.errors import Misuse
from . import yaml_text
from .about import About, Collection, Licensing
from .questions import QUESTIONS, bare, question
from .yaml_text import Path, Read


@dataclass(frozen=True, kw_only=True)
class Gap:
    """Something that is missing or wrong.

    Attributes:
        place: the file with line and field, such as `about.yaml:12 people.consent`, or the version.
        what: what is wrong there.
        mend: what to write or do.
    """

    place: str
    what: str
    mend: str

    def __str__(self) -> str:
        return visible(f"{self.place}: {self.what}; {self.mend}")


class Gaps(Misuse):
    """about.yaml cannot be used as it is; `gaps` has every reason."""

    def __init__(self, gaps: Iterable[Gap]) -> None:
        self.gaps = list(gaps)
        super().__init__("\n".join(map(str, self.gaps)))


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A gap before it has a place that people can read: the line in the file, and the path of the field."""

    line: int
    path: Path
    what: str
    mend: str


@dataclass(frozen=True, kw_only=True)
class Reading:
    """An about.yaml as far as it could be read.

    Attributes:
        read: its values as texts, and their lines.
        faults: what is missing or wrong in it, whatever it is about.
        about: what it says; None where there are faults.
    """

    name: str
    read: Read
    faults: list[Fault]
    about: About | None

    def fault(self, path: Path, what: str, mend: str) -> Fault:
        return Fault(line=self.read.line(path), path=path, what=what, mend=mend)

    def gaps(self, faults: Iterable[Fault]) -> list[Gap]:
        """By line; in one line, in the order of the fields."""
        order = {path: place for place, path in enumerate(QUESTIONS)}
        found = sorted(faults, key=lambda one: (one.line, order.get(bare(one.path), len(order)), str(one.path)))
        return [Gap(place=_place(self.name, one.line, one.path), what=one.what, mend=one.mend) for one in found]


def load(text: bytes, name: str) -> About:
    """What the file says.

    Args:
        name: what the file is called in messages.

    Raises:
        Gaps: something in it is missing or wrong.
    """
    reading = reading_of(text, name)
    if reading.about is None:
        raise Gaps(reading.gaps(reading.faults))
    return reading.about


def reading_of(text: bytes, name: str) -> Reading:
    """The same for those who go on with what is there."""
    read = yaml_text.read(text)
    faults = [Fault(line=one.line, path=one.path, what=one.what, mend=one.mend) for one in read.troubles]
    about = None
    if not read.broken:
        try:
            about = About.model_validate(_with_sections(About, read.values))
        except ValidationError as error:
            faults += [
                Fault(line=read.line(path), path=path, what=what, mend=mend) for path, what, mend in _told(error)
            ]
    return Reading(name=name, read=read, faults=faults, about=None if faults else about)


def sections(reading: Reading) -> About | None:
    """What it says of the collection and the licence as far as these two are whole, whatever else is missing."""
    if reading.about or reading.read.broken:
        return reading.about
    if any(fault.path[:1] in ((), ("collection",), ("licensing",)) for fault in reading.faults):
        return None
    values = reading.read.values
    return About.model_construct(
        collection=Collection.model_validate(values["collection"]),
        licensing=Licensing.model_validate(values["licensing"]),
    )


def needed(model: type[BaseModel], path: Path = ()) -> Iterator[Path]:
    """The path of every text that must be given, also inside sections; of a list of sections, in the first."""
    for name, field in model.model_fields.items():
        if not field.is_required():
            continue
        part, many = part_of(field.annotation)
        here = (*path, name, 0) if many and part else (*path, name)
        yield from needed(part, here) if part else (here,)


def part_of(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """The model that a field holds, and whether it is a list; no model where it is a text, a number or a day."""
    if get_origin(annotation) in (Union, types.UnionType):
        annotation = next(one for one in get_args(annotation) if one is not type(None))
    many = get_origin(annotation) is tuple
    held = get_args(annotation)[0] if many else annotation
    return (held if isinstance(held, type) and issubclass(held, BaseModel) else None), many


def _with_sections(model: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with empty sections where whole ones are missing, so that each of their fields is told as a gap."""
    found = dict(values)
    for name, field in model.model_fields.items():
        part, many = part_of(field.annotation)
        if part is None:
            continue
        if name not in found and field.is_required():
            found[name] = [{}] if many else {}
        here = found.get(name)
        if many and isinstance(here, list):
            found[name] = [_with_sections(part, one) if isinstance(one, dict) else one for one in here]
        elif not many and isinstance(here, dict):
            found[name] = _with_sections(part, here)
    return found


def _place(name: str, line: int, path: Path) -> str:
    dotted = "".join(f"[{part}]" if isinstance(part, int) else f".{one_line(part, 60)}" for part in path)
    return f"{name}:{line} {dotted.removeprefix('.')}".rstrip()


def _told(error: ValidationError) -> Iterator[tuple[Path, str, str]]:
    for one in error.errors(include_url=False):
        path: Path = tuple(one["loc"])
        if one["type"] == "too_short" and one["input"]:
            continue  # the list has items, with gaps of their own
        yield path, *_explained(one["type"], path, one.get("input"), one.get("ctx") or {})


def _explained(kind: str, path: Path, given: Any, context: Mapping[str, Any]) -> tuple[str, str]:
    """What is wrong, and what to write, for one error of pydantic's."""
    if kind == "extra_forbidden":
        beside = _beside(path[:-1])
        close = difflib.get_close_matches(str(path[-1]), beside, 1)
        meant = f"did you mean {close[0]}?" if close else f"the fields here are {', '.join(beside)}"
        return "is no field that is known here", meant
    asked = asks(path)
    said = f"says {one_line(given, 60)!r}" if isinstance(given, str) else "holds no text"
    match kind:
        case "missing" | "too_short":
            return "is empty", asked
        case "string_too_long":
            most = count(int(context["max_length"]))
            return f"is longer than {most} characters, which is the most that documents show", f"{asked}; be brief"
        case "string_unicode":
            return "holds half of a character", f"write the character itself instead of \\u and a number; {asked}"
        case "model_type" | "model_attributes_type" | "dict_type":
            return "is no section", f"write below it, indented, the fields {', '.join(_beside(path))}"
        case "tuple_type" | "list_type":
            how = "" if "dash" in asked else "; begin each on a line of its own with a dash"
            return "is no list", f"{asked}{how}"
        case "string_type":
            return "is not one text", f"{asked}; put it in quotes, or on the next line after `>-`"
        case "literal_error":
            return f"{said}, which is none of the answers", asked
        case "value_error":
            why = str(context.get("error"))
            return (f"{said}, which {why}" if why.startswith("is no day") else f"{said}; that is no answer"), asked
        case _:
            return f"{said}, which does not have the form asked for", asked


def asks(path: Path) -> str:
    """The question of the field at `path`, as the end of a sentence."""
    asked = question(path)
    return asked[0].lower() + asked[1:].rstrip(".")


def _beside(path: Path) -> list[str]:
    """The names of the fields in the section at `path`."""
    return [name.rpartition(".")[2] for name in QUESTIONS if name.rpartition(".")[0] == bare(path)]
