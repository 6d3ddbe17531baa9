"""A limit on what a run may spend, kept by reserving the worst case of everything that is under way."""

import asyncio
import math
import re
from collections import deque
from dataclasses import dataclass

from dataset_cards.versions.errors import Misuse

from .llm import Reply, Request
from .prices import Prices

TEMPLATE = 256  # tokens that a chat template may add to what is sent


@dataclass(frozen=True, kw_only=True)
class Budget:
    """The most a run may spend: tokens, or money."""

    tokens: int | None = None
    money: float | None = None

    def __str__(self) -> str:
        return f"{self.tokens:,} tokens" if self.tokens is not None else f"{self.money:,.2f}"


def parse_budget(text: str) -> Budget:
    """`5`, `2.50` are money in the currency of the prices file; `200000 tokens`, `200_000tokens` are tokens.

    Raises:
        Misuse: it is neither.
    """
    found = re.fullmatch(r"\s*([\d_,]+(?:\.\d+)?)\s*(tokens?)?\s*", text)
    number = float(re.sub("[_,]", "", found[1]) or "nan") if found else math.nan
    if found is None or math.isnan(number) or (found[2] and number != int(number)):
        raise Misuse(f"--budget {text!r}: write an amount of money such as 2.50, or tokens such as '200000 tokens'")
    return Budget(tokens=int(number)) if found[2] else Budget(money=number)


class Spent(Exception):
    """The next request might exceed the budget, and nothing is under way that could leave room for it."""


class Purse:
    """What is spent and reserved of a budget. Lives in one event loop.

    A request reserves the most it can cost before each try: a token per byte of what is sent, which no tokeniser
    exceeds, and `max_tokens`. Its true cost replaces that when it is answered. One that might not fit waits until
    others have settled for less.
    """

    def __init__(self, budget: Budget | None, prices: Prices | None, batch: bool = False) -> None:
        if budget is not None and budget.money is not None and prices is None:
            raise Misuse(f"--budget {budget} is money, and nothing says what tokens cost: give --prices FILE")
        self.budget = budget
        self.prices = prices
        self.batch = batch
        self.limit = math.inf
        if budget is not None:
            self.limit = float(budget.tokens) if budget.tokens is not None else float(budget.money or 0.0)
        self.spent = 0.0
        self.reserved = 0.0
        self._queue: deque[asyncio.Future[None]] = deque()

    def price(self, model: str, prompt_tokens: int, completion_tokens: int) -> float:
        """What so many tokens take of the budget: money, or the tokens themselves."""
        if self.budget is None or self.budget.money is None or self.prices is None:
            return float(prompt_tokens + completion_tokens)
        return self.prices.of(model).cost(prompt_tokens, completion_tokens, self.batch)

    def worst(self, request: Request) -> float:
        """The most a try of this request can cost."""
        return self.price(request.sampling.model, len(request.body) + TEMPLATE, request.sampling.max_tokens)

    def fits(self, request: Request) -> bool:
        return self.spent + self.reserved + self.worst(request) <= self.limit

    async def reserve(self, request: Request) -> None:
        """Set aside what a try may cost, waiting for room if need be.

        Raises:
            Spent: there will be no room.
        """
        while self.limit < math.inf and not self.fits(request):
            if self.reserved <= 0:
                raise Spent
            place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._queue.append(place)
            await place
        self.reserved += self.worst(request)

    def pay(self, model: str, reply: Reply) -> None:
        """An answer cost this."""
        self.spent += self.price(model, reply.prompt_tokens, reply.completion_tokens)

    def settle(self, request: Request, reply: Reply | None, paid: bool = False) -> None:
        """A try is over: it was answered, or brought nothing and may be `paid` all the same."""
        worst = self.worst(request)
        self.reserved = max(self.reserved - worst, 0.0) if self.reserved - worst > 1e-9 else 0.0
        if reply is not None and reply.prompt_tokens:
            self.pay(request.sampling.model, reply)
        elif reply is not None or paid:
            self.spent += worst  # nobody said what it cost
        while self._queue:
            if not (place := self._queue.popleft()).done():
                place.set_result(None)
