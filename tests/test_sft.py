"""Supervised fine-tuning: its loss against the closed form, packing, runs that go on, learning or being refused."""

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataset_cards.freeze import freeze
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Refused
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion
from tests.training import frozen, store_at, tiny_model
from train.bench import Bench
from train.encode import HELD_OUT, TRAIN, encoded_rows
from train.inputs import opened
from train.lora import Lora
from train.machine import Machine
from train.outcome import Outcome
from train.quiet import quiet
from train.recipes_sft import sft
from train.schedule import Schedule
from train.sft import PACKED, SFT
from train.trainer import prepared, training

CPU = Machine(device="cpu")
WORDS = ("cat", "dog", "mat", "log", "sat", "ate")
FEW = Schedule(max_steps=6, batch_size=8, learning_rate=5e-3, log_steps=1, save_steps=2)


def conversation(*words: str) -> dict[str, Any]:
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[n % 2], "content": word} for n, word in enumerate(words)]}


ROWS = [
    conversation(f"{n % 7} say {a}", a, f"and {b}?", " ".join([a, b][: 1 + n % 2]))
    for n, (a, b) in enumerate(product(WORDS, WORDS))
]


@dataclasses.dataclass(frozen=True)
class Place:
    """A store with rows and a model, and a folder for runs."""

    store: Store
    data: DatasetVersion
    model: DatasetVersion
    folder: Path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("sft")
    store = store_at(folder / "store")
    with quiet():
        model = tiny_model(store, "tiny@1.0.0", folder)
    return Place(store, frozen(store, "rows@1.0.0", "conversations", ROWS, folder), model, folder)


def fitted(place: Place, op: SFT, folder: Path, machine: Machine = CPU, stop: int = 0) -> tuple[Outcome | None, Bench]:
    """Prepare and fit in `folder`, as `train` does; with `stop`, the run ends before that step as if it was killed."""
    op = dataclasses.replace(op, roles=("data", "model"))
    folder.mkdir(parents=True, exist_ok=True)
    with opened(op.roles, [place.data.table, place.model.table], (machine,)) as inputs:
        bench = Bench(
            inputs=inputs, preflight=prepared(op, inputs, folder), folder=folder, machine=machine, stamp={"by": "test"}
        )
        if not stop:
            return op.fit(bench), bench
        with quiet():
            tokenizer, model = op.started(bench)
            trainer = op.loop(model, tokenizer, bench)
            trainer.add_callback(stopped(stop))
            trainer.train()
        return None, bench


