"""Agreement on card and report: one sentence first, doubts on top, every table there, nothing hostile comes alive.

The browser's watch over scripts is proved in test_report_browser.py. Screens of 400 pixels are measured here.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest
from typer.testing import CliRunner

from annotation.agreement.answers import Level
from annotation.agreement.facts import agreement
from annotation.judged import SCHEMA
from dataset_cards.cards.account import limits, warnings, what_it_is
from dataset_cards.cards.agreement import measured, sentence
from dataset_cards.cards.agreement_report import DARKEST, agreement_section
from dataset_cards.cards.plain import visible
from dataset_cards.cards.report import render_report
from dataset_cards.cards.style import STYLE
from dataset_cards.commands import commands
from dataset_cards.freeze import freeze
from dataset_cards.versions.job import Job
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from tests.sample_agreement import comparisons, hostile, judged, measure, pair, person, rankings, ratings
from tests.sample_version import HOSTILE, KINDS, examples, few_facts
from tests.test_card import active, front_matter, parse, render
from tests.test_report import ELEMENTS, Page, contrast
from tests.test_report_browser import BROWSER, open_report

needs_browser = pytest.mark.skipif(BROWSER is None, reason="chromium is not installed, so no report was opened in one")


def report(version: dict[str, Any]) -> str:
    return render_report(version, examples())


def test_one_sentence_says_how_many_judged_what_and_how_far_they_agree() -> None:
    said = (
        "1,500 judgements by 3 annotators on 500 pairs; they agree on 71 % (68 to 74), "
        "Krippendorff's alpha (nominal) 0.52 (0.47 to 0.57)."
    )
    version = judged(comparisons())
    assert sentence(comparisons()) == said
    assert said in what_it_is(version)
    assert said in Page(report(version)).text
    assert said in render(version)


def test_rankings_are_told_by_order_and_kendalls_tau_and_ratings_by_question() -> None:
    assert sentence(rankings()) == (
        "600 judgements by 3 annotators on 200 rows; they order 67 % (64 to 70) of pairs of responses alike, "
        "Kendall's tau-b 0.40 (0.34 to 0.46)."
    )
    assert sentence(ratings()) == (
        "600 judgements by 3 annotators on 200 rows; helpful: Krippendorff's alpha (ordinal) 0.84 (0.81 to 0.87); "
        "harmless: Krippendorff's alpha (ordinal) 0.60 (0.50 to 0.70)."
    )


@pytest.mark.parametrize(
    ("triple", "shown"),
    [
        ([0.7133, 0.6812, 0.7431], "71 % (68 to 74)"),
        ([0.7133, 0.7101, 0.7166], "71.3 % (71.0 to 71.7)"),
        ([0.998, 0.96, 1.0], "99.8 % (96 to 100)"),
        ([0.99999, 0.9, 1.0], "99.99 % (90 to 100)"),
        ([0.00001, 0.0, 0.1], "0.01 % (0 to 10)"),
        ([1.0, 0.9, 1.0], "100 % (90 to 100)"),
        ([0.5, None, None], "50 %"),
        ([0.5], "50 %"),
    ],
)
def test_a_share_is_as_exact_as_its_interval_and_never_rounded_to_nothing_or_all(
    triple: list[float | None], shown: str
) -> None:
    assert str(measured(triple, percent=True)) == shown


def test_what_is_undefined_stays_undefined_and_minus_nought_is_nought() -> None:
    assert measured(None) is None
    assert measured([None, None, None]) is None
    assert str(measured([-0.0001, -0.2, 0.1], digits=2)) == "0.00 (-0.20 to 0.10)"


def test_the_card_has_every_table() -> None:
    text = render(judged(comparisons()))
    for line in (
        "| percent agreement | 71 % (68 to 74) | 480 | pairs of people, averaged over records |",
        "| Krippendorff's alpha (nominal) | 0.520 (0.471 to 0.569) | 480 | Krippendorff 2011 |",
        "| Fleiss' kappa | \u2013 | 480 | Fleiss 1971; no value: everybody always said the same |",
        "| `1` | 700 | 46.67 % | the row's first response, wherever it stood on the screen |",
        "| `adjudicated` | 60 | 12 % | an adjudicator decided after the first answers |",
        "| annotator | judgements | agreement | gold | gold items | weight | same again | first shown | seconds | ",
        "| `a1` | 500 | 80 % (76 to 84) | 92 % (81 to 97) | 50 | 0.91 | 90 % (70 to 97) | 60 % (55 to 65) | 12.1 "
        "| \u2013 |",
        "| `a1` | `a3` | 200 | 30 % (25 to 36) | -0.100 (-0.200 to 0.010) |",
        "| `source` | `web` | 100 | 70 % (60 to 80) | 0.500 (0.400 to 0.600) |",
        "- the pool shrank to two on the last day",
        "- 12 items discarded: somebody looked and would not answer.",
        "```text\nTake the better one.\n```",
    ):
        assert line in text
    assert "weighted" not in re.findall(r"^\| `(\w+)` ", text, re.MULTILINE)
    pairs = text[text.index("### By pair") :]
    assert pairs.index("| `a1` | `a3`") < pairs.index("| `a1` | `a2`") < pairs.index("| `a2` | `a3` | 0 |")


def test_the_report_has_the_same_numbers_and_folds_the_long_ones() -> None:
    html = report(judged(comparisons()))
    text = Page(html).text
    for shown in ("71 %68 to 74", "0.5200.471 to 0.569", "90 %0.82", "30 %-0.10", "Take the better one.", "0.91"):
        assert shown in text
    assert "By pair of annotators" in html[html.index("<details") :]
    assert html.count('class="heat"') == 1
    folded = agreement_section(judged(comparisons()))
    assert "<details open" not in folded
    assert "<summary>Guidelines" in folded


def test_the_heat_map_is_as_dark_as_what_is_beyond_chance_and_is_left_out_for_two_or_for_a_crowd() -> None:
    html = agreement_section(judged(comparisons()))
    assert f"var(--kept) {DARKEST * 0.82:.0f}%" in html
    assert f"var(--gone) {DARKEST * 0.1:.0f}%" in html
    assert 'title="200 rows judged by both"' in html
    for people in (2, 17):
        names = [f"p{n}" for n in range(people)]
        pairs = [pair(a, b, agreement=[0.5, 0.4, 0.6]) for n, a in enumerate(names) for b in names[n + 1 :]]
        facts = comparisons() | {"by_pair": pairs, "by_annotator": []}
        assert 'class="heat"' not in agreement_section(judged(facts))


def test_questions_stand_side_by_side_and_people_by_question_are_folded() -> None:
    text = render(judged(ratings(), "conversations"))
    assert "| question | measure | value | rows | how |" in text
    assert "| `helpful` | Krippendorff's alpha (ordinal) | 0.840 (0.810 to 0.870) | 480 |" in text
    assert "| `harmless` | `5` | 300 | 50 % |" in text
    assert "| `a1` | 200 | 30.2 |" in text
    assert "| `helpful` | `a1` | 200 | 50 % (40 to 60) |" in text
    html = report(judged(ratings(), "conversations"))
    assert "<summary>By annotator and question</summary>" in html


def test_rankings_are_tabled_with_tau() -> None:
    text = render(judged(rankings(), "rankings"))
    assert "| annotator | and | rows of both | agreement | Kendall's tau |" in text
    assert "| slice | value | rows | agreement | tau |" in text
    assert "| `mean` | 170 | 85 % | the mean of what was given |" in text


def test_alpha_is_held_against_a_convention_that_is_cited() -> None:
    version = judged(comparisons())
    below = "Krippendorff's alpha (nominal) 0.52 (0.47 to 0.57) lies below 0.667"
    assert any(text.startswith(below) for text in warnings(version))
    for value, said in (([0.7, 0.6, 0.8], "reaches below 0.667"), ([0.9, 0.85, 0.95], None)):
        version["facts"]["agreement"]["measures"][1]["value"] = value
        found = [text for text in warnings(version) if "Krippendorff" in text]
        assert [said for text in found if said and said in text] == ([said] if said else [])
        assert len(found) == bool(said)
    assert "Content Analysis, 2nd edition, 2004, page 241" in render(version)
    assert "Content Analysis" not in render(judged(rankings(), "rankings"))
    several = [text for text in warnings(judged(ratings(), "conversations")) if "Krippendorff" in text]
    assert len(several) == 1
    assert several[0].startswith("Krippendorff's alpha (ordinal) for harmless 0.60")


def test_whoever_may_be_guessing_on_known_answers_is_named_and_a_few_items_accuse_nobody() -> None:
    def doubted(gold: list[float], items: int) -> bool:
        facts = comparisons() | {"by_annotator": [person("a9", gold=gold, gold_items=items)]}
        return any("items with a known answer" in text and "a9" in text for text in warnings(judged(facts)))

    assert doubted([0.1, 0.04, 0.21], 50)  # worse than a guess
    assert doubted([0.3, 0.18, 0.45], 50)  # cannot be told from one
    assert not doubted([0.6, 0.46, 0.72], 50)
    assert not doubted([0.6, 0.23, 0.88], 5)  # nor can it here, but who could be
    assert doubted([0.2, 0.04, 0.62], 5)


def test_flags_are_said_with_what_they_mean() -> None:
    found = warnings(judged(comparisons()))
    assert "Flagged as fast (takes less than a third of the others' time): a3." in found
    assert any(text.startswith("Flagged as position") and "first in 60 % (55 to 65)." in text for text in found)


@pytest.mark.parametrize(
    ("twice", "said"),
    [
        (0, "Every pair was judged once, so nothing is known about agreement."),
        (
            249,
            "Most pairs were judged once: agreement is measured on 249 of 500 pairs and says nothing about others.",
        ),
        (250, None),
    ],
)
def test_rows_judged_once_are_said(twice: int, said: str | None) -> None:
    found = [text for text in warnings(judged(comparisons() | {"twice": twice})) if "judged once" in text]
    assert found == ([said] if said else [])


def test_ties_are_said_so_that_trainers_leave_them_out() -> None:
    def ties(version: dict[str, Any]) -> list[str]:
        return [text.partition(":")[0] for text in warnings(version) if "margin 0" in text]

    assert ties(judged(comparisons(), ties=25)) == ["25 rows are ties"]
    assert ties(judged(comparisons(), ties=1)) == ["1 row is a tie"]
    assert ties(judged(comparisons(), ties=0)) == []
    assert ties(few_facts("preferences") | {"facts": {"ties": 7}}) == ["7 rows are ties"]
    assert ties(judged(comparisons())) == ["20 or more rows are ties"]
    assert ties(judged(comparisons(), "judgements")) == []
    dropped = {"read": 500, "kept": 480, "quarantined": 0, "dropped": {"prefer/tie": 20}}
    assert ties(judged(comparisons()) | {"ledger": dropped}) == []


def test_what_was_not_looked_at_is_said() -> None:
    bare = limits(few_facts("preferences"))
    assert "Whether people agree on these answers was not measured." in bare
    facts = comparisons() | {"by_annotator": [person("a1", gold_items=0)]}
    assert any("No items with known answers" in text for text in limits(judged(facts)))
    assert any("Nobody was asked the same twice" in text for text in limits(judged(facts)))
    whole = limits(judged(comparisons()))
    assert any("pseudonyms" in text for text in whole)
    assert not any("known answers" in text or "same twice" in text for text in whole)


def test_judgements_are_not_asked_for_what_only_texts_can_have() -> None:
    version = judged(comparisons(), "judgements") | {"recipe": {"name": "x", "steps": []}}
    assert not any("No stage that" in text or "language" in text for text in limits(version))
    assert any("as they were written" in text for text in limits(version))


def test_answers_stand_in_the_order_of_their_scale_and_outcomes_from_sure_to_unsure() -> None:
    facts = comparisons() | {"labels": {"tie": 1, "10": 2, "9": 3}, "decided": {"tie": 1, "mean": 2, "unanimous": 3}}
    text = render(judged(facts))
    assert text.index("| `9` ") < text.index("| `10` ") < text.index("| `tie` ")
    assert text.index("| `unanimous` ") < text.index("| `mean` ") < text.rindex("| `tie` | 1 | 16.67 % |")


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Two rows, and what is said of the people who judged them."""

    revision: ClassVar[int] = 1

    def run(self, job: Job) -> dict[str, Any]:
        for task in job.unfinished(1):
            funnel = {"stage": "judged", "read": 2, "kept": 2, "quarantined": 0, "dropped": {}}
            job.write(task, pl.DataFrame({"id": ["a", "b"]}), funnel=[funnel])
        return {"kind": "preferences", "agreement": comparisons()}


