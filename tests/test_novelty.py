"""ROUGE-L against its definition, the index against comparing with everything, and what a task must look like."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.instruction import Limits
from synth.novelty import Nearest, Pool, common, rouge_l, words

TEXTS = st.lists(st.lists(st.sampled_from("abcdefg"), max_size=9).map(" ".join), max_size=30)


def by_table(one: list[str], other: list[str]) -> int:
    """The longest common subsequence as textbooks compute it."""
    table = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i, first in enumerate(one):
        for j, second in enumerate(other):
            table[i + 1][j + 1] = table[i][j] + 1 if first == second else max(table[i][j + 1], table[i + 1][j])
    return table[-1][-1]


@given(st.lists(st.sampled_from("abcd"), max_size=80), st.lists(st.sampled_from("abcd"), max_size=80))
def test_the_common_subsequence_is_that_of_the_textbook(one: list[str], other: list[str]) -> None:
    assert common(one, other) == by_table(one, other) == common(other, one)


@given(TEXTS, st.lists(st.sampled_from("abcdefg"), max_size=9).map(" ".join), st.sampled_from([0.1, 0.5, 0.7, 1.0]))
def test_the_index_finds_exactly_what_comparing_with_everything_finds(texts: list[str], new: str, limit: float) -> None:
    pool = Pool(limit)
    pool.extend(texts)
    scores = [rouge_l(words(new), words(text)) for text in texts]
    best = max(scores, default=0.0)
    expected = Nearest(scores.index(best), best) if scores and best >= limit else None
    assert pool.nearest(new) == expected
    assert len(pool) == len(texts)


@given(TEXTS, st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=9).map(" ".join))
def test_a_text_that_is_there_is_never_new_and_more_texts_make_nothing_newer(texts: list[str], new: str) -> None:
    pool = Pool(0.7)
    pool.extend(texts)
    before = pool.nearest(new)
    pool.add(new)
    after = pool.nearest(new)
    assert after is not None
    assert after.rouge == 1.0
    assert before is None or before.rouge <= after.rouge


def test_rouge_is_that_of_a_known_example() -> None:
    # Lin 2004, section 3.1: S1 police killed the gunman; S2 police kill the gunman; S3 the gunman kill police.
    first, second, third = (
        t.split() for t in ("police killed the gunman", "police kill the gunman", "the gunman kill police")
    )
    assert rouge_l(first, second) == 0.75
    assert rouge_l(first, third) == 0.5


def test_words_are_those_of_every_script() -> None:
    assert words("Don't STOP, l’été 12%!") == ["don", "t", "stop", "l", "été", "12"]
    assert words("東京は広い city") == ["東", "京", "は", "広", "い", "city"]
    assert words("?!") == []


@pytest.mark.parametrize("limit", [0.0, -1.0, 1.1])
def test_a_limit_that_keeps_everything_or_nothing_is_refused(limit: float) -> None:
    with pytest.raises(ValueError, match="max_rouge"):
        Pool(limit)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (" \n", "empty"),
        ("Write a poem", "too-short"),
        ("word " * 151, "too-long"),
        ("Describe what is in the picture below.", "other-media"),
        ("Go to the page and sum it up.", "other-media"),
        ("- Write a poem about rain.", "starts-with-punctuation"),
        ("¿Qué hora es ahora mismo?", "starts-with-punctuation"),
        ("Schreibe mir bitte ein kurzes Gedicht über Regen im Herbst.", "other-language"),
        ("Напиши стихотворение о дожде.", "other-language"),
        ("Write a short poem about the rain in autumn.", None),
        ("Explain Schrödinger's cat to somebody who cooks.", None),
        ("Write a program that sorts a list.", None),
    ],
)
def test_each_reason_to_leave_a_task_out(text: str, reason: str | None) -> None:
    assert Limits(language="en").against(text) == reason


def test_other_languages_and_media_stay_where_nobody_minds() -> None:
    assert Limits().against("Напиши стихотворение о дожде.") is None
    assert Limits().against("雨についての短い詩を書いてください。") is None
    assert Limits(media=True).against("Describe what is in the picture below.") is None


@given(st.text(max_size=60), st.integers(1, 5), st.integers(0, 5))
def test_tighter_limits_only_leave_out_more(text: str, low: int, more: int) -> None:
    if Limits(min_words=low, max_words=20).against(text):
        assert Limits(min_words=low + more, max_words=20 - more).against(text)
