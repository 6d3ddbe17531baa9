"""A recipe: a Python function whose parameters are its only knobs, found by name and called with words from a shell."""

import hashlib
import importlib
import importlib.util
import inspect
import sys
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .fingerprint import SOURCE
from .step import Step
from .store import Store
from .version import DatasetVersion


class BadRecipe(ValueError):
    """The recipe or one of its parameters cannot be used; the message says what would do."""


@dataclass(frozen=True)
class Recipe:
    """A function that returns a Step, and where it was found."""

    name: str
    function: Callable[..., Step]

    def bind(self, words: Sequence[str], store: Store) -> tuple[Step, dict[str, Any]]:
        """The step for parameters written `key=value`, and the JSON record of the call with every default filled in.

        Raises:
            BadRecipe: an unknown, repeated, missing or unreadable parameter.
        """
        signature = inspect.signature(self.function)
        hints = typing.get_type_hints(self.function)
        given: dict[str, str] = {}
        for word in words:
            key, equals, text = word.partition("=")
            if not equals:
                raise BadRecipe(f"-p {word}: write it as key=value")
            if key not in signature.parameters:
                raise BadRecipe(f"{self.name} has no parameter {key!r}; it has {self.usage()}")
            if key in given:
                raise BadRecipe(f"-p {key} was given twice")
            given[key] = text
        values = {key: _read(f"{self.name}: -p {key}", text, hints[key], store) for key, text in given.items()}
        missing = [
            name
            for name, p in signature.parameters.items()
            if p.default is inspect.Parameter.empty and name not in values
        ]
        if missing:
            raise BadRecipe(
                f"{self.name} needs {', '.join(f'-p {name}=...' for name in missing)}; it takes {self.usage()}"
            )
        step = self.function(**values)
        everything = {name: values.get(name, p.default) for name, p in signature.parameters.items()}
        record = {
            "name": self.function.__name__,
            "function": f"{self.function.__module__}:{self.function.__name__}",
            "parameters": {key: _jsonable(value) for key, value in everything.items()},
        }
        return step, record

    def usage(self) -> str:
        """The parameters with types and defaults, e.g. `input: str, language: str = 'en'`."""
        shown = []
        for name, parameter in inspect.signature(self.function).parameters.items():
            kind = typing.get_type_hints(self.function).get(name, Any)
            text = f"{name}: {getattr(kind, '__name__', None) if isinstance(kind, type) else kind}"
            shown.append(text if parameter.default is inspect.Parameter.empty else f"{text} = {parameter.default!r}")
        return ", ".join(shown)


def find_recipe(name: str, packages: Sequence[str]) -> Recipe:
    """A built-in of one of `packages`, `module:function`, or `file.py:function`.

    Raises:
        BadRecipe: naming what there is.
    """
    place, colon, function = name.rpartition(":")
    if not colon:
        built_in = built_ins(packages)
        if name not in built_in:
            raise BadRecipe(
                f"there is no built-in recipe {name!r}; built in: {', '.join(sorted(built_in))}; "
                "your own: module:function or file.py:function"
            )
        return built_in[name]
    module = load_file(Path(place)) if place.endswith(".py") else _load_module(place)
    found = getattr(module, function, None)
    if not callable(found):
        raise BadRecipe(f"{place} has no function {function!r}")
    return Recipe(name, found)


def built_ins(packages: Sequence[str]) -> dict[str, Recipe]:
    """Public functions returning a Step in `<package>.recipes`, for the packages that have recipes."""
    found = {}
    for package in packages:
        if importlib.util.find_spec(f"{package}.recipes") is None:
            continue
        module = importlib.import_module(f"{package}.recipes")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            own = not name.startswith("_") and function.__module__ == module.__name__
            if own and typing.get_type_hints(function).get("return") is Step:
                found[name] = Recipe(name, function)
    return found


def _load_module(name: str) -> types.ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise BadRecipe(f"no module {error.name!r} can be imported for the recipe {name!r}") from error


def load_file(path: Path) -> types.ModuleType:
    """The module of a recipe file, under a name of its own; loaded once as long as its content stays the same.

    Classes in it are known by the content of the file (see `fingerprint.identity`), and worker processes load it anew.
    """
    if not path.is_file():
        raise BadRecipe(f"there is no file {path}")
    path = path.resolve()
    source = hashlib.sha256(path.read_bytes()).hexdigest()
    name = f"recipe_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
    if getattr(sys.modules.get(name), SOURCE, None) == source:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None, path
    assert spec.loader is not None, path
    module = importlib.util.module_from_spec(spec)
    setattr(module, SOURCE, source)
    sys.modules[name] = module
    sys.path.insert(0, str(path.parent))  # so that it may import its neighbours
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    finally:
        sys.path.remove(str(path.parent))
    return module


def loaded_files() -> dict[str, str]:
    """The recipe files that this process has loaded: module name to path."""
    return {name: str(m.__file__) for name, m in sorted(sys.modules.items()) if getattr(m, SOURCE, None)}


def _read(where: str, text: str, kind: Any, store: Store) -> Any:
    """`text` as a value of the annotated type."""
    if kind is DatasetVersion:
        return store.version(text)
    if typing.get_origin(kind) in (types.UnionType, typing.Union):
        options = typing.get_args(kind)
        if type(None) in options and text.lower() in ("none", ""):
            return None
        (kind,) = [option for option in options if option is not type(None)]
        return _read(where, text, kind, store)
    if typing.get_origin(kind) is tuple:
        item = typing.get_args(kind)[0]
        return tuple(_read(where, part.strip(), item, store) for part in text.split(",") if part.strip())
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise BadRecipe(f"{where}={text}: write true or false")
        return text.lower() == "true"
    try:
        return kind(text)
    except (TypeError, ValueError) as error:
        raise BadRecipe(f"{where}={text}: this is no {getattr(kind, '__name__', kind)}") from error


def _jsonable(value: Any) -> Any:
    if isinstance(value, DatasetVersion):
        return value.ref
    if isinstance(value, Mapping):
        return {key: _jsonable(item) for key, item in value.items()}
    return [_jsonable(item) for item in value] if isinstance(value, tuple | list) else value
