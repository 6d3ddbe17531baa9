"""Best of n: candidates drawn, merged, graded by a judge, and put in order, with the fake model."""

from pathlib import Path
from typing import Any

import pytest

from synth.best_of_n import BestOfN
from synth.constitution import Constitution
from synth.generator import row_id
from synth.llm.fake import Rule
from synth.llm.llm import Sampling
from synth.prompt import prompts
from tests.generating import Outcome, asked, assistant, fake, golden, rule, run, told, user

ONE = Constitution(text="## good: Be good\nBe useful and right.\n")
SCORE = prompts(None, "judge", "score")["score"]
PROMPT = {"id": "p1", "prompt": [user("How far is it?")], "source": "web"}
SPEAKS = rule(r"\Auser: How far is it\?\Z", "far", "5 miles", "far", "very far")
GRADES = (
    rule(r"answer\]\n5 miles\n(?s:.)*<score>", "Exact.\n<score>9</score>"),
    rule(r"answer\]\nvery far\n(?s:.)*<score>", "<score>3</score>"),
    rule(r"answer\]\nfar\n(?s:.)*<score>", "<score>3</score>"),
)


def best_of(n: int = 4, **more: Any) -> BestOfN:
    sampling = Sampling(model="m", temperature=1.0, max_tokens=100, seed=1)
    grading = Sampling(model="j", temperature=0.0, max_tokens=400)
    fields = {"sampling": sampling, "judge": grading, "constitution": ONE, "prompt": SCORE, "n": n}
    return BestOfN(**{**fields, "max_unreadable": 1.0, **more})


def made(tmp_path: Path, generator: BestOfN, *rules: Rule) -> Outcome:
    return run(tmp_path, generator, "prompts", [PROMPT], fake(*rules))


def test_the_prompts_are_these() -> None:
    golden("best-of-n", asked(best_of(), PROMPT, SPEAKS, *GRADES))


def test_every_candidate_is_a_sample_of_its_own_and_the_judge_is_asked_once_for_each_that_differs() -> None:
    requests = asked(best_of(), PROMPT, SPEAKS, *GRADES)
    assert [(one.sampling.model, one.nth) for one in requests] == [("m", 0), ("m", 1), ("m", 2), ("m", 3)] + [
        ("j", 0)
    ] * 3
    assert len({one.seed for one in requests[:4]}) == 4
    assert len({one.key for one in requests}) == 7


def test_candidates_become_a_ranking_with_ties_and_copies_merged(tmp_path: Path) -> None:
    found = made(tmp_path, best_of(), SPEAKS, *GRADES)
    (row,) = found.rows
    assert row["responses"] == [
        {"id": "1", "content": "5 miles", "origin": "m"},
        {"id": "0", "content": "far", "origin": "m"},
        {"id": "3", "content": "very far", "origin": "m"},
    ]
    assert (row["ranks"], row["prompt"]) == ([1, 2, 2], PROMPT["prompt"])
    assert row["id"] == row_id("best-of-n", ["p1"], 0, '["5 miles", "far", "very far"]')
    assert told(row) == {
        "generator": "best-of-n",
        "model": "m",
        "prompt": SCORE.fingerprint,
        "constitution": ONE.fingerprint,
        "judge": {"model": "j", "temperature": 0.0},
        "sampling": {"temperature": 1.0, "top_p": 1.0, "max_tokens": 100, "seed": 1},
        "scores": [9, 3, 3],
        "drawn": [[1], [0, 2], [3]],
    }
    assert found.facts["best_of_n"] == {
        "judge": "j",
        "n": 4,
        "prompts": 1,
        "candidates": 4,
        "distinct": 3,
        "one_best": 1,
        "scores": {"3": 2, "9": 1},
    }


def test_preferences_are_the_best_and_the_worst(tmp_path: Path) -> None:
    (row,) = made(tmp_path, best_of(give="preferences"), SPEAKS, *GRADES).rows
    assert (row["chosen"], row["rejected"], row["margin"]) == ([assistant("5 miles")], [assistant("far")], 6.0)
    assert (row["origin"], row["parents"], row["source"]) == ("m", ["p1"], "web")


def test_conversations_hold_the_best_alone_even_if_there_is_only_one(tmp_path: Path) -> None:
    (row,) = made(tmp_path / "a", best_of(give="conversations"), SPEAKS, *GRADES).rows
    assert row["messages"] == [user("How far is it?"), assistant("5 miles")]
    same = rule(r"\Auser: How far is it\?\Z", "5 miles")
    (row,) = made(tmp_path / "b", best_of(give="conversations"), same, *GRADES).rows
    assert (row["messages"][-1], told(row)["drawn"]) == (assistant("5 miles"), [[0, 1, 2, 3]])


@pytest.mark.parametrize(("give", "reason"), [("rankings", "one-candidate"), ("preferences", "one-candidate")])
def test_candidates_that_all_say_the_same_are_no_choice_and_cost_no_grade(
    give: Any, reason: str, tmp_path: Path
) -> None:
    llm = fake(rule(r"\Auser: How far is it\?\Z", "far"), *GRADES)
    found = run(tmp_path, best_of(give=give), "prompts", [PROMPT], llm)
    assert (found.rows, found.reasons) == ([], [f"best-of-n/{reason}"])
    assert llm.books.ledger.of("j").requests == 0


def test_equal_grades_are_a_tie_and_no_preference(tmp_path: Path) -> None:
    found = made(tmp_path, best_of(give="preferences"), SPEAKS, rule("<score>", "<score>5</score>"))
    assert (found.rows, found.reasons) == ([], ["best-of-n/tie"])
    assert found.facts["best_of_n"]["scores"] == {"5": 3}


def test_what_cannot_be_read_is_counted_and_the_others_go_on(tmp_path: Path) -> None:
    speaks = rule(r"\Auser: How far is it\?\Z", "far", "5 miles", "<think>hm", "very far")
    grades = (rule(r"answer\]\nvery far\n(?s:.)*<score>", "9 of 10"), *GRADES)
    found = made(tmp_path, best_of(), speaks, *grades)
    assert [one["content"] for one in found.rows[0]["responses"]] == ["5 miles", "far"]
    assert found.reasons == ["best-of-n/unreadable-cut-off", "best-of-n/unreadable-no-tag"]
    assert found.facts["generated"] == {"results": 3, "rows": 1, "unreadable": 2}


def test_nothing_but_unreadable_grades_leaves_the_row_out(tmp_path: Path) -> None:
    found = made(tmp_path, best_of(2), SPEAKS, rule("<score>", "Ten!"))
    assert (found.rows, found.reasons) == ([], ["best-of-n/unreadable-no-tag"] * 2)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"n": 1}, "the best of fewer than two"),
        ({"sampling": Sampling(model="m", temperature=0.0)}, "the same answer 4"),
    ],
)
def test_settings_that_make_no_choice_are_refused(fields: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        best_of(**fields)
