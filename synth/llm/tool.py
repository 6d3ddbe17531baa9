"""The model of a run, with what asking it has cost said at the end."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.files import Folder

from .llm import LLM, Failed, Reply, Request


class NoModel:
    """Stands where a run was given no model; most steps need none."""

    taint: str | None = None

    def ask(self, requests: Iterable[Request | None]) -> Iterator[tuple[Request, Reply | Failed]]:
        """Raises Misuse, which says how to name a model."""
        from .choose import FORMS

        raise Misuse(f"this recipe asks a model, and the run was given none: add --llm ADDRESS, which is {FORMS}")


@contextmanager
def asked(
    address: str | None, root: Folder, prices: str | None, budget: str | None, say: Callable[[str], None]
) -> Iterator[LLM]:
    """The model at `address` while the run lasts; then `say` is told what was asked of it and what that cost.

    Raises:
        Misuse: prices or a budget without a model, or an address that is none.
    """
    if address is None:
        if prices is not None or budget is not None:
            raise Misuse("--prices and --budget are about a model; add --llm ADDRESS")
        yield NoModel()
        return
    from .choose import open_llm

    model, books = open_llm(address, root, prices=prices, budget=budget)
    try:
        yield model
    finally:
        if text := books.ledger.text():
            say(text)
        if books.cache is not None:
            books.cache.close()
