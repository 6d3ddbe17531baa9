"""What is known of public preferences, seen through the autopsy of versions that were adopted as a user would."""

from pathlib import Path
from typing import Any

import pytest

from dataset_cards.adopt.adopt import Adopt
from dataset_cards.cards.autopsy import warnings
from dataset_cards.facts.autopsy.autopsy import autopsy
from dataset_cards.facts.instruments import Instruments
from dataset_cards.intake.source import Input
from dataset_cards.versions.step import Step
from synth.instruments import refused
from tests.autopsying import version_of
from tests.training import store_at

JUDGED = {"prompt": "instruction", "first": "output_1", "second": "output_2", "winner": "preference"}


@pytest.fixture(scope="module")
def seen(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The autopsy of each set by name."""
    store, found = store_at(tmp_path_factory.mktemp("store")), {}
    for name, mapping in (("hh_rlhf_harmless", {}), ("hh_rlhf_helpful", {}), ("alpaca_eval_gpt4_judged", JUDGED)):
        path = shared_data / "preference" / f"{name}.jsonl.zst"
        op = Adopt(input=Input.find(str(path)), kind="preferences", mapping=mapping, license="unknown", source="public")
        store.run(step := Step(f"adopt/{name}", op))
        # Refusals of AlpacaEval say nothing here, and telling them costs most.
        found[name] = autopsy(store.table(step), Instruments(refused=None if mapping else refused))["autopsy"]
    return found


def rule(facts: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in facts["rules"] if one["rule"] == name)
    return found


def warned(facts: dict[str, Any], start: str) -> str:
    return next((text for text in warnings(version_of(facts)) if text.startswith(start)), "")


def test_in_harmless_the_shorter_answer_wins_and_the_refusing_one(seen: dict[str, dict[str, Any]]) -> None:
    facts = seen["hh_rlhf_harmless"]
    assert facts["pairs"] == 1366
    longer, refusing = rule(facts, "characters"), rule(facts, "refusal")
    assert longer["share"] == pytest.approx([0.4415, 0.4147, 0.4686], abs=5e-4)
    assert longer["right"] + longer["wrong"] == 1359
    assert "the shorter answer is the chosen one in 56 % (53 to 59) of 1,359 pairs" in warned(facts, "Brevity")
    assert (refusing["right"], refusing["wrong"]) == (58, 21)
    assert refusing["share"] == pytest.approx([0.734, 0.624, 0.821], abs=2e-3)
    assert "it is the chosen one in 73 % (62 to 82) of 79 pairs" in warned(facts, "Refusal prior")


def test_in_helpful_the_longer_answer_wins_and_the_refusing_one_loses(seen: dict[str, dict[str, Any]]) -> None:
    facts = seen["hh_rlhf_helpful"]
    assert facts["pairs"] == 1418
    assert rule(facts, "characters")["share"] == pytest.approx([0.6108, 0.585, 0.636], abs=5e-4)
    assert "the longer answer is the chosen one in 61 % (59 to 64) of 1,408 pairs" in warned(facts, "Verbosity")
    refusing, opening = rule(facts, "refusal"), rule(facts, "refusal-opening")
    # The instrument finds so few refusals here that it leaves open what 70 refusing openings settle.
    assert (refusing["right"], refusing["wrong"], refusing["sure"]) == (9, 12, False)
    assert (opening["right"], opening["wrong"], opening["sure"]) == (20, 50, True)
    assert "it is the rejected one in 71 % (60 to 81) of 70 pairs" in warned(facts, "Refusal prior")


def test_in_pairs_judged_by_gpt_4_the_longer_answer_wins_four_times_in_five(seen: dict[str, dict[str, Any]]) -> None:
    facts = seen["alpaca_eval_gpt4_judged"]
    assert facts["pairs"] == 9730
    assert facts["prompts"]["different"] == 516
    longer = rule(facts, "characters")
    assert longer["share"] == pytest.approx([0.803, 0.7874, 0.8177], abs=5e-4)
    # Nineteen models answered each prompt: the interval is wider than Wilson's of so many lone pairs, 79.5 to 81.1.
    assert longer["share"][2] - longer["share"][1] > 0.025
    assert "80 % (79 to 82) of 9,697 pairs" in warned(facts, "Verbosity")
    # The first answer is always davinci's, which is short; of answers of like length it wins. So place is no warning.
    place = rule(facts, "position")
    assert place["share"][0] < 0.3 < 0.5 < place["of_like_length"]["share"][1]
    assert warned(facts, "Position") == ""
    assert warned(facts, "Markdown") != ""
    assert facts["together"]["share"][0] == pytest.approx(0.793, abs=0.005)
