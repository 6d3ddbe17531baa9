"""The cache of answers: what is kept, under what name, by several processes, and what damage looks like."""

import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset_cards.versions.errors import Damaged
from dataset_cards.versions.files import Folder
from synth.llm.cache import NAME, Cache, answer, place
from synth.llm.ledger import Ledger, totals
from synth.llm.llm import Choice, Message, Reply, Request, Sampling, Token
from synth.llm.prices import Price, Prices
from tests.asking import question

REPLY = Reply(text="yes", finish="stop", prompt_tokens=3, completion_tokens=1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)


@settings(max_examples=30)
@given(st.lists(st.tuples(TEXT, st.floats(-50, 0))), TEXT, st.none() | TEXT, st.integers(0, 10**9))
def test_an_answer_comes_back_as_it_was_given(
    tmp_path_factory: pytest.TempPathFactory,
    words: list[tuple[str, float]],
    text: str,
    reasoning: str | None,
    count: int,
) -> None:
    tokens = tuple(Token(word, value, (Choice(word, value, 5), Choice("b", -9.5)), 7) for word, value in words)
    given_ = Reply(
        text=text * 200,
        finish="length",
        prompt_tokens=count,
        completion_tokens=len(words),
        logprobs=tokens or None,
        reasoning=reasoning,
    )
    cache = Cache(tmp_path_factory.mktemp("cache") / NAME)
    cache.keep([answer(question("q"), given_)])
    assert cache.get(question("q").key) == replace(given_, cached=True)
    cache.close()


def test_every_field_of_a_request_and_its_sampling_changes_the_key() -> None:
    base = Request(messages=(Message("user", "hi"),), sampling=Sampling(model="m"))
    other = {"model": "n", "revision": "r", "temperature": 0.5, "top_p": 0.5, "max_tokens": 7, "stop": ("x",)}
    other |= {"seed": 1, "extra": '{"top_k":1}'}
    assert other.keys() == {field.name for field in fields(Sampling)}
    requests = [base, *(replace(base, sampling=replace(base.sampling, **{k: v})) for k, v in other.items())]
    changed = {"messages": (Message("system", "hi"),), "schema": '{"type":"object"}', "logprobs": 1, "nth": 1}
    assert changed.keys() | {"sampling"} == {field.name for field in fields(Request)}
    requests += [replace(base, **{k: v}) for k, v in changed.items()]  # type: ignore[arg-type]
    assert len({request.key for request in requests}) == len(requests)


def test_the_key_is_a_hash_of_the_body_and_stays_the_same_in_every_process() -> None:
    assert question("hi").key == "0160fd8cec537f58263aea9b4e6e9cae2c1c21e1a923ff5de5294001bbe7a20e"


def test_processes_share_one_file(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom synth.llm.cache import Cache, answer\n"
        "from tests.asking import question\nfrom tests.test_llm_cache import REPLY\n"
        "cache = Cache(Path(sys.argv[1]))\n"
        "for n in range(100): cache.keep([answer(question(f'{sys.argv[2]} {n}'), REPLY)])\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / NAME)]
    running = [subprocess.Popen([*command, str(n)]) for n in range(2)]
    assert [process.wait() for process in running] == [0, 0]
    cache = Cache(tmp_path / NAME)
    assert cache.rows("SELECT count(*) FROM answers") == [(200,)]
    cache.close()


def test_damage_is_a_sentence_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "text.sqlite").write_text("this is no database, and long enough to be read as one\n" * 100)
    with pytest.raises(Damaged, match=r"text\.sqlite is damaged.*move it away and run again"):
        Cache(tmp_path / "text.sqlite")
    cache = Cache(tmp_path / NAME)
    cache.keep([answer(question("q"), REPLY)])
    with cache.transaction() as db:
        db.execute("UPDATE answers SET reply = replace(reply, 'yes', 'no!')")
    with pytest.raises(Damaged, match="does not match its checksum"):
        cache.get(question("q").key)
    cache.close()


def test_a_store_elsewhere_has_its_cache_in_the_users_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert place(Folder.at(str(tmp_path))) == tmp_path / "llm" / NAME
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    remote = place(Folder.at("memory://store"))
    assert remote.is_relative_to(tmp_path / "caches")
    assert remote != place(Folder.at("memory://other"))


def test_the_ledger_adds_up_over_runs_by_model_and_currency(tmp_path: Path) -> None:
    prices = Prices(currency="EUR", models={"m": Price(input=1.0, output=2.0, batch=0.5)})
    cache = Cache(tmp_path / NAME)
    for batch in (False, True):
        ledger = Ledger(prices)
        ledger.of("m").requests += 1
        ledger.answered("m", replace(REPLY, prompt_tokens=1_000_000, completion_tokens=1_000_000), 2.5, batch)
        ledger.of("m").faults["timeout"] += 2
        cache.keep([], ledger.run, ledger.counts())
        cache.keep([], ledger.run, ledger.counts())  # written again as the run goes on, not added
    found = totals(cache)["m"]
    assert (found["runs"], found["requests"], found["answered"], found["faults"]) == (2, 2, 2, {"timeout": 4})
    assert found["cost"] == {"EUR": 4.5}
    assert totals(cache, ledger.run)["m"]["cost"] == {"EUR": 1.5}
    assert "1 answered" in ledger.text()
    cache.close()
