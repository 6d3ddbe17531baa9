"""Who takes part in distillation: whether rows and teacher are such that a student can learn from them."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from dataset_cards.versions.errors import Misuse
from train.bench import Bench
from train.chat import question, with_template
from train.encode import Encoded, Fault, Row
from train.inputs import Inputs
from train.models import load_causal, load_tokenizer

from .lost import GATES, Refusals
from .rows import fingerprints

Method = Literal["text", "topk", "on-policy"]
EATS: Mapping[Method, tuple[str, ...]] = {
    "text": ("teacher", "conversations"),
    "topk": ("teacher",),
    "on-policy": ("prompts", "teacher", "conversations", "verifiable"),
}


def check_kinds(method: Method, kinds: Mapping[str, str]) -> None:
    """Stop a run whose roles do not fit its method.

    Args:
        kinds: row type by role.

    Raises:
        Misuse: saying which role, and what to give instead.
    """
    for role in ("data", "held_out"):
        if role in kinds and kinds[role] not in EATS[method]:
            raise Misuse(f"-p {role}: method={method} takes {' or '.join(EATS[method])}, and this is {kinds[role]}")
    for role in ("teacher",) if method == "on-policy" else ():
        if role not in kinds:
            raise Misuse(
                f"method=on-policy asks the teacher while the student learns: give it as -p {role}=NAME@VERSION"
            )
    for role in GATES:
        if role in kinds and "teacher" not in kinds:
            raise Misuse(f"-p {role} compares the student with its teacher: give it too, as -p teacher=NAME@VERSION")


def check_inputs(method: Method, inputs: Inputs, known_as: frozenset[str]) -> None:
    """Stop a run before it costs anything.

    Args:
        known_as: the student's fingerprints.

    Raises:
        Misuse: the roles do not fit the method, or the teacher says other tokens than the student.
        NoTool: prompts are to be asked, and nothing tells a refusal.
    """
    check_kinds(method, {role: inputs.kind(role) for role in inputs.tables})
    if any(role in inputs for role in GATES):
        inputs.tool(Refusals)
    if method != "on-policy":
        return
    tokenizer = load_tokenizer(inputs.model("teacher"))
    if not known_as & fingerprints(tokenizer):
        raise Misuse(
            "-p teacher: its tokenizer is not the student's, so their distributions are over different tokens; take a "
            "student of the same family, or learn from the teacher's text with -p method=text"
        )
    theirs, ours = (outputs(inputs.model(role), load_tokenizer(inputs.model(role))) for role in ("teacher", "model"))
    if theirs != ours:
        raise Misuse(
            f"-p teacher: it has outputs for {theirs:,} tokens and the student for {ours:,}, so TRL cannot compare "
            "them; use stored distributions, -p method=topk, where the difference does not matter"
        )


def outputs(folder: Path, tokenizer: Any) -> int:
    """How many tokens a model can say, with those that the template adds to it."""
    config = json.loads((folder / "config.json").read_bytes())
    config = {**config, **config.get("text_config", {})}
    return max(int(config["vocab_size"]), len(with_template(tokenizer)))


def teacher_of(bench: Bench) -> tuple[Any, Any] | None:
    """The teacher and its tokenizer, only to be asked; None if there is none."""
    if "teacher" not in bench.inputs:
        return None
    tokenizer = load_tokenizer(bench.inputs.model("teacher"))
    model = load_causal(bench.inputs.model("teacher"), bench.machine)
    with_template(tokenizer, model)
    return model.eval().requires_grad_(False), tokenizer


def same_outputs(student: tuple[Any, Any], teacher: tuple[Any, Any]) -> bool:
    """Whether the two, each a model and its tokenizer, give probabilities to the same tokens."""
    widths = {model.get_output_embeddings().weight.shape[0] for model, _ in (student, teacher)}
    return len(widths) == 1 and bool(fingerprints(student[1]) & fingerprints(teacher[1]))


def apart(reading: Callable[[Row], Encoded | Fault], inputs: Inputs) -> Callable[[Row], Encoded | Fault]:
    """`reading`, which takes no row that asks what the gate will ask."""
    asked = {question(row) for role in GATES if role in inputs for row in inputs.rows(role)}

    def row(one: Row) -> Encoded | Fault:
        return Fault("in-evaluation", "the gate asks it") if question(one) in asked else reading(one)

    return row
