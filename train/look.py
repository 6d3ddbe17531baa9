"""`gristmill preflight`: a trainer's own look at its data, without training."""

import tempfile
from pathlib import Path
from typing import cast

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.step import Step
from dataset_cards.versions.version import DatasetVersion

from .inputs import opened
from .preflight import Preflight
from .trainer import Trainer, looked


def look(step: Step, tools: tuple[object, ...]) -> Preflight:
    """What the trainer of a step would be given, and what is wrong with that; nothing is written.

    Raises:
        Misuse: the step trains nothing.
    """
    op = step.op
    if not hasattr(op, "prepare") or not hasattr(op, "roles"):
        raise Misuse(f"{step.name} trains nothing, so there is nothing to look at; name a trainer, such as sft")
    trainer = cast(Trainer, op)
    tables = [source.table for source in step.inputs if isinstance(source, DatasetVersion)]
    with (
        opened(trainer.roles, tables, tools) as inputs,
        tempfile.TemporaryDirectory(prefix="gristmill-preflight-") as scratch,
    ):
        return looked(trainer, inputs, Path(scratch) / "rows")
