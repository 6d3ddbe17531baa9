"""Where a model comes from: the models before it, stage by stage, and the versions that each of them ate."""

from collections.abc import Mapping
from dataclasses import dataclass

from dataset_cards.lineage.graph import MEASURED_BY
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion, NoSuchVersion


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One model of a lineage.

    Attributes:
        name: its stage, such as `sft`; `adopted` for a model from elsewhere.
        ate: by role, the versions that it learned from and that are still in the store.
        gone: refs of those that are not, or whose rows are others now.
    """

    name: str
    model: DatasetVersion
    ate: Mapping[str, DatasetVersion]
    gone: tuple[str, ...]


def lineage(store: Store, model: DatasetVersion) -> list[Stage]:
    """The models from the first to `model`, by what each one's training began with.

    Raises:
        Misuse: `model` is no model, or one that it came from is not in the store.
    """
    if model.kind != "model":
        raise Misuse(f"{model.ref} is {model.kind} and no model; `gristmill list` shows which are")
    found: list[Stage] = []
    current: DatasetVersion | None = model
    while current is not None:
        training = current.json["facts"].get("training") or {"stage": "adopted", "inputs": []}
        ate, gone, before = {}, [], None
        for one in training["inputs"]:
            try:
                version = store.version(one["ref"])
            except NoSuchVersion:
                version = None
            if version is None or version.json["digest"] != one["digest"]:
                gone.append(one["ref"])
                if one["role"] == "model":
                    raise Misuse(f"{current.ref} was trained from {one['ref']}, which is not in {store.root} as it was")
            elif one["role"] == "model":
                before = version
            elif version.kind != "model" and one["role"] not in MEASURED_BY:
                ate[one["role"]] = version
        found.append(Stage(name=training["stage"], model=current, ate=ate, gone=tuple(gone)))
        current = before
    return found[::-1]
