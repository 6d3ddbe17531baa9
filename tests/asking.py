"""What tests of language models share: questions, books, and everything that was said to a model, in a dict."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from synth.llm.budget import Budget, Purse
from synth.llm.cache import Cache
from synth.llm.courier import Books
from synth.llm.ledger import Ledger
from synth.llm.llm import LLM, Failed, Message, Reply, Request, Sampling
from synth.llm.prices import Prices

SAMPLING = Sampling(model="m", temperature=0.0, max_tokens=50)


def question(text: str, **more: Any) -> Request:
    return Request(messages=(Message("user", text),), sampling=more.pop("sampling", SAMPLING), **more)


def questions(count: int, suffix: str = "") -> list[Request]:
    return [question(f"question {n}{suffix}") for n in range(count)]


def books(folder: Path | None = None, budget: Budget | None = None, prices: Prices | None = None) -> Books:
    """New books; with a folder, the cache in it."""
    cache = Cache(folder / "answers.sqlite") if folder is not None else None
    return Books(ledger=Ledger(prices), purse=Purse(budget, prices), cache=cache)


def told(llm: LLM, requests: Iterable[Request | None]) -> dict[str, Reply | Failed]:
    """What became of each request, by its last message; each must come back exactly once."""
    found: dict[str, Reply | Failed] = {}
    for request, outcome in llm.ask(requests):
        assert request.messages[-1].content not in found
        found[request.messages[-1].content] = outcome
    return found


def texts(found: dict[str, Reply | Failed]) -> dict[str, str]:
    """Answers by question; a failure shows as its reason in angle brackets."""
    return {asked: one.text if isinstance(one, Reply) else f"<{one.reason}>" for asked, one in found.items()}
