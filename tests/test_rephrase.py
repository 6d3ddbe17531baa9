"""Rephrase: pieces, styles and prompts that are asked, and every check that a rewording must pass."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.generator import row_id
from synth.kept import addresses, codes, lost, names, numbers
from synth.llm.fake import Rule
from synth.llm.llm import Sampling
from synth.prompt import prompts
from synth.rephrase import STYLES, Rephrase, pieces
from tests.generating import Outcome, asked, assistant, fake, golden, rule, run, told, user

FOUND = prompts(None, "rephrase", *STYLES, "prompt", "same")
TEXT = "In 1886 the engineer Carl Benz built a car with 3 wheels. It ran at 16 km/h and is now kept in Munich."
EASY = "A man called Carl Benz made a car in 1886. It had 3 wheels, it could go 16 km/h, and you can see it in Munich."
ROW = {"id": "d1", "text": TEXT, "source": "a.warc", "url": "http://a", "license": "CC0-1.0", "language": "en"}
ASK = {"id": "p1", "prompt": [user("Sort the list [3, 1, 2] with `sorted` in Python, please.")], "source": "web"}
TALK = {"id": "c1", "messages": [*ASK["prompt"], assistant("sorted([3, 1, 2])")], "origin": "human", "parents": []}  # type: ignore[misc]
OTHER = "How would I use `sorted` to put [3, 1, 2] into order in Python?"
SAME = rule(r"say the same as the first", "Nothing differs. <verdict>same</verdict>")


def rephrase(**more: Any) -> Rephrase:
    fields = {"sampling": Sampling(model="m", temperature=0.7, max_tokens=400), **FOUND, "min_characters": 20}
    return Rephrase(**{**fields, "max_unreadable": 1.0, **more})


def made(tmp_path: Path, generator: Rephrase, *rules: Rule, row: Any = ROW) -> Outcome:
    return run(tmp_path, generator, generator.of, [row], fake(*rules))


def reworded(text: str) -> Rule:
    return rule("<rewritten>", f"<rewritten>{text}</rewritten>")


def test_the_prompts_are_these() -> None:
    documents = asked(rephrase(styles=STYLES), ROW, SAME, reworded(EASY))
    golden("rephrase", [*documents[:5], *asked(rephrase(of="prompts"), ASK, SAME, reworded(OTHER))])


def test_a_document_becomes_a_document_of_the_same_source(tmp_path: Path) -> None:
    found = made(tmp_path, rephrase(styles=("easy",)), SAME, reworded(EASY))
    (row,) = found.rows
    assert {name: row[name] for name in ("text", "source", "url", "license", "created", "language")} == {
        "text": EASY,
        "source": "a.warc",
        "url": "http://a",
        "license": "CC0-1.0",
        "created": None,
        "language": "en",
    }
    assert row["id"] == row_id("rephrase", ["d1", "easy", "0"], 0, EASY)
    assert told(row) == {
        "generator": "rephrase",
        "model": "m",
        "origin": "m",
        "parents": ["d1"],
        "prompt": FOUND["easy"].fingerprint,
        "sampling": {"temperature": 0.7, "top_p": 1.0, "max_tokens": 400},
        "style": "easy",
        "sample": 0,
        "piece": 0,
        "pieces": 1,
    }


def test_prompts_and_the_prompts_of_conversations_are_put_in_other_words(tmp_path: Path) -> None:
    (row,) = made(tmp_path / "a", rephrase(of="prompts"), SAME, reworded(OTHER), row=ASK).rows
    assert (row["prompt"], row["source"], told(row)["parents"]) == ([user(OTHER)], "web", ["p1"])
    (row,) = made(tmp_path / "b", rephrase(of="conversations"), SAME, reworded(OTHER), row=TALK).rows
    assert row["messages"] == [user(OTHER), assistant("sorted([3, 1, 2])")]
    assert (row["origin"], told(row)["prompt_origin"], row["parents"]) == ("human", "m", ["c1"])


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (EASY.replace("1886", "1885"), "rephrase/lost-number"),
        (EASY + " That was 140 years ago.", "rephrase/new-number"),
        (EASY.replace("Munich", "a museum").replace("Carl Benz", "an engineer"), "rephrase/lost-name"),
        (TEXT, "rephrase/unchanged"),
        ("A car.", "rephrase/too-short"),
        (EASY * 4, "rephrase/too-long"),
    ],
)
def test_a_rewording_that_loses_something_is_left_before_anybody_is_asked(tmp_path: Path, said: str, why: str) -> None:
    found = made(tmp_path, rephrase(), reworded(said))
    assert found.left == [("d1", why, said)]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("<verdict>different</verdict>", "rephrase/not-the-same"),
        ("<verdict>yes</verdict>", "rephrase/unreadable-no-choice"),
        ("same", "rephrase/unreadable-no-tag"),
        ("<verdict>same</verdict> <verdict>different</verdict>", "rephrase/unreadable-several-answers"),
    ],
)
def test_the_model_has_to_say_that_it_means_the_same(tmp_path: Path, said: str, why: str) -> None:
    assert made(tmp_path, rephrase(), rule("say the same as", said), reworded(EASY)).reasons == [why]
    assert len(made(tmp_path / "b", rephrase(ask_same=False), rule("say the same as", said), reworded(EASY)).rows) == 1


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("Here you are.", "no-tag"),
        ("```\n" + EASY + "\n```", "no-tag"),
        ("<rewritten></rewritten>", "empty-tag"),
        ("<rewritten>" + EASY, "open-tag"),
        ("<rewritten>" + EASY + "</rewritten> Better?", "text-after-tag"),
        ("Aquí está: " + EASY, "no-tag"),
    ],
)
def test_awkward_answers_are_unreadable(tmp_path: Path, said: str, why: str) -> None:
    assert made(tmp_path, rephrase(), SAME, rule("<rewritten>", said)).reasons == [f"rephrase/unreadable-{why}"]


def test_a_fence_and_a_preamble_are_read(tmp_path: Path) -> None:
    said = f"```xml\nOf course.\n<rewritten>\n{EASY}\n</rewritten>\n```"
    (row,) = made(tmp_path, rephrase(), SAME, rule("<rewritten>", said)).rows
    assert row["text"] == EASY


def test_every_piece_style_and_sample_has_one_result_in_order(tmp_path: Path) -> None:
    row = {**ROW, "text": f"{TEXT}\n\n{TEXT}\n\nShort."}
    generator = rephrase(styles=("easy", "qa"), samples=2, characters=105)
    answers = rule("<rewritten>", f"<rewritten>{EASY}</rewritten>", "none")
    found = made(tmp_path, generator, SAME, answers, row=row)
    assert [(told(one)["piece"], told(one)["style"], told(one)["sample"]) for one in found.rows] == [
        (0, "easy", 0),
        (1, "easy", 0),
    ]
    assert found.reasons[:3] == ["rephrase/unreadable-no-tag", "rephrase/same-as-another", "rephrase/unreadable-no-tag"]
    assert found.facts["generated"]["results"] == 9
    assert found.reasons.count("rephrase/short-piece") == 1
    assert found.reasons.count("rephrase/unreadable-no-tag") == 4


@given(st.text(alphabet="ab.!? \n", max_size=200), st.integers(5, 60))
def test_pieces_hold_all_of_a_text_in_order(text: str, characters: int) -> None:
    cut = pieces(text, characters)
    assert "".join("".join(cut).split()) == "".join(text.split())
    for piece in cut:
        assert len(piece) <= characters or len(pieces(piece, 1)) <= 2 or len(piece.split()) == 1


def test_what_must_be_kept_is_found() -> None:
    text = (
        "See https://a.org/x?y=1, and `f(x)`:\n```python\nf (1)\n```\n1. It costs 1,250.50 or 3.\n2. No `` ` `` here."
    )
    assert addresses(text) == {"https://a.org/x?y=1"}
    assert list(codes(text)) == ["f (1)\n", "f(x)"]
    assert numbers("1. It costs 1,250.50 or 3.\n2. On 12.5.2020") == {"1250.50", "3", "12.5.2020"}
    assert names("The car that Carl Benz built is in Munich now, as it was many years ago.") == {
        "Carl",
        "Benz",
        "Munich",
    }
    assert names("Der Wagen steht im Museum der Stadt an der Wand mit dem Bild.") == set()


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("Go to https://a.org now.", "Now go to a.org.", "lost-address"),
        ("Use `x = 1` here.", "Use x=1 here, friend.", None),
        ("Use `x = 1` here.", "Use y here.", "lost-code"),
        ("It has 1,000 rows.", "There are 1000 rows.", None),
        ("It has 1000 rows.", "There are a thousand rows.", "lost-number"),
        ("No digits.", "Not even 1 digit.", "new-number"),
        ("١٢ كتاب", "كتب ١٢", None),
        ("", "", None),
    ],
)
def test_what_is_lost_has_a_reason(before: str, after: str, why: str | None) -> None:
    assert lost(before, after, 0.8) == why


@given(st.text(max_size=200))
def test_a_text_loses_nothing_against_itself(text: str) -> None:
    assert lost(text, text, 1.0) is None


def test_styles_and_samples_must_make_sense() -> None:
    with pytest.raises(ValueError, match="styles="):
        rephrase(styles=())
    with pytest.raises(ValueError, match="samples="):
        rephrase(samples=0)


def test_a_text_in_a_script_without_spaces_is_the_same_text_but_for_a_word() -> None:
    before = "水在常压下加热到沸点时会变成蒸汽。冷却以后蒸汽又会凝结成水滴。"
    before += "这个过程在自然界中不断重复，形成云和雨，滋养大地上的万物生长。"
    other = "云雨从何而来？液体受热成为气体，遇冷再回到原来的样子，"
    other += "如此往复，世间草木由此得到滋润，生生不息。"
    assert rephrase().unfit(before, before.replace("水滴", "水珠"), []) == "unchanged"
    assert rephrase().unfit(before, other, []) is None
