"""Scripted annotators behave as their numbers say, on every kind of question, and are read from the command line.

The desk they sit at is in test_memory_desk.py.
"""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.desk.desk import Form, Item, Question
from annotation.desk.scripted import KINDS, Said, Scripted, say, scripted
from annotation.simulate import simulate
from dataset_cards.versions.errors import Misuse

LABEL = Question(
    name="better",
    title="",
    kind="label",
    options=(("a", "A"), ("b", "B"), ("tie", "Tie"), ("both-bad", "Both bad")),
)
RATING = Question(name="helpful", title="", kind="rating", options=tuple((str(n), "") for n in range(1, 6)))
RANKING = Question(name="order", title="", kind="ranking", options=tuple((f"response_{n}", "") for n in "abcd"))
TEXT = Question(name="text", title="", kind="text")
FORM = Form(guidelines="", fields=(), questions=(LABEL, RATING, RANKING, TEXT))
TRUTH = {
    "better": "b",
    "helpful": 2,
    "order": {"response_a": 3, "response_b": 1, "response_c": 1, "response_d": 2},
    "text": "four",
}
ITEMS = [Item(id=f"r-{number}", shown={"prompt": f"text {number}"}, truth=TRUTH) for number in range(2000)]


def answers(who: Scripted, items: list[Item] = ITEMS, form: Form = FORM) -> list[Said]:
    return [say(who, form, item) for item in items]


def share(who: Scripted, question: str, value: object) -> float:
    return sum(one.values is not None and one.values[question] == value for one in answers(who)) / len(ITEMS)


@st.composite
def annotators(draws: st.DrawFn) -> Scripted:
    part = st.floats(0, 1)
    first = draws(part)
    return Scripted(
        name=draws(st.text(min_size=1)),
        noise=draws(part),
        first=first,
        ties=draws(st.floats(0, 1 - first)),
        edits=draws(part),
        skips=draws(st.sampled_from([0.0, 0.3])),
        lazy=draws(st.booleans()),
        adversarial=draws(st.booleans()),
    )


@given(annotators(), st.text(), st.sampled_from([None, TRUTH]), st.integers(0, 99), st.booleans())
def test_every_answer_is_one_that_the_form_allows(who, text, truth, seed, draft):
    drafts = {"text": "draft"} if draft else {}
    item = Item(id="r-1", shown={"prompt": text, "response_a": "x"}, drafts=drafts, truth=truth)
    said = say(who, FORM, item, seed)
    assert said == say(who, FORM, item, seed)
    assert 15 <= said.seconds < 45
    if said.values is None:
        return
    assert list(said.values) == ["better", "helpful", "order", "text"]
    assert said.values["better"] in dict(LABEL.options)
    assert said.values["helpful"] in range(1, 6)
    assert set(said.values["order"]) == set(dict(RANKING.options))
    assert set(said.values["order"].values()) <= {1, 2, 3, 4}
    assert said.values["text"]


def test_the_careful_say_the_truth():
    assert all(one.values == TRUTH for one in answers(scripted("a1=careful")))


def test_the_noisy_are_wrong_as_often_as_said_on_every_kind_of_question():
    who = Scripted(name="a2", noise=0.2)
    for question, value in TRUTH.items():
        assert share(who, question, value) == pytest.approx(0.8, abs=0.03)
    assert {one.values["better"] for one in answers(who)} == {"a", "b", "tie", "both-bad"}
    assert {one.values["helpful"] for one in answers(who)} == {1, 2, 3}  # the neighbours of 2


def test_always_wrong_means_never_the_truth():
    who = Scripted(name="a2", noise=1.0)
    for question, value in TRUTH.items():
        assert share(who, question, value) == 0


def test_the_biased_take_the_first_place_so_often_whatever_stands_there():
    who = Scripted(name="a3", first=0.3)
    assert share(who, "better", "a") == pytest.approx(0.3, abs=0.03)
    assert share(who, "better", "b") == pytest.approx(0.7, abs=0.03)
    straight = {"response_a": 1, "response_b": 2, "response_c": 3, "response_d": 4}
    assert share(who, "order", straight) == share(who, "better", "a")
    assert share(who, "helpful", 2) == 1  # a scale has no first place


