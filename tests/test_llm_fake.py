"""The fake model: by rule, always the same, with the faults it is told to have; its output is draft only."""

import json
from pathlib import Path
from typing import Any

import pytest

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Job
from synth.llm.courier import Limits
from synth.llm.fake import REFUSAL, Fake, Rule, read_rules
from synth.llm.llm import LLM, Reply, Sampling
from tests.asking import SAMPLING, books, question, questions, texts, told

RULES = """
[[rule]]
when = "how many (\\\\w+)"
say = ["{1}: 3", "{1}: 4"]

[[rule]]
when = "system: be rude"
anywhere = true
say = '{"no": {1}}'

[[rule]]
when = "storm"
fault = "throttle"
times = 3

[[rule]]
when = "broken"
fault = "malformed"
"""


@pytest.fixture
def rules(tmp_path: Path) -> tuple[Rule, ...]:
    (tmp_path / "rules.toml").write_text(RULES)
    return read_rules(str(tmp_path / "rules.toml"))


def test_rules_from_a_file_speak_and_the_rest_is_echo(rules: tuple[Rule, ...]) -> None:
    fake = Fake(books=books(), rules=rules)
    assert texts(told(fake, [question("how many cats?"), question("else")])) == {
        "how many cats?": "cats: 3",
        "else": "else",
    }
    samples = {request.nth: outcome.text for request, outcome in fake.ask(question("how many?", nth=n) for n in ())}  # type: ignore[union-attr]
    assert samples == {}
    again = {r.nth: o.text for r, o in fake.ask([question("how many cats", nth=n) for n in range(3)])}  # type: ignore[union-attr]
    assert again == {0: "cats: 3", 1: "cats: 4", 2: "cats: 3"}


def test_faults_are_repeated_counted_and_end_as_failures(rules: tuple[Rule, ...]) -> None:
    account = books()
    fake = Fake(books=account, rules=rules, limits=Limits(tries=4))
    assert texts(told(fake, [question("storm"), question("broken"), question("fine")])) == {
        "storm": "storm",
        "broken": "<unreadable>",
        "fine": "fine",
    }
    assert account.ledger.of("m").faults == {"throttled": 3, "unreadable": 4}


@pytest.mark.parametrize(
    ("fault", "seen"),
    [("refusal", (REFUSAL, "refusal")), ("empty", ("", "stop")), ("length", ("one two", "length"))],
)
def test_answers_that_are_bent_are_still_answers(fault: str, seen: tuple[str, str]) -> None:
    found = told(Fake(books=books(), rules=[Rule(when="", fault=fault)]), [question("one two three four")])
    reply = found["one two three four"]
    assert isinstance(reply, Reply)
    assert (reply.text, reply.finish) == seen


def test_the_same_requests_give_the_same_answers_whatever_is_asked_beside_them() -> None:
    alone = told(Fake(books=books()), [question("question 7", logprobs=2)])
    beside = told(Fake(books=books()), [*questions(7), question("question 7", logprobs=2)])
    assert alone["question 7"] == beside["question 7"]


def test_structured_output_fits_its_schema() -> None:
    properties: dict[str, Any] = {
        "score": {"type": "integer", "minimum": 1},
        "why": {"type": "string"},
        "kind": {"enum": ["a", "b"]},
        "parts": {"type": "array", "items": {"$ref": "#/$defs/part"}, "minItems": 2},
        "extra": {"type": "string"},
    }
    schema = {"type": "object", "properties": properties, "required": ["score", "why", "kind", "parts"]}
    schema["$defs"] = {"part": {"type": "boolean"}}
    said = texts(told(Fake(books=books()), [question("form", schema=json.dumps(schema))]))["form"]
    assert json.loads(said) == {"score": 1, "why": "x", "kind": "a", "parts": [False, False]}


def test_stop_texts_and_max_tokens_end_an_answer() -> None:
    short = Sampling(model="m", max_tokens=2, stop=("STOP",))
    found = told(Fake(books=books()), [question("a STOP b", sampling=short), question("one two three", sampling=short)])
    ends = {asked: (one.text, one.finish) for asked, one in found.items() if isinstance(one, Reply)}
    assert ends == {"a STOP b": ("a ", "stop"), "one two three": ("one two", "length")}


def test_its_output_is_tainted_and_kept_from_the_cache(store: Any, tmp_path: Path) -> None:
    account = books(tmp_path)
    job = Job((), store.root, (Fake(books=account),))
    told(job.tool(LLM), [question("x", sampling=SAMPLING)])
    assert job.taints == {"answers come from the fake model"}
    assert account.cache is not None
    assert account.cache.rows("SELECT count(*) FROM answers") == [(0,)]
    account.cache.close()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[rule]]\nwhen = '('", "no regular expression"),
        ("[[rule]]\nwhen = 'a'\nfault = 'rain'", "no fault 'rain'"),
        ("[[rule]]\nsay = 'a'", "write \\[\\[rule\\]\\]"),
        ("rule = 5", "write \\[\\[rule\\]\\]"),
        ("=", "write \\[\\[rule\\]\\]"),
    ],
)
def test_rules_that_cannot_be_meant_are_refused(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(text)
    with pytest.raises(Misuse, match=said):
        read_rules(str(tmp_path / "rules.toml"))
