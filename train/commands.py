"""The commands of whoever trains: which stage a bad answer comes from, and what a model knows by heart."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from dataset_cards.options import STORE, JsonOption, StoreOption, open_store
from dataset_cards.said import say
from dataset_cards.versions.errors import Misuse

from .options import Device, DeviceOption, machine

commands = typer.Typer()


@commands.command()
def diagnose(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The model that gave the answer, as chat@1.0.0.")],
    prompt: Annotated[str, typer.Option(help="What it was asked: text, or a file with a JSON list of messages.")],
    answer: Annotated[str, typer.Option(help="The answer that is in question.")],
    rows: Annotated[int, typer.Option("-n", "--rows", min=0, help="Nearest rows to show of each version.")] = 3,
    device: DeviceOption = Device.auto,
    store: StoreOption = STORE,
    as_json: JsonOption = False,
) -> None:
    """Which stage of a model's making made an answer likely, and the rows of that stage that are most like it."""
    from .study.diagnose import blamed, text
    from .study.diagnose import diagnose as diagnosed

    if not answer.strip():
        raise Misuse("--answer is empty; give the answer that is in question")
    shelf = open_store(store)
    heard = diagnosed(
        shelf, shelf.version(model), _messages(prompt), answer, machine=machine(device, None, []), rows=rows
    )
    say({"stages": [one.json() for one in heard], "first": blamed(heard).stage}, text(heard), as_json)


@commands.command()
def memorised(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="What the model was trained on, as pages@1.0.0.")],
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The model, as base@1.0.0.")],
    control: Annotated[
        str | None, typer.Option(metavar="NAME@VERSION", help="Documents the model never saw, to compare with.")
    ] = None,
    rows: Annotated[int, typer.Option("-n", "--rows", min=1, help="Rows of each group to try at most.")] = 200,
    device: DeviceOption = Device.auto,
    store: StoreOption = STORE,
    as_json: JsonOption = False,
) -> None:
    """What a model knows by heart: planted canaries, and rows it recites, by copies and by personal data in them."""
    from .study.memorised import memorised as looked_for

    shelf = open_store(store)
    unseen = shelf.version(control) if control else None
    found = looked_for(
        shelf.version(version), shelf.version(model), unseen, machine=machine(device, None, []), rows=rows
    )
    say(found.json(), found.text(), as_json)


def _messages(prompt: str) -> list[dict[str, Any]]:
    """A prompt as messages.

    Raises:
        Misuse: it is empty, or a file that holds no list of messages.
    """
    if not prompt.strip():
        raise Misuse("--prompt is empty; give what was asked, or a file with a JSON list of messages")
    if not (prompt.endswith(".json") and Path(prompt).is_file()):
        return [{"role": "user", "content": prompt}]
    try:
        found = json.loads(Path(prompt).read_bytes())
        return [{"role": str(one["role"]), "content": str(one["content"])} for one in found]
    except (ValueError, TypeError, KeyError) as error:
        raise Misuse(f"--prompt {prompt}: write a JSON list of objects with role and content ({error})") from error
