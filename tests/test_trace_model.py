"""A model that was really trained is traced to its rows, and its rows to it."""

from pathlib import Path

import pytest

from dataset_cards.freeze import freeze
from tests.tracing import told
from tests.training import frozen, store_at, tiny_model

pytest.importorskip("trl", reason="training needs the extra train")

from train.machine import Machine
from train.recipes_sft import sft


def test_a_trained_model_names_its_rows_its_base_and_what_it_left_out(tmp_path: Path) -> None:
    store = store_at(tmp_path / "store")
    base = tiny_model(store, "base@1.0.0", tmp_path)
    talks = [("is it late", "it is"), ("is it early", "it is not"), ("and now", "no"), ("and then", "yes")]
    rows = [
        {"id": f"row-{n}", "messages": [{"role": "user", "content": f"{q} {n}"}, {"role": "assistant", "content": a}]}
        for n, (q, a) in enumerate([*talks] * 6)
    ]
    rows[5]["messages"] = rows[4]["messages"]
    chats = frozen(store, "chats@1.0.0", "conversations", rows, tmp_path)
    step = sft(data=chats, model=base, max_steps=8, learning_rate=1e-2, batch_size=8, repair=True, must_improve=False)
    store.run(step, [Machine(device="cpu")])
    call = {"name": "sft", "function": "train.recipes:sft", "parameters": {"data": chats.ref, "model": base.ref}}
    freeze(store, step, "chat@1.0.0", call)
    up = told(store, "trace", "chat@1.0.0")["up"]
    assert {(one["ref"], one["role"]) for one in up["parents"]} == {("base@1.0.0", "model"), ("chats@1.0.0", "data")}
    assert up["stage"] == "sft"
    learned, left = (told(store, "trace", "chats@1.0.0", f"row-{n}")["down"][0] for n in (4, 5))
    assert (learned["version"], learned["fate"]) == ("chat@1.0.0", "learned")
    assert (left["fate"], left["dropped"]["first"][0]["reason"]) == ("left-out", "duplicate-row")
    held = told(store, "forget", "chats@1.0.0", "--id", "row-4", "--as", "chats@1.0.1", "--reason", "asked for")
    models = [one for one in held["holders"] if one["what"] == "model"]
    assert [one["where"] for one in models] == ["chat@1.0.0"]
    assert "-p data=chats@1.0.1" in models[0]["next"][0]
