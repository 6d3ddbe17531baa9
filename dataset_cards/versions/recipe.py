"""A recipe: a Python function whose parameters are its only knobs, found by name and called with words from a shell."""

import difflib
import importlib
import importlib.util
import inspect
import types
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import BadRecipe, Misuse
from .parameters import Parameter, parameters, read, recorded
from .recipe_file import blamed, load_file, load_module, loaded_files, place_in_record
from .step import Step, in_order
from .store import Store

__all__ = ["BadRecipe", "Recipe", "built_ins", "find_recipe", "load_file", "loaded_files"]


@dataclass(frozen=True)
class Recipe:
    """A function that returns a Step, and where it was found."""

    name: str
    function: Callable[..., Step]

    def bind(self, words: Sequence[str], store: Store) -> tuple[Step, dict[str, Any]]:
        """The step for parameters written `key=value`, and the JSON record of the call with every default filled in.

        Raises:
            BadRecipe: an unknown, repeated, missing or unreadable parameter, or the function fails.
        """
        known = self.parameters()
        given: dict[str, str] = {}
        for word in words:
            key, equals, text = word.partition("=")
            if not equals:
                raise BadRecipe(f"-p {word}: write it as key=value")
            if key not in known:
                close = difflib.get_close_matches(key, known, 1)
                meant = f" (did you mean {close[0]}?)" if close else ""
                raise BadRecipe(f"{self.name} has no parameter {key!r}{meant}; it has {', '.join(known) or 'none'}")
            if key in given:
                raise BadRecipe(f"-p {key} was given twice")
            given[key] = text
        values = {key: read(f"{self.name}: -p {key}", text, known[key].kind, store) for key, text in given.items()}
        missing = [name for name, parameter in known.items() if parameter.needed and name not in values]
        if missing:
            raise BadRecipe(
                f"{self.name} needs {', '.join(f'-p {known[name].usage()}' for name in missing)}; "
                f"`gristmill recipes {self.name}` shows all it takes"
            )
        step = self._step(values)
        everything = {name: values.get(name, parameter.default) for name, parameter in known.items()}
        record = {
            "name": self.function.__name__,
            "function": f"{place_in_record(self.function)}:{self.function.__name__}",
            "parameters": {key: recorded(f"{self.name}: {key}", value) for key, value in everything.items()},
        }
        return step, record

    def parameters(self) -> dict[str, Parameter]:
        """The parameters by name, in their order.

        Raises:
            BadRecipe: one has no type, or the function takes more than named parameters.
        """
        return parameters(self.name, self.function)

    def summary(self) -> str:
        """The first sentence of what its function says about itself."""
        return (inspect.getdoc(self.function) or "").strip().partition("\n")[0]

    def _step(self, values: dict[str, Any]) -> Step:
        """What the function returns, with an identity."""
        try:
            step = self.function(**values)
        except Misuse:
            raise
        except (Exception, SystemExit) as error:
            if ":" in self.name:
                raise blamed(self.name, error) from error
            if isinstance(error, ValueError):  # a built-in's op says so of one of its fields
                raise BadRecipe(f"{self.name}: {error}") from error
            raise
        if not isinstance(step, Step):
            raise BadRecipe(
                f"{self.name} returned {type(step).__name__} and not a Step; a recipe returns its last step"
            )
        try:
            for one in in_order(step):
                one.json()
        except (TypeError, AttributeError, ValueError) as error:
            raise BadRecipe(f"{self.name}: a step cannot be told from others: {error}") from error
        return step


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
    module = load_file(Path(place)) if place.endswith(".py") else load_module(place)
    found = getattr(module, function, None)
    if not inspect.isfunction(inspect.unwrap(found)):  # type: ignore[arg-type]
        own = ", ".join(_own_functions(module)) or "none"
        raise BadRecipe(f"{place} has no function {function!r}; its functions: {own}")
    return Recipe(name, typing.cast(Callable[..., Step], found))


def built_ins(packages: Sequence[str]) -> dict[str, Recipe]:
    """The functions that `__all__` of `<package>.recipes` lists, for the packages that have recipes."""
    found: dict[str, Recipe] = {}
    for package in packages:
        if importlib.util.find_spec(f"{package}.recipes") is None:
            continue
        module = importlib.import_module(f"{package}.recipes")
        found |= {name: Recipe(name, getattr(module, name)) for name in module.__all__}
    return found


def _own_functions(module: types.ModuleType) -> dict[str, Callable[..., Any]]:
    """The public functions that a module defines and does not only import."""
    functions = inspect.getmembers(module, inspect.isfunction)
    return {name: one for name, one in functions if not name.startswith("_") and one.__module__ == module.__name__}
