"""Options of the command line about who answers."""

from enum import StrEnum
from typing import Annotated

import typer


class Desks(StrEnum):
    """Where people answer."""

    argilla = "argilla"
    memory = "memory"


DeskOption = Annotated[Desks, typer.Option(help="Where people answer; memory asks the scripted ones.")]
ScriptedOption = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=KIND", help="With --desk memory: a scripted annotator, as a1=noisy; repeat."),
]
