"""What a model made, on card and report: figures with their intervals, nothing hostile comes alive.

The facts themselves are made in test_variety.py, test_judge.py and their like.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from dataset_cards.cards.account import made_from, what_it_is
from dataset_cards.cards.plain import visible
from dataset_cards.cards.report import render_report
from synth.variety import Variety
from tests.generating import table, user
from tests.sample_version import HOSTILE, examples, few_facts
from tests.test_card import active, front_matter, parse, render
from tests.test_report import ELEMENTS, Page
from tests.test_report_browser import BROWSER, open_report

needs_browser = pytest.mark.skipif(BROWSER is None, reason="chromium is not installed, so no report was opened in one")


def part(text: str) -> dict[str, Any]:
    return {
        **{"rows": 900, "words": 12000, "self_similar": [0.032, 0.022, 0.046], "near": {"jaccard": 0.5, "words": 2}},
        **{"distinct": {"1": 0.31, "2": 0.84, "3": None}, "compression": 2.61, "topics": 143.2},
        **{"pairs": [[text, f"{text} again"]], "openings": [[text, 60]] + [[f"word {n}", 9] for n in range(9)]},
        "opening_share": [0.157, 0.134, 0.182],
    }


def made(text: str = "write a poem") -> dict[str, Any]:
    facts = {
        "generated": {"results": 1200, "rows": 900, "unreadable": 30},
        "prompts": {"draft": {"fingerprint": "d878aa96f6c2c68b", "text": text}},
        "self_instruct": {"rounds": [{"round": 1, "results": 1200, "rows": 900, "unreadable": 30, "similar": 250}]},
        "judged": {
            **{"pairs": 400, "ties": 60, "consistent": [0.85, 0.812, 0.882], "first_place": [0.56, 0.511, 0.608]},
            "agrees": None,
        },
        "reasoned": {
            **{"problems": 50, "right": 120, "wrong": 70, "cannot_tell": 10, "solved": 41},
            **{"pass_rate": [0.6, 0.46, 0.72], "solved_share": [0.82, 0.692, 0.902]},
        },
        "constitutional": {"principles": [{"id": text, "title": text, "applied": 10, "changed": 4}]},
        "ground": {"documents": 500, "answered": 460, "pairs": 900, "roundtrip": True},
        "variety": {
            **{"rows": 100_000, "sample": 50_000, "parts": {"prompts": part(text)}},
            "rounds": [
                {"round": n, "rows": 300, "distinct": 0.9 - n / 10, "self_similar": [0.1, 0.0, 0.2], "topics": 9.0}
                for n in (1, 2)
            ],
            "against": [{"version": text, "texts": 175, "rows_13": 2, "rows_8": 31}],
            "prompt_examples": {"words": 8, "rows": 3},
        },
    }
    return {**few_facts("prompts"), "facts": facts}


def report(version: dict[str, Any]) -> str:
    return render_report(version, examples())


def body(card: str) -> str:
    return card.split("\n---\n", 1)[1]


def test_the_card_says_what_became_of_the_answers() -> None:
    card = render(made())
    assert "## What a model made" in card
    assert "1,200 results in what a model said: 900 rows, 30 unreadable (2.5 %)" in card
    assert "460 of 500 documents gave 900 pairs" in card
    assert "Variety was measured on 50,000 of 100,000 rows" in card
    assert "| both orders say the same | 85 % (81 to 88) |" in card
    assert "| choices of what stood first | 56 % (51 to 61) |" in card
    assert "| agrees with the labels that came along | \u2013 |" in card
    assert "| mean pass rate of a problem | 60 % (46 to 72) |" in card
    assert "| cannot tell | 10 |" in card
    assert "| 1 | 1,200 | 900 | 30 | 250 |" in card
    assert "| `write a poem` | 175 | 2 | 31 |" in card
    assert "| `draft` | `d878aa96f6c2c68b` |" in card
    assert "3.2 % (2.2 to 4.6)" in card


def test_the_report_says_the_same_and_shows_prompts_and_near_duplicates() -> None:
    page = Page(report(made()))
    for said in (
        "What a model made",
        "56 % (51 to 61)",
        "143.2",
        "write a poem again",
        "Prompt draft",
        "Variety by round",
    ):
        assert said in page.text
    assert len(page.all("caption")) == len(page.all("table"))


def test_nothing_is_said_of_versions_that_no_model_made() -> None:
    assert "What a model made" not in render(few_facts())
    assert "What a model made" not in report(few_facts())


def test_what_was_only_compared_with_is_not_called_a_source() -> None:
    version = made("eval@1.0.0")
    version["parents"] = [{"name": name, "version": "1.0.0", "digest": "sha256:00"} for name in ("seeds", "eval")]
    assert [one["name"] for one in made_from(version)] == ["seeds"]
    assert "shares with eval@1.0.0 were looked for and counted" in what_it_is(version)
    version["recipe"] = {"name": "variety", "parameters": {"rows": "eval@1.0.0"}}
    assert [one["name"] for one in made_from(version)] == ["seeds", "eval"]


def test_facts_as_the_measuring_step_tells_them_are_shown(tmp_path: Path) -> None:
    from dataset_cards.versions.files import Folder
    from dataset_cards.versions.job import Job

    rows = [
        {"id": f"p{n}", "prompt": [user(text)], "metadata": json.dumps({"round": 1 + n % 2})}
        for n, text in enumerate(["Write a poem about rain.", "Write a poem about snow.", "Why is the sky blue?"])
    ]
    job = Job((table(tmp_path / "source", "prompts", rows),), Folder.at(str(tmp_path / "step")))
    version = {**few_facts("prompts"), "facts": Variety().run(job)}
    card = render(version)
    assert "### Variety by round" in card
    assert "67 % (21 to 94)" in card
    assert "Write a poem about snow." in Page(report(version)).text


def test_long_lists_are_cut_and_say_so() -> None:
    version = made()
    version["facts"]["variety"]["rounds"] *= 40
    assert "30 more rows left out here; version.json has them all." in render(version)
    assert "30 more rows left out here; version.json has them all." in report(version)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    card, html = render(made(text)), report(made(text))
    assert front_matter(card)["pretty_name"] == "pages 1.0.0"
    tokens = parse(body(card))
    assert active(tokens) == set()
    heads = [
        [token.tag for token in some if token.type == "heading_open"] for some in (tokens, parse(body(render(made()))))
    ]
    assert heads[0] == heads[1]
    page = Page(html)
    assert {tag for tag, _ in page.elements} <= ELEMENTS
    for tag, attributes in page.elements:
        assert not any(name.startswith("on") or name in ("src", "srcdoc", "xlink:href") for name in attributes), tag
    assert visible(text).strip() in page.text
    assert not any((ord(mark) < 32 and mark not in "\n\t") or mark in "\u202e\ufeff\u200b" for mark in card + html)


@needs_browser
def test_in_a_browser_nothing_that_a_model_said_runs_or_is_even_tried(tmp_path: Path) -> None:
    dom, said = open_report(tmp_path, report(made("".join(HOSTILE))))
    assert said == []
    assert "What a model made" in dom
    assert not re.search(r"<(script|img|iframe|object|embed|form|base|link)\b", dom)
