"""Near-duplicates side by side: nothing of either text is lost, differences are marked, and no text makes it run away.

That hostile text stays text is tested for the whole report in test_report.py.
"""

import itertools
import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset_cards.cards import worddiff
from dataset_cards.cards.report import render_report
from dataset_cards.cards.worddiff import blocks, tokens
from tests.sample_version import examples, full, pair, pairs
from tests.test_report import Page

WORDS = st.lists(st.sampled_from(["a", "b", "cat", "Cat", ".", ",", " ", "\n", "\u4f60", "\u05e9\u05dc"]), max_size=40)
TEXTS = st.text(max_size=80) | WORDS.map("".join) | WORDS.map(" ".join)


@given(TEXTS)
def test_tokens_joined_are_the_text(text: str) -> None:
    assert "".join(tokens(text)) == text


@settings(max_examples=300, deadline=None)
@given(TEXTS, TEXTS)
def test_blocks_joined_are_the_texts_and_what_is_called_alike_is(left: str, right: str) -> None:
    found = blocks(left, right)
    assert "".join(word for block in found for word in block.left) == left
    assert "".join(word for block in found for word in block.right) == right
    for block in found:
        assert block.left or block.right
        if block.same:
            assert [word.strip() for word in block.left] == [word.strip() for word in block.right]
    assert all(one.same != other.same for one, other in itertools.pairwise(found))


@settings(deadline=None)
@given(TEXTS)
def test_a_text_is_wholly_like_itself_and_its_rewrapped_self(text: str) -> None:
    assert all(block.same for block in blocks(text, text))
    assert all(block.same for block in blocks(text, re.sub(r"\s+", "\n\n", text)))


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from(["one", "two", "three", "four"]), min_size=30, max_size=200), st.data())
def test_one_word_put_in_is_the_one_difference(words: list[str], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(words)))
    (added,) = [
        block for block in blocks(" ".join(words), " ".join([*words[:place], "new", *words[place:]])) if not block.same
    ]
    assert (added.left, [word.strip() for word in added.right]) == ((), ["new"])


@pytest.mark.parametrize("text", ["a b " * 1000, "a" * 4000, " " * 4000, ". " * 2000, "\u4f60\u597d" * 2000])
def test_texts_made_to_be_slow_cost_a_bounded_number_of_comparisons(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = 0
    exact = worddiff._longest

    def counted(left: list[str], right: list[str]) -> list[tuple[int, int]]:
        nonlocal cells
        cells += len(left) * len(right)
        return exact(left, right)

    monkeypatch.setattr(worddiff, "_longest", counted)
    mixed = list(text)
    random.Random(1).shuffle(mixed)
    blocks(text, "".join(mixed))
    blocks(text, text[::-1])
    assert cells <= 2 * 4000 * 256


def test_both_sides_are_shown_with_their_differences_marked() -> None:
    same = " ".join(f"word{n}" for n in range(100))
    html = render_report(
        full(),
        examples(),
        pairs(pair(f"The old cat. {same} end", f"The new cat sat. {same} end", kept_url="https://example.org/1")),
    )
    assert '<pre class="kept" dir="auto">The <ins>old</ins> cat. word0' in html
    assert '<pre class="dropped" dir="auto">The <del>new</del> cat <del>sat</del>. word0' in html
    text = Page(html).text
    assert "88 words alike" in text
    assert "https://example.org/1" in text
    assert "Jaccard index 0.8 from a large cluster" in text


def test_marks_are_told_apart_without_colour() -> None:
    html = render_report(full(), examples(), pairs(pair("one two three", "one 2 three")))
    assert re.search(r"ins \{[^}]*text-decoration: underline", html)
    assert re.search(r"del \{[^}]*text-decoration: line-through", html)
    assert "[only here: " in html  # for those who hear the page


def test_pairs_that_agree_or_hardly_do_are_said_to() -> None:
    alike = render_report(full(), examples(), pairs(pair("one  two", "one\ntwo")))
    assert "No word differs in what is recorded of them." in alike
    apart = pair("a b c d e f", "g h i j k l", kept_cut=True, dropped_cut=True)
    html = render_report(full(), examples(), pairs(apart))
    assert "Their beginnings differ; where they agree lies beyond what is recorded." in html
    assert "<ins>a" not in html


def test_what_was_cut_off_is_no_difference() -> None:
    shared = "one two three four five six"
    html = render_report(full(), examples(), pairs(pair(f"{shared} seven", shared, kept_cut=True, dropped_cut=True)))
    assert "<ins>seven" not in html
    assert "The texts go on." in html
    by_chance = pair(f"{shared} the", f"{shared} one more sentence that was cut off after the", kept_cut=True)
    assert "<del>one more" not in render_report(full(), examples(), pairs(by_chance))
    html = render_report(full(), examples(), pairs(pair(f"{shared} seven", shared)))
    assert "<ins>seven</ins>" in html


def test_a_long_difference_is_shortened_and_pairs_after_the_first_few_are_folded() -> None:
    long = " ".join(f"w{n}" for n in range(500))
    html = render_report(full(), examples(), pairs(*[pair(f"start {long} end", "start end")] * 5))
    section = html[html.index('id="duplicates"') : html.index('id="found"')]
    assert "380 words more" in section
    assert section.count("<details open>") == 3
    assert section.count('<div class="sides">') == 5


def test_many_long_pairs_keep_the_report_small() -> None:
    text = "\u2f00&< " * 800
    html = render_report(full(), examples(), pairs(*[pair(text, text[::-1])] * 200))
    assert len(html.encode()) < 4_000_000
    assert "140 more pairs in" in html
