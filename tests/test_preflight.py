"""Preflight finds what was planted and nothing else: each trainer's own look at versions with every kind of fault.

The rows are frozen versions, the trainers are the real ones, and their tokenizer is that of a tiny model. Masks and
losses are with the tests of each trainer, the laws of splitting and counting in test_encode.py.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from dataset_cards.versions.job import Refused
from dataset_cards.versions.tokenizer import tokenizer_digest
from tests.planted import (
    CONVERSATIONS,
    DOCUMENTS,
    LONG,
    PREFERENCES,
    PROMPTS,
    TEXTS,
    TOO_LONG,
    VERIFIABLE,
    Place,
    Planted,
    Row,
    said,
    user,
)
from train.distill.distill import Distill
from train.encode import HELD_OUT, LEFT_OUT, TRAIN, encoded_rows
from train.grpo.grpo import GRPO
from train.ppo.ppo import PPO
from train.preferences.dpo import DPO
from train.preferences.kto import KTO
from train.preflight import CHECKS, Finding, Preflight
from train.pretrain.pretrain import Pretrain
from train.reward.reward import Reward
from train.schedule import Schedule
from train.sft import SFT
from train.trainer import Trainer

SIZES: dict[str, Any] = {"max_length": LONG, "held_out": 0.2}
CASES: dict[str, tuple[Trainer, Planted]] = {
    "dpo": (
        DPO(**SIZES),
        replace(
            PREFERENCES, rows=[*PREFERENCES.rows, TOO_LONG], faults={**PREFERENCES.faults, "no-room": "prompt-too-long"}
        ),
    ),
    "reward": (Reward(**SIZES), PREFERENCES),
    "grpo": (GRPO(**SIZES, max_completion=32), VERIFIABLE),
    "sft": (SFT(**SIZES), CONVERSATIONS),
    "ppo": (PPO(**SIZES, max_new=32), PROMPTS),
    "distill": (Distill(**SIZES, method="text", answer_tokens=32), TEXTS),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("preflight"))


def gone(out: Path) -> dict[str, str]:
    return {one["id"]: one["reason"] for one in pq.read_table(out / LEFT_OUT).to_pylist()}


def kept(out: Path) -> list[str]:
    return [one["id"] for name in (TRAIN, HELD_OUT) for one in encoded_rows(out / name)]


@pytest.mark.parametrize("stage", CASES)
def test_every_planted_fault_is_named_and_nothing_else(place: Place, stage: str, tmp_path: Path) -> None:
    op, wrong = CASES[stage]
    data = place.freeze(f"{stage}-planted@1.0.0", wrong.kind, wrong.rows)
    report = place.look(op, tmp_path / "rows", data=data, model=place.model, against=place.against)
    found = {name: one.check for one in report.findings for name in one.examples}
    assert found == wrong.faults
    assert {one.check: one.rows for one in report.findings} == {
        check: list(wrong.faults.values()).count(check) for check in wrong.faults.values()
    }
    assert {one.check: one.blocks for one in report.findings} == {
        check: CHECKS[check][2] for check in wrong.faults.values()
    }
    with pytest.raises(Refused) as refused:
        report.check(stage)
    for check in wrong.faults.values():
        assert (f"{check}:" in str(refused.value)) == CHECKS[check][2]


@pytest.mark.parametrize("stage", CASES)
def test_repair_leaves_out_exactly_the_planted_rows_and_the_ledger_balances(
    place: Place, stage: str, tmp_path: Path
) -> None:
    op, wrong = CASES[stage]
    data = place.freeze(f"{stage}-planted@1.0.0", wrong.kind, wrong.rows)
    repairing = replace(op, repair=True)  # type: ignore[type-var]
    report = place.look(repairing, tmp_path / "rows", data=data, model=place.model, against=place.against)
    out = {name: check for name, check in wrong.faults.items() if check != "truncated"}
    assert gone(tmp_path / "rows") == out
    assert sorted(kept(tmp_path / "rows")) == sorted({row["id"] for row in wrong.rows} - set(out))
    assert report.read == report.train + report.held_out + len(out) == len(wrong.rows)
    assert sum(report.dropped.values()) == len(out)
    report.check(stage)
    assert report.steps > 0
    assert sum(report.memory.values()) > 0


@pytest.mark.parametrize("stage", CASES)
def test_sound_rows_are_found_sound(place: Place, stage: str, tmp_path: Path) -> None:
    op, wrong = CASES[stage]
    rows = [row for row in wrong.rows if row["id"] not in wrong.faults]
    data = place.freeze(f"{stage}-sound@1.0.0", wrong.kind, rows)
    report = place.look(op, tmp_path / "rows", data=data, model=place.model, against=place.against)
    assert report.findings == ()
    assert report.read == len(rows)
    report.check(stage)


def test_both_halves_of_a_faulty_pair_are_found_where_each_is_learned_from_alone(place: Place, tmp_path: Path) -> None:
    data = place.freeze("kto-planted@1.0.0", PREFERENCES.kind, PREFERENCES.rows)
    report = place.look(KTO(**SIZES), tmp_path / "rows", data=data, model=place.model, against=place.against)
    found = {check: set() for check in CHECKS} | {one.check: set(one.examples) for one in report.findings}
    assert found["no-preference"] == {"tie/chosen", "tie/rejected"}
    assert {"ends/chosen", "ends/rejected", "begins/chosen"} <= found["special-tokens-in-text"]
    assert found["template-error"] == {"tool/chosen", "tool/rejected"}
    assert found["in-evaluation"] == {
        f"{name}/{half}" for name in ("leak", "leak-case") for half in ("chosen", "rejected")
    }
    assert {"again/chosen", "again/rejected"} <= found["duplicate-row"]
    with pytest.raises(Refused):
        report.check("kto")


def test_stored_distributions_of_another_tokenizer_or_other_tokens_are_found(place: Place, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(place.folder / "plain")
    own = tokenizer_digest(tokenizer.backend_tokenizer.to_str())
    ids = tokenizer("fine", add_special_tokens=False)["input_ids"]

    def row(name: str, known_as: str, places: int) -> Row:
        told = [[one] for one in ids] * places
        return {
            **{"id": name, "prompt": user(f"how are you, {name}"), "completion": said("fine")},
            **{"topk_ids": told, "topk_logprobs": [[-0.5]] * len(told), "tokenizer": known_as},
        }

    good = [row(f"good-{n}", own, 1) for n in range(30)]
    data = place.freeze("told@1.0.0", "teacher", [*good, row("foreign", "sha256:other", 1), row("shifted", own, 3)])
    op = Distill(**SIZES, method="topk", answer_tokens=32)
    report = place.look(op, tmp_path / "rows", data=data, model=place.model)
    found = {one.check: one.examples for one in report.findings}
    assert found == {"other-tokenizer": ("foreign",), "tokens-misaligned": ("shifted",)}
    with pytest.raises(Refused, match="other-tokenizer"):
        report.check("distill")


@pytest.mark.parametrize("repair", [False, True])
def test_documents_that_are_empty_leaked_repeated_or_of_no_named_source_are_found(
    place: Place, repair: bool, tmp_path: Path
) -> None:
    data = place.freeze("pages@1.0.0", DOCUMENTS.kind, DOCUMENTS.rows)
    against = place.freeze("sky@1.0.0", "documents", [{"id": "e", "text": "the sky is blue."}])
    op = Pretrain(schedule=Schedule(), held_out=0.2, context=64, vocabulary=300, mixture=("web=1",), repair=repair)
    report = place.look(op, tmp_path / "rows", data=data, against=against)
    assert {name: one.check for one in report.findings for name in one.examples} == DOCUMENTS.faults
    assert {one.check: one.blocks for one in report.findings} == {
        check: CHECKS[check][2] and not repair for check in DOCUMENTS.faults.values()
    }
    left = {name: check for name, check in DOCUMENTS.faults.items() if repair or check != "duplicate-row"}
    assert gone(tmp_path / "rows") == left
    assert report.read == report.train + report.held_out + len(left) == len(DOCUMENTS.rows)


def test_a_template_that_never_teaches_the_end_of_a_turn_is_found_in_every_row(place: Place, tmp_path: Path) -> None:
    endless = place.adapted(
        "endless", "+ '<|im_end|>' }}{% endgeneration %}", "}}{% endgeneration %}{{ '<|im_end|>' }}"
    )
    rows = [row for row in CONVERSATIONS.rows if row["id"].startswith("good")]
    data = place.freeze("talks@1.0.0", "conversations", rows)
    report = place.look(SFT(**SIZES), tmp_path / "rows", data=data, model=endless)
    assert [(one.check, one.rows, one.blocks) for one in report.findings] == [("end-not-learned", 40, True)]
    with pytest.raises(Refused, match="end-not-learned"):
        report.check("sft")


def test_the_report_for_a_terminal_says_what_goes_where_what_is_wrong_and_what_to_do(
    place: Place, tmp_path: Path
) -> None:
    op, wrong = CASES["sft"]
    data = place.freeze("sft-planted@1.0.0", wrong.kind, wrong.rows)
    report = place.look(op, tmp_path / "rows", data=data, model=place.model, against=place.against)
    text = report.text()
    assert f"rows     {len(wrong.rows)}" in text
    assert "to learn from (" in text
    assert "STOP     in-evaluation (2): rows whose prompt also stands in the evaluation set" in text
    assert "first: leak, leak-case" in text
    assert "to do: leave them out: the evaluation would measure memory" in text
    assert "note     duplicate-row (1): rows" in text
    assert text.endswith("training would not begin (4 STOPs); -p repair=true leaves such rows out")
    assert all(line == line.rstrip() for line in text.splitlines())


def test_ids_and_details_cannot_break_the_lines_of_the_report() -> None:
    finding = Finding(
        check="template-error", rows=1, left_out=False, blocks=True, examples=("a\nSTOP fake",), detail="x\ny"
    )
    report = Preflight(read=2, train=1, held_out=1, findings=(finding,))
    assert not any(line.startswith("STOP fake") for line in report.text().splitlines())
    with pytest.raises(Refused) as refused:
        report.check("sft")
    assert "\nSTOP fake" not in str(refused.value)
