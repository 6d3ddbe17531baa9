"""The small parts: waiting times, the window, budgets, prices, estimates, and which model an address means."""

import asyncio
import email.utils
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.files import Folder
from synth.llm.budget import Budget, Purse, Spent, parse_budget
from synth.llm.cache import Cache, answer
from synth.llm.choose import open_llm
from synth.llm.estimate import ENOUGH, estimate
from synth.llm.fake import Fake
from synth.llm.fault import Fault
from synth.llm.llm import Reply
from synth.llm.pace import CAP, GENTLE, START, Window, delay
from synth.llm.prices import Price, Prices, read_prices
from synth.llm.wire import parsed, retry_after, status_fault
from tests.asking import question, questions, told


@given(st.integers(1, 40))
def test_pauses_grow_to_a_cap_and_never_undercut_what_the_server_asked(alone: int) -> None:
    assert 0 < delay(alone, None) <= CAP
    assert delay(alone, None) >= min(CAP, 0.25 * 2 ** (alone - 1)) / 2
    assert 7.5 <= delay(alone, 7.5) < 8


def test_retry_after_is_read_in_every_form_it_comes_in() -> None:
    date = email.utils.formatdate(time.time() + 100, usegmt=True)
    assert retry_after({"retry-after": "2"}) == 2
    assert retry_after({"retry-after-ms": "250", "retry-after": "9"}) == 0.25
    assert 95 < (retry_after({"retry-after": date}) or 0) <= 100
    assert retry_after({"retry-after": email.utils.formatdate(0, usegmt=True)}) == 0
    assert [retry_after({"retry-after": text}) for text in ("", "soon", "nan", "inf", "-1")] == [None] * 5
    assert retry_after({}) is None


@pytest.mark.parametrize(
    ("status", "body", "reason", "again", "fatal"),
    [
        (429, b"slow down", "throttled", True, False),
        (429, b'{"error":{"code":"insufficient_quota"}}', "rejected", False, True),
        (529, b"overloaded", "throttled", True, False),
        (500, b"", "server-error", True, False),
        (408, b"", "timeout", True, False),
        (400, b"too long", "rejected", False, False),
        (401, b"bad key sk-1234567", "rejected", False, True),
        (404, b"no such model", "rejected", False, True),
    ],
)
def test_every_status_has_its_meaning(status: int, body: bytes, reason: str, again: bool, fatal: bool) -> None:
    fault = status_fault(status, body, {})
    assert (fault.reason, fault.again, fault.fatal) == (reason, again, fatal)
    assert "sk-1234567" not in fault.detail


@given(st.binary(max_size=200) | st.text().map(str.encode))
def test_no_answer_of_a_server_breaks_the_reader(data: bytes) -> None:
    with pytest.raises(Fault, match="unreadable"):
        parsed(data)


@pytest.mark.parametrize(
    "body",
    ["null", "[]", "1", '{"choices": null}', '{"choices": [{}]}', '{"choices": [{"message": {"content": 5}}]}'],
)
def test_json_that_is_no_completion_is_unreadable(body: str) -> None:
    with pytest.raises(Fault, match="unreadable"):
        parsed(body.encode())


def test_the_window_opens_with_answers_and_closes_with_throttles() -> None:
    async def check() -> None:
        window = Window(100)
        for _ in range(int(START)):
            await window.enter()
        late = asyncio.ensure_future(window.enter())
        await asyncio.sleep(0)
        assert not late.done()
        window.answered(0.1)
        await asyncio.wait_for(late, 1)
        assert window.limit == START + 1
        window.throttled()
        assert window.limit == (START + 1) / 2
        window.throttled()  # the same moment: one cut is enough
        assert window.limit == (START + 1) / 2
        window._cut = time.monotonic() - 2
        window.throttled()
        assert window.limit == (START + 1) / 2 * GENTLE

    asyncio.run(check())


def test_a_place_that_is_given_up_goes_to_the_next() -> None:
    async def check() -> None:
        window = Window(1)
        await window.enter()
        gone, heir = asyncio.ensure_future(window.enter()), asyncio.ensure_future(window.enter())
        await asyncio.sleep(0)
        window.leave()  # passes the place to `gone`, which is cancelled before it wakes
        gone.cancel()
        await asyncio.wait_for(heir, 1)
        window.leave()
        assert window.busy == 0

    asyncio.run(check())


