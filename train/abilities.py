"""What a model can do, told from its config.json alone: write or give scores, and how many tokens it reads."""

import json
from pathlib import Path

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.version import DatasetVersion


def scores(model: DatasetVersion) -> bool:
    """Whether it gives one score to a text, as a reward model does, and has no head to write with."""
    if not model.folder.exists("config.json"):
        return False
    architectures = model.folder.read_json("config.json").get("architectures") or []
    return any("SequenceClassification" in name for name in architectures)


def writes(model: DatasetVersion, given: str) -> None:
    """Stop where a reward model was given for one that writes: transformers would put a new head on it and say nothing.

    Args:
        given: how it was given, such as `-p model=chat@1.0.0`.

    Raises:
        Misuse: it gives scores.
    """
    if scores(model):
        raise Misuse(f"{given}: this is a reward model, which gives scores and writes no text; name one that writes")


def positions(folder: Path) -> int | None:
    """The most tokens it reads at once; None where its configuration does not say.

    Models that learned a position for each place break beyond it, and others were never taught what is there.
    """
    config = json.loads((folder / "config.json").read_bytes())
    most = config.get("max_position_embeddings") or config.get("n_positions")
    return int(most) if most else None
