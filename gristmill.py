"""The command line of gristmill: composes what the packages offer and turns errors into sentences."""

import os
import sys
from typing import Annotated, Any

import typer

from dataset_cards import terminal
from dataset_cards.commands import STORE, JsonOption, QuarantineOption, StoreOption, commands, here, places, say
from dataset_cards.versions.job import Refused, Waiting
from dataset_cards.versions.recipe import BadRecipe, built_ins, find_recipe
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import NoSuchVersion

PACKAGES = ("curation", "annotation", "synth", "train")
DONE, FAILED, MISUSED, WAITING = 0, 1, 2, 3

app = typer.Typer(
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
    recipe: RecipeArgument, p: ParameterOption = None, store: StoreOption = STORE, as_json: JsonOption = False
) -> None:
    """What would run and what was done before; runs nothing and writes nothing."""
    shelf = Store.at(store)
    step, _ = find_recipe(recipe, PACKAGES).bind(p or [], shelf)
    steps = shelf.plan(step)
    rows = [(one.name, one.fingerprint, "done before" if done else "would run") for one, done in steps]
    values = [{"step": one.name, "fingerprint": one.fingerprint, "done": done} for one, done in steps]
    say(values, terminal.table(("step", "fingerprint", ""), rows), as_json)


@app.command()
def run(
    recipe: RecipeArgument,
    p: ParameterOption = None,
    name: Annotated[
        str | None,
        typer.Option("--as", metavar="NAME@VERSION", help="Freeze the rows under this name, e.g. pages@1.0.0."),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes at work.")] = os.cpu_count() or 1,
    part_mb: Annotated[int, typer.Option(min=1, help="Megabytes of input per task; changes no row.")] = 64,
    max_quarantined: QuarantineOption = 0.01,
    store: StoreOption = STORE,
    as_json: JsonOption = False,
) -> None:
    """Run a recipe: do what is not done yet, and freeze the result with --as."""
    from dataset_cards.freeze import freeze
    from dataset_cards.versions.version import parse_ref
    from dataset_cards.watch import Console

    if name:
        parse_ref(name)
    shelf = Store.at(store)
    step, record = find_recipe(recipe, PACKAGES).bind(p or [], shelf)
    console = Console(shelf, sys.stderr, max_quarantined)
    shelf.run(step, _tools(workers, part_mb), console)
    if not console.ran:
        typer.echo("nothing to do: every step was done before", err=True)
    funnel = shelf.funnel(step)
    if not name:
        say({"step": step.id, "funnel": funnel}, _summary(step, funnel, shelf), as_json)
        return
    version = freeze(shelf, step, name, record)
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

    folder = Path(store) / "input"
    typer.echo(f"gathering the documentation of this Python installation in {folder}", err=True)
    collect(folder)
    run(
        "web_text",
        [
            f"input={folder}",
            "source=Documentation on the disk of one Python installation: packages, licences, docstrings",
        ],
        name="python-docs@1.0.0",
        workers=workers,
        part_mb=2,  # little input: enough parts for every core
        store=store,
    )
    command = sys.argv[0] if Path(sys.argv[0]).name == "gristmill" else "gristmill"
    typer.echo(
        f"\nlook further:  {command} sample python-docs@1.0.0 --reason gopher-quality/too-few-words --store {store}\n"
        f"               {command} verify python-docs@1.0.0 --store {store}\n"
        f"what if:       {command} run web_text -p input={folder} -p min_words=100 --store {store}"
    )


def _summary(step: Step, funnel: list[dict[str, Any]], store: Store) -> str:
    return f"{terminal.funnel(funnel)}\n\nrows in {here(store.folder(step))}; name them for good with --as NAME@VERSION"


def _tools(workers: int, part_mb: int) -> list[object]:
    """What a run is given to work with; none of it changes a row."""
    from curation.engine import LocalEngine
    from curation.ingest import Cut
    from curation.progress import Progress

    return [LocalEngine(workers, Progress()), Cut(part_mb << 20, 4 * part_mb << 20)]


def main() -> None:
    """Run the command line and end with its exit code."""
    try:
        app(prog_name="gristmill")
    except Waiting as waiting:
        _end(f"waiting: {waiting}", WAITING)
    except (BadRecipe, NoSuchVersion, ValueError) as error:
        _end(str(error), MISUSED, error)
    except (Refused, FileExistsError, OSError, LookupError, RuntimeError) as error:
        _end(str(error), FAILED, error)


def _end(text: str, code: int, error: BaseException | None = None) -> None:
    """Print one sentence and leave; with GRISTMILL_DEBUG=1 the traceback comes first."""
    if error is not None and os.environ.get("GRISTMILL_DEBUG"):
        raise error
    typer.echo(f"gristmill: {text}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
