"""Verifiers agree with public references: every GSM8K gold answer, 1,000 wrong ones, and a sample of other sets.

All rows of the other sets: `python -m benchmarks.verify_reference`, with figures in `docs/verify.md`.
"""

from pathlib import Path

import pytest

from benchmarks.verify_reference import (
    Case,
    aqua,
    competition,
    gsm8k,
    mbpp,
    svamp,
    tally,
    wrong_boxes,
    wrong_letters,
    wrong_numbers,
    wrong_programs,
)


def outcomes(name: str, cases: list[Case]) -> dict[str, int]:
    return dict(tally(name, cases)[0])


@pytest.mark.parametrize("name", ["number", "gsm8k"])
def test_every_gold_answer_of_gsm8k_is_right(shared_data: Path, name: str) -> None:
    assert outcomes(name, gsm8k(shared_data)) == {"right": 7473}


@pytest.mark.parametrize("name", ["number", "gsm8k", "math", "boxed", "exact"])
def test_none_of_1000_wrong_answers_to_gsm8k_is_right(shared_data: Path, name: str) -> None:
    wrong = [case for _, case in wrong_numbers(gsm8k(shared_data))]
    assert len(wrong) == 1000
    counts = outcomes(name, wrong)
    assert "right" not in counts
    assert sum(counts.values()) == 1000


def test_number_reads_every_wrong_answer_to_gsm8k_as_wrong(shared_data: Path) -> None:
    assert outcomes("number", [case for _, case in wrong_numbers(gsm8k(shared_data))]) == {"wrong": 1000}


def test_svamp_and_aqua_are_judged_right_and_wrong(shared_data: Path) -> None:
    assert outcomes("number", svamp(shared_data)) == {"right": 607}
    assert outcomes("choice", aqua(shared_data)) == {"right": 254}
    assert outcomes("choice", [case for _, case in wrong_letters(aqua(shared_data))]) == {"wrong": 1016}


def test_competition_solutions_are_right_unless_they_box_two_answers(shared_data: Path) -> None:
    cases = competition(shared_data)
    counts, others, _ = tally("boxed", cases[::8])
    assert sum(counts.values()) == 371
    assert counts["cannot-tell"] == 0
    assert all(verdict.reason.startswith("gives ") for _, verdict in others)
    assert len(others) < 5
    assert "right" not in outcomes("boxed", [case for _, case in wrong_boxes(cases, 60)])


def test_programs_of_mbpp_pass_their_tests_and_broken_ones_do_not(shared_data: Path) -> None:
    cases = mbpp(shared_data)
    # Every fortieth, and the one whose tests build objects of the program's own class.
    odd = [case for case in cases if "Node(1)" in case[1]]
    assert len(odd) == 1
    assert outcomes("python-tests", cases[::40] + odd) == {"right": 13}
    assert outcomes("python-tests", [case for _, case in wrong_programs(cases[::60])]) == {"wrong": 8}
