"""What the tests of classifiers share: labelled rows, and a model trained from them."""

from pathlib import Path
from typing import Any

import polars as pl

from curation.classify.train import classifier
from curation.stage import Docs, Stage
from dataset_cards.adopt.adopt import Adopt
from dataset_cards.freeze import freeze
from dataset_cards.intake.source import Input
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion
from tests.adopting import lines

FASTTEXT = Path(__file__).resolve().parent / "fasttext"
RECIPE: dict[str, Any] = {"name": "test", "function": "tests:test", "parameters": {}}
GOOD = ("the committee met about {}", "rain is expected near {}", "{} opens at nine", "farmers sell apples in {}")
BAD = ("win a free prize in {}", "call now to claim cash for {}", "cheap pills from {}", "click here to see {}")
PLACES = [
    f"{first}{last}" for first in ("nor", "sud", "wes", "mil", "har", "lyn") for last in ("ton", "ley", "by", "um")
]


def rows() -> list[dict[str, Any]]:
    """192 labelled rows, half of them spam, in an order that has no meaning."""
    found = [
        {"text": text.format(place), "label": label, "place": place}
        for place in PLACES
        for texts, label in ((GOOD, "ham"), (BAD, "spam"))
        for text in texts
    ]
    return sorted(found, key=lambda row: str(row["text"])[::-1])


def adopted(store: Store, folder: Path, name: str, *found: dict[str, Any]) -> DatasetVersion:
    folder.mkdir(exist_ok=True)
    op = Adopt(input=Input.find(str(lines(folder, *found))), kind="documents", mapping={}, license="MIT", source="test")
    step = Step("adopt", op)
    store.run(step)
    return freeze(store, step, name, RECIPE)


def trained(store: Store, folder: Path, *found: dict[str, Any], name: str = "model@1", **fields: Any) -> DatasetVersion:
    labelled = adopted(store, folder, "labelled@1", *(found or rows()))
    step = classifier(labelled=(labelled,), positive=("spam",), **fields)
    store.run(step)
    return freeze(store, step, name, RECIPE)


def score(stage: Stage, texts: list[str]) -> list[float | None]:
    return stage.score(Docs(pl.DataFrame({"text": texts})))["probability"].to_list()
