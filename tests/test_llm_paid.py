"""What must not happen to somebody who pays: answers that are lost, keys that are shown, requests that cannot work."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from dataset_cards.versions.errors import Misuse
from synth.llm.cache import answer
from synth.llm.courier import Limits
from synth.llm.fake import Fake
from synth.llm.fault import Fault
from synth.llm.http import Http
from synth.llm.llm import Failed, Sampling
from synth.llm.prices import Price, Prices
from synth.llm.wire import parsed, reply_of
from tests.asking import books, question, questions, told
from tests.llm_server import ModelServer

KEY = "sk-canary-0123456789abcdefghijklmnop"


def test_a_model_without_a_price_is_not_asked(tmp_path: Path) -> None:
    pytest.importorskip("openai", reason="models over HTTP need the extra synth")
    prices = Prices(currency="EUR", models={"other": Price(input=1.0, output=1.0)})
    with ModelServer() as server:
        with pytest.raises(Misuse, match=r'no \[models."m"\]; it names other'):
            told(Http(books=books(tmp_path, prices=prices), url=server.url), questions(50))
        assert server.counts()["answered"] == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": " "},
        {"max_tokens": 0},
        {"temperature": -0.1},
        {"temperature": float("nan")},
        {"top_p": 0.0},
        {"top_p": 1.5},
        {"extra": "nonsense"},
        {"extra": "[1]"},
        {"extra": "5"},
        {"extra": '{"n": 4}'},
        {"extra": '{"stream": true}'},
        {"extra": '{"model": null}'},
        {"extra": '{"messages": []}'},
        {"extra": '{"temperature": 0.5}'},
        {"extra": '{"temperature": 0}'},
        {"extra": '{"max_completion_tokens": 100000}'},
        {"extra": '{"max_completion_tokens": "many"}'},
    ],
)
def test_sampling_that_no_server_could_follow_is_refused_before_anything_is_asked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Sampling(**{"model": "m", **wrong})


def test_fields_that_a_model_does_not_take_can_be_left_out() -> None:
    extra = '{"max_tokens": null, "temperature": null, "max_completion_tokens": 50, "reasoning_effort": "low"}'
    body = orjson.loads(question("x", sampling=Sampling(model="m", max_tokens=50, extra=extra)).body)
    assert set(body) == {"model", "messages", "top_p", "max_completion_tokens", "reasoning_effort"}


@pytest.mark.parametrize("finish", ["error", "abort"])
def test_an_answer_that_the_server_broke_off_is_asked_for_again(finish: str) -> None:
    value = {"choices": [{"message": {"content": "The answer is"}, "finish_reason": finish}]}
    with pytest.raises(Fault, match=f"cut-off: .*{finish}") as fault:
        parsed(orjson.dumps(value))
    assert fault.value.again


@pytest.mark.parametrize(
    "usage", [None, 5, [], {"prompt_tokens": -5}, {"prompt_tokens": 2**70}, {"prompt_tokens": 1e300}]
)
def test_an_answer_is_kept_however_the_server_counts_its_tokens(usage: Any, tmp_path: Path) -> None:
    value = {"choices": [{"message": {"content": "x"}}], "usage": usage}
    reply = reply_of(value)
    assert (reply.text, reply.prompt_tokens) == ("x", 0)
    account = books(tmp_path)
    assert account.cache is not None
    account.cache.keep([answer(question("x"), reply)])


@pytest.mark.parametrize("finish", ["length", "stop", "tool_calls"])
def test_an_answer_that_is_null_is_an_empty_one_and_not_asked_for_again(finish: str) -> None:
    value = {"choices": [{"message": {"content": None}, "finish_reason": finish}], "usage": {"completion_tokens": 50}}
    reply = reply_of(value)
    assert (reply.text, reply.finish, reply.completion_tokens) == ("", finish, 50)


class _Echo(http.server.BaseHTTPRequestHandler):
    """Repeats the key that it was sent, as some proxies do."""

    said = b"%s"
    status = 200

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = self.said % self.headers["Authorization"].encode()
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing on stderr."""


@pytest.fixture
def echo() -> Iterator[tuple[str, type[_Echo]]]:
    handler = type("Echo", (_Echo,), {})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1", handler
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize("before", [0, 250, 270])
def test_a_key_that_a_server_repeats_is_not_shown_whole_or_in_part(
    echo: tuple[str, type[_Echo]], status: int, before: int
) -> None:
    pytest.importorskip("openai", reason="models over HTTP need the extra synth")
    url, handler = echo
    handler.status, handler.said = status, b"x" * before + b" you sent %s"
    # Where a server takes everything to be down after one fault, there is no answer to look at.
    llm = Http(books=books(), url=url, key=KEY, limits=Limits(tries=1, trip=2))
    (outcome,) = told(llm, [question("x")]).values()
    assert isinstance(outcome, Failed)
    assert "you sent Bearer ***" in outcome.detail
    assert "canary" not in outcome.detail


def test_a_fake_model_needs_its_price_too() -> None:
    with pytest.raises(Misuse, match="no model at all"):
        told(Fake(books=books(prices=Prices(currency="EUR", models={}))), questions(1))
