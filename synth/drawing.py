"""How a recipe's parameters say which model answers and how it draws."""

from .llm.llm import Sampling


def drawn(
    model: str,
    revision: str | None,
    temperature: float,
    top_p: float,
    max_tokens: int,
    extra: str | None,
    seed: int | None = None,
) -> Sampling:
    """See `Sampling`; without a seed the server draws as it likes."""
    return Sampling(
        model=model,
        revision=revision,
        temperature=temperature,
        top_p=top_p,
        max_tokens=max_tokens,
        seed=seed,
        extra=extra,
    )
