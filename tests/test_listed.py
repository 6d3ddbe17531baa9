"""Answers that hold several things between tags: what is read, and the reason where nothing is."""

import pytest

from synth.generator import Unreadable
from synth.listed import listed
from tests.generating import reply


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<task>a</task>", ["a"]),
        ("Sure!\n\n1. <task>a</task>\n2. <task>\n b\n</task>\n", ["a", "b"]),
        ("```\n<task>a</task>\n```", ["a"]),
        ("<task>日本語の課題</task><task>Écris-le</task>", ["日本語の課題", "Écris-le"]),
        ("<task></task><task>b</task>", ["", "b"]),
        ("<think>I plan <task>x</task></think><task>a</task>", ["a"]),
        ("1. Write a poem", "no-tag"),
        ("<Task>a</Task>", "no-tag"),
        ("<task>a</task><task>b", "open-tag"),
        ("a</task>", "open-tag"),
        ("<task>a<task>b</task></task>", "nested-tags"),
        ("<task>a</task>\nI hope these help!", "text-after-tag"),
        ('{"tasks": ["a"]}', "no-tag"),
        ("  ", "empty"),
    ],
)
def test_lists_are_read_strictly(text: str, expected: list[str] | str) -> None:
    found = listed(reply(text), "task")
    assert (found.reason if isinstance(found, Unreadable) else found) == expected


@pytest.mark.parametrize(("finish", "reason"), [("length", "cut-off"), ("refusal", "refused")])
def test_a_list_that_was_cut_or_refused_is_not_read(finish: str, reason: str) -> None:
    found = listed(reply("<task>a</task>", finish=finish), "task")
    assert isinstance(found, Unreadable)
    assert found.reason == reason
