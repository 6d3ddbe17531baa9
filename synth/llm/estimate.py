"""What asking would take, in tokens and money, from a sample of the requests."""

import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from dataset_cards.versions.errors import Misuse

from .cache import Cache
from .llm import Request
from .prices import Prices

CHARACTERS = 3.5  # per token: below what English prose has with present tokenisers (4 to 5), so that estimates are high
ENOUGH = 20  # answers in the cache from which a ratio is trusted
TEMPLATE = 4  # tokens that a chat template adds per message


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Tokens and money for `requests` requests. `how` says, per number, where it comes from.

    `most_tokens` and `most_money` take every answer to be as long as max_tokens allows.
    """

    requests: int
    prompt_tokens: int
    completion_tokens: int
    most_tokens: int
    money: float | None
    most_money: float | None
    currency: str | None
    how: tuple[str, ...]

    def json(self) -> dict[str, Any]:
        return {**self.__dict__, "how": list(self.how)}

    def text(self) -> str:
        """For people."""
        said = f"{self.requests:,} requests, about {self.prompt_tokens:,} + {self.completion_tokens:,} tokens"
        said += f" (at most {self.most_tokens:,})"
        if self.money is not None and self.most_money is not None:
            said += f", about {self.money:,.2f} {self.currency} (at most {self.most_money:,.2f})"
        return "\n".join([said, *(f"  {reason}" for reason in self.how)])


def estimate(
    sample: Sequence[Request],
    requests: int | None = None,
    *,
    tokenizer: str | None = None,
    cache: Cache | None = None,
    prices: Prices | None = None,
    batch: bool = False,
) -> Estimate:
    """What `requests` requests like those of the sample would take; all of them where the sample is everything.

    Prompts are counted with a `tokenizers` file where one is given, else by characters per token as measured on the
    answers of this model in the cache, else by a fixed ratio. Answers are taken to be as long as those in the cache on
    average, else half as long as allowed.

    Raises:
        Misuse: an empty sample, several models, a model without a price, or a tokenizer that cannot be read.
    """
    models = {request.sampling.model for request in sample}
    if len(models) != 1:
        raise Misuse(f"an estimate needs requests of one model; the sample has {len(models)}")
    model = models.pop()
    known, characters, asked, answered = cache.measured(model) if cache is not None else (0, 0, 0, 0)
    count, how = _counter(tokenizer, known, characters, asked)
    prompt = statistics.fmean(count(request) for request in sample)
    most = statistics.fmean(request.sampling.max_tokens for request in sample)
    if known >= ENOUGH:
        completion = min(answered / known, most)
        how_long = f"answers: {completion:,.0f} tokens each, the mean of {known:,} in the cache"
    else:
        completion = most / 2
        how_long = f"answers: {completion:,.0f} tokens each, half of max_tokens, since the cache has too few to go by"
    total = requests if requests is not None else len(sample)
    tokens = round(total * prompt), round(total * completion), round(total * most)
    price = prices.of(model) if prices is not None else None
    return Estimate(
        requests=total,
        prompt_tokens=tokens[0],
        completion_tokens=tokens[1],
        most_tokens=tokens[0] + tokens[2],
        money=price.cost(tokens[0], tokens[1], batch) if price else None,
        most_money=price.cost(tokens[0], tokens[2], batch) if price else None,
        currency=prices.currency if prices else None,
        how=(how, how_long),
    )


def _counter(tokenizer: str | None, known: int, characters: int, asked: int) -> tuple[Callable[[Request], float], str]:
    if tokenizer is not None:
        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise Misuse("counting tokens needs the tokenizers package: pip install 'gristmill[tokens]'") from error
        try:
            loaded = Tokenizer.from_file(tokenizer)
        except Exception as error:  # the library raises bare Exception for a file that is none
            raise Misuse(f"{tokenizer} is no tokenizers file ({error})") from error

        def exact(request: Request) -> float:
            texts = [message.content for message in request.messages]
            return sum(len(found.ids) for found in loaded.encode_batch(texts)) + TEMPLATE * len(texts)

        return exact, f"prompts: counted with {tokenizer}, and {TEMPLATE} tokens per message for the chat template"
    if known >= ENOUGH and asked:
        ratio = characters / asked
        said = f"prompts: {ratio:.2f} characters per token, measured on {known:,} answers of this model in the cache"
        return lambda request: _characters(request) / ratio, said
    said = f"prompts: {CHARACTERS:g} characters per token, a guess that is high for English and low for other scripts"
    return lambda request: _characters(request) / CHARACTERS + TEMPLATE * len(request.messages), said


def _characters(request: Request) -> int:
    return sum(len(message.content) for message in request.messages) + (
        len(json.dumps(request.schema)) if request.schema is not None else 0
    )
