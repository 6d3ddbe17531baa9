"""Every loss of dpo, and its gradient, equals its published form, computed here in numpy from log-probabilities that
`scoring` and plain transformers compute: one TRL trainer per loss, as `fit` builds it."""

from typing import Any

import numpy as np
import pytest

from dataset_cards.versions.version import DatasetVersion
from tests.preferring import CPU, FAST, bench_at, noisy, pairs
from tests.training import frozen, store_at, tiny_model
from train.bench import Bench
from train.encode import TRAIN, encoded_rows
from train.models import load_causal, load_tokenizer
from train.preferences.dpo import DPO, SMOOTHED, Loss
from train.preferences.pair_measures import Said
from train.preferences.pair_measures import said as what_is_said
from train.quiet import quiet
from train.schedule import Schedule

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

BETA, E = 0.3, 0.1
ALL = Schedule(max_steps=1, batch_size=6, learning_rate=FAST.learning_rate)


def softplus(x: Any) -> Any:
    return np.logaddexp(0.0, x)


def sigma(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def closed_form(loss: str, p: np.ndarray, q: np.ndarray, n: np.ndarray) -> float:
    """The loss of log-probabilities p of the policy and q of the reference over n tokens; (2, pairs), chosen first."""
    c, r = p - q
    m = c - r
    per_token = (c / n[0]) - (r / n[1])
    if loss == "exo_pair":
        return float(
            np.mean(
                sigma(BETA * m) * (-softplus(-BETA * m) - np.log(1 - E))
                + sigma(-BETA * m) * (-softplus(BETA * m) - np.log(E))
            )
        )
    if loss == "discopop":
        mix = sigma(BETA * m / 0.05)
        return float(np.mean(softplus(-BETA * m) * (1 - mix) + np.exp(-BETA * m) * mix))
    if loss in ("aot", "aot_unpaired"):
        d = np.sort(p[0] - p[1]) - np.sort(q[0] - q[1]) if loss == "aot" else np.sort(c) - np.sort(r)
        return float(np.mean((1 - E) * softplus(-BETA * d) + E * softplus(BETA * d)))
    forms = {
        "sigmoid": softplus(-BETA * m),
        "sigmoid_norm": softplus(-BETA * per_token),
        "hinge": np.maximum(0, 1 - BETA * m),
        "ipo": (per_token - 1 / (2 * BETA)) ** 2,
        "robust": ((1 - E) * softplus(-BETA * m) - E * softplus(BETA * m)) / (1 - 2 * E),
        "nca_pair": softplus(-BETA * c) + 0.5 * softplus(BETA * c) + 0.5 * softplus(BETA * r),
        "bco_pair": softplus(-BETA * c) + softplus(BETA * r),
        "sppo_hard": (c - 0.5 / BETA) ** 2 + (r + 0.5 / BETA) ** 2,
        "apo_zero": 1 - sigma(BETA * c) + sigma(BETA * r),
        "apo_down": sigma(BETA * c) + 1 - sigma(BETA * m),
    }
    return float(np.mean(forms[loss]))


def slopes(loss: str, p: np.ndarray, q: np.ndarray, n: np.ndarray) -> np.ndarray:
    """How the loss changes with each log-probability of the policy, by central differences; (2, pairs)."""
    found, step = np.zeros_like(p), 1e-6
    for place in np.ndindex(*p.shape):
        moved = np.zeros_like(p)
        moved[place] = step
        found[place] = (closed_form(loss, p + moved, q, n) - closed_form(loss, p - moved, q, n)) / (2 * step)
    return found


@pytest.fixture(scope="module")
def data_and_model(tmp_path_factory: pytest.TempPathFactory) -> dict[str, DatasetVersion]:
    folder = tmp_path_factory.mktemp("losses")
    store = store_at(folder / "store")
    data = frozen(store, "pairs@1.0.0", "preferences", pairs(6), folder)
    return {"data": data, "model": tiny_model(store, "tiny@1.0.0", folder)}


@pytest.fixture(scope="module")
def ready(data_and_model: dict[str, DatasetVersion], tmp_path_factory: pytest.TempPathFactory) -> Bench:
    op = DPO(schedule=ALL, held_out=0.0)
    return bench_at(tmp_path_factory.mktemp("bench"), op, **data_and_model)


def policy(bench: Bench) -> Any:
    return noisy(load_causal(bench.inputs.model(), CPU))


def reference(bench: Bench) -> Any:
    return load_causal(bench.inputs.model(), CPU)


def stacked(one: Said) -> tuple[np.ndarray, np.ndarray]:
    return np.stack([one.chosen, one.rejected]), np.stack([one.chosen_tokens, one.rejected_tokens])


def op_of(loss: Loss, **more: Any) -> DPO:
    smoothing = E if loss in SMOOTHED else 0.0
    return DPO(schedule=ALL, held_out=0.0, loss=loss, beta=BETA, label_smoothing=smoothing, **more)


def loss_and_gradient(op: DPO, bench: Bench) -> tuple[float, dict[str, Any]]:
    """What TRL computes for all rows at once, and the gradient of every weight."""
    with quiet():
        trainer = op.loop(policy(bench), reference(bench), load_tokenizer(bench.inputs.model()), bench)
        trainer.model.train()
        loss = trainer.compute_loss(trainer.model, dict(next(iter(trainer.get_train_dataloader()))))
        loss.backward()
    return loss.item(), {name: weight.grad for name, weight in trainer.model.named_parameters()}


def summed_by_hand(model: Any, bench: Bench) -> list[list[Any]]:
    """log p of both answers of each row, one sequence at a time without padding, with plain transformers."""
    import torch

    found: list[list[Any]] = [[], []]
    for row in encoded_rows(bench.rows / TRAIN):
        for side, name in enumerate(("chosen_ids", "rejected_ids")):
            ids, asked = torch.tensor([row["prompt_ids"] + row[name]]), len(row["prompt_ids"])
            logs = torch.log_softmax(model(input_ids=ids).logits[0, asked - 1 : -1], -1)
            found[side].append(logs.gather(-1, ids[0, asked:, None]).sum())
    return found


LOSSES: tuple[Loss, ...] = Loss.__args__  # type: ignore[attr-defined]


@pytest.mark.parametrize("loss", LOSSES)
def test_the_loss_and_its_gradient_are_the_closed_form(ready: Bench, loss: Loss) -> None:
    import torch

    value, gradient = loss_and_gradient(op_of(loss), ready)
    moved = policy(ready)
    p, n = stacked(what_is_said(moved, ready.rows / TRAIN))
    q, _ = stacked(what_is_said(reference(ready), ready.rows / TRAIN))
    assert value == pytest.approx(closed_form(loss, p, q, n), rel=2e-5)
    pull = torch.tensor(slopes(loss, p, q, n), dtype=torch.float32)
    sums = torch.stack([torch.stack(side) for side in summed_by_hand(moved, ready)])
    np.testing.assert_allclose(sums.detach().numpy(), p, atol=1e-4)
    (pull * sums).sum().backward()
    for name, weight in moved.named_parameters():
        np.testing.assert_allclose(gradient[name], weight.grad, rtol=2e-3, atol=2e-5, err_msg=name)


def test_the_slope_of_sigmoid_is_beta_times_the_chance_of_being_wrong() -> None:
    random = np.random.default_rng(0)
    p, q, n = random.normal(size=(2, 4)), random.normal(size=(2, 4)), np.ones((2, 4))
    m = (p - q)[0] - (p - q)[1]
    wrong = BETA * sigma(-BETA * m) / 4
    np.testing.assert_allclose(slopes("sigmoid", p, q, n), np.stack([-wrong, wrong]), atol=1e-8)


def test_sft_weight_adds_the_mean_of_chosen_tokens(ready: Bench) -> None:
    p, n = stacked(what_is_said(policy(ready), ready.rows / TRAIN))
    q, _ = stacked(what_is_said(reference(ready), ready.rows / TRAIN))
    value, _ = loss_and_gradient(op_of("sigmoid", sft_weight=0.7), ready)
    assert value == pytest.approx(closed_form("sigmoid", p, q, n) - 0.7 * p[0].sum() / n[0].sum(), rel=2e-5)


def test_a_policy_that_is_its_own_reference_begins_at_log_2(ready: Bench) -> None:
    with quiet():
        model = reference(ready)
        trainer = op_of("sigmoid").loop(model, None, load_tokenizer(ready.inputs.model()), ready)
        loss = trainer.compute_loss(trainer.model, dict(next(iter(trainer.get_train_dataloader())))).item()
    assert loss == pytest.approx(np.log(2), rel=1e-6)


def test_what_does_nothing_or_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="does nothing with loss=sigmoid"):
        DPO(label_smoothing=0.1)
    with pytest.raises(ValueError, match="exo_pair needs label_smoothing"):
        DPO(loss="exo_pair")
    with pytest.raises(ValueError, match="to below 0"):
        DPO(loss="robust", label_smoothing=0.5)
    with pytest.raises(ValueError, match="beta is above 0"):
        DPO(beta=0.0)
    with pytest.raises(ValueError, match="learning_rate"):
        Schedule(learning_rate=0.0)
