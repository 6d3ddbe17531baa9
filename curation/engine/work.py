"""Work on its way to other processes, and errors on their way back."""

import os
import socket
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import dill
from loguru import logger

from dataset_cards.versions.errors import BadRecipe
from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Refused
from dataset_cards.versions.recipe import load_file, loaded_files

# datatrove writes a dozen lines per task to stderr; progress is shown here and errors are raised.
logger.disable("datatrove")

Work = Callable[[int], None]

# Processes share the cores among themselves; threads inside each would only get in each other's way.
ONE_THREAD = {
    "POLARS_MAX_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


class Lost(Refused):
    """A process that was doing tasks is gone without a word: killed, or its machine is."""


class Elsewhere(Exception):
    """The traceback that an error had in the process where it happened, as text."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """Tasks and what to do for each, as bytes that a process anywhere can use."""

    packed: bytes
    recipes: tuple[str, ...]  # files that define what the work is made of, to be loaded before it can be read
    tasks: tuple[int, ...]
    folder: Folder  # where the tasks say that they are whole

    @classmethod
    def of(cls, work: Work, tasks: Sequence[int], folder: Folder) -> "Bundle":
        packed = dill.dumps(work)
        recipes = tuple(sorted({path for name, path in loaded_files().items() if name.encode() in packed}))
        return cls(packed=packed, recipes=recipes, tasks=tuple(tasks), folder=folder)

    @cached_property
    def work(self) -> Work:
        """What to do for a task.

        Raises:
            BadRecipe: this machine does not have a recipe file, or loading it fails here.
        """
        for path in self.recipes:
            if not Path(path).is_file():
                raise BadRecipe(
                    f"{socket.gethostname()} has no file {path}: every machine at work loads recipe files by their "
                    "path, so keep them on a filesystem that all of them share"
                )
            load_file(Path(path))
        work: Work = dill.loads(self.packed)
        return work


def packed_error(error: BaseException) -> bytes:
    """An error with its traceback; one that cannot be sent is told in words."""
    text = "".join(traceback.format_exception(error))
    packed: bytes = dill.dumps(RuntimeError(f"{type(error).__name__}: {error}"))
    if isinstance(error, Exception):  # a task may ask its own process to exit, but not the one that wants the work
        with suppress(Exception):  # one with an `__init__` of its own may be written and not read
            whole = dill.dumps(error)
            dill.loads(whole)
            packed = whole
    sent: bytes = dill.dumps((packed, text))
    return sent


def unpacked_error(packed: bytes) -> Exception:
    """What `packed_error` was given, to be raised here."""
    inner, text = dill.loads(packed)
    error: Exception = dill.loads(inner)
    error.__cause__ = Elsewhere(text)
    return error


@contextmanager
def environment(values: Mapping[str, str | None]) -> Iterator[None]:
    """Set variables, or take them away where the value is None, while the block runs."""
    saved = {name: os.environ.get(name) for name in values}
    _set(values)
    try:
        yield
    finally:
        _set(saved)


def _set(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
