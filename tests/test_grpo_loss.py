"""The numbers inside GRPO, through the real loop: rewards beside their prompts, advantages, loss and gradients.

Verdicts are planted by a tool with a rule of its own, so that every outcome occurs and every expected number is known.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pytest

from synth.verify.verdicts import VerifierVerdicts
from tests.training import frozen, store_at, tiny_model
from train.bench import Bench
from train.chat import with_template
from train.encode import TRAIN, encoded_rows
from train.grpo.grpo import GRPO
from train.grpo.verdicts import Verdict, Verdicts
from train.inputs import opened
from train.machine import Machine
from train.models import load_causal, load_tokenizer
from train.schedule import Schedule
from train.trainer import training

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

pytestmark = [
    pytest.mark.filterwarnings("ignore:`gradient_checkpointing` is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"),
]

SAMPLES, PROMPTS = 4, 3
OP = GRPO(
    schedule=Schedule(max_steps=2, batch_size=PROMPTS, learning_rate=1e-3, save_steps=0),
    held_out=0.3,
    max_length=64,
    max_completion=6,
    samples=SAMPLES,
    unfinished="cannot-tell",
)
# By prompt: what the planted tool says of the first, second ... answer to it.
PLAN: Sequence[Sequence[Verdict]] = (
    ("right", "cannot-tell", "wrong", "wrong"),
    ("cannot-tell", "right", "cannot-tell", "cannot-tell"),
    ("cannot-tell", "cannot-tell", "cannot-tell", "cannot-tell"),
)


@dataclass(frozen=True)
class Planned:
    """Says what PLAN says, and remembers which verifier and reference came with each answer."""

    seen: list[tuple[str, str]] = field(default_factory=list)

    def verdicts(self, verifiers: Sequence[str], references: Sequence[str], answers: Sequence[str]) -> list[Verdict]:
        self.seen[:] = list(zip(verifiers, references, strict=True))
        return [PLAN[n // SAMPLES][n % SAMPLES] for n in range(len(answers))]

    def problems(self, verifiers: Sequence[str], references: Sequence[str]) -> list[str]:
        return [""] * len(verifiers)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A run that is prepared and not begun."""
    home = tmp_path_factory.mktemp("grpo-loss")
    store = store_at(home / "store")
    rows = [
        {
            "id": f"row-{n}",
            "prompt": [{"role": "user", "content": f"{'cat ' * (n % 3)}{n} ="}],
            "answer": str(100 + n),
            "verifier": f"by-{n}",
        }
        for n in range(12)
    ]
    data = frozen(store, "rows@1.0.0", "verifiable", rows, home)
    model = tiny_model(store, "tiny@1.0.0", home, hidden=16, layers=1)
    step = training(OP, data=data, model=model)
    tools = (Planned(), Machine(device="cpu"))
    with opened(step.op.roles, [data.table, model.table], tools) as inputs:  # type: ignore[attr-defined]
        report = OP.prepare(inputs, home / "run" / "rows")
        yield Bench(inputs=inputs, preflight=report, folder=home / "run", machine=Machine(device="cpu"), stamp={})


def loop_of(bench: Bench, op: GRPO) -> Any:
    model = load_causal(bench.inputs.model(), bench.machine)
    tokenizer = with_template(load_tokenizer(bench.inputs.model()), model)
    # Every answer ends, so that the plan alone decides.
    return ended(op.loop(bench, model, tokenizer))


def ended(loop: Any) -> Any:
    loop.verdicts.unfinished = "wrong"
    inner = loop._generate_single_turn

    def ends(*given: Any, **named: Any) -> tuple[list[list[int]], None]:
        ids, nothing = inner(*given, **named)
        return [[*one[:-1], loop.processing_class.eos_token_id] for one in ids], nothing

    loop._generate_single_turn = ends
    return loop


