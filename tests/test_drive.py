"""Driving many conversations at once: each finishes on its own, once, and the same question is asked once."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from synth.drive import NoAnswer, Script, drive
from synth.llm.llm import Failed, Message, Reply, Request, Sampling

SAMPLING = Sampling(model="echo")


def question(text: str) -> Request:
    return Request(messages=(Message("user", text),), sampling=SAMPLING)


class Echo:
    """Answers in the order of a list of numbers, and not before it must; fails on what starts with `fail`."""

    taint: str | None = None

    def __init__(self, order: Sequence[int] = ()) -> None:
        self.order = list(order)
        self.asked: list[str] = []

    def ask(self, requests: Iterable[Request | None]) -> Iterator[tuple[Request, Reply | Failed]]:
        held: list[Request] = []
        for request in requests:
            if request is not None:
                held.append(request)
                self.asked.append(request.messages[0].content)
                if len(held) < 5:
                    continue
            yield self._answer(held.pop((self.order.pop() if self.order else 0) % len(held)))
        while held:
            yield self._answer(held.pop())

    def _answer(self, request: Request) -> tuple[Request, Reply | Failed]:
        text = request.messages[0].content
        if text.startswith("fail"):
            return request, Failed(reason="server-error", detail="told to", tries=3)
        return request, Reply(text=f"<{text}>", finish="stop", prompt_tokens=1, completion_tokens=1)


def talk(name: str, turns: Sequence[int]) -> Script[list[str]]:
    """Asks `turns[0]` questions at once, then `turns[1]`, and so on; returns all answers."""
    said: list[str] = []
    for turn, many in enumerate(turns):
        replies = yield [question(f"{name} {turn} {n}") for n in range(many)]
        said += [reply.text for reply in replies]
    return said


@given(st.lists(st.lists(st.integers(1, 3), max_size=3), max_size=12), st.lists(st.integers(0, 9)), st.integers(1, 4))
def test_every_script_gets_its_own_answers_in_order(scripts: list[list[int]], order: list[int], most_open: int) -> None:
    found = dict(drive(Echo(order), ((n, talk(str(n), turns)) for n, turns in enumerate(scripts)), most_open))
    expected = {
        n: [f"<{n} {turn} {m}>" for turn, many in enumerate(turns) for m in range(many)]
        for n, turns in enumerate(scripts)
    }
    assert found == expected


def test_a_question_that_several_ask_is_asked_once() -> None:
    echo = Echo()
    found = dict(drive(echo, ((n, talk("same", [1])) for n in range(4)), 10))
    assert echo.asked == ["same 0 0"]
    assert found == {n: ["<same 0 0>"] for n in range(4)}


def test_a_script_without_an_answer_ends_and_the_others_go_on() -> None:
    found: dict[int, Any] = dict(drive(Echo(), [(0, talk("a", [2, 1])), (1, talk("fail", [2, 1]))], 10))
    assert found[0] == ["<a 0 0>", "<a 0 1>", "<a 1 0>"]
    assert isinstance(found[1], NoAnswer)
    assert found[1].failed.reason == "server-error"


def test_what_cannot_be_sent_ends_its_script_with_the_reason() -> None:
    found: dict[int, Any] = dict(drive(Echo(), [(0, talk("\ud800", [1])), (1, talk("b", [1]))], 10))
    assert found[0].failed.reason == "unsendable"
    assert found[1] == ["<b 0 0>"]


def test_no_more_scripts_are_begun_than_may_be_open() -> None:
    begun = 0

    def scripts() -> Iterator[tuple[int, Script[list[str]]]]:
        nonlocal begun
        for n in range(100):
            begun += 1
            yield n, talk(str(n), [1])

    results = drive(Echo(), scripts(), 3)
    next(results)
    assert begun <= 5
    assert len(list(results)) == 99
