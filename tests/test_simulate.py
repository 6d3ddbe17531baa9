"""Simulate: who is told what, how talks end, and what a talk is left out for, with the fake model on both sides."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_cards.versions.errors import Misuse
from synth.generator import row_id
from synth.llm.fake import Rule
from synth.llm.llm import Sampling
from synth.prompt import prompts
from synth.simulate import Simulate, read_personas
from tests.generating import Outcome, asked, assistant, fake, golden, reply, rule, run, told, user

FOUND = prompts(None, "simulate", "persona", "open", "next")
SECRET = "Never name the river Lethe."
ROW = {"id": "p1", "prompt": [user("Name a river.")], "source": "web"}
TEXT = {"id": "d1", "text": "The Danube rises in Donaueschingen.", "source": "a.warc"}
FIRST = rule(r"\Auser: Name a river\.\Z", "The Rhine.")
SECOND = rule(r"Rhine\.\nuser: And a longer one\?\Z", "The Danube is longer.")
ASKS = (
    rule(r"assistant\]\nThe Danube is longer\.\n(?s:.)*<message>", "Done.\n<message>END</message>"),
    rule(r"assistant\]\nThe Rhine\.\n(?s:.)*<message>", "<message>And a longer one?</message>"),
)


def simulate(**more: Any) -> Simulate:
    sampling = Sampling(model="m", temperature=0.7, max_tokens=200)
    person = Sampling(model="p", temperature=1.0, max_tokens=200)
    fields = {"sampling": sampling, "person": person, **FOUND, "personas": ("A teacher.",), "max_unreadable": 1.0}
    return Simulate(**{**fields, **more})


def made(tmp_path: Path, generator: Simulate, *rules: Rule, kind: str = "prompts", row: Any = ROW) -> Outcome:
    return run(tmp_path, generator, kind, [row], fake(*rules))


def test_the_prompts_are_these() -> None:
    rules = (rule("<persona>", "<persona>A fisher.</persona>"), rule("occasion", "<message>Name a river.</message>"))
    golden("simulate", asked(simulate(system=SECRET), TEXT, *rules, *ASKS, rule(r"river\.\Z", "The Rhine."), SECOND))


def test_a_talk_goes_on_until_the_person_ends_it(tmp_path: Path) -> None:
    found = made(tmp_path, simulate(), *ASKS, FIRST, SECOND)
    (row,) = found.rows
    assert row["messages"] == [
        user("Name a river."),
        assistant("The Rhine."),
        user("And a longer one?"),
        assistant("The Danube is longer."),
    ]
    said = json.dumps(row["messages"], ensure_ascii=False)
    assert (row["id"], row["origin"], row["parents"]) == (row_id("simulate", ["p1"], 0, said), "m", ["p1"])
    assert told(row) == {
        "generator": "simulate",
        "model": "m",
        "prompt": FOUND["next"].fingerprint,
        "sampling": {"temperature": 0.7, "top_p": 1.0, "max_tokens": 200},
        "person": {"model": "p", "temperature": 1.0},
        "persona": "A teacher.",
        "turns": 2,
        "ended": "end",
    }


def test_a_talk_ends_after_the_turns_it_may_have_and_with_an_answer(tmp_path: Path) -> None:
    (row,) = made(tmp_path, simulate(turns=2), *ASKS, FIRST, SECOND).rows
    assert (told(row)["ended"], told(row)["turns"], row["messages"][-1]["role"]) == ("turns", 2, "assistant")
    (row,) = made(tmp_path / "b", simulate(turns=1, min_turns=1), *ASKS, FIRST).rows
    assert len(row["messages"]) == 2


@pytest.mark.parametrize("own", [True, False])
def test_the_person_is_never_told_what_the_assistant_was_told(own: bool) -> None:
    row = {**ROW, "prompt": [{"role": "system", "content": SECRET}, *ROW["prompt"]]} if own else ROW  # type: ignore[misc]
    first = rule(r"Lethe\.\nuser: Name a river\.\Z", "The Rhine.")
    requests = asked(simulate(system=None if own else SECRET), row, *ASKS, first, SECOND)
    for request in requests:
        secret = any("Lethe" in message.content for message in request.messages)
        assert secret == (request.sampling.model == "m")
    assert {request.sampling.model for request in requests} == {"m", "p"}


def test_from_a_document_the_person_is_made_and_opens(tmp_path: Path) -> None:
    rules = (
        rule("<persona>", "<persona>A fisher.</persona>"),
        rule(r"occasion\]", "<message>Name a river.</message>"),
    )
    found = made(tmp_path, simulate(), *rules, *ASKS, FIRST, SECOND, kind="documents", row=TEXT)
    (row,) = found.rows
    assert (told(row)["persona"], row["parents"], row["source"]) == ("A fisher.", ["d1"], "a.warc")
    assert row["messages"][0] == user("Name a river.")


@pytest.mark.parametrize(
    ("person", "answer", "why"),
    [
        ("<message>END</message>", "The Rhine.", "simulate/too-few-turns"),
        ("<message>As an AI, I know the Danube.</message>", "The Rhine.", "simulate/roles-swapped"),
        ("<message>How can I help you today?</message>", "The Rhine.", "simulate/roles-swapped"),
        ("<message>Name a river!</message>", "The Rhine.", "simulate/repeats"),
        ("<message>And one more, please?</message>", "The Rhine.\nUser: thanks", "simulate/roles-swapped"),
        ("<message>And one more, please?</message>", "I'm sorry, but I can't assist with that.", "simulate/refused"),
        ("And one more, please?", "The Rhine.", "simulate/unreadable-no-tag"),
        ("<message>One</message><message>Two</message>", "The Rhine.", "simulate/unreadable-several-answers"),
        ("<message>And one more, please?</message>", "", "simulate/unreadable-empty"),
    ],
)
def test_talks_that_went_wrong_are_left(tmp_path: Path, person: str, answer: str, why: str) -> None:
    found = made(tmp_path, simulate(), rule("<message>", person), rule("river", answer))
    assert (found.rows, found.reasons) == ([], [why])


def test_short_words_may_come_again_and_code_is_no_turn(tmp_path: Path) -> None:
    yaml = "It is the Rhine.\n```yaml\nuser: root\n```"
    rules = (rule("<message>", "<message>Yes, please</message>"), rule(r"please\Z", "Then hear this {n} story of it."))
    found = made(tmp_path, simulate(turns=2), *rules, rule("river", yaml))
    assert len(found.rows) == 1
    script = simulate(turns=3, min_turns=3).write(ROW)
    next(script)
    for text in (yaml, "<message>Yes, please</message>", "It is long, too.", "<message>Yes, please</message>"):
        script.send([reply(text)])
    with pytest.raises(StopIteration) as end:
        script.send([reply("Here is the last of it.")])
    assert isinstance(end.value.value[0], dict)


@given(
    st.lists(
        st.sampled_from(["<message>Why {}?</message>", "<message>END</message>", "no tag"]), min_size=4, max_size=4
    )
)
def test_roles_alternate_and_the_assistant_has_the_last_word(said: list[str]) -> None:
    script = simulate(turns=4, min_turns=1).write(ROW)
    requests = next(script)
    result: Any = None
    for number in range(20):
        one = requests[0]
        text = said[number % 4].format(number) if one.sampling.model == "p" else f"It is number {number} of them."
        try:
            requests = script.send([reply(text)])
        except StopIteration as end:
            (result,) = end.value
            break
    assert result is not None
    if isinstance(result, dict):
        roles = [turn["role"] for turn in result["messages"]]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
        assert told(result)["turns"] <= 4


def test_people_are_drawn_by_row_and_seed() -> None:
    many = read_personas(None)
    assert len(many) >= 30
    drawn = [simulate(personas=many).drawn(f"row {n}") for n in range(300)]
    assert len(set(drawn)) > 20
    assert drawn == [simulate(personas=many).drawn(f"row {n}") for n in range(300)]
    assert drawn != [simulate(personas=many, seed=1).drawn(f"row {n}") for n in range(300)]


def test_people_come_from_a_file_of_lines(tmp_path: Path) -> None:
    path = tmp_path / "people.txt"
    path.write_text("# nobody\nA cook.\n\nA cook.\nA king.\n", encoding="utf-8")
    assert read_personas(path) == ("A cook.", "A king.")
    path.write_text("# nobody\n", encoding="utf-8")
    with pytest.raises(Misuse, match="describes nobody"):
        read_personas(path)
    with pytest.raises(Misuse, match="cannot be read"):
        read_personas(tmp_path / "none.txt")


def test_an_answer_of_nothing_but_lines_is_read_to_its_end(tmp_path: Path) -> None:
    # Read again from every line, it would take hours.
    found = made(tmp_path, simulate(turns=1, min_turns=1), rule("", "x" + "\n" * 300_000 + "x y z"))
    assert found.reasons == []


def test_rows_that_open_no_talk_are_left_without_asking(tmp_path: Path) -> None:
    never = rule("", "x", fault="500")
    assert made(tmp_path / "a", simulate(), never, row={"id": "p", "prompt": [user(" ")]}).reasons == [
        "simulate/no-prompt"
    ]
    found = made(tmp_path / "b", simulate(), never, kind="documents", row={"id": "d", "text": " "})
    assert found.reasons == ["simulate/empty"]


def test_turns_must_make_sense() -> None:
    with pytest.raises(ValueError, match="min_turns"):
        simulate(turns=1, min_turns=2)
