"""The part of the command line that is about models: serve one here, and what asking has cost."""

import importlib.util
import os
import socket
import sys
from typing import Annotated

import typer

from dataset_cards import terminal
from dataset_cards.options import STORE, JsonOption, StoreOption, open_store
from dataset_cards.said import say
from dataset_cards.versions.errors import Misuse

from .cache import Cache, place
from .ledger import totals

llm = typer.Typer(help="Language models: put one of this machine behind HTTP, and see what asking has cost.")


@llm.command()
def serve(
    model: Annotated[str, typer.Argument(help="A folder with a model, or its name on the hub.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="On 127.0.0.1; 0 takes any free one.")] = 8000,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda:0 ...")] = "auto",
    dtype: Annotated[str, typer.Option(help="auto, float32, bfloat16 ...")] = "auto",
    continuous_batching: Annotated[bool, typer.Option(help="More at once, for far more memory; for GPUs.")] = False,
) -> None:
    """Put a transformers model behind the OpenAI protocol, on 127.0.0.1 only, until Ctrl-C.

    This is `transformers serve`: chat and legacy completions, no log-probabilities and no JSON schema. Use
    --llm local:MODEL where log-probabilities are wanted.
    """
    for package in ("torch", "transformers", "fastapi", "uvicorn"):
        if importlib.util.find_spec(package) is None:
            raise Misuse(f"serving a model needs {package}: pip install 'gristmill[train]' 'transformers[serving]'")
    port = port or _free_port()
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", model, "--host", "127.0.0.1"]
    command += ["--port", str(port), "--device", device, "--dtype", dtype]
    command += ["--continuous-batching"] if continuous_batching else []
    url = f"http://127.0.0.1:{port}/v1"
    typer.echo(f"loading {model}; ask it with --llm {url} and the model name {model}; Ctrl-C stops it", err=True)
    sys.stderr.flush()
    # Become the server, so that nothing is left behind when this process is ended.
    os.execve(command[0], command, {**os.environ, "HF_HUB_DISABLE_TELEMETRY": "1"})


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@llm.command()
def cost(store: StoreOption = STORE, as_json: JsonOption = False) -> None:
    """What all runs over a store have asked of each model: answers, tokens, tries that failed, money."""
    path = place(open_store(store).root)
    if not path.exists():
        say({}, f"no model was asked yet: there is no {path}", as_json)
        return
    cache = Cache(path)
    try:
        found = totals(cache)
    finally:
        cache.close()
    rows = []
    for model, count in sorted(found.items()):
        money = ", ".join(f"{value:,.2f} {currency}" for currency, value in count["cost"].items())
        failed = sum(count.get("failed", {}).values())
        tokens = f"{count['prompt_tokens']:,} + {count['completion_tokens']:,}"
        numbers = [f"{count[name]:,}" for name in ("runs", "requests", "answered", "cached")]
        rows.append((model, *numbers, f"{failed:,}", f"{sum(count.get('faults', {}).values()):,}", tokens, money))
    head = ("model", "runs", "requests", "answered", "cached", "failed", "faults", "tokens in + out", "cost")
    say(found, terminal.table(head, rows), as_json)