def test_a_frozen_version_shows_it_in_one_line_and_on_its_card(store: Store) -> None:
    step = Step("judged", Judged())
    store.run(step)
    version = freeze(store, step, "pairs@1.0.0", {"name": "test", "function": "tests:test", "parameters": {}})
    shown = CliRunner().invoke(commands, ["show", "pairs@1.0.0", "--store", str(store.root)])
    assert shown.exit_code == 0, shown.output
    assert f"\npeople   {sentence(comparisons())}\n" in shown.output
    for document in ("README.md", "report.html"):
        with version.folder.open(document) as file:
            assert b"What people judged" in file.read()


@pytest.mark.parametrize(
    ("task", "level", "answers"),
    [
        ("comparisons", "nominal", ["1", "2", "tie", "both-bad"]),
        ("ratings", "ordinal", ['{"helpful": 1, "honest": 5}', '{"helpful": 4, "honest": 2}']),
        ("rankings", "ranking", ["[1, 2, 2]", "[3, 1, 2]", "[1, 1, 1]"]),
        ("demonstrations", "nominal", ["some text", "other text"]),
    ],
)
def test_what_is_measured_on_judgements_can_be_shown(task: str, level: Level, answers: list[str]) -> None:
    rows = []
    for n in range(60):
        answer = answers[n * 7 % 5 % len(answers)]
        ranks = json.loads(answer) if level == "ranking" else None
        about = {"record": f"r{n // 3}", "annotator": f"a{n % 3}", "order": list(range(2)), "seconds": 2.0}
        said = {"answer": answer, "ranks": ranks, "guidelines": "ab" * 8, "batch": "main", "discarded": n == 59}
        rows.append(dict.fromkeys(SCHEMA) | about | said)
    facts = agreement(pl.DataFrame(rows, dict(SCHEMA)), task=task, level=level, slices={"source": {"r1": "web"}})
    version = judged(json.loads(json.dumps(facts)))
    text = render(version)
    assert "59 judgements by 3 annotators on 20" in text
    assert not re.search(r"\bNone\b|\bnan\b", text)
    assert not re.search(r"\bNone\b|\bnan\b", Page(report(version)).text)


