"""The command line of gristmill: composes what the packages offer and turns errors into sentences."""

import io
import os
import select
import shlex
import sys
from enum import StrEnum
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from dataset_cards import terminal
from dataset_cards.cards.plain import visible
from dataset_cards.commands import commands, here, places, say
from dataset_cards.options import STORE, JsonOption, QuarantineOption, StoreOption, one_name, open_store
from dataset_cards.versions.errors import Damaged, Misuse
from dataset_cards.versions.job import Refused, Waiting
from dataset_cards.versions.ledger import Unbalanced
from dataset_cards.versions.recipe import built_ins, find_recipe
from dataset_cards.versions.recipe_file import place
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store

PACKAGES = ("curation", "annotation", "synth", "train")
DONE, FAILED, MISUSED, WAITING, STOPPED = 0, 1, 2, 3, 130


class On(StrEnum):
    """Where the tasks of a run are done."""

    local = "local"
    ray = "ray"
    slurm = "slurm"


class _HandedOn(Exception):
    """Carries, as its cause, what typer would end with a bare word or none."""


class _Group(TyperGroup):
    """The commands, with every error left to `main`."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, EOFError, OSError) as error:
            raise _HandedOn from error


app = typer.Typer(
    cls=_Group,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Raw text to immutable, documented dataset versions. Start with `gristmill demo`, then `gristmill recipes`.",
    epilog="Exit codes: 0 done, 1 failed, 2 misused, 3 waiting for people. Text goes to stdout, progress to stderr.",
)
app.registered_commands += commands.registered_commands

RecipeArgument = Annotated[
    str, typer.Argument(metavar="RECIPE", help="A built-in name, module:function, or file.py:function.")
]
ParameterOption = Annotated[
    list[str] | None, typer.Option("-p", metavar="KEY=VALUE", help="A parameter of the recipe; repeat for more.")
]


@app.command()
def recipes(as_json: JsonOption = False) -> None:
    """The built-in recipes and their parameters."""
    found = built_ins(PACKAGES)
    texts = [f"{name}({recipe.usage()})\n    {_first_line(recipe.function)}" for name, recipe in sorted(found.items())]
    values = {
        name: {"parameters": recipe.usage(), "what": _first_line(recipe.function)} for name, recipe in found.items()
    }
    say(values, "\n\n".join(texts), as_json)


def _first_line(function: Any) -> str:
    return (function.__doc__ or "").strip().splitlines()[0]


@app.command()
def plan(
    recipe: RecipeArgument,
    p: ParameterOption = None,
    estimate: Annotated[
        bool, typer.Option(help="Measure on a sample of the input what the run would take; some seconds.")
    ] = True,
    store: StoreOption = STORE,
    as_json: JsonOption = False,
) -> None:
    """What would run, what was done before, and what the run would take; writes nothing to the store."""
    from curation.estimate.estimate import estimated
    from curation.estimate.show import shown

    shelf = open_store(store)
    step, _ = find_recipe(recipe, PACKAGES).bind(p or [], shelf)
    steps = shelf.plan(step)
    rows = [(one.name, one.fingerprint, "done before" if done else "would run") for one, done in steps]
    values = [{"step": one.name, "fingerprint": one.fingerprint, "done": done} for one, done in steps]
    text = terminal.table(("step", "fingerprint", ""), rows)
    todo = [one for one, done in steps if not done]
    if not (estimate and todo):
        say({"steps": values, "estimate": None}, text, as_json)
        return
    found, why = estimated(step, todo, shelf)
    said = shown(found) if found is not None else f"no estimate: {why}"
    say({"steps": values, "estimate": found.json() if found else {"none": why}}, f"{text}\n\n{said}", as_json)


@app.command()
def run(
    recipe: RecipeArgument,
    p: ParameterOption = None,
    name: Annotated[
        list[str] | None,
        typer.Option("--as", metavar="NAME@VERSION", help="Freeze the rows under this name, e.g. pages@1.0.0."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes at work; as many as there are cores, or as the cluster gives.")
    ] = None,
    on: Annotated[On, typer.Option(help="Where tasks run: on this machine, on Ray, or as jobs of Slurm.")] = On.local,
    ray_address: Annotated[
        str | None, typer.Option(envvar="RAY_ADDRESS", help="With --on ray: a cluster; else Ray is started here.")
    ] = None,
    slurm: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE", help="With --on slurm: an option of sbatch, as time=2:00:00; repeat for more."
        ),
    ] = None,
    part_mb: Annotated[int, typer.Option(min=1, help="Megabytes of input per task; changes no row.")] = 64,
    max_quarantined: QuarantineOption = 0.01,
    store: StoreOption = STORE,
    as_json: JsonOption = False,
) -> None:
    """Run a recipe: do what is not done yet, and freeze the result with --as."""
    from curation.engine import engine_for
    from curation.ingest import Cut
    from curation.progress import Progress
    from dataset_cards.make import make
    from dataset_cards.watch import Console

    ref = one_name(name) if name else None
    shelf = open_store(store)
    step, record = find_recipe(recipe, PACKAGES).bind(p or [], shelf)
    console = Console(shelf, sys.stderr, max_quarantined)
    engine = engine_for(on.value, workers, shelf.root, Progress(), ray_address, slurm or [])
    version = make(shelf, step, [engine, Cut(part_mb << 20, 4 * part_mb << 20)], console, ref, record)
    if not console.ran:
        typer.echo("nothing to do: every step was done before", err=True)
    funnel = shelf.funnel(step)
    if version is None:
        say({"step": step.id, "funnel": funnel}, _summary(step, funnel, shelf), as_json)
        return
    ledger = f"{version.ref}: {terminal.ledger(version.json['ledger'])}"
    say(version.json, "\n".join([terminal.funnel(funnel), "", ledger, *places(version)]), as_json)


@app.command()
def demo(
    store: StoreOption = "gristmill-demo",
    workers: Annotated[int, typer.Option(min=1, help="Processes at work.")] = os.cpu_count() or 1,
) -> None:
    """The main job on real input that is already here: the documentation of this Python installation."""
    from pathlib import Path

    from curation.demo import collect

    root = open_store(store).root
    if not root.local:
        raise Misuse(
            f"--store {store}: the demo gathers its input beside its store, so give it a folder on this machine"
        )
    folder = Path(here(root)) / "input"
    typer.echo(f"gathering the documentation of this Python installation in {visible(folder)}", err=True)
    collect(folder)
    run(
        "web_text",
        [
            f"input={folder}",
            "source=Documentation on the disk of one Python installation: packages, licences, docstrings",
        ],
        name=["python-docs@1.0.0"],
        workers=workers,
        part_mb=2,  # little input: enough parts for every core
        store=store,
    )
    command = shlex.quote(sys.argv[0] if Path(sys.argv[0]).name == "gristmill" else "gristmill")
    store, given = shlex.quote(store), shlex.quote(f"input={folder}")
    hints = (
        f"\nlook further:  {command} sample python-docs@1.0.0 --reason gopher-quality/too-few-words --store {store}\n"
        f"               {command} verify python-docs@1.0.0 --store {store}\n"
        f"what if:       {command} run web_text -p {given} -p min_words=100 --store {store}"
    )
    typer.echo(visible(hints))


def _summary(step: Step, funnel: list[dict[str, Any]], store: Store) -> str:
    folder = shlex.quote(here(store.folder(step)))
    return f"{terminal.funnel(funnel)}\n\nrows in {folder}; name them for good with --as NAME@VERSION"


def main() -> None:
    """Run the command line and end with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a corpus has every script, a terminal may not
    try:
        app(prog_name="gristmill")
    except Exception as error:
        _end(error.__cause__ if isinstance(error, _HandedOn) and error.__cause__ else error)


def _end(error: BaseException) -> None:
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
    said = f"{type(error).__name__}: {error}"
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


if __name__ == "__main__":
    main()
