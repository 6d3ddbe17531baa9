"""The parameters of a recipe: what they are called, what they hold, and how `-p key=value` is read into them."""

import inspect
import json
import math
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from .errors import BadRecipe
from .store import Store
from .version import DatasetVersion

READABLE = (
    "str, int, float, bool, pathlib.Path, Literal[...], list[...], tuple[..., ...], DatasetVersion, or one | None"
)
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One knob of a recipe."""

    name: str
    kind: Any
    default: Any

    @property
    def needed(self) -> bool:
        return self.default is inspect.Parameter.empty

    def usage(self) -> str:
        """What `-p` takes, e.g. `language=TEXT`, `ties=keep|drop`."""
        return f"{self.name}={_shown(self.kind)}"

    def default_text(self) -> str:
        """The default as `-p` would write it; `needed` where there is none."""
        if self.needed:
            return "needed"
        value = self.default
        if isinstance(value, tuple | list):
            return ",".join(map(str, value)) or "none"
        return "none" if value is None or value == "" else str(value).lower() if isinstance(value, bool) else str(value)


def parameters(where: str, function: Callable[..., Any]) -> dict[str, Parameter]:
    """The parameters of a function by name, in their order.

    Raises:
        BadRecipe: one has no type that can be told, or is not passed by its name.
    """
    try:
        hints = typing.get_type_hints(function)
    except Exception as error:  # an annotation may be any expression
        raise BadRecipe(f"{where}: its types cannot be read: {type(error).__name__}: {error}") from error
    found = {}
    for name, one in inspect.signature(function).parameters.items():
        if one.kind not in _NAMED:
            raise BadRecipe(f"{where}: {one} is not passed by name; a recipe names each of its parameters")
        if name not in hints:
            raise BadRecipe(f"{where}: the parameter {name} has no type; write one, such as {name}: str")
        found[name] = Parameter(name=name, kind=hints[name], default=one.default)
    return found


def read(where: str, text: str, kind: Any, store: Store) -> Any:
    """`text` as a value of the annotated type; `where` opens every complaint.

    Raises:
        BadRecipe: it is none, or the type is not one of READABLE.
    """
    origin, options = typing.get_origin(kind), typing.get_args(kind)
    if kind is DatasetVersion:
        return store.version(text)
    if origin in (types.UnionType, typing.Union):
        if type(None) in options and text.lower() in ("none", ""):
            return None
        kinds = [option for option in options if option is not type(None)]
        if len(kinds) == 1:
            return read(where, text, kinds[0], store)
    if origin is typing.Literal:
        for option in options:
            if text == str(option):
                return option
        raise BadRecipe(f"{where}={text}: write one of {', '.join(map(str, options))}")
    if origin is list or (origin is tuple and options[1:] == (...,)):
        return origin(read(where, part.strip(), options[0], store) for part in text.split(",") if part.strip())
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise BadRecipe(f"{where}={text}: write true or false")
        return text.lower() == "true"
    if kind in (str, int, float) or (isinstance(kind, type) and issubclass(kind, PurePath)):
        return _plain(where, text, kind)
    raise BadRecipe(f"{where}: a parameter of type {_shown(kind)} cannot be given; what can: {READABLE}")


def _plain(where: str, text: str, kind: type) -> Any:
    try:
        value = kind(text)
    except ValueError as error:
        raise BadRecipe(f"{where}={text}: this is no {kind.__name__}") from error
    if isinstance(value, float) and not math.isfinite(value):
        raise BadRecipe(f"{where}={text}: write a finite number")
    return value


def recorded(where: str, value: Any) -> Any:
    """A value of a parameter as version.json records it.

    Raises:
        BadRecipe: it has no form in JSON.
    """
    plain = _jsonable(value)
    try:
        json.dumps(plain, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BadRecipe(f"{where} cannot be recorded: {error}; use numbers, text, lists and mappings") from error
    return plain


def _jsonable(value: Any) -> Any:
    if isinstance(value, DatasetVersion):
        return value.ref
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _jsonable(item) for key, item in value.items()}
    return [_jsonable(item) for item in value] if isinstance(value, tuple | list) else value


_WORDS: Mapping[Any, str] = {str: "TEXT", int: "N", float: "NUMBER", bool: "true|false", DatasetVersion: "NAME@VERSION"}


def _shown(kind: Any) -> str:
    """A type as the shell sees it: what is to be written there."""
    origin, options = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return "|".join(_shown(option) for option in options if option is not type(None))
    if origin is typing.Literal:
        return "|".join(map(str, options))
    if origin is list or (origin is tuple and options[1:] == (...,)):
        return f"{_shown(options[0])},..."
    if isinstance(kind, type) and issubclass(kind, PurePath):
        return "FILE"
    return _WORDS.get(kind) or (kind.__name__ if isinstance(kind, type) and not options else str(kind))