def test_the_undecided_call_so_many_items_equal():
    who = Scripted(name="a4", ties=0.25, first=0.1)
    assert share(who, "better", "tie") == pytest.approx(0.25, abs=0.03)
    assert share(who, "better", "a") == pytest.approx(0.1, abs=0.03)
    item = Item(id="x", shown={}, truth={**TRUTH, "order": dict(zip(TRUTH["order"], (4, 2, 1, 3), strict=True))})
    tied = say(Scripted(name="a4", ties=1.0), FORM, item).values["order"]
    assert tied == {"response_a": 4, "response_b": 1, "response_c": 1, "response_d": 3}


def test_the_lazy_are_fast_and_always_say_the_same():
    said = answers(scripted("a5=lazy"))
    assert {str(one.values) for one in said} == {str(said[0].values)}
    assert said[0].values["better"] == "a"
    assert all(1 <= one.seconds < 3 for one in said)
    drafted = Item(id="d", shown={}, drafts={"text": "as drafted"}, truth=TRUTH)
    assert say(scripted("a5=lazy"), FORM, drafted).values["text"] == "as drafted"


def test_the_adversarial_say_the_opposite():
    who = scripted("a6=adversarial")
    assert share(who, "better", "a") == 1
    assert share(who, "helpful", 4) == 1
    assert share(who, "order", {"response_a": 1, "response_b": 3, "response_c": 3, "response_d": 2}) == 1
    assert share(who, "text", "four") == 0
    tie = Item(id="t", shown={}, truth={**TRUTH, "better": "tie"})
    assert say(who, FORM, tie).values["better"] == "both-bad"


def test_who_skips_discards_so_many_items():
    said = answers(Scripted(name="a7", skips=0.1))
    assert sum(one.values is None for one in said) / len(said) == pytest.approx(0.1, abs=0.02)


def test_drafts_are_accepted_or_edited_as_often_as_said():
    form = Form(guidelines="", fields=(), questions=(TEXT,))
    items = [Item(id=f"r-{n}", shown={}, drafts={"text": "a draft"}) for n in range(2000)]
    assert {one.values["text"] for one in answers(Scripted(name="a8"), items, form)} == {"a draft"}
    texts = [one.values["text"] for one in answers(Scripted(name="a8", edits=0.4), items, form)]
    assert set(texts) == {"a draft", "a draft (edited by a8)"}
    assert texts.count("a draft") / len(texts) == pytest.approx(0.6, abs=0.03)


def test_optional_questions_are_answered_where_a_truth_or_a_draft_is_given_and_else_left_open():
    reason = Question(name="reason", title="", kind="text", required=False)
    mended = Question(name="mended", title="", kind="text", required=False)
    form = Form(guidelines="", fields=(), questions=(reason, mended))
    item = Item(id="r-1", shown={}, drafts={"mended": "draft"})
    assert say(Scripted(name="a1"), form, item).values == {"mended": "draft"}
    assert say(Scripted(name="a1"), form, Item(id="r-1", shown={}, truth={"reason": "so"})).values == {"reason": "so"}


def test_without_truth_careful_people_agree_and_follow_a_response_to_its_other_place():
    form = Form(guidelines="", fields=(), questions=(LABEL,))
    for number in range(50):
        one = Item(id="r-1", shown={"prompt": "p", "a": f"left {number}", "b": f"right {number}"})
        other = Item(id="r-2", shown={"prompt": "p", "b": f"left {number}", "a": f"right {number}"})
        said = say(Scripted(name="a1"), form, one).values["better"]
        assert said == say(Scripted(name="a2"), form, one).values["better"]
        assert {said, say(Scripted(name="a1"), form, other).values["better"]} == {"a", "b"}


def test_two_annotators_of_the_same_kind_err_on_different_items():
    wrong = [
        {n for n, one in enumerate(answers(Scripted(name=name, noise=0.2))) if one.values["better"] != "b"}
        for name in ("a1", "a2")
    ]
    assert len(wrong[0] & wrong[1]) / len(ITEMS) == pytest.approx(0.04, abs=0.015)


