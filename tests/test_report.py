"""The report: one whole offline page that tells the facts, escapes everything, stays small and can be read by everyone.

That nothing in it runs in a real browser is tested in test_report_browser.py.
"""

import re
from html.parser import HTMLParser

import pytest

from dataset_cards.cards.account import limits, reasons
from dataset_cards.cards.funnel import river
from dataset_cards.cards.plain import visible
from dataset_cards.cards.report import render_report
from dataset_cards.cards.style import STYLE
from tests.sample_version import (
    HOSTILE,
    KINDS,
    example,
    examples,
    few_facts,
    full,
    hostile_examples,
    hostile_pairs,
    hostile_version,
    pair,
    pairs,
    too_short,
)

VOID = {"meta", "br", "rect", "line", "path", "polyline"}
ELEMENTS = VOID | set(
    re.findall(
        r"\w+",
        "html head title style body header nav main section h1 h2 h3 h4 p ins del small strong b a ul li dl div dt dd "
        "span code details summary table caption thead tbody tr th td article pre bdi figure figcaption svg desc text",
    )
)


class Page(HTMLParser):
    """The elements, attributes and text of a page; fails on a tag that is not closed."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID or self.get_starttag_text() == "<line>":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag in ("rect",):
            return
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return "".join(self.texts)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def test_a_full_version_shows_its_numbers() -> None:
    rows = [too_short("dropped", 12, "Few words."), too_short("just-kept", 51, "Just enough words.")]
    page = Page(render_report(full(), examples(*rows, example("kept", "A good page."))))
    for shown in (
        "pages@1.0.0",
        "1,120 documents with 1,234,567 characters",
        "2,000 rows were read; 1,120 (56 %) were kept, 878 dropped and 2 quarantined",
        "too-short: below 50 (min_words); 750 beyond (37.54 %)",
        "words 12, limit 50",
        "words 51, limit 50",
        "language not in en",
        "broken-json",
        "row 5, jaccard 0.93",
        "curation.recipes:web_text",
        "min_words",
        "A good page.",
        "No stage that removes or masks personal data ran in this recipe.",
        "raw@0.9",
        "Limit 50; at 45 31 rows more would reach the next stage; at 55 1,012 kept rows fewer.",
        "EMAIL_ADDRESS1,040900mask 1,030, drop 10",
        "secrets found nothing.",
        "quiz@1.0.0prompt 47325",
        "400 labelled rows of our own sentences, revision 1, counted by span.",
        "Area under the ROC curve: 0.97 (0.95 to 0.98). Threshold: 0.5.",
        "EMAIL_ADDRESS600.98 (0.91 to 0.995)1 (0.94 to 1)0.99 (0.95 to 1)",
        "pii: names of people: no model is run",
    ):
        assert shown in page.text


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_report_that_says_only_what_is_known(kind: str) -> None:
    page = Page(render_report(few_facts(kind), examples()))
    assert "What is not covered" in page.text
    assert not any(
        heading in page.text
        for heading in ("What was measured", "If a limit moved", "Near-duplicates", "found inside", "How good")
    )
    assert not re.search(r"None|\bnan\b|null|\{\}|\[\]", page.text.replace(STYLE, ""))


def test_a_draft_and_taint_are_said_in_the_header() -> None:
    html = render_report(full() | {"version": "draft", "tainted": ["answered by a fake model"]}, examples())
    header = html[html.index("<header>") : html.index("</header>")]
    assert "This is a draft" in header
    assert "answered by a fake model" in header


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_anywhere_stays_text(text: str) -> None:
    html = render_report(hostile_version(text), hostile_examples(text), hostile_pairs(text))
    page = Page(html)
    assert {tag for tag, _ in page.elements} <= ELEMENTS
    for tag, attributes in page.elements:
        assert not any(name.startswith("on") or name in ("src", "srcdoc", "xlink:href") for name in attributes), tag
        assert re.fullmatch(r"#[a-z]+", attributes.get("href") or "#a")
    assert visible(text).strip() in page.text
    assert not any((ord(mark) < 32 and mark not in "\n\t") or mark in "\u202e\ufeff\u200b" for mark in html)


def test_nothing_may_run_or_load() -> None:
    html = render_report(full(), examples(example()), pairs(pair("a b", "a c")))
    policy = next(
        one["content"] for one in Page(html).all("meta") if one.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    assert html.index("Content-Security-Policy") < html.index("<title>")
    assert not re.search(r"<script|https?://|url\(|@import", html)


def test_every_picture_and_table_can_be_read_aloud() -> None:
    html = render_report(full(), examples(too_short("dropped", 1, "x")))
    page = Page(html)
    assert page.all("html")[0]["lang"] == "en"
    assert all(svg.get("role") == "img" for svg in page.all("svg"))
    assert len(re.findall(r"<svg[^>]*><title>[^<]+</title><desc>[^<]+</desc>", html)) == len(page.all("svg"))
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(cell.get("scope") in ("row", "col") for cell in page.all("th"))


def test_texts_find_their_own_direction() -> None:
    html = render_report(full(), examples(example("kept", "\u05e9\u05dc\u05d5\u05dd 24/7", id="\u05d0-1")))
    assert '<pre dir="auto">\u05e9\u05dc\u05d5\u05dd 24/7</pre>' in html
    assert "<bdi>\u05d0-1</bdi>" in html


def test_a_long_text_is_folded_and_its_end_is_said() -> None:
    page = Page(render_report(full(), examples(example("kept", "word " * 800, cut=True), example("kept", "a" * 500))))
    assert "1,080 more characters" in page.text
    assert "80 more characters" in page.text
    assert page.text.count("The text goes on.") == 1


def test_a_report_stays_small_however_much_there_is_to_say() -> None:
    version = full()
    many = {f"stage-{n // 10}/reason-{n}": n + 1 for n in range(1500)}
    signal = version["facts"]["signals"][0]
    wide = {**signal, "edges": [float(n) for n in range(5001)], "counts": [7] * 5000}
    facts = version["facts"] | {"signals": [wide] * 500, "sources": {f"file-{n}": n for n in range(5000)}}
    rows = [
        example(role, "\u2f00&<" * 1300, stage=name.split("/")[0], reason=name.split("/")[1])
        for name in many
        for role in ("dropped", "just-kept")
    ]
    version |= {"facts": facts, "ledger": {"read": 10**7, "kept": 1120, "quarantined": 0, "dropped": many}}
    html = render_report(version, examples(*rows))
    assert len(html.encode()) < 8_000_000
    assert "1,200 smaller reasons left out here" in html


def test_the_same_facts_give_the_same_report() -> None:
    rows = examples(too_short("dropped", 1, "x"), too_short("just-kept", 50, "y"))
    assert render_report(full(), rows) == render_report(full(), rows)


@pytest.mark.parametrize("stages", [1, 9, 25])
@pytest.mark.parametrize("read", [1, 40, 10**12])
def test_the_river_shows_every_stage_and_never_runs_wider_than_its_bed(stages: int, read: int) -> None:
    funnel, alive = [], read
    for number in range(stages):
        gone = alive // 3
        dropped = {f"s{number}/a": gone - gone // 2, f"s{number}/b": gone // 2}
        funnel.append(
            {"stage": f"s{number}", "read": alive, "kept": alive - gone, "quarantined": 0, "dropped": dropped}
        )
        alive -= gone
    page = Page(river(funnel))
    assert len(page.all("svg")) == stages
    for path in page.all("path"):
        numbers = [float(found) for found in re.findall(r"-?\d+\.?\d*", path["d"] or "")]
        assert all(-0.01 <= number <= 100.01 for number in numbers)
    for stage in funnel:
        assert f"{stage['read']:,} in, {stage['kept']:,} out" in page.text


def test_small_reasons_join_and_none_is_lost() -> None:
    dropped = {f"s/r{n}": n for n in range(1, 21)}
    gone = sum(dropped.values())
    text = Page(river([{"stage": "s", "read": 1000, "kept": 1000 - gone, "quarantined": 0, "dropped": dropped}])).text
    shown = re.findall(r"(?:r\d+|14 other reasons) (\d+)", text)
    assert sum(map(int, shown)) == gone


def test_no_rows_at_all_is_said() -> None:
    assert river([]) == "<p>No rows were read.</p>"
    nothing = {"stage": "read", "read": 0, "kept": 0, "quarantined": 0, "dropped": {}}
    version = few_facts() | {"rows": 0, "funnel": [nothing], "ledger": {**nothing, "dropped": {}}}
    assert "No rows were read." in render_report(version, examples())


def test_a_limit_outside_the_picture_is_told() -> None:
    version = full()
    version["facts"]["signals"][0]["rules"] = [{"reason": "r", "kind": "above", "limit": 5000.0, "field": "max_x"}]
    assert "above 5,000 (max_x), outside the picture; 0 beyond" in Page(render_report(version, examples())).text


def test_reasons_are_the_same_with_bare_and_with_full_names() -> None:
    bare, prefixed = full(), full()
    prefixed["facts"]["signals"][0]["rules"][0]["reason"] = "gopher-quality/too-short"
    assert [(one.full, one.dropped) for one in reasons(bare)] == [(one.full, one.dropped) for one in reasons(prefixed)]
    assert reasons(bare)[0].full == "gopher-quality/too-short"


def test_row_licences_are_not_called_unknown() -> None:
    version = few_facts() | {"facts": {"licenses": {"CC-BY-4.0": 2, "unknown": 1}}}
    assert any("some rows state their own" in text for text in limits(version))


def test_a_stage_that_changed_nothing_is_asked_about() -> None:
    version = full()
    version["funnel"].append({"stage": "pii", "read": 1120, "kept": 1120, "quarantined": 0, "dropped": {}})
    remark = "pii read 1,120 rows and changed none: is it needed, or broken?"
    assert remark in Page(render_report(version, examples())).text
    version["facts"]["edits"]["pii"] = 1
    assert remark not in Page(render_report(version, examples())).text
    version["facts"]["edits"] = {}  # nobody counted, so nobody knows
    assert remark not in Page(render_report(version, examples())).text
    version["facts"]["edits"]["pii"] = 0
    version["funnel"][-1] |= {"read": 999, "kept": 999}
    assert "changed none" not in Page(render_report(version, examples())).text


def test_each_moved_limit_stands_with_what_it_changes() -> None:
    html = render_report(full(), examples())
    assert '<small>45</small><br><span class="more">+31</span>' in html
    assert '<small>47</small><br><span class="none">0</span>' in html
    assert '<small>55</small><br><span class="fewer">\u22121,012</span>' in html
    version = full()
    for move in version["facts"]["moves"][0]["moved"]:
        move |= {"fewer": 0, "more": 0}
    text = Page(render_report(version, examples())).text
    assert "gopher-quality: no row changes sides by moving too-short." in text
    assert "at 45 no row changes sides; at 55 no row changes sides" in text


def contrast(one: str, other: str) -> float:
    """WCAG 2.2 contrast ratio of two colours written `#rrggbb`."""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1])
def test_text_and_shapes_stand_out_in_light_and_dark(scheme: int) -> None:
    colours = dict(
        re.findall(r"--([\w-]+): (#\w{6})", STYLE.split("@media (prefers-color-scheme: dark)")[scheme].split("*")[0])
    )
    for ground in ("paper", "card"):
        for text in ("ink", "quiet", "gone-ink", "kept"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    for tint in ("kept-tint", "gone-tint"):
        assert contrast(colours["ink"], colours[tint]) >= 4.5, tint
    for ground in ("paper", "card"):
        for shape in ("gone", "odd"):
            assert contrast(colours[shape], colours[ground]) >= 3, (shape, ground)
    assert contrast(colours["ink"], colours["note"]) >= 4.5
