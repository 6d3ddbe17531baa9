"""What the commands have in common: the options they take, and how those are read."""

from collections.abc import Sequence
from typing import Annotated

import typer

from .versions.errors import Misuse
from .versions.store import Store
from .versions.version import parse_ref

StoreOption = Annotated[
    str,
    typer.Option("--store", envvar="GRISTMILL_STORE", help="Where steps and versions live: a folder or fsspec URL."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of text for people.")]
RefArgument = Annotated[str, typer.Argument(metavar="NAME@VERSION", help="A frozen version, such as pages@1.0.0.")]
QuarantineOption = Annotated[
    float, typer.Option("--max-quarantined", min=0, max=1, help="Share of unreadable input from which the run fails.")
]
RecipeArgument = Annotated[
    str, typer.Argument(metavar="RECIPE", help="A built-in name, module:function, or file.py:function.")
]
ParameterOption = Annotated[
    list[str] | None, typer.Option("-p", metavar="KEY=VALUE", help="A parameter of the recipe; repeat for more.")
]
STORE = "./gristmill-store"


def open_store(address: str) -> Store:
    """The store at a folder or URL.

    Raises:
        Misuse: the address is empty, of an unknown kind, or of one whose driver is not installed.
    """
    if not address.strip():
        raise Misuse("--store is empty; give a folder or an address such as s3://bucket/store")
    try:
        return Store.at(address)
    except ImportError as error:
        raise Misuse(f"the driver for the store {address} is not installed: {error}") from error
    except ValueError as error:
        raise Misuse(f"the store {address} cannot be opened: {error}") from error


def one_name(given: Sequence[str]) -> str:
    """The one NAME@VERSION that was given with `--as`.

    Raises:
        Misuse: none, several, or no such name can be.
    """
    if len(given) != 1:
        raise Misuse(f"--as was given {len(given)} times ({', '.join(given)}); one run makes one version")
    if not given[0]:
        raise Misuse("--as is empty; write NAME@VERSION, such as pages@1.0.0")
    parse_ref(given[0])
    return given[0]