@given(st.lists(st.integers(1, 400), max_size=30), st.integers(0, 3000))
def test_a_purse_never_pays_more_than_its_budget(costs: list[int], budget: int) -> None:
    async def check() -> None:
        purse = Purse(Budget(tokens=budget), None)
        request = question("what")
        for cost in costs:
            try:
                await purse.reserve(request)
            except Spent:
                assert purse.spent + purse.worst(request) > budget
                return
            used = min(cost, int(purse.worst(request)) - 1)
            purse.settle(request, Reply(text="", finish="stop", prompt_tokens=1, completion_tokens=used))
        assert purse.reserved == 0

    asyncio.run(check())


@pytest.mark.parametrize(
    ("text", "budget"),
    [("5", Budget(money=5)), ("2.50", Budget(money=2.5)), ("200_000 tokens", Budget(tokens=200_000))],
)
def test_budgets_are_money_or_tokens(text: str, budget: Budget) -> None:
    assert parse_budget(text) == budget


@pytest.mark.parametrize("text", ["", "much", "-1", "1.5 tokens", "_", "5 EUR"])
def test_budgets_that_cannot_be_meant_are_refused(text: str) -> None:
    with pytest.raises(Misuse, match="--budget"):
        parse_budget(text)


def test_a_budget_in_money_needs_prices() -> None:
    with pytest.raises(Misuse, match="give --prices FILE"):
        Purse(Budget(money=1), None)


def test_prices_are_read_from_both_formats_and_mistakes_are_named(tmp_path: Path) -> None:
    toml, as_json = tmp_path / "prices.toml", tmp_path / "prices.json"
    toml.write_text('currency = "USD"\n[models."org/m-1"]\ninput = 0.15\noutput = 0.6\nbatch = 0.5\n')
    as_json.write_text('{"currency": "USD", "models": {"org/m-1": {"input": 0.15, "output": 0.6, "batch": 0.5}}}')
    assert read_prices(str(toml)) == read_prices(str(as_json))
    price = read_prices(str(toml)).of("org/m-1")
    assert price.cost(1_000_000, 1_000_000) == pytest.approx(0.75)
    assert price.cost(1_000_000, 1_000_000, batch=True) == pytest.approx(0.375)
    with pytest.raises(Misuse, match=r"no \[models\.\"x\"\]; it names org/m-1"):
        read_prices(str(toml)).of("x")
    for text, said in (
        ("x", "no TOML"),
        ("[models.m]\ninput = 1\noutput = 1", "currency"),
        ('currency = "USD"\n[models.m]\ninput = 1', 'models."m" needs input and output'),
        ('currency = "USD"\n[models.m]\ninput = -1\noutput = 1', "-1 is no amount"),
        ('currency = "USD"\n[models.m]\ninput = "1"\noutput = 1', "no amount"),
    ):
        toml.write_text(text)
        with pytest.raises(Misuse, match=said):
            read_prices(str(toml))


def test_an_estimate_says_where_its_numbers_come_from(tmp_path: Path) -> None:
    sample = [question("one two three four five six"), question("seven eight")]
    prices = Prices(currency="EUR", models={"m": Price(input=1e6, output=1e6)})
    guess = estimate(sample, 100, prices=prices)
    assert (guess.requests, guess.completion_tokens) == (100, 100 * 25)
    assert guess.money == guess.prompt_tokens + guess.completion_tokens
    assert "a guess" in guess.text()
    assert "too few to go by" in guess.text()

    file = tmp_path / "tokenizer.json"
    words = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.save(str(file))
    exact = estimate(sample, tokenizer=str(file))
    assert exact.prompt_tokens == 6 + 2 + 2 * 4
    assert "counted with" in exact.how[0]

    cache = Cache(tmp_path / "answers.sqlite")
    reply = Reply(text="a", finish="stop", prompt_tokens=5, completion_tokens=10)
    cache.keep(answer(request, reply) for request in questions(ENOUGH))
    measured = estimate(sample, 1000, cache=cache)
    assert measured.completion_tokens == 10_000
    assert "measured on 20 answers" in measured.how[0]
    cache.close()


def test_an_estimate_refuses_what_it_cannot_know(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="one model"):
        estimate([])
    (tmp_path / "t.json").write_text("{}")
    with pytest.raises(Misuse, match="no tokenizers file"):
        estimate(questions(1), tokenizer=str(tmp_path / "t.json"))


def test_an_address_says_which_model(tmp_path: Path) -> None:
    llm, account = open_llm("fake", Folder.at(str(tmp_path)))
    assert isinstance(llm, Fake)
    assert account.cache is None
    assert len(told(llm, questions(3))) == 3
    for address in ("", "gpt", "local:"):
        with pytest.raises(Misuse, match="is no model; write http"):
            open_llm(address, Folder.at(str(tmp_path)))
