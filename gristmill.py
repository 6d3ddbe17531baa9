"""The command line of gristmill: composes what the packages offer and turns errors into sentences."""

import io
import os
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from annotation.commands import desk as desk_commands
from annotation.options import DeskOption, Desks, ScriptedOption
from annotation.people_commands import users
from annotation.plan_commands import plan as plan_judgements
from curation.options import On, OnOption, PartOption, RayOption, SlurmOption, WorkersOption
from dataset_cards import terminal
from dataset_cards.cards.plain import visible
from dataset_cards.commands import commands
from dataset_cards.endings import end
from dataset_cards.facts.instruments import Instruments
from dataset_cards.lineage.commands import lineage
from dataset_cards.options import (
    STORE,
    JsonOption,
    ParameterOption,
    QuarantineOption,
    RecipeArgument,
    StoreOption,
    one_name,
    open_store,
)
from dataset_cards.publish.commands import card
from dataset_cards.recipe_list import described
from dataset_cards.said import here, places, say, unnamed
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.recipe import built_ins, find_recipe
from synth.llm.commands import llm as llm_commands
from synth.llm.options import BudgetOption, LlmOption, PricesOption
from train.commands import commands as training_commands
from train.options import Device, DeviceOption, LauncherOption, MachineOption
from train.said import said

PACKAGES = ("curation", "annotation", "synth", "train")


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
app.registered_commands += commands.registered_commands + lineage.registered_commands
app.registered_commands += training_commands.registered_commands
desk_commands.add_typer(users, name="user")
desk_commands.command("plan")(plan_judgements)
app.add_typer(desk_commands, name="desk")
app.add_typer(llm_commands, name="llm")
app.add_typer(card, name="card")


@app.callback()
def composed(ctx: typer.Context) -> None:
    # The help of the whole is that of `app`; here commands of the floor are handed what lies above it.
    ctx.obj = _instruments


def _instruments() -> Instruments:
    """What the packages can tell of a text, for the facts of a version."""
    from curation.instruments import language, secrets
    from synth.instruments import refused, unchecked

    return Instruments(refused=refused, language=language, secrets=secrets, unchecked=unchecked)


@app.command()
def recipes(
    name: Annotated[str | None, typer.Argument(metavar="[RECIPE]", help="Show this one with its parameters.")] = None,
    as_json: JsonOption = False,
) -> None:
    """The built-in recipes; of one, everything it takes and says about itself."""
    found = {name: find_recipe(name, PACKAGES)} if name else built_ins(PACKAGES)
    values, text = described(found, in_full=name is not None)
    say(values, text, as_json)


