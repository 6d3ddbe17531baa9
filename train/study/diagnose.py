"""Which stage taught a model to say this: how likely an answer is to each model of a lineage, and what taught it.

Trouble with facts mostly stands in the pretraining text, trouble with form in the demonstrations, and refusals and
flattery come from preferences: the stage at which an answer became likelier is where to look first.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion
from train.abilities import positions, scores, writes
from train.chat import Messages, answer_ids, with_template
from train.inputs import opened
from train.machine import Machine
from train.models import load_causal, load_tokenizer
from train.quiet import quiet
from train.trainer import need

from .lineage import lineage
from .nearest import Near, nearest

WORDS = 8  # tokens that a stage names as those it changed most


@dataclass(frozen=True, kw_only=True)
class Heard:
    """An answer to one model of the lineage.

    Attributes:
        stage, model: the stage, and name@version of its model.
        logprob: mean natural log-probability of a token of the answer, the end of the turn included.
        shift: by how much it rose at this stage; None for the first.
        tokens: of the answer; `risen` names those whose log-probability rose most, with by how much.
        near: rows of the version this stage learned from that are most like the prompt and the answer, by role.
        gone: versions it learned from that are no longer in the store.
    """

    stage: str
    model: str
    logprob: float
    shift: float | None
    tokens: int
    risen: tuple[tuple[str, float], ...]
    near: dict[str, list[Near]]
    gone: tuple[str, ...]

    def json(self) -> dict[str, Any]:
        return asdict(self)


def diagnose(
    store: Store, model: DatasetVersion, prompt: Messages, answer: str, *, machine: Machine, rows: int = 3
) -> list[Heard]:
    """How likely `answer` is to each model of the lineage of `model`, from the first to the last.

    Each is asked with its own tokenizer and template, which stages hand on; single tokens are compared only where both
    give the answer the same ones. A reward model that others began as is passed over: it says nothing.

    Raises:
        Misuse: `model` is no model or writes nothing, or the lineage is broken.
        Damaged: a model cannot be loaded.
        NoTool: torch is not installed.
    """
    if model.kind == "model":
        writes(model, model.ref)
    need("transformers")
    heard: list[Heard] = []
    before: tuple[list[int], np.ndarray[Any, Any]] | None = None
    asked = " ".join(one["content"] for one in prompt)
    for stage in lineage(store, model):
        if scores(stage.model):
            continue
        ids, logprobs, words = _said(stage.model, prompt, answer, machine)
        mean = float(logprobs.mean())
        risen: tuple[tuple[str, float], ...] = ()
        if before is not None and before[0] == ids:
            rise = logprobs - before[1]
            most = np.argsort(-rise, kind="stable")[:WORDS]
            risen = tuple((words[place], round(float(rise[place]), 3)) for place in most if rise[place] > 0)
        heard.append(
            Heard(
                stage=stage.name,
                model=stage.model.ref,
                logprob=round(mean, 4),
                shift=round(mean - heard[-1].logprob, 4) if heard else None,
                tokens=len(ids),
                risen=risen,
                near={role: nearest(version, f"{asked} {answer}", rows) for role, version in stage.ate.items()},
                gone=stage.gone,
            )
        )
        before = ids, logprobs
    return heard


def blamed(heard: Sequence[Heard]) -> Heard:
    """The stage at which the answer became likelier by most; where it never did, the first model."""
    later = [one for one in heard if one.shift is not None and one.shift > 0]
    return max(later, key=lambda one: one.shift or 0.0) if later else heard[0]


def text(heard: Sequence[Heard]) -> str:
    """The findings for a terminal."""
    lines = []
    for one in heard:
        shift = "" if one.shift is None else f", {one.shift:+.3f} at this stage"
        lines.append(f"{one.stage}  {one.model}: {one.logprob:.3f} nats per token{shift}")
        if one.risen:
            lines.append("    most at: " + "  ".join(f"{word!r} {rise:+.2f}" for word, rise in one.risen))
        for role, found in one.near.items():
            for row in found:
                said = " ".join(row.text.split())[:160]
                lines.append(f"    {role}: {row.id} shares {row.shared:.0%} of the words: {said}")
        if one.gone:
            lines.append(f"    no longer in the store as it was: {', '.join(one.gone)}")
    first = blamed(heard)
    why = (
        f"the answer became likelier most at {first.stage} ({first.model}): look at its rows first"
        if first.shift is not None
        else f"no later stage made the answer likelier: it was there in {first.model}"
    )
    return "\n".join([*lines, "", why])


def _said(
    model: DatasetVersion, prompt: Messages, answer: str, machine: Machine
) -> tuple[list[int], np.ndarray[Any, Any], list[str]]:
    """The tokens of an answer, the log-probability of each, and each as text."""
    import torch

    with opened(("model",), (model.table,)) as inputs, quiet(), torch.no_grad():
        folder: Path = inputs.model()
        network = load_causal(folder, machine)
        tokenizer = with_template(load_tokenizer(folder), network)
        asked, answered = answer_ids(tokenizer, prompt, [{"role": "assistant", "content": answer}])
        reads = positions(folder)
        if reads is not None and len(asked) + len(answered) > reads:
            raise Misuse(
                f"{model.ref} reads at most {reads:,} tokens; prompt and answer have {len(asked) + len(answered):,}: "
                "give less of them"
            )
        ids = torch.tensor([[*asked, *answered]], device=network.device)
        logits = network(input_ids=ids).logits[0, len(asked) - 1 : -1].float()
        found = torch.log_softmax(logits, -1).gather(-1, ids[0, len(asked) :, None])[:, 0]
        words = [str(tokenizer.decode([token])) for token in answered]
        return list(answered), found.double().cpu().numpy(), words
