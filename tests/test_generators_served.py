"""Critique, revision and judging by a real model behind HTTP: made here, served by `gristmill llm serve`, end to end.

The model is tiny and has learnt its answers by heart: what is tested is the wiring, from the row to the row. Prompts
are shorter than the shipped ones, which test_constitutional and test_judge look at, so that they are learnt soon.
"""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from dataset_cards.versions.job import Refused
from synth.constitution import Constitution
from synth.constitutional import Constitutional
from synth.drive import drive
from synth.generator import Generator
from synth.judge import Judge
from synth.llm.http import Http
from synth.llm.llm import Message, Sampling
from synth.prompt import Prompt
from tests.asking import books
from tests.generating import assistant, fake, rule, run, told, user
from tests.tiny_chat import tiny_chat

pytestmark = pytest.mark.slow
for package in ("torch", "transformers", "fastapi", "uvicorn", "openai"):
    pytest.importorskip(package, reason=f"a served model needs {package}: the extras train and synth")

TWO = Constitution(text="## kind: Be kind\nBe kind to people.\n\n## true: Be true\nSay what is so.\n")
CRITIQUE = Prompt(
    text="=== user\n{{conversation}}\n[{{mark}} end]\n{{title}}: {{principle}}\nWrite <critique> and <change>."
)
REVISE = Prompt(
    text="=== user\n{{conversation}}\n[{{mark}} critique]\n{{critique}}\n{{title}}: {{principle}}\nWrite <revision>."
)
COMPARE = Prompt(
    text="=== user\n{{conversation}}\n[{{mark}} answer A]\n{{first}}\n[{{mark}} answer B]\n{{second}}\n"
    "{{criteria}}\nWrite <verdict>."
)
PROMPTS = [{"id": f"p{n}", "prompt": [user(one)], "source": "web"} for n, one in enumerate(("How far?", "How much?"))]
PAIR = {"prompt": [user("How far?")], "chosen": [assistant("Five miles.")], "rejected": [assistant("Far.")]}
PAIRS = [{"id": "fair", **PAIR}, {"id": "torn", **PAIR, "prompt": [user("How much?")]}]
RULES = (
    rule(r"\Auser: How (\w+)\?\Z", "No idea about {1}."),
    rule("Write <critique>", "Let me see. <critique>It helps nobody.</critique> <change>yes</change>"),
    rule(r"How (\w+)\?(?s:.)*Write <revision>", "<revision>Ask me about {1} again.</revision>"),
    rule(r"How much\?(?s:.)*<verdict>", "The first one. <verdict>A</verdict>"),
    rule(r"answer A\]\nFive(?s:.)*<verdict>", "A is exact. <verdict>A</verdict>"),
    rule("<verdict>", "B is exact. <verdict>B</verdict>"),
)


class Served(NamedTuple):
    """A model's folder, and the address it answers at."""

    model: str
    url: str


def constitutional(model: str, **more: Any) -> Constitutional:
    sampling = Sampling(model=model, temperature=0.0, max_tokens=60)
    fields = {"critique": CRITIQUE, "revise": REVISE, "constitution": TWO, "rounds": 1, "max_unreadable": 0.0}
    return Constitutional(sampling=sampling, **{**fields, **more})


def judge(model: str, **more: Any) -> Judge:
    sampling = Sampling(model=model, temperature=0.0, max_tokens=60)
    return Judge(sampling=sampling, **{"prompt": COMPARE, "constitution": TWO, "max_unreadable": 0.0, **more})


def learnt() -> dict[tuple[Message, ...], str]:
    """What the generators ask about the rows, and what the rules say to it."""
    found: dict[tuple[Message, ...], str] = {}
    llm = fake(*RULES)

    class Noting:
        taint = None

        def ask(self, requests: Any) -> Any:
            for request, reply in llm.ask(requests):
                found[request.messages] = reply.text
                yield request, reply

    todo: list[tuple[Generator, list[dict[str, Any]]]] = [(constitutional("m"), PROMPTS), (judge("m"), PAIRS)]
    for generator, rows in todo:
        list(drive(Noting(), ((n, generator.write(row)) for n, row in enumerate(rows)), 9))
    return found


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    model = str(tiny_chat(folder / "model", learnt()))
    log = folder / "log.txt"
    with log.open("w") as out:
        command = [sys.executable, "-m", "gristmill", "llm", "serve", model, "--port", "0", "--device", "cpu"]
        environment = {**os.environ, "HF_HUB_OFFLINE": "1", "COLUMNS": "1000"}
        server = subprocess.Popen(command, stdout=out, stderr=out, env=environment, start_new_session=True)
    try:
        yield Served(model, _address(server, log))
    finally:
        os.killpg(server.pid, signal.SIGTERM)  # its own session: the server and the command around it
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait(20)


def _address(server: "subprocess.Popen[bytes]", log: Path) -> str:
    """Where the server answers, once it does."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        assert server.poll() is None, f"the server ended:\n{log.read_text()}"
        if found := re.search(r"http://127\.0\.0\.1:\d+", log.read_text()):
            try:
                with urllib.request.urlopen(f"{found[0]}/health", timeout=5):
                    return f"{found[0]}/v1"
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                pass
        time.sleep(0.2)
    pytest.fail(f"the server did not come up:\n{log.read_text()}")


def test_prompts_become_revised_preferences_over_http(served: Served, tmp_path: Path) -> None:
    llm = Http(books=books(), url=served.url)
    found = run(tmp_path, constitutional(served.model, give="preferences"), "prompts", PROMPTS, llm)
    assert found.left == []
    assert [(row["rejected"][0]["content"], row["chosen"][0]["content"]) for row in found.rows] == [
        (f"No idea about {what}.", f"Ask me about {what} again.") for what in ("far", "much")
    ]
    for row in found.rows:
        (step,) = told(row)["steps"]
        (principle,) = TWO.drawn(row["parents"][0], 1, 0)
        assert step == {"principle": principle.id, "critique": "It helps nobody.", "changed": True}
        assert row["origin"] == served.model
    tally = llm.books.ledger.of(served.model)
    assert (tally.requests, tally.answered) == (6, 6)


def test_pairs_are_judged_in_both_orders_over_http(served: Served, tmp_path: Path) -> None:
    found = run(tmp_path, judge(served.model), "preferences", PAIRS, Http(books=books(), url=served.url))
    assert found.left == []
    assert [(row["parents"], row["margin"]) for row in found.rows] == [(["fair"], 1.0), (["torn"], 0.0)]
    assert [[look["says"] for look in told(row)["pairs"][0]["looks"]] for row in found.rows] == [["1", "1"], ["1", "2"]]
    facts = found.facts["judged"]
    assert (facts["inconsistent"], facts["consistent"][0], facts["first_place"][0]) == (1, 0.5, 0.75)


def test_a_server_without_log_probabilities_is_named(served: Served, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="the server gave no log-probabilities"):
        run(tmp_path, judge(served.model, by="logprobs"), "preferences", PAIRS, Http(books=books(), url=served.url))