@app.command()
def plan(
    recipe: RecipeArgument,
    p: ParameterOption = None,
    estimate: Annotated[
        bool, typer.Option(help="Measure on a sample of the input what the run would take; some seconds.")
    ] = True,
    prices: PricesOption = None,
    store: StoreOption = STORE,
    as_json: JsonOption = False,
) -> None:
    """What would run, what was done before, and what the run would take; writes nothing to the store."""
    from curation.estimate.estimate import estimated
    from curation.estimate.show import shown
    from synth.costs import costs

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
    if asking := costs(todo, shelf, prices):
        text += "".join(f"\n\n{name}, first questions:\n{cost.text()}" for name, cost in asking)
        say({"steps": values, "estimate": {name: vars(cost) for name, cost in asking}}, text, as_json)
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
    workers: WorkersOption = None,
    on: OnOption = On.local,
    ray_address: RayOption = None,
    slurm: SlurmOption = None,
    part_mb: PartOption = 64,
    max_quarantined: QuarantineOption = 0.01,
    desk: DeskOption = Desks.argilla,
    scripted: ScriptedOption = None,
    llm: LlmOption = None,
    prices: PricesOption = None,
    budget: BudgetOption = None,
    device: DeviceOption = Device.auto,
    launcher: LauncherOption = None,
    machine: MachineOption = None,
    store: StoreOption = STORE,
    as_json: JsonOption = False,
) -> None:
    """Run a recipe: do what is not done yet, and freeze the result with --as."""
    from annotation.desk.choice import desk_for
    from annotation.desk.home import default_home
    from curation.engine import engine_for
    from curation.ingest import Cut
    from curation.progress import Progress
    from dataset_cards.make import make
    from dataset_cards.watch import Console
    from synth.llm.tool import asked
    from train.options import machine as machine_of

    ref = one_name(name) if name else None
    trial = desk is Desks.memory or (llm or "").partition(":")[0] == "fake"
    shelf = replace(open_store(store), trial=trial)
    step, record = find_recipe(recipe, PACKAGES).bind(p or [], shelf)
    console = Console(shelf, sys.stderr, max_quarantined)
    engine = engine_for(on.value, workers, shelf.root, Progress(), ray_address, slurm or [])
    tools = [engine, Cut(part_mb << 20, 4 * part_mb << 20), desk_for(desk.value, scripted or [], default_home())]
    tools += [machine_of(device, launcher, machine or []), *_readers()]
    with asked(llm, shelf.root, prices, budget, console.tell) as model:
        version = make(shelf, step, [*tools, model], console, ref, record, _instruments())
    if not console.ran:
        typer.echo("nothing to do: every step was done before", err=True)
    funnel = shelf.funnel(step)
    training = shelf.done(step)["facts"].get("training")
    learned = [*said(training).splitlines(), ""] if training else []
    if version is None:
        text = "\n".join([terminal.funnel(funnel), "", *learned, unnamed(step, shelf)])
        say({"step": step.id, "funnel": funnel}, text, as_json)
        return
    ledger = f"{version.ref}: {terminal.ledger(version.json['ledger'])}"
    say(version.json, "\n".join([terminal.funnel(funnel), "", *learned, ledger, *places(version)]), as_json)


def _readers() -> tuple[object, ...]:
    """What trainers may ask about an answer: whether it is right, and whether it refuses."""
    from synth.refused import Refusing
    from synth.verify.verdicts import VerifierVerdicts

    return (VerifierVerdicts(), Refusing())


@app.command()
def preflight(
    recipe: RecipeArgument, p: ParameterOption = None, store: StoreOption = STORE, as_json: JsonOption = False
) -> None:
    """Look at what a trainer would eat, with its own template, truncation and masks; trains nothing."""
    from train.look import look

    step, _ = find_recipe(recipe, PACKAGES).bind(p or [], open_store(store))
    found = look(step, _readers())
    say(found.json(), found.text(), as_json)
    found.check(recipe)


@app.command(hidden=True)
def fit(folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of a run that was begun.")]) -> None:
    """What `run --launcher` starts in each of its processes."""
    from train.launch import fit as fit_

    fit_(folder, _readers())


@app.command()
def demo(
    store: StoreOption = "gristmill-demo",
    workers: Annotated[int, typer.Option(min=1, help="Processes at work.")] = os.cpu_count() or 1,
) -> None:
    """The main job on real input that is already here: the documentation of this Python installation."""
    from curation.demo import collect, hints

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
    typer.echo(visible(hints(command, folder, store)))


@app.command("demo-train")
def demo_train(
    store: StoreOption = "gristmill-demo",
    share: Annotated[float, typer.Option(min=0.01, max=1, help="Share of every stage's steps, to see it pass.")] = 1.0,
) -> None:
    """From the corpus of `demo` to a small base model, SFT, reward model, DPO, PPO and a distilled student."""
    from train.demo import commands, gather
    from train.trainer import need

    need("trl")
    root = open_store(store).root
    demo(store)
    gather(Path(root.path) / "rows")
    for words in commands(Path(here(root)) / "rows", Path(here(root)), share):
        typer.echo(visible(f"\n$ gristmill {shlex.join(words)} --store {shlex.quote(store)}"))
        app([*words, "--store", store], standalone_mode=False)


def main() -> None:
    """Run the command line and end with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a corpus has every script, a terminal may not
    try:
        app(prog_name="gristmill")
    except Exception as error:
        end(error.__cause__ if isinstance(error, _HandedOn) and error.__cause__ else error)


if __name__ == "__main__":
    main()
