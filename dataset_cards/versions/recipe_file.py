"""Loading the Python that people write their recipes in, and saying where in it something went wrong."""

import hashlib
import importlib
import importlib.util
import re
import sys
import traceback
import types
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from .errors import BadRecipe, Misuse
from .fingerprint import SOURCE

# Set on the modules of a recipe file and of its neighbours: the path of the recipe file.
_FILE = "__gristmill_recipe__"
_FRAME = re.compile(r'^ *File "(.+)", line (\d+)', re.MULTILINE)


def load_file(path: Path) -> types.ModuleType:
    """The module of a recipe file, under a name of its own; loaded once as long as its content stays the same.

    Classes in it and in modules beside it are known by the content of their file (see `fingerprint.identity`), and
    worker processes load them anew.

    Raises:
        BadRecipe: there is no such file, or running it fails.
    """
    if not path.is_file():
        raise BadRecipe(f"there is no file {path}")
    path = path.resolve()
    content = path.read_bytes()
    source = hashlib.sha256(content).hexdigest()
    name = f"recipe_{path.stem}_{hashlib.sha256(str(path).encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"
    if getattr(sys.modules.get(name), SOURCE, None) == source:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None, path
    module = importlib.util.module_from_spec(spec)
    setattr(module, SOURCE, source)
    setattr(module, _FILE, str(path))
    sys.modules[name] = module  # dataclasses look there for what annotations mean
    before = set(sys.modules)
    sys.path.insert(0, str(path.parent))  # so that it may import its neighbours
    try:
        # Not by the loader: its cached bytecode goes by seconds and size, and would miss a quick edit.
        exec(compile(content, path, "exec", dont_inherit=True), module.__dict__)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        if isinstance(error, Misuse):
            raise
        raise blamed(str(path), error, (path.parent,)) from error
    finally:
        sys.path.remove(str(path.parent))
    _mark_neighbours(path, set(sys.modules) - before)
    return module


def _mark_neighbours(path: Path, names: Iterable[str]) -> None:
    """Note on modules that came from the folder of a recipe what they hold and how a worker gets at them."""
    for name in names:
        file = getattr(sys.modules[name], "__file__", None)
        if file and Path(file).parent == path.parent and Path(file).is_file():
            setattr(sys.modules[name], SOURCE, hashlib.sha256(Path(file).read_bytes()).hexdigest())
            setattr(sys.modules[name], _FILE, str(path))


def loaded_files() -> dict[str, str]:
    """The modules of recipe files and their neighbours in this process: name to the recipe file that brings it."""
    # Looked up without `getattr`: a module may make up attributes, or fail to, as torch.classes does.
    found = ((name, getattr(module, "__dict__", {})) for name, module in sorted(sys.modules.items()))
    return {name: str(names[_FILE]) for name, names in found if _FILE in names}


def load_module(name: str) -> types.ModuleType:
    """A module by its name, also from the current folder.

    Raises:
        BadRecipe: there is none, or running it fails.
    """
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)  # stays: worker processes are given the same path
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and f"{name}.".startswith(f"{error.name}."):
            raise BadRecipe(f"no module {error.name!r} can be imported for the recipe {name!r}") from error
        raise blamed(name, error, (Path(here),)) from error
    except (Exception, SystemExit) as error:
        raise blamed(name, error, (Path(here),)) from error


def place_in_record(function: Callable[..., Any]) -> str:
    """The module of a function for people to read later: of a recipe file, its name and not where it happens to be."""
    file = getattr(sys.modules.get(function.__module__), _FILE, None)
    return Path(file).name if file else function.__module__


def blamed(what: str, error: BaseException, folders: Iterable[Path] = ()) -> BadRecipe:
    """`error` of code that a person wrote, as a sentence with its place; `what` stands in for a place not known."""
    words = error.msg if isinstance(error, SyntaxError) else str(error)
    said = f"{type(error).__name__}: {words}" if words else type(error).__name__
    return BadRecipe(f"{place(error, folders) or what}: {said}; GRISTMILL_DEBUG=1 shows how it came to that")


def place(error: BaseException, folders: Iterable[Path] = ()) -> str | None:
    """Where an error came from, such as `mine.py, line 12`: the innermost line in a recipe file or a module it
    brought along, or else directly in one of `folders`.

    Errors of worker processes bring their traceback as text, so all of them are read as text. None if no such code
    had a part in it.
    """
    own = {Path(sys.modules[name].__file__ or "") for name in loaded_files()}
    text = "".join(traceback.format_exception(error))
    found = [
        (Path(file), line) for file, line in _FRAME.findall(text) if {Path(file), Path(file).parent} & {*own, *folders}
    ]
    if not found:
        return None
    path, line = found[-1]
    return f"{path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}, line {line}"
