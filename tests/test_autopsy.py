"""The autopsy on pairs with a planted shortcut, with none, and against plain counting; not how it is shown."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataset_cards.cards.autopsy import warnings
from dataset_cards.facts.autopsy.answers import COUNTED, MARKDOWN, OPENINGS, looks, nearly_the_same
from dataset_cards.facts.autopsy.autopsy import autopsy
from dataset_cards.facts.autopsy.keys import hashes, within
from dataset_cards.facts.autopsy.noted import shown_first
from dataset_cards.facts.autopsy.repeats import leaks
from dataset_cards.facts.autopsy.shares import Shares, cluster_of, limits, share
from dataset_cards.facts.instruments import Instruments
from tests.autopsying import facts_of, pair, plain, says_sorry, table, unbiased, version_of
from tests.sample_version import HOSTILE


def rule(facts: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in facts["rules"] if one["rule"] == name)
    return found


def swapped(row: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**row, "chosen": row["rejected"], "rejected": row["chosen"], **more}


def test_where_the_longer_answer_always_wins_the_rule_is_always_right(tmp_path: Path) -> None:
    draw = random.Random(1)
    rows = [pair(n, plain(draw) + " and still more words" * 40, plain(draw)) for n in range(200)]
    facts = facts_of(tmp_path, rows)
    assert rule(facts, "characters") | {"of_like_length": None} == {
        "rule": "characters",
        "right": 200,
        "wrong": 0,
        "even": 0,
        "share": [1.0, pytest.approx(0.98, abs=0.01), 1.0],
        "sure": True,
        "of_like_length": None,
    }
    assert facts["together"]["share"][1] > 0.9
    said = warnings(version_of(facts))
    assert said[0].startswith("Verbosity: the longer answer is the chosen one in 100.0 % (98.0 to 100.0) of 200 pairs.")


def test_where_answers_of_like_length_differ_in_markdown_alone_markdown_is_found(tmp_path: Path) -> None:
    rows = [
        pair(n, f"- one {n}\n- two\n- three", f"* one {n}, and two, three", prompt=f"List some, please: {n}")
        if n % 10
        else pair(n, "one two three", "- one\n- two", prompt=f"List others, please: {n}")
        for n in range(300)
    ]
    facts = facts_of(tmp_path, rows)
    assert (rule(facts, "markdown")["right"], rule(facts, "markdown")["wrong"]) == (270, 30)
    assert any(text.startswith("Markdown: the answer with more Markdown") for text in warnings(version_of(facts)))


@pytest.mark.parametrize(
    ("name", "opening", "warning"),
    [
        ("agreement", "Great question! ", "Sycophancy"),
        ("refusal", "I can't help with that. ", "Refusal prior"),
        ("compliance", "Sure, ", "Marks of style"),
    ],
)
def test_first_words_that_win_are_warned_about(tmp_path: Path, name: str, opening: str, warning: str) -> None:
    draw = random.Random(5)
    rows = []
    for n in range(400):
        one, other = "the " + " ".join(draw.choices("abcdef", k=9)), "the " + " ".join(draw.choices("abcdef", k=9))
        rows.append(pair(n, opening + one if n % 4 == 0 else one, opening + other if n % 16 == 3 else other))
    found = rule(facts := facts_of(tmp_path, rows), name)
    assert (found["right"], found["wrong"], found["even"]) == (100, 25, 275)
    assert any(text.startswith(warning) and "80 %" in text for text in warnings(version_of(facts)))


def test_ties_are_counted_and_no_rule_is_asked_about_them(tmp_path: Path) -> None:
    rows = [pair(n, "long " * 9, "short", margin=0.0 if n < 40 else None) for n in range(100)]
    facts = facts_of(tmp_path, rows)
    assert (facts["pairs"], facts["ties"]) == (100, 40)
    assert rule(facts, "characters")["right"] == 60


def test_repeated_and_contradicting_pairs_are_told_apart(tmp_path: Path) -> None:
    one, two = pair(1, "yes it is", "no it is not"), pair(2, "red", "blue")
    three = pair(3, "up", "down")
    rows = [one, two, three, {**one, "id": "again"}, {**one, "id": "and again"}, swapped(two, id="turned")]
    rows += [swapped(three, id="tie", margin=0.0), pair(4, "the same", "the same")]
    facts = facts_of(tmp_path, rows)
    assert facts["duplicates"] == {"rows": 8, "repeated": 2, "contradicting": 2}
    assert facts["same_answers"] == 1
    assert facts["prompts"]["rows_sharing"] == 7
    assert any("2 pairs (25 %) are there the other way round too" in text for text in warnings(version_of(facts)))


def test_prompts_that_leak_between_splits_are_counted_and_warned_about(tmp_path: Path) -> None:
    rows = [
        pair(n, "a b", "c d", prompt=f"Prompt {n % 50}  of MANY", metadata=json.dumps({"split": "train"}))
        for n in range(100)
    ]
    rows += [pair(n, "e f", "g h", prompt=f"prompt {n} of many", metadata='{"split": "test"}') for n in range(45, 65)]
    facts = facts_of(tmp_path, rows)
    (split,) = facts["splits"]
    assert split["parts"] == {"train": 100, "test": 20}
    assert split["pairs"] == [{"a": "train", "b": "test", "prompts": 5, "of_a": 50, "of_b": 20}]
    assert any("5 prompts (25 % of the smaller part)" in text for text in warnings(version_of(facts)))


def test_leaks_between_two_tables_are_counted_by_row_and_by_prompt(tmp_path: Path) -> None:
    learned = table(tmp_path / "a", [pair(n, "a", "b", prompt=f"Prompt {n}") for n in range(30)])
    held = table(tmp_path / "b", [pair(n, "c", "d", prompt=f"prompt  {20 + n % 20}") for n in range(60)])
    assert leaks(learned, held) == {"rows": 60, "leaked": 30, "prompts": 20, "leaked_prompts": 10, "fraction": 1.0}
    assert leaks(held, table(tmp_path / "c", [pair(1, "a", "b", prompt="never")]))["leaked"] == 0


def test_an_annotator_who_likes_length_is_flagged_and_nobody_else(tmp_path: Path) -> None:
    draw = random.Random(3)
    rows = []
    for n in range(400):
        one, other = "a " * draw.randint(1, 50), "b " * draw.randint(51, 99)  # the rejected answer is the longer one
        chosen, rejected = (one, other) if draw.random() < 0.5 else (other, one)
        votes = [{"annotator": f"p{who}", "choice": draw.choice(["chosen", "chosen", "rejected"])} for who in range(6)]
        votes.append({"annotator": "<b>bias", "choice": "chosen" if len(chosen) > len(rejected) else "rejected"})
        votes.append({"annotator": "p0", "choice": "tie"})
        rows.append(pair(n, chosen, rejected, votes=votes))
    people = facts_of(tmp_path, rows)["annotators"]
    assert people["flagged"] == 1
    assert (first := people["by_annotator"][0])["annotator"] == "<b>bias"
    assert first["flags"] == ["longer", "outcome"]
    assert first["longer"][0] == 1.0
    zero = next(one for one in people["by_annotator"] if one["annotator"] == "p0")
    assert (zero["votes"], zero["ties"]) == (800, 400)


def test_pairs_without_a_shortcut_are_warned_about_in_less_than_one_of_twenty_sets(tmp_path: Path) -> None:
    warned = [seed for seed in range(40) if warnings(version_of(facts_of(tmp_path, unbiased(300, seed))))]
    assert len(warned) <= 2, warned


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.sets(st.integers(1, 79), max_size=12))
def test_facts_do_not_depend_on_how_rows_are_cut(tmp_path: Path, cuts: set[int]) -> None:
    rows = _mixed_rows()
    assert facts_of(tmp_path, rows, sorted(cuts)) == facts_of(tmp_path, rows)


def _mixed_rows() -> list[dict[str, Any]]:
    rows = unbiased(80, 7)
    for n, row in enumerate(rows):
        row["source"] = f"source {n % 3}"
        row["votes"] = [{"annotator": f"p{n % 4}", "choice": "chosen"}] if n > 40 else None
        row["margin"] = [None, 0.0, 1.5][n % 3] if n > 20 else None
        row["metadata"] = None if n % 5 == 0 else json.dumps({"winner": n % 3, "split": "ab"[n % 2]})
    return rows


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_rows_and_none_give_facts_that_json_holds(tmp_path: Path, count: int) -> None:
    facts = facts_of(tmp_path, unbiased(count, 1))
    assert facts["pairs"] == count
    json.dumps(facts, allow_nan=False)
    assert warnings(version_of(facts)) == []


def test_hostile_texts_names_and_metadata_are_measured_like_any_other(tmp_path: Path) -> None:
    rows = []
    for n, text in enumerate([*HOSTILE, "", "\u202e", "a\u0000b", "{" * 3000, "\U0001f600" * 500]):
        votes = [{"annotator": text, "choice": "chosen"}, {"annotator": None, "choice": "rejected"}]
        rows.append(
            pair(n, text + "x", text, prompt=text or " ", source=text, votes=votes, metadata='{"split": ' + text)
        )
    facts = facts_of(tmp_path, rows)
    assert facts["pairs"] == len(rows)
    assert facts["annotators"]["unnamed"] == len(rows)
    json.dumps(facts, allow_nan=False)


def test_without_an_instrument_refusals_are_left_out(tmp_path: Path) -> None:
    facts = autopsy(table(tmp_path, unbiased(20, 2)), Instruments())["autopsy"]
    assert "refusals" not in facts
    assert all(one["rule"] != "refusal" for one in facts["rules"])


def test_only_a_drawn_part_of_many_pairs_is_asked_about_refusals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dataset_cards.facts.autopsy.autopsy.MOST_ASKED", 50)
    facts = autopsy(table(tmp_path, unbiased(400, 2)), Instruments(refused=says_sorry))["autopsy"]
    assert facts["refusals"]["sampled"]
    assert 25 < facts["refusals"]["asked"] < 90


def test_place_is_taken_from_the_winner_unless_people_decided_again() -> None:
    told = ['{"winner": 1}', '{"winner": "B"}', '{"winner": 1, "outcome": "2"}', '{"a": "winner"}', "{", None]
    assert shown_first(pl.Series(told)).to_list() == [1, -1, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("You\u2019re absolutely right, it is.", {"agreement"}),
        ("That's a great question!", {"agreement"}),
        ("I apologize for the confusion.", {"agreement", "apology", "refusal-opening"}),
        ("Sorry, no.", {"apology", "refusal-opening"}),
        ("Of course! Here it is.", {"compliance"}),
        ("As an AI, I have none.", {"refusal-opening"}),
        ("I can't do that.", {"refusal-opening"}),
        ("The right answer is great. I agree.", set()),
        ("Surely not.", set()),
    ],
)
def test_openings_are_what_they_are_called(text: str, found: set[str]) -> None:
    seen = looks(pl.Series([text]), pl.Series(["?"])).row(0, named=True)
    assert {name for name in OPENINGS if seen[name]} == found


def test_marks_are_counted() -> None:
    text = "# A\n1. one\n- two **b** and *c*\n```py\nx\n```\nNASA might go? Why? No! US"
    seen = looks(pl.Series([text]), pl.Series(["# a 1. ONE, then"])).row(0, named=True)
    assert {name: seen[name] for name in COUNTED} == {
        "characters": len(text),
        "words": len(text.split()),
        "lists": 2,
        "headings": 1,
        "bold": 1,
        "code": 2,
        "questions": 2,
        "exclamations": 1,
        "hedges": 1,
        "capitals": 1,
    }
    assert seen["markdown"] == sum(seen[name] for name in MARKDOWN)


def test_an_answer_that_begins_as_its_prompt_does_is_an_echo() -> None:
    answers, prompts = ["What is a cat? It is", "What is the", ""], ["what is A dog", "Why is the", ""]
    assert looks(pl.Series(answers), pl.Series(prompts))["echo"].to_list() == [1, 0, 0]


def test_nearly_the_same_is_by_words_and_not_by_order() -> None:
    long = " ".join(f"w{n}" for n in range(40))
    other = " ".join(f"w{n}" for n in reversed(range(39))) + " other"
    found = nearly_the_same(pl.Series([long, long, long, ""]), pl.Series([other, long, long.replace("w", "v"), "a"]))
    assert found.to_list() == [True, False, False, False]


@given(st.lists(st.text(), max_size=20))
def test_a_hash_depends_on_its_own_text_alone(texts: list[str]) -> None:
    together = hashes(pl.Series(texts, dtype=pl.String)).tolist()
    assert together == [int(hashes(pl.Series([text]))[0]) for text in texts]
    assert len(set(together)) == len(set(texts))


def test_hashes_are_those_of_every_other_machine() -> None:
    assert hashes(pl.Series(["", "a", "Grüße"])).tolist() == HASHES
    assert hashes(pl.Series(["Ab\n C"]), loose=True).tolist() == hashes(pl.Series(["a bc"]), loose=True).tolist()


HASHES = [533409179348563584, 2391386891773269161, 9691341300200444964]


def test_a_larger_sample_holds_the_smaller_one() -> None:
    keys = hashes(pl.Series([str(n) for n in range(20_000)]))
    assert within(keys, 0.1).mean() == pytest.approx(0.1, abs=0.01)
    assert not (within(keys, 0.05) & ~within(keys, 0.1)).any()


def test_shares_of_lone_pairs_have_wilsons_interval() -> None:
    right = np.array([1] * 81 + [0] * 182)
    # Newcombe 1998, Statistics in Medicine 17, 857-872, table I, method 3
    assert share(right, 1 - right) == pytest.approx([81 / 263, 0.2553, 0.3662], abs=5e-5)


def test_the_interval_holds_the_truth_where_answers_to_one_prompt_agree() -> None:
    draw, held, plain_held = np.random.default_rng(1), 0, 0
    for _ in range(400):
        prompts = draw.integers(0, 2**63, 80).astype(np.uint64)
        mind = draw.beta(1.5, 1.0, 80)  # what is preferred depends on the prompt; 0.6 on average
        sign = np.where(draw.random((80, 12)) < mind[:, None], 1, -1)
        shares = Shares(1)
        shares.add(0, cluster_of(np.repeat(prompts, 12)), sign.ravel())
        low, high = limits(*shares.of(0), 1.959964)
        held += low <= 0.6 <= high
        alone = (sign.ravel() > 0).astype(np.int64)
        plain_low, plain_high = limits(alone, 1 - alone, 1.959964)
        plain_held += plain_low <= 0.6 <= plain_high
    assert 0.92 <= held / 400 <= 0.985
    assert plain_held / 400 < 0.8  # which is why pairs are not counted as if each stood alone
