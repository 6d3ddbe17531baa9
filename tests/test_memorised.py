"""Memory that is planted is found: canaries by their copies, rows that were read often, and nothing that never was."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from dataset_cards.freeze import freeze
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion
from tests.training import frozen, store_at

pytest.importorskip("transformers", reason="training needs the extra train")

from train.machine import Machine
from train.recipes_pretrain import pretrain
from train.study.canaries import canaries
from train.study.memorised import Memory, memorised

WORDS = ("stone", "river", "lamp", "green", "walk", "over", "seven", "quiet", "table", "north", "bring", "apple")
CALL = {"name": "test", "function": "test", "parameters": {}}


def documents(seed: int, rows: int, copies: int) -> list[dict[str, Any]]:
    draw = random.Random(seed)
    texts = [" ".join(draw.choice(WORDS) for _ in range(90)) for _ in range(rows)]
    return [{"id": f"{seed}-{n}-{c}", "text": text} for n, text in enumerate(texts) for c in range(copies)]


def frozen_step(store: Store, step: Step, ref: str) -> DatasetVersion:
    store.run(step, [Machine(device="cpu")])
    return freeze(store, step, ref, CALL)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> dict[str, DatasetVersion]:
    """A model that read two rows 40 times and thirty once, with canaries planted once and 40 times."""
    folder = tmp_path_factory.mktemp("memory")
    store = store_at(folder / "store")
    raw = frozen(store, "raw@1.0.0", "documents", [*documents(1, 2, 40), *documents(2, 12, 1)], folder)
    planted = frozen_step(store, canaries(rows=raw, copies=(1, 40), each=3), "planted@1.0.0")
    unseen = frozen(store, "unseen@1.0.0", "documents", documents(3, 6, 1), folder)
    step = pretrain(
        data=planted,
        hidden=64,
        layers=2,
        heads=2,
        vocabulary=320,
        context=128,
        epochs=24,
        batch_size=8,
        learning_rate=1e-2,
        held_out=unseen,
        must_improve=False,
    )
    model = frozen_step(store, step, "model@1.0.0")
    return {"raw": raw, "planted": planted, "unseen": unseen, "model": model}


@pytest.fixture(scope="module")
def memory(place: dict[str, DatasetVersion]) -> Memory:
    return memorised(place["planted"], place["model"], place["unseen"], machine=Machine(device="cpu"))


def test_canaries_stand_as_often_as_they_say_and_change_no_other_row(place: dict[str, DatasetVersion]) -> None:
    rows = place["planted"].table.collect()
    marked = rows.filter(rows["id"].str.starts_with("canary/"))
    told = [json.loads(text)["canary"] for text in marked["metadata"]]
    assert marked.height == 3 * 1 + 3 * 40
    assert sorted({one["copies"] for one in told}) == [1, 40]
    assert all(one["secret"] in text for one, text in zip(told, marked["text"], strict=True))
    others = rows.filter(~rows["id"].str.starts_with("canary/"))
    assert others.select("id", "text").equals(place["raw"].table.collect().select("id", "text"))


def test_a_canary_that_was_read_often_stands_out_and_one_never_planted_does_not(memory: Memory) -> None:
    bits = {one.copies: one.bits for one in memory.exposure}
    assert set(bits) == {0, 1, 40}
    assert bits[40][0] > 6 > 4 > bits[0][0], bits


def test_rows_that_were_read_often_are_recited_and_unseen_ones_are_not(memory: Memory) -> None:
    found = {one.group: one.share[0] for one in memory.recited}
    assert found["17 to 64 copies"] == 1.0, found
    assert found["never seen (unseen@1.0.0)"] == 0.0
    assert found["1 copy"] < 0.5


def test_what_was_not_looked_for_is_said(memory: Memory, place: dict[str, DatasetVersion]) -> None:
    assert any("nobody looked for personal data" in note for note in memory.notes)
    bare = memorised(place["raw"], place["model"], None, machine=Machine(device="cpu"), rows=2)
    assert any("holds no canaries" in note for note in bare.notes)
    assert "17 to 64 copies: 2 of 2 rows recited" in bare.text()


def test_other_kinds_are_refused(place: dict[str, DatasetVersion], tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="is documents and no model"):
        memorised(place["raw"], place["raw"], None, machine=Machine(device="cpu"))
    with pytest.raises(Misuse, match="canaries are planted in documents"):
        canaries(rows=place["model"])