def batch_of(loop: Any) -> tuple[list[Mapping[str, Any]], dict[str, Any]]:
    """The rows of the first step, each as often as it is answered, and TRL's batch of them before it is shuffled."""
    loop.model.train()
    loop.current_gradient_accumulation_steps = 1
    rows = [
        loop.train_dataset[place] for place, _ in zip(loop._get_train_sampler(), range(PROMPTS * SAMPLES), strict=False)
    ]
    torch.manual_seed(0)
    return rows, loop._generate_and_score_completions(rows)


def expected_advantages(scale: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    value = {"right": 1.0, "wrong": 0.0, "cannot-tell": np.nan}
    found = []
    for group in PLAN:
        rewards = np.array([value[one] for one in group])
        known = rewards[~np.isnan(rewards)]
        if len(known) == 0:
            found.append(np.zeros(SAMPLES))
            continue
        centred = rewards - known.mean()
        if scale == "group" and len(known) > 1:
            centred = centred / (known.std(ddof=1) + 1e-4)
        found.append(np.nan_to_num(centred))
    return np.concatenate(found)


@pytest.mark.parametrize("scale", ["none", "group"])
def test_an_undecided_answer_is_in_no_baseline_and_has_advantage_zero(
    bench: Bench, scale: Literal["none", "group"]
) -> None:
    loop = loop_of(bench, replace(OP, scale_rewards=scale))
    _, batch = batch_of(loop)
    assert batch["advantages"].numpy() == pytest.approx(expected_advantages(scale), abs=1e-6)
    undecided = np.array([one == "cannot-tell" for group in PLAN for one in group])
    assert (batch["advantages"].numpy()[undecided] == 0).all()


@pytest.mark.parametrize("loss_type", ["grpo", "dr_grpo", "dapo", "bnpo"])
def test_the_loss_is_the_closed_form_and_undecided_answers_get_no_gradient_even_from_the_kl(
    bench: Bench, loss_type: Literal["grpo", "dr_grpo", "dapo", "bnpo"]
) -> None:
    op = replace(OP, loss_type=loss_type, beta=0.3, epsilon=0.1, epsilon_high=0.2)
    loop = loop_of(bench, op)
    _, batch = batch_of(loop)
    noise = torch.Generator().manual_seed(1)
    shape = batch["completion_mask"].shape
    inner = loop._get_per_token_logps_and_entropies
    kept: list[Any] = []

    def watched(*given: Any, **named: Any) -> Any:
        logps, *rest = inner(*given, **named)
        logps.retain_grad()
        kept.append(logps)
        return logps, *rest

    # As if the policy had moved since it sampled, and away from the reference: some ratios are clipped.
    with torch.no_grad():
        ids = torch.cat([batch["prompt_ids"], batch["completion_ids"]], dim=1)
        mask = torch.cat([batch["prompt_mask"], batch["completion_mask"]], dim=1)
        now, _, _ = inner(loop.model, ids, mask, shape[1])
    batch["old_per_token_logps"] = now + 0.2 * torch.randn(shape, generator=noise)
    batch["ref_per_token_logps"] = now + 0.3 * torch.randn(shape, generator=noise)
    loop._get_per_token_logps_and_entropies = watched
    loss = loop.compute_loss(loop.model, batch)
    loss.backward()

    (logps,) = kept
    known = np.array([one != "cannot-tell" for group in PLAN for one in group])
    gradient = logps.grad.numpy()
    assert (gradient[~known] == 0).all()
    assert (np.abs(gradient[known][:, 0]) > 0).all()

    log_p, log_old, log_ref = (
        one.detach().double().numpy() for one in (logps, batch["old_per_token_logps"], batch["ref_per_token_logps"])
    )
    advantage = expected_advantages("none")[:, None]
    ratio = np.exp(log_p - log_old)
    clipped = np.clip(ratio, 1 - op.epsilon, 1 + op.epsilon_high)
    assert (clipped != ratio).any()
    kl = np.exp(log_ref - log_p) - (log_ref - log_p) - 1
    token = -np.minimum(ratio * advantage, clipped * advantage) + op.beta * kl * ratio
    learned = batch["completion_mask"].numpy() * known[:, None]
    each = (token * learned).sum(axis=1)
    value = {
        "grpo": (each / np.maximum(learned.sum(axis=1), 1)).mean(),
        "dr_grpo": each.sum() / (len(each) * op.max_completion),
        "dapo": each.sum() / learned.sum(),
        "bnpo": each.sum() / learned.sum(),
    }[loss_type]
    assert loss.item() == pytest.approx(value, rel=1e-4)


def test_each_answer_is_checked_by_the_reference_of_its_own_prompt(bench: Bench) -> None:
    loop = loop_of(bench, OP)
    rows, batch = batch_of(loop)
    tool = bench.tool(Verdicts)
    assert isinstance(tool, Planned)
    assert tool.seen == [(row["verifier"], row["answer"]) for row in rows]
    for place, row in enumerate(rows):
        shown = loop.processing_class.decode(batch["prompt_ids"][place], skip_special_tokens=True)
        assert row["prompt"][0]["content"] in shown
        assert row["verifier"].removeprefix("by-") == str(int(row["answer"]) - 100)
    groups = [[row["verifier"] for row in rows[start : start + SAMPLES]] for start in range(0, len(rows), SAMPLES)]
    assert [len(set(group)) for group in groups] == [1] * PROMPTS


def test_the_loop_reads_a_prompt_as_preflight_did(bench: Bench) -> None:
    loop = loop_of(bench, OP)
    rows = list(encoded_rows(bench.rows / TRAIN))
    ids, _, _ = loop._tokenize_prompts([row["prompt"] for row in rows])
    assert ids == [row["prompt_ids"] for row in rows]


def test_every_epoch_has_each_prompt_at_most_once_and_an_order_of_its_own() -> None:
    from train.grpo.loop import Rounds

    places = list(Rounds(prompts=7, batch=3, samples=2, repeats=2, batches=5, seed=0))
    assert len(places) == len(Rounds(prompts=7, batch=3, samples=2, repeats=2, batches=5, seed=0)) == 5 * 2 * 3 * 2
    steps = [places[start : start + 6] for start in range(0, len(places), 6)]
    assert steps[0::2] == steps[1::2]  # what was sampled is learned from twice
    chunks = [step[::2] for step in steps[0::2]]
    assert all(step[::2] == step[1::2] for step in steps)
    first, second = {*chunks[0], *chunks[1]}, {*chunks[2], *chunks[3]}
    assert len(first) == len(second) == 6
    assert chunks[:2] != chunks[2:4]


def test_an_answer_that_was_cut_is_not_read(bench: Bench) -> None:
    from train.distill.answering import judged

    tokenizer = with_template(load_tokenizer(bench.inputs.model()))
    said = tokenizer("#### 12")["input_ids"]
    whole, cut = [*said, tokenizer.eos_token_id], said
    tool = VerifierVerdicts()
    assert judged(tool, tokenizer, [whole, cut], ["gsm8k"] * 2, ["12"] * 2, "wrong") == ["right", "wrong"]
    assert judged(tool, tokenizer, [whole, cut], ["gsm8k"] * 2, ["12"] * 2, "cannot-tell") == ["right", "cannot-tell"]


def test_the_verifiers_answer_in_order_and_name_what_they_cannot_check() -> None:
    tool = VerifierVerdicts(threads=3)
    assert isinstance(tool, Verdicts)
    many = 50
    answers = [f"#### {n % 5}" for n in range(many)]
    expected = ["right" if n % 5 == 2 else "wrong" for n in range(many)]
    assert tool.verdicts(["number"] * many, ["2"] * many, answers) == expected
    assert tool.verdicts(["number", "oracle"], ["2", "2"], ["I do not know.\nReally.", "2"]) == ["cannot-tell"] * 2
    fine, unread, unknown = tool.problems(["number", "number", "oracle"], ["2", "about 2 or so", "2"])
    assert fine == ""
    assert unread
    assert "'oracle' is no verifier" in unknown
    with pytest.raises(ValueError, match="different lengths"):
        tool.problems(["number"], [])
