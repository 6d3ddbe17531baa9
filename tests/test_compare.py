"""Comparing data: clean text makes a better small model than shuffled text, and not a better one than itself again."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion
from tests.training import frozen, store_at

pytest.importorskip("transformers", reason="training needs the extra train")

from train.machine import Machine
from train.recipes_compare import compare
from train.study.compare import _apart

SENTENCES = (
    "the cat sat on the mat and looked at the door",
    "a small dog ran over the green hill in the rain",
    "she reads a long book by the window every evening",
    "they walk home along the river when the work is done",
)


def documents(seed: int, rows: int, shuffled: bool) -> list[dict[str, Any]]:
    draw = random.Random(seed)
    found = []
    for number in range(rows):
        letters = list(" . ".join(draw.choice(SENTENCES) for _ in range(4)))
        if shuffled:
            draw.shuffle(letters)
        found.append({"id": f"{seed}-{number}", "text": f"{number} {''.join(letters)}", "source": "test"})
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, dict[str, DatasetVersion]]:
    folder = tmp_path_factory.mktemp("compare")
    store = store_at(folder / "store")
    rows = {
        "clean": documents(1, 120, False),
        "shuffled": documents(1, 120, True),
        "other": documents(2, 120, False),
        "unseen": documents(3, 12, False),
    }
    versions = {name: frozen(store, f"{name}@1.0.0", "documents", made, folder) for name, made in rows.items()}
    return store, versions


def compared(place: tuple[Store, dict[str, DatasetVersion]], *names: str) -> dict[str, Any]:
    store, versions = place
    step = compare(
        versions=[versions[name] for name in names],
        held_out=versions["unseen"],
        tokens=24_000,
        hidden=32,
        layers=1,
        heads=2,
        vocabulary=320,
        context=64,
        learning_rate=1e-2,
    )
    store.run(step, [Machine(device="cpu")])
    facts: dict[str, Any] = store.done(step)["facts"]
    assert "model/model.safetensors" in facts["files"]
    return dict(facts["training"])


def test_better_data_is_told_and_is_beyond_noise(place: tuple[Store, dict[str, DatasetVersion]]) -> None:
    training = compared(place, "shuffled", "clean")
    (row,) = training["sheets"][0]["rows"]
    assert (row[0], row[1], row[-1]) == ("clean@1.0.0", "shuffled@1.0.0", "yes")
    assert training["notes"][0].startswith("clean@1.0.0 makes a better model than shuffled@1.0.0")


def test_two_draws_of_the_same_data_are_not_called_different(place: tuple[Store, dict[str, DatasetVersion]]) -> None:
    training = compared(place, "clean", "other")
    assert training["sheets"][0]["rows"][0][-1] == "no", training["sheets"][0]["rows"]
    assert "within noise" in training["notes"][0]


def test_the_same_rows_are_not_compared_with_themselves(place: tuple[Store, dict[str, DatasetVersion]]) -> None:
    _, versions = place
    with pytest.raises(Misuse, match="the same rows"):
        compare(versions=[versions["clean"], versions["clean"]], held_out=versions["unseen"])


def test_the_interval_covers_no_difference_as_often_as_it_says() -> None:
    """Two sides with the same truth, noise of documents and of seeds: about 95 of 100 intervals hold 0."""
    draw = np.random.default_rng(7)
    held = 0
    for _ in range(30):
        documents = draw.normal(3, 1, 40)
        sides = [[documents + draw.normal(0, 0.1) + draw.normal(0, 0.2, 40) for _ in range(5)] for _ in range(2)]
        _, low, high = _apart(sides, None)
        held += low <= 0 <= high
    assert held >= 24, held


def test_the_difference_is_that_of_the_means(tmp_path: Path) -> None:
    first, second = [np.array([2.0, 4.0]), np.array([4.0, 6.0])], [np.array([1.0, 1.0]), np.array([1.0, 1.0])]
    value, low, high = _apart([first, second], np.array([1.0, 3.0]))
    assert value == pytest.approx((3 + 5 - 2) / 4)
    assert low <= value <= high
