"""Reason: the form each verifier is asked for, what is kept, merged and left, pass rates, and hints."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.generator import row_id
from synth.llm.fake import Rule
from synth.llm.llm import Sampling
from synth.prompt import prompts
from synth.reason import FORMS, PLAIN, Reason
from synth.share import share
from synth.solutions import calculations, same_solution
from tests.generating import Outcome, asked, assistant, fake, golden, reply, rule, run, told, user

FOUND = prompts(None, "reason", *dict.fromkeys(FORMS.values()), PLAIN, "hint")
ROW = {
    "id": "g1",
    "prompt": [user("9 boxes of 2 eggs?")],
    "answer": "18",
    "verifier": "gsm8k",
    "metadata": '{"level": 1}',
}
HARD = {"id": "g2", "prompt": [user("And 3 more?")], "answer": "21", "verifier": "gsm8k"}
RIGHT = "Each box has 2.\n9 * 2 = 18\n#### 18"
SAME = "There are two eggs in each of the boxes, so 9*2=18 in all.\n#### 18"
OTHER = "9 + 9 = 18\n#### 18"
WRONG = "9 + 2 = 11\n#### 11"
NOTHING = "I do not see how."


def reason(**more: Any) -> Reason:
    fields = {"sampling": Sampling(model="m", temperature=1.0, max_tokens=400, seed=3), **FOUND}
    return Reason(**{**fields, "max_unreadable": 1.0, **more})


def made(tmp_path: Path, generator: Reason, *rules: Rule, rows: Any = (ROW,)) -> Outcome:
    return run(tmp_path, generator, "verifiable", rows, fake(*rules))


def test_the_prompts_are_these() -> None:
    system = [{"role": "system", "content": "Use French."}, user("2 + 2?")]
    rows = [{"id": "p", "prompt": system, "answer": "4", "verifier": name} for name in (*FORMS, "regex")]
    requests = [reason().solve(row, str(row["verifier"]), 0) for row in rows]
    golden("reason", [*requests, reason(hints=1).tell(rows[0], "number", 0)])


def test_samples_are_kept_merged_and_left_by_their_verdict(tmp_path: Path) -> None:
    says = rule("9 boxes", RIGHT, WRONG, SAME, NOTHING, OTHER, "9*1+9=18\n#### 18", "")
    found = made(tmp_path, reason(samples=7, keep=2), says)
    assert [row["messages"] for row in found.rows] == [[*ROW["prompt"], assistant(said)] for said in (RIGHT, OTHER)]  # type: ignore[misc]
    assert found.reasons == [
        "reason/wrong",
        "reason/same-solution",
        "reason/cannot-tell",
        "reason/enough",
        "reason/unreadable-empty",
    ]
    row = found.rows[1]
    assert (row["id"], row["origin"], row["parents"]) == (
        row_id("reason", ["g1"], 4, '[false, "9 + 9 = 18\\n#### 18"]'),
        "m",
        ["g1"],
    )
    assert told(row) == {
        "generator": "reason",
        "model": "m",
        "prompt": FOUND["hashes"].fingerprint,
        "sampling": {"temperature": 1.0, "top_p": 1.0, "max_tokens": 400, "seed": 3},
        "sample": 4,
        "hinted": False,
        "verifier": "gsm8k",
        "verdict": "is the reference's number",
    }
    assert found.facts["reasoned"] == {
        "problems": 1,
        "right": 4,
        "wrong": 1,
        "cannot_tell": 1,
        "pass_rate": share(4 / 6, 1),
        "solved": 1,
        "solved_share": share(1, 1),
    }


def test_every_sample_is_a_request_of_its_own() -> None:
    requests = asked(reason(samples=3), ROW, rule("", RIGHT))
    assert len({one.key for one in requests}) == len({one.seed for one in requests}) == 3


def test_pass_rates_are_written_to_the_problems_under_their_own_ids(tmp_path: Path) -> None:
    rules = (rule("9 boxes", RIGHT, WRONG, SAME, NOTHING), rule("3 more", WRONG))
    found = made(tmp_path, reason(give="verifiable"), *rules, rows=(ROW, HARD))
    assert [(row["id"], row["answer"], row["verifier"]) for row in found.rows] == [
        ("g1", "18", "gsm8k"),
        ("g2", "21", "gsm8k"),
    ]
    notes = told(found.rows[0])
    assert notes["level"] == 1
    assert {name: notes["reason"][name] for name in ("right", "wrong", "cannot_tell", "pass_rate")} == {
        "right": 2,
        "wrong": 1,
        "cannot_tell": 1,
        "pass_rate": 0.5,
    }
    assert found.facts["reasoned"]["pass_rate"] == share(0.5, 2)
    assert found.facts["reasoned"]["solved"] == 1


def test_the_card_counts_the_same_whichever_rows_are_given(tmp_path: Path) -> None:
    rules = (rule("9 boxes", RIGHT, WRONG, SAME, NOTHING), rule("3 more", WRONG))
    facts = [
        made(tmp_path / give, reason(give=give, **more), *rules, rows=(ROW, HARD)).facts["reasoned"]
        for give, more in (("conversations", {}), ("verifiable", {"min_pass": 0.1}))
    ]
    assert facts[0] == facts[1]


def test_problems_outside_the_wanted_pass_rates_are_left(tmp_path: Path) -> None:
    rules = (rule("9 boxes", RIGHT), rule("3 more", WRONG))
    found = made(tmp_path, reason(give="verifiable", min_pass=0.1, max_pass=0.9), *rules, rows=(ROW, HARD))
    assert [(name, why) for name, why, _ in found.left] == [("g1", "reason/too-easy"), ("g2", "reason/too-hard")]


def test_hints_are_asked_for_only_where_nothing_was_right_and_never_count_as_passed(tmp_path: Path) -> None:
    hint = rule(r"correct answer\]\n21", "18 + 3 = 21\n#### 21", WRONG)
    rules = (hint, rule("9 boxes", RIGHT), rule("3 more", WRONG))
    found = made(tmp_path, reason(samples=1, hints=2), *rules, rows=(ROW, HARD))
    assert [(row["parents"], told(row)["hinted"]) for row in found.rows] == [(["g1"], False), (["g2"], True)]
    assert told(found.rows[1])["prompt"] == FOUND["hint"].fingerprint
    assert found.reasons == ["reason/wrong", "reason/hinted-wrong"]
    assert (found.facts["reasoned"]["right"], found.facts["reasoned"]["solved"]) == (1, 1)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"verifier": None}, "reason/no-verifier"),
        ({"verifier": "crystal-ball"}, "reason/no-verifier"),
        ({"answer": "many"}, "reason/no-reference"),
        ({"prompt": [user(" ")]}, "reason/no-prompt"),
    ],
)
def test_rows_that_cannot_be_checked_are_left_without_asking(tmp_path: Path, change: Any, why: str) -> None:
    never = rule("", "x", fault="500")
    found = made(tmp_path, reason(), never, rows=({**ROW, **change},))
    assert (found.rows, found.reasons) == ([], [why])


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("Sure! Here it is:\n9 * 2 = 18\n#### 18", None),
        ("<think>18? 19?</think>9 * 2 = 18\n#### 18", None),
        ("Das sind 9 · 2 = 18 Eier.\n#### 18", None),
        ("#### 18\n#### 19", "reason/wrong"),
        ("9 * 2 = 18", "reason/cannot-tell"),
        ("<think>18", "reason/unreadable-cut-off"),
        ("I'm sorry, I can't help with that.", "reason/cannot-tell"),
    ],
)
def test_awkward_answers(tmp_path: Path, said: str, why: str | None) -> None:
    found = made(tmp_path, reason(samples=1), rule("9 boxes", said))
    assert found.reasons == ([] if why is None else [why])
    assert len(found.rows) == (why is None)


def test_calculations_are_read_without_spaces_and_calculator_notes() -> None:
    assert calculations("She has 3 × 1,000 = <<3*1000=3000>>3,000 and $5 + 2 = 7.") == ("3*1000=3000", "5+2=7")
    assert calculations("There are no numbers: a = b") == ()


def test_a_model_that_repeats_itself_without_end_is_read_to_the_end() -> None:
    # Read again from every place, any of these would take hours.
    for said in ("1" * 400_000, "1+" * 200_000, "1," * 200_000, "." * 400_000):
        assert calculations(said) == ()
    assert len(calculations("1+" * 200_000 + "1 = 5. 2 = 1+1 = 2")) == 2


def test_solutions_are_the_same_by_calculation_or_by_words() -> None:
    assert same_solution(RIGHT, SAME, 0.9)
    assert not same_solution(RIGHT, OTHER, 0.9)
    assert same_solution("All cats purr, so Tom purrs.", "All cats purr,  so Tom purrs.", 0.9)
    assert not same_solution("All cats purr, so Tom purrs.", "Tom is a cat and cats purr, hence he does.", 0.9)


@given(
    st.lists(st.sampled_from([RIGHT, SAME, OTHER, WRONG, NOTHING, "", "<think>"]), min_size=1, max_size=6),
    st.integers(1, 4),
)
def test_every_sample_has_one_result_and_at_most_keep_are_rows(said: list[str], keep: int) -> None:
    script = reason(samples=len(said), keep=keep).write(ROW)
    requests = next(script)
    with pytest.raises(StopIteration) as end:
        script.send([reply(text) for text in said])
    assert len(end.value.value) == len(requests) == len(said)
    rows = [one for one in end.value.value if isinstance(one, dict)]
    assert len(rows) <= keep
    assert bool(rows) == any("#### 18" in text for text in said)
