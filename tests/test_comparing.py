"""What a judge's answers are read as, and what verdicts, grades and shares come to."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_cards.versions.job import Refused
from synth.comparing import TIE, grade, looks, points, ranks, settled
from synth.generator import Unreadable
from synth.llm.llm import Choice, Token
from synth.share import share
from tests.generating import reply


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("A is better.", "no-tag"),
        ("<verdict>A or B</verdict>", "no-choice"),
        ("<verdict>Antwort A</verdict>", "no-choice"),
        ("[[A]]", "no-tag"),
        ("First I thought <verdict>A</verdict>, but <verdict>B</verdict>", "several-answers"),
        ("<verdict>A</verdict> <verdict>", "open-tag"),
        ("<verdict><verdict>A</verdict></verdict>", "nested-tags"),
        ("<verdict>A</verdict>. Hope that helps!", "text-after-tag"),
        ('{"verdict": "A"}', "no-tag"),
        ("", "empty"),
    ],
)
def test_a_verdict_that_is_not_where_it_belongs_is_unreadable(said: str, reason: str) -> None:
    (first, _) = looks([reply(said), reply("<verdict>A</verdict>")])
    assert isinstance(first, Unreadable)
    assert first.reason == reason


def test_verdicts_in_fences_with_preambles_and_in_other_languages_are_read() -> None:
    said = [
        "```\nA ist genauer.\n<verdict> b </verdict>\n```",
        "<think><verdict>A</verdict>?</think>等しい。<verdict>TIE</verdict>",
    ]
    read = looks([reply(one) for one in said])
    assert [one if isinstance(one, Unreadable) else one.says for one in read] == ["2", "tie"]


@pytest.mark.parametrize("said", ["<score>7/10</score>", "<score>11</score>", "<score>7.5</score>", "8", "Score: 8"])
def test_a_score_that_is_no_whole_number_in_its_tag_is_unreadable(said: str) -> None:
    assert isinstance(grade(reply(said)), Unreadable)


def letter(text: str, **probabilities: float) -> Any:
    top = tuple(Choice(one.strip("_"), math.log(p)) for one, p in probabilities.items())
    return reply(text, "length", logprobs=(Token(text, top[0].logprob, top),))


def test_an_empty_answer_without_log_probabilities_is_one_unreadable_look_and_not_the_end() -> None:
    empty, read = looks([reply("", "length"), letter("B", B=0.9, A=0.1)], logprobs=True)
    assert isinstance(empty, Unreadable)
    assert empty.reason == "empty"
    assert not isinstance(read, Unreadable)


def test_probabilities_of_the_letter_are_averaged_over_both_orders() -> None:
    read = looks([letter("A", A=0.6, B=0.2), letter("B", B=0.9, A=0.1)], logprobs=True)
    assert [round(one.first or 0, 9) for one in read if not isinstance(one, Unreadable)] == [0.75, 0.9]
    pair = settled((0, 1), [one for one in read if not isinstance(one, Unreadable)])
    assert (pair["outcome"], pair["probability"], pair["margin"]) == ("1", 0.825, 0.65)
    torn = looks([letter("A", A=0.9, B=0.1), letter("A", A=0.6, B=0.4)], logprobs=True)
    pair = settled((0, 1), [one for one in torn if not isinstance(one, Unreadable)])
    assert (pair["outcome"], pair["probability"], pair["margin"]) == (TIE, 0.65, 0.0)


def test_another_first_token_than_a_letter_is_unreadable() -> None:
    said = [letter("The", The=0.6, A=0.3), reply("", logprobs=())]
    assert [one.reason for one in looks(said, logprobs=True) if isinstance(one, Unreadable)] == ["no-choice"] * 2


def test_a_server_without_log_probabilities_is_named_at_once() -> None:
    for one in (reply("A"), reply("A", logprobs=(Token("A", -0.1, ()),))):
        with pytest.raises(Refused, match="gave no log-probabilities; use one that does"):
            looks([one, one], logprobs=True)


@given(st.lists(st.integers(1, 10), min_size=2, max_size=8))
def test_ranks_order_as_points_do(given_points: list[int]) -> None:
    found = ranks(given_points)
    assert min(found) == 1
    for one, mine in zip(given_points, found, strict=True):
        assert mine == 1 + sum(other > one for other in given_points)


@given(st.integers(2, 6), st.data())
def test_every_pair_gives_away_exactly_one_point(size: int, data: Any) -> None:
    pairs = [(a, b) for b in range(size) for a in range(b)]
    settled_pairs = [{"pair": pair, "outcome": data.draw(st.sampled_from(["1", "2", "tie"]))} for pair in pairs]
    assert sum(points(size, settled_pairs)) == len(pairs)


@given(st.integers(0, 500), st.integers(1, 500))
def test_an_interval_holds_its_share(hits: int, of: int) -> None:
    found = share(min(hits, of), of)
    assert found is not None
    value, low, high = found
    assert 0 <= low <= value <= high <= 1
    assert low < high


def test_an_interval_is_wilsons() -> None:
    assert share(81, 263) == [
        0.307985,
        0.255289,
        0.36621,
    ]  # Newcombe 1998, Statistics in Medicine 17, table I: 0.2553, 0.3662
    assert share(0, 0) is None