@pytest.mark.parametrize("kind", KINDS)
def test_where_nobody_judged_nothing_is_said_of_it(kind: str) -> None:
    version = few_facts(kind)
    assert "What people judged" not in render(version)
    assert "What people judged" not in report(version)


@pytest.mark.parametrize("facts", [comparisons(), rankings(), ratings()], ids=["comparisons", "rankings", "ratings"])
def test_any_part_of_the_facts_may_be_absent(facts: dict[str, Any]) -> None:
    for key in facts:
        version = judged({name: value for name, value in facts.items() if name != key})
        assert "What people judged" in render(version)
        Page(report(version))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_of_annotators_stays_text_on_the_card(text: str) -> None:
    card = render(judged(hostile(text)) | {"tainted": []})
    assert front_matter(card)["pretty_name"] == "pages 1.0.0"
    body = card.split("\n---\n", 1)[1]
    notes = re.findall(r"^> \*\*Note\.\*\*.*$", body, re.MULTILINE)
    tokens = parse(re.sub(r"^> ", "", body, flags=re.MULTILINE))
    assert active(tokens) == set()
    assert len(notes) == len(warnings(judged(hostile(text))))
    tame = parse(render(judged(hostile("tame"))))
    assert [token.tag for token in tokens if token.type == "heading_open"] == [
        token.tag for token in tame if token.type == "heading_open"
    ]
    assert visible(text)[:100] in "".join(token.content for token in tokens if token.type == "fence")
    assert not any(ord(mark) < 32 and mark not in "\n\t" for mark in card)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_of_annotators_stays_text_in_the_report(text: str) -> None:
    html = report(judged(hostile(text)))
    page = Page(html)
    assert {tag for tag, _ in page.elements} <= ELEMENTS | {"i"}
    for tag, attributes in page.elements:
        assert not any(name.startswith("on") or name in ("src", "srcdoc", "xlink:href") for name in attributes), tag
        assert set(re.findall(r"([a-z-]+):", attributes.get("style") or "")) <= {"left", "width", "background"}
    assert visible(text).strip() in page.text
    assert not any((ord(mark) < 32 and mark not in "\n\t") or mark in "\u202e\ufeff\u200b" for mark in html)


