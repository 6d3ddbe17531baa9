"""What a person who trains gets wrong: each mistake ends with a sentence, before anything is learned from it."""

import json
import sys
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

import pytest

from dataset_cards.adopt.model import AdoptModel
from dataset_cards.cards.model_account import limits, warnings
from dataset_cards.freeze import freeze
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import NoTool
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion
from tests.training import frozen, store_at, tiny_folder, tiny_model

pytest.importorskip("trl", reason="training needs the extra train")

from train.look import look
from train.machine import Machine
from train.recipes_compare import compare
from train.recipes_dpo import dpo
from train.recipes_reward import reward
from train.recipes_sft import sft
from train.study.diagnose import diagnose
from train.study.lineage import lineage
from train.study.memorised import Exposure, Memory, memorised

CPU = Machine(device="cpu")


def said(role: str, text: str) -> dict[str, str]:
    return {"role": role, "content": text}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, dict[str, DatasetVersion]]:
    """A language model, a reward model, and rows of each kind."""
    folder = tmp_path_factory.mktemp("mistakes")
    store = store_at(folder / "store")
    versions = {"base": tiny_model(store, "base@1.0.0", folder), "scorer": scorer(store, folder)}
    chats = [{"messages": [said("user", f"what is {n}?"), said("assistant", f"it is {n}")]} for n in range(40)]
    pairs = [
        {"prompt": [said("user", f"{n}?")], "chosen": [said("assistant", "a b")], "rejected": [said("assistant", "b")]}
        for n in range(10)
    ]
    texts = [{"id": f"d{n}", "text": f"the cat sat on mat {n} and the dog ate log {n}"} for n in range(30)]
    long = [{"messages": [said("user", "cat " * 600), said("assistant", "yes")]}, *chats]
    for name, kind, rows in (
        ("chats", "conversations", chats),
        ("long", "conversations", long),
        ("pairs", "preferences", pairs),
        ("texts", "documents", texts),
        ("more", "documents", [{**row, "id": f"m{row['id']}", "text": f"more {row['text']}"} for row in texts]),
        ("twins", "documents", [{**row, "id": f"t{row['id']}"} for row in texts]),
        ("part", "documents", texts[:10]),
        ("unseen", "documents", [{**row, "text": f"unseen {row['text']}"} for row in texts[:5]]),
    ):
        versions[name] = frozen(store, f"{name}@1.0.0", kind, rows, folder)
    return store, versions


def scorer(store: Store, folder: Path) -> DatasetVersion:
    """The same weights under a head that scores, as a reward model has."""
    from transformers import AutoModelForSequenceClassification

    from dataset_cards.adopt.model import AdoptModel

    path = tiny_folder(folder / "scorer")
    model = AutoModelForSequenceClassification.from_pretrained(path, num_labels=1)
    (path / "model.safetensors").unlink()
    model.save_pretrained(path)
    step = Step("adopt", AdoptModel.of(str(path), license="CC0-1.0", source="made for a test"))
    store.run(step)
    return freeze(store, step, "scorer@1.0.0", {"name": "adopt", "function": "adopt", "parameters": {}})


def test_a_reward_model_is_not_taken_for_one_that_writes(place: tuple[Store, dict[str, DatasetVersion]]) -> None:
    _, has = place
    with pytest.raises(Misuse, match=r"-p model=scorer@1\.0\.0: this is a reward model"):
        sft(data=has["chats"], model=has["scorer"])
    with pytest.raises(Misuse, match=r"-p reference=scorer@1\.0\.0: this is a reward model"):
        dpo(data=has["pairs"], model=has["base"], reference=has["scorer"])
    reward(data=has["pairs"], model=has["scorer"])  # goes on from it


def test_a_reward_model_is_not_asked_what_it_would_say(place: tuple[Store, dict[str, DatasetVersion]]) -> None:
    store, has = place
    with pytest.raises(Misuse, match=r"scorer@1\.0\.0: this is a reward model"):
        diagnose(store, has["scorer"], [said("user", "a")], "b", machine=CPU)
    with pytest.raises(Misuse, match=r"scorer@1\.0\.0: this is a reward model"):
        memorised(has["texts"], has["scorer"], None, machine=CPU)