def stopped(at: int) -> Any:
    from transformers import TrainerCallback

    class Stop(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            control.should_training_stop = state.global_step >= at

    return Stop()


def digest(bench: Bench) -> str:
    return hashlib.sha256((bench.model / "model.safetensors").read_bytes()).hexdigest()


def closed_form(model: Path, rows: Sequence[dict[str, Any]]) -> float:
    """The sum of -log p over all tokens with a label, over their number, each row read alone."""
    import torch
    from transformers import AutoModelForCausalLM

    with quiet():
        lm = AutoModelForCausalLM.from_pretrained(model)
    total, count = 0.0, 0
    for row in rows:
        with torch.no_grad():
            found = lm(input_ids=torch.tensor([row["input_ids"]])).logits[0].double().log_softmax(-1)
        for n, label in enumerate(row["labels"]):
            if label != -100:
                total -= found[n - 1, label].item()
                count += 1
    return total / count


@pytest.mark.parametrize("micro", [0, 3, 1])
def test_the_loss_of_a_step_is_the_mean_over_all_its_learned_tokens(place: Place, tmp_path: Path, micro: int) -> None:
    schedule = Schedule(max_steps=1, batch_size=36, learning_rate=1e-3, log_steps=1, save_steps=0, warmup=0.0)
    op = SFT(schedule=schedule, held_out=0.15)
    with quiet():
        outcome, bench = fitted(place, op, tmp_path, dataclasses.replace(CPU, micro_batch=micro))
    rows = list(encoded_rows(bench.rows / TRAIN))
    assert len(rows) == len(ROWS) - bench.preflight.held_out <= 36  # one step sees them all
    assert len({sum(label != -100 for label in row["labels"]) for row in rows}) > 1
    assert outcome is not None
    assert outcome.curves[0]["loss"] == pytest.approx(closed_form(bench.inputs.model(), rows), rel=2e-6)


def test_packed_rows_hold_every_conversation_once_and_give_the_same_loss(place: Place, tmp_path: Path) -> None:
    schedule = Schedule(max_steps=1, batch_size=8, learning_rate=1e-3, log_steps=1, save_steps=0)
    op = SFT(schedule=schedule, held_out=0.15, packing=True, max_length=256)
    outcome, bench = fitted(place, op, tmp_path)
    rows, packs = list(encoded_rows(bench.rows / TRAIN)), list(encoded_rows(bench.rows / PACKED))
    assert 1 < len(packs) <= 8
    assert bench.preflight.steps == 1
    found = []
    for pack in packs:
        assert sum(pack["seq_lengths"]) == len(pack["input_ids"]) <= 256
        ends = np.cumsum([0, *pack["seq_lengths"]])
        found += [(pack["input_ids"][a:b], pack["labels"][a:b]) for a, b in pairwise(ends)]
    assert sorted(found) == sorted((row["input_ids"], row["labels"]) for row in rows)
    assert outcome is not None
    assert outcome.curves[0]["loss"] == pytest.approx(closed_form(bench.inputs.model(), rows), rel=2e-6)


def test_packing_is_refused_where_a_conversation_would_see_another(place: Place, tmp_path: Path) -> None:
    from transformers import MambaConfig, MambaForCausalLM

    op = SFT(schedule=FEW, held_out=0.15, packing=True)
    _, bench = fitted(place, SFT(schedule=FEW, held_out=0.15), tmp_path)
    config = MambaConfig(vocab_size=320, hidden_size=16, num_hidden_layers=1, state_size=4)
    with quiet(), pytest.raises(Misuse, match="sees the one before it"):
        op.loop(MambaForCausalLM(config), None, bench)


@pytest.mark.parametrize(
    "op",
    [
        SFT(schedule=FEW, held_out=0.15),
        SFT(schedule=FEW, held_out=0.15, packing=True, max_length=128),
        SFT(schedule=FEW, held_out=0.15, lora=Lora(rank=4, dropout=0.1)),
    ],
    ids=["rows", "packed", "adapter"],
)
def test_a_killed_run_ends_as_if_it_had_never_been(place: Place, tmp_path: Path, op: SFT) -> None:
    whole, once = fitted(place, op, tmp_path / "once")
    fitted(place, op, tmp_path / "killed", stop=3)
    assert Bench.checkpoint(dataclasses.replace(once, folder=tmp_path / "killed")) is not None
    resumed, killed = fitted(place, op, tmp_path / "killed")
    assert digest(killed) == digest(once)
    assert whole is not None
    assert resumed is not None
    assert resumed.measures == whole.measures


def test_it_learns_to_answer_and_to_stop(place: Place, tmp_path: Path) -> None:
    import torch

    from train.chat import prompt_ids
    from train.models import load_causal, load_tokenizer

    few = [conversation(f"say {word}", answer) for word, answer in zip(WORDS, reversed(WORDS), strict=True)]
    others = [conversation(f"say {word}!", answer) for word, answer in zip(WORDS, reversed(WORDS), strict=True)]
    step = sft(
        data=frozen(place.store, "few@1.0.0", "conversations", few, place.folder),
        model=place.model,
        held_out=frozen(place.store, "others@1.0.0", "conversations", others, place.folder),
        max_steps=60,
        batch_size=6,
        learning_rate=1e-2,
        max_length=128,
        log_steps=10,
        save_steps=0,
    )
    place.store.run(step, [CPU])
    made = freeze(place.store, step, "answers@1.0.0", {"name": "sft", "function": "sft", "parameters": {}})
    folder = Path(made.folder.path)
    loss, ends = json.loads((folder / "training.json").read_bytes())["measures"]
    assert loss["name"] == "response loss"
    assert loss["gain"][1] > 1
    assert (ends["name"], ends["before"][0]) == ("answers that end", 0)
    assert ends["after"][0] > 0.9
    with quiet():
        model, tokenizer = load_causal(folder, CPU), load_tokenizer(folder)
    for row in few:
        question, answer = row["messages"]
        asked = prompt_ids(tokenizer, [question])
        with torch.no_grad():
            said = model.generate(torch.tensor([asked]), attention_mask=torch.ones(1, len(asked)), max_new_tokens=20)
        assert tokenizer.decode(said[0, len(asked) :]) == answer["content"] + tokenizer.eos_token


def test_a_run_that_learns_nothing_is_refused(place: Place) -> None:
    schedule = Schedule(max_steps=2, batch_size=8, learning_rate=1e-30, save_steps=0)
    with pytest.raises(Refused, match="sft learned nothing: response loss"):
        place.store.run(training(SFT(schedule=schedule, held_out=0.15), data=place.data, model=place.model), [CPU])


def test_the_seed_decides_what_comes_out(place: Place, tmp_path: Path) -> None:
    op = SFT(schedule=dataclasses.replace(FEW, max_steps=2, save_steps=0), held_out=0.15)
    seeds = (0, 0, 1)
    made = [fitted(place, dataclasses.replace(op, seed=seed), tmp_path / str(n))[1] for n, seed in enumerate(seeds)]
    first, again, other = map(digest, made)
    assert first == again != other


def test_before_is_measured_on_the_model_that_went_in(place: Place, tmp_path: Path) -> None:
    outcome, bench = fitted(place, SFT(schedule=FEW, held_out=0.15), tmp_path)
    rows = list(encoded_rows(bench.rows / HELD_OUT))
    assert outcome is not None
    first = outcome.measures[0]
    assert first.before is not None
    assert first.before[0] == pytest.approx(closed_form(bench.inputs.model(), rows), rel=2e-6)
    assert first.after[0] == pytest.approx(closed_form(bench.model, rows), rel=2e-6)
    assert first.rows == len(rows)
