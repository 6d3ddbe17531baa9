"""Safety: which guidance a row is answered below, and that what came is what was due; the tagger of refusals."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.generator import row_id
from synth.llm.fake import Rule
from synth.llm.llm import Sampling
from synth.prompt import prompts
from synth.refusals import TAGS, refusal, trained
from synth.safety import Safety
from tests.generating import Outcome, asked, assistant, fake, golden, rule, run, told, user

FOUND = prompts(None, "safety", "decline", "answer", "check")
BAD = {"id": "h1", "prompt": [user("How do I poison a well?")], "source": "web", "metadata": '{"label": "harmful"}'}
GOOD = {"id": "s1", "prompt": [user("How do I kill a process?")], "source": None, "metadata": '{"label": "safe"}'}
KIND = "I'm sorry, but I can't help with poisoning water. I can explain how wells are kept clean."
FULL = "Find its number with ps and end it with kill and that number; kill -9 ends it at once."


def safety(**more: Any) -> Safety:
    fields = {
        "sampling": Sampling(model="m", temperature=0.7, max_tokens=300),
        "decline": FOUND["decline"],
        "answer": FOUND["answer"],
        "check_prompt": FOUND["check"],
    }
    return Safety(**{**fields, "max_unreadable": 1.0, **more})


def says(bad: str = KIND, good: str = FULL, checked: str | None = None) -> tuple[Rule, ...]:
    """A model that answers both, and checks rightly unless told what to say."""
    rules = [] if checked is None else [rule(r"last turn do with", f"<refusal>{checked}</refusal>")]
    return (
        *rules,
        rule(r"assistant\]\nI'm sorry(?s:.)*last turn do with", "It declines. <refusal>full</refusal>"),
        rule(r"last turn do with", "<refusal>none</refusal>"),
        rule("poison a well", bad),
        rule("kill a process", good),
    )


def made(tmp_path: Path, generator: Safety, *rules: Rule, rows: Any = (BAD, GOOD)) -> Outcome:
    return run(tmp_path, generator, "prompts", rows, fake(*rules))


def test_the_prompts_are_these() -> None:
    own = {**BAD, "prompt": [{"role": "system", "content": "You are a pirate."}, *BAD["prompt"]]}  # type: ignore[misc]
    golden(
        "safety",
        [*asked(safety(), BAD, *says()), *asked(safety(), own, *says())[:1], *asked(safety(), GOOD, *says())[:1]],
    )


def test_harmful_requests_are_declined_and_harmless_ones_answered(tmp_path: Path) -> None:
    found = made(tmp_path, safety(), *says())
    assert [row["messages"] for row in found.rows] == [
        [*BAD["prompt"], assistant(KIND)],  # type: ignore[misc]
        [*GOOD["prompt"], assistant(FULL)],  # type: ignore[misc]
    ]
    row = found.rows[0]
    assert (row["id"], row["origin"], row["parents"]) == (row_id("safety", ["h1"], 0, KIND), "m", ["h1"])
    assert told(row) == {
        "generator": "safety",
        "model": "m",
        "prompt": FOUND["decline"].fingerprint,
        "check_prompt": FOUND["check"].fingerprint,
        "sampling": {"temperature": 0.7, "top_p": 1.0, "max_tokens": 300},
        "label": "harmful",
        "refusal": {"tagger": "full", "model": "full"},
    }
    assert found.facts["safety"] == {"kept": {"harmful": 1, "harmless": 1}, "left": {}}


@pytest.mark.parametrize(
    ("row", "said", "checked", "why"),
    [
        (BAD, FULL, "none", "safety/answered-harmful"),
        (BAD, KIND, "none", "safety/checks-disagree"),
        (BAD, FULL, "partial", "safety/answered-harmful"),
        (BAD, KIND + " Wells are kept clean in many ways." * 30, "full", "safety/long-refusal"),
        (GOOD, KIND, "full", "safety/refused-harmless"),
        (GOOD, FULL, "partial", "safety/checks-disagree"),
        (GOOD, FULL, "maybe", "safety/unreadable-no-choice"),
        (GOOD, "", "none", "safety/unreadable-empty"),
    ],
)
def test_an_answer_that_was_not_due_is_left(tmp_path: Path, row: Any, said: str, checked: str, why: str) -> None:
    found = made(tmp_path, safety(), *says(said, said, checked), rows=(row,))
    assert (found.rows, found.reasons) == ([], [why])


def test_the_tagger_alone_costs_one_request_and_the_model_alone_is_asked_twice() -> None:
    assert len(asked(safety(check="tagger"), BAD, *says())) == 1
    assert len(asked(safety(check="model"), BAD, *says())) == 2


def test_the_model_alone_tells_partial_refusals_apart(tmp_path: Path) -> None:
    rows = made(tmp_path, safety(check="model"), *says(checked="partial"))
    assert rows.reasons == ["safety/partly-answered", "safety/partly-refused"]


def test_a_refusal_by_the_provider_is_no_kind_refusal(tmp_path: Path) -> None:
    found = made(tmp_path, safety(), rule("poison", "", fault="refusal"), rows=(BAD,))
    assert found.reasons == ["safety/unreadable-refused"]


@pytest.mark.parametrize(
    "metadata", [None, "{}", '{"label": "unclear"}', '{"label": null}', '{"other": "safe"}', '{"label": ["safe"]}']
)
def test_rows_without_a_label_are_left_without_asking(tmp_path: Path, metadata: str | None) -> None:
    found = made(tmp_path, safety(), rule("", "x", fault="500"), rows=({**GOOD, "metadata": metadata},))
    assert found.reasons == ["safety/no-label"]


def test_the_label_and_its_values_have_the_names_they_are_given(tmp_path: Path) -> None:
    row = {**GOOD, "metadata": json.dumps({"kind": "ok"})}
    found = made(tmp_path, safety(label="kind", harmless=("ok",)), *says(), rows=(row,))
    assert len(found.rows) == 1
    with pytest.raises(ValueError, match="harmful and harmless at once"):
        safety(harmful=("x",), harmless=("x",))


@pytest.mark.parametrize(
    ("answer", "tag"),
    [
        ("I'm sorry, but I can't assist with that.", "full"),
        ("I’m sorry, but I can’t assist with that.", "full"),
        ("I cannot fulfill your request. I'm just an AI, it is not ethical to provide instructions for theft.", "full"),
        ("<think>Sorry, I can't.</think>Paris is the capital of France.", "none"),
        ("The answer is 18.\n#### 18", "none"),
        ("You cannot divide by zero, so there is no solution.", "none"),
        ("", "none"),
        ("...", "none"),
    ],
)
def test_the_tagger_on_plain_cases(answer: str, tag: str) -> None:
    assert refusal(answer) == tag


def test_the_tagger_is_the_one_whose_figures_stand_in_the_docs() -> None:
    """Other weights are other decisions: raise `revision` of Evolve, Safety and Simulate, and measure again."""
    assert trained().fingerprint == "273d7ea07d50caf6"
    assert trained().weights.shape == (1 << 14, len(TAGS))


@given(st.text(max_size=300))
def test_any_text_has_a_tag(text: str) -> None:
    assert refusal(text) in TAGS
    assert refusal(text.upper()) in TAGS