def test_without_the_extra_preflight_says_what_to_install(
    place: tuple[Store, dict[str, DatasetVersion]], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, has = place
    find = PathFinder.find_spec
    absent = ("torch", "transformers", "trl", "datasets")

    def without(name: str, path: Any = None, target: Any = None) -> Any:
        return None if name.partition(".")[0] in absent else find(name, path, target)

    for name in absent:
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(PathFinder, "find_spec", without)
    for ask in (
        lambda: look(sft(data=has["chats"], model=has["base"]), ()),
        lambda: diagnose(store, has["base"], [said("user", "a")], "b", machine=CPU),
        lambda: memorised(has["texts"], has["base"], None, machine=CPU),
    ):
        with pytest.raises(NoTool, match=r"pip install 'gristmill\[train\]'"):
            ask()


def test_a_long_row_draws_no_warning_of_a_library(
    place: tuple[Store, dict[str, DatasetVersion]], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    store, _ = place
    folder = tiny_folder(tmp_path / "short")
    config = json.loads((folder / "tokenizer_config.json").read_bytes())
    (folder / "tokenizer_config.json").write_text(json.dumps({**config, "model_max_length": 64}), encoding="utf-8")
    from dataset_cards.adopt.model import AdoptModel

    step = Step("adopt", AdoptModel.of(str(folder), license="CC0-1.0", source="made for a test"))
    store.run(step)
    short = freeze(store, step, "short@1.0.0", {"name": "adopt", "function": "adopt", "parameters": {}})
    capfd.readouterr()
    look(sft(data=store.version("long@1.0.0"), model=short, max_length=512, repair=True), ())
    assert capfd.readouterr() == ("", "")


def test_a_row_longer_than_the_model_reads_is_refused(place: tuple[Store, dict[str, DatasetVersion]]) -> None:
    store, has = place
    with pytest.raises(Misuse, match="-p max_length=1024: the model reads at most 512 tokens, and"):
        look(sft(data=has["long"], model=has["base"], max_length=1024), ())
    look(sft(data=has["chats"], model=has["base"], max_length=1024), ())  # every row of these fits
    with pytest.raises(Misuse, match=r"base@1\.0\.0 reads at most 512 tokens; prompt and answer have"):
        diagnose(store, has["base"], [said("user", "cat " * 600)], "b", machine=CPU)


def test_versions_are_not_compared_by_their_own_rows(place: tuple[Store, dict[str, DatasetVersion]]) -> None:
    _, has = place
    with pytest.raises(Misuse, match=r"-p held_out=texts@1\.0\.0: these are the rows to learn from"):
        compare(versions=[has["texts"], has["more"]], held_out=has["texts"])
    with pytest.raises(Misuse, match=r"part@1\.0\.0: nothing is left to learn from"):
        look(compare(versions=[has["part"], has["more"]], held_out=has["texts"], hidden=32, vocabulary=300), ())


def test_compare_counts_held_out_rows_once(place: tuple[Store, dict[str, DatasetVersion]]) -> None:
    _, has = place
    step = compare(
        versions=[has["texts"], has["more"]], held_out=has["unseen"], tokens=5000, hidden=32, vocabulary=300, context=32
    )
    found = look(step, ())
    assert (found.read, found.train, found.held_out) == (65, 60, 5)


def test_the_best_version_is_said_to_be_best_and_not_to_have_improved(
    place: tuple[Store, dict[str, DatasetVersion]],
) -> None:
    """Two versions of the same documents under other ids give the same models: that is an answer and no failure."""
    store, has = place
    step = compare(
        versions=[has["texts"], has["twins"]],
        held_out=has["unseen"],
        tokens=200,
        hidden=32,
        layers=1,
        heads=2,
        vocabulary=300,
        context=32,
        batch_size=4,
    )
    store.run(step, [CPU])
    version = freeze(store, step, "better@1.0.0", {"name": "compare", "function": "compare", "parameters": {}})
    (measure,) = version.json["facts"]["training"]["measures"]
    assert (measure["before"], measure["gain"]) == (None, None)
    assert "cannot be told apart" in version.json["facts"]["training"]["notes"][0]
    assert "training helped" not in " ".join(warnings(version.json))
    assert "one seed" not in " ".join(limits(version.json))
    (stage,) = lineage(store, version)
    assert sorted(stage.ate) == ["data-1", "data-2"]  # nothing was learned from held_out


def test_what_was_planted_once_or_never_is_said_so() -> None:
    exposure = tuple(Exposure(copies=n, canaries=3, bits=(1.4, 1.0, 2.0)) for n in (0, 1, 4))
    found = Memory(model="m", version="v", exposure=exposure, recited=(), personal=(), notes=())
    assert found.text().splitlines() == [
        "3 secrets never planted, as a control: exposure 1.4 (1 to 2) bits",
        "3 secrets planted 1 time: exposure 1.4 (1 to 2) bits",
        "3 secrets planted 4 times: exposure 1.4 (1 to 2) bits",
    ]


def test_a_model_with_learned_positions_is_asked_no_further_than_they_go(tmp_path: Path) -> None:
    """Answers are drawn to see whether they end; beyond its positions such a model would break."""
    from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

    folder = tiny_folder(tmp_path / "llama")
    words = AutoTokenizer.from_pretrained(folder)
    config = GPT2Config(vocab_size=len(words), n_positions=64, n_embd=32, n_layer=1, n_head=2, bos_token_id=None)
    GPT2LMHeadModel(config).save_pretrained(tmp_path / "short")
    words.save_pretrained(tmp_path / "short")
    store = store_at(tmp_path / "store")
    step = Step("adopt", AdoptModel.of(str(tmp_path / "short"), license="CC0-1.0", source="made for a test"))
    store.run(step)
    model = freeze(store, step, "short@1.0.0", {"name": "adopt", "function": "adopt", "parameters": {}})
    rows = [{"messages": [said("user", f"what is {n}"), said("assistant", "it is " * 8 + str(n))]} for n in range(40)]
    chats = frozen(store, "chats@1.0.0", "conversations", rows, tmp_path)
    learn = sft(data=chats, model=model, max_length=64, max_steps=6, learning_rate=1e-2, held_out_share=0.2)
    store.run(learn, [CPU])
    assert store.is_done(learn)


@pytest.mark.parametrize("share", [2.0, -1.0, 1.0])
def test_a_share_that_is_none_is_refused(place: tuple[Store, dict[str, DatasetVersion]], share: float) -> None:
    _, versions = place
    with pytest.raises(Misuse, match="write a share from 0 to below 1"):
        sft(data=versions["chats"], model=versions["base"], held_out_share=share)
