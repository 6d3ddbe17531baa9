"""A transformers model in this process: the same answers however requests are batched, true log-probabilities."""

import math
import warnings
from pathlib import Path
from typing import Any

import pytest

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Refused
from synth.llm.budget import Budget
from synth.llm.llm import LLM, Failed, Message, Reply, Request, Sampling
from tests.asking import books, told
from tests.tiny_model import make

torch = pytest.importorskip("torch", reason="local models need the extra train")
pytest.importorskip("transformers", reason="local models need the extra train")
pytestmark = pytest.mark.slow

from synth.llm.local import Local  # noqa: E402


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of transformers, about itself
        return make(tmp_path_factory.mktemp("tiny"))


def local(tiny: str, **more: Any) -> Local:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Local(tiny, **{"books": books(), **more})


def ask(tiny: str, text: str, **more: Any) -> Request:
    sampling = Sampling(model=tiny, **{"max_tokens": 12, **more})
    return Request(messages=(Message("user", text),), sampling=sampling)


def said(llm: Local, requests: list[Request]) -> list[tuple[str, str]]:
    found = told(llm, requests)
    replies = [found[request.messages[0].content] for request in requests]
    return [(reply.text, reply.finish) for reply in replies if isinstance(reply, Reply)]


def test_answers_are_those_of_transformers_itself_when_nothing_is_drawn(tiny: str) -> None:
    llm = local(tiny)
    assert isinstance(llm, LLM)
    texts = ["a", "what is this", "a much longer question than the others, to be padded against"]
    ours = said(llm, [ask(tiny, text, temperature=0.0) for text in texts])
    for text, (answer, _) in zip(texts, ours, strict=True):
        prompt = llm._tokenizer(f"<user>{text}</s><assistant>", return_tensors="pt", add_special_tokens=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            whole = llm._model.generate(**prompt, max_new_tokens=12, do_sample=False)
        theirs = llm._tokenizer.decode(whole[0, prompt["input_ids"].shape[1] :], skip_special_tokens=True)
        assert answer == theirs


def test_draws_do_not_depend_on_who_is_asked_beside_or_how_batches_are_cut(tiny: str) -> None:
    requests = [ask(tiny, f"question {'x' * n}", temperature=1.0, top_p=0.9) for n in range(6)]
    together = said(local(tiny), requests)
    assert together == said(local(tiny, most_rows=1), requests)
    assert together == said(local(tiny, batch_tokens=100), requests[::-1])[::-1]
    assert len(set(together)) > 1


def test_samples_of_one_question_differ_and_seeds_repeat(tiny: str) -> None:
    request = ask(tiny, "again", temperature=1.0, seed=3)
    samples = [Request(messages=request.messages, sampling=request.sampling, nth=n) for n in range(4)]
    first = {one.nth: reply.text for one, reply in local(tiny).ask(samples) if isinstance(reply, Reply)}
    again = {one.nth: reply.text for one, reply in local(tiny).ask(samples) if isinstance(reply, Reply)}
    assert first == again
    assert len(set(first.values())) == 4


def test_log_probabilities_are_the_models_own(tiny: str) -> None:
    llm = local(tiny)
    request = Request(messages=(Message("user", "hi"),), sampling=Sampling(model=tiny, max_tokens=6), logprobs=5)
    reply = told(llm, [request])["hi"]
    assert isinstance(reply, Reply)
    assert reply.logprobs is not None
    prompt = llm._tokenizer("<user>hi</s><assistant>", add_special_tokens=False)["input_ids"]
    drawn = [token.id for token in reply.logprobs]
    with torch.inference_mode():
        logits = llm._model(torch.tensor([prompt + drawn])).logits[0].double().log_softmax(-1)
    for n, token in enumerate(reply.logprobs):
        row = logits[len(prompt) - 1 + n]
        assert math.isclose(token.logprob, float(row[drawn[n]]), abs_tol=1e-4)
        assert [choice.id for choice in token.top] == row.topk(5).indices.tolist()
        assert math.isclose(token.top[0].logprob, float(row.max()), abs_tol=1e-4)


def test_the_token_that_ends_an_answer_says_nothing_and_keeps_its_place_and_log_probabilities(tiny: str) -> None:
    llm = local(tiny)
    llm._ends = frozenset(range(2, 300, 5))  # it knows no end, so many tokens may be one
    sampling = Sampling(model=tiny, max_tokens=50)
    request = Request(messages=(Message("user", "hi"),), sampling=sampling, logprobs=3)
    reply = told(llm, [request])["hi"]
    assert isinstance(reply, Reply)
    assert reply.logprobs is not None
    assert reply.finish == "stop"
    *said, last = reply.logprobs
    assert (last.text, last.id in llm._ends, len(last.top)) == ("", True, 3)
    assert len(said) == reply.completion_tokens
    assert not any(token.id in llm._ends for token in said)
    assert llm._tokenizer.decode([token.id for token in said], skip_special_tokens=True) == reply.text


def test_stop_texts_end_an_answer_and_are_left_out(tiny: str) -> None:
    whole, _ = said(local(tiny), [ask(tiny, "stop", temperature=0.0)])[0]
    short, finish = said(local(tiny), [ask(tiny, "stop", temperature=0.0, stop=(whole[3],))])[0]
    assert short == whole[: whole.index(whole[3])]
    assert finish == "stop"


def test_answers_come_from_the_cache_the_second_time(tiny: str, tmp_path: Path) -> None:
    requests = [ask(tiny, f"kept {n}") for n in range(5)]
    first = said(local(tiny, books=books(tmp_path)), requests)
    account = books(tmp_path)
    assert said(local(tiny, books=account), requests) == first
    assert (account.ledger.of(tiny).cached, account.ledger.of(tiny).answered) == (5, 0)


def test_what_does_not_fit_fails_alone(tiny: str) -> None:
    found = told(local(tiny), [ask(tiny, "x" * 600), ask(tiny, "short")])
    failed = found["x" * 600]
    assert isinstance(failed, Failed)
    assert failed.reason == "rejected"
    assert "exceed the model's 512" in failed.detail
    assert isinstance(found["short"], Reply)


def test_a_budget_stops_before_it_is_exceeded(tiny: str) -> None:
    account = books(budget=Budget(tokens=200))
    with pytest.raises(Refused, match="before --budget 200 tokens could be exceeded"):
        told(local(tiny, books=account, most_rows=2), [ask(tiny, f"question {n}") for n in range(20)])
    assert 0 < account.purse.spent <= 200


def test_another_model_than_the_steps_is_refused(tiny: str) -> None:
    with pytest.raises(Misuse, match="was loaded"):
        told(local(tiny), [Request(messages=(Message("user", "hi"),), sampling=Sampling(model="other"))])


def test_a_folder_without_a_model_is_misuse(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="cannot be loaded"):
        Local(str(tmp_path), books=books())
