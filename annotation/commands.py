"""The part of the command line that is about people: the desk where they answer."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from annotation.desk.held import held
from annotation.desk.home import Running, Starting, default_home, foreground, serve, status, stop
from dataset_cards.options import JsonOption
from dataset_cards.said import say
from dataset_cards.versions.errors import Misuse

desk = typer.Typer(help="The desk: where people answer. An Argilla server on this machine, or one elsewhere.")

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", envvar="GRISTMILL_DESK", help="The desk's folder. [default: ./gristmill-desk]"),
]


@desk.callback()
def _desk() -> None:
    """Makes `desk` a group also while it has one command."""


@desk.command("serve")
def serve_(
    home: HomeOption = None,
    port: Annotated[
        int | None, typer.Option(help="On 127.0.0.1; 0 takes any free one. [default: the last one, at first 6900]")
    ] = None,
    stay: Annotated[
        bool, typer.Option("--foreground", help="Be the server, for a supervisor; Ctrl-C stops it.")
    ] = False,
    look: Annotated[bool, typer.Option("--status", help="Say whether it runs, and what it holds.")] = False,
    end: Annotated[bool, typer.Option("--stop", help="Stop it; everything answered is kept.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Start the annotation server of this machine in the background: Argilla, with no Docker and no network.

    Its environment is installed on first use. It listens on 127.0.0.1 only. Everything it holds is in its home folder.
    """
    place = (home or default_home()).absolute()
    if stay + look + end > 1:
        raise Misuse("--foreground, --status and --stop are three different things; give one of them")
    if (look or end) and port is not None:
        raise Misuse("--port is for starting a desk; leave it out")
    if look:
        _look(place, as_json)
    elif end:
        ran = stop(place)
        text = f"stopped; the data stay in {place}" if ran else f"no desk runs in {place}"
        say({"running": False, "stopped": ran, "home": str(place)}, text, as_json)
    elif stay:
        foreground(place, port, _tell)
    else:
        before = isinstance(status(place), Running)
        running = serve(place, port, _tell)
        text = "\n".join(
            [
                f"the desk {'runs already' if before else 'answers'} at {running.url}",
                f"sign in with the name and password in {place / 'owner.json'}",
            ]
        )
        say(_described(running) | {"ran_before": before}, text, as_json)


def _look(place: Path, as_json: bool) -> None:
    """Print how things stand; running or not, that is an answer and no failure."""
    found = status(place)
    if isinstance(found, Running):
        counts = held(found)
        hours, minutes = divmod(int(time.time() - found.started) // 60, 60)
        text = "\n".join(
            [
                f"running at {found.url}, for {hours} h {minutes:02} min, process {found.pid}",
                f"argilla-server {found.version}, home {place}",
                ", ".join(f"{number:,} {what}" for what, number in counts.items()),
            ]
        )
        say(_described(found) | counts, text, as_json)
    elif isinstance(found, Starting):
        say({"running": False, "starting": True, "home": str(place)}, f"starting, in {place}", as_json)
    else:
        text = f"no desk runs in {place}; start it with `gristmill desk serve`"
        say({"running": False, "starting": False, "home": str(place)}, text, as_json)


def _described(running: Running) -> dict[str, Any]:
    return {
        "running": True,
        "url": running.url,
        "home": str(running.home),
        "credentials": str(running.home / "owner.json"),
        "pid": running.pid,
        "seconds": round(time.time() - running.started),
        "version": running.version,
    }


def _tell(sentence: str) -> None:
    typer.echo(sentence, err=True)
