"""How a command ends when it does not go as it should: one sentence, and an exit code that scripts can tell apart."""

import os
import select
import sys

import typer

from .cards.plain import visible
from .versions.errors import Damaged, Misuse
from .versions.job import Refused, Waiting
from .versions.ledger import Unbalanced
from .versions.recipe_file import place

FAILED, MISUSED, WAITING, STOPPED = 1, 2, 3, 130


def end(error: BaseException) -> None:
    """Print one sentence and leave; with GRISTMILL_DEBUG=1 leave with the traceback instead."""
    if isinstance(error, BrokenPipeError) and _nobody_reads():
        sys.exit(FAILED)
    if os.environ.get("GRISTMILL_DEBUG"):
        raise error
    text, code = _explained(error)
    typer.echo(f"gristmill: {visible(text)}", err=True)
    sys.exit(code)


def _explained(error: BaseException) -> tuple[str, int]:
    """What happened, for people, and the exit code."""
    match error:
        case KeyboardInterrupt():
            return "stopped; run the same command again to go on", STOPPED
        case Waiting():
            return f"waiting: {error}", WAITING
        case Misuse():
            return str(error), MISUSED
        case Refused() | Damaged() | Unbalanced():
            return str(error), FAILED
    said = "; ".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", ())])
    if where := place(error):
        return f"{where}: {said}; set GRISTMILL_DEBUG=1 to see how it came to that", FAILED
    if isinstance(error, OSError):
        named = error.filename is not None and error.strerror
        return (f"{error.filename}: {error.strerror}" if named else str(error) or said), FAILED
    fault = "this is a fault in gristmill, not in your data"
    return f"{fault}: {said}; set GRISTMILL_DEBUG=1 to see where, and please report it", FAILED


def _nobody_reads() -> bool:
    """Whether who read stdout or stderr has left, as `head` does; then nothing more is written there."""
    watch = select.poll()
    for stream in (sys.stdout, sys.stderr):
        watch.register(stream.fileno(), 0)  # a pipe without a reader is reported as an error, asked or not
    left = [number for number, events in watch.poll(0) if events & select.POLLERR]
    for number in left:
        os.dup2(os.open(os.devnull, os.O_WRONLY), number)  # what is still buffered goes there at the end
    return bool(left)
