"""Strict reading of answers: what is read, what is not, and that nothing is ever guessed."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.generator import Unreadable
from synth.tags import choice, json_object, part, parts, score, scores, whole
from tests.generating import reply


def reason(read: Any) -> str | None:
    return read.reason if isinstance(read, Unreadable) else None


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("<v>A</v>", "A"),
        ("  \n<v>\n A \n</v>\n ", "A"),
        ("Certainly! Both are fine.\n\n<v>A</v>", "A"),
        ("```\n<v>A</v>\n```", "A"),
        ("```xml\nThinking ...\n<v>A</v>\n```", "A"),
        ("Das Urteil: <v>Ä ist besser</v>", "Ä ist besser"),
        ("判断：<v>回答</v>", "回答"),
        ("<v>A</v> and so <v>A</v>", "A"),
        ("<think>maybe <v>B</v>, no</think><v>A</v>", "A"),
        ("maybe <v>B</v>, no</think>\n<v>A</v>", "A"),
        ("<v>```\ncode\n```</v>", "```\ncode\n```"),
        ("<b>bold</b> <v>A <b>bold</b></v>", "A <b>bold</b>"),
        ("<vv>B</vv><v>A</v>", "A"),
    ],
)
def test_what_stands_in_the_tag_is_read(said: str, found: str) -> None:
    assert part(reply(said), "v") == found


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        ("<think>so", "cut-off"),
        ("<think>so</think>", "empty"),
        ("A", "no-tag"),
        ("The verdict is A.", "no-tag"),
        ("<V>A</V>", "no-tag"),
        ("&lt;v&gt;A&lt;/v&gt;", "no-tag"),
        ("<v>A", "open-tag"),
        ("A</v>", "open-tag"),
        ("I write <v> tags: <v>A</v>", "nested-tags"),
        ("<v><v>A</v></v>", "nested-tags"),
        ("<v>A</v></v>", "open-tag"),
        ("<v>A</v> or <v>B</v>", "several-answers"),
        ("<v> </v>", "empty-tag"),
        ("<v>A</v>\nOn second thoughts, B.", "text-after-tag"),
        ("```\n<v>A</v>\n```\nDone.", "text-after-tag"),
        ("```\nx\n```\n```\n<v>A</v>\n```", "text-after-tag"),
    ],
)
def test_what_is_not_there_exactly_is_unreadable_with_its_reason(said: str, why: str) -> None:
    read = part(reply(said), "v")
    assert isinstance(read, Unreadable)
    assert (read.reason, read.said) == (why, said)


def test_an_answer_that_was_cut_off_or_refused_is_not_read_even_if_the_tag_is_there() -> None:
    assert reason(part(reply("<v>A</v>", "length"), "v")) == "cut-off"
    assert reason(part(reply("<v>A</v>", "refusal"), "v")) == "refused"
    assert reason(whole(reply("half a sen", "length"))) == "cut-off"
    assert whole(reply(" all of it ")) == "all of it"


def test_several_tags_are_read_by_name_and_not_by_place() -> None:
    assert parts(reply("a <x>1</x> b <y>2</y>"), "x", "y") == ("1", "2")
    assert parts(reply("a <y>2</y> b <x>1</x>"), "x", "y") == ("1", "2")
    assert reason(parts(reply("<x>1</x>"), "x", "y")) == "no-tag"
    assert reason(parts(reply("<x>1<y>2</y></x>"), "x", "y")) == "nested-tags"
    assert reason(parts(reply("<x>1</y><y>2</x>"), "x", "y")) == "open-tag"


@pytest.mark.parametrize(("said", "found"), [("A", "A"), ("tie", "tie"), ("TIE", "tie"), (" b ", "B")])
def test_a_choice_stands_alone_in_its_tag(said: str, found: str) -> None:
    assert choice(reply(f"<v>{said}</v>"), "v", ("A", "B", "tie")) == found


@pytest.mark.parametrize("said", ["A or B", "Answer A", "A.", "[[A]]", "**A**", "C", "AB", "А", "A/B"])
def test_a_choice_with_anything_beside_it_is_none(said: str) -> None:
    assert reason(choice(reply(f"<v>{said}</v>"), "v", ("A", "B", "tie"))) == "no-choice"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("7/10", "no-score"),
        ("7.5", "no-score"),
        ("7.0", "no-score"),
        ("seven", "no-score"),
        ("７", "no-score"),
        ("7 8", "no-score"),
        ("Score: 7", "no-score"),
        ("+7", "no-score"),
        ("99999999", "no-score"),
        ("0", "score-out-of-range"),
        ("11", "score-out-of-range"),
        ("-3", "score-out-of-range"),
    ],
)
def test_a_score_is_a_whole_number_in_range_and_nothing_else(said: str, why: str) -> None:
    assert reason(score(reply(f"It deserves a 9. <s>{said}</s>"), "s", 1, 10)) == why


def test_a_preamble_with_numbers_shifts_no_score() -> None:
    said = "1. Both are clear. 2. The 3 facts in b are wrong.\n\n<b>2</b>\n<a>9</a>"
    assert scores(reply(said), ("a", "b"), 1, 10) == (9, 2)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ('{"a": 1} That is all.', "no-json"),
        ('Here it is: {"a": 1}', "no-json"),
        ('{"a": 1}{"a": 2}', "no-json"),
        ("{'a': 1}", "no-json"),
        ('{"a": 1,}', "no-json"),
        ('{"a": NaN}', "no-json"),
        ('{"a": ' + "[" * 100_000, "no-json"),
        ('{"a": "cut', "no-json"),
        ('[{"a": 1}]', "no-object"),
        ('"a"', "no-object"),
        ("null", "no-object"),
        ('{"a": 1, "a": 2}', "repeated-key"),
        ('{"a": {"b": 1, "b": 2}}', "repeated-key"),
        ('{"b": 1}', "wrong-keys"),
        ('{"a": 1, "b": 2}', "wrong-keys"),
        ("{}", "wrong-keys"),
        ("", "empty"),
    ],
)
def test_json_is_one_object_with_the_keys_asked_for(said: str, why: str) -> None:
    assert reason(json_object(reply(said), ("a",))) == why


@pytest.mark.parametrize(
    "said",
    [
        '{"a": [1, "ü"]}',
        '```json\n{"a": [1, "ü"]}\n```',
        ' \n{\n"a":\n[1, "\\u00fc"]}\n',
        '<think>{"b": 2}</think>{"a":[1,"ü"]}',
    ],
)
def test_an_object_alone_or_in_one_fence_is_read(said: str) -> None:
    assert json_object(reply(said), ("a",)) == {"a": [1, "ü"]}


@settings(max_examples=40)
@given(st.dictionaries(st.text(max_size=5), st.recursive(st.integers() | st.text() | st.none(), st.lists)))
def test_every_json_object_comes_through_as_it_is(value: dict[str, Any]) -> None:
    assert json_object(reply(json.dumps(value))) == value


@given(st.text(), st.text(), st.sampled_from(["", "\n", "```\n"]))
def test_text_in_a_tag_comes_through_unchanged_or_not_at_all(before: str, inside: str, fence: str) -> None:
    end = "\n```" if fence == "```\n" else ""
    read = part(reply(f"{fence}{before}<answer>{inside}</answer>{end}"), "answer")
    assert isinstance(read, Unreadable) or read == inside.strip()


@given(st.text(alphabet="<>/vwAB `\n", max_size=40))
def test_whatever_is_read_stands_between_the_tags_of_the_answer(said: str) -> None:
    read = part(reply(said), "v")
    if isinstance(read, Unreadable):
        assert read.said == said
    else:
        assert read
        assert f"<v>{read}</v>" in "".join(said.split("\n")) or read in said
