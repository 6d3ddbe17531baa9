"""What a run asked of each model and what became of it: requests, tokens, tries, faults, time, money."""

import os
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from .cache import Cache
from .llm import Reply
from .prices import Prices


@dataclass
class Tally:
    """Counts for one model. `requests` = cached + answered + failed, once a run is through.

    `seconds` is the time that answered tries took, added up over all that were under way at once. `uncounted` are
    answers for which the server named no tokens. `perhaps_paid` are tries that brought nothing but may cost something.
    """

    requests: int = 0
    cached: int = 0
    answered: int = 0
    tries: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    uncounted: int = 0
    perhaps_paid: int = 0
    seconds: float = 0.0
    cost: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)  # by reason; tries that were repeated or given up
    failed: Counter[str] = field(default_factory=Counter)  # by reason; requests that ended without an answer

    def json(self) -> dict[str, Any]:
        """As it is stored."""
        return {**self.__dict__, "faults": dict(self.faults), "failed": dict(self.failed)}


class Ledger:
    """The counts of this run, by model."""

    def __init__(self, prices: Prices | None = None) -> None:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.run = f"{stamp}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self.prices = prices
        self.started = time.time()
        self.models: dict[str, Tally] = {}

    def of(self, model: str) -> Tally:
        """The counts of one model, to be added to.

        Raises:
            Misuse: the prices do not name it. Before it is asked, so that nothing is paid for and then lost.
        """
        if model not in self.models:
            if self.prices is not None:
                self.prices.of(model)
            self.models[model] = Tally()
        return self.models[model]

    def answered(self, model: str, reply: Reply, seconds: float = 0.0, batch: bool = False) -> None:
        """One answer was paid for."""
        tally = self.of(model)
        tally.answered += 1
        tally.prompt_tokens += reply.prompt_tokens
        tally.completion_tokens += reply.completion_tokens
        tally.uncounted += reply.prompt_tokens == 0
        tally.seconds += seconds
        if self.prices is not None:
            price = self.prices.of(model)
            tally.cost += price.cost(reply.prompt_tokens, reply.completion_tokens, batch)

    def counts(self) -> dict[str, dict[str, Any]]:
        """What is stored of this run so far, by model."""
        about: dict[str, Any] = {"started": self.started, "wall": time.time() - self.started}
        about |= {"currency": self.prices.currency} if self.prices else {}
        return {model: {**tally.json(), **about} for model, tally in self.models.items()}

    def text(self) -> str:
        """One line per model for people."""
        return "\n".join(f"{model}: {_line(tally, self.prices)}" for model, tally in sorted(self.models.items()))


def _line(tally: Tally, prices: Prices | None) -> str:
    said = [f"{tally.requests:,} requests", f"{tally.answered:,} answered", f"{tally.cached:,} from the cache"]
    said += [f"{n:,} failed ({reason})" for reason, n in sorted(tally.failed.items())]
    said += [f"{n:,} tries {reason}" for reason, n in sorted(tally.faults.items())]
    said.append(f"{tally.prompt_tokens:,} + {tally.completion_tokens:,} tokens")
    if tally.uncounted:
        said.append(f"{tally.uncounted:,} answers without a count of tokens")
    if prices is not None:
        said.append(f"{tally.cost:,.2f} {prices.currency}")
    return ", ".join(said)


def totals(cache: Cache, run: str | None = None) -> dict[str, dict[str, Any]]:
    """Counts by model over all runs that used a cache, or over one of them. Money is added up by currency."""
    sql = "SELECT model, counts FROM runs" + (" WHERE run = ?" if run is not None else "") + " ORDER BY run"
    result: dict[str, dict[str, Any]] = {}
    for model, text in cache.rows(sql, *([run] if run is not None else [])):
        counts = orjson.loads(text)
        money = {counts.pop("currency"): counts["cost"]} if "currency" in counts else {}
        del counts["cost"], counts["started"]
        total = result.setdefault(model, {"runs": 0, "cost": {}})
        total["runs"] += 1
        _add(total, {**counts, "cost": money})
    return result


def _add(total: dict[str, Any], counts: Mapping[str, Any]) -> None:
    for name, value in counts.items():
        if isinstance(value, Mapping):
            _add(total.setdefault(name, {}), value)
        else:
            total[name] = total.get(name, 0) + value
