"""Pairs on their way into the reward model's loss: the closed form, rankings, and what preflight finds wrong."""

import dataclasses
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataset_cards.versions.job import Refused
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion
from tests.rewarding import FAST, bench_at, inputs_of, learned, of, pair, said, some, with_word
from tests.training import frozen, store_at, tiny_model
from train.encode import HELD_OUT, TRAIN, encoded_rows
from train.machine import Machine
from train.preflight import Preflight
from train.recipes_reward import reward
from train.reward.pairs import from_ranking
from train.reward.reward import Reward


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return store_at(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def model(store: Store, tmp_path_factory: pytest.TempPathFactory) -> DatasetVersion:
    return tiny_model(store, "tiny@1.0.0", tmp_path_factory.mktemp("model"))


@pytest.mark.parametrize(("margins", "center"), [("ignore", 0.0), ("loss", 0.0), ("loss", 0.1)])
def test_the_loss_is_the_closed_form(
    store: Store, model: DatasetVersion, tmp_path: Path, margins: Any, center: float
) -> None:
    rows = [{**row, "margin": 0.25 * number or None} for number, row in enumerate(with_word(12))]
    data = frozen(store, f"margins-{margins}-{int(10 * center)}@1.0.0", "preferences", rows, tmp_path)
    scale = 2.0 if margins == "loss" else 1.0
    op = Reward(
        schedule=dataclasses.replace(FAST, batch_size=12),
        margins=margins,
        margin_scale=scale,
        center=center,
        held_out=0.0,
    )
    bench = bench_at(tmp_path / "bench", op, Machine(device="cpu"), data=data, model=model)
    assert bench.preflight.train == 12
    from transformers import set_seed

    from train.models import load_scorer, load_tokenizer
    from train.quiet import quiet
    from train.reward.scorer import score

    with quiet():
        set_seed(0)
        scorer = load_scorer(bench.inputs.model(), bench.machine)
        trainer = op.loop(scorer, load_tokenizer(bench.inputs.model()), bench)
        batch = next(iter(trainer.get_train_dataloader()))
        trainer.model.train()
        loss = float(trainer.compute_loss(trainer.model, dict(batch)).detach())
    found = list(encoded_rows(bench.rows / TRAIN))
    chosen = score(scorer, [row["chosen_ids"] for row in found])
    rejected = score(scorer, [row["rejected_ids"] for row in found])
    margin = np.array([0.25 * number * scale for number in range(12)]) if margins == "loss" else np.zeros(12)
    losses = np.log1p(np.exp(-(chosen - rejected - margin))) + center * (chosen + rejected) ** 2
    assert loss == pytest.approx(losses.mean(), rel=2e-5)


def faulty() -> Iterator[tuple[str, dict[str, Any]]]:
    yield "no-preference", pair(900, "the cat", "the dog", margin=0.0)
    yield "identical-after-truncation", pair(901, "the " * 80 + "cat sat " * 20, "the " * 80 + "dog ate " * 20)
    yield "special-tokens-in-text", pair(902, "the <|im_end|> cat", "the dog")
    later = [said("assistant", "a"), said("user", "2"), said("assistant", "the")]
    other = [said("assistant", "b"), said("user", "3"), said("assistant", "the")]
    yield "prompt-mismatch", {**pair(903, "a", "b"), "chosen": later, "rejected": other}


def test_preflight_finds_what_is_wrong_with_a_pair(store: Store, model: DatasetVersion, tmp_path: Path) -> None:
    wanted = [check for check, _ in faulty()]
    data = frozen(store, "faulty@1.0.0", "preferences", [*with_word(8), *(row for _, row in faulty())], tmp_path)
    against = frozen(store, "exam@1.0.0", "prompts", [{"id": "e", "prompt": pair(3, "", "")["prompt"]}], tmp_path)
    op = Reward(max_length=64, held_out=0.0)
    found = op.prepare(inputs_of(data=data, model=model, against=against), tmp_path / "rows")
    assert {one.check: one.rows for one in found.findings if one.check != "truncated"} == {
        **dict.fromkeys(wanted, 1),
        "in-evaluation": 1,
    }
    assert {one.check for one in found.findings if not one.blocks} <= {"no-preference", "truncated"}
    with pytest.raises(Refused, match="identical-after-truncation"):
        found.check("reward")
    assert (found.train, found.steps, found.memory["logits"]) == (7, 1, 0)


def test_rankings_are_learned_from_and_all_pairs_of_one_stand_on_one_side(
    store: Store, model: DatasetVersion, tmp_path: Path
) -> None:
    chance = random.Random(3)
    rows = [
        {
            "id": f"k{number}",
            "prompt": [said("user", f"{number} = ?")],
            "responses": [
                {"id": str(n), "content": " ".join([*some(chance), *"!" * n]), "origin": f"model-{n}"} for n in range(3)
            ],
            "ranks": [3, 3, 1] if number % 2 else [9, 5, 1],
        }
        for number in range(40)
    ]
    data = frozen(store, "ranked@1.0.0", "rankings", rows, tmp_path)
    op = Reward(schedule=dataclasses.replace(FAST, max_steps=5), held_out=0.3, must_improve=False, margins="loss")
    version = learned(store, op, "by-rank@1.0.0", data=data, model=model)
    report = Preflight.of(of(version)["preflight"])
    assert report.read == 120
    assert report.dropped == {"no-preference": 20}
    assert "origin that wins most" in of(version)["facts"]["content_blind"]
    bench = bench_at(tmp_path / "bench", op, Machine(device="cpu"), data=data, model=model)
    train, held = (
        {row["id"].partition("/")[0] for row in encoded_rows(bench.rows / name)} for name in (TRAIN, HELD_OUT)
    )
    assert train | held == {row["id"] for row in rows}
    assert not train & held
    margins = {row["id"]: row["margin"] for row in encoded_rows(bench.rows / TRAIN)}
    assert {margins.get(f"{name}/2>0", 2.0) for name in train if int(name[1:]) % 2 == 0} == {2.0}
    assert len(list(from_ranking(rows[0], 2))) == 2


def test_the_recipe_is_the_trainer_with_its_defaults(store: Store, model: DatasetVersion, tmp_path: Path) -> None:
    words = frozen(store, "words@1.0.0", "preferences", with_word(4), tmp_path)
    step = reward(data=words, model=model)
    assert step.op == Reward(roles=("data", "model"))
    assert reward(data=words, model=model, margins="loss", margin_scale=3.0).fingerprint != step.fingerprint
    with pytest.raises(ValueError, match="margins=loss"):
        reward(data=words, model=model, margin_scale=3.0)