def test_another_process_says_the_same():
    code = (
        "from annotation.desk.scripted import scripted, say\n"
        "from annotation.desk.desk import Form, Item, Question\n"
        "f = Form(guidelines='', fields=(), questions=(Question(name='q', title='', kind='ranking',"
        " options=(('a', ''), ('b', ''), ('c', ''))),))\n"
        "print([say(scripted('a=noisy'), f, Item(id=str(n), shown={'p': str(n)})) for n in range(40)])"
    )
    root = Path(__file__).resolve().parent.parent
    said = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=root, env={"PYTHONHASHSEED": seed}, check=True, capture_output=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("a1", Scripted(name="a1")),
        ("a1=careful", Scripted(name="a1")),
        ("a1=noise:0.1,first:0.2", Scripted(name="a1", noise=0.1, first=0.2)),
        ("b=noisy,pace:8", Scripted(name="b", noise=0.25, pace=8.0)),
        ("b=lazy,pool:crowd,done:0.5", Scripted(name="b", lazy=True, pace=2.0, pool="crowd", done=0.5)),
        ("x=adversarial,ties:0.1", Scripted(name="x", adversarial=True, ties=0.1)),
    ],
)
def test_the_command_line_says_who_somebody_is(text, meant):
    assert scripted(text) == meant


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_name_that_the_command_line_takes(kind):
    assert scripted(f"a={kind}") == Scripted(name="a", **KINDS[kind])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a=clever", r"--scripted a=clever: 'clever' is neither a kind \(careful, noisy, biased, lazy, adversarial\)"),
        ("a=noise", r"'noise' is neither a kind .* nor a setting \(noise, first, ties, edits, skips, done, pace, pool"),
        ("a=noise:much", r"noise:much is no number"),
        ("a=noise:1.5", r"scripted a: noise:1.5 is not from 0 to 1"),
        ("a=noise:nan", r"scripted a: noise:nan is not from 0 to 1"),
        ("a=first:0.7,ties:0.7", r"first and ties are shares of the same items"),
        ("a=pace:0", r"pace:0 is not between 0"),
        ("=careful", r"a scripted annotator needs a name"),
        ("a=pool:", r"'pool:' is neither"),
    ],
)
def test_what_the_command_line_cannot_mean_is_refused_with_a_sentence(text, says):
    with pytest.raises(Misuse, match=says):
        scripted(text)


def test_a_simulated_campaign_gives_the_agreement_and_the_decisions_that_arithmetic_gives():
    people = [Scripted(name=name, noise=0.1) for name in ("a1", "a2", "a3")]
    found = simulate(people, overlap=3, rows=4000)
    assert found.answers == 12_000
    assert found.agreement == pytest.approx(0.9**2 + 3 * (0.1 / 3) ** 2, abs=0.015)
    assert found.right == pytest.approx(0.9**3 + 3 * 0.9**2 * 0.1, abs=0.01)
    assert found.undecided == pytest.approx(3 * 2 * 0.9 * (0.1 / 3) ** 2 * 3 + 6 * (0.1 / 3) ** 3, abs=0.01)
    assert all(one == pytest.approx(0.9, abs=0.02) for one in found.by_person.values())


def test_a_simulation_with_one_answer_per_row_knows_no_agreement():
    found = simulate([Scripted(name="a1")], overlap=1, rows=20)
    assert (found.agreement, found.right, found.undecided) == (None, 1.0, 0.0)


def test_the_table_in_the_docs_is_what_simulations_give():
    page = (Path(__file__).resolve().parent.parent / "docs" / "assign.md").read_text(encoding="utf-8")
    lines = [line for line in page.splitlines() if line.startswith("| `a1=")]
    assert len(lines) >= 6
    for line in lines:
        people, overlap, *shown = (cell.strip(" `") for cell in line.strip("|").split("|"))
        found = simulate([scripted(one) for one in people.split()], int(overlap), rows=2000)
        shares = (found.agreement, found.right, found.undecided)
        assert shown == ["-" if one is None else f"{one:.2f}" for one in shares], people