def test_tables_can_be_read_aloud() -> None:
    page = Page(report(judged(comparisons())))
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(cell.get("scope") in ("row", "col") for cell in page.all("th"))


def test_a_campaign_of_hundreds_stays_short_and_says_what_it_leaves_out() -> None:
    people = [person(f"a{n}", agreement=[0.5, 0.4, 0.6]) for n in range(300)]
    pairs = [pair(f"a{n}", f"a{n + 1}", agreement=[0.5, 0.4, 0.6]) for n in range(299)]
    facts = comparisons() | {"by_annotator": people, "by_pair": pairs, "annotators": 300}
    facts["measures"] = [measure(f"measure {n}", [0.5, 0.4, 0.6], "x") for n in range(50)]
    facts["guidelines"][0]["text"] = "word " * 10_000
    card, html = render(judged(facts)), report(judged(facts))
    assert "270 more rows left out here; version.json has them all." in card
    assert "100 more rows left out here; version.json has them all." in html
    assert "its beginning, version.json has it whole" in card
    assert len(card) < 40_000
    assert len(html) < 500_000


@pytest.mark.parametrize("scheme", [0, 1])
def test_text_stands_out_on_the_darkest_tint_in_light_and_dark(scheme: int) -> None:
    part = STYLE.split("@media (prefers-color-scheme: dark)")[scheme].split("*")[0]
    colours = dict(re.findall(r"--([\w-]+): (#\w{6})", part))
    for tint in ("kept", "gone"):
        both = [[int(colours[name][at : at + 2], 16) for at in (1, 3, 5)] for name in ("paper", tint)]
        mixed = [round(paper + DARKEST / 100 * (full - paper)) for paper, full in zip(*both, strict=True)]
        assert contrast(colours["ink"], "#" + bytes(mixed).hex()) >= 4.5, tint


