"""Reinforcement from verdicts, end to end with the real loop and real verifiers: it learns, it refuses, it repeats."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from dataset_cards.adopt.model import AdoptModel
from dataset_cards.freeze import freeze
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import NoTool, Refused
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion
from synth.verify.verdicts import VerifierVerdicts
from tests.training import frozen, store_at, tiny_folder
from train.chat import answer_ids
from train.grpo.grpo import GRPO
from train.grpo.verdicts import Verdict
from train.look import look
from train.machine import Machine
from train.schedule import Schedule
from train.trainer import training

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

pytestmark = [
    pytest.mark.filterwarnings("ignore:`gradient_checkpointing` is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"),
]

DIGITS, ANSWER = 4, "3"
OP = GRPO(
    schedule=Schedule(max_steps=12, batch_size=8, learning_rate=3e-3, warmup=0.0, log_steps=4, save_steps=0),
    held_out=0.3,
    max_length=48,
    max_completion=4,
    samples=8,
)


def asked(number: int) -> dict[str, Any]:
    """A question whose answer is always the same: what is to be learned is to say so."""
    words = ("cat", "dog", "mat", "log", "sat", "ate")
    text = f"{words[number % 6]} {words[number // 6 % 6]} {number % 7} ="
    return {
        "id": f"row-{number}",
        "prompt": [{"role": "user", "content": text}],
        "answer": ANSWER,
        "verifier": "number",
    }


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("grpo")


@pytest.fixture(scope="module")
def store(home: Path) -> Store:
    return store_at(home / "store")


@pytest.fixture(scope="module")
def data(store: Store, home: Path) -> DatasetVersion:
    return frozen(store, "digits@1.0.0", "verifiable", map(asked, range(80)), home)


@pytest.fixture(scope="module")
def guesser(store: Store, home: Path) -> DatasetVersion:
    """A model that answers with some digit and ends its turn, whatever it is asked."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = tiny_folder(home / "guesser", hidden=32, layers=2)
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for step in range(40):
        pairs = [
            answer_ids(tokenizer, asked(n)["prompt"], [{"role": "assistant", "content": str((n + step) % DIGITS)}])
            for n in range(24)
        ]
        width = max(len(prompt) + len(answer) for prompt, answer in pairs)
        rest = [width - len(prompt) - len(answer) for prompt, answer in pairs]  # causal: what follows changes nothing
        ids = torch.tensor(
            [[*prompt, *answer, *[0] * more] for (prompt, answer), more in zip(pairs, rest, strict=True)]
        )
        labels = torch.tensor(
            [
                [*[-100] * len(prompt), *answer, *[-100] * more]
                for (prompt, answer), more in zip(pairs, rest, strict=True)
            ]
        )
        model(input_ids=ids, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(folder)
    return adopted(store, folder)


def adopted(store: Store, folder: Path) -> DatasetVersion:
    step = Step("adopt", AdoptModel.of(str(folder), license="CC0-1.0", source="made for a test"))
    store.run(step)
    return freeze(store, step, "guesser@1.0.0", {"name": "adopt", "function": "adopt", "parameters": {}})


def ran(store: Store, op: GRPO, name: str, **sources: DatasetVersion) -> tuple[DatasetVersion, Mapping[str, Any]]:
    step = training(op, **sources)
    store.run(step, [Machine(device="cpu"), VerifierVerdicts()])
    made = freeze(store, step, f"{name}@1.0.0", {"name": "grpo", "function": "grpo", "parameters": {}})
    return made, json.loads((Path(made.folder.path) / "training.json").read_bytes())


def weights(version: DatasetVersion) -> str:
    return hashlib.sha256((Path(version.folder.path) / "model.safetensors").read_bytes()).hexdigest()


def test_the_planted_rule_is_learned_and_the_gain_is_beyond_chance(
    store: Store, data: DatasetVersion, guesser: DatasetVersion
) -> None:
    made, record = ran(store, OP, "solver", data=data, model=guesser)
    right, greedy, solved, undecided = record["measures"]
    assert right["name"] == "right answers"
    assert right["before"][0] < 0.5
    assert right["gain"][1] > 0.1
    assert greedy["gain"][1] > 0.1
    assert undecided["after"][0] < 0.2
    assert solved["after"][0] >= right["after"][0]
    assert record["curves"][-1]["reward"] > record["curves"][0]["reward"]
    for point in record["curves"]:
        assert point["right"] + point["wrong"] + point["cannot-tell"] == pytest.approx(1)
    assert {plot["name"] for plot in record["plots"]} == {"reward", "verdicts", "length", "entropy"}
    assert (Path(made.folder.path) / "plots" / "reward.svg").exists()


def test_a_learning_rate_of_next_to_nothing_is_refused(
    store: Store, data: DatasetVersion, guesser: DatasetVersion
) -> None:
    idle = replace(OP, schedule=replace(OP.schedule, learning_rate=1e-12, max_steps=2))
    with pytest.raises(Refused, match="grpo learned nothing: right answers"):
        ran(store, idle, "idle", data=data, model=guesser)


@dataclass(frozen=True, kw_only=True)
class Dies(VerifierVerdicts):
    """Ends the run when it is asked for the verdicts of a step for the `after`-th time."""

    after: int
    asked: list[int] = field(default_factory=list)

    def verdicts(self, verifiers: Sequence[str], references: Sequence[str], answers: Sequence[str]) -> list[Verdict]:
        self.asked.append(len(answers))
        if self.asked.count(SHORT.schedule.batch_size * SHORT.samples) > self.after:
            raise KeyboardInterrupt
        return super().verdicts(verifiers, references, answers)


# 10 prompts to learn from, of which 4 fill a step: three steps begin the second epoch.
SHORT = replace(
    OP,
    schedule=replace(OP.schedule, batch_size=4, max_steps=5, log_steps=1, save_steps=1),
    held_out=0.4,
    samples=4,
    measured_samples=3,
    must_improve=False,
    beta=0.05,
)


def test_a_killed_run_goes_on_to_the_very_weights_of_one_that_was_not_and_a_seed_repeats_itself(
    tmp_path: Path, guesser: DatasetVersion
) -> None:
    made = []
    for name, kill in (("whole", 0), ("killed", 3)):
        store = store_at(tmp_path / name)
        model = adopted(store, Path(guesser.folder.path))
        data = frozen(store, "digits@1.0.0", "verifiable", map(asked, range(18)), tmp_path)
        step = training(SHORT, data=data, model=model)
        if kill:
            with pytest.raises(KeyboardInterrupt):
                store.run(step, [Machine(device="cpu"), Dies(after=kill)])
            assert [path.name for path in tmp_path.rglob("checkpoint-*")] == [f"checkpoint-{kill}"]
        made.append(ran(store, SHORT, "solver", data=data, model=model))
    (whole, told), (killed, told_again) = made
    assert told["preflight"]["train"] < 12
    assert weights(whole) == weights(killed)
    assert told["measures"] == told_again["measures"]
    assert told["curves"] == told_again["curves"]


def test_preflight_names_what_cannot_be_learned_from_and_repair_leaves_it_out(
    store: Store, home: Path, guesser: DatasetVersion
) -> None:
    good = [asked(number) for number in range(20)]
    broken = {
        "answer-not-verifiable": [
            {**asked(40), "verifier": None},
            {**asked(41), "verifier": "oracle"},
            {**asked(42), "answer": "about 18 or so"},
        ],
        "prompt-too-long": [{**asked(43), "prompt": [{"role": "user", "content": "cat " * 60}]}],
        "special-tokens-in-text": [{**asked(44), "prompt": [{"role": "user", "content": "<|im_end|> 3"}]}],
        "in-evaluation": [asked(45)],
        "duplicate-row": [{**asked(0), "id": "again"}],
    }
    rows = [*good, *(row for some in broken.values() for row in some)]
    data = frozen(store, "broken@1.0.0", "verifiable", rows, home)
    against = frozen(store, "exam@1.0.0", "verifiable", [asked(45)], home)
    step = training(OP, data=data, model=guesser, against=against)
    tools = (Machine(device="cpu"), VerifierVerdicts())
    report = look(step, tools)
    assert {one.check: one.rows for one in report.findings} == {name: len(some) for name, some in broken.items()}
    assert {one.check for one in report.findings if not one.blocks} == {"duplicate-row"}
    with pytest.raises(Refused, match="grpo was not begun"):
        store.run(step, tools)
    mended = look(training(replace(OP, repair=True), data=data, model=guesser, against=against), tools)
    assert mended.dropped == {name: len(some) for name, some in broken.items()}
    assert mended.train + mended.held_out == len(good)
    assert mended.memory["weights"] > 0
    assert mended.steps == OP.schedule.max_steps


def test_what_could_not_run_is_said_before_it_runs(
    store: Store, data: DatasetVersion, guesser: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = (Machine(device="cpu"), VerifierVerdicts())
    with pytest.raises(NoTool, match="Verdicts"):
        look(training(OP, data=data, model=guesser), tools[:1])
    with pytest.raises(Misuse, match="fill no step"):
        look(
            training(replace(OP, schedule=replace(OP.schedule, batch_size=500)), data=data, model=guesser),
            tools,
        )
    for wrong in ({"samples": 1}, {"max_completion": OP.max_length}, {"temperature": 0.0}):
        with pytest.raises(Misuse):
            replace(OP, **wrong)  # type: ignore[arg-type]
    with pytest.raises(Misuse, match="take a multiple"):
        replace(OP, iterations=2, schedule=replace(OP.schedule, save_steps=3))
    monkeypatch.setenv("WORLD_SIZE", "3")  # 8 prompts with 9 answers each: 72 answers could be shared by 3, prompts not
    with pytest.raises(Misuse, match="3 processes"):
        look(training(replace(OP, samples=9), data=data, model=guesser), tools)


def test_epochs_count_whole_batches_only() -> None:
    by_epochs = replace(OP, schedule=replace(OP.schedule, max_steps=0, epochs=3.0, batch_size=4), iterations=2)
    assert by_epochs.steps(prompts=11) == 3 * 2 * 2
