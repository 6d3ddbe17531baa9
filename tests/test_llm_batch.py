"""The batch API against a real server: submit, wait, collect, repeat what failed, and never submit twice."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Refused, Waiting
from synth.llm.batch import Batch
from synth.llm.budget import Budget
from synth.llm.courier import Books
from synth.llm.prices import Price, Prices
from tests.asking import books, question, questions, texts, told
from tests.llm_server import ModelServer

pytest.importorskip("openai", reason="models over HTTP need the extra synth")


def batch(server: ModelServer, folder: Path, account: Books | None = None, **more: Any) -> Batch:
    return Batch(books=account or books(folder), url=server.url, **more)


def test_a_run_submits_and_waits_and_a_later_one_collects(tmp_path: Path) -> None:
    prices = Prices(currency="EUR", models={"m": Price(input=1e6, output=1e6, batch=0.5)})
    asked = questions(10)
    with ModelServer(batch_seconds=1.5) as server:
        with pytest.raises(Waiting, match=r"10 requests are at http.*in one batch.*later to collect"):
            told(batch(server, tmp_path), asked)
        with pytest.raises(Waiting):
            told(batch(server, tmp_path), asked)
        time.sleep(1.5)
        account = books(tmp_path, prices=prices)
        assert texts(told(batch(server, tmp_path, account), asked))["question 3"] == "echo: question 3"
        assert texts(told(batch(server, tmp_path), asked))["question 3"] == "echo: question 3"
        counts = server.counts()
    assert (counts["batches"], counts["answered"], counts["twice"]) == (1, 10, [])
    tally = account.ledger.of("m")
    assert (tally.requests, tally.answered, tally.cached) == (10, 10, 0)
    assert tally.cost == 10 * (2 + 3) * 0.5
    assert list((tmp_path / "batches").iterdir()) == []


def test_lines_that_failed_go_into_the_next_batch_and_then_are_given_up(tmp_path: Path) -> None:
    asked = [*questions(3), question("once <<500*1>>"), question("late <<expired*1>>"), question("always <<500>>")]
    asked.append(question("never <<400>>"))
    found: dict[str, str] = {}
    with ModelServer() as server:
        for _ in range(6):
            try:
                found = texts(told(batch(server, tmp_path), asked))
                break
            except Waiting:
                continue
        counts = server.counts()
    assert found == {
        **{f"question {n}": f"echo: question {n}" for n in range(3)},
        "once <<500*1>>": "echo: once <<500*1>>",
        "late <<expired*1>>": "echo: late <<expired*1>>",
        "always <<500>>": "<server-error>",
        "never <<400>>": "<rejected>",
    }
    assert counts["twice"] == []
    assert counts["batches"] == 3


def test_many_requests_become_several_batches_and_twins_one_line(tmp_path: Path) -> None:
    with ModelServer() as server:
        asked = [*questions(10), question("question 1")]
        with pytest.raises(Waiting, match=r"10 requests are at .* in 4 batches"):
            list(batch(server, tmp_path, most_requests=3).ask(asked))
        assert len(list(batch(server, tmp_path).ask(asked))) == 11


def test_a_run_killed_between_intent_and_record_does_not_submit_twice(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom synth.llm.batch import Batch\n"
        "from synth.llm.batch_state import BatchState\nfrom tests.asking import books, questions\n"
        "def die(*_): os.kill(os.getpid(), signal.SIGKILL)\n"
        "BatchState.sent = die  # the provider has the batch, and nobody wrote down its name\n"
        "list(Batch(books=books(Path(sys.argv[2])), url=sys.argv[1]).ask(questions(5)))\n"
    )
    with ModelServer() as server:
        killed = subprocess.run([sys.executable, "-c", code, server.url, str(tmp_path)], check=False)
        assert killed.returncode == -signal.SIGKILL
        assert server.counts()["batches"] == 1
        assert len(told(batch(server, tmp_path), questions(5))) == 5
        counts = server.counts()
    assert (counts["batches"], counts["answered"]) == (1, 5)


def test_an_intent_that_never_reached_the_provider_is_submitted_by_the_next_run(tmp_path: Path) -> None:
    server = ModelServer()
    with server:
        pass  # now it has an address, and nobody is there
    with pytest.raises(Refused, match="nothing is submitted twice"):
        told(batch(server, tmp_path), questions(5))
    with server:
        # The five that were meant go out as they were, the sixth in a batch of its own.
        with pytest.raises(Waiting):
            told(batch(server, tmp_path), questions(6))
        assert len(told(batch(server, tmp_path), questions(6))) == 6
        counts = server.counts()
    assert (counts["batches"], counts["answered"], counts["twice"]) == (2, 6, [])


def test_a_budget_is_kept_before_anything_is_submitted(tmp_path: Path) -> None:
    with ModelServer() as server:
        account = books(tmp_path, Budget(tokens=2000))
        with pytest.raises(Refused, match="before --budget"):
            told(batch(server, tmp_path, account), questions(100))
        worst = account.purse.worst(questions(1)[0])
        told(batch(server, tmp_path), questions(4))
        assert server.counts()["answered"] == 2000 // worst


def test_batches_need_a_cache() -> None:
    with pytest.raises(Misuse, match="need a cache"):
        Batch(books=books(), url="http://127.0.0.1:1/v1")
