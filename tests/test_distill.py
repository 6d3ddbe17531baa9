"""A student learns from what a teacher said: it comes nearer, stops, repeats itself, and what would not work is told.

The teacher is a small model trained here on answers of which it cannot be sure; its rows are those of `teach`.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

pytest.importorskip("torch", reason="distillation needs the extra train")
pytest.importorskip("trl", reason="distillation needs the extra train")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"),  # by TRL
]

from dataset_cards.versions.errors import BadRecipe, Misuse  # noqa: E402
from dataset_cards.versions.job import NoTool, Refused  # noqa: E402
from dataset_cards.versions.store import Store  # noqa: E402
from dataset_cards.versions.version import DatasetVersion  # noqa: E402
from tests.distilling import Rows, as_model, changed, say, sums, taught_folder, told, user, weights  # noqa: E402
from tests.training import frozen, store_at, tiny_folder  # noqa: E402
from train.distill import loop as distill_loop  # noqa: E402
from train.distill.distill import Distill  # noqa: E402
from train.distill.measure import distance  # noqa: E402
from train.distill.rows import Reader, fingerprints  # noqa: E402
from train.encode import Encoded  # noqa: E402
from train.machine import Machine  # noqa: E402
from train.models import load_causal, load_tokenizer  # noqa: E402
from train.recipes_distill import distill  # noqa: E402
from train.schedule import Schedule  # noqa: E402
from train.trainer import training  # noqa: E402

CPU = Machine(device="cpu")
SCHEDULE = Schedule(max_steps=16, batch_size=16, learning_rate=1e-2, log_steps=4)
STILL = Schedule(max_steps=1, learning_rate=1e-12)
HARMFUL = [{"id": f"h{n}", "prompt": user(f"log {n} !")} for n in range(30)]


class World(NamedTuple):
    """A store with what a teacher said (`data`), the teacher, and a student a fifth of its size."""

    store: Store
    folder: Path
    rows: Rows
    data: DatasetVersion
    teacher: DatasetVersion
    student: DatasetVersion


class Noes:
    """Tells a refusal of this teacher."""

    def refused(self, answers: Any) -> list[bool]:
        return [text.startswith("no") for text in answers]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("world")
    texts = [row["prompt"][0]["content"] for row in [*sums(400, 1), *HARMFUL * 3]]
    teacher = taught_folder(folder / "teacher", say, texts, steps=60)
    rows = told(folder / "teach", teacher, sums(160))
    assert len(rows) > 150
    store = store_at(folder / "store")
    return World(
        store=store,
        folder=folder,
        rows=rows,
        data=frozen(store, "said@1.0.0", "teacher", rows, folder),
        teacher=as_model(store, "teacher@1.0.0", teacher),
        student=as_model(store, "student@1.0.0", tiny_folder(folder / "student", layers=1)),
    )


def op(**more: Any) -> Distill:
    return Distill(**{"schedule": SCHEDULE, "held_out": 0.2, "max_length": 48, "answer_tokens": 12, **more})


def trained(world: World, trainer: Distill, *tools: object, **roles: DatasetVersion) -> tuple[dict[str, Any], Path]:
    """training.json, and the folder of the model."""
    step = training(trainer, **{"data": world.data, "model": world.student, **roles})
    world.store.run(step, [CPU, *tools])
    folder = Path(world.store.folder(step).path) / "model"
    return json.loads((folder / "training.json").read_text()), folder


def read(world: World, folder: Path, rows: Rows) -> tuple[Any, list[dict[str, Any]]]:
    """A model, and rows as a student of it reads them."""
    tokenizer = load_tokenizer(folder)
    known = fingerprints(tokenizer)
    reader = Reader(tokenizer=tokenizer, known_as=known, outputs=len(tokenizer), max_length=48, answer_tokens=12)
    found = [reader.topk(row) for row in rows]
    return load_causal(folder, CPU), [dict(one.columns) for one in found if isinstance(one, Encoded)]


def test_the_teacher_itself_has_no_divergence_from_what_it_said_and_one_place_off_it_has(world: World) -> None:
    model, rows = read(world, world.folder / "teacher", world.rows[:40])
    assert len(rows) == 40
    mine = distance(model, rows, 0)
    assert mine.stored is not None
    assert abs(mine.stored.sum() / mine.tokens.sum()) < 1e-4
    for off in (1, -1):
        shifted = [
            {**row, **{name: row[name][off:] + row[name][:off] for name in ("topk_ids", "topk_logprobs")}}
            for row in rows
        ]
        wrong = distance(model, shifted, 0).stored
        assert wrong is not None
        assert wrong.sum() / mine.tokens.sum() > 1.0


def test_what_is_stored_never_tells_more_than_the_teacher_does(world: World) -> None:
    teacher, rows = read(world, world.folder / "teacher", world.rows[:20])
    student, _ = read(world, world.folder / "student", [])
    found = distance(student, rows, 0, teacher)
    assert found.stored is not None
    assert found.whole is not None
    assert (found.stored <= found.whole + 1e-3).all()
    assert found.stored.sum() > 0.8 * found.whole.sum()


@pytest.mark.parametrize(
    ("method", "first"),
    [("topk", "KL to the teacher's top-k"), ("text", "response loss"), ("on-policy", "KL to the teacher")],
)
def test_a_student_comes_nearer_to_its_teacher(world: World, method: Any, first: str) -> None:
    roles = {"teacher": world.teacher} if method == "on-policy" else {}
    said, folder = trained(world, op(method=method), **roles)
    measure = said["measures"][0]
    assert measure["name"] == first
    assert measure["gain"][1] > 0.3, "nats per token, the interval's lower end"
    assert measure["rows"] == said["preflight"]["held_out"]
    assert {one["name"] for one in said["measures"]} >= {"response loss"}
    assert said["preflight"]["findings"] == []
    assert said["preflight"]["memory"]["weights"] > 0
    assert said["curves"][-1]["step"] == 16
    assert said["curves"][-2]["loss"] < said["curves"][0]["loss"]
    assert (folder / "plots" / "loss.svg").exists()
    assert any("0.20 of its teacher's" in note for note in said["notes"]) is (method == "on-policy")


def test_with_a_teacher_at_hand_the_whole_divergence_is_measured_too(world: World) -> None:
    said, _ = trained(world, op(asked=9), teacher=world.teacher)
    names = [one["name"] for one in said["measures"]]
    assert names == ["KL to the teacher's top-k", "KL to the teacher", "response loss"]
    stored, whole, _ = said["measures"]
    assert stored["before"][0] < whole["before"][0]
    assert whole["gain"][1] > 0.3


@pytest.mark.parametrize("old", [False, True])
def test_a_student_learns_to_stop(world: World, old: bool) -> None:
    """Also from rows that were made before teach kept the end: their last place is learned as text."""

    def without_end(row: dict[str, Any]) -> dict[str, Any]:
        tokens = json.loads(row["metadata"])["tokens"][:-1]
        ends = {name: row[name][:-1] for name in ("topk_ids", "topk_logprobs")}
        return {**ends, "metadata": json.dumps({"tokens": tokens})}

    data = world.data
    if old:
        data = frozen(world.store, "old@1.0.0", "teacher", changed(world.rows, without_end), world.folder)
    schedule = replace(SCHEDULE, max_steps=40, learning_rate=2e-2)
    _, folder = trained(world, op(schedule=schedule), data=data)
    model, rows = read(world, folder, world.rows)
    end = load_tokenizer(folder).eos_token_id
    ends = [{**row, "labels": [-100] * (len(row["labels"]) - 1) + [end]} for row in rows]
    ends = [{name: row[name] for name in ("input_ids", "labels")} for row in ends]
    untrained = distance(read(world, world.folder / "student", [])[0], ends, 0)
    learned = distance(model, ends, 0)
    assert untrained.loss.mean() > 4.5, "nats of the end token, among 300"
    assert learned.loss.mean() < 1.5


def test_a_student_that_learns_nothing_is_refused(world: World) -> None:
    for method in ("topk", "text"):
        with pytest.raises(Refused, match="distill learned nothing"):
            trained(world, op(method=method, schedule=STILL))


@pytest.mark.parametrize("method", ["topk", "on-policy"])
def test_a_killed_run_goes_on_to_the_same_weights_and_a_seed_repeats_them(
    world: World, method: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    roles = {"teacher": world.teacher} if method == "on-policy" else {}
    schedule = replace(SCHEDULE, max_steps=8)
    whole = weights(trained(world, op(method=method, schedule=schedule), **roles)[1])
    kind = distill_loop.OnPolicyTrainer if method == "on-policy" else distill_loop.StoredTrainer
    step, done = kind.training_step, []

    def dying(self: Any, *given: Any, **named: Any) -> Any:
        done.append(1)
        if len(done) == 6:
            raise KeyboardInterrupt
        return step(self, *given, **named)

    saving = op(method=method, schedule=replace(schedule, save_steps=3))
    with monkeypatch.context() as patched:
        patched.setattr(kind, "training_step", dying)
        with pytest.raises(KeyboardInterrupt):
            trained(world, saving, **roles)
    done.clear()
    with monkeypatch.context() as patched:
        patched.setattr(kind, "training_step", lambda *given, **named: (done.append(1), step(*given, **named))[1])
        resumed = weights(trained(world, saving, **roles)[1])
    assert len(done) == 5, "it went on from the third step"
    assert resumed == whole
    again = op(method=method, schedule=schedule, asked=7)  # another step, and the same training
    assert weights(trained(world, again, **roles)[1]) == whole
    other = op(method=method, schedule=schedule, seed=1)
    assert weights(trained(world, other, **roles)[1]) != whole


def test_what_a_device_holds_at_once_changes_nothing_but_rounding(world: World) -> None:
    """Rows differ in length, so a mean over micro batches in place of one over tokens would show in the losses."""
    found = []
    for machine in (CPU, Machine(device="cpu", micro_batch=4)):
        step = training(op(asked=11 + machine.micro_batch), data=world.data, model=world.student)
        world.store.run(step, [machine])
        said = json.loads((Path(world.store.folder(step).path) / "model" / "training.json").read_text())
        found.append([one["loss"] for one in said["curves"] if "loss" in one])
    assert len(found[0]) > 3
    assert found[0] == pytest.approx(found[1], rel=1e-4)


def test_rows_of_another_tokenizer_are_refused_and_their_text_is_not(world: World) -> None:
    other = as_model(world.store, "other@1.0.0", tiny_folder(world.folder / "other", layers=1, vocabulary=300))
    with pytest.raises(Refused, match="other-tokenizer: 160 rows"):
        trained(world, op(), model=other)
    with pytest.raises(Misuse, match="its tokenizer is not the student's"):
        trained(world, op(method="on-policy"), model=other, teacher=world.teacher)
    said, _ = trained(world, op(method="text"), model=other)
    assert said["measures"][0]["gain"][1] > 0


def test_a_student_that_lost_its_teachers_refusals_is_refused(world: World) -> None:
    harmful = frozen(world.store, "harmful@1.0.0", "prompts", HARMFUL, world.folder)
    harmless = frozen(world.store, "harmless@1.0.0", "prompts", sums(20, 9), world.folder)
    roles = {"teacher": world.teacher, "harmful": harmful, "harmless": harmless}
    with pytest.raises(NoTool, match="one Refusals to run with"):
        trained(world, op(repair=True), **roles)
    with pytest.raises(Refused, match=r"refuses fewer of the 30 harmful prompts: 0\.0%.*its teacher 100\.0%"):
        trained(world, op(repair=True), Noes(), **roles)
    said, _ = trained(world, op(repair=True, max_lost=1.0), Noes(), **roles)
    harm, look_alike = said["facts"]["lost"]
    assert {name: harm[name] for name in ("role", "prompts", "teacher", "both")} == {
        "role": "harmful",
        "prompts": 30,
        "teacher": 30,
        "both": 0,
    }
    assert (look_alike["role"], look_alike["prompts"], look_alike["student"]) == ("harmless", 20, 0)
    assert said["sheets"][0]["rows"][0][1:3] == ["30", "100.0% (88.6% to 100.0%)"]
    assert any("tokens a second" in note for note in said["notes"])


def test_a_student_that_kept_them_passes_and_what_the_gate_asks_is_not_learned(world: World) -> None:
    asked = [*HARMFUL, {"id": "known", "prompt": world.rows[0]["prompt"]}]
    harmful = frozen(world.store, "gate@1.0.0", "prompts", asked, world.folder)
    roles = {"teacher": world.teacher, "harmful": harmful, "model": world.teacher}
    with pytest.raises(Refused, match="in-evaluation: 1 rows"):
        trained(world, op(schedule=STILL, must_improve=False), Noes(), **roles)
    said, _ = trained(world, op(schedule=STILL, must_improve=False, repair=True), Noes(), **roles)
    assert said["facts"]["lost"][0]["both"] == 30
    assert said["facts"]["lost"][0]["loss"][0] == 0
    assert said["preflight"]["dropped"] == {"in-evaluation": 1}


def test_roles_that_do_not_fit_the_method_are_told_before_anything_runs(world: World) -> None:
    prompts = frozen(world.store, "asked@1.0.0", "prompts", sums(40, 3), world.folder)
    given = {"data": world.data, "model": world.student}
    with pytest.raises(BadRecipe, match="method=topk takes teacher, and this is prompts"):
        distill(**{**given, "data": prompts})
    with pytest.raises(BadRecipe, match="give it as -p teacher=NAME@VERSION"):
        distill(**given, method="on-policy")
    with pytest.raises(BadRecipe, match="compares the student with its teacher"):
        distill(**given, harmful=prompts)
    with pytest.raises(Misuse, match="distill takes model"):
        distill(**{**given, "model": prompts})
    with pytest.raises(Misuse, match="give a smaller one"):
        trained(
            world,
            op(method="on-policy", schedule=replace(SCHEDULE, batch_size=64)),
            data=prompts,
            teacher=world.teacher,
        )
    assert distill(**given, temperature=2.0, max_steps=3).name == "train/distill"


@pytest.mark.parametrize(
    "wrong", [{"temperature": 0.0}, {"beta": 1.5}, {"answer_tokens": 48}, {"asked": 0}, {"max_lost": 2.0}]
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        op(**wrong)
