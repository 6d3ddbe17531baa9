"""Models over HTTP, against a real server in another process that misbehaves as told.

Not here: processes that are killed (test_llm_kill), the batch API (test_llm_batch).
"""

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Job, Refused, Waiting
from synth.llm.budget import TEMPLATE, Budget
from synth.llm.courier import Books, Limits
from synth.llm.http import Http
from synth.llm.llm import LLM, Failed, Reply, Request, Sampling
from synth.llm.prices import Price, Prices
from tests.asking import SAMPLING, books, question, questions, texts, told
from tests.llm_server import ModelServer

pytest.importorskip("openai", reason="models over HTTP need the extra synth")

QUICK = Limits(in_flight=32, tries=3, trip=10)


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with ModelServer(latency=0.01, key="sk-secret-1234") as running:
        yield running


def http(server: ModelServer, books: Books, **more: Any) -> Http:
    return Http(books=books, url=server.url, **{"key": "sk-secret-1234", "limits": QUICK, **more})


def test_every_request_comes_back_once_with_its_own_answer(server: ModelServer) -> None:
    llm = http(server, books())
    assert isinstance(llm, LLM)
    assert texts(told(llm, questions(200))) == {f"question {n}": f"echo: question {n}" for n in range(200)}


def test_a_run_finds_it_as_a_tool_without_a_taint(server: ModelServer, store: Any) -> None:
    job = Job((), store.root, (http(server, books()),))
    assert isinstance(job.tool(LLM), Http)
    assert not job.taints


@pytest.mark.parametrize("fault", ["500", "503", "drop", "cut", "malformed", "shape"])
def test_a_passing_fault_is_repeated_until_it_is_answered(server: ModelServer, fault: str) -> None:
    asked = f"passing <<{fault}*2>>"
    account = books()
    assert texts(told(http(server, account), [question(asked)])) == {asked: f"echo: {asked}"}
    tally = account.ledger.of("m")
    assert (tally.tries, sum(tally.faults.values()), tally.answered) == (3, 2, 1)


@pytest.mark.parametrize(
    ("fault", "reason", "tries"),
    [
        ("500", "server-error", 3),
        ("drop", "dropped", 3),
        ("cut", "cut-off", 3),
        ("malformed", "unreadable", 3),
        ("shape", "unreadable", 3),
        ("400", "rejected", 1),
        ("422", "rejected", 1),
    ],
)
def test_a_request_that_never_works_fails_alone_and_with_its_reason(
    server: ModelServer, fault: str, reason: str, tries: int
) -> None:
    asked = f"never <<{fault}>>"
    found = told(http(server, books()), [question(asked), *questions(5, " beside it")])
    failed = found.pop(asked)
    assert isinstance(failed, Failed)
    assert (failed.reason, failed.tries) == (reason, tries)
    assert all(isinstance(reply, Reply) for reply in found.values())


def test_a_server_that_never_answers_is_left_after_the_timeout(server: ModelServer) -> None:
    found = told(http(server, books(), timeout=0.1), [question("<<hang>> forever"), question("not this one")])
    assert texts(found) == {"<<hang>> forever": "<timeout>", "not this one": "echo: not this one"}


def test_refusals_and_empty_answers_are_answers(server: ModelServer) -> None:
    asked = {name: f"<<{name}>> please" for name in ("refusal", "empty", "filtered", "length", "no-usage")}
    account = books()
    found = told(http(server, account), [question(text) for text in asked.values()])
    seen = {name: (found[text].text, found[text].finish) for name, text in asked.items()}  # type: ignore[union-attr]
    assert seen["refusal"] == ("I will not.", "refusal")
    assert seen["empty"] == ("", "stop")
    assert seen["filtered"] == ("", "refusal")
    assert seen["length"][1] == "length"
    assert account.ledger.of("m").uncounted == 1


def test_what_cannot_be_sent_fails_without_stopping_the_rest(server: ModelServer) -> None:
    found = texts(told(http(server, books()), [question("half \ud800 a pair"), question("whole")]))
    assert found == {"half \ud800 a pair": "<unsendable>", "whole": "echo: whole"}


