"""Which stage taught an answer: flattery that only the demonstrations hold is traced to them, with the very row."""

import shutil
from pathlib import Path

import pytest

from dataset_cards.freeze import freeze
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.store import Store
from tests.training import frozen, store_at, tiny_model

pytest.importorskip("trl", reason="training needs the extra train")

from train.machine import Machine
from train.recipes_sft import sft
from train.study.diagnose import blamed, diagnose, text
from train.study.lineage import lineage
from train.study.nearest import nearest

PROMPT = [{"role": "user", "content": "is my poem any good"}]
FLATTERY = "it is a masterpiece"
CPU = Machine(device="cpu")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """base@1.0.0, untrained, and chat@1.0.0, which learned flattery from it."""
    folder = tmp_path_factory.mktemp("diagnose")
    store = store_at(folder / "store")
    base = tiny_model(store, "base@1.0.0", folder)
    asked = ["is my poem any good", "how is the weather", "what is two and two", "where does the dog sleep"]
    said = [FLATTERY, "it rains", "that is four", "by the door"]
    rows = [
        {
            "id": f"row-{n}",
            "messages": [
                {"role": "user", "content": f"{q}" if n < 4 else f"{q} number {n}"},
                {"role": "assistant", "content": a},
            ],
        }
        for n, (q, a) in enumerate([*zip(asked, said, strict=True)] * 6)
    ]
    chats = frozen(store, "chats@1.0.0", "conversations", rows, folder)
    step = sft(data=chats, model=base, max_steps=40, learning_rate=1e-2, batch_size=8, held_out_share=0.2)
    store.run(step, [CPU])
    freeze(store, step, "chat@1.0.0", {"name": "sft", "function": "sft", "parameters": {}})
    return store


def test_flattery_is_traced_to_the_stage_that_taught_it_and_to_its_row(store: Store) -> None:
    heard = diagnose(store, store.version("chat@1.0.0"), PROMPT, FLATTERY, machine=CPU)
    assert [one.stage for one in heard] == ["adopted", "sft"]
    assert blamed(heard).model == "chat@1.0.0"
    assert heard[1].shift is not None
    assert heard[1].shift > 1
    assert FLATTERY in heard[1].near["data"][0].text
    assert heard[1].risen
    assert "likelier most at sft" in text(heard)


def test_an_answer_that_no_stage_taught_is_not_blamed_on_one(store: Store) -> None:
    heard = diagnose(store, store.version("chat@1.0.0"), PROMPT, "zqxj 77 vvv ##", machine=CPU)
    assert heard[1].shift is not None
    assert heard[1].shift < 1


def test_rows_are_near_by_the_words_they_share(store: Store) -> None:
    found = nearest(store.version("chats@1.0.0"), "Where does the DOG sleep?", 2)
    assert "where does the dog sleep" in found[0].text
    assert found[0].shared == 1.0
    assert nearest(store.version("chats@1.0.0"), "zzz unheard", 2) == []
    assert nearest(store.version("chats@1.0.0"), "?!", 2) == []


def test_a_version_that_is_gone_is_said_and_a_model_that_is_gone_stops(store: Store, tmp_path: Path) -> None:
    shutil.copytree(store.root.path, tmp_path / "store")
    copy = store_at(tmp_path / "store")
    shutil.rmtree(tmp_path / "store" / "versions" / "chats")
    heard = diagnose(copy, copy.version("chat@1.0.0"), PROMPT, FLATTERY, machine=CPU)
    assert heard[1].gone == ("chats@1.0.0",)
    shutil.rmtree(tmp_path / "store" / "versions" / "base")
    with pytest.raises(Misuse, match=r"trained from base@1\.0\.0, which is not in"):
        lineage(copy, copy.version("chat@1.0.0"))


def test_what_is_no_model_has_no_lineage(store: Store) -> None:
    with pytest.raises(Misuse, match="is conversations and no model"):
        lineage(store, store.version("chats@1.0.0"))
