"""KTO as a step: its loss is the closed form, where judgements come from, what it learns, what it refuses."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataset_cards.freeze import freeze
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Refused
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion
from tests.preferring import CPU, FAST, bench_at, inputs_of, noisy, pairs, said, weights_digest
from tests.training import frozen, store_at, tiny_model
from train.encode import HELD_OUT, TRAIN, encoded_rows
from train.lora import Lora
from train.machine import Machine
from train.models import load_causal, load_tokenizer
from train.preferences.judged import Judged, Scale, verdicts
from train.preferences.judged_measures import balanced
from train.preferences.kto import KTO, weights
from train.quiet import quiet
from train.recipes_dpo import kto
from train.scoring import answer_logprobs
from train.trainer import training

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

MANY = pairs(48)
BETA = 0.3


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return store_at(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def model(store: Store, tmp_path_factory: pytest.TempPathFactory) -> DatasetVersion:
    return tiny_model(store, "tiny@1.0.0", tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def data(store: Store, tmp_path_factory: pytest.TempPathFactory) -> DatasetVersion:
    return frozen(store, "pairs@1.0.0", "preferences", MANY, tmp_path_factory.mktemp("pairs"))


def conversation(name: str, answer: str = "the cat", **notes: Any) -> dict[str, Any]:
    asked = [said("user", f"{name}?"), said("assistant", "and"), said("user", "more")]
    metadata = json.dumps(notes) if notes else None
    return {"id": name, "messages": [*asked, said("assistant", answer)], "metadata": metadata}


def judgement(record: str, annotator: str, answer: str, **notes: Any) -> dict[str, Any]:
    metadata = json.dumps(notes) if notes else None
    return {"record": record, "annotator": annotator, "answer": answer, "metadata": metadata}


def test_it_learns_which_answers_are_good_on_questions_it_never_saw(
    store: Store, model: DatasetVersion, data: DatasetVersion
) -> None:
    step = training(KTO(schedule=FAST, held_out=0.3), data=data, model=model)
    store.run(step, [CPU])
    version = freeze(store, step, "good@1.0.0", {"name": "kto", "function": "kto", "parameters": {}})
    record = version.folder.read_json("training.json")
    loss, accuracy, likelihood = record["measures"]
    assert loss["name"] == "KTO loss"
    assert loss["before"] == [0.5, 0.5, 0.5]
    assert loss["gain"][1] > 0
    assert accuracy["after"][0] > 0.8
    assert likelihood["rows"] * 2 == loss["rows"] == record["preflight"]["held_out"]
    for name in ("loss", "margin", "kl", "likelihood"):
        assert "nothing was logged" not in version.folder.read_bytes(f"plots/{name}.svg").decode()


def test_a_model_that_learns_nothing_is_refused(store: Store, model: DatasetVersion, data: DatasetVersion) -> None:
    op = KTO(schedule=dataclasses.replace(FAST, max_steps=1, learning_rate=1e-12), held_out=0.3)
    with pytest.raises(Refused, match="kto learned nothing: KTO loss"):
        store.run(training(op, data=data, model=model), [CPU])


def sigma(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("loss", ["kto", "apo_zero_unpaired"])
def test_the_loss_is_the_closed_form(model: DatasetVersion, data: DatasetVersion, tmp_path: Path, loss: Any) -> None:
    schedule = dataclasses.replace(FAST, batch_size=8)
    op = KTO(schedule=schedule, held_out=0.0, loss=loss, beta=BETA, desirable_weight=1.5, undesirable_weight=0.5)
    bench = bench_at(tmp_path, op, data=data, model=model)
    with quiet():
        policy, reference = noisy(load_causal(bench.inputs.model(), CPU)), load_causal(bench.inputs.model(), CPU)
        trainer = op.loop(policy, reference, load_tokenizer(bench.inputs.model()), bench)
        batch = next(iter(trainer.get_train_dataloader()))
        rows = [trainer.train_dataset[number] for number in range(8)]
        found = trainer.compute_loss(trainer.model, dict(batch)).item()
        others = [rows[-1], *rows[:-1]]
        r, drift = (ratios(policy, reference, rows, answers) for answers in (rows, others))
    z = max(drift.mean(), 0.0) if loss == "kto" else 0.0
    good = np.array([row["label"] for row in rows])
    assert set(good) == {True, False}
    wanted = np.where(good, 1.5 * (1 - sigma(BETA * (r - z))), 0.5 * (1 - sigma(BETA * (z - r))))
    assert found == pytest.approx(wanted.mean(), rel=2e-5)


def ratios(policy: Any, reference: Any, prompts: Any, answers: Any) -> np.ndarray:
    """log p / q of each answer to each prompt."""
    rows = [
        (one["prompt_ids"] + other["completion_ids"], [0] * len(one["prompt_ids"]) + other["completion_mask"])
        for one, other in zip(prompts, answers, strict=True)
    ]
    return np.asarray(answer_logprobs(policy, rows)[0] - answer_logprobs(reference, rows)[0])


def test_the_same_seed_twice_gives_the_same_bytes_and_another_seed_others(
    model: DatasetVersion, data: DatasetVersion, tmp_path: Path
) -> None:
    digests = []
    for number, seed in enumerate((0, 0, 1)):
        op = KTO(schedule=dataclasses.replace(FAST, max_steps=3), held_out=0.3, seed=seed)
        bench = bench_at(tmp_path / str(number), op, data=data, model=model)
        op.fit(bench)
        digests.append(weights_digest(bench.folder))
    assert digests[0] == digests[1] != digests[2]


def test_adapters_learn_too(model: DatasetVersion, data: DatasetVersion, tmp_path: Path) -> None:
    op = KTO(schedule=FAST, held_out=0.3, lora=Lora(rank=4))
    outcome = op.fit(bench_at(tmp_path, op, data=data, model=model))
    assert outcome.measures[0].gain is not None
    assert outcome.measures[0].gain[0] > 0


def test_both_answers_of_a_pair_stand_on_one_side(model: DatasetVersion, data: DatasetVersion, tmp_path: Path) -> None:
    bench = bench_at(tmp_path, KTO(held_out=0.3), data=data, model=model)
    sides = [{row["id"] for row in encoded_rows(bench.rows / name)} for name in (TRAIN, HELD_OUT)]
    for side in sides:
        assert {name.partition("/")[0] + "/chosen" for name in side} <= side
        assert {name.partition("/")[0] + "/rejected" for name in side} <= side


def test_reviews_decide_by_majority_of_last_answers_and_second_looks_replace_them() -> None:
    given = [
        judgement("a", "ann", "accept"),
        judgement("a", "bob", "reject"),
        judgement("a", "cho", "fix"),
        judgement("b", "ann", "reject", at="2026-01-01"),
        judgement("b", "ann", "accept", at="2026-01-02"),
        judgement("c", "ann", "reject"),
        judgement("c", "dee", "accept", batch="adjudication"),
        judgement("d", "ann", "reject", batch="gold"),
        judgement("e", "ann", "", discarded=True),
        judgement("f", "ann", "accept"),
        judgement("f", "bob", "fix"),
    ]
    assert verdicts(iter(given)) == {"a": -1, "b": 1, "c": 1, "f": 0}
    with pytest.raises(Misuse, match="one of accept, fix, reject"):
        verdicts(iter([judgement("a", "ann", "2")]))


def test_conversations_are_good_or_bad_by_reviews_by_ratings_or_as_they_say(
    store: Store, model: DatasetVersion, tmp_path: Path
) -> None:
    rows = [
        conversation("best", ratings={"helpful": {"mean": 4.5}, "honest": {"mean": 4.0}}),
        conversation("worst", ratings={"helpful": {"mean": 1.0}, "honest": {"mean": 5.0}}),
        conversation("said", desirable=False),
        conversation("silent"),
    ]
    data = frozen(store, "rated@1.0.0", "conversations", rows, tmp_path)
    about = [judgement("best", "ann", "reject"), judgement("silent", "ann", "accept")]
    judged = frozen(store, "judged@1.0.0", "judgements", about, tmp_path)
    all_scales = Judged.of(inputs_of(data=data, model=model), Scale())
    one_scale = Judged.of(inputs_of(data=data, model=model), Scale(name="helpful", good=4.5))
    reviewed = Judged.of(inputs_of(data=data, model=model, judgements=judged), Scale())
    assert [row["desirable"] for row in all_scales.rows("data")] == [True, None, False, None]
    assert [row["desirable"] for row in one_scale.rows("data")] == [True, False, False, None]
    assert [row["desirable"] for row in reviewed.rows("data")] == [False, None, None, True]
    first = next(iter(all_scales.rows("data")))
    assert first["completion"] == [said("assistant", "the cat")]
    assert len(first["prompt"]) == 3


def test_what_nobody_judged_is_left_out_and_one_kind_alone_is_refused(
    store: Store, model: DatasetVersion, tmp_path: Path
) -> None:
    some = [conversation(f"r{n}", f"the {n}", desirable=n % 2 == 0) for n in range(6)]
    data = frozen(store, "said@1.0.0", "conversations", [*some, conversation("silent")], tmp_path)
    report = KTO(held_out=0.0).prepare(inputs_of(data=data, model=model), tmp_path / "rows")
    assert report.dropped == {"no-preference": 1}
    assert report.train == 6
    alike = frozen(store, "alike@1.0.0", "conversations", some[::2], tmp_path)
    with pytest.raises(Refused, match="all 3 answers are good"):
        KTO(held_out=0.0).prepare(inputs_of(data=alike, model=model), tmp_path / "more")


def test_weights_make_both_kinds_count_the_same_unless_they_are_given() -> None:
    good = np.array([1.0, 0.0, 0.0, 0.0])
    assert weights(good, 0, 0) == (3.0, 1.0)
    assert weights(1 - good, 0, 0) == (1.0, 3.0)
    assert weights(good, 4.0, 0) == (4.0, 4 / 3)
    assert weights(good, 0, 2.0) == (6.0, 2.0)
    assert weights(good, 1.0, 1.0) == (1.0, 1.0)
    assert balanced(good)[0] == balanced(good)[1:].sum()


def test_one_row_at_a_time_is_refused(data: DatasetVersion, model: DatasetVersion, tmp_path: Path) -> None:
    inputs = dataclasses.replace(inputs_of(data=data, model=model), tools=(Machine(device="cpu", micro_batch=1),))
    with pytest.raises(Misuse, match="micro_batch=2"):
        KTO().prepare(inputs, tmp_path)


def test_the_recipe_is_the_trainer_with_its_numbers(data: DatasetVersion, model: DatasetVersion) -> None:
    step = kto(data=data, model=model, beta=0.2, good=3.0, quantize="none")
    assert isinstance(step.op, KTO)
    assert (step.name, step.op.beta, step.op.good) == ("train/kto", 0.2, 3.0)
