"""How an autopsy is said: warnings only beyond their limits, sentences, tables by strength, hostile names escaped."""

import json
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from dataset_cards.cards import autopsy as shown
from dataset_cards.cards.autopsy_report import autopsy_section
from dataset_cards.cards.sheet import as_markdown
from tests.autopsying import facts_of, pair, unbiased, version_of

BAD = "<script>alert(1)</script> | `x`"


def one_rule(name: str, right: int, wrong: int, **more: Any) -> dict[str, Any]:
    value = right / (right + wrong)
    rule = {"rule": name, "right": right, "wrong": wrong, "even": 0, "sure": True, "of_like_length": {"share": None}}
    return {**rule, "share": [value, value - 0.02, value + 0.02], **more}


def said(*rules: dict[str, Any], pairs: int = 1000) -> list[str]:
    return shown.warnings(version_of({"pairs": pairs, "ties": 0, "rules": list(rules)}))


@pytest.mark.parametrize(
    ("rule", "start"),
    [
        (one_rule("characters", 551, 449), "Verbosity"),
        (one_rule("characters", 440, 560), "Brevity"),
        (one_rule("refusal", 70, 30), "Refusal prior: where exactly one answer refuses, it is the chosen one"),
        (one_rule("refusal", 30, 70), "Refusal prior: where exactly one answer refuses, it is the rejected one"),
        (one_rule("agreement", 70, 30), "Sycophancy"),
        (one_rule("agreement", 30, 70), "Marks of style"),
        (one_rule("markdown", 70, 30), "Markdown"),
        (one_rule("position", 560, 440), "Position"),
        (one_rule("exclamations", 70, 30), "Marks of style"),
    ],
)
def test_each_shortcut_has_its_warning(rule: dict[str, Any], start: str) -> None:
    (warning,) = said(rule)
    assert warning.startswith(start)
    assert "content-blind rules" in warning


@pytest.mark.parametrize(
    "rule",
    [
        one_rule("characters", 549, 451),  # not far enough
        one_rule("markdown", 59, 41),
        one_rule("characters", 600, 400, sure=False),  # chance may explain it
        one_rule("refusal", 9, 0),  # too few of all pairs
        one_rule("markdown", 70, 30, of_like_length={"share": [0.5, 0.4, 0.6]}),  # length explains it
    ],
)
def test_what_is_small_unsure_rare_or_explained_by_length_is_not_warned_about(rule: dict[str, Any]) -> None:
    assert said(rule) == []


def test_a_version_without_an_autopsy_says_nothing() -> None:
    for version in ({}, {"facts": {}}, {"facts": {"content": {}}}):
        assert shown.warnings(version) == shown.sentences(version) == shown.sheets(version) == []
        assert autopsy_section(version) == ""


def test_rules_stand_in_the_order_of_their_strength(tmp_path: Path) -> None:
    rows = [pair(n, "many more words than that " * 3 if n % 4 else "why?", f"few words {n}!") for n in range(200)]
    facts = facts_of(tmp_path, rows)
    first = shown.sheets(version_of(facts))[0]
    surely = [max(cell.low - 0.5, 0.5 - cell.high) for _, cell, *_ in first.rows]  # type: ignore[union-attr,operator]
    assert surely == sorted(surely, reverse=True)
    assert [row[0] for row in first.rows].index("the longer answer") < 3


def test_what_nobody_looked_for_is_said(tmp_path: Path) -> None:
    facts = facts_of(tmp_path, [pair(n, "a b", f"c {n}") for n in range(9)])
    without = {key: value for key, value in facts.items() if key != "refusals"}
    text = " ".join(shown.sentences(version_of(without)))
    assert "Refusals were only looked for in first words" in text
    assert "Which answer was shown first is not recorded" in text


def test_hostile_names_are_escaped_in_tables_warnings_and_page(tmp_path: Path) -> None:
    rows = unbiased(60, 3)
    for n, row in enumerate(rows):
        row |= {"source": BAD if n % 2 else "other", "votes": [{"annotator": BAD, "choice": "chosen"}]}
        row |= {"prompt": rows[n // 2 * 2]["prompt"], "metadata": json.dumps({"split": f"{BAD}{n % 2}"})}
    version = version_of(facts_of(tmp_path, rows))
    page = autopsy_section(version)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    text = "\n\n".join(as_markdown(shown.sheets(version)))
    assert BAD.partition(" ")[0] in text
    assert "<script" not in MarkdownIt("commonmark").enable("table").render(text)
    assert any("stand in the splits" in warning for warning in shown.warnings(version))
