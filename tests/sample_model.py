"""A model version as version.json describes it, for tests of its card and report."""

import math
from dataclasses import asdict
from typing import Any

from tests.sample_version import few_facts
from train.measure import Measure
from train.outcome import Outcome, Plot, Sheet
from train.preflight import Finding, Preflight

DIGEST = "sha256:" + "5e" * 32


def adopted() -> dict[str, Any]:
    """A model that was taken in from elsewhere."""
    return few_facts("model") | {
        "name": "base",
        "rows": 0,
        "bytes": 2_345_678,
        "files": [{"path": "model.safetensors", "bytes": 2_340_000, "sha256": "cd" * 32}],
        "schema": [],
        "ledger": {"read": 0, "kept": 0, "quarantined": 0, "dropped": {}},
        "facts": {"model": {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 512}},
    }


def measure(**changed: Any) -> Measure:
    made: dict[str, Any] = {
        "name": "response loss",
        "unit": "nats per token",
        "better": "lower",
        "before": (6.1, 6.0, 6.2),
        "after": (2.25, 2.1, 2.4),
        "gain": (3.85, 3.7, 4.0),
        "rows": 48,
        "how": "the assistant's tokens, without the question",
    }
    return Measure(**made | changed)


def outcome() -> Outcome:
    curves = [
        {"step": float(n), "loss": 2 + 4 * math.exp(-n / 40), "held-out loss": 2.3 + 4 * math.exp(-n / 40), "lr": 1e-4}
        for n in range(0, 200, 2)
    ]
    return Outcome(
        measures=(measure(), measure(name="accuracy", unit="share", better="higher", before=None, gain=None)),
        curves=curves,
        plots=(
            Plot(name="loss", title="Loss", lines=("loss", "held-out loss")),
            Plot(name="rate", title="Learning rate", lines=("lr",)),
        ),
        sheets=(
            Sheet(
                title="By source",
                header=("source", "rows", "loss"),
                rows=(("forum", "30", "2.4"), ("manual", "18", "2.0")),
                note="Small groups have wide intervals.",
            ),
        ),
        facts={"packed": True},
        notes=("The learning rate was warmed up over 10 steps.",),
    )


def trained(came: Outcome | None = None, stage: str = "sft") -> dict[str, Any]:
    """A model that was trained from frozen versions; its ledger balances."""
    came = came or outcome()
    preflight = Preflight(
        read=1000,
        train=912,
        held_out=48,
        dropped={"special-tokens-in-text": 30, "duplicate-row": 10},
        tokens=123_456,
        learned=98_000,
        lost=1_200,
        longest=512,
        steps=200,
        memory={"weights": 10**8, "gradients": 10**8, "optimizer": 2 * 10**8, "activations": 5 * 10**7},
        findings=(
            Finding(
                check="special-tokens-in-text",
                rows=30,
                left_out=True,
                blocks=False,
                examples=("row-1", "row-2", "row-3", "row-4"),
                detail="<|im_end|>",
            ),
            Finding(check="duplicate-row", rows=10, left_out=True, blocks=False, examples=("row-9",)),
        ),
    )
    inputs = [
        {"role": "data", "ref": "chats@1.0.0", "kind": "conversations", "digest": DIGEST, "license": "CC-BY-4.0"},
        {"role": "model", "ref": "base@1.0.0", "kind": "model", "digest": DIGEST, "license": "Apache-2.0"},
    ]
    training = {
        "stage": stage,
        "inputs": inputs,
        "parameters": {"schedule": {"Schedule": {"epochs": 3.0, "learning_rate": 5e-4}}, "held_out": 0.05},
        "seed": 7,
        "preflight": preflight.json(),
        **came.json(),
        "cost": {"seconds": 61.5, "cpu_seconds": 59.0},
        "machine": {"device": "cpu"},
        "environment": {"python": "3.11.7", "platform": "Linux x86_64", "packages": {"torch": "2.14.0"}},
    }
    plots = [{"path": f"plots/{plot.name}.svg", "bytes": 1, "sha256": "00" * 32} for plot in came.plots]
    funnel = [preflight.funnel()]
    ledger = {key: value for key, value in funnel[0].items() if key != "stage"}
    return adopted() | {
        "name": "chatty",
        "rows": 960,
        "files": [{"path": "model.safetensors", "bytes": 2_340_000, "sha256": "cd" * 32}, *plots],
        "parents": [{"name": "chats", "version": "1.0.0", "digest": DIGEST}],
        "recipe": {"name": "sft", "function": "train.recipes:sft", "parameters": {"epochs": 3.0}, "steps": []},
        "ledger": ledger,
        "funnel": funnel,
        "facts": {"training": training},
    }


def hostile_model(text: str) -> dict[str, Any]:
    """A trained model that says `text` wherever outsiders have a say: ids, details, slices, notes, curves, source."""
    came = Outcome(
        measures=(measure(name=text, unit=text, how=text),),
        curves=[{"step": 1.0, text: 1.0, "loss": 2.0}],
        plots=(Plot(name=text, title=text, lines=(text,), over="step"), Plot(name="loss", title=text, lines=("loss",))),
        sheets=(Sheet(title=text, header=(text, text), rows=((text, text),), note=text),),
        notes=(text,),
    )
    version = trained(came)
    run = version["facts"]["training"]
    run["parameters"] = {text: text}
    run["environment"] = {"python": text, "device": text, "packages": {text: text}}
    run["inputs"][0] |= {"license": text}
    finding = Finding(check="template-error", rows=1, left_out=True, blocks=False, examples=(text,), detail=text)
    run["preflight"]["findings"] = [asdict(finding)]
    return version | {"source": text, "license": text, "tainted": [text]}