@needs_browser
def test_in_a_browser_nothing_that_annotators_said_runs_or_is_even_tried(tmp_path: Path) -> None:
    dom, said = open_report(tmp_path, report(judged(hostile("".join(HOSTILE)))))
    assert said == []
    assert "<title>pages@1.0.0</title>" in dom
    assert not re.search(r"<(script|img|iframe|object|embed|form|base|link)\b", dom)
    assert not re.search(r"<[a-z][^<>]*\son[a-z]+=", dom)


@needs_browser
@pytest.mark.parametrize("facts", [comparisons(), hostile("W" * 300)], ids=["ordinary", "long-names"])
def test_a_screen_of_400_pixels_needs_no_scrolling_sideways(tmp_path: Path, facts: dict[str, Any]) -> None:
    html = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", report(judged(facts)))
    inside = json.dumps(html.replace("<details", "<details open")).replace("</", "<\\/")
    frame = (
        "<!DOCTYPE html><title>x</title><iframe id=f width=400 height=800 srcdoc=''></iframe><script>"
        f"f.srcdoc={inside};f.onload=()=>{{const root=f.contentDocument.documentElement;"
        "document.title=root.clientWidth+' '+root.scrollWidth}</script>"
    )
    dom, _ = open_report(tmp_path, frame)
    found = re.search(r"<title>(\d+) (\d+)</title>", dom)
    assert found is not None
    wide, needed = map(int, found.groups())
    assert wide > 300
    assert needed <= wide