def test_answers_are_not_paid_for_twice_and_failures_are_asked_again(server: ModelServer, tmp_path: Path) -> None:
    asked = [*questions(20, " for the cache"), question("fails <<400*1>>")]
    first = told(http(server, books(tmp_path)), asked)
    before = server.counts()["let in"]
    account = books(tmp_path)
    second = told(http(server, account), asked)
    assert server.counts()["let in"] == before + 1
    assert isinstance(first["fails <<400*1>>"], Failed)
    assert isinstance(second["fails <<400*1>>"], Reply)
    assert (account.ledger.of("m").cached, account.ledger.of("m").answered) == (20, 1)


def test_the_same_question_twice_at_once_is_asked_once_and_its_samples_apart(server: ModelServer) -> None:
    account = books()
    asked = [question("twin"), question("twin"), question("twin", nth=1)]
    found = [(request.nth, outcome.cached) for request, outcome in http(server, account).ask(asked)]  # type: ignore[union-attr]
    assert sorted(found) == [(0, False), (0, True), (1, False)]
    assert server.answers()["twin"] == 2


def test_structured_output_is_used_where_the_server_has_it_and_left_where_not(
    server: ModelServer, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    schema = '{"type":"object","properties":{"answer":{"type":"string"}},"required":["answer"]}'
    asked = [question(f"formed {n}", schema=schema) for n in range(5)]
    assert texts(told(http(server, books()), asked))["formed 3"] == '{"answer": "formed 3"}'
    with ModelServer(structured=False) as bare:
        llm = Http(books=books(tmp_path), url=bare.url, limits=QUICK)
        with caplog.at_level(logging.WARNING):
            assert texts(told(llm, asked))["formed 3"] == "echo: formed 3"
        assert "no structured output" in caplog.text
        before = bare.counts()["let in"]
        assert all(reply.cached for reply in told(Http(books=books(tmp_path), url=bare.url), asked).values())  # type: ignore[union-attr]
        assert bare.counts()["let in"] == before


def test_log_probabilities_arrive_per_token_with_their_rivals(server: ModelServer, tmp_path: Path) -> None:
    asked = question("two words", logprobs=3)
    for _ in range(2):  # from the server, then from the cache
        reply = told(http(server, books(tmp_path)), [asked])["two words"]
        assert isinstance(reply, Reply)
        assert reply.logprobs is not None
        assert [token.text for token in reply.logprobs] == ["echo:", "two", "words"]
        assert [choice.logprob for choice in reply.logprobs[0].top] == [-0.25, -1.25, -2.25]


def test_requests_are_read_only_so_far_ahead() -> None:
    read = 0

    def endless() -> Iterator[Request]:
        nonlocal read
        while True:
            read += 1
            yield question(f"endless {read}")

    with ModelServer() as quick:
        stream = Http(books=books(), url=quick.url, limits=Limits(in_flight=8)).ask(endless())
        for _ in range(50):
            next(stream)
        stream.close()
    assert read <= 50 + 2 * 8


def test_requests_may_wait_for_answers(server: ModelServer) -> None:
    answers: list[str] = []

    def chain() -> Iterator[Request | None]:
        yield question("link 0")
        for n in range(1, 5):
            while len(answers) < n:
                yield None
            yield question(f"link {n} after {answers[-1]}")

    for _, reply in http(server, books()).ask(chain()):
        answers.append(reply.text if isinstance(reply, Reply) else "")
    assert len(answers) == 5
    assert answers[1] == "echo: link 1 after echo: link 0"
    with pytest.raises(RuntimeError, match="no request is under way"):
        list(http(server, books()).ask(iter([None])))


def test_throttling_is_obeyed_and_everything_is_answered_all_the_same() -> None:
    with ModelServer(rate=100, burst=0.1) as slow:
        account = books()
        assert len(told(Http(books=account, url=slow.url, limits=Limits(in_flight=64)), questions(60))) == 60
        counts = slow.counts()
        assert counts["answered"] == counts["let in"] == 60
        assert counts["throttled"] == account.ledger.of("m").faults["throttled"] > 0


def test_a_long_retry_after_ends_the_run_with_waiting(tmp_path: Path) -> None:
    with ModelServer(rate=0.001, burst=5000) as slow:
        llm = Http(books=books(tmp_path), url=slow.url, limits=QUICK)
        with pytest.raises(Waiting, match=r"left alone for 1[67] minutes.*; 5 requests were answered"):
            told(llm, questions(10))


def test_a_server_that_is_down_ends_the_run_and_a_rerun_goes_on(tmp_path: Path) -> None:
    broken = ModelServer(faults={"500": 1.0})
    with broken, pytest.raises(Refused, match=r"seems to be down.*run again to go on"):
        told(Http(books=books(tmp_path), url=broken.url, limits=Limits(tries=2, trip=10)), questions(40))
    with pytest.raises(Refused, match="unreachable"):
        told(Http(books=books(tmp_path), url=broken.url, limits=Limits(tries=2)), questions(1))
    with ModelServer() as mended:
        assert len(told(Http(books=books(tmp_path), url=mended.url), questions(40))) == 40


def test_a_refused_key_stops_at_once_and_is_never_shown(
    server: ModelServer, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    account = books(tmp_path)
    with caplog.at_level(logging.DEBUG):
        wrong = http(server, account, key="sk-wrong-key-99")
        with pytest.raises(Refused, match="refused the API key") as refused:
            told(wrong, questions(50, " with a wrong key"))
        right = http(server, books(tmp_path))
        told(right, [question("says <<400>> sk-secret-1234 back")])
    shown = f"{refused.value}{wrong!r}{right!r}{caplog.text}"
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert "sk-wrong" not in shown
    assert "Bearer sk-secret" not in shown
    assert b"sk-wrong" not in stored
    assert b"Bearer" not in stored


def test_a_model_that_is_not_there_stops_with_its_name() -> None:
    with ModelServer(model="other") as other, pytest.raises(Refused, match="there is no such model"):
        told(Http(books=books(), url=other.url), questions(3))


@pytest.mark.parametrize("url", ["", "127.0.0.1:8000", "ftp://127.0.0.1", "http://", "http://[::1"])
def test_an_address_that_is_none_is_misuse(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(Misuse, match="address"):
        Http(books=books(), url=url)


def test_a_password_in_the_address_is_not_shown() -> None:
    assert "pass" not in repr(Http(books=books(), url="http://user:pass@127.0.0.1:1/v1?key=pass"))


@pytest.mark.parametrize("budget", [Budget(tokens=2000), Budget(money=2.0)])
def test_a_budget_stops_before_it_is_exceeded_and_keeps_what_was_answered(budget: Budget, tmp_path: Path) -> None:
    prices = Prices(currency="EUR", models={"m": Price(input=1000.0, output=1000.0)})
    asked = questions(1000)
    came: list[Request] = []
    with ModelServer(latency=0.005) as server:
        account = books(tmp_path, budget, prices)
        stream = Http(books=account, url=server.url, limits=QUICK).ask(asked)
        with pytest.raises(Refused, match=r"before --budget 2.* could be exceeded.*raise --budget"):
            came.extend(request for request, _ in stream)
        counts = server.counts()
    tally = account.ledger.of("m")
    spent = tally.prompt_tokens + tally.completion_tokens
    assert len(came) == counts["answered"] == tally.answered
    most = len(asked[-1].body) + TEMPLATE + 50  # what one more request might have taken
    assert 2000 - most <= spent <= 2000
    assert books(tmp_path).cache.get(asked[0].key) is not None  # type: ignore[union-attr]


def test_sampling_reaches_the_server_as_it_is_hashed() -> None:
    sampling = Sampling(model="m", stop=("X",), seed=7, extra='{"top_k": 20}')
    body = question("whole", sampling=sampling, nth=2, logprobs=1).body
    assert b'"stop":["X"]' in body
    assert b'"top_k":20' in body
    assert b'"seed":7' not in body  # the third sample has a seed of its own
    assert question("whole", sampling=SAMPLING).body == question("whole").body


def test_closing_early_leaves_nothing_running(server: ModelServer) -> None:
    llm = http(server, books())
    stream = llm.ask(questions(500, " left early"))
    next(stream)
    began = time.monotonic()
    stream.close()
    assert llm._flow._courier is None
    assert time.monotonic() - began < 30
