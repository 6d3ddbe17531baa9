"""PPO on models of a few thousand weights and reward models whose taste is known.

That it learns, that what learns nothing is refused, where it stops, and that the same run gives the same bytes.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dataset_cards.freeze import freeze
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Refused
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion
from train.bench import Bench
from train.inputs import opened
from train.machine import Machine
from train.outcome import Outcome
from train.ppo.plan import places, rows_at_once, share_of_rate
from train.ppo.ppo import PPO
from train.recipes_ppo import ppo
from train.schedule import Schedule

from .planted_rewards import planted
from .training import frozen, store_at, tiny_model

CPU = Machine(device="cpu")


@dataclass(frozen=True)
class World:
    """A store with prompts, an untrained policy, a reward that wants digits and a gold reward that wants some."""

    store: Store
    folder: Path
    data: DatasetVersion
    model: DatasetVersion
    reward: DatasetVersion
    gold: DatasetVersion

    def step(self, **more: Any) -> Step:
        small: dict[str, Any] = {
            "max_steps": 4,
            "batch_size": 16,
            "learning_rate": 2e-2,
            "kl": 0.0,
            "max_new": 12,
            "max_length": 64,
            "held_out_share": 0.4,
            "missing_end": 0.0,
            "must_improve": False,
        }
        return ppo(data=self.data, model=self.model, reward=self.reward, **{**small, **more})

    def trained(self, name: str, **more: Any) -> tuple[DatasetVersion, dict[str, Any]]:
        """The frozen model, and its training.json."""
        step = self.step(**more)
        self.store.run(step, [CPU])
        made = freeze(self.store, step, f"{name}@1.0.0", {"name": "ppo", "function": "ppo", "parameters": {}})
        return made, json.loads((Path(made.folder.path) / "training.json").read_bytes())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    import torch

    from train.quiet import quiet

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # on a busy machine, threads of so small a model do nothing but wait for each other
    folder = tmp_path_factory.mktemp("ppo")
    store = store_at(folder / "store")
    words = ("cat", "dog", "log", "mat", "and", "ate", "the", "on")
    rows = [
        {"id": f"p{n}", "prompt": [{"role": "user", "content": f"the {words[n % 8]} sat {words[n // 8]}"}]}
        for n in range(64)
    ]
    with quiet():
        model = tiny_model(store, "tiny@1.0.0", folder)
        yield World(
            store=store,
            folder=folder,
            data=frozen(store, "asked@1.0.0", "prompts", rows, folder),
            model=model,
            reward=planted(store, "digits@1.0.0", folder / "tiny", folder),
            gold=planted(store, "some@1.0.0", folder / "tiny", folder, enough=0.15),
        )
    torch.set_num_threads(threads)


def weights(version: DatasetVersion) -> dict[str, Any]:
    from safetensors.torch import load_file

    return dict(load_file(Path(version.folder.path) / "model.safetensors"))


def same(one: DatasetVersion, other: DatasetVersion) -> bool:
    import torch

    ours, theirs = weights(one), weights(other)
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def fitted(world: World, op: PPO, folder: Path, step: Step) -> Outcome:
    """What a run does between preflight and documents, in a folder that stays."""
    from train.trainer import prepared

    tables = [one.table for one in step.inputs if isinstance(one, DatasetVersion)]
    folder.mkdir(exist_ok=True)
    with opened(op.roles, tables) as inputs:
        report = prepared(op, inputs, folder)
        return op.fit(
            Bench(inputs=inputs, preflight=report, folder=folder, machine=CPU, stamp={"gristmill.stage": "ppo"})
        )


def test_reward_on_held_out_prompts_rises_within_the_bound_on_kl(world: World) -> None:
    _, record = world.trained("learned", max_steps=6, judge_every=3, kl=0.01, must_improve=True, max_kl=40.0)
    reward, length, away = record["measures"]
    assert (reward["name"], length["name"], away["name"]) == ("reward", "length", "KL")
    assert reward["gain"][1] > 0
    assert 0 < away["after"][0] < 40
    first, last = record["curves"][0], record["curves"][-1]
    assert (first["step"], last["step"]) == (0, 6)
    assert first["held_out_kl"] == 0
    assert last["held_out_reward"] == pytest.approx(reward["after"][0])
    assert {one["name"] for one in record["plots"]} >= {"reward-kl", "reward", "length", "entropy"}


def test_the_policy_begins_as_its_reference(world: World) -> None:
    _, record = world.trained("begun", max_steps=2, save_steps=0)
    first, second = record["curves"][1:3]
    assert first["kl"] == 0
    assert first["kl_k3"] == 0
    assert first["ratio_first"] == second["ratio_first"] == 1
    assert second["kl_k3"] > 0
    assert first["ratio"] != 1


def test_a_learning_rate_of_nearly_0_is_refused(world: World) -> None:
    with pytest.raises(Refused, match=r"ppo learned nothing: reward on 2[0-9] held-out rows went from"):
        world.store.run(world.step(learning_rate=1e-12, max_steps=1, must_improve=True), [CPU])


def test_it_stops_where_the_gold_reward_falls_and_the_model_is_the_one_of_the_best_look(world: World) -> None:
    made, record = world.trained("stopped", gold=world.gold, max_steps=30, batch_size=32, judge_every=3, patience=1)
    facts = record["facts"]
    assert facts["stopped"].startswith("over-optimised: since step")
    assert facts["kept_step"] < facts["steps"] < 30
    assert f"The policy of step {facts['kept_step']} is the one kept." in record["notes"][0]
    looks = {one["step"]: one for one in record["curves"] if "held_out_gold" in one}
    best, last = looks[facts["kept_step"]], looks[facts["steps"]]
    assert best["held_out_gold"] > last["held_out_gold"]
    assert best["held_out_reward"] < last["held_out_reward"]
    assert record["measures"][0]["after"][0] == pytest.approx(best["held_out_reward"])
    assert record["measures"][1]["after"][0] == pytest.approx(best["held_out_gold"])
    again, _ = world.trained("as-kept", gold=world.gold, max_steps=30, batch_size=32, judge_every=3, patience=2)
    assert record["sheets"][0]["rows"][-1][0] == str(facts["steps"])
    assert not same(made, world.model)
    assert same(made, again)  # more patience goes on for longer, and comes back to the same policy


def test_a_gold_reward_that_only_falls_gives_back_the_model_that_went_in(world: World) -> None:
    hates = planted(world.store, "hates@1.0.0", world.folder / "tiny", world.folder, enough=0.0)
    made, record = world.trained("back", gold=hates, max_steps=8, judge_every=4, patience=1)
    assert record["facts"]["kept_step"] == 0
    assert record["facts"]["kl"] == 0
    assert same(made, world.model)


def test_it_stops_beyond_max_kl(world: World) -> None:
    _, record = world.trained("far", max_steps=20, max_kl=3.0, judge_every=2)
    assert "nats from the reference; max_kl is 3" in record["facts"]["stopped"]
    assert record["facts"]["kl"] <= 3


def test_the_kl_coefficient_adapts(world: World) -> None:
    _, record = world.trained("adapted", max_steps=2, kl=0.5, kl_target=1.0)
    coefficients = [one["kl_coefficient"] for one in record["curves"][1:]]
    assert coefficients == pytest.approx([0.5, 0.5 * 0.98])  # KL begins at 0, below the target


def test_a_resumed_run_and_a_second_one_end_with_the_same_bytes(world: World, tmp_path: Path) -> None:
    step = world.step(gold=world.gold, max_steps=5, save_steps=3, judge_every=2, kl=0.05, kl_target=1.0)
    op = step.op
    assert isinstance(op, PPO)
    whole = fitted(world, op, tmp_path / "run", step)
    first = (tmp_path / "run" / "model" / "model.safetensors").read_bytes()
    assert [path.name for path in (tmp_path / "run" / "checkpoints").glob("checkpoint-*")] == ["checkpoint-3"]
    (tmp_path / "run" / "model" / "model.safetensors").unlink()
    resumed = fitted(world, op, tmp_path / "run", step)  # as a run that was killed after step 4 goes on
    assert (tmp_path / "run" / "model" / "model.safetensors").read_bytes() == first
    assert resumed.json() == whole.json()
    second = fitted(world, op, tmp_path / "again", step)
    assert (tmp_path / "again" / "model" / "model.safetensors").read_bytes() == first
    assert second.json() == whole.json()


def test_a_resumed_run_still_has_the_best_policy(world: World, tmp_path: Path) -> None:
    """The gold reward only falls, so the best policy is the first, which a run begun at step 2 has never seen."""
    hates = planted(world.store, "never@1.0.0", world.folder / "tiny", world.folder, enough=0.0)
    step = world.step(gold=hates, max_steps=3, save_steps=2, judge_every=3)
    op = step.op
    assert isinstance(op, PPO)
    assert fitted(world, op, tmp_path, step).facts["kept_step"] == 0
    first = (tmp_path / "model" / "model.safetensors").read_bytes()
    (tmp_path / "checkpoints" / "best.pt").unlink()
    assert fitted(world, op, tmp_path, step).facts["kept_step"] == 0
    assert (tmp_path / "model" / "model.safetensors").read_bytes() == first


def test_a_smaller_micro_batch_and_activations_computed_again_learn_the_same(world: World) -> None:
    _, whole = world.trained("whole", max_steps=1, save_steps=0)
    step = world.step(max_steps=1, save_steps=0, seed=0, log_steps=2)  # another step, so that it is not found as done
    world.store.run(step, [Machine(device="cpu", micro_batch=2, checkpointing=True)])
    made = freeze(world.store, step, "micro@1.0.0", {"name": "ppo", "function": "ppo", "parameters": {}})
    parts = json.loads((Path(made.folder.path) / "training.json").read_bytes())
    for name, value in whole["curves"][-1].items():
        assert parts["curves"][-1][name] == pytest.approx(value, rel=1e-3, abs=1e-5), name


def test_preflight_leaves_out_prompts_without_room_and_with_special_tokens(world: World, tmp_path: Path) -> None:
    rows = [
        {"id": "long", "prompt": [{"role": "user", "content": "cat " * 60}]},
        {"id": "odd", "prompt": [{"role": "user", "content": "a <|im_end|> b"}]},
        *({"id": f"p{n}", "prompt": [{"role": "user", "content": f"{n}"}]} for n in range(8)),
    ]
    data = frozen(world.store, "broken@1.0.0", "prompts", rows, tmp_path)
    step = ppo(data=data, model=world.model, reward=world.reward, max_new=12, max_length=64, held_out_share=0.5)
    with pytest.raises(Refused, match=r"(?s)prompt-too-long: 1 .*special-tokens-in-text: 1 ") as stopped:
        world.store.run(step, [CPU])
    assert "long" in str(stopped.value)
    assert "odd" in str(stopped.value)


def test_a_language_model_is_no_reward_model(world: World) -> None:
    step = ppo(data=world.data, model=world.model, reward=world.model, max_new=12, max_length=64)
    with pytest.raises(Misuse, match="-p reward=: this is a LlamaForCausalLM and scores nothing"):
        world.store.run(step, [CPU])


def test_every_epoch_takes_every_prompt_once_and_orders_differ() -> None:
    taken = [place for number in range(6) for place in places(0, number, 4, 8)]
    epochs = [taken[:8], taken[8:16], taken[16:]]
    assert all(sorted(epoch) == list(range(8)) for epoch in epochs)
    assert epochs[0] != epochs[1]
    assert places(0, 0, 20, 8)[:8] == epochs[0]  # a batch may be larger than all prompts
    assert len(places(0, 3, 5, 8)) == 5


@pytest.mark.parametrize(
    ("decay", "wanted"),
    [
        ("constant", [0.5, 1, 1, 1, 1, 1, 1, 1]),
        ("linear", [0.5, 1, 1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6]),
        ("cosine", [0.5, 1, 1, 0.933, 0.75, 0.5, 0.25, 0.067]),
    ],
)
def test_the_rate_climbs_and_falls_and_is_never_0(decay: Any, wanted: list[float]) -> None:
    schedule = Schedule(warmup=0.25, decay=decay)
    assert [share_of_rate(schedule, number, 8) for number in range(8)] == pytest.approx(wanted, abs=1e-3)


def test_a_batch_has_to_divide_into_minibatches_and_over_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Misuse, match="minibatches=3 does not divide batch_size=32"):
        PPO(minibatches=3)
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(Misuse, match="cannot be shared by 3 processes"):
        rows_at_once(Schedule(batch_size=32), 2, CPU)
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert rows_at_once(Schedule(batch_size=32), 2, CPU) == 8
    assert rows_at_once(Schedule(batch_size=32), 2, Machine(micro_batch=4)) == 4
